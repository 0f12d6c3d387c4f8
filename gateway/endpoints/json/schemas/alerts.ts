import { z } from 'zod';
import { named } from './named.ts';
import { flag, id, isoTime, micros, next, whole } from './values.ts';

/** Answers about alerts and webhooks. */

export const ALERT = named(
  'Alert',
  z
    .looseObject({
      id,
      account: id,
      kind: z.string(),
      repeat: z.union([z.enum(['once', 'every']), whole]),
      note: z.string(),
      created: isoTime,
      fired: whole,
      lastFired: isoTime.optional(),
      suppressed: whole.optional(),
    })
    .meta({ description: 'With the keys of its kind: docs/ALERTS.md.' }),
);
export const ALERTS = named('Alerts', z.strictObject({ alerts: z.array(ALERT) }));
export const ALERT_EVENT = named(
  'AlertEvent',
  z
    .looseObject({
      no: whole,
      account: id,
      alert: id,
      kind: z.string(),
      note: z.string(),
      time: isoTime,
      timeUs: micros,
      text: z.string(),
      suppressed: whole.optional(),
    })
    .meta({ description: 'With the fields of its kind: docs/ALERTS.md.' }),
);
export const ALERT_EVENTS = named('AlertEvents', z.strictObject({ events: z.array(ALERT_EVENT), next }));

const WEBHOOK_FIELDS = {
  id,
  account: id,
  url: z.string(),
  note: z.string(),
  created: isoTime,
  disabled: flag,
  secrets: whole,
  pending: whole,
  dead: whole,
  delivered: whole,
  failed: whole,
  dropped: whole,
  last: z.strictObject({ time: isoTime, result: z.string() }).optional(),
};
const WEBHOOK = named('Webhook', z.strictObject(WEBHOOK_FIELDS));
export const WEBHOOKS = named('Webhooks', z.strictObject({ webhooks: z.array(WEBHOOK) }));
export const WEBHOOK_MADE = named('WebhookMade', z.strictObject({ ...WEBHOOK_FIELDS, secret: z.string() }));
const MESSAGE = z.strictObject({
  no: whole,
  state: z.enum(['pending', 'dead']),
  attempts: whole,
  time: isoTime,
  reason: z.string().optional(),
  body: z.unknown(),
});
export const WEBHOOK_MESSAGES = named('WebhookMessages', z.strictObject({ messages: z.array(MESSAGE), next }));
export const DELETED = named('Deleted', z.strictObject({ deleted: id }));
export const REPLAYED = named('Replayed', z.strictObject({ replayed: whole, left: whole }));
