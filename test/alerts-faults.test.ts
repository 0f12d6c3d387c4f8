/** Alerts when something around them fails: their thread, their store, a feed. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { AlertLink } from '../gateway/alerts/alert-link.ts';
import { alertsPath } from '../gateway/alerts/alert-paths.ts';
import { AlertStore } from '../gateway/alerts/alert-store.ts';
import { loadConfig } from '../gateway/config/config.ts';
import { createLogger } from '../gateway/log.ts';
import { startExchange } from '../gateway/main.ts';
import { BybitMarket } from './support/bybit-frames.ts';
import { LoopbackVenue } from './support/loopback-venue.ts';
import { until } from './support/until.ts';

/** A directory, and where to say what must be stopped before it is removed, last first. */
function directory(t: TestContext): { dir: string; stops: (() => unknown)[] } {
  const dir = mkdtempSync(join(tmpdir(), 'openbell-alert-faults-'));
  const stops: (() => unknown)[] = [];
  t.after(async () => {
    for (const stop of stops.reverse()) await stop();
    rmSync(dir, { recursive: true, force: true });
  });
  return { dir, stops };
}

function start(dir: string, further: Record<string, string> = {}) {
  const flags = { data: join(dir, 'data'), 'grpc-port': '0', 'ws-port': '0', 'http-port': '0', topology: 'compact', ...further };
  return startExchange(loadConfig({ flags, env: {} }), { log: createLogger('silent') });
}

test('a thread that ends is started again; meanwhile requests say so', { timeout: 120_000 }, async (t) => {
  const { dir, stops } = directory(t);
  // A file in place of the directory of the store.
  writeFileSync(alertsPath(dir), '');
  const ends: Error[] = [];
  const link = new AlertLink(dir, false, (error) => void ends.push(error));
  stops.push(() => link.stop());
  await assert.rejects(link.ask('load'), { code: 'ALERTS_UNAVAILABLE' });
  await until(() => ends.length > 0, 'the thread has ended');
  await assert.rejects(link.ask('load'), { code: 'ALERTS_UNAVAILABLE' });
  rmSync(alertsPath(dir));
  let loaded: unknown;
  await until(async () => {
    loaded = await link.ask('load').catch(() => undefined);
    return loaded !== undefined;
  }, 'a new thread');
  assert.deepEqual(loaded, { alerts: [], gauges: [], windows: [], accounts: [] });
});

test('a store of a newer release stops the start, and is not changed', { timeout: 120_000 }, async (t) => {
  const { dir } = directory(t);
  const data = join(dir, 'data');
  mkdirSync(data);
  const store = new AlertStore(data);
  store.write(1, () => store.meta.putSync('version', 2));
  await store.close();
  const before = readFileSync(join(alertsPath(data), 'data.mdb'));
  await assert.rejects(start(dir), {
    code: 'ALERTS_NEWER',
    message: /have version 2, and this release knows version 1\. Nothing was changed/,
  });
  assert.ok(before.equals(readFileSync(join(alertsPath(data), 'data.mdb'))));
});

test('a feed without current prices fires', { timeout: 120_000 }, async (t) => {
  const { dir, stops } = directory(t);
  const market = new BybitMarket('BTCUSDT', 7);
  const venue = await LoopbackVenue.start({
    connected: (socket) =>
      socket.once('message', () => {
        for (const frame of [market.snapshot(), market.delta()]) socket.send(frame.text);
      }),
  });
  let open = true;
  const close = async () => {
    if (open) await venue.close();
    open = false;
  };
  stops.push(close);
  const config = join(dir, 'venue.yaml');
  const feed = `{ name: outside, venue: bybit, instruments: [BTCUSDT], depth: 50, ws-url: ${venue.webSocketUrl} }`;
  writeFileSync(config, `accounts:\n  - { id: 1, name: desk }\nfeeds:\n  - ${feed}\n`);
  const exchange = await start(dir, { config });
  stops.push(() => exchange.stop());
  const at = (path: string) => `http://127.0.0.1:${exchange.ports.http}${path}`;
  // biome-ignore lint/suspicious/noExplicitAny: JSON of any shape, looked into by the test
  const ask = async (path: string): Promise<any> => (await fetch(at(path))).json();
  await until(async () => (await ask('/v1/feeds/outside')).instruments[0]?.state === 'live', 'the feed is live');
  for (const instrument of [undefined, 'BTCUSDT']) {
    const body = JSON.stringify({ account: 1, kind: 'feed-stale', feed: 'outside', instrument });
    const answer = await fetch(at('/v1/alerts'), { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    assert.equal(answer.status, 201, await answer.text());
  }
  await close();
  await until(async () => (await ask('/v1/alerts/events?account=1')).events.length === 2, 'two events');
  const texts = (await ask('/v1/alerts/events?account=1')).events.map(({ text }: { text: string }) => text);
  assert.deepEqual(texts.sort(), ['outside BTCUSDT has no current prices', 'outside has no current prices']);
});
