import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { crc32 } from 'node:zlib';
import { open } from 'lmdb';
import { openTap } from '../engine/rings/tapped-ring.ts';
import { getI64 } from '../engine/units.ts';
import { Report, ReportKind, Side, Trade } from '../engine/wire/layout.ts';
import { History, HistoryBusyError } from '../gateway/taps/history/history.ts';
import { accountFills, accountOrders, accountReports, tradesOf } from '../gateway/taps/history/queries.ts';
import { recordsOf } from '../gateway/taps/history/run-format.ts';
import { REPORT_RUNS } from '../gateway/taps/history/run-layout.ts';
import { NEWEST } from '../gateway/taps/history/runs.ts';
import { openHistory, readWatermark, truncateHistory } from '../gateway/taps/history/store.ts';
import { checkStore } from '../gateway/taps/history/store-check.ts';
import { HistoryWriter } from '../gateway/taps/history/writer.ts';
import { unpackOldData } from './support/old-data.ts';
import { column, type ReportFields, ReportSource } from './support/report-source.ts';

const base = mkdtempSync(join(tmpdir(), 'openbell-history-'));
after(() => rmSync(base, { recursive: true, force: true }));
let directories = 0;
const newDir = () => join(base, String(directories++));

function publish(source: ReportSource, reports: ReportFields[]): void {
  for (const report of reports) assert.ok(source.put(report));
  source.publish();
}

/** `count` reports of account 1, one command each, numbered from `first`; seq = number + 100. */
function plain(first: number, count: number): ReportFields[] {
  return Array.from({ length: count }, (_, i) => ({
    kind: ReportKind.Accepted,
    account: 1,
    reportNo: first + i,
    seq: first + i + 100,
    orderId: first + i,
  }));
}

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

test('reports are returned by account and number, over runs and flushes', async () => {
  const source = new ReportSource(4096);
  const writer = new HistoryWriter({ dataDir: newDir(), reports: source.history });
  publish(source, plain(1, 1300));
  publish(source, [{ kind: ReportKind.Accepted, account: 2, reportNo: 1, seq: 2000 }]);
  assert.equal(writer.poll(true), 1301);
  publish(
    source,
    plain(1301, 7).map((report) => ({ ...report, seq: 3000 })),
  );
  assert.equal(writer.poll(true), 7);
  const { store } = writer;
  assert.deepEqual(column(accountReports(store, 1, 1, 5000), 'reportNo'), numbers(1, 1307));
  assert.deepEqual(column(accountReports(store, 1, 700, 3), 'reportNo'), [700, 701, 702]);
  assert.deepEqual(column(accountReports(store, 1, 512, 2), 'reportNo'), [512, 513]);
  assert.deepEqual(column(accountReports(store, 1, 1307, 9), 'reportNo'), [1307]);
  assert.deepEqual(column(accountReports(store, 2, 1, 9), 'seq'), [2000]);
  assert.equal(accountReports(store, 1, 1308, 9).length, 0);
  assert.equal(accountReports(store, 3, 1, 9).length, 0);
  await writer.close();
});

for (const [name, first] of [
  ['2^31', 2 ** 31 - 2],
  ['2^32', 2 ** 32 - 2],
] as const)
  test(`no report leaves the ring before it is durable, also when the sequence passes ${name}`, async () => {
    const source = new ReportSource();
    const durable = { words: new Int32Array(new SharedArrayBuffer(4)), index: 0 };
    const dataDir = newDir();
    const writer = new HistoryWriter({ dataDir, reports: source.history, durable });
    publish(
      source,
      numbers(0, 3).map((i) => ({ kind: ReportKind.Accepted, account: 1, reportNo: i + 1, seq: first + i })),
    );
    Atomics.store(durable.words, 0, (first - 1) | 0);
    assert.equal(writer.poll(true), 0);
    assert.equal(source.depth() >= 4, true);
    Atomics.store(durable.words, 0, (first + 2) | 0);
    assert.equal(writer.poll(true), 3);
    assert.equal(writer.watermark, first + 2, 'the next report in the ring shows that the ones before are whole');
    Atomics.store(durable.words, 0, (first + 3) | 0);
    assert.equal(writer.poll(true), 1);
    assert.deepEqual(column(accountReports(writer.store, 1, 1, 9), 'seq'), [first, first + 1, first + 2, first + 3]);
    await writer.close();
    assert.equal(await readWatermark(dataDir), first + 3);
  });

test('a run takes one page of the store, because LMDB would allocate more from the kernel with every commit', async () => {
  const source = new ReportSource(4096);
  const writer = new HistoryWriter({ dataDir: newDir(), reports: source.history });
  publish(source, plain(1, 1000));
  writer.poll(true);
  const { reports } = writer.store;
  const runs = Array.from(reports.getRange({})).map(({ value }) => value.length / Report.bytes);
  assert.ok(runs.length < 40 && runs[0] > 30, `${runs.length} runs, the first of ${runs[0]} reports`);
  const { overflowPages } = reports.getStats() as { overflowPages: number };
  assert.ok(overflowPages <= runs.length, `${overflowPages} pages beside the tree for ${runs.length} runs`);
  await writer.close();
});

test('the watermark covers whole commands only', async () => {
  const source = new ReportSource();
  const applied = { words: new Int32Array(1), index: 0 };
  const dataDir = newDir();
  const writer = new HistoryWriter({ dataDir, reports: source.history, applied });
  // Command 101 has two reports; the flush falls between them.
  publish(source, [...plain(1, 1), { kind: ReportKind.Fill, account: 1, reportNo: 2, seq: 101, tradeId: 1, symbol: 1 }]);
  writer.poll(true);
  assert.equal(writer.watermark, 100);
  publish(source, [{ kind: ReportKind.Fill, account: 1, reportNo: 3, seq: 101, tradeId: 2, symbol: 1 }]);
  writer.poll(true);
  assert.equal(writer.watermark, 100);
  applied.words[0] = 102;
  publish(source, [{ kind: ReportKind.Accepted, account: 1, reportNo: 4, seq: 102 }]);
  writer.poll(true);
  assert.equal(writer.watermark, 102, 'the engine says that command 102 is done');
  publish(source, [{ kind: ReportKind.Accepted, account: 1, reportNo: 5, seq: 103 }]);
  writer.poll(true);
  assert.equal(writer.watermark, 102);
  await writer.close();
  assert.equal(await readWatermark(dataDir), 102, 'the engine gave up in the middle of command 103');
});

test('after the engine has stopped, the last command is complete', async () => {
  const dataDir = newDir();
  const source = new ReportSource();
  const writer = new HistoryWriter({ dataDir, reports: source.history });
  publish(source, plain(1, 3));
  writer.poll(true);
  assert.equal(writer.watermark, 102);
  await writer.close();
  assert.equal(await readWatermark(dataDir), 103);
});

test('a run from before a crash does not hide reports that are published again in different runs', async () => {
  const dataDir = newDir();
  const fills = (from: number, to: number) =>
    numbers(from, to).map((no) => ({ kind: ReportKind.Fill, account: 1, reportNo: no, seq: 105, symbol: 3, tradeId: no }));
  const runs: [first: number, last: number][][] = [
    [
      [1, 4],
      [5, 9],
    ],
    [
      [1, 11],
      [12, 20],
    ],
  ];
  for (const life of runs) {
    const source = new ReportSource();
    const writer = new HistoryWriter({ dataDir, reports: source.history });
    for (const [first, last] of life) {
      publish(source, fills(first, last));
      writer.poll(true);
    }
    await writer.store.root.close();
  }
  const { store } = new HistoryWriter({ dataDir, reports: new ReportSource().history });
  assert.deepEqual(column(accountReports(store, 1, 1, 99), 'reportNo'), numbers(1, 20));
  assert.deepEqual(column(accountReports(store, 1, 6, 99), 'reportNo'), numbers(6, 20));
  assert.deepEqual(column(accountFills(store, 1, NEWEST, 99).records, 'reportNo'), numbers(1, 20).reverse());
  assert.equal(tradesOf(store, 3, { limit: 99 }).records.length / Trade.bytes, 20);
  await store.root.close();
});

test('reports that are published again replace the ones from before', async () => {
  const dataDir = newDir();
  const before = new ReportSource();
  const writer = new HistoryWriter({ dataDir, reports: before.history });
  publish(before, [...plain(1, 4), { kind: ReportKind.Fill, account: 1, reportNo: 5, seq: 105, tag: 7, symbol: 3, tradeId: 1 }]);
  publish(before, [{ kind: ReportKind.Fill, account: 1, reportNo: 6, seq: 105, tag: 7, symbol: 3, tradeId: 2 }]);
  writer.poll(true);
  assert.equal(writer.watermark, 104, 'all a crash would leave');
  await writer.store.root.close();

  const again = new ReportSource();
  const second = new HistoryWriter({ dataDir, reports: again.history });
  publish(again, [{ kind: ReportKind.Fill, account: 1, reportNo: 5, seq: 105, tag: 8, symbol: 3, tradeId: 1 }]);
  second.poll(true);
  publish(again, [
    { kind: ReportKind.Fill, account: 1, reportNo: 6, seq: 105, tag: 8, symbol: 3, tradeId: 2 },
    { kind: ReportKind.Fill, account: 1, reportNo: 7, seq: 105, tag: 8, symbol: 3, tradeId: 3 },
  ]);
  second.poll(true);
  const all = accountReports(second.store, 1, 1, 99);
  assert.deepEqual(column(all, 'reportNo'), numbers(1, 7));
  assert.deepEqual(column(all, 'tag'), [0, 0, 0, 0, 8, 8, 8]);
  assert.deepEqual(column(accountReports(second.store, 1, 4, 2), 'tag'), [0, 8]);
  assert.deepEqual(column(accountFills(second.store, 1, NEWEST, 9).records, 'reportNo'), [7, 6, 5]);
  assert.deepEqual(column(accountFills(second.store, 1, NEWEST, 9).records, 'tag'), [8, 8, 8]);
  await second.close();
});

test('one trade per pair of fills: the taker is the aggressor, in an auction the buyer', async () => {
  const source = new ReportSource();
  const writer = new HistoryWriter({ dataDir: newDir(), reports: source.history });
  const fill = { kind: ReportKind.Fill, symbol: 5, price: 700, quantity: 3, timeUs: 9, seq: 11 };
  publish(source, [
    { ...fill, account: 2, reportNo: 1, side: Side.Buy, flags: 1, orderId: 40, contraOrderId: 41, tradeId: 1 },
    { ...fill, account: 1, reportNo: 1, side: Side.Sell, flags: 0, orderId: 41, contraOrderId: 40, tradeId: 1 },
    { ...fill, account: 2, reportNo: 2, side: Side.Buy, flags: 8, orderId: 50, contraOrderId: 51, tradeId: 2 },
    { ...fill, account: 1, reportNo: 2, side: Side.Sell, flags: 8, orderId: 51, contraOrderId: 50, tradeId: 2 },
  ]);
  writer.poll(true);
  const { records, next } = tradesOf(writer.store, 5, { limit: 10 });
  assert.equal(next, 0);
  const words = new Int32Array(records.slice().buffer);
  const rows = [0, 1].map((i) => ({
    aggressor: records[i * 64 + Trade.aggressor],
    auction: records[i * 64 + Trade.auction],
    id: getI64(words, i * 16 + Trade.tradeId / 4),
    price: getI64(words, i * 16 + Trade.price / 4),
    quantity: getI64(words, i * 16 + Trade.quantity / 4),
    buy: getI64(words, i * 16 + Trade.buyOrderId / 4),
    sell: getI64(words, i * 16 + Trade.sellOrderId / 4),
    seq: getI64(words, i * 16 + Trade.seq / 4),
    time: getI64(words, i * 16 + Trade.timeUs / 4),
  }));
  assert.deepEqual(rows, [
    { aggressor: Side.Buy, auction: 1, id: 2, price: 700, quantity: 3, buy: 50, sell: 51, seq: 11, time: 9 },
    { aggressor: Side.Sell, auction: 0, id: 1, price: 700, quantity: 3, buy: 40, sell: 41, seq: 11, time: 9 },
  ]);
  assert.equal(tradesOf(writer.store, 5, { before: 2, limit: 10 }).records.length, 64);
  assert.equal(tradesOf(writer.store, 5, { limit: 1 }).next, 2);
  await writer.close();
});

test('orders are folded from their reports, newest first, page by page', async () => {
  const source = new ReportSource();
  const writer = new HistoryWriter({ dataDir: newDir(), reports: source.history });
  const { Accepted, Fill, Cancelled, Amended, Rejected, CancelRejected } = ReportKind;
  const steps: ReportFields[] = [
    { kind: Accepted, orderId: 1, clientOrderId: 901, price: 100, quantity: 10, leaves: 10, symbol: 1 },
    { kind: Rejected, orderId: 0, clientOrderId: 902, code: 311 },
    { kind: Accepted, orderId: 3, clientOrderId: 903, price: 101, quantity: 5, leaves: 5, symbol: 1, side: 1 },
    { kind: Fill, orderId: 3, price: 102, quantity: 2, leaves: 3, filled: 2, symbol: 1, tradeId: 1, side: 1 },
    { kind: Amended, orderId: 1, price: 99, leaves: 8, filled: 0, quantity: 8, symbol: 1 },
    { kind: Accepted, orderId: 6, clientOrderId: 906, price: 90, quantity: 4, leaves: 4, symbol: 2 },
    { kind: Cancelled, orderId: 3, price: 101, quantity: 3, filled: 2, code: 450, symbol: 1, side: 1 },
    { kind: Accepted, orderId: 6, clientOrderId: 906, price: 90, quantity: 4, leaves: 4, symbol: 2, flags: 2 },
    { kind: Fill, orderId: 6, price: 89, quantity: 4, leaves: 0, filled: 4, symbol: 2, tradeId: 1 },
    { kind: CancelRejected, orderId: 6, code: 401 },
  ];
  publish(
    source,
    steps.map((step, i) => ({ ...step, account: 1, reportNo: i + 1, seq: i + 1, timeUs: i + 1 })),
  );
  writer.poll(true);
  const page = accountOrders(writer.store, 1, NEWEST, 2);
  assert.deepEqual(
    page.orders.map(({ orderId, price, quantity, leaves, filled, status, code, acceptedUs, updatedUs }) =>
      [orderId, price, quantity, leaves, filled, status, code, acceptedUs, updatedUs].join(' '),
    ),
    ['6 90 4 0 4 filled 0 6 9', '3 101 5 0 2 cancelled 450 3 7'],
  );
  const rest = accountOrders(writer.store, 1, page.next, 2);
  assert.deepEqual(
    rest.orders.map(({ orderId, price, quantity, leaves, status }) => [orderId, price, quantity, leaves, status].join(' ')),
    ['1 99 8 8 open'],
  );
  assert.deepEqual([rest.next, rest.truncated], [0, false]);
  await writer.close();
});

test('reports of commands cut from the log are removed here too', async () => {
  const dataDir = newDir();
  const source = new ReportSource();
  const writer = new HistoryWriter({ dataDir, reports: source.history });
  publish(source, plain(1, 10));
  writer.poll(true);
  await writer.close();
  assert.equal(await truncateHistory(dataDir, 106), 4);
  assert.equal(await readWatermark(dataDir), 106);
  const reader = new HistoryWriter({ dataDir, reports: new ReportSource().history });
  assert.deepEqual(column(accountReports(reader.store, 1, 1, 99), 'reportNo'), numbers(1, 6));
  await reader.close();
});

/** Returns the previous value. */
async function setVersion(dataDir: string, version: number | undefined): Promise<{ version: unknown; watermark: unknown }> {
  const root = open({ path: join(dataDir, 'history'), maxDbs: 4, noSubdir: false });
  const meta = root.openDB<number, string>({ name: 'meta', encoding: 'ordered-binary' });
  const before = { version: meta.get('version'), watermark: meta.get('watermark') };
  if (version === undefined) meta.removeSync('version');
  else meta.putSync('version', version);
  await root.close();
  return before;
}

test('a history of a newer version is rejected and left unchanged; one without a version is version 1', async () => {
  const dataDir = newDir();
  const first = new ReportSource();
  const writer = new HistoryWriter({ dataDir, reports: first.history });
  publish(first, plain(1, 10));
  writer.poll(true);
  assert.equal(writer.store.meta.get('version'), 3);
  await writer.close();
  await setVersion(dataDir, 4);
  const newer = {
    code: 'HISTORY_NEWER',
    message: /was written by a newer openbell: it has version 4; this release reads versions 1 to 3\. Nothing was/,
  };
  assert.throws(() => openHistory(dataDir), newer);
  assert.throws(() => openHistory(dataDir, true), newer);
  assert.throws(() => new HistoryWriter({ dataDir, reports: new ReportSource().history }), newer);
  await assert.rejects(readWatermark(dataDir), newer);
  await assert.rejects(truncateHistory(dataDir, 106), newer);
  assert.deepEqual(await setVersion(dataDir, 0), { version: 4, watermark: 110 });
  assert.throws(() => openHistory(dataDir), { code: 'HISTORY_BAD', message: /has version 0, which no release writes: it is damaged/ });
  await setVersion(dataDir, undefined);
  assert.equal(await readWatermark(dataDir), 110);
});

/** Replaces all runs of reports by what an earlier release wrote: whole records, with a checksum from version 2 on. */
function writeAsVersion(version: 1 | 2, { reports }: HistoryWriter['store']): void {
  for (const { key, value } of Array.from(reports.getRange({}))) {
    const [owner, first] = key as [number, number];
    const records = recordsOf(REPORT_RUNS, owner, first, value);
    const trailer = Buffer.alloc(version === 1 ? 0 : 8);
    if (version === 2) trailer.writeUInt32LE(crc32(records, crc32(new Uint8Array(new Float64Array([owner, first]).buffer))));
    reports.putSync([owner, first], Buffer.concat([records, trailer]));
  }
}

test('runs of version 2, which have whole records, are read and checked beside newer ones', async () => {
  const dataDir = newDir();
  const source = new ReportSource();
  const writer = new HistoryWriter({ dataDir, reports: source.history });
  publish(source, plain(1, 40));
  writer.poll(true);
  writeAsVersion(2, writer.store);
  await writer.close();
  await setVersion(dataDir, 2);
  const again = new ReportSource();
  const second = new HistoryWriter({ dataDir, reports: again.history });
  publish(again, plain(41, 40));
  second.poll(true);
  assert.deepEqual(column(accountReports(second.store, 1, 1, 100), 'reportNo'), numbers(1, 80));
  assert.equal(second.store.meta.get('version'), 3);
  const damaged = Buffer.from(second.store.reports.get([1, 1]) ?? Buffer.alloc(0));
  damaged[200] ^= 1;
  second.store.reports.putSync([1, 1], damaged);
  assert.throws(() => accountReports(second.store, 1, 1, 100), { code: 'HISTORY_DAMAGED', message: /has a wrong checksum/ });
  await second.close();
});

test('runs of version 1, which have no checksum, are read and checked beside newer ones', async () => {
  const dataDir = newDir();
  const source = new ReportSource();
  const writer = new HistoryWriter({ dataDir, reports: source.history });
  publish(source, plain(1, 40));
  writer.poll(true);
  writeAsVersion(1, writer.store);
  await writer.close();
  await setVersion(dataDir, 1);
  assert.deepEqual(checkStore(dataDir), { fault: undefined, watermark: 140, verified: true });
  const again = new ReportSource();
  const second = new HistoryWriter({ dataDir, reports: again.history });
  publish(again, plain(41, 40));
  second.poll(true);
  assert.deepEqual(column(accountReports(second.store, 1, 1, 100), 'reportNo'), numbers(1, 80));
  const run = second.store.reports.get([1, 1]) ?? Buffer.alloc(0);
  const other = Buffer.from(run);
  other.writeUInt32LE(7, 128 * 3 + Report.reportNo);
  second.store.reports.putSync([1, 1], other);
  assert.throws(() => accountReports(second.store, 1, 1, 100), {
    code: 'HISTORY_DAMAGED',
    message: /another record in the place of number 4/,
  });
  await second.close();
  assert.match(checkStore(dataDir).fault ?? '', /another record in the place of number 4/);
});

test('a history of a release without versions is read', async () => {
  const dir = newDir();
  mkdirSync(dir);
  const dataDir = unpackOldData(dir);
  const seq = await readWatermark(dataDir);
  assert.ok(seq > 0 && seq <= 41, String(seq));
});

test('writer thread and query pool, with more reports than the ring holds', async () => {
  const source = new ReportSource(256);
  const egress = openTap(source.sessions);
  const dataDir = newDir();
  const durable = { words: new Int32Array(new SharedArrayBuffer(4)), index: 0 };
  const history = await History.start({ dataDir, reports: source.history, durable });
  try {
    for (let no = 1; no <= 5000; no++) {
      const report = { kind: ReportKind.Fill, account: 1 + (no % 3), reportNo: Math.ceil(no / 3), seq: no, symbol: 1, tradeId: no };
      while (!source.put(report)) {
        while (egress.next() !== -1);
        egress.release();
        source.publish();
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      source.publish();
      Atomics.store(durable.words, 0, no);
    }
    while (history.stats().reports < 5000) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.deepEqual(column(await history.read(1, 1, 10_000), 'reportNo'), numbers(1, 1666));
    const fills = await history.accountFills(2, 2);
    assert.deepEqual(column(fills.records, 'reportNo'), [1667, 1666]);
    assert.deepEqual(column((await history.accountFills(2, 1, fills.next)).records, 'reportNo'), [1665]);
    assert.equal((await history.symbolTrades(1, 10_000)).records.length, 5000 * 64);
    assert.deepEqual(await history.accountOrders(9, 10), { orders: [], next: 0, truncated: false });

    // One caller's queries delay neither another's nor a session that resumes, and their number is bounded.
    const done: string[] = [];
    const note = (who: string) => () => void done.push(who);
    const loop = Array.from({ length: 33 }, () => history.accountOrders(1, 1000, 1, 'busy').then(note('busy')));
    await assert.rejects(history.accountOrders(1, 1000, 1, 'busy'), HistoryBusyError);
    await Promise.all([history.accountFills(2, 2, undefined, 'other').then(note('other')), history.read(1, 1, 10).then(note('session'))]);
    assert.ok(done.length < 20, `${done.length} queries were answered before: ${done.join(' ')}`);
    await Promise.all(loop);
  } finally {
    await history.stop();
  }
  assert.equal(await readWatermark(dataDir), 5000);
});
