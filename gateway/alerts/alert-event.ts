/** An alert that has fired, as the admin interface, streams and webhooks show it. It is stored in this form, so that later changes do not rewrite it. */
export interface AlertEvent {
  /** Numbered per account, from 1 without gaps. */
  readonly no: number;
  readonly account: number;
  readonly alert: number;
  readonly kind: string;
  readonly note: string;
  /** When it fired, by the engine's time. */
  readonly time: string;
  readonly timeUs: number;
  /** In words. */
  readonly text: string;
  /** Firings of the alert so far that made no event; see docs/ALERTS.md. */
  readonly suppressed?: number;
  /** Of the kind, such as `symbol` and `price`. */
  readonly [detail: string]: string | number | boolean | undefined;
}

/** Id of an event in the header `webhook-id`: the same for every attempt, after a restart and in a replay. */
export function messageId({ account, no }: Pick<AlertEvent, 'account' | 'no'>): string {
  return `alert_${account}_${no}`;
}

/** The body of the event's webhook message. */
export function messageBody(event: AlertEvent): string {
  return JSON.stringify({ type: 'alert.fired', timestamp: event.time, data: event });
}
