import { Code } from '../../engine/codes.ts';
import { SymbolParam } from '../../engine/params.ts';
import { Phase, ReportKind, Side, Trigger } from '../../engine/wire/layout.ts';
import { SYMBOL } from './exchange-fixture.ts';
import type { ControlCommand } from './naive-controls.ts';
import type { NaiveOrder } from './naive-order.ts';
import type { NaiveState } from './naive-state.ts';

export function cancelOrders(state: NaiveState, f: { orderId: number; clientOrderId: number; account: number; symbol: number }): void {
  if (state.rules < 3) return state.admin(Code.UNKNOWN_KIND);
  if (f.symbol !== 0 && f.symbol !== SYMBOL) return state.admin(Code.UNKNOWN_SYMBOL);
  const named = state.open.filter(
    (o) => (f.account === 0 || o.account === f.account) && [0, o.id].includes(f.orderId) && [0, o.client].includes(f.clientOrderId),
  );
  if (f.orderId + f.clientOrderId !== 0 && named.length === 0) return state.admin(Code.UNKNOWN_ORDER);
  const count = sweep(state, named, Code.CANCELLED_BY_OPERATOR, f.account === 0);
  state.admin(Code.OK, 0, count);
}

export function control(state: NaiveState, f: ControlCommand): void {
  const { code, cancels } = state.controls.do(f);
  const named = cancels ? state.open.filter((o) => cancels.concerns(o.account)) : [];
  const count = cancels ? sweep(state, named, cancels.code, cancels.byBook) : 0;
  state.admin(code, 0, count);
}

function sweep(state: NaiveState, named: NaiveOrder[], code: number, inOrderOfBook: boolean): number {
  const sides = [Side.Buy, Side.Sell];
  const stops = sides.flatMap((side) => state.stops.queue(side));
  const book = [
    ...sides.flatMap((side) => state.queue(side)),
    ...stops,
    ...state.auctions.queue(),
    ...state.auctions.ending,
    ...state.pegs.parked,
    ...[...state.children.waiting].sort((a, b) => a.id - b.id),
  ];
  named.sort((a, b) => (inOrderOfBook ? book.indexOf(a) - book.indexOf(b) : a.id - b.id));
  let count = 0;
  for (const o of named) {
    if (!state.open.includes(o)) continue;
    state.end(o, code);
    count++;
  }
  return count;
}

export function massCancel(state: NaiveState, { account, symbol, quantity }: { account: number; symbol: number; quantity: number }): void {
  state.controls.count(account);
  const code = symbol === 0 || symbol === SYMBOL ? Code.OK : Code.UNKNOWN_SYMBOL;
  const named = code === Code.OK ? state.massCancels.begin({ account }, symbol, quantity, Code.CANCELLED_BY_MASS_CANCEL) : [];
  if (code === Code.OK) return state.beginMassCancel(account, code, named);
  state.answer(ReportKind.MassCancelled, code, { account, client: 0, id: 0 }, 0, 0, 0, 0);
}

export function cancelAfter(state: NaiveState, { account, quantity }: { account: number; quantity: number }): void {
  state.controls.count(account);
  const deadline = quantity === 0 ? 0 : state.timeUs + quantity;
  state.massCancels.setAfter(account, deadline);
  state.answer(ReportKind.CancelAfterSet, Code.OK, { account, client: 0, id: 0 }, 0, deadline, 0, 0);
}

/** @param session 0 = all orders of the account */
export function cancelOnDisconnect(state: NaiveState, account: number, session: number): void {
  const code = Code.CANCELLED_ON_DISCONNECT;
  const named = state.massCancels.begin({ account }, 0, 0, code, session);
  const others = state.open.filter((o) => o.account === account && !named.includes(o));
  if (session !== 0 && named.length > 0 && others.length > 0) state.seen.add('orders of one session');
  state.beginMassCancel(account, code, named);
  state.admin(Code.OK, 0, named.length);
}

export function cancelSession(state: NaiveState, { account, quantity }: { account: number; quantity: number }): void {
  if (quantity < 1 || quantity > 127) return state.admin(Code.BAD_PARAMETER);
  cancelOnDisconnect(state, account, quantity);
}

export function cancelGroup(
  state: NaiveState,
  { tag: group, symbol, quantity: sides }: { tag: number; symbol: number; quantity: number },
): void {
  if (group === 0 || sides > 2) return state.admin(Code.BAD_PARAMETER);
  if (symbol !== 0 && symbol !== SYMBOL) return state.admin(Code.UNKNOWN_SYMBOL);
  const named = state.massCancels.begin({ account: 0, group }, symbol, sides, Code.CANCELLED_BY_OPERATOR);
  state.massCancels.step(named);
  state.admin(Code.OK, 0, named.length, state.massCancels.later(named.length));
}

export function setReference(state: NaiveState, price: number): void {
  state.params[SymbolParam.ReferencePrice] = price;
  state.volatility.setMiddle(price);
  if (price > 0) state.stops.swept([price], [Trigger.ReferencePrice]);
  state.admin(Code.OK);
}

/** The price of an outside source. */
export function setOutsideReference(state: NaiveState, price: number): void {
  if (state.params[SymbolParam.ReferenceSource] !== 1 || price < 1 || price > 2 ** 26) return state.admin(Code.BAD_PARAMETER);
  state.seen.add('outside reference');
  state.params[SymbolParam.ReferencePrice] = price;
  if (state.volatility.middle === 0) state.volatility.setMiddle(price);
  state.stops.swept([price], [Trigger.ReferencePrice]);
  state.admin(Code.OK);
}

export function setReferenceSource(state: NaiveState, source: number): void {
  state.params[SymbolParam.ReferenceSource] = source;
  state.admin(Code.OK);
}

/** A fee of the symbol, for orders from now on. */
export function setFee(state: NaiveState, param: number, value: number): void {
  const other = param === SymbolParam.MakerFeePpm ? SymbolParam.TakerFeePpm : SymbolParam.MakerFeePpm;
  if (param === SymbolParam.TakerFeePpm && value < 0) return state.admin(Code.BAD_PARAMETER);
  if (state.rules < 4 && state.resting.length > 0) return state.admin(Code.BOOK_NOT_EMPTY);
  if (value + state.params[other] < 0) return state.admin(Code.BAD_PARAMETER);
  state.params[param] = value;
  state.admin(Code.OK);
}

export function setSessionEnd(state: NaiveState, end: number): void {
  if (state.rules < 4) return state.admin(Code.BAD_PARAMETER);
  state.params[SymbolParam.SessionEnd] = end;
  state.admin(Code.OK);
}

export function setBand(state: NaiveState, param: number, value: number): void {
  if (state.rules < 5) return state.admin(Code.BAD_PARAMETER);
  state.volatility.set(param, value);
  state.admin(Code.OK);
}

export function setPhase(state: NaiveState, phase: number, subPhase: number, boundaryUs: number): void {
  if (state.rules >= 4 && subPhase > 0 && (phase !== Phase.Auction || subPhase > 3)) return state.admin(Code.BAD_PARAMETER);
  const crossed = (): boolean => {
    const [[bid], [ask]] = [state.queue(Side.Buy), state.queue(Side.Sell)];
    return bid !== undefined && ask !== undefined && bid.price >= ask.price;
  };
  if (phase === Phase.Continuous) {
    if (state.phase === Phase.Auction && !state.pegs.areParked) return state.admin(Code.UNCROSS_WAITS);
    if (crossed()) state.pegs.parkAll();
    if (crossed()) return state.admin(Code.BOOK_CROSSED);
  }
  if (phase === Phase.Closed && state.children.areDue) return state.admin(Code.UNCROSS_WAITS);
  if (state.rules >= 5) state.auctions.beforePhase();
  state.phase = phase;
  state.volatility.stop();
  if (state.rules >= 4) {
    state.subPhase = subPhase;
    state.boundaryUs = boundaryUs || state.boundaryUs;
  }
  const sides = [Side.Buy, Side.Sell];
  if (state.rules >= 5) state.auctions.afterPhase(sides.flatMap((side) => state.queue(side)));
  state.admin(Code.OK);
}
