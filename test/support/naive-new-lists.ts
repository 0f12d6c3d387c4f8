import { Code } from '../../engine/codes.ts';
import { Instruction, LinkKind, ReportKind } from '../../engine/wire/layout.ts';
import { checkChild, checkNew, checkStop } from './naive-checks.ts';
import { enter } from './naive-matching.ts';
import { accept, again, beginToWait, knownOrder, orderOf, wait } from './naive-new-orders.ts';
import type { NaiveOrder, NewFields, StopOrder } from './naive-order.ts';
import type { NaiveState } from './naive-state.ts';

/** Two orders that are linked: both are accepted, or none. */
export function newList(state: NaiveState, legs: readonly NewFields[]): void {
  const fields = legs.map((leg) => ({ ...leg, tag: leg.tag ?? 0 }));
  const reject = (o: { account: number; client: number; id: number }, f: NewFields, code: number): void =>
    state.answer(ReportKind.Rejected, code, o, f.price, f.quantity, 0, 0);
  if (fields.some((f) => knownOrder(state, f))) {
    for (const f of fields) {
      if (again(state, f)) continue;
      state.controls.count(f.account);
      reject({ account: f.account, client: f.clientOrderId, id: 0 }, f, Code.LIST_REJECTED);
    }
    return;
  }
  const orders = fields.map((f) => orderOf(state, f));
  let code: number = Code.OK;
  const kind = (fields[0].extension?.link ?? 0) & 0xff;
  for (const [i, o] of orders.entries()) {
    if (code === Code.OK && i > 0 && kind >= LinkKind.OneTriggersOther) code = checkChild(state, o, fields[i].symbol);
    else if (code === Code.OK)
      code = o.stop ? checkStop(state, o as StopOrder, undefined, isNow(fields[i])) : checkNew(state, o, fields[i].symbol);
    if (code === Code.OK) state.assumed.push(o);
  }
  const failed = state.assumed.length;
  state.assumed = [];
  if (code !== Code.OK) {
    const early = [Code.THROTTLED, Code.ORDER_TO_TRADE, Code.TRAIL_UNAVAILABLE].some((each) => each === code);
    for (const [i, o] of orders.entries()) {
      const its = i === failed ? code : Code.LIST_REJECTED;
      reject(o, fields[i], its);
      o.price = fields[i].price;
      if (!early && o.client > (state.forgotten.get(state.idClass(o)) ?? 0)) state.remember(o, fields[i].quantity, its);
    }
    return;
  }
  for (const o of orders) accept(state, o);
  if (kind < LinkKind.OneTriggersOther) return enterList(state, orders, kind);
  const [parent, ...children] = orders;
  if (parent.stop) wait(state, parent as StopOrder, isNow(fields[0]));
  else enter(state, parent);
  state.children.begin(parent, children);
}

function isNow({ extension }: NewFields): boolean {
  return ((extension?.instructions ?? 0) & Instruction.TriggerNow) !== 0;
}

function enterList(state: NaiveState, orders: NaiveOrder[], kind: number): void {
  const [one, other] = orders;
  for (const o of orders) if (o.stop) beginToWait(state, o as StopOrder);
  const limits = orders.filter((o) => !o.stop);
  for (const o of limits) {
    const [partner] = orders.filter((each) => each !== o);
    const isIn = state.open.includes(partner);
    enter(state, o);
    if (state.open.includes(o) && (o.filled === 0 || kind === LinkKind.OneUpdatesOther)) continue;
    if (isIn) state.end(partner, Code.CANCELLED_LINKED);
    else {
      state.answer(ReportKind.Cancelled, Code.CANCELLED_LINKED, partner, partner.price, partner.open, 0, 0);
      state.remember(partner, partner.open, Code.OK);
    }
    return;
  }
  state.links.link(one, other, kind);
  for (const o of limits) state.links.reduced(o);
}
