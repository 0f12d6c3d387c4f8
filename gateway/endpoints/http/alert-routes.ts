import { z } from 'zod';
import type { Directory } from '../../../engine/threads/directory.ts';
import { AlertError, type AlertErrorCode } from '../../alerts/alert-error.ts';
import type { AlertLink } from '../../alerts/alert-link.ts';
import { alertView } from '../../alerts/alert-words.ts';
import type { Alerts } from '../../alerts/alerts.ts';
import type { AlertEvent } from '../../client/alert-types.ts';
import type { Place } from '../../config/config-place.ts';
import type { Action } from '../../identity/permissions.ts';
import { readTarget, TargetError } from '../../webhooks/target.ts';
import { LongList } from '../json/json-pieces.ts';
import { ALERT, ALERT_EVENTS, ALERTS, DELETED, REPLAYED, WEBHOOK_MADE, WEBHOOK_MESSAGES, WEBHOOKS } from '../json/schemas/alerts.ts';
import { BODIES } from './action-bodies.ts';
import { accountNumber } from './admin-identity.ts';
import { accountOf } from './admin-queries.ts';
import { readAlert, readNote } from './alert-body.ts';
import { HttpError } from './http-error.ts';
import { readJsonBody } from './json-body.ts';
import { LIMIT, wholeOr } from './query-schemas.ts';
import { type QueryShape, type Reply, type Request, type Route, type RouteOf, route } from './route.ts';

export interface AlertSources {
  readonly alerts: Alerts;
  readonly directory: Directory;
  /** Names of the feeds of the configuration. */
  readonly feeds: readonly string[];
  /** Webhooks to this host are allowed. */
  readonly loopback: boolean;
}

const MAX_EVENT = Number.MAX_SAFE_INTEGER;
const ACCOUNT = z
  .string({ error: 'is missing: give the account, ?account=ID' })
  .meta({ description: 'Id of the account.', type: 'integer', minimum: 1 });
const AFTER = wholeOr(0, 0, MAX_EVENT, 'Only after this number: `next` of the page before.');

type AlertRoute<Shape extends QueryShape> = Omit<RouteOf<Shape>, 'guarded' | 'action'>;
type AccountRequest = Pick<Request, 'demand'> & { readonly query: { readonly account: string } };

/** Alerts and webhooks of an account. Each request names the account, by a query parameter or in its body, and needs the right for it. */
export function alertRoutes(sources: AlertSources): Route[] {
  const { alerts, directory, feeds, loopback } = sources;
  const of = (request: Pick<Request, 'demand'>, action: Action, account: string): number => {
    request.demand(action, accountNumber(account));
    return accountOf(directory, account).id;
  };
  const asked = (request: AccountRequest, action: Action): number => of(request, action, request.query.account);
  const given = (request: Pick<Request, 'demand' | 'body'>): number => of(request, 'alert:manage', String(request.body.account));
  const make = <Shape extends QueryShape>(spec: AlertRoute<Shape>): Route =>
    route({ ...spec, guarded: true, action: 'alert:use', handle: (request) => answered(() => spec.handle(request)) });

  return [
    make({
      method: 'GET',
      path: '/v1/alerts',
      summary: 'Alerts of an account.',
      query: { account: ACCOUNT },
      answer: ALERTS,
      handle: (request) => {
        const account = asked(request, 'alert:read');
        return { pieces: { alerts: new LongList(alerts.list(account).map((alert) => alertView(alert, directory))) } };
      },
    }),
    make({
      method: 'POST',
      path: '/v1/alerts',
      summary: 'Sets an alert.',
      body: BODIES.alert,
      answer: ALERT,
      status: 201,
      handle: async (request) => {
        const alert = readJsonBody(request.body, (place) => readAlert(place, directory, feeds));
        of(request, 'alert:manage', String(alert.account));
        return { status: 201, json: alertView(await alerts.add(alert), directory) };
      },
    }),
    make({
      method: 'DELETE',
      path: '/v1/alerts/:alert',
      summary: 'Deletes an alert.',
      query: { account: ACCOUNT },
      answer: DELETED,
      handle: async (request) => {
        const account = asked(request, 'alert:manage');
        await alerts.remove(account, numberOf(request.params.alert, 'UNKNOWN_ALERT'));
        return { json: { deleted: Number(request.params.alert) } };
      },
    }),
    make({
      method: 'GET',
      path: '/v1/alerts/events',
      summary: 'What has fired, oldest first.',
      query: { account: ACCOUNT, after: AFTER, limit: LIMIT },
      answer: ALERT_EVENTS,
      handle: async (request) => {
        const account = asked(request, 'alert:read');
        const { after, limit } = request.query;
        const events = await alerts.events(account, after, limit);
        return { pieces: { events: new LongList(events), ...pageEnd(events, limit, after) } };
      },
    }),
    make({
      method: 'GET',
      path: '/v1/webhooks',
      summary: 'Webhooks of an account, without their secrets.',
      query: { account: ACCOUNT },
      answer: WEBHOOKS,
      handle: async (request) => {
        const account = asked(request, 'alert:read');
        return { json: { webhooks: (await alerts.link(false)?.ask('webhooks', account)) ?? [] } };
      },
    }),
    make({
      method: 'POST',
      path: '/v1/webhooks',
      summary: 'Adds a webhook; the answer has its secret, once.',
      body: BODIES.webhook,
      answer: WEBHOOK_MADE,
      status: 201,
      handle: async (request) => {
        const { url, note } = readJsonBody(request.body, (place) => readWebhook(place, loopback));
        const account = given(request);
        return { status: 201, json: await link(alerts, true).ask('addWebhook', account, url, note) };
      },
    }),
    make({
      method: 'DELETE',
      path: '/v1/webhooks/:webhook',
      summary: 'Deletes a webhook.',
      query: { account: ACCOUNT },
      answer: DELETED,
      handle: async (request) => {
        const account = asked(request, 'alert:manage');
        const id = numberOf(request.params.webhook, 'UNKNOWN_WEBHOOK');
        await link(alerts, false, id).ask('removeWebhook', account, id);
        return { json: { deleted: id } };
      },
    }),
    make({
      method: 'POST',
      path: '/v1/webhooks/:webhook/rotate',
      summary: 'Replaces the secret of a webhook; both sign for a time.',
      body: BODIES.ofAccount,
      answer: WEBHOOK_MADE,
      handle: async (request) => {
        const account = given(request);
        const id = numberOf(request.params.webhook, 'UNKNOWN_WEBHOOK');
        return { json: await link(alerts, false, id).ask('rotateSecret', account, id) };
      },
    }),
    make({
      method: 'GET',
      path: '/v1/webhooks/:webhook/messages',
      summary: 'Messages that are not delivered.',
      query: { account: ACCOUNT, after: AFTER, limit: LIMIT },
      answer: WEBHOOK_MESSAGES,
      handle: async (request) => {
        const account = asked(request, 'alert:read');
        const id = numberOf(request.params.webhook, 'UNKNOWN_WEBHOOK');
        const { after, limit } = request.query;
        const messages = await link(alerts, false, id).ask('messages', account, id, after, limit);
        return { pieces: { messages: new LongList(messages), ...pageEnd(messages, limit, after) } };
      },
    }),
    make({
      method: 'POST',
      path: '/v1/webhooks/:webhook/replay',
      summary: 'Sends dead letters of a webhook again.',
      body: BODIES.replay,
      answer: REPLAYED,
      handle: async (request) => {
        const event = readJsonBody(request.body, readReplay);
        const account = given(request);
        const id = numberOf(request.params.webhook, 'UNKNOWN_WEBHOOK');
        return { json: await link(alerts, false, id).ask('replay', account, id, event === 0 ? undefined : event) };
      },
    }),
  ];
}

/** `next` of a full page is the `after` of the following one; 0: there is none. */
function pageEnd(list: readonly Pick<AlertEvent, 'no'>[], limit: number, after: number) {
  return { next: list.length === limit ? (list.at(-1)?.no ?? after) : 0 };
}

/** The thread of the webhooks. Where there is none, no webhook exists. */
function link(alerts: Alerts, begin: boolean, id = 0): AlertLink {
  const found = alerts.link(begin);
  if (found === undefined) throw unknown('UNKNOWN_WEBHOOK', String(id));
  return found;
}

function readWebhook(place: Place, loopback: boolean): { url: string; note: string } | undefined {
  const fields = place.fields(['account', 'url', 'note']);
  if (fields === undefined) return undefined;
  if (fields.account === undefined) return place.missing('account');
  if (fields.url === undefined) return place.missing('url', 'such as https://example.com/hooks');
  const text = fields.url.text();
  const note = fields.note === undefined ? '' : readNote(fields.note);
  if (text === undefined || note === undefined) return undefined;
  try {
    return { url: readTarget(text, loopback).href, note };
  } catch (error) {
    if (error instanceof TargetError) return fields.url.fail(error.message);
    throw error;
  }
}

/** The number of the event; 0: all. */
function readReplay(place: Place): number | undefined {
  const fields = place.fields(['account', 'event']);
  if (fields === undefined) return undefined;
  return fields.event === undefined ? 0 : fields.event.whole(1, MAX_EVENT);
}

function numberOf(text: string, code: AlertErrorCode): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw unknown(code, text);
}

function unknown(code: AlertErrorCode, text: string): HttpError {
  const what = code === 'UNKNOWN_ALERT' ? 'alert' : 'webhook';
  return new HttpError(404, 0, code, `the account has no ${what} ${text}; GET /v1/${what}s lists them`);
}

const STATUS: Readonly<Record<AlertErrorCode, number>> = {
  ALERT_LIMIT: 409,
  WEBHOOK_LIMIT: 409,
  UNKNOWN_ALERT: 404,
  UNKNOWN_WEBHOOK: 404,
  DISK_FULL: 503,
  ALERTS_UNAVAILABLE: 503,
};

async function answered(handle: () => Reply | Promise<Reply>): Promise<Reply> {
  try {
    return await handle();
  } catch (error) {
    if (!(error instanceof AlertError)) throw error;
    throw new HttpError(STATUS[error.code], 0, error.code, error.message);
  }
}
