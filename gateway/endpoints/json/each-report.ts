import { REPORT_WORDS } from '../../../engine/wire/report-frames.ts';
import { ReportView } from '../../../engine/wire/report-view.ts';

/** Each report of a packed list, through one view that is moved. */
export function* eachReport(words: Int32Array): Generator<ReportView> {
  const report = new ReportView();
  for (let at = 0; at < words.length; at += REPORT_WORDS) yield report.wrap(words, at);
}
