/**
 * A soak: one client trades while the outside venues of all sources misbehave: frames are missing, doubled, swapped, torn, huge or
 * unknown, connections are cut, half-closed or silent, and venues are down. `npm run test:feed-chaos -- --minutes 10`
 *
 * In quiet windows the venues send what was recorded, as it was. test/support/soak.ts says what is compared. A limit that is
 * exceeded fails the soak; a target that is missed is shown, and fails it with `--strict`. At the end, all sources are live again.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { booksOf } from '../feeds/files/capture-books.ts';
import { CaptureReplay } from '../feeds/files/capture-replay.ts';
import { readCaptureByTime } from '../feeds/files/captures.ts';
import { connect } from '../gateway/client/index.ts';
import { RecordingSink } from '../gateway/tools/cli/feed-records.ts';
import { ExchangeProcess } from './support/exchange-process.ts';
import type { FeedChaosStart } from './support/feed-chaos.ts';
import { freePort } from './support/loopback-venue.ts';
import { missing, sharedData } from './support/shared-data.ts';
import { longest, printMetrics, type SoakLimits, type SoakOptions, soak } from './support/soak.ts';
import { SoakProcess } from './support/soak-process.ts';

const LIMITS: SoakLimits = { ratio: 1.5, targetWait: 50, mostWait: 500, mostHealth: 1000, mostGrowth: 768 };
const CAPTURES = ['binance', 'bitstamp', 'coinbase', 'kraken', 'okx'].map((venue) => sharedData('venues', `capture-${venue}.jsonl.gz`));
/** Until all sources must be live again, ms. */
const MOST_RECOVERY_MS = 120_000;

/** @throws AssertionError naming the limit that was exceeded, or the sources that did not become live again */
export async function withstandFeeds(options: SoakOptions): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'openbell-feed-chaos-'));
  const ended: (() => Promise<unknown>)[] = [async () => rmSync(dir, { recursive: true, force: true })];
  try {
    const sources = [];
    for (const capture of CAPTURES) sources.push({ capture, port: await freePort(), ...(await venueOf(capture)) });
    const config = join(dir, 'venue.yaml');
    const lines = sources.map(({ venue, instruments, port }) => {
      const urls = { 'ws-url': `ws://127.0.0.1:${port}`, 'http-url': `http://127.0.0.1:${port}` };
      return `  - ${JSON.stringify({ name: venue, venue, instruments, ...urls })}\n`;
    });
    const demo = readFileSync(new URL('../docs/openbell.example.yaml', import.meta.url), 'utf8');
    writeFileSync(config, `${demo}\nfeeds:\n${lines.join('')}`);
    const flags = ['--durability', 'fast', '--log-level', 'fatal', '--config', config];
    const exchange = await ExchangeProcess.start(join(dir, 'data'), flags);
    ended.unshift(() => exchange.end('SIGTERM'));
    const { grpc: grpcPort, ws: wsPort, http: httpPort } = exchange.ports;
    const trader = await connect({ grpcPort, wsPort, httpPort, account: 1 });
    ended.unshift(() => trader.close());
    const venues = sources.map(({ capture, port }) => ({ capture, port }));
    const chaos = new SoakProcess<FeedChaosStart>(new URL('support/feed-chaos.ts', import.meta.url), { venues }, longest(options));
    ended.unshift(async () => chaos.end());
    try {
      await soak(exchange, trader, chaos, LIMITS, options);
    } finally {
      await printMetrics(exchange, /^openbell_feed_faults_total.* [1-9].*$/gm, options);
      options.print(`faults: ${JSON.stringify(chaos.rounds)}`);
    }
    // The process has the lowest priority.
    if (!(chaos.rounds.ended > 0)) options.print('nothing was shown: the venues had no processor time');
    chaos.burn(0);
    await recovered(httpPort, options);
  } finally {
    for (const end of ended) await end();
  }
}

/** Venue and instruments of a capture. */
async function venueOf(path: string): Promise<{ readonly venue: string; readonly instruments: readonly string[] }> {
  const replay = new CaptureReplay(path, await readCaptureByTime(path), new RecordingSink());
  replay.run();
  return { venue: replay.adapter.venue, instruments: booksOf(replay.adapter, 1).map(({ instrument }) => instrument) };
}

/** Waits until every source is live. */
async function recovered(httpPort: number, { print }: SoakOptions): Promise<void> {
  const begun = performance.now();
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${httpPort}/v1/feeds`);
    const feeds = (await answer.json()) as { readonly name: string; readonly state: string }[];
    const others = feeds.filter(({ state }) => state !== 'live');
    const waited = performance.now() - begun;
    if (others.length === 0) return print(`all ${feeds.length} sources are live ${(waited / 1000).toFixed(1)} s after the last fault`);
    assert.ok(waited < MOST_RECOVERY_MS, `not live again: ${JSON.stringify(others)}`);
    await sleep(100);
  }
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '10' },
      window: { type: 'string', default: '5' },
      strict: { type: 'boolean', default: false },
    },
  });
  if (missing(...CAPTURES) === false)
    await withstandFeeds({
      minutes: Number(values.minutes),
      windowMs: Number(values.window) * 1000,
      strict: values.strict,
      print: (line) => console.log(line),
    });
}
