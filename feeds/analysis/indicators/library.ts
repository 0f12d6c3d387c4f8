import {
  Aroon,
  CCI,
  DEMA,
  DonchianChannels,
  HMA,
  KeltnerChannels,
  MFI,
  MOM,
  ROC,
  TEMA,
  UltimateOscillator,
  WilliamsR,
  WMA,
} from 'trading-signals';
import type { Bar, Indicator } from './indicator.ts';

/** What of the library's indicators is used: `replace` undoes the last bar before it adds the given one. */
interface LibraryIndicator<Result, Input> {
  update(input: Input, replace: boolean): Result | null;
}

/** An indicator of trading-signals. Its exponential averages begin with the first value, not with a mean. */
class AdaptedIndicator<Result, Input> implements Indicator {
  readonly values: Float64Array;
  readonly #indicator: LibraryIndicator<Result, Input>;
  readonly #input: (bar: Bar) => Input;
  readonly #put: (result: Result, values: Float64Array) => void;
  /** The library's own warm-up ends a bar or more earlier for some; all begin as the catalogue says. */
  readonly #lookback: number;
  #bars = 0;

  constructor(
    indicator: LibraryIndicator<Result, Input>,
    input: (bar: Bar) => Input,
    put: (result: Result, values: Float64Array) => void,
    outputs: number,
    lookback: number,
  ) {
    this.values = new Float64Array(outputs).fill(Number.NaN);
    this.#indicator = indicator;
    this.#input = input;
    this.#put = put;
    this.#lookback = lookback;
  }

  update(bar: Bar, replace: boolean): void {
    const result = this.#indicator.update(this.#input(bar), replace);
    if (!replace) this.#bars++;
    this.values.fill(Number.NaN);
    if (result !== null && this.#bars > this.#lookback) this.#put(result, this.values);
  }
}

type Open = (parameters: readonly number[], lookback: number) => Indicator;

const close = (bar: Bar): number => bar.close;
// The library keeps bars: each is a copy, so that the caller may fill one object again and again.
const copy = ({ open, high, low, close: last, volume }: Bar) => ({ open, high, low, close: last, volume });

function ofCloses(make: (...parameters: number[]) => LibraryIndicator<number, number>): Open {
  return (parameters, lookback) => new AdaptedIndicator(make(...parameters), close, putOne, 1, lookback);
}

function ofBars(make: (...parameters: number[]) => LibraryIndicator<number, ReturnType<typeof copy>>): Open {
  return (parameters, lookback) => new AdaptedIndicator(make(...parameters), copy, putOne, 1, lookback);
}

function putOne(result: number, values: Float64Array): void {
  values[0] = result;
}

interface Channel {
  readonly lower: number;
  readonly middle: number;
  readonly upper: number;
}

function putChannel({ upper, middle, lower }: Channel, values: Float64Array): void {
  values[0] = upper;
  values[1] = middle;
  values[2] = lower;
}

/** By name of the catalogue. */
export const LIBRARY: Readonly<Record<string, Open>> = {
  wma: ofCloses((period) => new WMA(period)),
  dema: ofCloses((period) => new DEMA(period)),
  tema: ofCloses((period) => new TEMA(period)),
  hma: ofCloses((period) => new HMA(period)),
  mom: ofCloses((period) => new MOM(period)),
  // The library's is a fraction, TA-Lib's and everybody's a percentage.
  roc: (parameters, lookback) =>
    new AdaptedIndicator(
      new ROC(parameters[0]),
      close,
      (result: number, values) => {
        values[0] = 100 * result;
      },
      1,
      lookback,
    ),
  cci: ofBars((period) => new CCI(period)),
  mfi: ofBars((period) => new MFI(period)),
  willr: ofBars((period) => new WilliamsR(period)),
  ultosc: ofBars((short, medium, long) => new UltimateOscillator({ shortPeriod: short, mediumPeriod: medium, longPeriod: long })),
  aroon: ([period], lookback) =>
    new AdaptedIndicator(
      new Aroon(period),
      copy,
      ({ aroonUp, aroonDown }: { aroonUp: number; aroonDown: number }, values) => {
        values[0] = aroonUp;
        values[1] = aroonDown;
      },
      2,
      lookback,
    ),
  donchian: ([period], lookback) => new AdaptedIndicator(new DonchianChannels(period), copy, putChannel, 3, lookback),
  keltner: ([emaPeriod, atrPeriod, multiplier], lookback) =>
    new AdaptedIndicator(
      new KeltnerChannels({ emaInterval: emaPeriod, atrInterval: atrPeriod, multiplier }),
      copy,
      putChannel,
      3,
      lookback,
    ),
};
