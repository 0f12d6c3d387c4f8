import { fail } from '../assert.ts';
import type { OrderSlab } from '../book/order-slab.ts';
import { FEE_TABLES, TIERS_PER_TABLE } from '../params.ts';

const NIL = -1;

/** Fee schedules that orders and symbols can have at a time: 11 bits of an order's word. */
export const MAX_SCHEDULES = 2 ** 11;
/** The lower bits of an order's word of fees. */
export const CARRY_BITS = 20;
export const CARRY_MASK = 2 ** CARRY_BITS - 1;
export const SCHEDULE_MASK = MAX_SCHEDULES - 1;
/** The sign bit of the word: the order has more than its record: an end, a partner, its place among the quotes, or a part that is not displayed. The common paths that end or change an order test only this bit. */
export const HAS_MORE = -(2 ** 31);
/** Of a symbol's schedule: the symbol has a table of fee tiers. */
export const TIERED = 2 ** 15;
/** Carry of an order that was accepted before rules 4: each of its fills is rounded by itself. */
export const NO_CARRY = 1_000_000;

/** An order's word of fees, without {@link HAS_MORE}. @param carry millionths of a unit that were charged in advance, 0 to 999,999, or {@link NO_CARRY} */
export function feesWord(schedule: number, carry: number): number {
  return (schedule << CARRY_BITS) | carry;
}

/** The schedule in an order's word of fees. */
export function scheduleOf(fees: number): number {
  return (fees >>> CARRY_BITS) & SCHEDULE_MASK;
}

/**
 * The fee rates of orders. A schedule is a pair of rates, which symbols and
 * orders name by its number, so that an order keeps the rates with which it was
 * accepted. Numbers are local to this memory: a snapshot has the rates.
 *
 * Rounding, from rules 4 on: all fills of an order together pay the fee of the
 * whole, rounded up to a unit (a rebate is rounded down). The carry is what the
 * fills so far paid above their exact fee, in millionths of a unit. Before,
 * each fill was rounded towards zero, so that many small fills paid nothing; an
 * order that rested at the step keeps this rounding until an amend makes it
 * lose its priority. Owned by the engine thread.
 */
export class FeeSchedules {
  /** Millionths of the notional; a maker's may be negative, a rebate. */
  readonly makerPpm = new Float64Array(MAX_SCHEDULES);
  readonly takerPpm = new Float64Array(MAX_SCHEDULES);
  /** The highest rate that can apply. A buy's reservation includes it. */
  readonly reservePpm = new Float64Array(MAX_SCHEDULES);
  /** Carry of an order when it is accepted. */
  firstCarry = 0;
  /** The schedule of each symbol's new orders, with {@link TIERED} if their account may have another one. */
  readonly ofSymbol: Uint16Array;
  /** The schedule of each tier of each table; see FeeTiers. */
  readonly ofTiers = new Uint16Array((FEE_TABLES + 1) * TIERS_PER_TABLE);
  readonly #slab: OrderSlab;
  /** Schedules below it were given out; 0 has no fees. */
  #count = 1;

  /** @param symbols ids are below it @param slab the orders, which name schedules */
  constructor(symbols: number, slab: OrderSlab) {
    this.ofSymbol = new Uint16Array(symbols);
    this.#slab = slab;
  }

  setRules(rules: number): void {
    this.firstCarry = rules >= 4 ? 0 : NO_CARRY;
  }

  /** Number of the schedule with these rates; -1 if orders and symbols have all other schedules in use. Cold. */
  find(makerPpm: number, takerPpm: number): number {
    for (let n = 0; n < this.#count; n++) if (this.makerPpm[n] === makerPpm && this.takerPpm[n] === takerPpm) return n;
    const free = this.#count < MAX_SCHEDULES ? this.#count++ : this.#unused();
    if (free === -1) return -1;
    this.makerPpm[free] = makerPpm;
    this.takerPpm[free] = takerPpm;
    this.reservePpm[free] = Math.max(makerPpm, takerPpm, 0);
    return free;
  }

  /** {@link find} for rates that are in use for certain. */
  restore(makerPpm: number, takerPpm: number): number {
    const schedule = this.find(makerPpm, takerPpm);
    if (schedule === -1) fail(`the state has more than ${MAX_SCHEDULES} fee schedules`);
    return schedule;
  }

  /** The schedule of a symbol without tiers. */
  baseOf(symbol: number): number {
    return this.ofSymbol[symbol] & SCHEDULE_MASK;
  }

  /** Puts rates in force for the new orders of a symbol. @param tiered it has a table of tiers. Returns false, and changes nothing, if all schedules are in use. Cold. */
  setSymbol(symbol: number, makerPpm: number, takerPpm: number, tiered: boolean): boolean {
    const schedule = this.find(makerPpm, takerPpm);
    if (schedule === -1) return false;
    this.ofSymbol[symbol] = tiered ? schedule | TIERED : schedule;
    return true;
  }

  #unused(): number {
    const used = new Uint8Array(MAX_SCHEDULES);
    used[0] = 1;
    for (const schedule of this.ofSymbol) used[schedule & SCHEDULE_MASK] = 1;
    for (const schedule of this.ofTiers) used[schedule] = 1;
    const { capacity } = this.#slab;
    for (let slot = 0; slot < capacity; slot++) if (this.#slab.level(slot) !== NIL) used[scheduleOf(this.#slab.fees(slot))] = 1;
    return used.indexOf(0);
  }
}
