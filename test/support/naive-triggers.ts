import { Code } from '../../engine/codes.ts';
import { Phase, ReportKind, TimeInForce } from '../../engine/wire/layout.ts';
import { SYMBOL } from './exchange-fixture.ts';
import { checkOrder, moveBehind } from './naive-checks.ts';
import { remainder, trade } from './naive-matching.ts';
import { RESTING } from './naive-order.ts';
import type { NaiveState } from './naive-state.ts';

/** Triggers what is due, up to the share of the command; then trailing stops follow. */
export function trigger(state: NaiveState): void {
  triggerDue(state);
  follow(state);
}

export function follow(state: NaiveState): void {
  state.stops.follow((trigger) => state.priceOf(trigger));
  if (state.stops.trails.changed()) state.trailReports.moved();
}

/** Call it once per command, after its triggers. */
export function reportTrails(state: NaiveState): void {
  if (state.trailReports.run()) state.seen.add('reports of stop prices go on');
}

function triggerDue(state: NaiveState): void {
  for (let live = state.children.run(); live && state.phase === Phase.Continuous && state.stops.left > 0; live = state.children.run())
    if (!triggerNext(state)) return;
}

/** Triggers the stop whose turn it is. Returns false if none is due. */
export function triggerNext(state: NaiveState): boolean {
  const o = state.stops.next();
  if (o === undefined) return false;
  if (--state.stops.left === 0 && state.rules >= 7) state.stops.fromUs = state.timeUs + 500;
  if (state.massCancels.endsTriggered(o) || !state.open.includes(o)) return true;
  state.answer(ReportKind.Triggered, 0, o, o.price, state.leaves(o), state.leaves(o), 0);
  if (o.link && o.stop.trail) state.seen.add('linked trailing stop triggered');
  const partner = state.links.triggered(o);
  state.leave(o);
  const tif = o.market && o.tif !== TimeInForce.FillOrKill ? TimeInForce.Market : o.tif;
  const order = { ...o, tif, least: o.tif === TimeInForce.FillOrKill ? o.open : 0 };
  const { controls } = state;
  let code =
    controls.standing(o.account, SYMBOL) ||
    controls.positions.check(o, o.open, state.open) ||
    moveBehind(state, order) ||
    checkOrder(state, order);
  if (code === Code.OK && order.price !== o.price) {
    o.price = order.price;
    state.seen.add('triggered stop rests behind the other side');
    state.answer(ReportKind.Amended, 0, o, o.price, o.open, o.open, 0);
  }
  if (code === Code.OK) {
    const allowed = trade(state, o, state.limit(o));
    code = !o.market && RESTING.has(o.tif) ? state.room(o, o.price) : remainder(state);
    if (!allowed) code = state.refusal;
    if (state.phase !== Phase.Continuous && state.stops.hasDue) state.volatility.reached.add('cascade interrupted');
  }
  if (o.open > 0 && code === Code.OK) {
    if (o.iceberg || o.hidden) state.seen.add(`triggered stop rests ${o.hidden ? 'hidden' : 'as an iceberg'}`);
    state.rest(o);
    if (o.parentOf) state.seen.add('a parent triggers and rests');
    state.children.parentChanged(o);
  } else {
    if (o.open > 0) state.answer(ReportKind.Cancelled, code, o, o.price, o.open, 0, o.filled);
    state.remember(o, o.filled + o.open, Code.OK);
    if (o.parentOf) state.seen.add('a parent triggers and ends');
    state.children.parentEnded(o);
  }
  if (partner) state.links.afterTrigger(o, partner, state.open.includes(o));
  return true;
}
