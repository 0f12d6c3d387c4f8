import { Side } from '../../engine/wire/layout.ts';

/** One price level, as an object; allocates. */
export interface Level {
  /** Ticks. */
  price: number;
  /** Lots. */
  quantity: number;
  orders: number;
}

/** Levels that are sorted in one piece. */
const PART = 512;

/** The levels of one side of a book as of one moment, to be sorted later, in steps. */
export class LevelsCopy {
  /** Slots in MirrorLevels at that moment. */
  readonly slots: Int32Array;
  readonly #price: Float64Array;
  readonly #quantity: Float64Array;
  readonly #orders: Uint32Array;
  readonly #worse: number;
  #count = 0;

  constructor(side: number, size: number) {
    this.slots = new Int32Array(size);
    this.#price = new Float64Array(size);
    this.#quantity = new Float64Array(size);
    this.#orders = new Uint32Array(size);
    this.#worse = side === Side.Buy ? -1 : 1;
  }

  add(slot: number, price: number, quantity: number, orders: number): void {
    const at = this.#count++;
    this.slots[at] = slot;
    this.#price[at] = price;
    this.#quantity[at] = quantity;
    this.#orders[at] = orders;
  }

  price(at: number): number {
    return this.#price[at];
  }

  level(at: number): Level {
    return { price: this.#price[at], quantity: this.#quantity[at], orders: this.#orders[at] };
  }

  /** The best levels, best first, at most `depth`. A step takes some 0.1 ms. */
  *sorted(depth: number): Generator<undefined, Level[]> {
    const levels: Level[] = [];
    for (const at of yield* this.order(depth)) levels.push(this.level(at));
    return levels;
  }

  /** Positions of the best levels in this copy, best first, at most `depth`. */
  *order(depth: number = Number.POSITIVE_INFINITY): Generator<undefined, Int32Array> {
    const price = this.#price;
    const worse = this.#worse;
    const better = (a: number, b: number): number => (price[a] - price[b]) * worse;
    let runs: Int32Array[] = [];
    for (let from = 0; from < this.#count; from += PART) {
      const end = Math.min(this.#count, from + PART);
      runs.push(Int32Array.from({ length: end - from }, (_, i) => from + i).sort(better));
      yield;
    }
    while (runs.length > 1) {
      const merged: Int32Array[] = [];
      for (let i = 0; i < runs.length; i += 2) {
        merged.push(i + 1 === runs.length ? runs[i] : yield* merge(runs[i], runs[i + 1], depth, better));
      }
      runs = merged;
    }
    return runs.length === 0 ? new Int32Array(0) : runs[0].subarray(0, Math.min(depth, runs[0].length));
  }
}

/** The best of two sorted runs, at most `depth`. */
function* merge(a: Int32Array, b: Int32Array, depth: number, better: (a: number, b: number) => number): Generator<undefined, Int32Array> {
  const out = new Int32Array(Math.min(depth, a.length + b.length));
  for (let i = 0, j = 0, k = 0; k < out.length; k++) {
    out[k] = j === b.length || (i < a.length && better(a[i], b[j]) <= 0) ? a[i++] : b[j++];
    if (k % 4096 === 4095) yield;
  }
  return out;
}
