import { ReportView } from '../../../engine/wire/report-view.ts';
import { wordsOf } from './run-format.ts';
import { REPORT_RUNS } from './run-layout.ts';
import { firstKept, newestNo, visitForwards } from './runs.ts';
import type { HistoryStore } from './store.ts';

/** What {@link findAnswer} found. */
export interface Place {
  /** Number of the report that was found; else the lowest number that it can have. */
  readonly no: number;
  readonly found: boolean;
  /** Time of the report that was found, microseconds since the Unix epoch; 0: none was. */
  readonly timeUs: number;
  /** Nothing that was looked at is older. */
  readonly first: boolean;
  /** The limit ended the search. */
  readonly stopped: boolean;
  /** Reports without an id that were read. */
  readonly scanned: number;
}

/** Numbers of reports, from `low` on and below `high`. */
export interface ReportRange {
  readonly low: number;
  readonly high: number;
}

/** All reports of an account that are kept. */
export function keptRange(store: HistoryStore, account: number): ReportRange {
  return { low: firstKept(store.reports, account, 1) ?? 1, high: newestNo(store.reports, account, REPORT_RUNS) + 1 };
}

/**
 * Finds the report whose `idOf` is `id`, where these grow with the numbers of the reports; 0 = the report has none, and the next ones are
 * looked at. A stretch without ids is read about twice at most.
 * @param most reports without an id that are read
 * @param range where it is looked for
 */
export function findAnswer(
  store: HistoryStore,
  account: number,
  id: number,
  idOf: (report: ReportView) => number,
  most: number,
  range: ReportRange = keptRange(store, account),
): Place {
  const reports = new RunReports();
  const { low: oldest } = range;
  let { low, high } = range;
  let scanned = 0;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    let its = 0;
    let at = 0;
    let timeUs = 0;
    visitForwards(store.reports, account, middle, high - 1, REPORT_RUNS, (no, bytes, offset) => {
      const report = reports.at(bytes, offset);
      its = idOf(report);
      at = no;
      if (its === id) timeUs = report.timeUs;
      return its === 0 && ++scanned < most;
    });
    if (its === id) return { no: at, found: true, timeUs, first: false, stopped: false, scanned };
    if (scanned >= most) return { no: low, found: false, timeUs: 0, first: low === oldest, stopped: true, scanned };
    if (its === 0 || its > id) high = middle;
    else low = at + 1;
  }
  return { no: low, found: false, timeUs: 0, first: low === oldest, stopped: false, scanned };
}

/** Reads the reports of runs, which need not be aligned: one copy for each run. */
export class RunReports {
  readonly #view = new ReportView();
  #run: Buffer | undefined;
  #words: Int32Array = new Int32Array(0);

  at(bytes: Buffer, offset: number): ReportView {
    if (bytes !== this.#run) {
      this.#run = bytes;
      this.#words = wordsOf(bytes);
    }
    return this.#view.wrap(this.#words, offset / 4);
  }
}
