import { setImmediate } from 'node:timers/promises';
import type { SymbolInfo } from '../../engine/threads/directory-info.ts';
import { CandleField, type Candles, INTERVAL_US } from '../../feeds/analysis/candles.ts';
import { type IndicatorSpec, openIndicators } from '../../feeds/analysis/indicators/catalog.ts';
import type { Bar, Indicator } from '../../feeds/analysis/indicators/indicator.ts';
import { barsOf, type IndicatorOutput } from '../../feeds/analysis/indicators/indicator-output.ts';
import { candleBar } from '../candle-bar.ts';
import { type CandleRecord, stateCandle } from '../candle-record.ts';
import type { CandleRange } from '../taps/candles/candle-queries.ts';
import { MAX_MISSED_BARS } from './limits.ts';

/** Candles of a symbol, oldest first, complete up to the last trade that was published. Rejects if they cannot be read now. */
export type ReadCandles = (range: Omit<CandleRange, 'atLeast'>) => Promise<readonly CandleRecord[]>;

/** What the numbers of a gauge are: the first one, or the first less the second. */
export interface GaugeOutputs {
  readonly key: string;
  readonly first: IndicatorOutput;
  readonly second: IndicatorOutput | undefined;
}

export interface BarFollowerOptions {
  readonly symbol: SymbolInfo;
  /** Number of the interval. */
  readonly interval: number;
  /** Of the symbol, closed by the engine's time. */
  readonly candles: () => Candles;
  readonly read: ReadCandles;
  /** A closed bar, before its values: begin and end, microseconds. Only of bars that are read from the history. */
  readonly onReadBar: (startUs: number, endUs: number) => void;
  /** The value of a gauge at a closed bar that ended at that time, once for each bar with a value. */
  readonly onValue: (key: string, value: number, endUs: number) => void;
  /** The value of a gauge at the bar from which it was resumed. */
  readonly onResumed: (key: string, value: number, endUs: number) => void;
  /** All bars that have closed so far are evaluated. */
  readonly onCurrent: () => void;
}

interface Calculation {
  readonly spec: IndicatorSpec;
  readonly indicator: Indicator;
}

interface Followed {
  readonly outputs: GaugeOutputs;
  users: number;
  /** Begin of the last bar that was evaluated, microseconds; -1: none. Undefined: the last one that has closed is the first. */
  barUs: number | undefined;
  /** At that bar; NaN: there are too few bars. */
  value: number;
}

/** Candles that are read at once. */
const PAGE = 250;
/** Calculations until other work has a turn: some 0.5 ms. */
const SLICE = 128;
/** A bucket after all others. */
const END = 2 ** 32;

/**
 * Calculates indicators over the closed bars of one symbol and interval, each indicator once, however many gauges want it. A bar that
 * follows the last one is taken from market data; if trades are missing between both, as after a start, bars are read from the history.
 * Work that waits for the history is done one by one, and {@link poll} takes no bar meanwhile. I/O thread.
 */
export class BarFollower {
  readonly #options: BarFollowerOptions;
  readonly #intervalUs: number;
  readonly #calculations = new Map<string, Calculation>();
  readonly #gauges = new Map<string, Followed>();
  /** It has the bars that its indicators need. */
  #warm = false;
  /** It has evaluated what closed before it began. */
  #caughtUp = false;
  /** Begin of the last bar, microseconds, -1: none; and its last trade. */
  #startUs = -1;
  #lastTradeId = 0;
  #tail: Promise<unknown> = Promise.resolve();
  #pending = 0;
  #sliced = 0;

  constructor(options: BarFollowerOptions) {
    this.#options = options;
    this.#intervalUs = INTERVAL_US[options.interval];
  }

  /** The value at the last bar; NaN: it is not known. */
  valueOf(key: string): number {
    return this.#gauges.get(key)?.value ?? Number.NaN;
  }

  /** Begin of the last bar of a gauge that was evaluated, microseconds. */
  barOf(key: string): number | undefined {
    return this.#gauges.get(key)?.barUs;
  }

  /** The gauges, and the begin of the last bar of each that was evaluated, where it is known. */
  *bars(): Iterable<readonly [key: string, barUs: number]> {
    for (const [key, { barUs }] of this.#gauges) if (barUs !== undefined) yield [key, barUs];
  }

  /** When a bar ends that is forming, microseconds; Infinity: none is. */
  get dueUs(): number {
    const candles = this.#options.candles();
    const at = candles.formingAt(this.#options.interval);
    return candles.state[at + CandleField.trades] === 0
      ? Number.POSITIVE_INFINITY
      : candles.state[at + CandleField.start] + this.#intervalUs;
  }

  /** Follows a gauge from a bar that was evaluated in an earlier process. Before the first {@link poll}. @param barUs undefined: not known */
  resume(outputs: GaugeOutputs, barUs: number | undefined): void {
    const { users } = this.#gauges.get(outputs.key) ?? { users: 0 };
    this.#gauges.set(outputs.key, { outputs, users: users + 1, barUs, value: Number.NaN });
  }

  /** Follows a gauge. Resolves when its value at the last closed bar is known. Rejects if bars cannot be read; then it is not followed. */
  follow(outputs: GaugeOutputs): Promise<void> {
    return this.#inTurn(async () => {
      try {
        if (!this.#warm) await this.#begin([outputs]);
        else await this.#calculate([outputs]);
        if (!this.#caughtUp || !this.#isCurrent()) await this.#readOn();
      } catch (error) {
        this.#prune();
        throw error;
      }
      const known = this.#gauges.get(outputs.key);
      if (known === undefined) this.#gauges.set(outputs.key, { outputs, users: 1, barUs: this.#startUs, value: this.#evaluate(outputs) });
      else known.users++;
    });
  }

  /** Ends one {@link follow} or {@link resume} of a gauge. */
  release(key: string): void {
    const followed = this.#gauges.get(key);
    if (followed === undefined || --followed.users > 0) return;
    this.#gauges.delete(key);
    // A request under way has calculations that no gauge has yet.
    void this.#inTurn(async () => this.#prune());
  }

  /** Forgets the calculations that no gauge wants. */
  #prune(): void {
    const wanted = new Set([...this.#gauges.values()].flatMap(({ outputs }) => specsOf(outputs).map(({ text }) => text)));
    for (const text of this.#calculations.keys()) if (!wanted.has(text)) this.#calculations.delete(text);
  }

  /**
   * Takes the bar that has closed since the last call, if there is one.
   * @returns how many calculations were made, or, where bars must be read, the end of that; it rejects if they cannot be
   */
  poll(): number | Promise<void> {
    if (this.#pending > 0 || this.#gauges.size === 0) return 0;
    if (!this.#caughtUp)
      return this.#inTurn(async () => {
        if (!this.#warm) await this.#begin([]);
        await this.#readOn();
      });
    if (this.#isCurrent()) return 0;
    const { interval } = this.#options;
    const candles = this.#options.candles();
    const at = candles.closedAt(interval);
    if (candles.state[at + CandleField.firstTradeId] !== this.#lastTradeId + 1) return this.#inTurn(() => this.#readOn());
    this.#take(stateCandle(candles.state, at, interval, true) as CandleRecord);
    return this.#calculations.size;
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    this.#pending++;
    const done = this.#tail.then(work).finally(() => this.#pending--);
    this.#tail = done.catch(() => undefined);
    return done;
  }

  #isCurrent(): boolean {
    const candles = this.#options.candles();
    const at = candles.closedAt(this.#options.interval);
    return candles.state[at + CandleField.trades] === 0 || candles.state[at + CandleField.start] <= this.#startUs;
  }

  /** Reads the bars before the first one to be evaluated. */
  async #begin(further: readonly GaugeOutputs[]): Promise<void> {
    const known = [...this.#gauges.values()];
    const bars = known.map(({ barUs }) => barUs).filter((barUs) => barUs !== undefined);
    this.#startUs = bars.length > 0 ? await this.#bounded(Math.min(...bars)) : await this.#lastClosed();
    this.#lastTradeId = 0;
    this.#calculations.clear();
    await this.#calculate([...known.map(({ outputs }) => outputs), ...further]);
    for (const followed of known) {
      followed.barUs ??= this.#startUs;
      if (followed.barUs === this.#startUs) this.#resumed(followed);
    }
    this.#warm = true;
  }

  /** The bar itself, or the one before the last MAX_MISSED_BARS. */
  async #bounded(barUs: number): Promise<number> {
    const { startUs } = (await this.#newest(1, END))[0] ?? { startUs: barUs };
    if ((startUs - barUs) / this.#intervalUs <= MAX_MISSED_BARS) return barUs;
    const bars = await this.#newest(MAX_MISSED_BARS + 1, END);
    return bars.length <= MAX_MISSED_BARS ? barUs : Math.max(barUs, bars[0].startUs);
  }

  async #lastClosed(): Promise<number> {
    return (await this.#newest(1, END))[0]?.startUs ?? -1;
  }

  /** Adds the calculations that are missing, each with the bars that it needs, up to the last bar that was taken. */
  async #calculate(gauges: readonly GaugeOutputs[]): Promise<void> {
    const missing = new Map<string, IndicatorSpec>();
    for (const spec of gauges.flatMap(specsOf)) if (!this.#calculations.has(spec.text)) missing.set(spec.text, spec);
    if (missing.size === 0) return;
    const specs = [...missing.values()];
    const indicators = await openIndicators(specs);
    const needed = specs.map((spec) => barsOf(spec, this.#intervalUs));
    const bars = this.#startUs < 0 ? [] : await this.#newest(Math.max(...needed), this.#startUs / this.#intervalUs + 1);
    for (const [i, candle] of bars.entries()) {
      const bar = this.#barOf(candle);
      for (let k = 0; k < specs.length; k++) if (i >= bars.length - needed[k]) indicators[k].update(bar, false);
      await this.#slice(specs.length);
    }
    this.#lastTradeId = bars.at(-1)?.lastTradeId ?? this.#lastTradeId;
    for (const [i, spec] of specs.entries()) this.#calculations.set(spec.text, { spec, indicator: indicators[i] });
  }

  /** Evaluates the bars that have closed since the last one. */
  async #readOn(): Promise<void> {
    const { symbol, interval, read, onReadBar, onCurrent } = this.#options;
    for (;;) {
      const from = this.#startUs < 0 ? 0 : this.#startUs / this.#intervalUs + 1;
      const candles = await read({ symbol: symbol.id, interval, from, to: END, limit: PAGE, newest: false });
      for (const candle of candles) {
        if (!candle.closed) continue;
        onReadBar(candle.startUs, candle.startUs + this.#intervalUs);
        this.#take(candle);
        await this.#slice(this.#calculations.size);
      }
      if (candles.length < PAGE) break;
    }
    this.#caughtUp = true;
    onCurrent();
  }

  #take(candle: CandleRecord): void {
    const bar = this.#barOf(candle);
    for (const { indicator } of this.#calculations.values()) indicator.update(bar, false);
    this.#startUs = candle.startUs;
    this.#lastTradeId = candle.lastTradeId;
    for (const followed of this.#gauges.values()) {
      if (followed.barUs !== undefined && followed.barUs >= candle.startUs) {
        if (followed.barUs === candle.startUs) this.#resumed(followed);
        continue;
      }
      followed.barUs = candle.startUs;
      const value = this.#evaluate(followed.outputs);
      if (Number.isNaN(value)) continue;
      followed.value = value;
      this.#options.onValue(followed.outputs.key, value, candle.startUs + this.#intervalUs);
    }
  }

  #resumed(followed: Followed): void {
    followed.value = this.#evaluate(followed.outputs);
    this.#options.onResumed(followed.outputs.key, followed.value, this.#startUs + this.#intervalUs);
  }

  #evaluate({ first, second }: GaugeOutputs): number {
    const value = this.#valueAt(first);
    return second === undefined ? value : value - this.#valueAt(second);
  }

  #valueAt({ spec, output }: IndicatorOutput): number {
    return rounded(this.#calculations.get(spec.text)?.indicator.values[output] ?? Number.NaN);
  }

  #barOf(candle: CandleRecord): Bar {
    return candleBar(candle, this.#options.symbol);
  }

  /** The last `count` closed candles before a bucket, or as many as there are, oldest first. */
  async #newest(count: number, to: number): Promise<CandleRecord[]> {
    const { symbol, interval, read } = this.#options;
    const pages: CandleRecord[][] = [];
    for (let end = to, left = count; left > 0; ) {
      // One more: the last one may be forming.
      const limit = Math.min(PAGE, left + 1);
      const page = await read({ symbol: symbol.id, interval, from: 0, to: end, limit, newest: true });
      const closed = page.filter((candle) => candle.closed).slice(-left);
      pages.unshift(closed);
      if (closed.length === 0) break;
      left -= closed.length;
      end = closed[0].startUs / this.#intervalUs;
    }
    return pages.flat();
  }

  async #slice(calculations: number): Promise<void> {
    this.#sliced += calculations;
    if (this.#sliced < SLICE) return;
    this.#sliced = 0;
    await setImmediate();
  }
}

function specsOf({ first, second }: GaugeOutputs): IndicatorSpec[] {
  return second === undefined ? [first.spec] : [first.spec, second.spec];
}

/**
 * To ten significant digits, NaN if there is no number. Two averages of a price that does not move differ in the last digits of floats, and would cross each
 * other there.
 */
function rounded(value: number): number {
  return Number.isFinite(value) ? Number(value.toPrecision(10)) : Number.NaN;
}
