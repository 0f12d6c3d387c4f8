import { Code } from '../../../engine/codes.ts';
import { Report, ReportKind } from '../../../engine/wire/layout.ts';
import { ReportFlag } from '../../../engine/wire/names.ts';
import { ReportView } from '../../../engine/wire/report-view.ts';
import { accountReports, lostReports, SCAN_LIMIT } from './queries.ts';
import { REPORT_RUNS, wordsOf } from './run-format.ts';
import { firstKept, NEWEST, newestNo, visitBackwards, visitForwards } from './runs.ts';
import type { HistoryStore } from './store.ts';

/** The reports of one order. */
export interface OrderLife {
  /** Packed reports, oldest first; empty: none was found. */
  readonly records: Uint8Array;
  /** The search continues there, because a limit ended it; 0 = it is complete. */
  readonly next: number;
  /** Number of the account's last report that is no longer kept, if reports of the order may be among those; else left out. */
  readonly lost?: number;
}

const NOTHING: OrderLife = { records: new Uint8Array(0), next: 0 };

/** The history does not have the account's report `atLeast` yet. */
export function isBehind(store: HistoryStore, account: number, atLeast: number): boolean {
  return newestNo(store.reports, account, REPORT_RUNS) < atLeast && lostReports(store, account, atLeast) === 0;
}

/**
 * Reports of an order, from its acceptance to its end, at most `limit`. The acceptance is found by halving, because
 * the ids of accepted orders grow with the numbers of their reports; then only reports of the order's life are read.
 * @param from report number at which to continue (`next`); 0 = at the acceptance
 * @param most reports that are read at most, in each of two steps: the search for the acceptance, and the life
 */
export function orderLife(
  store: HistoryStore,
  account: number,
  orderId: number,
  from: number,
  limit: number,
  most = SCAN_LIMIT,
): OrderLife {
  if (from > 0) return lifeFrom(store, account, orderId, from, limit, most);
  const place = findAnswer(store, account, orderId, acceptedId, most);
  if (place.found || place.stopped) return lifeFrom(store, account, orderId, place.no, limit, most);
  // Between the ids of two accepted orders there is none of this account.
  const lost = lostReports(store, account, 1);
  if (!place.first || lost === 0) return NOTHING;
  // All orders whose acceptance is kept are younger. Of an older one, later reports may be kept.
  return { ...lifeFrom(store, account, orderId, place.no, limit, most), lost };
}

/**
 * The same for an order that is named by its client order id, also a rejected one. Where these ids grow, as clients are
 * advised, the answer is found by halving; else the reports are read backwards from `before`.
 */
export function clientOrderLife(
  store: HistoryStore,
  account: number,
  clientOrderId: number,
  before: number,
  limit: number,
  most = SCAN_LIMIT,
): OrderLife {
  if (before === NEWEST) {
    const place = findAnswer(store, account, clientOrderId, answeredId, most);
    if (place.found) return lifeOfAnswer(store, account, place.no, limit, most);
  }
  const reports = new RunReports();
  let scanned = 0;
  let next = 0;
  let orderId = 0;
  let rejected = 0;
  visitBackwards(store.reports, account, before, REPORT_RUNS, (no, bytes, offset) => {
    if (scanned++ === most) {
      next = no + 1;
      return false;
    }
    const report = reports.at(bytes, offset);
    const { kind } = report;
    // Rejects of a cancel or an amend have the ids of the command, which may be of two orders.
    if (report.clientOrderId !== clientOrderId || kind === ReportKind.CancelRejected || kind === ReportKind.AmendRejected) return true;
    orderId = report.orderId;
    if (orderId !== 0) return false;
    rejected = no;
    return answeredId(report) === 0;
  });
  if (orderId !== 0) return orderLife(store, account, orderId, 0, limit, most);
  if (next === 0 && rejected !== 0) return lifeOfAnswer(store, account, rejected, limit, most);
  const lost = lostReports(store, account, 1);
  return { ...NOTHING, next, ...(lost > 0 && { lost }) };
}

/** The life of the order whose acceptance, or reject, is report `no`. */
function lifeOfAnswer(store: HistoryStore, account: number, no: number, limit: number, most: number): OrderLife {
  const records = accountReports(store, account, no, 1);
  const { orderId } = new ReportView().wrap(wordsOf(records), 0);
  return orderId === 0 ? { records, next: 0 } : lifeFrom(store, account, orderId, no, limit, most);
}

/** The reject says something of an earlier order with the same client order id. */
function namesAnother(code: number): boolean {
  return code === Code.CLIENT_ORDER_ID_REUSED || code === Code.CLIENT_ORDER_ID_TOO_OLD;
}

/** The order's id, if the report is the acceptance of an order; else 0. */
function acceptedId({ kind, flags, orderId }: ReportView): number {
  return kind === ReportKind.Accepted && (flags & ReportFlag.Duplicate) === 0 ? orderId : 0;
}

/** The client order id, if the report is the first answer to a new order; else 0. */
function answeredId({ kind, flags, code, clientOrderId }: ReportView): number {
  if ((flags & ReportFlag.Duplicate) !== 0 || namesAnother(code)) return 0;
  return kind === ReportKind.Accepted || kind === ReportKind.Rejected ? clientOrderId : 0;
}

interface Place {
  /** Number of the report that was found; else the lowest number that it can have. */
  readonly no: number;
  readonly found: boolean;
  /** Nothing that was looked at is older. */
  readonly first: boolean;
  /** The limit ended the search. */
  readonly stopped: boolean;
}

/**
 * Finds the report whose `idOf` is `id`, where these grow with the numbers of the reports; 0 = the report has none, and the next ones are
 * looked at. A stretch without ids is read about twice at most.
 */
function findAnswer(store: HistoryStore, account: number, id: number, idOf: (report: ReportView) => number, most: number): Place {
  const reports = new RunReports();
  const oldest = firstKept(store.reports, account, 1) ?? 1;
  let low = oldest;
  let high = newestNo(store.reports, account, REPORT_RUNS) + 1;
  let scanned = 0;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    let its = 0;
    let at = 0;
    visitForwards(store.reports, account, middle, high - 1, REPORT_RUNS, (no, bytes, offset) => {
      its = idOf(reports.at(bytes, offset));
      at = no;
      return its === 0 && ++scanned < most;
    });
    if (its === id) return { no: at, found: true, first: false, stopped: false };
    if (scanned >= most) return { no: low, found: false, first: low === oldest, stopped: true };
    if (its === 0 || its > id) high = middle;
    else low = at + 1;
  }
  return { no: low, found: false, first: low === oldest, stopped: false };
}

/** The reports that name the order, from number `from` to the order's end. */
function lifeFrom(store: HistoryStore, account: number, orderId: number, from: number, limit: number, most: number): OrderLife {
  const reports = new RunReports();
  const found: Uint8Array[] = [];
  let scanned = 0;
  let next = 0;
  visitForwards(store.reports, account, from, NEWEST - 1, REPORT_RUNS, (no, bytes, offset) => {
    if (found.length === limit || scanned++ === most) {
      next = no;
      return false;
    }
    const report = reports.at(bytes, offset);
    if (report.orderId !== orderId) return true;
    found.push(new Uint8Array(bytes.subarray(offset, offset + Report.bytes)));
    return !endsOrder(report);
  });
  const records = new Uint8Array(found.length * Report.bytes);
  for (const [i, report] of found.entries()) records.set(report, i * Report.bytes);
  return { records, next };
}

/** Reads the reports of runs, which need not be aligned: one copy for each run. */
class RunReports {
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

function endsOrder({ kind, leaves }: ReportView): boolean {
  return kind === ReportKind.Cancelled || kind === ReportKind.Rejected || (kind === ReportKind.Fill && leaves === 0);
}
