/** Candles of feeds that last: over crashes at any moment, damage, full disks and limits. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { MessageChannel } from 'node:worker_threads';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { open } from 'lmdb';
import { BAR_FIELDS, BarField } from '../feeds/analysis/bar-ring.ts';
import { CANDLE_INTERVALS, CandleField, INTERVAL_US, Taker } from '../feeds/analysis/candles.ts';
import { FeedCandles } from '../feeds/analysis/feed-candles.ts';
import type { BarRange } from '../feeds/analysis/instrument-candles.ts';
import { FeedState, TakerSide } from '../feeds/feed.ts';
import type { CandlePiece, ToCandleStore } from '../feeds/worker/candle-messages.ts';
import { CandleOutbox } from '../feeds/worker/candle-outbox.ts';
import { FeedCandleHistory } from '../gateway/taps/feed-candles/feed-candle-history.ts';
import { FeedCandleReader, type LiveFeeds } from '../gateway/taps/feed-candles/feed-candle-reader.ts';
import { FeedCandleStore, FeedCandlesVersionError, feedCandlesPath } from '../gateway/taps/feed-candles/feed-candle-store.ts';
import { FeedCandleTrimmer } from '../gateway/taps/feed-candles/feed-candle-trimmer.ts';
import { candleAt, type NaiveTrade, naiveCandles } from './support/naive-candles.ts';
import { smallDisk } from './support/small-disk.ts';
import { until } from './support/until.ts';

const SECOND = 1e6;
const DAY_US = 86_400 * SECOND;
const DAY = 19_675 * DAY_US;
const ROW = 3;
const FIXTURE = new URL('fixtures/feed-candles-1.mdb.gz', import.meta.url);
const everything = (interval: number): BarRange => ({ interval, from: 0, to: Number.MAX_SAFE_INTEGER, limit: 1e6, newest: false });

function directory(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'openbell-feed-candle-store-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

function opened(t: TestContext, dir: string, damage: string[] = []): FeedCandleStore {
  const store = new FeedCandleStore(dir, (text) => damage.push(text));
  t.after(() => store.close());
  return store;
}

/** Candles of a feed whose trades have the numbers 1, 2, 3 ...; what is new of them is taken as the outbox does. */
class Source {
  readonly candles: FeedCandles;

  constructor(state?: Float64Array) {
    this.candles = new FeedCandles({ left: 1e5 }, undefined, { stateOf: () => state });
    this.candles.isHeld = true;
    this.candles.connection(FeedState.Live);
    this.candles.scale(ROW, 2, 0);
  }

  trade(seconds: number, price: number, id: number, quantity = 1): void {
    const timeUs = Math.round(DAY + seconds * SECOND);
    this.candles.trade(ROW, price, quantity, TakerSide.Buy, timeUs, timeUs, id);
  }

  time(seconds: number): void {
    this.candles.time(DAY + seconds * SECOND, DAY + seconds * SECOND);
  }

  take(feed = 'venue', instrument = 'X'): CandlePiece[] {
    const taken = this.candles.takeNew();
    if (taken === undefined) return [];
    const { row: _, ...news } = taken;
    return [{ feed, instrument, ...news }];
  }
}

/** `second open close trades`, with what is special. */
function ledger(bars: Float64Array | undefined): string[] {
  return Array.from({ length: (bars?.length ?? 0) / BAR_FIELDS }, (_, i) => {
    const bar = bars?.subarray(i * BAR_FIELDS, (i + 1) * BAR_FIELDS) as Float64Array;
    const { start, open, close, trades } = candleAt(bar, 0);
    const marks = [...(bar[BarField.closed] === 0 ? ['forming'] : []), ...(bar[BarField.incomplete] === 1 ? ['incomplete'] : [])];
    return [`${(start - DAY) / SECOND}s ${open} ${close} ${trades}`, ...marks].join(' ');
  });
}

describe('closed candles of a feed', () => {
  it('are shown as closed when they are stored; until then as forming, and nothing after them', () => {
    const source = new Source();
    source.time(0);
    source.trade(0, 10, 1);
    source.trade(1, 11, 2);
    source.trade(2, 12, 3);
    const shown = () => ledger(source.candles.bars(ROW, everything(0)));
    assert.deepEqual(shown(), ['0s 10 10 1 forming']);
    const [first] = source.take();
    source.trade(3, 13, 4);
    assert.deepEqual(first.intervals.length, 2);
    source.candles.noteStored(ROW);
    assert.deepEqual(shown(), ['0s 10 10 1', '1s 11 11 1', '2s 12 12 1 forming']);
    // What could not be stored is taken again.
    const [second] = source.take();
    source.candles.noteUnstored(ROW);
    assert.deepEqual(source.take()[0], second);
    // Without a store, all is shown.
    source.candles.isHeld = false;
    assert.deepEqual(shown().slice(2), ['2s 12 12 1', '3s 13 13 1 forming']);
  });

  it('that left the memory before they were stored are counted', () => {
    const source = new Source();
    for (let second = 0; second < 1100; second++) source.trade(second, 10, second + 1);
    const [{ lost, intervals }] = source.take();
    const closed = 1099 + Math.floor(1099 / 15) + Math.floor(1099 / 60) + Math.floor(1099 / 300) + 1;
    assert.deepEqual([lost, intervals.length + lost], [1099 - 1024, closed]);
  });
});

describe('the store of candles of feeds', () => {
  it('has what was written, by instrument and interval, and continues it', (t) => {
    const dir = directory(t);
    const store = opened(t, dir);
    const source = new Source();
    source.time(0);
    for (let second = 0; second <= 65; second++) source.trade(second, 100 + second, second + 1);
    store.write(source.take());
    store.write([...new Source().take('other'), ...new Source().take('venue', 'Y')]);
    assert.equal(ledger(store.bars('venue', 'X', everything(0))).length, 65);
    assert.deepEqual(ledger(store.bars('venue', 'X', everything(2))), ['0s 100 159 60']);
    assert.deepEqual(ledger(store.bars('venue', 'Y', everything(0))), []);
    assert.equal(store.bars('venue', 'Z', everything(0)), undefined);
    const from = DAY / SECOND + 10;
    const starts = (range: Partial<BarRange>) =>
      ledger(store.bars('venue', 'X', { ...everything(0), from, to: from + 5, limit: 2, ...range }));
    assert.deepEqual(starts({}), ['10s 110 110 1', '11s 111 111 1']);
    assert.deepEqual(starts({ newest: true }), ['13s 113 113 1', '14s 114 114 1']);
    const states = store.statesOf(['venue', 'none']);
    assert.deepEqual([...states.keys()], ['venue', 'none']);
    assert.deepEqual([...(states.get('venue')?.keys() ?? [])].sort(), ['X', 'Y']);
    const next = new Source(states.get('venue')?.get('X'));
    next.trade(65.5, 200, 67);
    next.trade(66, 201, 68);
    next.trade(65, 165, 66);
    store.write(next.take());
    assert.deepEqual(ledger(store.bars('venue', 'X', everything(0))).at(-1), '65s 165 200 2');
    assert.equal(next.candles.leftOut.repeated, 1);
  });

  it('of version 1 is read', async (t) => {
    const dir = directory(t);
    if (process.env.OPENBELL_STORE_FEED_CANDLES === '1') {
      const made = new FeedCandleStore(join(dir, 'made'), assert.fail);
      const source = new Source();
      source.time(0);
      for (let i = 0; i < 40; i++) source.trade(i / 2, 100 + i, i + 1, i + 1);
      made.write(source.take());
      await made.close();
      writeFileSync(FIXTURE, gzipSync(readFileSync(join(feedCandlesPath(join(dir, 'made')), 'data.mdb')), { level: 9 }));
    }
    mkdirSync(feedCandlesPath(dir));
    writeFileSync(join(feedCandlesPath(dir), 'data.mdb'), gunzipSync(readFileSync(FIXTURE)));
    const store = opened(t, dir, []);
    const bars = store.bars('venue', 'X', everything(0));
    assert.deepEqual([ledger(bars).length, ledger(bars)[0], ledger(bars)[18]], [19, '0s 100 101 2', '18s 136 137 2']);
    const { volume, notional } = candleAt(bars as Float64Array, BAR_FIELDS);
    assert.deepEqual([volume, notional, bars?.[BarField.priceDecimals]], [7n, 102n * 3n + 103n * 4n, 2]);
    const source = new Source(store.statesOf(['venue']).get('venue')?.get('X'));
    source.trade(19.9, 500, 41);
    source.candles.isHeld = false;
    assert.deepEqual(ledger(source.candles.bars(ROW, everything(2))), ['0s 100 500 41 forming']);
  });

  it('of another version is left alone', async (t) => {
    const dir = directory(t);
    await new FeedCandleStore(dir, assert.fail).close();
    const root = open({ path: feedCandlesPath(dir), noSubdir: false });
    root.openDB({ name: 'meta', encoding: 'ordered-binary' }).putSync('version', 2);
    await root.close();
    const before = readFileSync(join(feedCandlesPath(dir), 'data.mdb'));
    assert.throws(
      () => new FeedCandleStore(dir, assert.fail),
      (error) => error instanceof FeedCandlesVersionError && error.code === 'FEED_CANDLES_NEWER',
    );
    assert.deepEqual(readFileSync(join(feedCandlesPath(dir), 'data.mdb')), before);
    const faults: string[] = [];
    const history = new FeedCandleHistory({
      dataDir: dir,
      keepUs: DAY_US,
      mostBytes: 2 ** 30,
      onFault: (code) => faults.push(String(code)),
    });
    t.after(() => history.stop());
    // A feed thread learns that nothing is stored, and goes on.
    const source = new Source();
    await new CandleOutbox(history.port(), [{ name: 'venue', candles: source.candles }], () => 'X').open();
    assert.equal(source.candles.isHeld, false);
    assert.equal(await history.bars('venue', 'X', everything(0), 'a'), undefined);
    assert.deepEqual(faults, ['FEED_CANDLES_NEWER']);
    assert.match(history.warnings()[0], /^FEED_CANDLES_NEWER: .* have version 2, and this release knows version 1/);
  });

  it('leaves out a candle that is damaged, and one with damaged pages is set aside', async (t) => {
    const dir = directory(t);
    const source = new Source();
    for (let second = 0; second < 9; second++) source.trade(second, 100 + second, second + 1);
    const damage: string[] = [];
    const store = new FeedCandleStore(dir, (text) => damage.push(text));
    store.write(source.take());
    const [key] = store.candles.getKeys({ limit: 1 });
    store.candles.putSync(key, Buffer.from(store.candles.get(key) as Buffer).fill(1, 8, 16));
    assert.deepEqual(ledger(store.bars('venue', 'X', everything(0))).slice(0, 1), ['1s 101 101 1']);
    assert.match(damage[0], /the candles of a feed at 0,\d+ have a wrong checksum/);
    await store.close();
    const file = join(feedCandlesPath(dir), 'data.mdb');
    const bytes = readFileSync(file);
    writeFileSync(file, bytes.fill(0xee, 8192));
    const faults: string[] = [];
    const history = new FeedCandleHistory({
      dataDir: dir,
      keepUs: DAY_US,
      mostBytes: 2 ** 30,
      onFault: (code) => faults.push(String(code)),
    });
    t.after(() => history.stop());
    assert.equal(await history.bars('venue', 'X', everything(0), 'a'), undefined);
    assert.deepEqual(faults, ['FEED_CANDLES_DAMAGED']);
    assert.deepEqual(
      readdirSync(dir)
        .map((name) => name.replace(/-\d{4}-.*/, ''))
        .sort(),
      ['feed-candles', 'feed-candles-damaged'],
    );
    // The new one is used.
    const outbox = new CandleOutbox(history.port(), [{ name: 'venue', candles: source.candles }], () => 'X');
    await outbox.open();
    assert.equal(source.candles.isHeld, true);
    source.trade(10, 100, 10);
    await outbox.stop();
    assert.equal(ledger(await history.bars('venue', 'X', everything(0), 'a')).length, 9);
  });

  it('removes short candles that are too old, by the venue and by the clock, and keeps long ones', (t) => {
    const store = opened(t, directory(t));
    const source = new Source();
    for (let minute = 0; minute < 30; minute++) {
      source.trade(60 * minute, 100, 2 * minute + 1);
      source.trade(60 * minute + 30, 100, 2 * minute + 2);
    }
    store.write(source.take());
    const count = (interval: number) => ledger(store.bars('venue', 'X', everything(interval))).length;
    const before = CANDLE_INTERVALS.map((_, interval) => count(interval));
    const trimmer = (minutes: number) => new FeedCandleTrimmer(store, minutes * 60 * SECOND, 2 ** 30);
    // The clock stands before the candles: nothing is too old.
    assert.ok(trimmer(10).step(DAY));
    assert.deepEqual(
      CANDLE_INTERVALS.map((_, interval) => count(interval)),
      before,
    );
    assert.ok(trimmer(10).step(DAY + 365 * DAY_US));
    const [first] = ledger(store.bars('venue', 'X', everything(0)));
    assert.equal(first, '1140s 100 100 1');
    assert.deepEqual(
      CANDLE_INTERVALS.slice(2).map((_, i) => count(i + 2)),
      before.slice(2),
    );
  });

  it('removes the oldest of the shortest ones when it is too large, in small steps', (t) => {
    const store = opened(t, directory(t));
    for (const [instrument, from] of [
      ['OLD', 0],
      ['NEW', 100_000],
    ] as const) {
      const source = new Source();
      for (let second = 0; second < 1000; second++) source.trade(from + second, 100, second + 1);
      store.write(source.take('venue', instrument));
    }
    const { bytes } = store;
    const trimmer = new FeedCandleTrimmer(store, 365 * DAY_US, bytes - 80_000);
    assert.equal(trimmer.step(DAY), false);
    assert.ok(trimmer.removed > 0 && trimmer.removed <= 512);
    let steps = 1;
    while (!trimmer.step(DAY)) assert.ok(++steps < 100);
    assert.ok(store.bytes <= bytes - 80_000);
    const seconds = (instrument: string, interval: number) => ledger(store.bars('venue', instrument, everything(interval))).length;
    assert.ok(seconds('OLD', 0) < 999);
    assert.deepEqual([seconds('NEW', 0), seconds('OLD', 2)], [999, 16]);
    // A limit that nothing fits ends with an empty store.
    const all = new FeedCandleTrimmer(store, 365 * DAY_US, 1);
    for (steps = 0; !all.step(DAY); ) assert.ok(++steps < 1000);
    assert.equal(
      CANDLE_INTERVALS.reduce((sum, _, interval) => sum + seconds('NEW', interval) + seconds('OLD', interval), 0),
      0,
    );
  });
});

describe('the outbox', () => {
  it('without room shows closed candles at once, tries again, and holds them again', async (t) => {
    const { port1, port2 } = new MessageChannel();
    t.after(() => port2.close());
    const source = new Source();
    const batches: CandlePiece[][] = [];
    const answers = ['unstored', 'stored', 'stored'] as const;
    port2.on('message', (message: ToCandleStore) => {
      if (message.type === 'open') return port2.postMessage({ type: 'states', states: new Map() });
      batches.push([...message.pieces]);
      port2.postMessage({ type: answers[Math.min(batches.length, answers.length) - 1] });
    });
    const outbox = new CandleOutbox(port1, [{ name: 'venue', candles: source.candles }], (row) => `row ${row}`);
    await outbox.open();
    source.trade(0, 10, 1);
    source.trade(1, 11, 2);
    await until(() => batches.length === 1 && !source.candles.isHeld, 'a batch without room');
    assert.deepEqual(ledger(source.candles.bars(ROW, everything(0))), ['0s 10 10 1', '1s 11 11 1 forming']);
    await until(() => batches.length === 2 && source.candles.isHeld, 'it is tried again');
    assert.deepEqual(batches[1], batches[0]);
    source.trade(2, 12, 3);
    await outbox.stop();
    assert.deepEqual([batches.length, batches[2][0].instrument, batches[2][0].intervals.length], [3, `row ${ROW}`, 1]);
  });
});

describe('a disk that is full', () => {
  it('stops nothing: candles are shown at once, and are stored when there is room', { timeout: 120_000 }, async (t) => {
    const dir = smallDisk(t, '8m');
    if (dir === undefined) return;
    const faults: string[] = [];
    const history = new FeedCandleHistory({
      ...{ dataDir: dir, keepUs: DAY_US, mostBytes: 2 ** 30 },
      onFault: (code) => faults.push(code ?? 'recovered'),
    });
    let stopped = false;
    t.after(() => stopped || history.stop());
    const source = new Source();
    const outbox = new CandleOutbox(history.port(), [{ name: 'venue', candles: source.candles }], () => 'X');
    await outbox.open();
    const ballast = join(dir, 'ballast');
    const fd = openSync(ballast, 'w');
    try {
      for (;;) writeSync(fd, Buffer.alloc(65_536, 1));
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC');
    }
    closeSync(fd);
    for (let second = 0; second < 30; second++) source.trade(second, 100 + second, second + 1);
    await until(() => faults.includes('FEED_CANDLES_FULL') && !source.candles.isHeld, 'the disk is full');
    assert.match(history.warnings()[0], /^FEED_CANDLES_FULL: the disk of .* is full/);
    assert.ok(history.stats.failing);
    assert.equal(ledger(source.candles.bars(ROW, everything(0))).length, 30);
    rmSync(ballast);
    await until(() => source.candles.isHeld, 'there is room');
    assert.deepEqual([faults, history.warnings(), history.stats.failing], [['FEED_CANDLES_FULL', 'recovered'], [], false]);
    await outbox.stop();
    assert.equal(ledger(await history.bars('venue', 'X', everything(0), 'a')).length, 29);
    assert.deepEqual([history.stats.stored, history.stats.lost], [30, 0]);
    stopped = true;
    await history.stop();
  });
});

/** An in-memory store: what was committed. */
class NaiveStore {
  state: Float64Array | undefined;
  readonly bars = new Map<string, Float64Array>();
  twice = 0;

  commit({ state, bars, intervals }: CandlePiece): void {
    this.state = state;
    for (const [i, interval] of intervals.entries()) {
      const bar = bars.slice(i * BAR_FIELDS, (i + 1) * BAR_FIELDS);
      const key = `${interval} ${bar[CandleField.start]}`;
      if (this.bars.has(key)) this.twice++;
      this.bars.set(key, bar);
    }
  }

  read({ interval, from, to, limit, newest }: BarRange): Float64Array {
    const length = INTERVAL_US[interval];
    const found = [...this.bars]
      .filter(([key]) => key.startsWith(`${interval} `))
      .map(([, bar]) => bar)
      .filter((bar) => bar[CandleField.start] >= from * length && bar[CandleField.start] < to * length)
      .sort((a, b) => a[CandleField.start] - b[CandleField.start]);
    const bars = newest ? found.slice(-limit) : found.slice(0, limit);
    return Float64Array.from(bars.flatMap((bar) => [...bar]));
  }
}

describe('properties of candles of a feed that last', () => {
  const event = fc.record({
    what: fc.constantFrom('trade', 'trade', 'trade', 'trade', 'time', 'commit', 'commit', 'lose', 'crash', 'away'),
    step: fc.oneof(fc.constantFrom(0, 1, 1e6, 15e6, 60e6), fc.nat(3e6), fc.nat(90e6)),
    price: fc.integer({ min: 1, max: 1000 }),
    quantity: fc.integer({ min: 1, max: 1000 }),
  });

  it('whenever the process ends, each candle closes once, complete, for who reads on', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 60 }), fc.nat(7), async (events, interval) => {
        const store = new NaiveStore();
        const trades: NaiveTrade[] = [];
        let source = new Source();
        /** Trades up to this one are in what was committed. */
        let committed = 0;
        const feeds = {
          latest: { find: () => ROW },
          candles: async (_source: number, _row: number, range: BarRange) => ({
            bars: source.candles.bars(ROW, range),
            beginUs: source.candles.beginUs(ROW, range.interval),
            leftOut: source.candles.leftOut,
          }),
          storedNames: ['venue'],
        } as unknown as LiveFeeds;
        const reader = new FeedCandleReader(feeds, { bars: async (_feed, _instrument, range) => store.read(range) });
        const closed: ReturnType<typeof candleAt>[] = [];
        const readOn = async (): Promise<void> => {
          const last = closed.at(-1);
          const from = last === undefined ? 0 : last.start / INTERVAL_US[interval];
          const answer = await reader.read(0, 'X', { ...everything(interval), from }, 'a');
          const bars = answer?.bars ?? new Float64Array(0);
          let at = 0;
          if (last !== undefined) {
            // What was closed is never open again, nor another one.
            assert.deepEqual([bars[BarField.closed], candleAt(bars, 0)], [1, last]);
            at = BAR_FIELDS;
          }
          for (; at < bars.length && bars[at + BarField.closed] === 1; at += BAR_FIELDS) closed.push(candleAt(bars, at));
        };
        const add = (id: number): void => {
          const { timeUs, price, quantity } = trades[id - 1];
          source.candles.trade(ROW, price, quantity, TakerSide.Buy, timeUs, timeUs, id);
        };
        /** A venue sends all trades again from some that were there already. */
        const sendAgain = (): void => {
          for (let id = Math.max(1, committed - 2); id <= trades.length; id++) add(id);
        };
        const commit = (): void => {
          for (const piece of source.take()) store.commit(piece);
          source.candles.noteStored(ROW);
          committed = trades.length;
        };
        let timeUs = DAY;
        for (const { what, step, price, quantity } of events) {
          if (what === 'trade') {
            timeUs += step;
            trades.push({ timeUs, price, quantity, taker: Taker.Buy, tradeId: 0, seq: 0 });
            add(trades.length);
          } else if (what === 'time') {
            timeUs += step;
            source.candles.time(timeUs, timeUs);
          } else if (what === 'commit') commit();
          else if (what === 'crash' || what === 'lose') {
            // The process ends before or after the transaction.
            if (what === 'lose') for (const piece of source.take()) store.commit(piece);
            if (what === 'lose') committed = trades.length;
            source = new Source(store.state);
            sendAgain();
          } else {
            source.candles.connection(FeedState.Down);
            source.candles.connection(FeedState.Live);
            sendAgain();
          }
          await readOn();
        }
        source.candles.time(timeUs + 3 * DAY_US, timeUs + 3 * DAY_US);
        commit();
        await readOn();
        assert.equal(store.twice, 0);
        assert.deepEqual(closed, naiveCandles(trades, interval));
      }),
      { numRuns: 150 },
    );
  });
});

describe('a process that is killed', () => {
  it('has shown each closed candle once, and the next one goes on with what the venue sends again', { timeout: 300_000 }, async (t) => {
    const dir = directory(t);
    const script = fileURLToPath(new URL('support/feed-candle-child.ts', import.meta.url));
    const types = new URL('support/stripped-types.js', import.meta.url).href;
    const lines: string[] = [];
    for (let run = 0; run < 3; run++) {
      const seen = lines.length;
      // Ten trades are in each candle; some of those that were stored come again.
      const from = Math.max(0, seen * 10 - 25);
      const child = spawn(process.execPath, ['--import', types, script, dir, String(from), String(seen)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      t.after(() => child.kill('SIGKILL'));
      const enough = seen + 50 + Math.floor(Math.random() * 100);
      const ended = once(child, 'exit');
      for await (const line of createInterface({ input: child.stdout })) {
        lines.push(line);
        if (lines.length === enough) child.kill('SIGKILL');
      }
      await ended;
    }
    assert.ok(lines.length >= 150);
    for (const [second, line] of lines.entries()) {
      const ids = Array.from({ length: 10 }, (_, i) => second * 10 + i);
      const volume = ids.reduce((sum, id) => sum + 1 + (id % 3), 0);
      // Nothing is missing: the number of a trade follows that of the one before.
      assert.equal(line, `${second} ${1000 + (ids[0] % 70)} ${1000 + (ids[9] % 70)} ${volume} 10 0`);
    }
  });
});
