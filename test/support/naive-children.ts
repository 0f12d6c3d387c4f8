import { Code } from '../../engine/codes.ts';
import { CHILDREN_PER_COMMAND } from '../../engine/machine/order-children.ts';
import { SymbolParam } from '../../engine/params.ts';
import { Instruction, LinkKind, Phase, ReportKind, Side } from '../../engine/wire/layout.ts';
import { BTC, SYMBOL, USD } from './exchange-fixture.ts';
import { checkBeginning } from './naive-checks.ts';
import { carryOf } from './naive-fees.ts';
import { trade } from './naive-matching.ts';
import { beginToWait } from './naive-new-orders.ts';
import type { NaiveOrder, StopOrder } from './naive-order.ts';
import type { NaiveState } from './naive-state.ts';
import { awaitParent } from './naive-trails.ts';

/** Parents, and the orders that become live with their fills. */
export class NaiveChildren {
  perCommand = CHILDREN_PER_COMMAND;
  /** Turns that the command has left. */
  left = 0;
  /** Outside the book and the stops. */
  waiting: NaiveOrder[] = [];
  /** In the order in which lots of them became due. */
  #queue: NaiveOrder[] = [];
  readonly #state: NaiveState;

  constructor(state: NaiveState) {
    this.#state = state;
  }

  /** Lots that may become live: those that are due, and what its parent has open. */
  later({ family }: NaiveOrder): number {
    if (family === undefined) return 0;
    const { parent, due } = family;
    return due + (parent === undefined ? 0 : parent.open + parent.filled - (parent.parentOf?.passed ?? 0));
  }

  get areDue(): boolean {
    return this.#queue.length > 0;
  }

  comes({ family }: NaiveOrder): boolean {
    return family !== undefined && (family.parent !== undefined || family.due > 0);
  }

  /** @param children all of one quantity, of which `parent`, open or not, has traded already */
  begin(parent: NaiveOrder, children: NaiveOrder[]): void {
    const isOpen = this.#state.open.includes(parent);
    const quantity = children[0].open;
    for (const o of children) {
      if (!isOpen && parent.filled === 0) {
        this.#state.answer(ReportKind.Cancelled, Code.CANCELLED_PARENT, o, o.price, o.open, 0, 0);
        this.#state.remember(o, o.open, Code.OK);
        continue;
      }
      o.open = 0;
      const sibling = children.find((each) => each !== o);
      o.family = { due: 0, ...(isOpen && { parent }), ...(sibling && { sibling }) };
      this.waiting.push(o);
    }
    if (!isOpen && parent.filled === 0) return;
    for (const o of children) this.#addDue(o, parent.filled);
    const size = parent.filled + (isOpen ? parent.open : 0);
    if (isOpen) parent.parentOf = { children: [...children], passed: parent.filled, size };
    if (size < quantity) for (const o of children) this.#sayLowered(o);
  }

  parentChanged(parent: NaiveOrder): void {
    const its = parent.parentOf;
    if (its === undefined) return;
    this.#pass(parent);
    if (parent.filled + parent.open >= its.size) return;
    its.size = parent.filled + parent.open;
    for (const o of its.children) this.#sayLowered(o);
  }

  parentEnded(parent: NaiveOrder): void {
    const its = parent.parentOf;
    if (its === undefined) return;
    this.#pass(parent);
    for (const o of [...its.children]) {
      if (this.waiting.includes(o) && o.family?.due === 0) {
        this.#endWaiting(o, Code.CANCELLED_PARENT);
        continue;
      }
      delete o.family?.parent;
      if (this.#state.rules < 7 ? parent.open > 0 : parent.filled < its.size) this.#sayLowered(o);
      if (this.#state.open.includes(o)) this.settle(o);
    }
    delete parent.parentOf;
  }

  /** It is no child any more if no lots of it can become live. */
  settle(o: NaiveOrder): void {
    if (o.family !== undefined && !this.comes(o)) this.forget(o);
  }

  #pass(parent: NaiveOrder): void {
    const its = parent.parentOf;
    if (its === undefined || its.passed === parent.filled) return;
    const lots = parent.filled - its.passed;
    its.passed = parent.filled;
    for (const o of its.children) this.#addDue(o, lots);
  }

  #addDue(o: NaiveOrder, lots: number): void {
    if (o.family === undefined || lots === 0) return;
    if (o.family.due === 0) this.#queue.push(o);
    o.family.due += lots;
  }

  #sayLowered(o: NaiveOrder): void {
    const leaves = this.#state.leaves(o);
    this.#state.answer(ReportKind.Amended, Code.CANCELLED_PARENT, o, o.price, leaves, leaves, o.filled, 4);
  }

  /** Returns its sibling. */
  forget(o: NaiveOrder): NaiveOrder | undefined {
    const { family } = o;
    if (family === undefined) return undefined;
    const { parent, sibling } = family;
    delete o.family;
    this.#queue = this.#queue.filter((other) => other !== o);
    delete sibling?.family?.sibling;
    const its = parent?.parentOf;
    if (parent !== undefined && its !== undefined) {
      its.children = its.children.filter((other) => other !== o);
      if (its.children.length === 0) delete parent.parentOf;
    }
    return sibling;
  }

  /** Cancels an order that waits, with its sibling. */
  cancel(o: NaiveOrder, code: number): void {
    const sibling = o.family?.sibling;
    this.#endWaiting(o, code);
    if (sibling !== undefined) this.#state.end(sibling, Code.CANCELLED_LINKED);
  }

  #endWaiting(o: NaiveOrder, code: number): void {
    const later = this.later(o);
    this.#state.answer(ReportKind.Cancelled, code, o, o.price, later, 0, o.filled);
    this.forget(o);
    this.waiting = this.waiting.filter((other) => other !== o);
    this.#state.remember(o, o.filled + later, Code.OK);
  }

  /** All live lots of the order are traded. Returns true if it waits for more; so does its partner then. */
  parks(o: NaiveOrder): boolean {
    if (o.open > 0 || !this.comes(o)) return false;
    this.#state.seen.add('a child waits again');
    this.waiting.push(o);
    const partner = o.link?.partner;
    if (partner === undefined) return true;
    delete o.link;
    delete partner.link;
    partner.fees.exact = o.fees.exact;
    partner.fees.paid = o.fees.paid;
    partner.open = 0;
    this.#state.trailReports.remove(partner as StopOrder);
    awaitParent(partner as StopOrder);
    this.#state.stops.pending = this.#state.stops.pending.filter((other) => other !== partner);
    this.waiting.push(partner);
    const leaves = this.#state.leaves(partner);
    this.#state.answer(ReportKind.Amended, Code.CANCELLED_LINKED, partner, partner.price, leaves, leaves, partner.filled, 4);
    return true;
  }

  /** A stop triggers: the rest of its parent is cancelled. */
  triggered({ family }: NaiveOrder): void {
    if (family?.parent !== undefined) this.#state.end(family.parent, Code.CANCELLED_LINKED);
  }

  /** Makes live what is due. Returns false if more is. */
  run(): boolean {
    while (this.areDue) {
      if (this.left === 0) {
        this.#state.seen.add('lots stay due');
        return false;
      }
      this.runOne();
    }
    return true;
  }

  /** Makes the list live whose turn it is. Lots are due. */
  runOne(): void {
    const [one] = this.#queue;
    this.left--;
    this.#becomeLive(one, one.family?.sibling);
  }

  #becomeLive(one: NaiveOrder, other: NaiveOrder | undefined): void {
    const { massCancels } = this.#state;
    if (massCancels.ends(one) || (other !== undefined && massCancels.ends(other))) return;
    const lots = one.family?.due ?? 0;
    if (!one.stop && this.waiting.includes(one)) massCancels.clearWay(one, lots);
    this.#clearDue(one);
    const enters = !one.stop && this.waiting.includes(one);
    if (one.stop) this.#enterStop(one as StopOrder, lots);
    else if (enters) this.#enterLimit(one, lots);
    else this.#grow(one, lots);
    if (other !== undefined && this.#state.open.includes(other)) {
      const more = (other.family?.due ?? 0) - lots;
      this.#clearDue(other);
      this.#addDue(other, more);
      if (other.family?.sibling !== one) this.#enterStop(other as StopOrder, enters ? one.open : lots);
      else if (this.#state.resting.includes(one)) {
        other.fees.exact = one.fees.exact;
        other.fees.paid = one.fees.paid;
        this.#enterStop(other as StopOrder, one.open - other.open, one);
      }
    }
    for (const o of [one, other]) if (o !== undefined) this.settle(o);
  }

  #clearDue(o: NaiveOrder): void {
    if (o.family !== undefined) o.family.due = 0;
    this.#queue = this.#queue.filter((each) => each !== o);
  }

  #standing(o: NaiveOrder, lots: number): number {
    const { controls, open } = this.#state;
    return controls.standing(o.account, SYMBOL) || controls.positions.check(o, lots, open);
  }

  #phase(postOnly: boolean): number {
    const { phase } = this.#state;
    if (phase === Phase.Halted) return Code.SYMBOL_HALTED;
    if (phase === Phase.Closed) return Code.SYMBOL_CLOSED;
    return phase === Phase.Auction && postOnly ? Code.NOT_IN_AUCTION : Code.OK;
  }

  #free(o: NaiveOrder): number {
    return this.#state.available(o.account, o.side === Side.Buy ? USD : BTC);
  }

  #checkLimit(o: NaiveOrder, lots: number): number {
    const state = this.#state;
    const basic = this.#standing(o, lots) || this.#phase(o.postOnly);
    if (basic !== Code.OK) return basic;
    const reference = state.params[SymbolParam.ReferencePrice];
    const band = state.params[SymbolParam.PriceBandPpm];
    const worse = o.side === Side.Buy ? o.price - reference : reference - o.price;
    if (band > 0 && reference > 0 && worse * 1e6 > reference * band) return Code.PRICE_BAND;
    if (state.need({ ...o, open: lots }) > this.#free(o)) return Code.INSUFFICIENT_FUNDS;
    const crosses = state.queue(1 - o.side).some((m) => state.crosses(o.side, o.price, m.price));
    return o.postOnly && crosses ? Code.POST_ONLY_WOULD_TRADE : Code.OK;
  }

  #enterLimit(o: NaiveOrder, lots: number): void {
    const state = this.#state;
    const code = this.#checkLimit(o, lots);
    o.open = lots;
    if (code !== Code.OK) return this.#reject(o, code, state.leaves(o));
    this.waiting = this.waiting.filter((other) => other !== o);
    this.#sayLive(o, lots);
    const allowed = state.phase !== Phase.Continuous || trade(state, o, o.price);
    if (o.open === 0) return state.finish(o);
    if (!allowed) {
      state.answer(ReportKind.Cancelled, state.refusal, o, o.price, state.leaves(o), 0, o.filled);
      return state.finish(o);
    }
    const room = state.room(o, o.price);
    if (room !== Code.OK) return this.#reject(o, room, state.leaves(o));
    state.rest(o);
  }

  #grow(o: NaiveOrder, lots: number): void {
    const state = this.#state;
    const { open } = o;
    const code = this.#standing(o, lots);
    const isShort = state.need({ ...o, open: open + lots }) > this.#free(o) + state.links.shared(o);
    if (code !== Code.OK || isShort) return this.#rejectLive(o, code || Code.INSUFFICIENT_FUNDS, lots);
    state.seen.add(o.iceberg || o.hidden ? 'a live child that displays less grows' : 'a live child grows');
    state.leavePlace(o);
    o.open += lots;
    this.#sayLive(o, lots);
    state.rest(o);
  }

  #enterStop(o: StopOrder, lots: number, front?: NaiveOrder): void {
    const state = this.#state;
    const waits = this.waiting.includes(o);
    const { trail } = o.stop;
    const basic = this.#standing(o, lots) || (waits ? this.#phase(false) : Code.OK);
    const code = basic || (waits && trail ? checkBeginning(state, o) : Code.OK);
    const all = state.need({ ...o, open: o.open + lots });
    const needed = Math.max(0, all - (front === undefined ? 0 : state.need(front)));
    const free = this.#free(o) + (waits ? 0 : state.links.reservation(o));
    if (code !== Code.OK || needed > free) {
      if (!waits) return this.#rejectLive(o, code || Code.INSUFFICIENT_FUNDS, lots);
      if (trail) trail.extreme = 0;
      awaitParent(o);
      o.open = lots;
      return this.#reject(o, code || Code.INSUFFICIENT_FUNDS, state.leaves(o));
    }
    o.open += lots;
    // Before it waits: it does not keep a wave alive of which all others have had their turn.
    const reached = waits && !trail && state.stops.holds(o.side, o.stop.trigger, o.stop.price, state.priceOf(o.stop.trigger));
    if (waits) {
      this.waiting = this.waiting.filter((other) => other !== o);
      beginToWait(state, o);
    }
    this.#sayLive(o, lots);
    if (!waits && trail) state.seen.add('a trailing child grows');
    if (!waits) return;
    if (front !== undefined) state.links.link(front, o, LinkKind.OneUpdatesOther);
    if (trail) state.seen.add(`a trailing child becomes live${trail.extreme > 0 ? '' : ', and waits for its activation price'}`);
    if (!reached) return;
    state.seen.add('a child triggers when it becomes live');
    state.stops.cross(o.side, o.stop.price, [o.stop.trigger]);
  }

  #sayLive(o: NaiveOrder, lots: number): void {
    this.#state.answer(ReportKind.Amended, Code.PARENT_FILLED, o, o.price, lots, this.#state.leaves(o), o.filled);
  }

  /** It ends before it is live; its sibling stays. */
  #reject(o: NaiveOrder, code: number, all: number): void {
    this.#state.seen.add(o.family?.sibling ? 'a child of a bracket is rejected' : 'a child is rejected');
    this.#state.answer(ReportKind.Cancelled, code, o, o.price, all, 0, o.filled);
    this.forget(o);
    this.waiting = this.waiting.filter((other) => other !== o);
    this.#state.remember(o, o.filled + o.open, Code.OK);
  }

  #rejectLive(o: NaiveOrder, code: number, lots: number): void {
    this.#state.seen.add('a child cannot grow');
    const all = this.#state.leaves(o) + lots;
    this.#state.answer(ReportKind.Cancelled, code, o, o.price, all, 0, o.filled);
    delete o.link?.partner.link;
    delete o.link;
    this.forget(o);
    this.#state.gone(o);
  }

  rows(lifetime: (o: NaiveOrder) => number): number[][] {
    const rows: number[][] = [];
    const { maker, taker } = this.#state.newFees();
    const byId = (a: NaiveOrder, b: NaiveOrder): number => a.id - b.id;
    for (const o of [...this.waiting].sort(byId)) {
      const trail = o.stop?.trail;
      const bits = o.side + (o.stop?.trigger ?? 0) * 2 + (trail ? 4 : 0) + (keeps(o) ? 8 : 0) + 256 * lifetime(o);
      const [price, stopPrice] = trail ? [trail.distance, trail.activation] : [o.price, o.stop?.price ?? 0];
      rows.push([49, o.id, o.client, price, o.filled, stopPrice, o.account, SYMBOL, bits, o.tag]);
      const carry = carryOf(o.fees);
      if (carry !== 0 || o.fees.maker !== maker || o.fees.taker !== taker) rows.push([17, o.id, carry, o.fees.maker, o.fees.taker]);
      if (o.end < Infinity) rows.push([18, o.id, o.end]);
      if (o.session !== 0) rows.push([58, o.id, o.session]);
      if (keeps(o)) rows.push([35, o.id, o.hidden ? 0 : (o.iceberg?.display ?? -1), Number(o.reprice)]);
    }
    const others = this.#state.open.filter((o) => this.comes(o) && !this.#queue.includes(o)).sort(byId);
    for (const { id, family, stop } of [...this.#queue, ...others])
      rows.push([50, id, family?.parent?.id ?? 0, family?.sibling?.id ?? 0, family?.due ?? 0, stop?.unit ?? 0]);
    for (const o of this.#state.open.filter(({ family, stop }) => family !== undefined && stop?.trail !== undefined).sort(byId)) {
      const { offset = 0, instructions = 0 } = o.stop?.trail ?? {};
      const asks = Number((instructions & Instruction.ReportTrail) !== 0);
      const waits = this.waiting.includes(o);
      if (waits || asks) rows.push([59, o.id, waits ? offset : 0, asks]);
    }
    return rows;
  }
}

/** Whether an order outside the book rests otherwise than a plain one. */
function keeps({ hidden, iceberg, reprice }: NaiveOrder): boolean {
  return hidden === true || iceberg !== undefined || reprice;
}
