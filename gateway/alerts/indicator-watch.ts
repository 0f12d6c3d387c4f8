import { fail } from '../../engine/assert.ts';
import type { SymbolInfo } from '../../engine/threads/directory-info.ts';
import { CANDLE_INTERVALS, type Candles, INTERVAL_US } from '../../feeds/analysis/candles.ts';
import { readIndicatorOutput } from '../../feeds/analysis/indicators/indicator-output.ts';
import { type Alert, gaugeOf, type IndicatorCondition } from './alert.ts';
import { AlertError } from './alert-error.ts';
import { BarFollower, type GaugeOutputs, type ReadCandles } from './bar-follower.ts';
import type { AlertEvaluator } from './evaluator.ts';
import { MAX_INDICATORS_IN_ALL, MAX_INDICATORS_PER_ACCOUNT } from './limits.ts';

/** Calculations of a tick, some 0.5 ms; those of one symbol and interval are not split. */
const CALCULATIONS_PER_TICK = 128;
/** Until bars that could not be read are read again, ms. */
const AGAIN_MS = 1000;

export interface IndicatorWatchOptions {
  readonly evaluator: AlertEvaluator;
  readonly symbol: (id: number) => SymbolInfo | undefined;
  /** Candles of a symbol, closed by the engine's time. */
  readonly candles: (symbol: number) => Candles;
  readonly read: ReadCandles;
  /** Bars cannot be read. They are tried again; called once until all can be read. */
  readonly onFailed: (error: Error, symbol: number) => void;
}

interface Series {
  readonly symbol: number;
  readonly follower: BarFollower;
  /** Alerts on it, those that are being set included. */
  alerts: number;
  /** It is not polled before, ms of performance.now; 0: nothing has failed. */
  againMs: number;
}

/**
 * The indicators that alerts follow, with a limit for each account and for all. Trades cost nothing: a tick looks whether bars have closed, and sets the gauges of
 * the evaluator. I/O thread.
 */
export class IndicatorWatch {
  readonly #options: IndicatorWatchOptions;
  /** By symbol and interval. */
  readonly #series = new Map<string, Series>();
  /** Alerts of an earlier process, until the bars have passed that closed before they were set. */
  readonly #unarmed = new Map<Alert, IndicatorCondition>();
  #stopped = false;
  /** The first one that the next tick looks at. */
  #next = 0;
  /** How many alerts of an account, and of all (account 0), follow an indicator. */
  readonly #uses = new Map<number, Map<string, number>>();

  constructor(options: IndicatorWatchOptions) {
    this.#options = options;
  }

  /** Different indicators of all alerts. */
  get size(): number {
    return this.#uses.get(0)?.size ?? 0;
  }

  /**
   * Follows the gauge of a condition. Resolves when its value is known.
   * @throws AlertError ALERT_LIMIT, ALERTS_UNAVAILABLE: the candles cannot be read now; then nothing is followed
   */
  async follow(account: number, condition: IndicatorCondition): Promise<void> {
    const used = indicatorsOf(condition);
    this.#demandRoom(account, used);
    const series = this.#open(account, condition);
    try {
      await series.follower.follow(outputsOf(account, condition));
    } catch (error) {
      this.#failed(series, error as Error);
      this.#close(account, condition, series);
      throw new AlertError('ALERTS_UNAVAILABLE', 'the candles of the symbol cannot be read now: try again in a moment');
    }
  }

  /**
   * Takes up an alert that an earlier process has set. The bars behind the last one that was evaluated are read in ticks.
   * @param value of its gauge at that bar; undefined: not known
   * @param barUs begin of that bar, microseconds; undefined: not known
   */
  resume(alert: Alert, condition: IndicatorCondition, value: number | undefined, barUs: number | undefined): void {
    this.#options.evaluator.add(alert, value, false);
    this.#unarmed.set(alert, condition);
    this.#open(alert.account, condition).follower.resume(outputsOf(alert.account, condition), barUs);
  }

  /** Ends the {@link follow} of an alert that was not set. */
  release(account: number, condition: IndicatorCondition): void {
    const series = this.#series.get(seriesOf(condition));
    if (series === undefined) return;
    series.follower.release(gaugeOf(account, condition));
    this.#close(account, condition, series);
  }

  /** An alert does not exist any more. */
  ended(alert: Alert, condition: IndicatorCondition): void {
    this.#unarmed.delete(alert);
    this.release(alert.account, condition);
  }

  /** Nothing that is still being read is of interest. */
  stop(): void {
    this.#stopped = true;
  }

  /** The value of a condition's gauge at the last bar; NaN: not known. */
  valueOf(account: number, condition: IndicatorCondition): number {
    return this.#series.get(seriesOf(condition))?.follower.valueOf(gaugeOf(account, condition)) ?? Number.NaN;
  }

  /** Begin of the last bar that was evaluated, microseconds, -1: none; undefined: not known yet. */
  barOf(account: number, condition: IndicatorCondition): number | undefined {
    return this.#series.get(seriesOf(condition))?.follower.barOf(gaugeOf(account, condition));
  }

  /** The gauges, and the last bar of each that was evaluated: as {@link barOf}. */
  *bars(): Iterable<readonly [key: string, barUs: number]> {
    for (const { follower } of this.#series.values()) yield* follower.bars();
  }

  /** Whether a bar that is followed has ended by that time, if nothing traded since. @param nowUs µs since the Unix epoch */
  isDue(nowUs: number): boolean {
    for (const { follower } of this.#series.values()) if (follower.dueUs <= nowUs) return true;
    return false;
  }

  /** Evaluates bars that have closed, as many as a tick may; then the next tick goes on. */
  poll(): void {
    if (this.#series.size === 0) return;
    const nowMs = performance.now();
    const all = [...this.#series.values()];
    let left = CALCULATIONS_PER_TICK;
    for (let i = 0; i < all.length && left > 0; i++) {
      this.#next = (this.#next + 1) % all.length;
      const series = all[this.#next];
      if (nowMs < series.againMs) continue;
      const polled = series.follower.poll();
      if (typeof polled === 'number') {
        series.againMs = 0;
        left -= polled;
      } else polled.catch((error: Error) => this.#failed(series, error));
    }
  }

  #failed(series: Series, error: Error): void {
    const isFirst = [...this.#series.values()].every(({ againMs }) => againMs === 0);
    series.againMs = performance.now() + AGAIN_MS;
    if (isFirst && !this.#stopped) this.#options.onFailed(error, series.symbol);
  }

  #arm({ symbol, interval }: Pick<IndicatorCondition, 'symbol' | 'interval'>, startUs: number): void {
    for (const [alert, condition] of this.#unarmed) {
      if (condition.symbol !== symbol || condition.interval !== interval || (alert.afterBarUs ?? -1) >= startUs) continue;
      this.#unarmed.delete(alert);
      this.#options.evaluator.arm(alert);
    }
  }

  #open(account: number, condition: IndicatorCondition): Series {
    const key = seriesOf(condition);
    const series = this.#series.get(key) ?? this.#make(condition);
    this.#series.set(key, series);
    series.alerts++;
    for (const user of [account, 0]) {
      const uses = this.#uses.get(user) ?? new Map<string, number>();
      this.#uses.set(user, uses);
      for (const used of indicatorsOf(condition)) uses.set(used, (uses.get(used) ?? 0) + 1);
    }
    return series;
  }

  #close(account: number, condition: IndicatorCondition, series: Series): void {
    if (--series.alerts === 0) this.#series.delete(seriesOf(condition));
    for (const user of [account, 0]) {
      const uses = this.#uses.get(user);
      if (uses === undefined) continue;
      for (const used of indicatorsOf(condition)) {
        const count = (uses.get(used) ?? 0) - 1;
        if (count > 0) uses.set(used, count);
        else uses.delete(used);
      }
      if (uses.size === 0) this.#uses.delete(user);
    }
  }

  #make(condition: IndicatorCondition): Series {
    const { evaluator, symbol: find, candles, read } = this.#options;
    const { symbol, interval } = condition;
    const info = find(symbol) ?? fail(`alerts: there is no symbol ${symbol}`);
    const follower = new BarFollower({
      symbol: info,
      interval: CANDLE_INTERVALS.indexOf(interval),
      candles: () => candles(symbol),
      read,
      onReadBar: (startUs, endUs) => {
        this.#arm(condition, startUs);
        // Several bars may pass between two ticks.
        evaluator.tick(endUs);
      },
      // Else the stored value is the one that edges were found with.
      onResumed: (key, value, endUs) => {
        if (Number.isNaN(evaluator.gauge(key)?.value)) evaluator.set(key, value, endUs);
      },
      onValue: (key, value, endUs) => evaluator.set(key, value, endUs),
      onCurrent: () => {
        this.#arm(condition, Number.POSITIVE_INFINITY);
        series.againMs = 0;
      },
    });
    const series: Series = { symbol, follower, alerts: 0, againMs: 0 };
    return series;
  }

  #demandRoom(account: number, used: ReadonlySet<string>): void {
    const further = (uses: ReadonlyMap<string, number> | undefined) => [...used].filter((each) => !uses?.has(each)).length;
    const [own, all] = [this.#uses.get(account), this.#uses.get(0)];
    if ((own?.size ?? 0) + further(own) > MAX_INDICATORS_PER_ACCOUNT)
      throw new AlertError(
        'ALERT_LIMIT',
        `alerts of an account follow at most ${MAX_INDICATORS_PER_ACCOUNT} different indicators: delete one`,
      );
    if ((all?.size ?? 0) + further(all) > MAX_INDICATORS_IN_ALL)
      throw new AlertError(
        'ALERT_LIMIT',
        `alerts of all accounts together follow ${MAX_INDICATORS_IN_ALL} different indicators, the most there may be`,
      );
  }
}

function seriesOf({ symbol, interval }: IndicatorCondition): string {
  return `${symbol}:${interval}`;
}

/** The indicators of a condition, by symbol, interval and parameters. */
function indicatorsOf(condition: IndicatorCondition): ReadonlySet<string> {
  const { first, second } = outputsOf(0, condition);
  return new Set([first, ...(second === undefined ? [] : [second])].map(({ spec }) => `${seriesOf(condition)}:${spec.text}`));
}

function outputsOf(account: number, condition: IndicatorCondition): GaugeOutputs {
  const { interval, indicator, crosses } = condition;
  const read = (text: string) => readIndicatorOutput(text, INTERVAL_US[CANDLE_INTERVALS.indexOf(interval)]);
  return { key: gaugeOf(account, condition), first: read(indicator), second: crosses === undefined ? undefined : read(crosses) };
}
