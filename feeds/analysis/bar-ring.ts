import { CANDLE_FIELDS } from './candles.ts';

/** Closed candles kept of one instrument and interval. */
export const MOST_BARS = 1024;
const FIRST_BARS = 16;

/** Fields of a kept candle: those of `CandleField`, then what it was closed with. */
export const BarField = {
  /** Decimals of its prices, and of its quantities. */
  priceDecimals: CANDLE_FIELDS,
  quantityDecimals: CANDLE_FIELDS + 1,
  /** 1: the connection was not open all the time, so trades may be missing. */
  incomplete: CANDLE_FIELDS + 2,
  /** 1: nothing is added to it any more. */
  closed: CANDLE_FIELDS + 3,
} as const;
export const BAR_FIELDS = CANDLE_FIELDS + 4;

/** Candles that may be kept beyond the first ones of each ring, over all rings that share it. */
export interface BarBudget {
  left: number;
}

/** The last closed candles, oldest first. It grows while the budget lasts, then the oldest ones make room. */
export class BarRing {
  readonly #budget: BarBudget;
  #bars = new Float64Array(FIRST_BARS * BAR_FIELDS);
  #capacity = FIRST_BARS;
  #added = 0;

  constructor(budget: BarBudget) {
    this.#budget = budget;
  }

  /** Candles added so far. Those that are kept are the last `count` of them. */
  get added(): number {
    return this.#added;
  }

  get count(): number {
    return Math.min(this.#added, this.#capacity);
  }

  /** The memory, and the index in it of candle `i` of those that are kept, 0 is the oldest. */
  get bars(): Float64Array {
    return this.#bars;
  }
  at(i: number): number {
    return ((this.#added - this.count + i) % this.#capacity) * BAR_FIELDS;
  }

  /** A place for the next candle, in {@link BarRing.bars}, which may be another array from now on. */
  add(): number {
    if (this.#added === this.#capacity) this.#grow();
    return (this.#added++ % this.#capacity) * BAR_FIELDS;
  }

  /** Only a ring that is exactly full grows: its candles stand in order. */
  #grow(): void {
    const more = this.#capacity;
    if (this.#capacity + more > MOST_BARS || this.#budget.left < more) return;
    this.#budget.left -= more;
    const bars = new Float64Array((this.#capacity + more) * BAR_FIELDS);
    bars.set(this.#bars);
    this.#bars = bars;
    this.#capacity += more;
  }
}
