/** A data directory of an older release: its alerts, webhooks, positions and reference prices continue. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { open } from 'lmdb';
import { Webhook } from 'standardwebhooks';
import { resolveLimits } from '../engine/limits.ts';
import { verifyDataDirectory } from '../engine/threads/verify.ts';
import type { Endpoint } from '../gateway/alerts/alert-store.ts';
import { type Alert, type AlertEvent, type AlertWebhook, connect, type WebhookMessage } from '../gateway/client/index.ts';
import { loadConfig } from '../gateway/config/config.ts';
import { createLogger } from '../gateway/log.ts';
import { startExchange } from '../gateway/main.ts';
import { HookServer } from './support/hook-server.ts';
import { unpackOldData } from './support/old-data.ts';
import { until } from './support/until.ts';

/** What the old release answered: test/fixtures/README.md. Lists of accounts begin with account 1. */
interface Answers {
  readonly beforeKill: {
    readonly alerts: readonly (readonly Alert[])[];
    readonly events: readonly (readonly AlertEvent[])[];
    readonly webhooks: readonly (readonly AlertWebhook[])[];
    readonly dead: readonly WebhookMessage[];
    readonly pending: readonly WebhookMessage[];
    readonly secret: string;
    readonly oldSecret: string;
  };
  readonly restarted: Readonly<Record<'accounts' | 'portfolios' | 'openOrders' | 'trades', readonly object[]>> & {
    readonly candles: { readonly candles: readonly { readonly firstTradeId: number; readonly lastTradeId: number }[] };
    readonly symbol: Readonly<Record<string, unknown>>;
  };
}

/** Has all webhooks of a store send to `url`: where they sent to is anybody's port now. @returns their secrets by id, newest first */
async function redirect(data: string, url: string): Promise<string[][]> {
  const root = open({ path: join(data, 'alerts'), maxDbs: 8 });
  const endpoints = root.openDB<Endpoint, number>({ name: 'endpoints', encoding: 'json' });
  const rows = [...endpoints.getRange()];
  for (const { key, value } of rows) endpoints.putSync(key, { ...value, url });
  await root.close();
  return rows.map(({ value }) => value.secrets.map(({ secret }) => secret));
}

test('alerts, webhooks, positions and reference prices that commit f5c964b2 stored continue', { timeout: 240_000 }, async (t) => {
  const base = mkdtempSync(join(tmpdir(), 'openbell-old-alerts-'));
  t.after(() => rmSync(base, { recursive: true, force: true }));
  const hooks = await HookServer.start();
  t.after(() => hooks.stop());
  const data = unpackOldData(base, 'data-7');
  const { beforeKill, restarted }: Answers = JSON.parse(readFileSync(join(base, 'answers.json'), 'utf8'));
  const { secret, oldSecret } = beforeKill;
  const secrets = await redirect(data, hooks.url);
  assert.deepEqual([secrets.length, secrets[1]], [3, [secret, oldSecret]]);

  const config = new URL('./fixtures/data-7.yaml', import.meta.url).pathname;
  const flags = { data, config, topology: 'compact', 'webhook-loopback': true, 'grpc-port': '0', 'ws-port': '0', 'http-port': '0' };
  const exchange = await startExchange(loadConfig({ flags, env: {} }), { log: createLogger('silent') });
  let stopped: Promise<void> | undefined;
  const stop = () => (stopped ??= exchange.stop());
  t.after(stop);
  const { grpc: grpcPort, http: httpPort, ws: wsPort } = exchange.ports;
  const [one, two, three] = await Promise.all([1, 2, 3].map((account) => connect({ grpcPort, httpPort, wsPort, account })));
  t.after(() => Promise.all([one, two, three].map((client) => client.close())));
  const ask = async (path: string): Promise<object> => (await (await fetch(`http://127.0.0.1:${httpPort}${path}`)).json()) as object;
  const newEvents = async (): Promise<AlertEvent[]> => {
    const lists = [one, two].map(({ alerts }, i) => alerts.events({ after: beforeKill.events[i].length, limit: 1000 }));
    return (await Promise.all(lists)).flat();
  };

  // The last two commands came after the alerts were stored for the last time: buys at 110 and 126, and a sale at 98.
  const missed = [
    '1 fill fires, every: 0.20 at 110.00',
    '1 fill fires, every: 0.20 at 126.00',
    '1 missed, every: 100.00 to 110.00',
    '1 missed: 110.00 to 126.00',
    '1 move fires, every: 0% to 10%',
    '1 price fires, every: 100.00 to 110.00',
    '2 fills of account 2: 0.10 at 98.00',
    '2 of account 2: 126.00 to 98.00',
  ];
  await until(async () => (await newEvents()).length >= missed.length, 'the edges since the last commit');
  const inWords = ({ account, note, kind, ...rest }: AlertEvent): string =>
    `${account} ${note}: ${kind === 'fill' ? `${rest.quantity} at ${rest.price}` : `${rest.before} to ${rest.value}`}`;
  const first = await newEvents();
  // Each edge once: none that was reported before, and none within a cool-down.
  assert.deepEqual(first.map(inWords).sort(), missed);
  for (const [i, client] of [one, two].entries()) {
    assert.deepEqual((await client.alerts.events({ limit: 1000 })).slice(0, beforeKill.events[i].length), beforeKill.events[i]);
    const firings = (id: number) => first.filter(({ account, alert }) => account === i + 1 && alert === id).length;
    const expected = beforeKill.alerts[i]
      .filter(({ repeat, id }) => repeat !== 'once' || firings(id) === 0)
      .map((alert) => ({ ...alert, fired: alert.fired + firings(alert.id) }));
    const listed = await client.alerts.list();
    const shown = (alert: Alert, wasFiredNow: boolean) => (wasFiredNow ? { ...alert, lastFired: undefined } : alert);
    assert.deepEqual(
      listed.map((alert) => shown(alert, firings(alert.id) > 0)),
      expected.map((alert) => shown(alert, firings(alert.id) > 0)),
    );
  }

  // Positions, orders and prices.
  for (const [i, account] of [1, 2, 3].entries()) {
    assert.partialDeepStrictEqual(await ask(`/v1/accounts/${account}`), restarted.accounts[i]);
    assert.partialDeepStrictEqual(await ask(`/v1/accounts/${account}/portfolio`), restarted.portfolios[i]);
    assert.partialDeepStrictEqual(await ask(`/v1/accounts/${account}/open-orders`), restarted.openOrders[i]);
    assert.partialDeepStrictEqual(await ask(`/v1/accounts/${account}/trades`), restarted.trades[i]);
  }
  // Ids of trades are text since.
  const candles = restarted.candles.candles.map(({ firstTradeId, lastTradeId, ...candle }) => ({
    ...candle,
    firstTradeId: String(firstTradeId),
    lastTradeId: String(lastTradeId),
  }));
  assert.partialDeepStrictEqual(await ask('/v1/symbols/BTC-USD/candles?interval=1s&limit=100'), { ...restarted.candles, candles });
  const { phase, referencePrice, referenceSource } = restarted.symbol;
  assert.deepEqual([phase, referencePrice, referenceSource], ['halted', '503.25', 'outside']);
  assert.partialDeepStrictEqual(await ask('/v1/symbols/BTC-OUT'), { phase, referencePrice, referenceSource });

  // Prices that alerts wait for, above and below.
  for (const client of [one, two, three]) await client.orders.cancelAll({ symbol: 'BTC-USD' });
  for (const price of ['130.00', '70.00']) {
    await three.orders.place({ symbol: 'BTC-USD', side: 'sell', quantity: '0.01', price });
    await two.orders.place({ symbol: 'BTC-USD', side: 'buy', quantity: '0.01', price });
  }
  const noted = async (note: string) => (await newEvents()).filter((event) => event.note === note).map(inWords);
  await until(async () => (await noted('waits below')).length > 0, 'the event of the price below');
  assert.deepEqual(await noted('waits above'), ['1 waits above: 98.00 to 130.00']);
  assert.deepEqual(await noted('waits below'), ['1 waits below: 130.00 to 70.00']);
  const notesOf = async () => (await one.alerts.list()).map(({ note }) => note);
  assert.ok(!(await notesOf()).some((note) => ['missed', 'waits above', 'waits below'].includes(note)));
  assert.ok((await notesOf()).includes('price fires, cool-down'));

  // The webhook that answered 410 gets nothing until it is replayed; the other one gets what waited, signed with its new key.
  const webhooks = () => one.alerts.webhooks();
  await until(async () => (await webhooks())[1].pending === 0, 'what waited is delivered');
  const [gone, desk] = await webhooks();
  const [goneBefore, deskBefore] = beforeKill.webhooks[0];
  assert.deepEqual([gone.disabled, gone.delivered, gone.failed], [true, goneBefore.delivered, goneBefore.failed]);
  assert.deepEqual([desk.failed, desk.created, desk.dead], [deskBefore.failed, deskBefore.created, 0]);
  const dead = await one.alerts.messages(gone.id, { limit: 1000 });
  assert.deepEqual(dead.slice(0, beforeKill.dead.length), beforeKill.dead);
  assert.deepEqual([...new Set(dead.slice(beforeKill.dead.length).map(({ reason }) => reason))], ['DISABLED']);
  const bodies = new Map<unknown, unknown>();
  for (const { headers, body } of hooks.received) {
    const id = String(headers['webhook-id']);
    if (!id.startsWith('alert_1_')) continue;
    new Webhook(secret).verify(body, headers as Record<string, string>);
    bodies.set(id, JSON.parse(body));
  }
  for (const { no, body } of beforeKill.pending) assert.deepEqual(bodies.get(`alert_1_${no}`), body);
  const received = hooks.received.length;
  await one.alerts.replay(gone.id);
  await until(async () => (await webhooks())[0].dead === 0 && (await webhooks())[0].pending === 0, 'the dead letters are delivered');
  const replayed = hooks.received.slice(received).map(({ headers }) => headers['webhook-id']);
  for (const { no } of beforeKill.dead) assert.ok(replayed.includes(`alert_1_${no}`));
  assert.equal((await webhooks())[0].disabled, false);
  const [kept] = await two.alerts.webhooks();
  const [keptBefore] = beforeKill.webhooks[1];
  assert.deepEqual([kept.failed, kept.disabled, kept.delivered > keptBefore.delivered], [keptBefore.failed, false, true]);

  await stop();
  const hashes = [false, true].map((fromSnapshot) => {
    const { stateHash, imbalances } = verifyDataDirectory(data, { limits: resolveLimits(), fromSnapshot });
    assert.deepEqual(imbalances, []);
    return stateHash;
  });
  assert.equal(hashes[0], hashes[1]);
});
