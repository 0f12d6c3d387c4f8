import { Code } from '../../../engine/codes.ts';
import { Report, ReportKind } from '../../../engine/wire/layout.ts';
import { ReportFlag } from '../../../engine/wire/names.ts';
import { acceptedOrderId, ReportView } from '../../../engine/wire/report-view.ts';
import { findAnswer, RunReports } from './answer-search.ts';
import { accountReports, lostReports, SCAN_LIMIT } from './queries.ts';
import { wordsOf } from './run-format.ts';
import { REPORT_RUNS } from './run-layout.ts';
import { NEWEST, newestNo, visitBackwards, visitForwards } from './runs.ts';
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
  const place = findAnswer(store, account, orderId, acceptedOrderId, most);
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

/** The client order id, if the report is the first answer to a new order; else 0. */
function answeredId({ kind, flags, code, clientOrderId }: ReportView): number {
  if ((flags & ReportFlag.Duplicate) !== 0 || namesAnother(code)) return 0;
  return kind === ReportKind.Accepted || kind === ReportKind.Rejected ? clientOrderId : 0;
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

function endsOrder({ kind, leaves }: ReportView): boolean {
  return kind === ReportKind.Cancelled || kind === ReportKind.Rejected || (kind === ReportKind.Fill && leaves === 0);
}
