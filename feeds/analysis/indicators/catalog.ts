import { adx, atr, bollinger, CoreIndicator, ema, type Make, macd, obv, parabolic, rsi, sma, stochastic, vwap } from './core.ts';
import type { Indicator } from './indicator.ts';

export interface Parameter {
  readonly name: string;
  readonly usual: number;
  readonly least: number;
  readonly most: number;
  /** A decimal number; otherwise whole. */
  readonly decimal?: true;
}

/** An indicator by name. */
export interface Definition {
  readonly name: string;
  readonly text: string;
  readonly parameters: readonly Parameter[];
  /** Names of its values. */
  readonly outputs: readonly string[];
  /** Bars before the first one with values. */
  readonly lookback: (...parameters: number[]) => number;
  /** Further bars after which the value no longer depends on where the series began, up to 1e-11 of it; 0 for a window. */
  readonly settle: (...parameters: number[]) => number;
  /** Of own code; undefined: of the library. */
  readonly make?: Make;
}

/** Most bars that an indicator needs before the first one shown. The limits of parameters keep to it. */
export const MAX_WARM_UP = 5000;

const SETTLED = Math.log(1e-11);
const never = (): number => 0;

/** Bars until an exponential average has forgotten its first value, by the weight of a new value. */
function forgotten(weight: number): number {
  return weight >= 1 ? 1 : Math.ceil(SETTLED / Math.log(1 - weight));
}
const ofExponential = (period: number): number => forgotten(2 / (period + 1));
const ofWilder = (period: number): number => forgotten(1 / period);

function period(usual: number, most: number, least = 2, name = 'period'): Parameter {
  return { name, usual, least, most };
}
const CHANNEL = ['upper', 'middle', 'lower'];

/** In the order of the documentation: own code first, the library's after it. */
export const CATALOG: readonly Definition[] = [
  {
    name: 'sma',
    text: 'simple moving average',
    parameters: [period(20, 500, 1)],
    outputs: ['sma'],
    lookback: (n) => n - 1,
    settle: never,
    make: sma,
  },
  {
    name: 'ema',
    text: 'exponential moving average',
    parameters: [period(20, 350, 1)],
    outputs: ['ema'],
    lookback: (n) => n - 1,
    settle: ofExponential,
    make: ema,
  },
  {
    name: 'rsi',
    text: 'relative strength index of Wilder',
    parameters: [period(14, 150)],
    outputs: ['rsi'],
    lookback: (n) => n,
    settle: ofWilder,
    make: rsi,
  },
  {
    name: 'macd',
    text: 'difference of two exponential averages, and its average',
    parameters: [period(12, 150, 2, 'fast'), period(26, 200, 3, 'slow'), period(9, 100, 1, 'signal')],
    outputs: ['macd', 'signal', 'histogram'],
    lookback: (_fast, slow, signal) => slow - 1 + signal - 1,
    settle: (_fast, slow, signal) => ofExponential(slow) + ofExponential(signal),
    make: macd,
  },
  {
    name: 'bb',
    text: 'Bollinger bands: simple average, and standard deviations of the population from it',
    parameters: [period(20, 500), { name: 'width', usual: 2, least: 0.1, most: 10, decimal: true }],
    outputs: CHANNEL,
    lookback: (n) => n - 1,
    settle: never,
    make: bollinger,
  },
  {
    name: 'atr',
    text: 'average true range of Wilder',
    parameters: [period(14, 150, 1)],
    outputs: ['atr'],
    lookback: (n) => n,
    settle: ofWilder,
    make: atr,
  },
  {
    name: 'adx',
    text: 'average directional movement index of Wilder, and its two directional indicators',
    parameters: [period(14, 90)],
    outputs: ['adx', 'plusDi', 'minusDi'],
    lookback: (n) => 2 * n - 1,
    settle: (n) => 2 * ofWilder(n),
    make: adx,
  },
  {
    name: 'vwap',
    text: 'volume-weighted average price of the last bars; period 0: since midnight UTC, with bars of one minute or longer',
    parameters: [period(0, 500, 0)],
    outputs: ['vwap'],
    lookback: (n) => Math.max(0, n - 1),
    settle: never,
    make: vwap,
  },
  {
    name: 'obv',
    text: 'on-balance volume',
    parameters: [],
    outputs: ['obv'],
    lookback: never,
    settle: never,
    make: obv,
  },
  {
    name: 'stoch',
    text: 'slow stochastic oscillator',
    parameters: [period(14, 500, 1), period(3, 100, 1, 'smooth'), period(3, 100, 1, 'signal')],
    outputs: ['k', 'd'],
    lookback: (n, smooth, signal) => n - 1 + smooth - 1 + signal - 1,
    settle: never,
    make: stochastic,
  },
  {
    name: 'psar',
    text: 'parabolic stop and reverse of Wilder',
    parameters: [
      { name: 'step', usual: 0.02, least: 0.001, most: 1, decimal: true },
      { name: 'most', usual: 0.2, least: 0.001, most: 1, decimal: true },
    ],
    outputs: ['psar'],
    lookback: () => 1,
    // After a turn of the trend, the value no longer depends on the first bar.
    settle: () => 500,
    make: parabolic,
  },
  { name: 'wma', text: 'weighted moving average', parameters: [period(20, 500)], outputs: ['wma'], lookback: (n) => n - 1, settle: never },
  {
    name: 'dema',
    text: 'double exponential moving average',
    parameters: [period(20, 150)],
    outputs: ['dema'],
    lookback: (n) => 2 * (n - 1),
    settle: (n) => 2 * ofExponential(n),
  },
  {
    name: 'tema',
    text: 'triple exponential moving average',
    parameters: [period(20, 100)],
    outputs: ['tema'],
    lookback: (n) => 3 * (n - 1),
    settle: (n) => 3 * ofExponential(n),
  },
  {
    name: 'hma',
    text: 'moving average of Hull',
    parameters: [period(20, 400, 4)],
    outputs: ['hma'],
    lookback: (n) => n + Math.floor(Math.sqrt(n)) - 2,
    settle: never,
  },
  { name: 'mom', text: 'momentum', parameters: [period(10, 500, 1)], outputs: ['mom'], lookback: (n) => n, settle: never },
  { name: 'roc', text: 'rate of change, percent', parameters: [period(10, 500, 1)], outputs: ['roc'], lookback: (n) => n, settle: never },
  { name: 'cci', text: 'commodity channel index', parameters: [period(20, 500)], outputs: ['cci'], lookback: (n) => n - 1, settle: never },
  { name: 'mfi', text: 'money flow index', parameters: [period(14, 500)], outputs: ['mfi'], lookback: (n) => n, settle: never },
  { name: 'willr', text: '%R of Williams', parameters: [period(14, 500)], outputs: ['willr'], lookback: (n) => n - 1, settle: never },
  {
    name: 'ultosc',
    text: 'ultimate oscillator',
    parameters: [period(7, 500, 1, 'short'), period(14, 500, 1, 'medium'), period(28, 500, 1, 'long')],
    outputs: ['ultosc'],
    lookback: (...periods) => Math.max(...periods),
    settle: never,
  },
  { name: 'aroon', text: 'Aroon', parameters: [period(25, 500)], outputs: ['up', 'down'], lookback: (n) => n, settle: never },
  { name: 'donchian', text: 'Donchian channel', parameters: [period(20, 500)], outputs: CHANNEL, lookback: (n) => n - 1, settle: never },
  {
    name: 'keltner',
    text: 'Keltner channel: exponential average, and average true ranges from it',
    parameters: [period(20, 150), period(10, 100, 2, 'atr'), { name: 'width', usual: 2, least: 0.1, most: 10, decimal: true }],
    outputs: CHANNEL,
    lookback: (n, range) => Math.max(n - 1, range),
    settle: (n, range) => Math.max(ofExponential(n), ofWilder(range)),
  },
];

/** An indicator and its parameters. */
export interface IndicatorSpec {
  /** As it was asked for: names its values. */
  readonly text: string;
  readonly definition: Definition;
  readonly parameters: readonly number[];
}

const DAY_US = 86_400 * 1e6;

/**
 * Bars before the first one that is shown, so that its values do not depend on where the series began.
 * @param intervalUs length of a bar, microseconds
 */
export function warmUpOf({ definition, parameters }: IndicatorSpec, intervalUs: number): number {
  if (definition.make === vwap && parameters[0] === 0) return Math.ceil(DAY_US / intervalUs);
  return definition.lookback(...parameters) + definition.settle(...parameters);
}

/** New indicators. The library is loaded for those only that are its. */
export async function openIndicators(specs: readonly IndicatorSpec[]): Promise<Indicator[]> {
  const library = specs.some(({ definition }) => definition.make === undefined) ? (await import('./library.ts')).LIBRARY : {};
  return specs.map(({ definition, parameters }) =>
    definition.make === undefined
      ? library[definition.name](parameters, definition.lookback(...parameters))
      : new CoreIndicator(definition.make, parameters, definition.outputs.length),
  );
}
