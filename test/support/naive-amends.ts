import { Code } from '../../engine/codes.ts';
import { SymbolParam } from '../../engine/params.ts';
import { Instruction, LinkKind, Phase, ReportKind, Side, TimeInForce } from '../../engine/wire/layout.ts';
import { BTC, SYMBOL, USD } from './exchange-fixture.ts';
import { check, checkChildAmend, checkMarketAmend, checkPegAmend, checkStop, checkTerms, moves, tradesInFull } from './naive-checks.ts';
import { canDisplay, shrink } from './naive-icebergs.ts';
import { trade } from './naive-matching.ts';
import type { Amend, NaiveOrder, StopOrder } from './naive-order.ts';
import type { NaivePeg } from './naive-pegs.ts';
import type { NaiveState } from './naive-state.ts';

function target(state: NaiveState, f: { orderId: number; clientOrderId: number; account: number; symbol: number }): NaiveOrder | undefined {
  if (state.rules >= 3 && f.symbol !== 0 && f.symbol !== SYMBOL) return undefined;
  return state.open.find(
    (o) => o.account === f.account && (f.orderId ? o.id === f.orderId : o.client === f.clientOrderId && o.client !== 0),
  );
}

export function cancel(state: NaiveState, f: { orderId: number; clientOrderId: number; account: number; symbol: number }): void {
  const o = target(state, f);
  state.controls.count(f.account);
  if (!o)
    return state.answer(
      ReportKind.CancelRejected,
      Code.UNKNOWN_ORDER,
      { account: f.account, client: f.clientOrderId, id: f.orderId },
      0,
      0,
      0,
      0,
    );
  state.end(o, Code.CANCELLED_BY_CLIENT);
}

export function amend(state: NaiveState, f: Amend): void {
  const o = target(state, f);
  const stranger = { account: f.account, client: f.clientOrderId, id: f.orderId };
  if (!o) state.controls.count(f.account);
  if (!o) return state.answer(ReportKind.AmendRejected, Code.UNKNOWN_ORDER, stranger, f.price, f.quantity, 0, 0);
  if (state.children.waiting.includes(o)) return amendChild(state, o, f);
  const later = state.children.later(o);
  const isOther = state.children.comes(o) ? f.quantity !== o.open + later : o.parentOf !== undefined && f.quantity > o.open;
  if (isOther || state.links.forbids(o, f.price, f.quantity - later)) {
    state.controls.count(f.account);
    return state.answer(ReportKind.AmendRejected, Code.LINKED_AMEND, o, f.price, f.quantity, state.leaves(o), o.filled);
  }
  const { filled } = o;
  amendAlone(state, o, { ...f, quantity: f.quantity - later });
  if (o.family) state.children.settle(o);
  if (o.filled > filled && o.link?.kind === LinkKind.OneCancelsOther) state.links.ended(o);
  else state.links.reduced(o);
}

function amendAlone(state: NaiveState, o: NaiveOrder, f: Amend): void {
  if (o.stop) return amendStop(state, o as StopOrder, f);
  if (o.peg) return amendPeg(state, o, o.peg, f);
  if (o.waits && f.extension === undefined) return amendWaiting(state, o, f);
  const { stopPrice = 0, minQuantity: offset = 0, displayedQuantity: named = 0 } = f.extension ?? {};
  if (stopPrice + offset > 0 || (named > 0 && !o.iceberg) || o.client === 0) {
    state.controls.count(f.account);
    let code: number = named > 0 ? Code.DISPLAYED_QUANTITY : Code.QUOTE_AMEND;
    if (stopPrice + offset > 0) code = offset > 0 ? Code.TRAIL_OFFSET : Code.STOP_PRICE;
    return state.answer(ReportKind.AmendRejected, code, o, f.price, f.quantity + state.children.later(o), state.leaves(o), o.filled);
  }
  const wanted: NaiveOrder = { ...o, price: f.price, open: f.quantity };
  const display = named || (o.iceberg?.display ?? 0);
  const keeps = f.price === o.price && f.quantity < o.open + (state.rules >= 3 ? 1 : 0) && (!o.iceberg || display <= o.iceberg.display);
  const lowers = keeps && state.rules >= 3;
  let code = state.controls.check(o.account, SYMBOL) || state.controls.positions.check(o, f.quantity - o.open, state.open);
  if (code !== Code.OK)
    return state.answer(ReportKind.AmendRejected, code, o, f.price, f.quantity + state.children.later(o), state.leaves(o), o.filled);
  if (!lowers) code = o.tif >= TimeInForce.AtTheOpen && o.market ? checkMarketAmend(state) : check(state, wanted);
  else if (f.quantity < o.open && f.quantity < state.params[SymbolParam.MinQuantity]) code = Code.QUANTITY_MIN;
  const asset = o.side === Side.Buy ? USD : BTC;
  if (!lowers && code === Code.OK && state.need(wanted) > state.available(o.account, asset) + state.links.shared(o))
    code = Code.INSUFFICIENT_FUNDS;
  if (!lowers && code === Code.OK && o.postOnly && state.queue(1 - o.side).some((m) => state.crosses(o.side, f.price, m.price)))
    code = Code.POST_ONLY_WOULD_TRADE;
  if (state.rules >= 3 && code === Code.OK && f.price !== o.price && !tradesInFull(state, wanted)) code = state.room(o, f.price);
  const least = state.params[SymbolParam.MinDisplayed];
  if (code === Code.OK && o.iceberg && (named > 0 ? !canDisplay(named, f.quantity, least) : !keeps && display * 100 < f.quantity))
    code = Code.DISPLAYED_QUANTITY;
  if (code !== Code.OK)
    return state.answer(ReportKind.AmendRejected, code, o, f.price, f.quantity + state.children.later(o), state.leaves(o), o.filled);
  if (!keeps) state.leave(o);
  o.price = f.price;
  o.open = f.quantity;
  if (o.iceberg) {
    state.seen.add(`iceberg ${named > 0 ? 'display' : 'total'} amended, place ${keeps ? 'kept' : 'lost'}`);
    o.iceberg.display = display;
    o.iceberg.shown = Math.min(o.iceberg.shown, display);
    shrink(o);
  }
  state.answer(ReportKind.Amended, 0, o, o.price, state.leaves(o), state.leaves(o), o.filled, keeps ? 4 : 0);
  if (keeps) return;
  const allowed = state.phase !== Phase.Continuous || trade(state, o, o.price);
  let full: number = o.open > 0 && state.rules < 3 ? state.room(o, o.price) : Code.OK;
  if (o.open > 0 && !allowed) full = state.refusal;
  if (full === Code.OK && o.open > 0) return state.rest(o);
  if (full !== Code.OK) state.answer(ReportKind.Cancelled, full, o, o.price, state.leaves(o), 0, o.filled);
  state.finish(o);
}

/** A child that waits: its quantity stays, its price and stop price may change. */
function amendChild(state: NaiveState, o: NaiveOrder, f: Amend): void {
  const { stopPrice = 0, minQuantity: offset = 0, displayedQuantity: named = 0 } = f.extension ?? {};
  let code: number = f.quantity === state.children.later(o) ? Code.OK : Code.LINKED_AMEND;
  const trail = o.stop?.trail;
  if (stopPrice > 0 && !o.stop) code = Code.STOP_PRICE;
  if (offset > 0 && !trail) code = Code.TRAIL_OFFSET;
  if (named > 0 && !o.iceberg) code = Code.DISPLAYED_QUANTITY;
  if (code !== Code.OK) state.controls.count(o.account);
  const wanted: NaiveOrder = { ...o, price: f.price, open: f.quantity, ...(o.stop && { stop: { ...o.stop } }) };
  if (wanted.stop && stopPrice > 0) wanted.stop.price = stopPrice;
  if (wanted.stop && trail) {
    const ppm = ((f.extension?.instructions ?? 0) & Instruction.TrailPpm) !== 0;
    const terms = { offset: (ppm ? -offset : offset) || trail.offset, activation: stopPrice || trail.activation };
    wanted.stop.trail = { ...trail, ...terms, distance: o.market ? 0 : f.price };
  }
  if (code === Code.OK) code = checkChildAmend(state, wanted, SYMBOL);
  if (code === Code.OK && named > 0 && !canDisplay(named, f.quantity, state.params[SymbolParam.MinDisplayed]))
    code = Code.DISPLAYED_QUANTITY;
  if (code !== Code.OK) return state.answer(ReportKind.AmendRejected, code, o, f.price, f.quantity, state.leaves(o), o.filled);
  o.price = wanted.price;
  if (o.iceberg && named > 0) o.iceberg.display = named;
  if (o.stop && wanted.stop) Object.assign(o.stop, wanted.stop);
  state.answer(ReportKind.Amended, 0, o, o.price, f.quantity, f.quantity, o.filled, 4);
}

function amendWaiting(state: NaiveState, o: NaiveOrder, f: Amend): void {
  const wanted: NaiveOrder = { ...o, price: f.price, open: f.quantity };
  const keeps = f.price === o.price && f.quantity <= o.open;
  let code = state.controls.check(o.account, SYMBOL) || state.controls.positions.check(o, f.quantity - o.open, state.open);
  if (code === Code.OK && keeps && f.quantity < o.open && f.quantity < state.params[SymbolParam.MinQuantity]) code = Code.QUANTITY_MIN;
  if (code === Code.OK && !keeps) {
    const phase = state.phase === Phase.Halted ? Code.SYMBOL_HALTED : state.phase === Phase.Closed ? Code.SYMBOL_CLOSED : Code.OK;
    code = phase || (o.market ? Code.NOT_IN_AUCTION : checkTerms(state, wanted));
    const free = state.available(o.account, o.side === Side.Buy ? USD : BTC) + state.need(o);
    if (code === Code.OK && state.need(wanted) > free) code = Code.INSUFFICIENT_FUNDS;
  }
  if (code !== Code.OK) return state.answer(ReportKind.AmendRejected, code, o, f.price, f.quantity, o.open, 0);
  o.price = f.price;
  o.open = f.quantity;
  if (!keeps) state.auctions.waiting = [...state.auctions.waiting.filter((other) => other !== o), o];
  state.answer(ReportKind.Amended, 0, o, o.price, o.open, o.open, 0, keeps ? 4 : 0);
}

function amendPeg(state: NaiveState, o: NaiveOrder, peg: NaivePeg, f: Amend): void {
  const reject = (code: number): void => state.answer(ReportKind.AmendRejected, code, o, f.price, f.quantity, o.open, o.filled);
  const { stopPrice = 0, minQuantity: offset = 0, displayedQuantity: named = 0 } = f.extension ?? {};
  if (stopPrice + offset + named > 0) {
    state.controls.count(o.account);
    return reject(named > 0 ? Code.DISPLAYED_QUANTITY : offset > 0 ? Code.TRAIL_OFFSET : Code.STOP_PRICE);
  }
  const wanted: NaiveOrder = { ...o, price: f.price, open: f.quantity, peg: { ...peg, limit: f.price } };
  const lowers = f.price === peg.limit && f.quantity <= o.open;
  let code = state.controls.check(o.account, SYMBOL) || state.controls.positions.check(o, f.quantity - o.open, state.open);
  if (code === Code.OK && !lowers) code = checkPegAmend(state, wanted, o);
  if (code === Code.OK && lowers && f.quantity < o.open && f.quantity < state.params[SymbolParam.MinQuantity]) code = Code.QUANTITY_MIN;
  if (code !== Code.OK) return reject(code);
  const price = lowers || state.phase !== Phase.Continuous ? o.price : state.pegs.price(wanted);
  const leaves = price !== o.price || (!peg.parked && f.quantity > o.open);
  if (leaves && !peg.parked && price > 0) code = state.room(o, price);
  if (code !== Code.OK) return reject(code);
  o.open = f.quantity;
  peg.limit = f.price;
  state.seen.add(`peg amended, place ${leaves ? 'lost' : 'kept'}`);
  state.answer(ReportKind.Amended, 0, o, price, o.open, o.open, o.filled, leaves ? 0 : 4);
  if (leaves) state.pegs.move(o, price);
}

function amendStop(state: NaiveState, o: StopOrder, f: Amend): void {
  const { displayedQuantity: named = 0 } = f.extension ?? {};
  if (named > 0 && !o.iceberg)
    return state.answer(
      ReportKind.AmendRejected,
      Code.DISPLAYED_QUANTITY,
      o,
      f.price,
      f.quantity + state.children.later(o),
      state.leaves(o),
      0,
    );
  const { stopPrice = 0, minQuantity = 0, instructions = 0 } = f.extension ?? {};
  const { trail } = o.stop;
  if (minQuantity > 0 && !trail) return rejectStop(state, Code.TRAIL_OFFSET, o, f);
  if (stopPrice > 0 && trail && trail.extreme > 0) return rejectStop(state, Code.STOP_PRICE, o, f);
  const price = stopPrice > 0 && !trail ? stopPrice : o.stop.price;
  const wanted: StopOrder = { ...o, price: f.price, open: f.quantity, stop: { ...o.stop, price } };
  if (trail) {
    const offset = (instructions & Instruction.TrailPpm) !== 0 ? -minQuantity : minQuantity;
    const terms = { offset: offset || trail.offset, activation: stopPrice || trail.activation, distance: o.market ? 0 : f.price };
    wanted.stop.trail = { ...trail, ...terms };
  }
  let code = checkStop(state, wanted, o, false);
  if (code === Code.OK && o.iceberg) {
    const wrong = named > 0 ? !canDisplay(named, f.quantity, state.params[SymbolParam.MinDisplayed]) : o.iceberg.display * 100 < f.quantity;
    if (wrong) code = Code.DISPLAYED_QUANTITY;
  }
  if (code !== Code.OK)
    return state.answer(ReportKind.AmendRejected, code, o, f.price, f.quantity + state.children.later(o), state.leaves(o), 0);
  const keeps = trail ? !moves(state, wanted, o) : price === o.stop.price;
  if (!keeps) delete wanted.stop.trail?.begins;
  Object.assign(o, wanted);
  if (o.iceberg && named > 0) o.iceberg.display = named;
  state.trailReports.seen(o);
  if (!keeps) state.stops.pending = [...state.stops.pending.filter((other) => other !== o), o];
  state.answer(ReportKind.Amended, 0, o, o.price, state.leaves(o), state.leaves(o), 0, keeps ? 4 : 0);
}

function rejectStop(state: NaiveState, code: number, o: StopOrder, f: Amend): void {
  state.controls.count(o.account);
  state.answer(ReportKind.AmendRejected, code, o, f.price, f.quantity + state.children.later(o), state.leaves(o), 0);
}
