import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Database, Key } from 'lmdb';
import { ReportKind, Side } from '../engine/wire/layout.ts';
import { ReportFlag } from '../engine/wire/names.ts';
import { CANDLE_INTERVALS, INTERVAL_US, Taker } from '../feeds/analysis/candles.ts';
import { wideValue } from '../feeds/analysis/wide-sum.ts';
import { Prng } from '../feeds/simulator/prng.ts';
import type { CandleRecord } from '../gateway/candle-record.ts';
import { storedCandlesOf } from '../gateway/taps/candles/candle-queries.ts';
import type { CandleProgress } from '../gateway/taps/candles/candle-stats.ts';
import { CandleTrimmer } from '../gateway/taps/candles/candle-trimmer.ts';
import { History } from '../gateway/taps/history/history.ts';
import { type HistoryStore, openHistory, truncateHistory } from '../gateway/taps/history/store.ts';
import { checkStore } from '../gateway/taps/history/store-check.ts';
import { HistoryWriter } from '../gateway/taps/history/writer.ts';
import { type NaiveCandle, type NaiveTrade, naiveCandles } from './support/naive-candles.ts';
import { type ReportFields, ReportSource } from './support/report-source.ts';

const base = mkdtempSync(join(tmpdir(), 'openbell-candles-'));
after(() => rmSync(base, { recursive: true, force: true }));
let directories = 0;
const newDir = () => join(base, String(directories++));

const SYMBOL = 3;
const START_US = 1.7e15;

/** Trades that cross every interval, a few in the same bucket. */
function someTrades(prng: Prng, count: number): NaiveTrade[] {
  let timeUs = START_US;
  return Array.from({ length: count }, (_, i) => {
    timeUs += [0, 1, 300_000, 1e6, 20e6, 90e6, 3000e6, 50_000e6][prng.below(8)];
    return {
      timeUs,
      price: 1 + prng.below(1000),
      quantity: 1 + prng.below(2 ** 31),
      taker: prng.below(3),
      tradeId: i + 1,
      seq: 10 + i * 2,
    };
  });
}

/** The fills of a trade: both sides; only one of them makes the trade. */
function fillsOf({ timeUs, price, quantity, taker, tradeId, seq }: NaiveTrade): ReportFields[] {
  const auction = taker === Taker.None;
  const aggressor = auction ? Side.Sell : taker;
  const common = { kind: ReportKind.Fill, symbol: SYMBOL, tradeId, seq, timeUs, price, quantity };
  return [
    {
      ...common,
      account: 1,
      reportNo: tradeId,
      side: 1 - aggressor,
      orderId: 1,
      contraOrderId: 2,
      flags: auction ? ReportFlag.Auction : ReportFlag.Maker,
    },
    { ...common, account: 2, reportNo: tradeId, side: aggressor, orderId: 2, contraOrderId: 1, flags: auction ? ReportFlag.Auction : 0 },
  ];
}

function publish(source: ReportSource, trades: readonly NaiveTrade[]): void {
  for (const trade of trades) for (const report of fillsOf(trade)) assert.ok(source.put(report));
  source.publish();
}

const ALL = { symbol: SYMBOL, from: 0, to: Number.MAX_SAFE_INTEGER, limit: 100_000, newest: false, atLeast: 0 };
const stored = (store: HistoryStore, interval: number, range: Partial<typeof ALL> = {}) =>
  storedCandlesOf(store, { ...ALL, interval, ...range })?.candles ?? [];

function naiveOf({
  volume,
  buyVolume,
  sellVolume,
  notionalLow,
  notionalHigh,
  interval: _,
  closed: __,
  uncounted: ___,
  startUs,
  ...rest
}: CandleRecord): NaiveCandle {
  const [all, buy, sell] = [volume, buyVolume, sellVolume].map(BigInt);
  return { start: startUs, ...rest, volume: all, buyVolume: buy, sellVolume: sell, notional: wideValue(notionalLow, notionalHigh) };
}

function sameAs(store: HistoryStore, trades: readonly NaiveTrade[]): void {
  for (let i = 0; i < CANDLE_INTERVALS.length; i++) {
    const candles = stored(store, i);
    assert.deepEqual(candles.map(naiveOf), naiveCandles(trades, i), CANDLE_INTERVALS[i]);
    assert.deepEqual(
      candles.map(({ closed }) => closed),
      candles.map((_, at) => at < candles.length - 1),
      'only the last one is forming',
    );
  }
}

for (const seed of [1, 2, 3])
  test(`stored candles are those of the definition, across ends at any moment (seed ${seed})`, async () => {
    const prng = new Prng(seed);
    const dataDir = newDir();
    const trades = someTrades(prng, 400);
    let writer = new HistoryWriter({ dataDir, reports: new ReportSource(4096).history });
    let done = 0;
    while (done < trades.length) {
      // As after a kill: the engine publishes again what follows the watermark.
      const { watermark } = writer;
      await writer.store.root.close();
      const source = new ReportSource(4096);
      writer = new HistoryWriter({ dataDir, reports: source.history });
      done = Math.min(trades.length, done + 1 + prng.below(60));
      const again = trades.slice(0, done).filter(({ seq }) => seq > watermark);
      const half = prng.below(again.length + 1);
      publish(source, again.slice(0, half));
      writer.poll(true);
      publish(source, again.slice(half));
      if (done === trades.length || prng.below(3) !== 0) writer.poll(true);
    }
    sameAs(writer.store, trades);
    await writer.close();
    assert.equal(checkStore(dataDir).fault, undefined);
  });

test('a store that has trades and no candles, as an older release leaves it, gets them at the start', async () => {
  const dataDir = newDir();
  const trades = someTrades(new Prng(9), 300);
  const source = new ReportSource(4096);
  const writer = new HistoryWriter({ dataDir, reports: source.history });
  publish(source, trades);
  writer.poll(true);
  await writer.close();
  const old = openHistory(dataDir);
  old.root.transactionSync(() => {
    old.candles.clearSync();
    old.candleStates.clearSync();
  });
  await old.root.close();
  const progress: CandleProgress[] = [];
  const next = new HistoryWriter({ dataDir, reports: new ReportSource().history }, (of) => progress.push(of));
  sameAs(next.store, trades);
  const { caughtUp, stored: counts, late, waiting } = next.candles;
  assert.deepEqual([caughtUp, late, waiting, progress], [300, 0, 0, [{ trades: 300, of: 300 }]]);
  assert.deepEqual(
    [...counts],
    CANDLE_INTERVALS.map((_, i) => stored(next.store, i).length - 1),
    'all but those that are forming',
  );
  await next.close();
  const none: CandleProgress[] = [];
  const third = new HistoryWriter({ dataDir, reports: new ReportSource().history }, (of) => none.push(of));
  assert.deepEqual([third.candles.caughtUp, none], [0, []], 'nothing is left to do');
  await third.close();
});

test('the progress of many stored trades is reported on the way, and never as complete before the end', async () => {
  const dataDir = newDir();
  const count = 20_000;
  const source = new ReportSource(65_536);
  const writer = new HistoryWriter({ dataDir, reports: source.history });
  const at = (tradeId: number): NaiveTrade => ({
    timeUs: START_US + tradeId,
    price: 5,
    quantity: 1,
    taker: Taker.Buy,
    tradeId,
    seq: 10 + tradeId,
  });
  publish(
    source,
    Array.from({ length: count }, (_, i) => at(i + 1)),
  );
  writer.poll(true);
  await writer.close();
  const clearStates = async () => {
    const old = openHistory(dataDir);
    old.root.transactionSync(() => old.candleStates.clearSync());
    await old.root.close();
  };
  await clearStates();
  const ends: CandleProgress[] = [];
  const progress: CandleProgress[] = [];
  const history = await History.start({ dataDir, reports: new ReportSource().history, onCandles: (of) => ends.push(of) });
  assert.deepEqual([ends.at(-1), history.stats().candles.caughtUp], [{ trades: count, of: count }, count], 'the thread reports the end');
  await history.stop();
  await clearStates();
  const next = new HistoryWriter({ dataDir, reports: new ReportSource().history }, (of) => progress.push(of));
  await next.close();
  assert.deepEqual(
    progress.map(({ trades }) => trades),
    [8192, 16_384, count],
  );
  assert.ok(
    progress.slice(0, -1).every(({ trades, of }) => trades < of),
    JSON.stringify(progress),
  );
  assert.deepEqual(progress.at(-1), { trades: count, of: count });
});

test('candles of a log that was cut are made again up to the cut', async () => {
  const dataDir = newDir();
  const trades = someTrades(new Prng(4), 200);
  const source = new ReportSource(4096);
  const writer = new HistoryWriter({ dataDir, reports: source.history });
  publish(source, trades);
  writer.poll(true);
  await writer.close();
  const kept = trades.slice(0, 120);
  await truncateHistory(dataDir, kept[119].seq);
  const next = new HistoryWriter({ dataDir, reports: new ReportSource().history });
  sameAs(next.store, kept);
  await next.close();
});

test('a range: from the oldest, or the newest, and the close before it', async () => {
  const source = new ReportSource(4096);
  const writer = new HistoryWriter({ dataDir: newDir(), reports: source.history });
  const minute = CANDLE_INTERVALS.indexOf('1m');
  const first = START_US - (START_US % INTERVAL_US[minute]);
  const bucket = first / INTERVAL_US[minute];
  const at = (minutes: number, price: number, tradeId: number): NaiveTrade => ({
    ...{ timeUs: first + minutes * INTERVAL_US[minute], price, quantity: 1, taker: Taker.Buy, tradeId, seq: tradeId + 100 },
  });
  publish(source, [at(0, 10, 1), at(1, 11, 2), at(5, 12, 3), at(6, 13, 4)]);
  writer.poll(true);
  const ledger = (range: Partial<typeof ALL>) => stored(writer.store, minute, range).map(({ close }) => close);
  assert.deepEqual(ledger({}), [10, 11, 12, 13]);
  assert.deepEqual(ledger({ limit: 2 }), [10, 11]);
  assert.deepEqual(ledger({ limit: 2, newest: true }), [12, 13]);
  assert.deepEqual(ledger({ from: bucket + 1, to: bucket + 6 }), [11, 12]);
  assert.deepEqual(ledger({ from: bucket, to: bucket + 6, limit: 1, newest: true }), [12]);
  assert.deepEqual(ledger({ symbol: 4 }), []);
  const before = (from: number) => storedCandlesOf(writer.store, { ...ALL, interval: minute, from })?.closeBefore;
  assert.deepEqual([before(bucket), before(bucket + 3), before(bucket + 9)], [0, 11, 13]);
  assert.equal(storedCandlesOf(writer.store, { ...ALL, interval: minute, atLeast: 5 }), undefined, 'trade 5 is not there yet');
  await writer.close();
});

test('candles shorter than a minute are removed by age, the longer ones stay', async () => {
  const dataDir = newDir();
  const source = new ReportSource(4096);
  const writer = new HistoryWriter({ dataDir, reports: source.history });
  const trades = someTrades(new Prng(5), 300);
  publish(source, trades);
  writer.poll(true);
  const all = CANDLE_INTERVALS.map((_, i) => stored(writer.store, i));
  const beforeUs = trades[200].timeUs;
  const trimmer = new CandleTrimmer(writer.store, dataDir, 0);
  while (!trimmer.step(beforeUs));
  for (const [i, name] of CANDLE_INTERVALS.entries()) {
    const kept = i < CANDLE_INTERVALS.indexOf('1m') ? all[i].filter(({ startUs }) => startUs >= beforeUs) : all[i];
    assert.deepEqual(stored(writer.store, i), kept, name);
  }
  assert.ok(trimmer.step(beforeUs), 'a further pass finds nothing');
  await writer.close();
});

test('a damaged candle, and a damaged state, are found by the check and by a query', async () => {
  for (const database of ['candles', 'candleStates'] as const) {
    const dataDir = newDir();
    const source = new ReportSource(4096);
    const writer = new HistoryWriter({ dataDir, reports: source.history });
    publish(source, someTrades(new Prng(6), 50));
    writer.poll(true);
    const rows: Database<Buffer, Key> = writer.store[database];
    for (const { key, value } of rows.getRange({ limit: 1 })) {
      const changed = Buffer.from(value);
      changed[20] ^= 1;
      writer.store.root.transactionSync(() => rows.putSync(key, changed));
    }
    assert.throws(() => CANDLE_INTERVALS.map((_, i) => stored(writer.store, i)), { code: 'HISTORY_DAMAGED' });
    await writer.store.root.close();
    assert.match(checkStore(dataDir).fault ?? '', /the candles at .* have a wrong checksum/);
  }
});
