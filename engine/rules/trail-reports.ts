import type { OrderSlab } from '../book/order-slab.ts';
import type { PriceTicks } from '../units.ts';

const NIL = -1;
/** Orders that are looked at with one command at most. */
export const TRAIL_REPORTS_PER_COMMAND = 256;

/** The orders of a symbol that ask for reports, in the order in which they began to wait. */
interface Round {
  first: number;
  last: number;
  count: number;
  /** Slot of the order that is looked at next. */
  at: number;
  /** Orders that are still to be looked at. */
  left: number;
}

/**
 * The trailing stops whose account asked for a report of each change of their stop price. When stop prices of a symbol
 * have changed, all of these orders are looked at once, in turn, a share of them with each command: an order whose stop price is
 * another one than at its last report is reported, with its present one. So an order is reported once per command at
 * most, and a command has a bounded number of reports, however many orders ask. A symbol whose
 * orders do not ask pays nothing. Owned by the engine thread.
 */
export class TrailReports {
  perCommand = TRAIL_REPORTS_PER_COMMAND;
  /** Orders that ask. */
  count = 0;
  /** Symbols with orders that are still to be looked at, in the order of their turns. */
  readonly active: number[] = [];
  readonly #slab: OrderSlab;
  readonly #stopPrice: (slot: number) => PriceTicks;
  readonly #rounds: (Round | undefined)[] = [];
  /** By slot: stop price at the last report, 0 = it does not ask; and the neighbours in its round. They take memory when the first order asks. */
  #reported = new Int32Array(0);
  #next = new Int32Array(0);
  #prev = new Int32Array(0);

  /** @param stopPrice the present stop price of the pending stop in a slot */
  constructor(slab: OrderSlab, stopPrice: (slot: number) => PriceTicks) {
    this.#slab = slab;
    this.#stopPrice = stopPrice;
  }

  /** The trailing stop in `slot` asks for reports, and its present stop price has been reported. */
  add(slot: number): void {
    this.load(slot, this.#stopPrice(slot), false);
  }

  /** The same from a snapshot. @param isNext it is looked at next */
  load(slot: number, reported: PriceTicks, isNext: boolean): void {
    if (this.#reported.length === 0) [this.#reported, this.#next, this.#prev] = [0, 0, 0].map(() => new Int32Array(this.#slab.capacity));
    const round = this.#open(this.#slab.symbol(slot));
    this.#reported[slot] = reported;
    this.#next[slot] = NIL;
    this.#prev[slot] = round.last;
    if (round.last === NIL) round.first = slot;
    else this.#next[round.last] = slot;
    round.last = slot;
    if (round.count === 0 || isNext) round.at = slot;
    round.count++;
    this.count++;
  }

  #open(symbol: number): Round {
    while (this.#rounds.length <= symbol) this.#rounds.push(undefined);
    const round = this.#rounds[symbol] ?? { first: NIL, last: NIL, count: 0, at: NIL, left: 0 };
    this.#rounds[symbol] = round;
    return round;
  }

  /** The account of the order in `slot`, if it asks, has seen its present stop price in another report. */
  seen(slot: number): void {
    if (this.count !== 0 && this.#reported[slot] !== 0) this.#reported[slot] = this.#stopPrice(slot);
  }

  /** The order in `slot` no longer waits. */
  remove(slot: number): void {
    if (this.count === 0 || this.#reported[slot] === 0) return;
    const round = this.#rounds[this.#slab.symbol(slot)] as Round;
    const prev = this.#prev[slot];
    const next = this.#next[slot];
    if (prev === NIL) round.first = next;
    else this.#next[prev] = next;
    if (next === NIL) round.last = prev;
    else this.#prev[next] = prev;
    if (round.at === slot) round.at = next === NIL ? round.first : next;
    this.#reported[slot] = 0;
    round.count--;
    this.count--;
    if (round.left <= round.count) return;
    round.left = round.count;
    if (round.left === 0) this.active.splice(this.active.indexOf(this.#slab.symbol(slot)), 1);
  }

  /** Stop prices of a symbol have changed: all of its orders that ask are to be looked at. */
  moved(symbol: number): void {
    const round = this.#rounds[symbol];
    if (round === undefined || round.count === 0) return;
    round.left = round.count;
    if (!this.active.includes(symbol)) this.active.push(symbol);
  }

  /** Looks at the next order. Returns its slot if it is to be reported; otherwise -1. Call it while `active` has a symbol, and `perCommand` times at most per command. */
  look(): number {
    const round = this.#rounds[this.active[0]] as Round;
    const slot = round.at;
    const next = this.#next[slot];
    round.at = next === NIL ? round.first : next;
    if (--round.left === 0) this.active.shift();
    const price = this.#stopPrice(slot);
    if (price === this.#reported[slot]) return NIL;
    this.#reported[slot] = price;
    return slot;
  }

  /** The next turn is that of another symbol, if orders of several are to be looked at. */
  passTurn(): void {
    const symbol = this.active.shift();
    if (symbol !== undefined) this.active.push(symbol);
  }

  /** Of the orders of a symbol that ask: slot, stop price at the last report, and whether it is looked at next. Cold. */
  *orders(symbol: number): Generator<[slot: number, reported: PriceTicks, isNext: boolean]> {
    const round = this.#rounds[symbol];
    for (let slot = round?.first ?? NIL; slot !== NIL; slot = this.#next[slot]) yield [slot, this.#reported[slot], round?.at === slot];
  }

  /** Orders of a symbol that are still to be looked at. */
  left(symbol: number): number {
    return this.#rounds[symbol]?.left ?? 0;
  }

  /** The turn of a symbol in a snapshot, after its orders. */
  loadTurn(symbol: number, left: number): void {
    this.#open(symbol).left = left;
    this.active.push(symbol);
  }
}
