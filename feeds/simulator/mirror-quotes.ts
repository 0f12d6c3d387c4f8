import { Code } from '../../engine/codes.ts';
import type { CommandFields } from '../../engine/machine/command.ts';
import { CommandKind, ReportKind, Side, TimeInForce } from '../../engine/wire/layout.ts';
import type { BookLevels } from '../books/venue-book.ts';
import type { MirrorScale } from './mirror-scale.ts';

/** Most levels of a side that are quoted. */
export const MIRROR_LEVELS = 16;
/** Orders of a side: as many again as levels, because some are on their way out. */
const PLACES = 2 * MIRROR_LEVELS;
/** Orders of both sides, and so the numbers of their places. */
export const MIRROR_PLACES: number = 2 * PLACES;
/** Until what was rejected is tried again, ms. */
const RETRY_MS = 1000;

const PlaceState = {
  Free: 0,
  /** The order was sent; its report has not come. */
  Sent: 1,
  Resting: 2,
  /** An amend was sent; its report has not come. */
  Amending: 3,
  /** A cancel was sent; the order has not ended. */
  Leaving: 4,
  /** No order: it was rejected, and is not to be sent again yet. */
  Rejected: 5,
} as const;

/**
 * The quotes of one symbol: which orders rest there, which ought to, and the next command that brings the one to the
 * other. The levels of the outside book are the aim; a level has one order.
 *
 * ```
 * Free ──new──▶ Sent ──▶ Resting ◀──▶ Amending       any of these ──cancel──▶ Leaving ──▶ Free
 *                 └──▶ Rejected ──after a second, or when the level is gone──▶ Free
 * ```
 *
 * The commands must be sequenced in the order in which they are decided. Then quotes never trade with each other: prices that
 * are no longer aimed at are cancelled before new ones are sent, and the aim is not crossed. Fills by other participants come
 * as reports, and the level is filled up again.
 */
export class MirrorQuotes {
  /** There may be something to decide. Cleared by {@link decide} when there was not. */
  due = false;
  /** Orders and amends that the exchange rejected. */
  rejected = 0;
  readonly #symbol: number;
  readonly #tickStep: number;
  readonly #makers: readonly number[];
  /** The number of place 0 in the tags of commands. */
  readonly #firstTag: number;
  readonly #aimPrice = new Float64Array(2 * MIRROR_LEVELS);
  readonly #aimLots = new Float64Array(2 * MIRROR_LEVELS);
  readonly #aims = new Int32Array(2);
  // Of each place; those of a side are neighbours.
  readonly #state = new Uint8Array(MIRROR_PLACES);
  readonly #account = new Float64Array(MIRROR_PLACES);
  readonly #clientOrderId = new Float64Array(MIRROR_PLACES);
  readonly #price = new Float64Array(MIRROR_PLACES);
  readonly #open = new Float64Array(MIRROR_PLACES);
  /** Not to be sent again before this time, ms. */
  readonly #notBefore = new Float64Array(MIRROR_PLACES);

  /** @param makers accounts that quote @param firstTag the tags of its commands are this and the following {@link MIRROR_PLACES} - 1 */
  constructor({ symbol: { id, tickStep } }: MirrorScale, makers: readonly number[], firstTag: number) {
    this.#symbol = id;
    this.#tickStep = tickStep;
    this.#makers = makers;
    this.#firstTag = firstTag;
  }

  /** Aims at the best levels of a side of the outside book. Levels that have one price here are one; those too small are none. */
  aim(side: Side, levels: BookLevels, scale: MirrorScale): void {
    const first = side * MIRROR_LEVELS;
    let count = 0;
    let quantity = 0;
    let price = 0;
    const add = (): void => {
      const lots = price === 0 ? 0 : scale.lots(quantity, price);
      if (lots === 0) return;
      this.#aimPrice[first + count] = price;
      this.#aimLots[first + count++] = lots;
    };
    for (let depth = 0; depth < levels.length && count < MIRROR_LEVELS; depth++) {
      const ticks = scale.ticks(levels.price(depth), side === Side.Sell);
      if (ticks !== price) {
        add();
        price = ticks;
        quantity = 0;
      }
      quantity = Math.min(quantity + levels.quantity(depth), Number.MAX_SAFE_INTEGER);
    }
    if (count < MIRROR_LEVELS) add();
    this.#aims[side] = count;
    this.due = true;
  }

  /** Aims at no quotes. */
  withdraw(): void {
    this.#aims.fill(0);
    this.due = true;
  }

  /** Ticks: the best price of a side that may rest; 0 = none. */
  best(side: Side): number {
    let best = 0;
    for (let at = side * PLACES; at < (side + 1) * PLACES; at++) {
      if (!this.#isOpen(at)) continue;
      const price = this.#price[at];
      if (best === 0 || (side === Side.Buy ? price > best : price < best)) best = price;
    }
    return best;
  }

  /** Lots of all levels that are aimed at, and their value in ticks times lots. */
  total(side: Side): { readonly lots: number; readonly value: number } {
    let lots = 0;
    let value = 0;
    for (let at = side * MIRROR_LEVELS; at < side * MIRROR_LEVELS + this.#aims[side]; at++) {
      lots += this.#aimLots[at];
      value += this.#aimPrice[at] * this.#aimLots[at];
    }
    return { lots, value };
  }

  /**
   * The next command, which the caller then sends; undefined if there is none now. Quotes that must go come first, then the levels
   * from the best one on.
   * @param nowMs time of any clock, always the same @param newId client order id of a new order, used only by one
   */
  decide(nowMs: number, newId: number): CommandFields | undefined {
    if (!this.due) return undefined;
    const command = this.#cancelOne() ?? this.#updateOne(nowMs, newId);
    this.due = command !== undefined;
    return command;
  }

  /** Applies a report to a command with a tag of these. Reports of other orders are ignored. @param leaves lots */
  onReport(tag: number, clientOrderId: number, kind: number, code: number, leaves: number, nowMs: number): void {
    const at = tag - this.#firstTag;
    if (this.#clientOrderId[at] !== clientOrderId || this.#state[at] === PlaceState.Free || this.#state[at] === PlaceState.Rejected) return;
    this.due = true;
    switch (kind) {
      case ReportKind.Accepted:
        return this.#rests(at, PlaceState.Sent, leaves);
      case ReportKind.Amended:
        return this.#rests(at, PlaceState.Amending, leaves);
      case ReportKind.Fill:
        this.#open[at] = leaves;
        if (leaves === 0) this.#state[at] = PlaceState.Free;
        return;
      case ReportKind.Cancelled:
        this.#state[at] = PlaceState.Free;
        return;
      case ReportKind.Rejected:
        this.#reject(at, nowMs);
        this.#state[at] = PlaceState.Rejected;
        return;
      case ReportKind.AmendRejected:
        this.#reject(at, nowMs);
        return this.#rests(at, PlaceState.Amending, this.#open[at]);
      case ReportKind.CancelRejected:
        this.#state[at] = code === Code.UNKNOWN_ORDER ? PlaceState.Free : PlaceState.Resting;
    }
  }

  /** The time for what was rejected may have come. */
  retry(): void {
    for (let at = 0; at < MIRROR_PLACES; at++) if (this.#notBefore[at] !== 0) this.due = true;
  }

  #cancelOne(): CommandFields | undefined {
    for (let at = 0; at < MIRROR_PLACES; at++) {
      const state = this.#state[at];
      if (state === PlaceState.Free || state === PlaceState.Leaving) continue;
      if (this.#aimOf(at) !== -1) continue;
      if (state === PlaceState.Rejected) {
        this.#state[at] = PlaceState.Free;
        continue;
      }
      this.#state[at] = PlaceState.Leaving;
      return this.#command(CommandKind.Cancel, at);
    }
    return undefined;
  }

  #updateOne(nowMs: number, newId: number): CommandFields | undefined {
    for (let depth = 0; depth < MIRROR_LEVELS; depth++) {
      for (const side of [Side.Buy, Side.Sell]) {
        if (depth >= this.#aims[side]) continue;
        const command = this.#updateLevel(side, side * MIRROR_LEVELS + depth, nowMs, newId);
        if (command !== undefined) return command;
      }
    }
    return undefined;
  }

  #updateLevel(side: Side, aim: number, nowMs: number, newId: number): CommandFields | undefined {
    const price = this.#aimPrice[aim];
    const lots = this.#aimLots[aim];
    const at = this.#placeOf(side, price);
    if (at === -1) return this.#send(side, price, lots, newId);
    if (nowMs < this.#notBefore[at]) return undefined;
    if (this.#state[at] === PlaceState.Rejected) {
      this.#state[at] = PlaceState.Free;
      return this.#send(side, price, lots, newId);
    }
    if (this.#state[at] !== PlaceState.Resting || this.#open[at] === lots) return undefined;
    this.#state[at] = PlaceState.Amending;
    return { ...this.#command(CommandKind.Amend, at), price, quantity: lots };
  }

  /** Good till cancelled, so that it trades with an order of another participant that has this price or a better one, as the outside market would. */
  #send(side: Side, price: number, lots: number, newId: number): CommandFields | undefined {
    let at = side * PLACES;
    while (at < (side + 1) * PLACES && this.#state[at] !== PlaceState.Free) at++;
    // All are on their way out: their reports make room.
    if (at === (side + 1) * PLACES) return undefined;
    this.#state[at] = PlaceState.Sent;
    this.#account[at] = this.#makers[(price / this.#tickStep) % this.#makers.length];
    this.#clientOrderId[at] = newId;
    this.#price[at] = price;
    this.#open[at] = lots;
    this.#notBefore[at] = 0;
    return { ...this.#command(CommandKind.New, at), timeInForce: TimeInForce.GoodTillCancel, price, quantity: lots };
  }

  #command(kind: CommandKind, at: number): CommandFields {
    return {
      kind,
      side: at < PLACES ? Side.Buy : Side.Sell,
      symbol: this.#symbol,
      account: this.#account[at],
      tag: this.#firstTag + at,
      clientOrderId: this.#clientOrderId[at],
    };
  }

  #rests(at: number, from: number, leaves: number): void {
    this.#open[at] = leaves;
    if (this.#state[at] === from) this.#state[at] = PlaceState.Resting;
  }

  #reject(at: number, nowMs: number): void {
    this.rejected++;
    this.#notBefore[at] = nowMs + RETRY_MS;
  }

  /** The place of the order, or of the rejected one, at a price; -1 if there is none. One that leaves does not count. */
  #placeOf(side: Side, price: number): number {
    for (let at = side * PLACES; at < (side + 1) * PLACES; at++)
      if (this.#price[at] === price && (this.#isOpen(at) || this.#state[at] === PlaceState.Rejected)) return at;
    return -1;
  }

  /** The aim with the price of a place; -1 if there is none. */
  #aimOf(at: number): number {
    const side = at < PLACES ? Side.Buy : Side.Sell;
    for (let aim = side * MIRROR_LEVELS; aim < side * MIRROR_LEVELS + this.#aims[side]; aim++)
      if (this.#aimPrice[aim] === this.#price[at]) return aim;
    return -1;
  }

  #isOpen(at: number): boolean {
    const state = this.#state[at];
    return state === PlaceState.Sent || state === PlaceState.Resting || state === PlaceState.Amending;
  }
}
