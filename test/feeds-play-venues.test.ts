import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { booksOf, type CapturedBook } from '../feeds/files/capture-books.ts';
import { CaptureReplay } from '../feeds/files/capture-replay.ts';
import { readCaptureByTime, type SortedCapture } from '../feeds/files/captures.ts';
import { InstrumentStatus } from '../feeds/instrument-terms.ts';
import { lineOf } from '../feeds/lines/feed-source.ts';
import { type PlayStep, playScript } from '../feeds/lines/play-script.ts';
import { PlayServer } from '../feeds/lines/play-server.ts';
import type { SourceLine } from '../feeds/lines/source-line.ts';
import type { VenueLine } from '../feeds/venues/venue-line.ts';
import { RecordingSink } from '../gateway/tools/cli/feed-records.ts';
import { type ChaosCounts, disturbed, newChaosCounts } from './support/chaos-steps.ts';
import { times } from './support/long-runs.ts';
import { missing, sharedData } from './support/shared-data.ts';
import { until } from './support/until.ts';

const CAPTURES = ['binance', 'bitstamp', 'coinbase', 'kraken', 'okx'];
const LEVELS = 1000;
/** The venues' rates would only make the test longer. */
const LIMITS = { sends: { messages: 1000, perMs: 1 }, requests: { messages: 1000, perMs: 1 } };

const running: (() => Promise<void>)[] = [];
after(async () => {
  for (const stop of running) await stop();
});

interface Recorded {
  readonly capture: SortedCapture;
  readonly venue: string;
  /** Those that the file gives. */
  readonly books: readonly CapturedBook[];
}

const files = new Map<string, Promise<Recorded>>();

function recorded(path: string): Promise<Recorded> {
  const read = async () => {
    const capture = await readCaptureByTime(path);
    const replay = new CaptureReplay(path, capture, new RecordingSink());
    replay.run();
    const { adapter } = replay;
    return { capture, venue: adapter.venue, books: booksOf(adapter, LEVELS) };
  };
  const known = files.get(path) ?? read();
  files.set(path, known);
  return known;
}

/** Plays a capture over real sockets until the adapter's books are the expected ones, all of them live. */
async function play(
  path: string,
  disturb?: (connection: number, steps: readonly PlayStep[]) => readonly PlayStep[],
): Promise<{ line: SourceLine; server: PlayServer; books: readonly CapturedBook[] }> {
  const { capture, venue, books: expected } = await recorded(path);
  const instruments = expected.map(({ instrument }) => instrument);
  const script = playScript(capture);
  const server = await PlayServer.start(script, { speed: Number.POSITIVE_INFINITY, ...(disturb && { disturb }) });
  running.push(() => server.close());
  const sink = new RecordingSink();
  const { webSocketUrl, httpUrl } = server;
  const line = lineOf({ name: venue, venue, instruments, webSocketUrl, httpUrl }, sink, {
    limits: LIMITS,
    backoff: { firstMs: 1, maxMs: 10, stableMs: 60_000 },
  });
  running.push(() => line.stop());
  line.start();
  const sides = (books: readonly CapturedBook[]) => JSON.stringify(books.map(({ instrument, bids, asks }) => [instrument, bids, asks]));
  const wanted = sides(expected);
  const books = () => booksOf(line.adapter as VenueLine, LEVELS);
  await until(
    () =>
      server.counters.played === script.frames &&
      sink.live === instruments.length &&
      (disturb !== undefined || (line.adapter as VenueLine).instruments.every(({ terms }) => terms.tick !== '')) &&
      sides(books()) === wanted,
    `the books of ${path}, after ${server.counters.connections} connections`,
    60_000,
  );
  const last = books();
  await line.stop();
  await server.close();
  return { line, server, books: last };
}

describe('a recorded session over real sockets', () => {
  for (const venue of CAPTURES) {
    const path = sharedData('venues', `capture-${venue}.jsonl.gz`);
    it(`gives the books that the file gives: ${venue}`, { skip: missing(path) }, async () => {
      const { line, server, books } = await play(path);
      assert.deepEqual(books, (await recorded(path)).books);
      assert.deepEqual([line.counters.connects, line.counters.frames], [1, server.counters.frames]);
      // The server gives the recorded list, too.
      const { instruments } = line.adapter as VenueLine;
      assert.ok(instruments.every(({ terms }) => terms.status === InstrumentStatus.Trading));
    });
  }
});

describe('a session with faults', () => {
  const counts: ChaosCounts = newChaosCounts();
  for (const venue of CAPTURES) {
    const path = sharedData('venues', `capture-${venue}.jsonl.gz`);
    it(`ends with the books of a clean replay: ${venue}`, { skip: missing(path) }, async () => {
      for (let run = 0; run < times(1, 10); run++) {
        const bad = 3;
        const { line } = await play(path, (connection, steps) =>
          connection > bad ? steps : disturbed(steps, 1000 * run + 10 * connection + venue.length, counts),
        );
        assert.equal(line.counters.connects, bad + 1);
        assert.equal(line.counters.adapterErrors, 0);
      }
    });
  }

  it('had every kind of fault', { skip: missing(...CAPTURES.map((venue) => sharedData('venues', `capture-${venue}.jsonl.gz`))) }, () => {
    for (const [kind, count] of Object.entries(counts)) assert.ok(count > 0, kind);
  });
});
