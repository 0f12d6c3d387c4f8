import { Code } from '../../engine/codes.ts';
import { SymbolParam } from '../../engine/params.ts';
import { Instruction, OrderType, ReportKind, TimeInForce } from '../../engine/wire/layout.ts';
import { checkAuction, checkNew, checkPeg, checkStop } from './naive-checks.ts';
import { enter } from './naive-matching.ts';
import { type NaiveOrder, type NewFields, type Remembered, type StopOrder, termsOf, trailOf } from './naive-order.ts';
import { pegOf } from './naive-pegs.ts';
import type { NaiveState } from './naive-state.ts';

export function newOrder(state: NaiveState, f: NewFields): void {
  if (again(state, f)) return;
  const order = orderOf(state, f);
  const now = ((f.extension?.instructions ?? 0) & Instruction.TriggerNow) !== 0;
  const auction = f.timeInForce >= TimeInForce.AtTheOpen;
  let code: number;
  if (auction) code = checkAuction(state, order, f.symbol);
  else if (order.peg) code = checkPeg(state, order, f.symbol);
  else code = order.stop ? checkStop(state, order as StopOrder, undefined, now) : checkNew(state, order, f.symbol);
  if (code !== Code.OK) {
    order.price = f.price;
    state.answer(ReportKind.Rejected, code, order, f.price, f.quantity, 0, 0);
    const forgotten: number[] = [Code.CLIENT_ORDER_ID_TOO_OLD, Code.THROTTLED, Code.ORDER_TO_TRADE, Code.TRAIL_UNAVAILABLE];
    if (!forgotten.includes(code)) state.remember(order, f.quantity, code);
    return;
  }
  if (order.peg) order.price = state.pegs.price(order);
  accept(state, order);
  if (order.peg) return state.pegs.add(order);
  if (order.stop) return wait(state, order as StopOrder, now);
  if (auction) {
    order.waits = true;
    return state.auctions.add(order);
  }
  enter(state, order);
}

export function accept(state: NaiveState, order: NaiveOrder): void {
  order.id = ++state.lastOrderId;
  state.answer(ReportKind.Accepted, 0, order, order.price, order.open, order.open, 0);
}

export function knownOrder(state: NaiveState, f: NewFields): NaiveOrder | Remembered | undefined {
  const same = (o: { account: number; client: number }): boolean => o.account === f.account && o.client === f.clientOrderId;
  return state.open.find(same) ?? state.remembered.find(same);
}

/** Answers an order that was sent before. */
export function again(state: NaiveState, f: NewFields): boolean {
  const who = { account: f.account, client: f.clientOrderId, id: 0 };
  const known = knownOrder(state, f);
  if (known === undefined) return false;
  state.controls.count(f.account);
  if (state.rules >= 3 && known.terms !== termsOf(f)) {
    state.answer(ReportKind.Rejected, Code.CLIENT_ORDER_ID_REUSED, who, f.price, f.quantity, 0, 0);
  } else if ('open' in known) {
    state.answer(ReportKind.Accepted, 0, known, known.price, state.leaves(known) + known.filled, state.leaves(known), known.filled, 2);
  } else {
    const kind = known.orderId ? ReportKind.Accepted : ReportKind.Rejected;
    state.answer(kind, known.code, { ...who, id: known.orderId }, known.price, known.quantity, 0, known.filled, 2);
  }
  return true;
}

export function orderOf(state: NaiveState, f: NewFields): NaiveOrder {
  const { stopPrice = 0, trigger = 0, orderType = 0, displayedQuantity = 0 } = f.extension ?? {};
  return {
    ...(displayedQuantity > 0 && { iceberg: { display: displayedQuantity, shown: 0, id: 0, first: 0 } }),
    ...pegOf(f),
    arrived: 0,
    ...(stopPrice > 0 && { stop: { price: stopPrice, trigger, unit: 0 } }),
    ...(orderType >= OrderType.TrailingStop && { stop: { price: 0, trigger, unit: 0, trail: trailOf(f) } }),
    id: 0,
    fees: state.newFees(f.account),
    client: f.clientOrderId,
    account: f.account,
    side: f.side,
    tif: f.timeInForce,
    hidden: ((f.extension?.instructions ?? 0) & Instruction.Hidden) !== 0,
    postOnly: f.timeInForce === TimeInForce.PostOnly || ((f.extension?.instructions ?? 0) & Instruction.PostOnly) !== 0,
    reprice: ((f.extension?.instructions ?? 0) & Instruction.Reprice) !== 0,
    selfTrade: f.extension?.selfTradeMode ?? 0,
    session: state.rules < 6 ? 0 : (f.session ?? 0),
    end: endOf(state, f.timeInForce, f.extension?.expiryUs ?? 0),
    tag: f.tag,
    market:
      f.timeInForce === TimeInForce.Market ||
      [OrderType.Market, OrderType.Stop, OrderType.TrailingStop].some((type) => type === f.extension?.orderType),
    least: f.timeInForce === TimeInForce.FillOrKill ? f.quantity : (f.extension?.minQuantity ?? 0),
    price: f.price,
    open: f.quantity,
    filled: 0,
    terms: termsOf(f),
  };
}

function endOf(state: NaiveState, timeInForce: number, expiryUs: number): number {
  if (timeInForce === TimeInForce.Day) return state.params[SymbolParam.SessionEnd];
  return timeInForce === TimeInForce.GoodTillDate ? expiryUs : Infinity;
}

export function wait(state: NaiveState, o: StopOrder, now: boolean): void {
  const { price, trigger } = o.stop;
  const holds = now && state.stops.holds(o.side, trigger, price, state.priceOf(trigger));
  beginToWait(state, o);
  if (holds) state.stops.cross(o.side, price, [trigger]);
}

export function beginToWait(state: NaiveState, o: StopOrder): void {
  state.stops.pending.push(o);
  if (((o.stop.trail?.instructions ?? 0) & Instruction.ReportTrail) !== 0) state.trailReports.add(o);
}
