import type { CandleInterval } from '../../feeds/analysis/candles.ts';

/** Windows of time of the alerts on movement and volume, and their lengths in microseconds. */
export const WINDOWS = { '10s': 10e6, '1m': 60e6, '5m': 300e6, '15m': 900e6, '1h': 3600e6, '4h': 14_400e6, '1d': 86_400e6 } as const;
export type WindowName = keyof typeof WINDOWS;
export const WINDOW_NAMES = Object.keys(WINDOWS) as readonly WindowName[];

export const DIRECTIONS = ['up', 'down', 'either'] as const;
export type Direction = (typeof DIRECTIONS)[number];

/**
 * What an alert waits for. Each kind but `fill` follows one number, its gauge, and fires when that crosses `level`: see gauge.ts.
 * Symbols and assets by id; prices in ticks, quantities in lots, money in the smallest unit of its asset, ratios in millionths.
 */
export type Condition =
  /** The price of trades. */
  | { readonly kind: 'price'; readonly symbol: number; readonly direction: Direction; readonly level: number }
  /** `up`: how far the price is above its lowest of the window, `down`: below its highest, ppm. */
  | {
      readonly kind: 'move';
      readonly symbol: number;
      readonly window: WindowName;
      readonly direction: 'up' | 'down';
      readonly level: number;
    }
  /** Lots that traded since the last multiple of the window. */
  | { readonly kind: 'volume'; readonly symbol: number; readonly window: WindowName; readonly level: number }
  /** The same in relation to the average of the windows before, ppm. */
  | { readonly kind: 'volume-ratio'; readonly symbol: number; readonly window: WindowName; readonly level: number }
  /** Best offer less best bid, in relation to the middle, ppm. */
  | { readonly kind: 'spread'; readonly symbol: number; readonly direction: Direction; readonly level: number }
  /**
   * A number of an indicator at closed bars, `rsi:14` or `bb:20:2.upper`; with `crosses`, less that of another one, and the level is 0. Both texts have all
   * parameters: see indicator-output.ts. The level is a float, as the values are.
   */
  | {
      readonly kind: 'indicator';
      readonly symbol: number;
      readonly interval: CandleInterval;
      readonly indicator: string;
      readonly crosses?: string;
      readonly direction: Direction;
      readonly level: number;
    }
  /** What the account holds of an asset: available and reserved. */
  | { readonly kind: 'position'; readonly asset: number; readonly direction: Direction; readonly level: number }
  /** What its open orders reserve of an asset. */
  | { readonly kind: 'exposure'; readonly asset: number; readonly direction: Direction; readonly level: number }
  /** 1 while a feed, or an instrument of it, has no current prices, else 0. */
  | { readonly kind: 'feed-stale'; readonly feed: string; readonly instrument: string; readonly level: 1; readonly direction: 'up' }
  /** A fill of an own order; `complete`: only the one that fills the rest. Symbol 0: any. */
  | { readonly kind: 'fill'; readonly symbol: number; readonly complete: boolean };

export const ALERT_KINDS = [
  'price',
  'move',
  'volume',
  'volume-ratio',
  'spread',
  'indicator',
  'position',
  'exposure',
  'feed-stale',
  'fill',
] as const;
export type GaugeCondition = Exclude<Condition, { kind: 'fill' }>;
export type IndicatorCondition = Extract<Condition, { kind: 'indicator' }>;

/** An alert, as it is stored. */
export interface Alert {
  readonly id: number;
  readonly account: number;
  /** Text of its owner. */
  readonly note: string;
  readonly condition: Condition;
  /** Least time between two firings, seconds; 0: fires every time. Undefined: once, after which the alert is removed. */
  readonly coolDownS: number | undefined;
  readonly createdUs: number;
  /** A fill alert concerns the reports behind this number. */
  readonly afterReportNo: number;
  /** An indicator alert concerns the bars behind the one that begins at this time, microseconds; -1: all. Other kinds have none. */
  readonly afterBarUs?: number;
  /** Firings so far, and the time of the last one; 0 = none. */
  fired: number;
  firedUs: number;
  /** Firings that made no event, because the account has a limit of events per second. */
  suppressed: number;
}

/** Why an alert fires; numbers as in {@link Condition}. */
export interface Firing {
  readonly alert: Alert;
  /** Time of the engine, µs since the Unix epoch. */
  readonly timeUs: number;
  /** Value of the gauge before and after. Of a fill: 0. */
  readonly from: number;
  readonly to: number;
  /** How many times the alert has fired, this one included. */
  readonly fired: number;
  readonly fill?: FillFields;
}

/** The fields of a fill's report. */
export interface FillFields {
  readonly reportNo: number;
  readonly symbol: number;
  readonly side: number;
  readonly orderId: number;
  readonly clientOrderId: number;
  readonly price: number;
  readonly quantity: number;
  readonly leaves: number;
  readonly tradeId: number;
}

/** The gauge that a condition follows. Those of an account have its id. */
export function gaugeOf(account: number, condition: GaugeCondition): string {
  switch (condition.kind) {
    case 'price':
    case 'spread':
      return `${condition.kind}:${condition.symbol}`;
    case 'move':
      return `move-${condition.direction}:${condition.symbol}:${condition.window}`;
    case 'volume':
    case 'volume-ratio':
      return `${condition.kind}:${condition.symbol}:${condition.window}`;
    case 'indicator': {
      const { symbol, interval, indicator, crosses } = condition;
      return `indicator:${symbol}:${interval}:${indicator}${crosses === undefined ? '' : `/${crosses}`}`;
    }
    case 'position':
    case 'exposure':
      return `${condition.kind}:${account}:${condition.asset}`;
    case 'feed-stale':
      return `feed-stale:${condition.feed}:${condition.instrument}`;
  }
}

/** Where the gauge must cross the level: a movement or a volume is only ever exceeded. */
export function crossingOf(condition: GaugeCondition): Direction {
  return condition.kind === 'volume' || condition.kind === 'volume-ratio' || condition.kind === 'move' ? 'up' : condition.direction;
}
