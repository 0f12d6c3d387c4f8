import type { CandleInterval } from '../../feeds/analysis/candles.ts';
import type { Decimal } from './types.ts';

export type AlertDirection = 'up' | 'down' | 'either';
export type AlertWindow = '10s' | '1m' | '5m' | '15m' | '1h' | '4h' | '1d';

/** What an alert waits for; docs/ALERTS.md has the meaning of the kinds. `percent` is text such as `5%`. */
export type AlertCondition =
  | { readonly kind: 'price'; readonly symbol: string; readonly price: Decimal; readonly direction?: AlertDirection }
  | {
      readonly kind: 'move';
      readonly symbol: string;
      readonly window: AlertWindow;
      readonly direction: 'up' | 'down';
      readonly percent: string;
    }
  | { readonly kind: 'volume'; readonly symbol: string; readonly window: AlertWindow; readonly quantity: Decimal }
  | { readonly kind: 'volume-ratio'; readonly symbol: string; readonly window: AlertWindow; readonly percent: string }
  | { readonly kind: 'spread'; readonly symbol: string; readonly percent: string; readonly direction?: AlertDirection }
  | {
      readonly kind: 'indicator';
      readonly symbol: string;
      readonly interval: CandleInterval;
      /** Such as `rsi:14`, or `bb:20:2.upper` where it has several values. */
      readonly indicator: string;
      readonly direction?: AlertDirection;
      /** Decimal text, of at most ten digits. */
      readonly level: string;
      readonly crosses?: undefined;
    }
  | {
      readonly kind: 'indicator';
      readonly symbol: string;
      readonly interval: CandleInterval;
      readonly indicator: string;
      readonly direction?: AlertDirection;
      /** Another indicator of the same bars. */
      readonly crosses: string;
      readonly level?: undefined;
    }
  | { readonly kind: 'position' | 'exposure'; readonly asset: string; readonly amount: Decimal; readonly direction?: AlertDirection }
  | { readonly kind: 'feed-stale'; readonly feed: string; readonly instrument?: string }
  | { readonly kind: 'fill'; readonly symbol?: string; readonly complete?: boolean };

/** A condition, how often it fires, and a text of its owner. */
export type NewAlert = AlertCondition & {
  /** Default `once`; a number is a cool-down in seconds. */
  readonly repeat?: 'once' | 'every' | number;
  readonly note?: string;
};

/** An alert that is set. */
export type Alert = AlertCondition & {
  readonly id: number;
  readonly account: number;
  readonly repeat: 'once' | 'every' | number;
  readonly note: string;
  /** ISO 8601. */
  readonly created: string;
  /** Firings so far. */
  readonly fired: number;
  readonly lastFired?: string;
  /** Firings that made no event, because the account has a limit of events per second. */
  readonly suppressed?: number;
};

/** An alert that has fired; further fields are those of its kind. */
export interface AlertEvent {
  /** Numbered per account, from 1 without gaps. */
  readonly no: number;
  readonly account: number;
  readonly alert: number;
  readonly kind: AlertCondition['kind'];
  readonly note: string;
  /** When it fired, by the engine's time: ISO 8601, and microseconds since the Unix epoch. */
  readonly time: string;
  readonly timeUs: number;
  /** In words. */
  readonly text: string;
  /** Firings of the alert so far that made no event; see docs/ALERTS.md. */
  readonly suppressed?: number;
  readonly [detail: string]: string | number | boolean | undefined;
}

/** Where events are sent, without its secrets. */
export interface AlertWebhook {
  readonly id: number;
  readonly account: number;
  readonly url: string;
  readonly note: string;
  readonly created: string;
  /** It has answered 410. */
  readonly disabled: boolean;
  /** Secrets that sign: two while one is replaced. */
  readonly secrets: number;
  readonly pending: number;
  readonly dead: number;
  readonly delivered: number;
  /** Failed attempts. */
  readonly failed: number;
  /** Dead letters that were removed, because there were too many. */
  readonly dropped: number;
  readonly last?: { readonly time: string; readonly result: string };
}

/** A message that waits, or is not attempted any more. */
export interface WebhookMessage {
  /** Of its event. */
  readonly no: number;
  readonly state: 'pending' | 'dead';
  readonly attempts: number;
  /** Of the next attempt; of a dead letter: when it died. */
  readonly time: string;
  readonly reason?: string;
  readonly body: unknown;
}
