import { POSITION_FIELDS, Position } from '../../../feeds/analysis/average-cost.ts';
import { REPORT_RUNS } from '../history/run-layout.ts';
import { NEWEST, newestNo } from '../history/runs.ts';
import { addFill, firstReportAfter, visitFills } from './position-fills.ts';
import { type FillStore, positionBase, positionsCompleteTo, positionsOf } from './position-store.ts';

/** Which positions of an account: of symbols after `after`, at most `limit`. */
export interface PositionRange {
  readonly account: number;
  readonly after: number;
  readonly limit: number;
}

/** Positions of an account as of the last commit of the history, by symbol. */
export interface PositionPage {
  /** For each the symbol and its state: see {@link unpackPositions}. */
  readonly packed: Float64Array;
  /** Number of the account's last report that is included. */
  readonly reportNo: number;
  /** Pass it as `after` for the next page; 0 = this is the last one. */
  readonly next: number;
  /** Fills up to this report of the account are missing: they were removed before they could be counted. Left out: none are. */
  readonly lost?: number;
}

const NUMBERS = 1 + POSITION_FIELDS;

/** @throws DamagedHistoryError */
export function storedPositions(store: FillStore, { account, after, limit }: PositionRange): PositionPage {
  const found = new Map<number, Position>();
  let last = Number.POSITIVE_INFINITY;
  for (const { symbol, position } of positionsOf(store.positions, account, after + 1)) {
    found.set(symbol, position);
    if (found.size <= limit) continue;
    // Further ones are on the next page.
    last = symbol;
    break;
  }
  const from = firstReportAfter(store.reports, account, positionsCompleteTo(store));
  visitFills(store.reports, account, { from, to: NEWEST - 1, upToSeq: Number.POSITIVE_INFINITY }, (report) => {
    const { symbol } = report;
    if (symbol <= after || symbol > last) return;
    let position = found.get(symbol);
    if (position === undefined) {
      position = new Position();
      found.set(symbol, position);
    }
    addFill(position, report);
  });
  const sorted = Array.from(found).sort(([a], [b]) => a - b);
  const page = sorted.slice(0, limit);
  const packed = new Float64Array(page.length * NUMBERS);
  for (const [i, [symbol, { state }]] of page.entries()) {
    packed[i * NUMBERS] = symbol;
    packed.set(state, i * NUMBERS + 1);
  }
  const { removedTo, lostTo } = positionBase(store, account);
  const reportNo = newestNo(store.reports, account, REPORT_RUNS) || removedTo;
  return { packed, reportNo, next: sorted.length > limit ? page[limit - 1][0] : 0, ...(lostTo > 0 && { lost: lostTo }) };
}

/** The positions of a page, one at a time. */
export function* unpackPositions({ packed }: PositionPage): Generator<{ readonly symbol: number; readonly position: Position }> {
  for (let at = 0; at < packed.length; at += NUMBERS)
    yield { symbol: packed[at], position: new Position(packed.slice(at + 1, at + NUMBERS)) };
}
