import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ReportKind } from '../engine/wire/layout.ts';
import { accountReports } from '../gateway/taps/history/queries.ts';
import { readWatermark } from '../gateway/taps/history/store.ts';
import { HistoryWriter } from '../gateway/taps/history/writer.ts';
import { column, ReportSource } from './support/report-source.ts';
import { smallDisk } from './support/small-disk.ts';

/** Above 2^32, so that a stored report has few zeros and the disk is full soon. */
const LARGE = 2 ** 40 + 1;
const AMOUNTS = { orderId: LARGE, clientOrderId: LARGE, price: LARGE, quantity: LARGE, leaves: LARGE, filled: LARGE, fee: LARGE };

test('a full disk loses no report: reports wait, and are written when there is room', async (t) => {
  const dataDir = smallDisk(t, '3m');
  if (dataDir === undefined) return;
  const ballast = join(dataDir, 'ballast');
  writeFileSync(ballast, Buffer.alloc(2_000_000));
  const source = new ReportSource(32768);
  const writer = new HistoryWriter({ dataDir, reports: source.history });
  let reportNo = 0;
  let failed = 0;
  const publish = (): void => {
    for (let i = 0; i < 1000; i++) {
      reportNo++;
      assert.ok(source.put({ kind: ReportKind.Accepted, account: 1, reportNo, seq: reportNo, ...AMOUNTS }));
    }
    source.publish();
  };
  // Then more wait than a commit takes.
  while (failed < 9) {
    publish();
    const before = writer.watermark;
    try {
      writer.poll(true);
    } catch {
      failed++;
      assert.equal(writer.watermark, before, 'what is not on disk is not covered');
    }
    assert.ok(reportNo < 30_000, 'the disk was to be full by now');
  }
  publish();
  try {
    writer.poll();
  } catch {
    // It is full still.
  }
  assert.equal(writer.taken, 1000, 'the buffer takes what is in the ring');
  rmSync(ballast);
  assert.ok(writer.poll(true) >= 9000);
  assert.deepEqual(
    column(accountReports(writer.store, 1, 1, 50_000), 'reportNo'),
    Array.from({ length: reportNo }, (_, i) => i + 1),
  );
  await writer.close();
});

test('a disk that is full at the end: the watermark of the last command is left to the next start', async (t) => {
  const dataDir = smallDisk(t, '3m');
  if (dataDir === undefined) return;
  const source = new ReportSource();
  const applied = { words: new Int32Array(1), index: 0 };
  const writer = new HistoryWriter({ dataDir, reports: source.history, applied });
  source.put({ kind: ReportKind.Accepted, account: 1, reportNo: 1, seq: 7 });
  source.publish();
  writer.poll(true);
  applied.words[0] = 7;
  assert.throws(() => writeFileSync(join(dataDir, 'ballast'), Buffer.alloc(4_000_000)), { code: 'ENOSPC' });
  await writer.close();
  rmSync(join(dataDir, 'ballast'));
  assert.equal(await readWatermark(dataDir), 6);
});
