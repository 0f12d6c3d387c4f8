import { Report, ReportKind, Trade } from '../../../engine/wire/layout.ts';
import { ReportFlag } from '../../../engine/wire/names.ts';
import { ReportView } from '../../../engine/wire/report-view.ts';
import { recordsOf, wordsOf } from './run-format.ts';
import { REPORT_RUNS, TRADE_RUNS } from './run-layout.ts';
import { firstKept, NEWEST, newestNo, readForwards, visitBackwards, visitForwards } from './runs.ts';
import type { HistoryStore } from './store.ts';

/**
 * Queries of the history. They read a snapshot of the store and may take
 * long, so they run in the pool (query-worker.ts), never on the I/O thread.
 */

/** Maximum records that one query scans: about 0.2 s of work. */
export const SCAN_LIMIT = 1_000_000;
/** Bytes of runs that one call verifies: a few milliseconds. */
const VERIFIED_BYTES = 4 * 1024 * 1024;

/** The current state of one order, derived from its reports. Prices in ticks, quantities in lots. */
export interface OrderRow {
  readonly orderId: number;
  readonly clientOrderId: number;
  readonly symbol: number;
  readonly side: number;
  readonly timeInForce: number;
  readonly price: number;
  readonly quantity: number;
  readonly leaves: number;
  readonly filled: number;
  readonly status: 'open' | 'pending' | 'filled' | 'cancelled';
  /** While it is pending, a stop that waits: its stop price and Trigger. Otherwise 0. */
  readonly stopPrice: number;
  readonly trigger: number;
  /** Code of the cancel, 0 otherwise. */
  readonly code: number;
  /** 1: a pegged order. Its `price` is the last one that a report had, 0 if it was parked. */
  readonly pegged: number;
  readonly acceptedUs: number;
  readonly updatedUs: number;
}

export interface OrderPage {
  readonly orders: OrderRow[];
  /** Pass it as `before` for the next page; 0 = this is the last page. */
  readonly next: number;
  /** The scan limit ended the search: older orders exist that this page does not show. */
  readonly truncated: boolean;
  /** Number of the account's last report that is no longer kept; left out if all are. */
  readonly lost?: number;
}

export interface RecordPage {
  /** Packed structs, newest first. */
  readonly records: Uint8Array;
  readonly next: number;
  /** Number of the owner's last record that is no longer kept; left out if all are. */
  readonly lost?: number;
}

/** Packed reports of an account, numbered from `from` on, oldest first. Empty if there are none, or `from` is {@link lostReports}. */
export function accountReports(store: HistoryStore, account: number, from: number, limit: number): Uint8Array {
  return readForwards(store.reports, account, from, limit, REPORT_RUNS);
}

/**
 * Number of the account's last report, from `from` on, that is no longer kept:
 * it was removed because of its age, or lost with an earlier store. 0 if report
 * `from` is there, or is not written yet.
 */
export function lostReports(store: HistoryStore, account: number, from: number): number {
  const lost = store.lost.get(account) ?? 0;
  const first = firstKept(store.reports, account, from);
  // Reports are written in order, so nothing is written any more before a later run.
  return Math.max(from <= lost ? lost : 0, first !== undefined && first > from ? first - 1 : 0);
}

/** Packed Fill reports of an account numbered below `before`, newest first. */
export function accountFills(store: HistoryStore, account: number, before: number, limit: number): RecordPage {
  const out = new Uint8Array(limit * Report.bytes);
  let count = 0;
  let scanned = 0;
  let next = 0;
  visitBackwards(store.reports, account, before, REPORT_RUNS, (no, bytes, offset) => {
    if (count === limit || scanned++ === SCAN_LIMIT) {
      next = no + 1;
      return false;
    }
    if (bytes[offset + Report.kind] === ReportKind.Fill) out.set(bytes.subarray(offset, offset + Report.bytes), count++ * Report.bytes);
    return true;
  });
  return { records: out.slice(0, count * Report.bytes), next, ...ifLost(lostReports(store, account, 1)) };
}

/** Trades of a symbol: by id, by time, or both. With `after` or `fromUs` oldest first, otherwise newest first. */
export interface TradeRange {
  /** Only trades with a higher id. */
  readonly after?: number | undefined;
  /** Only trades with a lower id. */
  readonly before?: number | undefined;
  /** Only trades from this time on, microseconds since the Unix epoch. */
  readonly fromUs?: number | undefined;
  /** Only trades before this time. */
  readonly toUs?: number | undefined;
  readonly limit: number;
}

/** Packed trades of a range; `next` is the `after` or the `before` of the next page. */
export function tradesOf(store: HistoryStore, symbol: number, range: TradeRange): RecordPage {
  const { after, before = NEWEST, fromUs, toUs, limit } = range;
  const from = Math.max((after ?? 0) + 1, fromUs === undefined ? 1 : firstTradeAt(store, symbol, fromUs));
  const end = Math.min(before, toUs === undefined ? NEWEST : firstTradeAt(store, symbol, toUs));
  const out = new Uint8Array(limit * Trade.bytes);
  let count = 0;
  let next = 0;
  let last = 0;
  const take = (no: number, bytes: Buffer, offset: number): boolean => {
    if (no < from) return false;
    if (count === limit) {
      next = last;
      return false;
    }
    out.set(bytes.subarray(offset, offset + Trade.bytes), count++ * Trade.bytes);
    last = no;
    return true;
  };
  if (after !== undefined || fromUs !== undefined) visitForwards(store.trades, symbol, from, end - 1, TRADE_RUNS, take);
  else visitBackwards(store.trades, symbol, end, TRADE_RUNS, take);
  return { records: out.slice(0, count * Trade.bytes), next, ...ifLost((firstKept(store.trades, symbol, 1) ?? 1) - 1) };
}

/** Id of the first trade at a time or later; ids and times grow together. */
function firstTradeAt(store: HistoryStore, symbol: number, timeUs: number): number {
  let low = firstKept(store.trades, symbol, 1) ?? 1;
  let high = newestNo(store.trades, symbol, TRADE_RUNS) + 1;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (tradeTime(store, symbol, middle) < timeUs) low = middle + 1;
    else high = middle;
  }
  return low;
}

function tradeTime(store: HistoryStore, symbol: number, id: number): number {
  let found = 0;
  visitBackwards(store.trades, symbol, id + 1, TRADE_RUNS, (_no, bytes, offset) => {
    found = Number(bytes.readBigInt64LE(offset + Trade.timeUs));
    return false;
  });
  return found;
}

function ifLost(lost: number): { lost?: number } {
  return lost > 0 ? { lost } : {};
}

/** Where the verification of runs continues; owner -1: it is complete. */
export interface VerifiedTo {
  readonly owner: number;
  readonly no: number;
}

/** Verifies a few MiB of runs from a key on. @throws DamagedHistoryError */
export function verifyRuns(store: HistoryStore, name: 'reports' | 'trades', owner: number, no: number): VerifiedTo {
  const layout = name === 'reports' ? REPORT_RUNS : TRADE_RUNS;
  let left = VERIFIED_BYTES;
  for (const { key, value } of store[name].getRange({ start: [owner, no], end: [NEWEST, NEWEST] })) {
    const [ofOwner, first] = key as [number, number];
    if (left <= 0) return { owner: ofOwner, no: first };
    recordsOf(layout, ofOwner, first, value);
    left -= value.length;
  }
  return { owner: -1, no: 0 };
}

type Fold = { -readonly [key in keyof OrderRow]: OrderRow[key] };

/**
 * Orders of an account with an id below `before`, newest first, each in its
 * latest state. Reports are folded from the newest backwards: the first one
 * seen of an order is its state, the Accepted one completes it. Ids grow with
 * acceptance, so the search ends with the page; a page of old orders still
 * reads all newer reports.
 */
export function accountOrders(store: HistoryStore, account: number, before: number, limit: number): OrderPage {
  const open = new Map<number, Fold>();
  const orders: OrderRow[] = [];
  let scanned = 0;
  let next = 0;
  let truncated = false;
  let run: Buffer | undefined;
  let words: Int32Array = new Int32Array(0);
  const report = new ReportView();
  visitBackwards(store.reports, account, Number.MAX_SAFE_INTEGER, REPORT_RUNS, (_no, bytes, offset) => {
    if (bytes !== run) {
      run = bytes;
      words = wordsOf(bytes);
    }
    if (orders.length === limit) {
      next = orders[limit - 1].orderId;
      return false;
    }
    truncated = ++scanned > SCAN_LIMIT;
    if (truncated) return false;
    report.wrap(words, offset / 4);
    const { kind, orderId } = report;
    if (orderId === 0 || orderId >= before || !changesOrder(kind, report.flags)) return true;
    let order = open.get(orderId);
    if (order === undefined) {
      order = stateOf(report);
      open.set(orderId, order);
    }
    if (order.price === 0 && kind !== ReportKind.Fill) order.price = report.price;
    if ((report.flags & ReportFlag.Pegged) !== 0) order.pegged = 1;
    if (kind === ReportKind.Amended && order.quantity === 0) order.quantity = report.leaves + report.filled;
    if (kind === ReportKind.Accepted) {
      if (order.quantity === 0) order.quantity = report.quantity;
      order.acceptedUs = report.timeUs;
      orders.push(order);
      open.delete(orderId);
    }
    return true;
  });
  return { orders, next, truncated, ...ifLost(lostReports(store, account, 1)) };
}

function changesOrder(kind: number, flags: number): boolean {
  if ((flags & ReportFlag.Duplicate) !== 0) return false;
  const { Accepted, Fill, Cancelled, Amended, Triggered, StopPriceChanged } = ReportKind;
  return [Accepted, Fill, Cancelled, Amended, Triggered, StopPriceChanged].some((each) => each === kind);
}

/** The order's state from its newest report. A fill's price is not the order's, so the price stays 0 until an older report sets it. */
function stateOf(report: ReportView): Fold {
  const { leaves } = report;
  const cancelled = report.kind === ReportKind.Cancelled;
  const pending = !cancelled && report.kind !== ReportKind.Triggered && report.stopPrice !== 0;
  return {
    orderId: report.orderId,
    clientOrderId: report.clientOrderId,
    symbol: report.symbol,
    side: report.side,
    timeInForce: report.timeInForce,
    price: 0,
    quantity: 0,
    leaves: cancelled ? 0 : leaves,
    filled: report.filled,
    status: cancelled ? 'cancelled' : leaves === 0 ? 'filled' : pending ? 'pending' : 'open',
    stopPrice: pending ? report.stopPrice : 0,
    trigger: pending ? report.trigger : 0,
    code: cancelled ? report.code : 0,
    pegged: 0,
    acceptedUs: 0,
    updatedUs: report.timeUs,
  };
}
