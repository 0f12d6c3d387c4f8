import { Code } from '../../engine/codes.ts';
import { SymbolParam } from '../../engine/params.ts';
import { Phase, Side, TimeInForce } from '../../engine/wire/layout.ts';
import { BTC, SYMBOL, USD } from './exchange-fixture.ts';
import { reservedFee } from './naive-fees.ts';
import { canDisplay } from './naive-icebergs.ts';
import { type NaiveOrder, RESTING, type StopOrder } from './naive-order.ts';
import type { ProtectionTrial } from './naive-protections.ts';
import type { NaiveState } from './naive-state.ts';
import { activates, awaitParent, type NaiveTrail, reprice } from './naive-trails.ts';

export function checkNew(state: NaiveState, o: NaiveOrder, symbol: number): number {
  if (o.client <= (state.forgotten.get(state.idClass(o)) ?? 0)) return Code.CLIENT_ORDER_ID_TOO_OLD;
  const basic =
    state.controls.check(o.account, symbol) ||
    (symbol === SYMBOL ? state.controls.positions.check(o, o.open, state.counted) : 0) ||
    moveBehind(state, o) ||
    check(state, o) ||
    (o.iceberg && !canDisplay(o.iceberg.display, o.open, state.params[SymbolParam.MinDisplayed]) ? Code.DISPLAYED_QUANTITY : 0);
  if (basic === Code.OK && RESTING.has(o.tif)) {
    if (state.counted.length >= state.limits.orders) return Code.BOOK_FULL;
    if (state.counted.filter(({ account }) => account === o.account).length >= state.limits.ordersPerAccount) return Code.ORDER_SHARE_FULL;
  }
  return basic || checkOrder(state, o);
}

/** Moves an order that may be repriced behind the other side. */
export function moveBehind(state: NaiveState, o: NaiveOrder): number {
  const max = state.params[SymbolParam.MaxPrice];
  const best = state.queue(1 - o.side)[0];
  if (!o.reprice || checkEntry(state, o) !== Code.OK || o.price > max || !best || !state.crosses(o.side, o.price, best.price))
    return Code.OK;
  const behind = o.side === Side.Buy ? best.price - 1 : best.price + 1;
  if (behind < 1 || behind > max) return Code.NO_PRICE_LEFT;
  o.price = behind;
  return Code.OK;
}

/** The checks that a stop has again when it triggers. */
export function checkOrder(state: NaiveState, o: NaiveOrder): number {
  const basic = check(state, o);
  if (basic !== Code.OK) return basic;
  const reach = state.queue(1 - o.side).filter((m) => state.crosses(o.side, state.limit(o), m.price));
  const { lots: there, cost: toPay } = state.controls.selfTrade.trades(o, reach, trialOf(state));
  if (o.market && reach.length === 0) return Code.NO_LIQUIDITY;
  const cost = o.market ? toPay : o.price * o.open;
  // Money is checked before the book's part of the time in force.
  const needed = o.side === Side.Buy ? cost + reservedFee(o.fees, cost) : o.open;
  if (needed > state.available(o.account, o.side === Side.Buy ? USD : BTC)) return Code.INSUFFICIENT_FUNDS;
  if (Math.min(there, state.controls.selfTrade.trades(o, state.volatility.inside(reach), trialOf(state)).lots) < o.least)
    return o.tif === TimeInForce.FillOrKill ? Code.FOK_NOT_FILLABLE : Code.MIN_QUANTITY_NOT_FILLABLE;
  return o.postOnly && reach.length > 0 ? Code.POST_ONLY_WOULD_TRADE : Code.OK;
}

function checkEntry(state: NaiveState, o: NaiveOrder): number {
  if (state.phase === Phase.Halted) return Code.SYMBOL_HALTED;
  if (state.phase === Phase.Closed) return Code.SYMBOL_CLOSED;
  if (state.phase === Phase.Auction && (o.postOnly || (!RESTING.has(o.tif) && o.tif < TimeInForce.AtTheOpen))) return Code.NOT_IN_AUCTION;
  if (o.end <= state.timeUs) return o.tif === TimeInForce.Day ? Code.NO_SESSION : Code.EXPIRY_PAST;
  return Code.OK;
}

export function check(state: NaiveState, o: NaiveOrder): number {
  return checkEntry(state, o) || checkTerms(state, o);
}

export function checkTerms(state: NaiveState, o: NaiveOrder): number {
  if (o.open < state.params[SymbolParam.MinQuantity]) return Code.QUANTITY_MIN;
  if (o.market) return Code.OK;
  if (o.price < 1 || o.price > state.params[SymbolParam.MaxPrice]) return Code.PRICE_RANGE;
  const reference = state.params[SymbolParam.ReferencePrice];
  const band = state.params[SymbolParam.PriceBandPpm];
  const worse = o.side === Side.Buy ? o.price - reference : reference - o.price;
  return band > 0 && reference > 0 && worse * 1e6 > reference * band ? Code.PRICE_BAND : Code.OK;
}

export function checkAuction(state: NaiveState, o: NaiveOrder, symbol: number): number {
  if (o.client <= (state.forgotten.get(state.idClass(o)) ?? 0)) return Code.CLIENT_ORDER_ID_TOO_OLD;
  const basic =
    state.controls.check(o.account, symbol) ||
    state.controls.positions.check(o, o.open, state.open) ||
    (state.phase === Phase.Halted ? Code.SYMBOL_HALTED : state.phase === Phase.Closed ? Code.SYMBOL_CLOSED : Code.OK) ||
    (state.auctions.isOver(o.tif) ? Code.AUCTION_OVER : Code.OK) ||
    checkTerms(state, o);
  if (basic !== Code.OK) return basic;
  if (state.open.length >= state.limits.orders) return Code.BOOK_FULL;
  if (state.open.filter(({ account }) => account === o.account).length >= state.limits.ordersPerAccount) return Code.ORDER_SHARE_FULL;
  if (o.market) o.price = state.limit(o);
  return state.need(o) > state.available(o.account, o.side === Side.Buy ? USD : BTC) ? Code.INSUFFICIENT_FUNDS : Code.OK;
}

/** A new pegged order. Its price is its limit. */
export function checkPeg(state: NaiveState, o: NaiveOrder, symbol: number): number {
  if (o.client <= (state.forgotten.get(state.idClass(o)) ?? 0)) return Code.CLIENT_ORDER_ID_TOO_OLD;
  const basic =
    state.controls.check(o.account, symbol) ||
    state.controls.positions.check(o, o.open, state.open) ||
    checkEntry(state, { ...o, postOnly: false }) ||
    (state.pegs.isOffset(o) ? Code.OK : Code.PEG_OFFSET) ||
    checkTerms(state, o);
  if (basic !== Code.OK) return basic;
  if (state.open.length >= state.limits.orders) return Code.BOOK_FULL;
  if (state.open.filter(({ account }) => account === o.account).length >= state.limits.ordersPerAccount) return Code.ORDER_SHARE_FULL;
  if (!state.pegs.hasRoom(o)) return Code.PEG_LIMIT;
  return state.need(o) > state.available(o.account, o.side === Side.Buy ? USD : BTC) ? Code.INSUFFICIENT_FUNDS : Code.OK;
}

/** An amend of a pegged order to another limit, or to more. */
export function checkPegAmend(state: NaiveState, o: NaiveOrder, old: NaiveOrder): number {
  const basic = checkEntry(state, { ...o, postOnly: false, end: Infinity }) || checkTerms(state, o);
  if (basic !== Code.OK) return basic;
  const free = state.available(o.account, o.side === Side.Buy ? USD : BTC) + state.need(old);
  return state.need(o) > free ? Code.INSUFFICIENT_FUNDS : Code.OK;
}

/** A market order of an auction cannot get another price or a larger quantity. */
export function checkMarketAmend(state: NaiveState): number {
  if (state.phase === Phase.Halted) return Code.SYMBOL_HALTED;
  return state.phase === Phase.Closed ? Code.SYMBOL_CLOSED : Code.NOT_IN_AUCTION;
}

export function tradesInFull(state: NaiveState, o: NaiveOrder): boolean {
  const reach = state.queue(1 - o.side).filter((m) => state.crosses(o.side, o.price, m.price));
  return (
    state.phase === Phase.Continuous && state.controls.selfTrade.trades(o, state.volatility.inside(reach), trialOf(state)).lots >= o.open
  );
}

/** Checks an order that will wait for fills of its parent: without money, positions and the book. */
export function checkChild(state: NaiveState, o: NaiveOrder, symbol: number): number {
  if (o.client <= (state.forgotten.get(state.idClass(o)) ?? 0)) return Code.CLIENT_ORDER_ID_TOO_OLD;
  const basic = checkChildAmend(state, o, symbol, () => {
    if (o.end > state.timeUs) return Code.OK;
    return o.tif === TimeInForce.Day ? Code.NO_SESSION : Code.EXPIRY_PAST;
  });
  if (basic !== Code.OK) return basic;
  if (o.iceberg && !canDisplay(o.iceberg.display, o.open, state.params[SymbolParam.MinDisplayed])) return Code.DISPLAYED_QUANTITY;
  if (state.counted.length >= state.limits.orders) return Code.BOOK_FULL;
  const own = state.counted.filter(({ account }) => account === o.account).length;
  return own >= state.limits.ordersPerAccount ? Code.ORDER_SHARE_FULL : Code.OK;
}

/** Checks its terms at an amend. @param end a check between others */
export function checkChildAmend(state: NaiveState, o: NaiveOrder, symbol: number, end = (): number => Code.OK): number {
  const controlled = state.controls.check(o.account, symbol);
  if (controlled !== Code.OK) return controlled;
  if (state.phase === Phase.Halted) return Code.SYMBOL_HALTED;
  if (state.phase === Phase.Closed) return Code.SYMBOL_CLOSED;
  const code = end();
  if (code !== Code.OK || o.stop === undefined) return code || checkTerms(state, o);
  return o.stop.trail ? checkWaitingTrail(state, o as StopOrder, o.stop.trail) : checkStopTerms(state, o as StopOrder);
}

/** A child that is a trailing stop: it has the prices at its activation price, or none. */
function checkWaitingTrail(state: NaiveState, o: StopOrder, trail: NaiveTrail): number {
  const isDistance = o.price > 0 === !o.market;
  awaitParent(o);
  const code = trail.activation > 0 ? checkTrailPrices(state, o) || checkStopTerms(state, o) : Code.OK;
  o.stop.unit = 0;
  if (code !== Code.OK || trail.activation > 0) return code;
  if (o.open < state.params[SymbolParam.MinQuantity]) return Code.QUANTITY_MIN;
  return isDistance ? Code.OK : Code.PRICE_RANGE;
}

/** A child that is a trailing stop becomes live. */
export function checkBeginning(state: NaiveState, o: StopOrder): number {
  const { trigger, trail } = o.stop;
  if (trail === undefined) return Code.OK;
  const price = state.priceOf(trigger);
  if (activates(o.side, price, trail.activation)) trail.extreme = price;
  if (trail.extreme + trail.activation === 0) return Code.TRAIL_UNAVAILABLE;
  trail.begins = true;
  reprice(o);
  return checkTrailPrices(state, o) || checkStopTerms(state, { ...o, open: Number.MAX_SAFE_INTEGER, stop: o.stop });
}

function checkTrailPrices(state: NaiveState, o: StopOrder): number {
  if (o.stop.price < 1 || o.stop.price > state.params[SymbolParam.MaxPrice]) return Code.TRAIL_OFFSET;
  return o.market || ((o.stop.trail?.distance ?? 0) > 0 && o.price > 0) ? Code.OK : Code.PRICE_RANGE;
}

/** Checks the numbers of a stop, and sets what it holds back. */
function checkStopTerms(state: NaiveState, o: StopOrder): number {
  if (o.open < state.params[SymbolParam.MinQuantity]) return Code.QUANTITY_MIN;
  const highest = state.params[SymbolParam.MaxPrice];
  const { price } = o.stop;
  if (price < 1 || price > highest) return Code.STOP_PRICE;
  if (o.market !== (o.price === 0) || o.price > highest) return Code.PRICE_RANGE;
  const band = Math.floor((price * state.params[SymbolParam.PriceBandPpm]) / 1e6);
  const worst = o.side === Side.Buy ? Math.min(highest, price + band) : Math.max(1, price - band);
  if (!o.market && state.params[SymbolParam.PriceBandPpm] > 0 && (o.side === Side.Buy ? o.price > worst : o.price < worst))
    return Code.PRICE_BAND;
  o.stop.unit = o.market ? worst : o.price;
  return Code.OK;
}

/** Checks a stop that would wait, and sets what it holds back. @param old the stop that an amend would replace @param now it may trigger at once */
export function checkStop(state: NaiveState, o: StopOrder, old: StopOrder | undefined, now: boolean): number {
  if (old === undefined && o.client <= (state.forgotten.get(state.idClass(o)) ?? 0)) return Code.CLIENT_ORDER_ID_TOO_OLD;
  const controlled = state.controls.check(o.account, SYMBOL) || state.controls.positions.check(o, o.open - (old?.open ?? 0), state.counted);
  if (controlled !== Code.OK) return controlled;
  if (state.phase === Phase.Halted) return Code.SYMBOL_HALTED;
  if (state.phase === Phase.Closed) return Code.SYMBOL_CLOSED;
  if (old === undefined && o.end <= state.timeUs) return o.tif === TimeInForce.Day ? Code.NO_SESSION : Code.EXPIRY_PAST;
  const trailCode = o.stop.trail ? checkTrail(state, o, old) : Code.OK;
  if (trailCode !== Code.OK) return trailCode;
  const terms = checkStopTerms(state, o);
  if (terms !== Code.OK) return terms;
  const { price, trigger } = o.stop;
  if (old === undefined && o.iceberg && !canDisplay(o.iceberg.display, o.open, state.params[SymbolParam.MinDisplayed]))
    return Code.DISPLAYED_QUANTITY;
  if (old === undefined && state.counted.length >= state.limits.orders) return Code.BOOK_FULL;
  if (old === undefined && state.counted.filter(({ account }) => account === o.account).length >= state.limits.ordersPerAccount)
    return Code.ORDER_SHARE_FULL;
  const free = state.available(o.account, o.side === Side.Buy ? USD : BTC) + (old ? state.links.shared(old) : 0);
  if (state.need(o) > free) return Code.INSUFFICIENT_FUNDS;
  if (now || (o.stop.trail ? old && !moves(state, o, old) : price === old?.stop.price)) return Code.OK;
  if (o.stop.trail?.extreme === 0) return Code.OK;
  return state.stops.holds(o.side, trigger, price, state.priceOf(trigger)) ? Code.STOP_WOULD_TRIGGER : Code.OK;
}

function checkTrail(state: NaiveState, o: StopOrder, old: StopOrder | undefined): number {
  const { trigger, trail } = o.stop;
  if (trail === undefined) return Code.OK;
  const price = state.priceOf(trigger);
  if (old === undefined && activates(o.side, price, trail.activation)) trail.extreme = price;
  const stands = state.stops.stands(o.side, state.rules) && (old === undefined || moves(state, o, old));
  if (stands || (price + trail.activation === 0 && old === undefined)) return Code.TRAIL_UNAVAILABLE;
  reprice(o);
  return checkTrailPrices(state, o);
}

/** Whether an amend changes what a trailing stop follows, or how far. */
export function moves(_state: NaiveState, o: StopOrder, old: StopOrder): boolean {
  const [now, before] = [o.stop.trail, old.stop.trail];
  return now?.offset !== before?.offset || now?.activation !== before?.activation;
}

/** What an order that is not placed would do to the protections. */
function trialOf(state: NaiveState): ProtectionTrial<NaiveOrder> {
  return state.protections.trial((account) => [Side.Buy, Side.Sell].flatMap((side) => state.quoteOf(account, side) ?? []));
}
