import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Database } from 'lmdb';
import { openTap } from '../engine/rings/tapped-ring.ts';
import { Report, ReportKind, Side } from '../engine/wire/layout.ts';
import { ReportView } from '../engine/wire/report-view.ts';
import { Position, PositionField, type PositionSums } from '../feeds/analysis/average-cost.ts';
import { Prng } from '../feeds/simulator/prng.ts';
import { History } from '../gateway/taps/history/history.ts';
import type { RowKey } from '../gateway/taps/history/sealed-row.ts';
import { beginHistoryAt, type HistoryStore, openHistory, truncateHistory, watermarkOf } from '../gateway/taps/history/store.ts';
import { checkStore } from '../gateway/taps/history/store-check.ts';
import { HistoryTrimmer } from '../gateway/taps/history/trimmer.ts';
import { HistoryWriter } from '../gateway/taps/history/writer.ts';
import { PositionAudit } from '../gateway/taps/positions/position-audit.ts';
import { type PositionPage, storedPositions, unpackPositions } from '../gateway/taps/positions/position-queries.ts';
import { recomputePositions } from '../gateway/taps/positions/position-repair.ts';
import { positionBase, positionsOf, putPosition, putPositionBase, storedPosition } from '../gateway/taps/positions/position-store.ts';
import { type PositionProgress, PositionWriter } from '../gateway/taps/positions/position-writer.ts';
import { naivePosition } from './support/naive-position.ts';
import { type ReportFields, ReportSource } from './support/report-source.ts';

const base = mkdtempSync(join(tmpdir(), 'openbell-positions-'));
after(() => rmSync(base, { recursive: true, force: true }));
let directories = 0;
const newDir = () => join(base, String(directories++));

const ACCOUNTS = 3;
const SYMBOLS = 2;
type Fields = Required<Pick<ReportFields, 'account' | 'reportNo' | 'seq' | 'timeUs' | 'kind'>> & ReportFields;

/** Reports of a few accounts in a few symbols, most of them fills, some of the same command. */
function someReports(prng: Prng, count: number, symbols = SYMBOLS): Fields[] {
  const numbers = new Map<number, number>();
  const trades = new Map<number, number>();
  let seq = 10;
  return Array.from({ length: count }, () => {
    if (prng.below(3) !== 0) seq++;
    const [account, symbol] = [1 + prng.below(ACCOUNTS), 1 + prng.below(symbols)];
    const reportNo = (numbers.get(account) ?? 0) + 1;
    numbers.set(account, reportNo);
    const common = { account, symbol, reportNo, seq, timeUs: 1e15 + seq * 1000, side: prng.below(2) };
    if (prng.below(4) === 0) return { ...common, kind: ReportKind.Accepted, quantity: 5, price: 7 };
    const tradeId = (trades.get(symbol) ?? 0) + 1;
    trades.set(symbol, tradeId);
    const [price, quantity, fee] = [1 + prng.below(1000), 1 + prng.below(50), prng.below(9) - 3];
    return { ...common, kind: ReportKind.Fill, flags: 1, tradeId, price, quantity, fee };
  });
}

function publish(source: ReportSource, reports: readonly Fields[]): void {
  for (const report of reports) assert.ok(source.put(report));
  source.publish();
}

/** What the definition gives, by account and symbol. */
function naiveOf(reports: readonly Fields[]): Map<string, PositionSums> {
  const fills = Map.groupBy(
    reports.filter(({ kind }) => kind === ReportKind.Fill),
    ({ account, symbol }) => `${account} ${symbol}`,
  );
  return new Map(
    Array.from(fills, ([pair, own]) => [
      pair,
      naivePosition(own.map(({ side, price = 0, quantity = 0, fee = 0 }) => ({ isBuy: side === Side.Buy, price, quantity, fee }))),
    ]),
  );
}

const unpackAll = (page: PositionPage) => Array.from(unpackPositions(page));
/** As a query shows them. */
const shownOf = (store: HistoryStore, account: number) => unpackAll(storedPositions(store, { account, after: 0, limit: 99 }));

function storedOf(store: HistoryStore): Map<string, PositionSums> {
  const all = new Map<string, PositionSums>();
  for (let account = 1; account <= ACCOUNTS; account++)
    for (const { symbol, position } of shownOf(store, account)) all.set(`${account} ${symbol}`, position.sums());
  return all;
}

/** The stored positions are those of the reports, and computing them again gives the same. */
function sameAs(store: HistoryStore, reports: readonly Fields[]): void {
  const sorted = (map: Map<string, PositionSums>) => Array.from(map).sort(([a], [b]) => (a < b ? -1 : 1));
  assert.deepEqual(sorted(storedOf(store)), sorted(naiveOf(reports)));
  for (let account = 1; account <= ACCOUNTS; account++)
    assert.deepEqual(
      Array.from(recomputePositions(store, account, Number.MAX_SAFE_INTEGER), ([symbol, { state }]) => [symbol, state]).sort(
        ([a], [b]) => Number(a) - Number(b),
      ),
      shownOf(store, account).map(({ symbol, position }) => [symbol, position.state]),
      `account ${account}`,
    );
}

async function written(dataDir: string, reports: readonly Fields[]): Promise<void> {
  const source = new ReportSource(4096);
  const writer = new HistoryWriter({ dataDir, reports: source.history });
  publish(source, reports);
  writer.poll(true);
  await writer.close();
}

/** The same, of a process that is killed: the second part of the reports is stored, and its positions are not written yet. */
async function killed(
  dataDir: string,
  reports: readonly Fields[],
  part: number,
  before: (writer: HistoryWriter) => void = () => undefined,
) {
  const source = new ReportSource(4096);
  const writer = new HistoryWriter({ dataDir, reports: source.history });
  for (const some of [reports.slice(0, part), reports.slice(part)]) {
    publish(source, some);
    writer.poll(true);
  }
  const rows = Array.from({ length: ACCOUNTS }, (_, i) => Array.from(positionsOf(writer.store.positions, i + 1))).flat();
  assert.ok(
    rows.every(({ position }) => position.seq <= reports[part].seq),
    'the rows are behind',
  );
  sameAs(writer.store, reports);
  before(writer);
  await writer.store.root.close();
}

/** Opens as a start does. */
const started = (dataDir: string) => new HistoryWriter({ dataDir, reports: new ReportSource().history });

for (const seed of [1, 2, 3, 4])
  test(`stored positions are those of the definition, across ends at any moment (seed ${seed})`, async () => {
    const prng = new Prng(seed);
    const dataDir = newDir();
    const reports = someReports(prng, 400);
    let writer = started(dataDir);
    let done = 0;
    while (done < reports.length) {
      // As after a kill: the engine publishes again what follows the watermark.
      const { watermark } = writer;
      await writer.store.root.close();
      const source = new ReportSource(4096);
      writer = new HistoryWriter({ dataDir, reports: source.history });
      done = Math.min(reports.length, done + 1 + prng.below(60));
      const again = reports.slice(0, done).filter(({ seq }) => seq > watermark);
      const half = prng.below(again.length + 1);
      publish(source, again.slice(0, half));
      writer.poll(true);
      publish(source, again.slice(half));
      if (done === reports.length || prng.below(3) !== 0) writer.poll(true);
    }
    sameAs(writer.store, reports);
    await writer.close();
    assert.equal(checkStore(dataDir).fault, undefined);
  });

test('a store without positions, as an older release leaves it, gets them at the start', async () => {
  const dataDir = newDir();
  const reports = someReports(new Prng(9), 500);
  await written(dataDir, reports);
  const old = openHistory(dataDir);
  old.root.transactionSync(() => {
    old.positions.clearSync();
    old.positionBases.clearSync();
  });
  await old.root.close();
  const next = started(dataDir);
  sameAs(next.store, reports);
  assert.deepEqual(positionBase(next.store, 1), { removedTo: 0, lostTo: 0 });
  await next.close();
});

test('the progress of many stored reports is given on the way, and as complete at the end alone', async () => {
  const dataDir = newDir();
  const count = 30_000;
  const source = new ReportSource(65_536);
  const writer = new HistoryWriter({ dataDir, reports: source.history });
  publish(source, someReports(new Prng(11), count));
  writer.poll(true);
  await writer.close();
  const clear = async () => {
    const old = openHistory(dataDir);
    old.root.transactionSync(() => {
      old.positions.clearSync();
      old.positionBases.clearSync();
    });
    await old.root.close();
  };
  await clear();
  const progress: PositionProgress[] = [];
  const next = new HistoryWriter({ dataDir, reports: new ReportSource().history }, undefined, (of) => progress.push(of));
  await next.close();
  assert.equal(progress.length, 3);
  assert.ok(
    progress.every(({ reports, of }, i) => of === count && reports > (progress[i - 1]?.reports ?? 0)),
    JSON.stringify(progress),
  );
  assert.deepEqual(
    progress.map(({ reports }) => reports === count),
    [false, false, true],
  );
  const none: PositionProgress[] = [];
  await new HistoryWriter({ dataDir, reports: new ReportSource().history }, undefined, (of) => none.push(of)).close();
  assert.deepEqual(none, [], 'nothing is left to do');
  await clear();
  const ends: PositionProgress[] = [];
  const history = await History.start({ dataDir, reports: new ReportSource().history, onPositions: (of) => ends.push(of) });
  await history.stop();
  assert.deepEqual(ends.at(-1), { reports: count, of: count }, 'the thread reports the end');
});

test('what an older release wrote in between is added at the start, from where the positions end', async () => {
  const dataDir = newDir();
  const reports = someReports(new Prng(10), 500);
  // A stop ends behind a whole command.
  const half = reports.findIndex(({ seq }) => seq > reports[200].seq);
  await written(dataDir, reports.slice(0, half));
  const store = openHistory(dataDir);
  const before = Array.from(store.positions.getRange({}), ({ key, value }) => ({ key, value: Buffer.from(value) }));
  await store.root.close();
  await written(dataDir, reports.slice(half));
  const old = openHistory(dataDir);
  old.root.transactionSync(() => {
    old.positions.clearSync();
    for (const { key, value } of before) old.positions.putSync(key, value);
  });
  await old.root.close();
  const next = started(dataDir);
  sameAs(next.store, reports);
  await next.close();
});

for (const seed of [4, 5])
  test(`positions of a log that was cut are computed again up to the cut (seed ${seed})`, async () => {
    const dataDir = newDir();
    const prng = new Prng(seed);
    const reports = someReports(prng, 300);
    await killed(dataDir, reports, 150);
    const { seq } = reports[prng.below(300)];
    await truncateHistory(dataDir, seq);
    const kept = reports.filter((report) => report.seq <= seq);
    let next = started(dataDir);
    sameAs(next.store, kept);
    await next.close();
    // The numbers are used again.
    const source = new ReportSource(4096);
    next = new HistoryWriter({ dataDir, reports: source.history });
    const numbers = new Map(kept.map(({ account, reportNo }) => [account, reportNo]));
    const others = someReports(new Prng(seed + 50), 200).map((report) => ({
      ...report,
      seq: seq + 1 + report.seq,
      reportNo: report.reportNo + (numbers.get(report.account) ?? 0),
    }));
    publish(source, others);
    next.poll(true);
    sameAs(next.store, [...kept, ...others]);
    await next.close();
  });

test('positions stay when retention removes their reports, and a cut after that is exact', async () => {
  const dataDir = newDir();
  const reports = someReports(new Prng(6), 900);
  // Several runs of each account: a commit ends a run.
  for (let from = 0; from < reports.length; from += 90) await written(dataDir, reports.slice(from, from + 90));
  const writer = started(dataDir);
  const trimmer = new HistoryTrimmer(writer.store, dataDir, 0);
  const removedBefore = reports[400].timeUs;
  let removed = 0;
  for (let complete = false; !complete; ) {
    const step = trimmer.step(removedBefore);
    removed += step.removed;
    complete = step.complete;
  }
  assert.ok(removed > 0);
  sameAs(writer.store, reports);
  assert.ok(positionBase(writer.store, 1).removedTo > 0);
  assert.equal(positionBase(writer.store, 1).lostTo, 0, 'nothing is lost');
  await writer.close();
  assert.equal(checkStore(dataDir).fault, undefined);
  const again = started(dataDir);
  sameAs(again.store, reports);
  await again.close();
  const { seq } = reports[700];
  await truncateHistory(dataDir, seq);
  const kept = reports.filter((report) => report.seq <= seq);
  const cut = started(dataDir);
  sameAs(cut.store, kept);
  await cut.close();
  // A cut into what was removed: those fills cannot be distinguished, so they are gone, and the base says so.
  const early = reports[100].seq;
  await truncateHistory(dataDir, early);
  const lost = started(dataDir);
  for (let account = 1; account <= ACCOUNTS; account++) {
    const { removedTo, lostTo } = positionBase(lost.store, account);
    assert.ok(lostTo > 0 && lostTo === removedTo);
  }
  assert.deepEqual(storedOf(lost.store), new Map());
  await lost.close();
});

test('positions that are written later are complete when retention removes reports that are not in them', async () => {
  const dataDir = newDir();
  const reports = someReports(new Prng(11), 500);
  await killed(dataDir, reports, 200, (writer) => {
    const trimmer = new HistoryTrimmer(writer.store, dataDir, 0);
    while (!trimmer.step(Number.MAX_SAFE_INTEGER).complete);
    sameAs(writer.store, reports);
  });
  const next = started(dataDir);
  assert.equal(next.store.reports.getCount(), 0);
  sameAs(next.store, reports);
  await next.close();
});

test('a page of positions has those of its symbols, also of fills that are in no row yet', async () => {
  const dataDir = newDir();
  const reports = someReports(new Prng(12), 300, 40);
  await killed(dataDir, reports, 100);
  const { store } = started(dataDir);
  const all = unpackAll(storedPositions(store, { account: 1, after: 0, limit: 1000 }));
  assert.ok(all.length > 20);
  for (const limit of [1, 7, all.length - 1, all.length]) {
    const found: ReturnType<typeof unpackAll> = [];
    for (let after = 0; ; ) {
      const page = storedPositions(store, { account: 1, after, limit });
      found.push(...unpackAll(page));
      after = page.next;
      if (after === 0) break;
    }
    assert.deepEqual(found, all);
  }
  await store.root.close();
});

test('reports that were removed before there were positions are named as lost; so are those of a log whose beginning is gone', async () => {
  const dataDir = newDir();
  const reports = someReports(new Prng(7), 600);
  for (let from = 0; from < reports.length; from += 60) await written(dataDir, reports.slice(from, from + 60));
  const writer = started(dataDir);
  const trimmer = new HistoryTrimmer(writer.store, dataDir, 0);
  while (!trimmer.step(reports[300].timeUs).complete);
  writer.store.root.transactionSync(() => {
    writer.store.positions.clearSync();
    writer.store.positionBases.clearSync();
  });
  await writer.close();
  const next = started(dataDir);
  const lostTo = [0, 1, 2, 3].map((account) => positionBase(next.store, account).lostTo);
  assert.ok(lostTo.slice(1).every((no) => no > 0));
  sameAs(
    next.store,
    reports.filter(({ account, reportNo }) => reportNo > lostTo[account]),
  );
  await next.close();
  const again = started(dataDir);
  assert.deepEqual(
    [0, 1, 2, 3].map((account) => positionBase(again.store, account).lostTo),
    lostTo,
  );
  await again.close();

  const begun = newDir();
  mkdirSync(begun);
  await beginHistoryAt(begun, 100, Float64Array.of(0, 40, 0, 0));
  const fresh = started(begun);
  assert.deepEqual(positionBase(fresh.store, 1), { removedTo: 40, lostTo: 40 });
  assert.deepEqual(positionBase(fresh.store, 2), { removedTo: 0, lostTo: 0 });
  await fresh.close();
});

test('a start that is killed while it computes positions without lost reports is repeated by the next one', async () => {
  const dataDir = newDir();
  const reports = someReports(new Prng(14), 600);
  for (let from = 0; from < reports.length; from += 60) await written(dataDir, reports.slice(from, from + 60));
  const writer = started(dataDir);
  const trimmer = new HistoryTrimmer(writer.store, dataDir, 0);
  while (!trimmer.step(reports[300].timeUs).complete);
  // The positions stay, and are complete up to the last report; what was removed is in no base.
  writer.store.root.transactionSync(() => writer.store.positionBases.clearSync());
  await writer.close();
  const killed = openHistory(dataDir);
  const kill = (): void => {
    throw new Error('killed');
  };
  assert.throws(() => new PositionWriter(killed).catchUp(watermarkOf(killed), kill), /killed/);
  await killed.root.close();
  const next = started(dataDir);
  const lostTo = [0, 1, 2, 3].map((account) => positionBase(next.store, account).lostTo);
  assert.ok(lostTo.slice(1).every((no) => no > 0));
  sameAs(
    next.store,
    reports.filter(({ account, reportNo }) => reportNo > lostTo[account]),
  );
  await next.close();
});

test('positions of a log are compared with the stored ones as far as these go', async () => {
  const reports = someReports(new Prng(8), 400);
  const end = reports.findIndex(({ seq }) => seq > reports[250].seq);
  /** What the audit of the whole log says about a store that has its first part, and was changed. */
  const auditOf = async (change: (store: HistoryStore) => void): Promise<string[]> => {
    const dataDir = newDir();
    await written(dataDir, reports.slice(0, end));
    const store = openHistory(dataDir);
    store.root.transactionSync(() => change(store));
    const audit = new PositionAudit(store);
    const source = new ReportSource(4096);
    publish(source, reports);
    const ring = openTap(source.history);
    const view = new ReportView();
    for (let slot = ring.next(); slot !== -1; slot = ring.next())
      if (view.wrap(ring.slots.i32, (slot * Report.bytes) / 4).kind === ReportKind.Fill) audit.fill(view);
    for (const [pair, sums] of naiveOf(reports)) {
      const [account, symbol] = pair.split(' ').map(Number);
      assert.deepEqual(
        audit
          .positionsOf(account)
          .find((each) => each.symbol === symbol)
          ?.position.sums(),
        sums,
      );
    }
    const differences = audit.differences().map(({ account, symbol }) => `${account} ${symbol}`);
    await store.root.close();
    return differences;
  };
  assert.deepEqual(await auditOf(() => undefined), []);
  assert.deepEqual(await auditOf(({ positions }) => positions.removeSync([2, 1])), ['2 1'], 'one is missing');
  assert.deepEqual(await auditOf(({ positions }) => putPosition(positions, 3, 2, new Position())), ['3 2'], 'one has no fill');
  const another = await auditOf(({ positions }) => {
    const position = storedPosition(positions, 1, 2) as Position;
    position.state[PositionField.costLow]++;
    putPosition(positions, 1, 2, position);
  });
  assert.deepEqual(another, ['1 2'], 'one has another cost');
  const unknown = await auditOf(({ positions }) => putPosition(positions, 9, 1, storedPosition(positions, 1, 2) as Position));
  assert.deepEqual(unknown, ['9 1'], 'one is not in the log');
  assert.deepEqual(
    await auditOf((store) => putPositionBase(store, 2, { removedTo: 0, lostTo: 5 })),
    [],
    'an account that has lost fills is left out',
  );
});

test('a damaged position is found by the check and by a reader', async () => {
  for (const database of ['positions', 'positionBases'] as const) {
    const dataDir = newDir();
    const source = new ReportSource(4096);
    const writer = new HistoryWriter({ dataDir, reports: source.history });
    publish(source, someReports(new Prng(6), 200));
    writer.poll(true);
    const trimmer = new HistoryTrimmer(writer.store, dataDir, 0);
    while (!trimmer.step(Number.MAX_SAFE_INTEGER).complete);
    const rows: Database<Buffer, RowKey> = writer.store[database];
    for (const { key, value } of rows.getRange({ start: [1, 1], limit: 1 })) {
      const changed = Buffer.from(value);
      changed[20] ^= 1;
      writer.store.root.transactionSync(() => rows.putSync(key, changed));
    }
    assert.throws(() => Array.from(positionsOf(rows, 1)), { code: 'HISTORY_DAMAGED' });
    await writer.store.root.close();
    assert.match(checkStore(dataDir).fault ?? '', /the positions at .* have a wrong checksum/);
  }
});
