/** The numbers that an indicator keeps between bars. They can be set back by one bar, for a bar that is replaced. */
export class Memory {
  readonly #parts: Float64Array[] = [];
  readonly #saved: Float64Array[] = [];

  /** A part of the memory, all 0. Only while the indicator is made. */
  take(numbers: number): Float64Array {
    const part = new Float64Array(numbers);
    this.#parts.push(part);
    this.#saved.push(new Float64Array(numbers));
    return part;
  }

  save(): void {
    for (let i = 0; i < this.#parts.length; i++) this.#saved[i].set(this.#parts[i]);
  }

  /** As it was at the last {@link Memory.save}. */
  restore(): void {
    for (let i = 0; i < this.#parts.length; i++) this.#parts[i].set(this.#saved[i]);
  }
}

/** The last values of a series. */
export class Window {
  readonly size: number;
  readonly #values: Float64Array;
  readonly #count: Float64Array;

  constructor(memory: Memory, size: number) {
    this.size = size;
    this.#values = memory.take(size);
    this.#count = memory.take(1);
  }

  get full(): boolean {
    return this.#count[0] >= this.size;
  }

  push(value: number): void {
    this.#values[this.#count[0]++ % this.size] = value;
  }

  // The rest is of a full window. Nothing is carried from bar to bar, so errors do not add up.

  get mean(): number {
    let sum = 0;
    for (let i = 0; i < this.size; i++) sum += this.#values[i];
    return sum / this.size;
  }

  /** Standard deviation of a population. */
  get deviation(): number {
    const { mean } = this;
    let squares = 0;
    for (let i = 0; i < this.size; i++) squares += (this.#values[i] - mean) ** 2;
    return Math.sqrt(squares / this.size);
  }

  get least(): number {
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < this.size; i++) least = Math.min(least, this.#values[i]);
    return least;
  }

  get most(): number {
    let most = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < this.size; i++) most = Math.max(most, this.#values[i]);
    return most;
  }
}

/**
 * An exponential average that begins as TA-Lib's: with the mean of its first `period` values. Later ones have the weight
 * `weight`: 2 / (period + 1), or 1 / period (Wilder).
 */
export class Smoothed {
  readonly #period: number;
  readonly #weight: number;
  /** Values so far, and their sum or the average. */
  readonly #state: Float64Array;

  constructor(memory: Memory, period: number, weight: number) {
    this.#period = period;
    this.#weight = weight;
    this.#state = memory.take(2);
  }

  /** @returns the average; NaN: there are too few values */
  push(value: number): number {
    const state = this.#state;
    state[0]++;
    if (state[0] > this.#period) state[1] += this.#weight * (value - state[1]);
    else state[1] += value;
    if (state[0] < this.#period) return Number.NaN;
    if (state[0] === this.#period) state[1] /= this.#period;
    return state[1];
  }
}

export function exponential(memory: Memory, period: number): Smoothed {
  return new Smoothed(memory, period, 2 / (period + 1));
}

export function wilder(memory: Memory, period: number): Smoothed {
  return new Smoothed(memory, period, 1 / period);
}
