/** Reference prices from two venues on loopback: through the feed thread into the engine, over a fallback to a halt and back; the log replays to the same state. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WebSocket } from 'ws';
import { resolveLimits } from '../engine/limits.ts';
import { verifyDataDirectory } from '../engine/threads/verify.ts';
import { limitsOf, loadConfig } from '../gateway/config/config.ts';
import { createLogger } from '../gateway/log.ts';
import { type RunningExchange, startExchange } from '../gateway/main.ts';
import { openbell } from './support/exchange-process.ts';
import { LoopbackVenue } from './support/loopback-venue.ts';

/** A Bybit on loopback whose prices the test sets. What it said last, it says again every 50 ms until it is silenced. */
class PricedVenue {
  readonly #sockets = new Set<WebSocket>();
  readonly #timer: NodeJS.Timeout;
  #venue: LoopbackVenue | undefined;
  #update = 1;
  #say: (() => string) | undefined;

  constructor() {
    this.#timer = setInterval(() => this.#repeat(), 50);
  }

  async start(): Promise<void> {
    this.#venue = await LoopbackVenue.start({ connected: (socket) => socket.once('message', () => this.#sockets.add(socket)) });
  }

  get url(): string {
    return this.#venue?.webSocketUrl ?? '';
  }

  quote(bid: string, ask: string): void {
    this.#say = () => {
      const data = { s: 'BTCUSDT', b: [[bid, '1']], a: [[ask, '1']], u: ++this.#update };
      return JSON.stringify({ topic: 'orderbook.50.BTCUSDT', type: 'snapshot', ts: 1_672_304_484_978, data });
    };
    this.#repeat();
  }

  trade(p: string): void {
    this.#say = () => JSON.stringify({ topic: 'publicTrade.BTCUSDT', data: [{ T: 1_672_304_484_978, s: 'BTCUSDT', S: 'Buy', v: '1', p }] });
    this.#repeat();
  }

  silence(): void {
    this.#say = undefined;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#venue?.close();
  }

  #repeat(): void {
    const say = this.#say;
    if (say !== undefined) for (const socket of this.#sockets) socket.send(say());
  }
}

test('outside prices move the reference price; a silent venue leads to the fallback, then to a halt that ends', {
  timeout: 120_000,
}, async (t) => {
  const data = mkdtempSync(join(tmpdir(), 'openbell-reference-'));
  const first = new PricedVenue();
  const second = new PricedVenue();
  let exchange: RunningExchange | undefined;
  t.after(async () => {
    await exchange?.stop();
    await first.close();
    await second.close();
    rmSync(data, { recursive: true, force: true });
  });
  await first.start();
  await second.start();
  const file = join(data, 'venue.yaml');
  const venue = (reference: string) => `
assets:
  - { id: 1, name: USD, decimals: 8 }
  - { id: 2, name: BTC, decimals: 8 }
symbols:
  - { id: 1, name: BTC-USD, base: BTC, quote: USD, tick: 0.05, lot: 0.01${reference} }
feeds:
  - { name: first, venue: bybit, instruments: [BTCUSDT], depth: 50, ws-url: ${first.url} }
  - { name: second, venue: bybit, instruments: [BTCUSDT], depth: 50, ws-url: ${second.url} }
`;
  const sources = '[{ feed: first, instrument: BTCUSDT }, { feed: second, instrument: BTCUSDT, value: last }]';
  const policy = 'max-age: 1, max-rate: 1000, max-step: 10%, confirm-after: 1, when-stale: halt, resume-after: 0';
  writeFileSync(file, venue(`, reference: { sources: ${sources}, ${policy} }`));
  const flags = { config: file, data: join(data, 'data'), 'grpc-port': '0', 'ws-port': '0', 'http-port': '0' };
  const config = loadConfig({ flags, env: {} });
  exchange = await startExchange(config, { log: createLogger('silent') });
  let { http } = exchange.ports;
  // biome-ignore lint/suspicious/noExplicitAny: JSON of an answer
  const ask = async (path: string): Promise<any> => (await fetch(`http://127.0.0.1:${http}${path}`)).json();
  // Only what stays true is waited for: where the machine stalls for a second, the sources are old for a moment.
  // biome-ignore lint/suspicious/noExplicitAny: JSON of an answer
  const untilTrue = async (path: string, isTrue: (json: any) => boolean): Promise<void> => {
    while (!isTrue(await ask(path))) await sleep(5);
  };
  const until = (path: string, wanted: object): Promise<void> =>
    untilTrue(path, (json) => Object.entries(wanted).every(([key, value]) => json[key] === value));
  const symbol = '/v1/symbols/BTC-USD';
  const reference = '/v1/references/BTC-USD';

  // The middle of 499.97 and 500.08 is 500.025: half a tick above 500, rounded up.
  first.quote('499.97', '500.08');
  await until(symbol, { referencePrice: '500.05', referenceSource: 'outside', phase: 'continuous' });
  first.quote('510.01', '510.03');
  await until(symbol, { referencePrice: '510.00' });

  second.trade('511.10');
  // A trade alone does not make the instrument live: its book does.
  second.quote('511.00', '511.20');
  await until('/v1/feeds/second', { state: 'live' });
  second.trade('511.10');
  await until(symbol, { referencePrice: '510.00' });
  first.silence();
  await untilTrue(reference, ({ source, referencePrice, sources: [one, two], counters }) => {
    const conditions = one.condition === 'old' && two.condition === 'usable';
    return source === 1 && referencePrice === '511.10' && conditions && counters.switches > 0;
  });

  second.silence();
  await until(symbol, { phase: 'halted', referencePrice: '511.10' });
  await until(reference, { state: 'stale', source: null });
  assert.match(JSON.stringify(await ask('/health/ready')), /REFERENCE_STALE: no source of the reference price is usable: BTC-USD/);
  // The halt is counted with its answer, which is later than its effect.
  await untilTrue(reference, ({ counters }) => counters.halts > 0);
  const metrics = await (await fetch(`http://127.0.0.1:${http}/metrics`)).text();
  const lines = metrics.split('\n').filter((line) => line.startsWith('openbell_reference_'));
  for (const wanted of [/^openbell_reference_stale\{symbol="BTC-USD"\} 1$/, /^openbell_reference_halts_total\{symbol="BTC-USD"\} [1-9]/])
    assert.ok(
      lines.some((line) => wanted.test(line)),
      lines.join('\n'),
    );
  const printed = await openbell(['feeds', 'references', 'BTC-USD', '--http-port', String(http)]);
  assert.match(printed.stdout, /BTC-USD +stale +halted +511.10\n +first BTCUSDT mid +old +510.00.*\n +second BTCUSDT last +old +511.10/);
  assert.equal(printed.code, 1);

  first.quote('512.00', '512.10');
  await until(symbol, { phase: 'continuous', referencePrice: '512.05' });
  await untilTrue('/health/ready', ({ warnings }) => warnings === undefined);

  const before = exchange.engine.directory.symbolByName('BTC-USD');
  await exchange.stop();
  const limits = resolveLimits(limitsOf(config, undefined));
  const replayed = verifyDataDirectory(config.data, { limits });
  assert.equal(replayed.stateHash, verifyDataDirectory(config.data, { limits, fromSnapshot: true }).stateHash);

  // Without the section, the symbol follows its trades again, from the price that it had.
  writeFileSync(file, venue(''));
  exchange = await startExchange(loadConfig({ flags, env: {} }), { log: createLogger('silent') });
  http = exchange.ports.http;
  await until(symbol, { referencePrice: '512.05', referenceSource: 'trades' });
  assert.equal(before?.referencePrice, exchange.engine.directory.symbolByName('BTC-USD')?.referencePrice);
  assert.deepEqual(await ask('/v1/references'), []);
});
