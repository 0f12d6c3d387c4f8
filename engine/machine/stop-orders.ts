import { fail } from '../assert.ts';
import { LINKED, STOP_BY_REFERENCE } from '../book/order-slab.ts';
import type { StopBook } from '../book/stop-book.ts';
import { NO_KEY } from '../book/stop-waves.ts';
import { Code } from '../codes.ts';
import { CARRY_MASK, scheduleOf } from '../rules/fee-schedules.ts';
import type { OrderChecks } from '../rules/order-checks.ts';
import type { PendingStops } from '../rules/pending-stops.ts';
import { StopChecks } from '../rules/stop-checks.ts';
import { RowKind, type RowWriter, type StatePart } from '../state-part.ts';
import type { PriceTicks } from '../units.ts';
import { ReportKind, Trigger } from '../wire/layout.ts';
import { isAuctionOnly, LIFETIME_BITS, marketKindOf, RESTING_KINDS } from '../wire/order-kinds.ts';
import type { Answers } from './answers.ts';
import type { AuctionOrders } from './auction-orders.ts';
import { ReportFlag } from './report-writer.ts';
import type { RestingOrders } from './resting-orders.ts';
import type { MachineState } from './state.ts';

const { OK } = Code;
const { Amended: AMENDED, AmendRejected: AMEND_REJECTED } = ReportKind;
/** In the row of a pending stop, the time in force and the bits beside it are above the byte of the side. */
const LIFETIME = 256;

/** New stops, amends of pending ones, and the rows of both. Owned by the engine thread. */
export class StopOrders implements StatePart {
  readonly kinds = [RowKind.StopOrder, RowKind.StopWave, RowKind.TrailTerms, RowKind.Trail, RowKind.TrailReport, RowKind.TrailReportTurn];
  readonly #state: MachineState;
  readonly #stops: PendingStops;
  readonly #checks: StopChecks;
  readonly #answers: Answers;
  readonly #resting: RestingOrders;
  readonly #auctionOrders: AuctionOrders;
  /** Of the trailing stop whose row comes next; see RowKind.TrailTerms. */
  #offset = 0;
  #extreme = 0;
  #begins = false;

  constructor(state: MachineState, checks: OrderChecks, answers: Answers, resting: RestingOrders, auctionOrders: AuctionOrders) {
    this.#state = state;
    this.#stops = state.stops;
    this.#checks = new StopChecks(state, checks);
    this.#answers = answers;
    this.#resting = resting;
    this.#auctionOrders = auctionOrders;
  }

  /** The code of the first check that the current order, a stop, fails; or OK. */
  check(): Code {
    return this.#checks.newStop(this.#state.order);
  }

  /** Of the last trailing stop that passed `check`: the price that it follows from, ticks; 0 = it waits for its activation price. */
  get extreme(): PriceTicks {
    return this.#checks.extreme;
  }

  /** Accepts the current order, a stop. Returns the code of its reject otherwise, which the caller answers. */
  enter(): Code {
    const state = this.#state;
    const { order, aggressor } = state;
    const { price: distance } = order;
    const code = this.#checks.newStop(order);
    if (code !== OK) {
      // A reject has the terms that were sent.
      order.price = distance;
      return code;
    }
    const holds = order.triggerNow && this.#stops.holds(order.symbol, order.side, order.trigger, order.stopPrice);
    aggressor.orderId = ++state.lastOrderId;
    aggressor.open = order.quantity;
    aggressor.filled = 0;
    aggressor.feeCarry = order.feeCarry;
    this.#answers.accepted();
    const bits = order.trigger === Trigger.ReferencePrice ? STOP_BY_REFERENCE : 0;
    if (order.trailOffset !== 0) {
      order.price = distance;
      this.#resting.enterTrail(bits, this.#checks.extreme);
      return OK;
    }
    const slot = this.#resting.enterStop(bits);
    if (holds) this.#stops.triggerNow(slot);
    return OK;
  }

  /** Amends the pending stop in `slot`, or another order outside the book, which the current command names. Without a stop price, it keeps its own. */
  amend(slot: number): void {
    const { order, slab, risks } = this.#state;
    const named = order.lifetimeBits !== 0;
    if (isAuctionOnly(slab.timeInForce(slot))) return this.#auctionOrders.amend(slot, named);
    order.symbol = slab.symbol(slot);
    order.side = slab.side(slot);
    order.timeInForce = slab.timeInForce(slot);
    order.orderKind = kindAfterTrigger(slab.price(slot), slab.lifetime(slot));
    order.lifetimeBits = slab.lifetime(slot) & LIFETIME_BITS;
    order.clientOrderId = slab.clientOrderId(slot);
    order.feeSchedule = scheduleOf(slab.fees(slot));
    order.feeCarry = slab.fees(slot) & CARRY_MASK;
    const kept = this.#resting.icebergs.kept(slot);
    if (!named) order.displayed = kept;
    // It is no iceberg.
    else if (kept <= 0) return this.#rejectAmend(Code.DISPLAYED_QUANTITY, slot);
    if (this.#stops.prices.isTrailing(slot)) return this.#amendTrail(slot, named);
    if (order.trailOffset !== 0) return this.#rejectTerms(Code.TRAIL_OFFSET, slot);
    const keeps = order.stopPrice === 0 || order.stopPrice === slab.next(slot);
    if (keeps) order.stopPrice = slab.next(slot);
    const code = this.#checks.amend(order, slot) || this.#checkDisplay(named);
    if (code !== OK) return this.#rejectAmend(code, slot);
    const risk = risks.of(order.symbol);
    risk.release(slot);
    slab.setPrice(slot, order.price);
    slab.setOpen(slot, order.quantity);
    if (!keeps) {
      this.#stops.remove(slot);
      slab.setNext(slot, order.stopPrice);
      this.#stops.add(slot);
    }
    risk.hold(slot, order);
    this.#state.links.setUnit(slot, order.notional / order.quantity);
    if (named) this.#resting.icebergs.setKept(slot, order.displayed);
    this.#answers.resting(AMENDED, keeps ? ReportFlag.KeptPriority : 0, OK, slot, order.tag);
  }

  /**
   * Amends a trailing stop. The command's price is the distance of the limit; an offset and an activation price of 0 stay. What it follows from stays too; another
   * offset loses the place among stops of one stop price.
   */
  #amendTrail(slot: number, named: boolean): void {
    const { order, slab, risks } = this.#state;
    const stops = this.#stops;
    const { price: distance } = order;
    const activationPrice = stops.prices.activationPrice(slot);
    const activation = order.trailOffset === 0 ? order.stopPrice : order.activationPrice;
    // It follows already.
    if (activation !== 0 && activationPrice === 0) return this.#rejectTerms(Code.STOP_PRICE, slot);
    order.activationPrice = activation || activationPrice;
    order.trailOffset ||= slab.prev(slot);
    const moves = order.trailOffset !== slab.prev(slot) || order.activationPrice !== activationPrice;
    const code = this.#checks.amendTrail(order, slot, moves) || this.#checkDisplay(named);
    if (code !== OK) {
      order.price = distance;
      return this.#rejectAmend(code, slot);
    }
    const { extreme } = this.#checks;
    const risk = risks.of(order.symbol);
    risk.release(slot);
    slab.setOpen(slot, order.quantity);
    if (moves) {
      stops.remove(slot);
      slab.setPrev(slot, order.trailOffset);
      if (extreme === 0) stops.addWaiting(slot, order.activationPrice);
      else stops.addFollowing(slot, extreme, true);
    }
    slab.setPrice(slot, distance);
    risk.hold(slot, order);
    this.#state.links.setUnit(slot, order.notional / order.quantity);
    stops.reports.seen(slot);
    if (named) this.#resting.icebergs.setKept(slot, order.displayed);
    this.#answers.resting(AMENDED, moves ? 0 : ReportFlag.KeptPriority, OK, slot, order.tag);
  }

  #checkDisplay(named: boolean): Code {
    const { order } = this.#state;
    return order.displayed > 0 ? this.#checks.displayed(order, named) : OK;
  }

  /** The order has no such term. */
  #rejectTerms(code: Code, slot: number): void {
    this.#checks.count(this.#state.order.account);
    this.#rejectAmend(code, slot);
  }

  #rejectAmend(code: Code, slot: number): void {
    const { order, slab } = this.#state;
    const { later } = this.#state.aggressor;
    this.#answers.reply(AMEND_REJECTED, code, slab.id[slot], order.price, order.quantity + later, this.#resting.leaves(slot), 0);
    if (code === Code.THROTTLED || code === Code.ORDER_TO_TRADE) this.#answers.notBefore();
  }

  save(out: RowWriter): void {
    const { books, active } = this.#stops;
    for (const [symbol, book] of books.entries()) {
      if (book === undefined) continue;
      this.#saveTrails(out, symbol, book);
      this.#saveOrders(out, symbol, book);
      this.#saveReports(out, symbol);
    }
    for (let i = 0; i < active.length; i++) this.#saveWaves(out, active.at(i), 1);
    for (const symbol of books.keys()) if (!active.includes(symbol)) this.#saveWaves(out, symbol, 0);
    const { reports } = this.#stops;
    for (const symbol of reports.active) out.row(RowKind.TrailReportTurn, symbol, reports.left(symbol));
  }

  #saveReports(out: RowWriter, symbol: number): void {
    const { id } = this.#state.slab;
    for (const [slot, reported, isNext] of this.#stops.reports.orders(symbol))
      out.row(RowKind.TrailReport, id[slot], reported, Number(isNext));
  }

  /** The stops of a symbol in the order of their priority numbers; the numbers themselves are no part of the state. */
  #saveOrders(out: RowWriter, symbol: number, book: StopBook): void {
    const { slab } = this.#state;
    for (const slot of book.slots().sort((a, b) => slab.filled(a) - slab.filled(b))) {
      const trails = this.#stops.prices.isTrailing(slot);
      if (trails)
        out.row(RowKind.TrailTerms, slab.id[slot], slab.prev(slot), this.#stops.extremeOf(slot), Number(this.#stops.begins(slot)));
      out.row(
        RowKind.StopOrder,
        slab.id[slot],
        slab.clientOrderId(slot),
        slab.price(slot),
        slab.open(slot),
        trails ? this.#stops.prices.activationPrice(slot) : slab.next(slot),
        slab.account(slot),
        symbol,
        (slab.sideBits(slot) & ~LINKED) + slab.lifetime(slot) * LIFETIME,
        slab.tag(slot),
        slab.termsHash[slot],
        slab.held(slot),
      );
      this.#resting.saveTerms(out, slot);
    }
  }

  #saveTrails(out: RowWriter, symbol: number, { trails }: StopBook): void {
    for (const [number, trail] of trails.entries()) {
      for (const extreme of trail?.extremes() ?? []) out.row(RowKind.Trail, symbol, number, extreme);
      if (trail !== undefined && trail.best !== 0) out.row(RowKind.Trail, symbol, number, trail.best, 1);
    }
  }

  #saveWaves(out: RowWriter, symbol: number, active: number): void {
    const book = this.#stops.books[symbol];
    if (book === undefined) return;
    book.endEmpty();
    const { waves } = book;
    const row = (key: number): number => (key === NO_KEY ? Number.NEGATIVE_INFINITY : key);
    for (let wave = 0; wave < waves.count; wave++)
      out.row(RowKind.StopWave, symbol, waves.side(wave), row(waves.key(wave, 0)), row(waves.key(wave, 1)), active);
  }

  load(r: Float64Array, at: number): void {
    if (r[at] === RowKind.StopWave) return this.#loadWave(r, at);
    if (r[at] === RowKind.Trail) return this.#loadTrail(r, at);
    if (r[at] === RowKind.TrailTerms) {
      [this.#offset, this.#extreme] = [r[at + 2], r[at + 3]];
      this.#begins = r[at + 4] === 1;
      return;
    }
    if (r[at] === RowKind.TrailReport) return this.#loadReport(r, at);
    if (r[at] === RowKind.TrailReportTurn) return this.#loadReportTurn(r, at);
    const terms = r[at + 8];
    const slot = this.#resting.loadStop(r, at, terms % LIFETIME, Math.floor(terms / LIFETIME));
    const stops = this.#stops;
    if (!stops.prices.isTrailing(slot)) return;
    this.#state.slab.setPrev(slot, this.#offset);
    if (this.#begins) {
      this.#state.slab.setNext(slot, r[at + 5]);
      stops.addBeginning(slot, this.#extreme);
    } else if (this.#extreme === 0) stops.addWaiting(slot, r[at + 5]);
    else stops.addFollowing(slot, this.#extreme, true);
  }

  #loadTrail(r: Float64Array, at: number): void {
    const symbol = r[at + 1];
    const trail = this.#stops.trail(symbol, r[at + 2]);
    if (r[at + 4] === 0) trail.addGroup(r[at + 3]);
    else {
      trail.best = r[at + 3];
      this.#stops.noteMoved(symbol);
      // The next command or tick finds whether it may follow.
      this.#stops.following = true;
    }
  }

  #loadReport(r: Float64Array, at: number): void {
    const slot = this.#state.slab.find(r[at + 1]);
    if (slot === -1 || !this.#stops.prices.isTrailing(slot))
      fail(`the snapshot has reports of order ${r[at + 1]}, which is no trailing stop`);
    this.#stops.reports.load(slot, r[at + 2], r[at + 3] === 1);
  }

  #loadReportTurn(r: Float64Array, at: number): void {
    this.#stops.reports.loadTurn(r[at + 1], r[at + 2]);
    this.#stops.pending = true;
  }

  #loadWave(r: Float64Array, at: number): void {
    const stops = this.#stops;
    const symbol = r[at + 1];
    stops.open(symbol).addWave(r[at + 2], Math.max(NO_KEY, r[at + 3]), Math.max(NO_KEY, r[at + 4]));
    if (r[at + 5] !== 1 || stops.active.includes(symbol)) return;
    stops.active.push(symbol);
    stops.pending = true;
  }
}

/** The OrderKind of a stop when it triggers. @param price its limit, 0 = it becomes a market order @param lifetime as in its record */
export function kindAfterTrigger(price: number, lifetime: number): number {
  return price === 0 ? marketKindOf(lifetime & 15) : RESTING_KINDS[lifetime];
}
