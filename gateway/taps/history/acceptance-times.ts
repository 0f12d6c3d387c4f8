import { acceptedOrderId } from '../../../engine/wire/report-view.ts';
import { findAnswer, keptRange } from './answer-search.ts';
import { SCAN_LIMIT } from './queries.ts';
import type { HistoryStore } from './store.ts';

/** When orders of an account were accepted, as far as the history has it. */
export interface AcceptanceTimes {
  /** Microseconds since the Unix epoch, in the order of the ids that were asked for; 0 = not found. */
  readonly times: Float64Array;
  /** Number of the account's newest report in the history; 0 for none. */
  readonly newest: number;
}

/**
 * Finds the acceptances by halving, because the ids of accepted orders grow with the numbers of their reports: first that of the order in the
 * middle, which divides the reports for the orders before and after it.
 * @param orderIds ascending
 * @param most reports of other kinds that are read; beyond it, orders are not found
 */
export function acceptanceTimes(store: HistoryStore, account: number, orderIds: Float64Array, most = SCAN_LIMIT): AcceptanceTimes {
  const times = new Float64Array(orderIds.length);
  const { low: oldest, high: end } = keptRange(store, account);
  let left = most;
  /** Orders `from` to `to`, of reports `low` to `high`, without the last ones. */
  const search = (from: number, to: number, low: number, high: number): void => {
    if (from === to || low >= high || left <= 0) return;
    const middle = (from + to) >> 1;
    const { no, found, timeUs, stopped, scanned } = findAnswer(store, account, orderIds[middle], acceptedOrderId, left, { low, high });
    left -= scanned;
    if (stopped) return;
    times[middle] = timeUs;
    search(from, middle, low, no);
    search(middle + 1, to, found ? no + 1 : no, high);
  };
  search(0, orderIds.length, oldest, end);
  return { times, newest: end - 1 };
}
