import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ReportKind } from '../engine/wire/layout.ts';
import { accountReports } from '../gateway/taps/history/queries.ts';
import { HistoryWriter } from '../gateway/taps/history/writer.ts';
import { column, ReportSource } from './support/report-source.ts';

test('a full disk loses no report: reports wait, and are written when there is room', async (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'openbell-full-'));
  // A disk that is really full, of 3 MiB.
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', dataDir]).status !== 0) {
    rmSync(dataDir, { recursive: true });
    t.skip('SKIPPED: this user may not mount a small tmpfs, so no full disk can be made');
    return;
  }
  t.after(() => {
    spawnSync('umount', [dataDir]);
    rmSync(dataDir, { recursive: true });
  });
  const ballast = join(dataDir, 'ballast');
  writeFileSync(ballast, Buffer.alloc(2_000_000));
  const source = new ReportSource(32768);
  const writer = new HistoryWriter({ dataDir, reports: source.history });
  let reportNo = 0;
  let failed = 0;
  while (failed < 3) {
    for (let i = 0; i < 1000; i++) {
      reportNo++;
      assert.ok(source.put({ kind: ReportKind.Accepted, account: 1, reportNo, seq: reportNo }));
    }
    source.publish();
    const before = writer.watermark;
    try {
      writer.poll(true);
    } catch {
      failed++;
      assert.equal(writer.watermark, before, 'what is not on disk is not covered');
    }
    assert.ok(reportNo < 20_000, 'the disk was to be full by now');
  }
  rmSync(ballast);
  assert.ok(writer.poll(true) >= 3000);
  assert.deepEqual(
    column(accountReports(writer.store, 1, 1, 50_000), 'reportNo'),
    Array.from({ length: reportNo }, (_, i) => i + 1),
  );
  await writer.close();
});
