import { POSITION_FIELDS, Position } from '../../../feeds/analysis/average-cost.ts';
import { REPORT_RUNS } from '../history/run-format.ts';
import { newestNo } from '../history/runs.ts';
import { type FillStore, positionBase, positionsOf } from './position-store.ts';

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
  const packed = new Float64Array(limit * NUMBERS);
  let count = 0;
  let next = 0;
  let last = after;
  for (const { symbol, position } of positionsOf(store.positions, account, after + 1)) {
    if (count === limit) {
      next = last;
      break;
    }
    packed[count * NUMBERS] = symbol;
    packed.set(position.state, count * NUMBERS + 1);
    count++;
    last = symbol;
  }
  const { removedTo, lostTo } = positionBase(store, account);
  const reportNo = newestNo(store.reports, account, REPORT_RUNS) || removedTo;
  return { packed: packed.slice(0, count * NUMBERS), reportNo, next, ...(lostTo > 0 && { lost: lostTo }) };
}

/** The positions of a page, one at a time. */
export function* unpackPositions({ packed }: PositionPage): Generator<{ readonly symbol: number; readonly position: Position }> {
  for (let at = 0; at < packed.length; at += NUMBERS)
    yield { symbol: packed[at], position: new Position(packed.slice(at + 1, at + NUMBERS)) };
}
