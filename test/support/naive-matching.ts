import { Code } from '../../engine/codes.ts';
import { SymbolParam } from '../../engine/params.ts';
import { Phase, ReportKind, SelfTradeMode, Side, SubPhase, Trigger } from '../../engine/wire/layout.ts';
import { BTC, USD } from './exchange-fixture.ts';
import { payFee } from './naive-fees.ts';
import { shownOf, shrink, tradedPart } from './naive-icebergs.ts';
import { type NaiveOrder, RESTING } from './naive-order.ts';
import type { NaiveState } from './naive-state.ts';

/** Trades and rests an accepted order. */
export function enter(state: NaiveState, order: NaiveOrder): void {
  const quantity = order.open;
  const allowed = state.phase !== Phase.Continuous || trade(state, order, state.limit(order));
  let full: number = RESTING.has(order.tif) ? state.room(order, order.price) : remainder(state);
  if (!allowed) full = state.refusal;
  if (order.open > 0 && full === Code.OK) return state.rest(order, order.id);
  if (order.open > 0) state.answer(ReportKind.Cancelled, full, order, order.price, order.open, 0, order.filled);
  state.remember(order, quantity, Code.OK);
}

/** Returns false if self-trade prevention cancels the rest. */
export function trade(state: NaiveState, taker: NaiveOrder, limit: number): boolean {
  const allowed = tradeAll(state, taker, limit);
  state.stops.swept(state.prices, state.movedByTrades);
  state.prices = [];
  return allowed;
}

function tradeAll(state: NaiveState, taker: NaiveOrder, limit: number): boolean {
  const within = state.volatility.bands();
  const { selfTrade } = state.controls;
  const mode = selfTrade.mode(taker);
  const prevents = mode !== SelfTradeMode.None;
  state.refusal = prevents ? Code.CANCELLED_SELF_TRADE : Code.CANCELLED_QUOTES_PULLED;
  let met = 0;
  for (let [maker] = state.queue(1 - taker.side); maker !== undefined; [maker] = state.queue(1 - taker.side)) {
    if (taker.open === 0 || !state.crosses(taker.side, limit, maker.price)) break;
    if (prevents) met++;
    if (met > selfTrade.mostMet) {
      state.seen.add(prevents ? 'prevention has met the most' : 'the most quotes pulled');
      return false;
    }
    if (prevents && selfTrade.own(taker, maker)) {
      if (mode === SelfTradeMode.CancelNewest) return false;
      if (mode === SelfTradeMode.Decrement) decrement(state, taker, maker);
      else prevent(state, maker, maker.open);
      if (mode === SelfTradeMode.CancelBoth) return false;
      continue;
    }
    if (!within(maker.price)) {
      interrupt(state);
      break;
    }
    const [makerId, part] = shownOf(maker);
    if (maker.hidden) state.seen.add('hidden order traded');
    if (maker.peg && state.pegs.goesOn) state.seen.add('peg filled while a batch goes on');
    if (maker.iceberg && state.resting.some((o) => o.hidden && o.side === maker.side && o.price === maker.price))
      state.seen.add('hidden order behind an iceberg');
    const quantity = Math.min(taker.open, part);
    const [buyer, seller] = taker.side === Side.Buy ? [taker, maker] : [maker, taker];
    const takerFee = payFee(taker.fees, maker.price * quantity, taker.fees.taker);
    // A rebate is at most what the taker pays.
    const makerFee = payFee(maker.fees, maker.price * quantity, Math.max(maker.fees.maker, -taker.fees.taker));
    settle(state, buyer, seller, maker.price, quantity, buyer === taker ? takerFee : makerFee, buyer === taker ? makerFee : takerFee);
    fill(state, maker, taker.id, maker.price, quantity, makerFee, 1);
    fill(state, taker, makerId, maker.price, quantity, takerFee, 0);
    state.links.filled(maker, quantity);
    const nextId = (): number => ++state.lastOrderId;
    const least = (): number => (++state.parts > state.partsPerCommand && mode <= SelfTradeMode.None ? taker.open : 0);
    if (tradedPart(maker, quantity, nextId, least)) {
      state.seen.add(state.parts > state.partsPerCommand ? 'iceberg has one more part' : 'iceberg refreshed');
      if (maker.link) state.seen.add('linked iceberg refreshed');
      state.leavePlace(maker);
      state.takePlace(maker);
    } else if (maker.open === 0) state.gone(maker);
    if (state.protections.filled(maker, quantity)) met += pull(state, maker.account);
  }
  return true;
}

/** The symbol is in an auction only if the order's next trade would have left a band. */
export function remainder(state: NaiveState): number {
  return state.phase === Phase.Continuous ? Code.CANCELLED_REMAINDER : Code.CANCELLED_VOLATILITY;
}

function interrupt(state: NaiveState): void {
  state.phase = Phase.Auction;
  state.volatility.begin(state.timeUs);
  nameInterruption(state);
}

export function nameInterruption(state: NaiveState): void {
  state.subPhase = state.volatility.limitState ? SubPhase.LimitState : SubPhase.VolatilityAuction;
}

/** Cancels the quotes of an account, the bid first. Returns how many. */
export function pull(state: NaiveState, account: number): number {
  let count = 0;
  for (const side of [Side.Buy, Side.Sell]) {
    const o = state.quoteOf(account, side);
    if (o === undefined) continue;
    state.end(o, Code.CANCELLED_PROTECTION);
    count++;
  }
  return count;
}

function decrement(state: NaiveState, taker: NaiveOrder, maker: NaiveOrder): void {
  const lots = Math.min(taker.open, maker.open);
  prevent(state, maker, lots);
  taker.open -= lots;
  const left = state.leaves(taker);
  const [kind, quantity] = left > 0 ? [ReportKind.Amended, left] : [ReportKind.Cancelled, lots];
  state.answer(kind, Code.CANCELLED_SELF_TRADE, taker, taker.price, quantity, left, taker.filled);
}

/** Takes lots off a resting order. */
function prevent(state: NaiveState, maker: NaiveOrder, lots: number): void {
  if (maker.hidden) state.seen.add('own hidden order prevented');
  const { price, filled } = maker;
  if (lots === maker.open) {
    return state.end(maker, Code.CANCELLED_SELF_TRADE);
  }
  maker.open -= lots;
  if (maker.iceberg) state.seen.add('iceberg decremented');
  shrink(maker);
  const left = state.leaves(maker);
  state.answer(ReportKind.Amended, Code.CANCELLED_SELF_TRADE, maker, price, left, left, filled, 4);
  state.links.reduced(maker);
}

export function settle(
  state: NaiveState,
  buyer: NaiveOrder,
  seller: NaiveOrder,
  price: number,
  quantity: number,
  buyerFee: number,
  sellerFee: number,
): void {
  state.pay(buyer.account, USD, -price * quantity - buyerFee);
  state.pay(buyer.account, BTC, quantity);
  state.pay(seller.account, USD, price * quantity - sellerFee);
  state.pay(seller.account, BTC, -quantity);
  state.fees += buyerFee + sellerFee;
  for (const o of [buyer, seller]) {
    o.open -= quantity;
    o.filled += quantity;
  }
  state.tradeId++;
  state.lastPrice = price;
  if (state.movedByTrades.includes(Trigger.ReferencePrice)) state.params[SymbolParam.ReferencePrice] = price;
  else state.seen.add('trade beside an outside reference');
  state.prices.push(price);
}

export function fill(state: NaiveState, o: NaiveOrder, contra: number, price: number, quantity: number, paid: number, flags: number): void {
  state.controls.filled(o.account);
  state.feeTiers.note(o.account, price * quantity, state.timeUs);
  state.controls.positions.traded(o.account, o.side, quantity);
  state.say({
    kind: ReportKind.Fill,
    flags,
    code: 0,
    account: o.account,
    clientOrderId: o.client,
    orderId: o.id,
    price,
    quantity,
    leaves: state.leaves(o),
    filled: o.filled,
    fee: paid,
    tradeId: state.tradeId,
    contraOrderId: contra,
    stopPrice: 0,
    trigger: 0,
  });
}
