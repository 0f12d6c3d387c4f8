/** Steps of a sliding window. */
const STEPS = 60;
/** Whole windows that the average of the volume is made of. */
export const AVERAGED = 20;
const MILLION = 1e6;
/** Numbers of a window that is saved: of each kind, and before them the id of its last trade. */
const MOVE_NUMBERS = 3 + 2 * (STEPS + 1);
const VOLUME_NUMBERS = 4 + AVERAGED;
export const WINDOW_NUMBERS = 1 + MOVE_NUMBERS + VOLUME_NUMBERS;

/**
 * How far the price is from its lowest and highest of a sliding window. The window is the step of now and the 60 steps before, each a 60th of its
 * length, so that it holds no more than 61 numbers per side however much trades. Times must not go back.
 */
export class MoveWindow {
  /** The price above the lowest, and below the highest of the window, ppm, rounded down. */
  rise = 0;
  fall = 0;
  readonly #stepUs: number;
  readonly #lows = new Float64Array(STEPS + 1).fill(Number.POSITIVE_INFINITY);
  readonly #highs = new Float64Array(STEPS + 1).fill(Number.NEGATIVE_INFINITY);
  #step = -1;
  #low = Number.POSITIVE_INFINITY;
  #high = Number.NEGATIVE_INFINITY;

  constructor(windowUs: number) {
    this.#stepUs = Math.floor(windowUs / STEPS);
  }

  /** Takes a trade. @param price ticks, above 0 @param timeUs µs since the Unix epoch */
  trade(price: number, timeUs: number): void {
    const step = Math.floor(timeUs / this.#stepUs);
    if (step > this.#step) this.#moveTo(step);
    const at = this.#step % (STEPS + 1);
    if (price < this.#lows[at]) this.#lows[at] = price;
    if (price > this.#highs[at]) this.#highs[at] = price;
    if (price < this.#low) this.#low = price;
    if (price > this.#high) this.#high = price;
    this.rise = Math.floor(((price - this.#low) * MILLION) / this.#low);
    this.fall = Math.floor(((this.#high - price) * MILLION) / this.#high);
  }

  /** Writes its numbers into {@link MOVE_NUMBERS} numbers. */
  save(into: Float64Array): void {
    into.set([this.#step, this.rise, this.fall]);
    into.set(this.#lows, 3);
    into.set(this.#highs, 3 + STEPS + 1);
  }

  /** Takes the numbers that {@link save} has written. */
  restore(from: Float64Array): void {
    [this.#step, this.rise, this.fall] = from;
    this.#lows.set(from.subarray(3, 3 + STEPS + 1));
    this.#highs.set(from.subarray(3 + STEPS + 1));
    this.#low = Math.min(...this.#lows);
    this.#high = Math.max(...this.#highs);
  }

  #moveTo(step: number): void {
    const first = Math.max(this.#step + 1, step - STEPS);
    for (let passed = first; passed <= step; passed++) {
      this.#lows[passed % (STEPS + 1)] = Number.POSITIVE_INFINITY;
      this.#highs[passed % (STEPS + 1)] = Number.NEGATIVE_INFINITY;
    }
    this.#step = step;
    this.#low = Math.min(...this.#lows);
    this.#high = Math.max(...this.#highs);
  }
}

/**
 * The volume since the last multiple of a length of time, and its ratio to the average of the {@link AVERAGED} such windows before. The ratio is
 * 0 until all of these have passed since the first trade was seen, the window of which does not count, because it may be a part. Times must not go back.
 */
export class VolumeWindow {
  /** Lots. */
  volume = 0;
  /** ppm. */
  ratio = 0;
  readonly #windowUs: number;
  readonly #before = new Float64Array(AVERAGED);
  /** Number of the present window, and of the first that was seen. */
  #window = -1;
  #first = 0;
  #sum = 0;

  constructor(windowUs: number) {
    this.#windowUs = windowUs;
  }

  /** Begins the window of that time, if it is another. @param timeUs µs since the Unix epoch @returns whether it is */
  advance(timeUs: number): boolean {
    const window = Math.floor(timeUs / this.#windowUs);
    if (this.#window === -1) this.#window = this.#first = window;
    if (window <= this.#window) return false;
    this.#moveTo(window);
    return true;
  }

  /** Takes a trade of the present window. @param lots its quantity */
  trade(lots: number): void {
    this.volume += lots;
    const counted = this.#window - this.#first > AVERAGED && this.#sum > 0;
    this.ratio = counted ? Math.floor((this.volume * AVERAGED * MILLION) / this.#sum) : 0;
  }

  /** Writes its numbers into {@link VOLUME_NUMBERS} numbers. */
  save(into: Float64Array): void {
    into.set([this.#window, this.#first, this.volume, this.ratio]);
    into.set(this.#before, 4);
  }

  /** Takes the numbers that {@link save} has written. */
  restore(from: Float64Array): void {
    [this.#window, this.#first, this.volume, this.ratio] = from;
    this.#before.set(from.subarray(4));
    this.#sum = this.#before.reduce((sum, volume) => sum + volume, 0);
  }

  #moveTo(window: number): void {
    // The present window, then those in which nothing traded; of more than AVERAGED, all before are forgotten.
    const last = Math.min(window, this.#window + 1 + AVERAGED);
    for (let passed = this.#window; passed < last; passed++) {
      const at = passed % AVERAGED;
      const volume = passed === this.#window ? this.volume : 0;
      this.#sum += volume - this.#before[at];
      this.#before[at] = volume;
    }
    this.#window = window;
    this.volume = 0;
    this.ratio = 0;
  }
}

/** The windows of one length over the trades of one symbol. */
export class TradeWindow {
  readonly move: MoveWindow;
  readonly volume: VolumeWindow;

  /** @param windowUs its length */
  constructor(windowUs: number) {
    this.move = new MoveWindow(windowUs);
    this.volume = new VolumeWindow(windowUs);
  }

  /** Takes a trade: ticks, lots, µs since the Unix epoch. */
  trade(price: number, lots: number, timeUs: number): void {
    this.move.trade(price, timeUs);
    this.volume.advance(timeUs);
    this.volume.trade(lots);
  }

  /** Its state after the trade of that id, {@link WINDOW_NUMBERS} numbers. */
  save(tradeId: number): Float64Array {
    const numbers = new Float64Array(WINDOW_NUMBERS);
    numbers[0] = tradeId;
    this.move.save(numbers.subarray(1, 1 + MOVE_NUMBERS));
    this.volume.save(numbers.subarray(1 + MOVE_NUMBERS));
    return numbers;
  }

  /** Takes a state that was saved. */
  restore(numbers: Float64Array): void {
    this.move.restore(numbers.subarray(1, 1 + MOVE_NUMBERS));
    this.volume.restore(numbers.subarray(1 + MOVE_NUMBERS));
  }
}
