/** Answers about outside markets have the shape of their schemas: of a capture, and of a file of trades. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { demoCapture } from '../feeds/simulator/demo-capture.ts';
import { loadConfig } from '../gateway/config/config.ts';
import { createLogger } from '../gateway/log.ts';
import { startExchange } from '../gateway/main.ts';
import { ADMIN_ROUTES } from './support/admin-routes.ts';
import { AnswerSchemas } from './support/answer-schemas.ts';
import { until } from './support/until.ts';

const VENUE = (capture: string, fills: string) => `
assets:
  - { id: 1, name: USD, decimals: 6 }
  - { id: 2, name: BTC, decimals: 8 }
symbols:
  - id: 1
    name: BTC-USD
    base: BTC
    quote: USD
    tick: 0.01
    lot: 0.0001
    reference: { sources: [{ feed: recorded, instrument: BTC-USD }], max-age: 3600, max-step: 50% }
feeds:
  - { name: recorded, file: ${capture}, instruments: [BTC-USD], at-end: loop }
  - { name: fills, file: ${fills}, instruments: [FILLS], instrument: FILLS, columns: { time: when, quantity: n }, speed: max }
  - { name: gone, file: ${fills}.gone, format: csv, instruments: [X], instrument: X }
feed-books: [{ name: BTC, sources: ["recorded:BTC-USD"] }]
`;

test('the answers about feeds, their books and reference prices match their schemas', { timeout: 300_000 }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'openbell-feed-answers-'));
  const fills = join(folder, 'fills.csv');
  const trades = Array.from({ length: 40 }, (_, i) => `${1_700_000_040 + i * 30},${100 + (i % 7)},2,buy`);
  writeFileSync(fills, `when,px,n,side\n${trades.join('\n')}\n1700009999,x,1,buy\n`);
  const config = join(folder, 'venue.yaml');
  const { path: capture } = demoCapture();
  writeFileSync(config, VENUE(capture, fills));
  const ports = { 'grpc-port': '0', 'ws-port': '0', 'http-port': '0' };
  const flags = { config, data: join(folder, 'data'), topology: 'compact', ...ports };
  const exchange = await startExchange(loadConfig({ flags, env: {} }), { log: createLogger('silent') });
  t.after(async () => {
    await exchange.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const schemas = new AnswerSchemas();
  // biome-ignore lint/suspicious/noExplicitAny: JSON of an answer
  const get = async (path: string): Promise<any> => {
    const response = await fetch(`http://127.0.0.1:${exchange.ports.http}${path}`);
    const answer = { status: response.status, json: await response.json() };
    schemas.compare('GET', path, answer);
    return answer.json;
  };
  await until(async () => (await get('/v1/feeds/gone')).state === 'down', 'the file that is missing');
  await until(async () => (await get('/v1/feeds/fills')).state === 'ended', 'the end of the trades');
  await until(async () => (await get('/v1/feeds/recorded')).instruments[0].ask !== undefined, 'the book of the capture');
  await until(async () => (await get('/v1/feeds/recorded')).instruments[0].trade !== undefined, 'a trade of the capture');
  await until(async () => (await get('/v1/feeds/books/BTC')).bids.length > 0, 'the consolidated book');
  await until(async () => (await get('/v1/references/BTC-USD')).referencePrice !== undefined, 'the reference price');
  await until(async () => (await get('/v1/feeds/fills/candles?instrument=FILLS&limit=5')).candles.length === 5, 'the candles');
  await get('/v1/feeds/fills/candles?instrument=FILLS&interval=5m');
  await get('/v1/feeds/fills/indicators?instrument=FILLS&indicator=rsi:5,macd&limit=3');
  assert.equal((await get('/v1/feeds')).length, 3);
  assert.ok((await get('/v1/feeds/instruments')).length > 0);
  await get('/v1/feeds/instruments?feed=recorded');
  await get('/v1/feeds/books');
  await get('/v1/references');
  await get('/v1/symbols/BTC-USD');
  const missing = ADMIN_ROUTES.map(({ method, path }) => `${method} ${path}`)
    .filter((call) => /\/v1\/(feeds|references)/.test(call))
    .filter((call) => !schemas.seen.has(call));
  assert.deepEqual(missing, [], 'no answer of it was compared');
});
