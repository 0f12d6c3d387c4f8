import assert from 'node:assert/strict';
import type { HistoryStore } from '../../gateway/taps/history/store.ts';
import { HistoryWriter } from '../../gateway/taps/history/writer.ts';
import { type ReportFields, ReportSource } from './report-source.ts';

/** A history of account 1: each group of reports is a commit of its own, so that runs are short. */
export async function withHistory<T>(
  dataDir: string,
  groups: readonly ReportFields[][],
  work: (store: HistoryStore, dataDir: string) => T | Promise<T>,
): Promise<T> {
  const source = new ReportSource(2 ** Math.ceil(Math.log2(groups.flat().length + 64)));
  const writer = new HistoryWriter({ dataDir, reports: source.history });
  let no = 0;
  for (const group of groups) {
    for (const report of group) {
      no++;
      assert.ok(source.put({ account: 1, reportNo: no, seq: no, timeUs: no, symbol: 1, ...report }));
    }
    source.publish();
    writer.poll(true);
  }
  try {
    return await work(writer.store, dataDir);
  } finally {
    await writer.store.root.close();
  }
}
