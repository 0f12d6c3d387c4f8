import { ReportKind, Side } from '../../../engine/wire/layout.ts';
import { ReportView } from '../../../engine/wire/report-view.ts';
import type { Position } from '../../../feeds/analysis/average-cost.ts';
import { fieldOf, type Runs, recordsOf, wordsOf } from '../history/run-format.ts';
import { REPORT_RUNS } from '../history/run-layout.ts';
import { NEWEST, visitForwards } from '../history/runs.ts';

/** Adds a Fill report to the position of its account and symbol. @returns false: it was included already */
export function addFill(position: Position, report: ReportView): boolean {
  const { reportNo, seq, timeUs, price, quantity, fee } = report;
  return position.fill(reportNo, seq, timeUs, report.side === Side.Buy, price, quantity, fee);
}

/** Which reports: numbered `from` to `to`, of commands up to `upToSeq`. */
export interface ReportSpan {
  readonly from: number;
  readonly to: number;
  readonly upToSeq: number;
}

/**
 * Calls `visit` with each stored Fill report of the account in the span, oldest first. The view is valid during the call.
 * @throws DamagedHistoryError
 */
export function visitFills(reports: Runs, account: number, { from, to, upToSeq }: ReportSpan, visit: (report: ReportView) => void): void {
  const view = new ReportView();
  let run: Buffer | undefined;
  let words: Int32Array = new Int32Array(0);
  visitForwards(reports, account, from, to, REPORT_RUNS, (_no, bytes, offset) => {
    if (bytes !== run) {
      run = bytes;
      words = wordsOf(bytes);
    }
    const report = view.wrap(words, offset / 4);
    if (report.seq > upToSeq) return false;
    if (report.kind === ReportKind.Fill) visit(report);
    return true;
  });
}

/**
 * Number of a stored report at or before the account's first one of a command after `seq`: fewer than a run before it.
 * @throws DamagedHistoryError
 */
export function firstReportAfter(reports: Runs, account: number, seq: number): number {
  for (const { key, value } of reports.getRange({ start: [account, NEWEST], end: [account, 0], reverse: true })) {
    const first = (key as [number, number])[1];
    if (fieldOf(recordsOf(REPORT_RUNS, account, first, value), REPORT_RUNS.seqAt) <= seq) return first;
  }
  return 1;
}
