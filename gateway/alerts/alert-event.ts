import type { AlertEvent } from '../client/alert-types.ts';

/** Id of an event in the header `webhook-id`: the same for every attempt, after a restart and in a replay. */
export function messageId({ account, no }: Pick<AlertEvent, 'account' | 'no'>): string {
  return `alert_${account}_${no}`;
}

/** The body of the event's webhook message. */
export function messageBody(event: AlertEvent): string {
  return JSON.stringify({ type: 'alert.fired', timestamp: event.time, data: event });
}
