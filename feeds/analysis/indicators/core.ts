import type { Bar, Indicator } from './indicator.ts';
import { exponential, Memory, Window, wilder } from './memory.ts';

/** Calculates the values of the next bar. They are NaN before the call. */
type Step = (bar: Bar, values: Float64Array) => void;

/** Makes the step of an indicator, which keeps all that it remembers in `memory`. @param parameters in the order of the catalogue */
export type Make = (memory: Memory, ...parameters: number[]) => Step;

const DAY_US = 86_400 * 1e6;

/** An indicator with the seeds of TA-Lib. */
export class CoreIndicator implements Indicator {
  readonly values: Float64Array;
  readonly #memory = new Memory();
  readonly #step: Step;

  constructor(make: Make, parameters: readonly number[], outputs: number) {
    this.values = new Float64Array(outputs).fill(Number.NaN);
    this.#step = make(this.#memory, ...parameters);
    this.#memory.save();
  }

  update(bar: Bar, replace: boolean): void {
    if (replace) this.#memory.restore();
    else this.#memory.save();
    this.values.fill(Number.NaN);
    this.#step(bar, this.values);
  }
}

export const sma: Make = (memory, period) => {
  const closes = new Window(memory, period);
  return ({ close }, values) => {
    closes.push(close);
    if (closes.full) values[0] = closes.mean;
  };
};

export const ema: Make = (memory, period) => {
  const average = exponential(memory, period);
  return ({ close }, values) => {
    values[0] = average.push(close);
  };
};

/** A market that did not move has 0, as in TA-Lib. */
export const rsi: Make = (memory, period) => {
  const [gains, losses] = [wilder(memory, period), wilder(memory, period)];
  const before = new Previous(memory);
  return (bar, values) => {
    if (before.exists) {
      const change = bar.close - before.close;
      const gain = gains.push(Math.max(change, 0));
      const both = gain + losses.push(Math.max(-change, 0));
      values[0] = isZero(both) ? 0 : (100 * gain) / both;
    }
    before.keep(bar);
  };
};

/** The fast average begins with its mean in that bar in which the slow one begins, as in TA-Lib. */
export const macd: Make = (memory, fast, slow, signal) => {
  const [quick, lazy, line] = [exponential(memory, fast), exponential(memory, slow), exponential(memory, signal)];
  const bars = memory.take(1);
  return ({ close }, values) => {
    bars[0]++;
    const of = bars[0] > slow - fast ? quick.push(close) : Number.NaN;
    const difference = of - lazy.push(close);
    if (Number.isNaN(difference)) return;
    const average = line.push(difference);
    if (Number.isNaN(average)) return;
    values[0] = difference;
    values[1] = average;
    values[2] = difference - average;
  };
};

export const bollinger: Make = (memory, period, width) => {
  const closes = new Window(memory, period);
  return ({ close }, values) => {
    closes.push(close);
    if (!closes.full) return;
    const { mean } = closes;
    const distance = width * closes.deviation;
    values[0] = mean + distance;
    values[1] = mean;
    values[2] = mean - distance;
  };
};

export const atr: Make = (memory, period) => {
  const average = wilder(memory, period);
  const before = new Previous(memory);
  return (bar, values) => {
    if (before.exists) values[0] = average.push(before.trueRange(bar));
    before.keep(bar);
  };
};

/** Sums of Wilder begin with `period - 1` bars, and the average of DX with its first `period` values, as in TA-Lib. */
export const adx: Make = (memory, period) => {
  const before = new Previous(memory);
  /** Bars with one before them; sums of directional movement up, down, and of true range; ADX or the sum of DX; values of DX. */
  const s = memory.take(6);
  return (bar, values) => {
    if (!before.exists) return before.keep(bar);
    const [up, down] = [bar.high - before.high, before.low - bar.low];
    const range = before.trueRange(bar);
    before.keep(bar);
    const isSmoothed = ++s[0] >= period;
    if (isSmoothed) for (let i = 1; i <= 3; i++) s[i] -= s[i] / period;
    if (down > 0 && down > up) s[2] += down;
    else if (up > 0 && up > down) s[1] += up;
    s[3] += range;
    if (!isSmoothed) return;
    const [plus, minus] = isZero(s[3]) ? [0, 0] : [(100 * s[1]) / s[3], (100 * s[2]) / s[3]];
    values[1] = plus;
    values[2] = minus;
    const both = plus + minus;
    s[5]++;
    if (s[5] <= period) {
      if (!isZero(both)) s[4] += (100 * Math.abs(minus - plus)) / both;
      if (s[5] === period) s[4] /= period;
    } else if (!isZero(both)) s[4] = (s[4] * (period - 1) + (100 * Math.abs(minus - plus)) / both) / period;
    if (s[5] >= period) values[0] = s[4];
  };
};

/** Begins with the volume of the first bar, as in TA-Lib. */
export const obv: Make = (memory) => {
  const before = new Previous(memory);
  const total = memory.take(1);
  return (bar, values) => {
    if (!before.exists || bar.close > before.close) total[0] += bar.volume;
    else if (bar.close < before.close) total[0] -= bar.volume;
    values[0] = total[0];
    before.keep(bar);
  };
};

/** The slow one: %K is smoothed with a simple mean, and %D is the mean of that. */
export const stochastic: Make = (memory, period, smooth, signal) => {
  const [highs, lows] = [new Window(memory, period), new Window(memory, period)];
  const [fast, slow] = [new Window(memory, smooth), new Window(memory, signal)];
  return ({ high, low, close }, values) => {
    highs.push(high);
    lows.push(low);
    if (!highs.full) return;
    const { least } = lows;
    const range = highs.most - least;
    fast.push(range === 0 ? 0 : (100 * (close - least)) / range);
    if (!fast.full) return;
    slow.push(fast.mean);
    if (!slow.full) return;
    values[0] = fast.mean;
    values[1] = slow.mean;
  };
};

/**
 * The stop of a trend, and its turn, as in TA-Lib: the first trend is up unless the second bar is lower than the first by more
 * than it is higher, and the stop begins at the first bar's other end.
 */
export const parabolic: Make = (memory, step, most) => {
  /** Bars so far; 1 while the trend is up; its extreme; the stop of the next bar; its acceleration; low and high of the bar before. */
  const s = memory.take(7);
  return ({ high, low }, values) => {
    if (s[0] < 2) s[0]++;
    if (s[0] === 2 && s[4] === 0) {
      const down = s[5] - low;
      s[1] = down > 0 && high - s[6] < down ? 0 : 1;
      s[2] = s[1] === 1 ? high : low;
      s[3] = s[1] === 1 ? s[5] : s[6];
      s[4] = step;
      // The first stop is held against the second bar alone.
      s[5] = low;
      s[6] = high;
    }
    if (s[0] === 2) {
      const [lower, higher] = [Math.min(low, s[5]), Math.max(high, s[6])];
      const isTurn = s[1] === 1 ? low <= s[3] : high >= s[3];
      if (isTurn) {
        s[1] = 1 - s[1];
        values[0] = s[1] === 1 ? Math.min(s[2], lower) : Math.max(s[2], higher);
        s[2] = s[1] === 1 ? high : low;
        s[4] = step;
      } else {
        values[0] = s[3];
        if (s[1] === 1 ? high > s[2] : low < s[2]) {
          s[2] = s[1] === 1 ? high : low;
          s[4] = Math.min(s[4] + step, most);
        }
      }
      const stop = values[0] + s[4] * (s[2] - values[0]);
      s[3] = s[1] === 1 ? Math.min(stop, lower) : Math.max(stop, higher);
    }
    s[5] = low;
    s[6] = high;
  };
};

/** Over the last bars; with period 0 since midnight UTC. */
export const vwap: Make = (memory, period) => (period === 0 ? dayVwap(memory) : barsVwap(memory, period));

const barsVwap: Make = (memory, period) => {
  const [money, volumes] = [new Window(memory, period), new Window(memory, period)];
  return ({ notional, volume }, values) => {
    money.push(notional);
    volumes.push(volume);
    if (money.full) values[0] = money.mean / volumes.mean;
  };
};

const dayVwap: Make = (memory) => {
  /** The day, and its sums. */
  const s = memory.take(3);
  return ({ startUs, notional, volume }, values) => {
    const day = Math.floor(startUs / DAY_US);
    if (day !== s[0]) s.fill(0);
    s[0] = day;
    s[1] += notional;
    s[2] += volume;
    values[0] = s[1] / s[2];
  };
};

/** The bar before. */
class Previous {
  readonly #state: Float64Array;

  constructor(memory: Memory) {
    this.#state = memory.take(4);
  }

  get high(): number {
    return this.#state[1];
  }
  get low(): number {
    return this.#state[2];
  }
  get close(): number {
    return this.#state[3];
  }

  get exists(): boolean {
    return this.#state[0] !== 0;
  }

  keep({ high, low, close }: Bar): void {
    const state = this.#state;
    state[0] = 1;
    state[1] = high;
    state[2] = low;
    state[3] = close;
  }

  trueRange({ high, low }: Bar): number {
    return Math.max(high - low, Math.abs(high - this.close), Math.abs(low - this.close));
  }
}

/** As TA-Lib decides it. */
function isZero(value: number): boolean {
  return Math.abs(value) < 1e-14;
}
