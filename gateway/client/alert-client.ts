import type { CandleInterval } from '../../feeds/analysis/candles.ts';
import { OpenbellError } from './errors.ts';
import { type HttpOptions, httpRequest } from './http-request.ts';
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
  /** ISO 8601, and microseconds since the Unix epoch. */
  readonly time: string;
  readonly timeUs: number;
  readonly text: string;
  readonly [detail: string]: unknown;
}

/** Where events are sent. */
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

export interface PageOptions {
  /** Only what has a higher number. Default 0. */
  readonly after?: number;
  /** Default 100, at most 1000. */
  readonly limit?: number;
}

/**
 * Alerts and webhooks of the connection's account. All methods throw OpenbellError: NO_ACCOUNT; BAD_PARAMETER, UNKNOWN_ALERT, UNKNOWN_WEBHOOK, ALERT_LIMIT,
 * WEBHOOK_LIMIT, PERMISSION_DENIED, ... of the exchange; HTTP_FAILED when it cannot be reached.
 */
export class AlertClient {
  readonly #options: HttpOptions;
  readonly #account: number | undefined;

  constructor(options: HttpOptions, account: number | undefined) {
    this.#options = options;
    this.#account = account;
  }

  /** Sets an alert; resolves when it is on the disk and armed. */
  set(alert: NewAlert): Promise<Alert> {
    return this.#post('/v1/alerts', alert);
  }

  /** The alerts of the account, by id. */
  async list(): Promise<Alert[]> {
    return (await this.#get<{ alerts: Alert[] }>('/v1/alerts')).alerts;
  }

  async delete(id: number): Promise<void> {
    await this.#delete(`/v1/alerts/${id}`);
  }

  /** What has fired, oldest first. Events that are no longer kept are left out. */
  async events(page: PageOptions = {}): Promise<AlertEvent[]> {
    return (await this.#get<{ events: AlertEvent[] }>('/v1/alerts/events', page)).events;
  }

  /** Defines a webhook. Its secret is not shown again. @param url https, at an address of the public Internet */
  addWebhook(url: string, note = ''): Promise<AlertWebhook & { readonly secret: string }> {
    return this.#post('/v1/webhooks', { url, note });
  }

  async webhooks(): Promise<AlertWebhook[]> {
    return (await this.#get<{ webhooks: AlertWebhook[] }>('/v1/webhooks')).webhooks;
  }

  /** Replaces the secret of a webhook; for a day, messages are signed with both. */
  rotateSecret(webhook: number): Promise<AlertWebhook & { readonly secret: string }> {
    return this.#post(`/v1/webhooks/${webhook}/rotate`, {});
  }

  /** Deletes a webhook with its messages. */
  async deleteWebhook(webhook: number): Promise<void> {
    await this.#delete(`/v1/webhooks/${webhook}`);
  }

  /** Messages of a webhook that are not delivered, by the number of their events. */
  async messages(webhook: number, page: PageOptions = {}): Promise<WebhookMessage[]> {
    return (await this.#get<{ messages: WebhookMessage[] }>(`/v1/webhooks/${webhook}/messages`, page)).messages;
  }

  /** Sends dead letters again, with the ids that they had. @param event only this one */
  replay(webhook: number, event?: number): Promise<{ readonly replayed: number; readonly left: number }> {
    return this.#post(`/v1/webhooks/${webhook}/replay`, event === undefined ? {} : { event });
  }

  async #get<T>(path: string, { after, limit }: PageOptions = {}): Promise<T> {
    const further = [...(after === undefined ? [] : [`&after=${after}`]), ...(limit === undefined ? [] : [`&limit=${limit}`])];
    return httpRequest(this.#options, `${path}?account=${this.#named()}${further.join('')}`);
  }

  async #post<T>(path: string, body: object): Promise<T> {
    return httpRequest(this.#options, path, { account: this.#named(), ...body });
  }

  async #delete(path: string): Promise<unknown> {
    return httpRequest(this.#options, `${path}?account=${this.#named()}`, undefined, 'DELETE');
  }

  #named(): number {
    if (this.#account === undefined) throw new OpenbellError('NO_ACCOUNT', 'alerts need an account: connect({ account })');
    return this.#account;
  }
}
