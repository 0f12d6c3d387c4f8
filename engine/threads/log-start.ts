import { IncompleteLogError } from '../journal/log-damage.ts';
import { listSegments } from '../journal/log-format.ts';
import { readLogId } from '../journal/log-id.ts';
import { readNewestSnapshot } from '../journal/snapshot-files.ts';
import { CapacityError, type Limits } from '../limits.ts';
import { Exchange } from '../machine/exchange.ts';
import { ROW_FIELDS } from '../machine/state-rows.ts';
import type { Seq } from '../units.ts';
import { loadOldestSnapshot } from './engine-core.ts';
import { withLargestCapacities } from './logged-configurations.ts';

/** The first command that the log still has; 1 if nothing is missing before it. */
export function firstLoggedSeq(dir: string): Seq {
  return listSegments(dir)[0]?.firstSeq ?? 1;
}

/** The state of the oldest snapshot from which the log can be replayed. */
export interface LogStart {
  /** The last command whose effects it contains. */
  readonly seq: Seq;
  /** Number of each account's last report. */
  readonly lastReportNo: Float64Array;
}

/**
 * Where the reports after command `afterSeq` can be published again, if not all
 * of them can: the log begins later, and no snapshot lies between its beginning
 * and `afterSeq`. Undefined if all can. Needs the memory of a state. Blocks.
 *
 * @throws IncompleteLogError if no snapshot reaches the beginning of the log; NewerSnapshotError; CapacityError
 */
export function stateWhereLogBegins(dir: string, limits: Limits, afterSeq: Seq): LogStart | undefined {
  const first = firstLoggedSeq(dir);
  if (first === 1) return undefined;
  const expected = { logId: readLogId(dir), rowWidth: ROW_FIELDS };
  const ignore = () => undefined;
  if (readNewestSnapshot(dir, afterSeq, expected, ignore, ignore, first - 1) !== undefined) return undefined;
  const exchange = new Exchange(limits);
  try {
    const seq = loadOldestSnapshot(exchange, dir, first - 1, Number.POSITIVE_INFINITY, []);
    if (seq === undefined) throw noSnapshotReaches(dir, first);
    return { seq, lastReportNo: Float64Array.from(exchange.accounts.reportNo) };
  } catch (error) {
    throw error instanceof CapacityError ? withLargestCapacities(dir, error, limits) : error;
  }
}

/** The log begins late, and no snapshot has the state of its beginning. */
export function noSnapshotReaches(dir: string, first: Seq): IncompleteLogError {
  return new IncompleteLogError(
    dir,
    `it starts with command ${first}, and no good snapshot holds the commands up to ${first - 1} or later ones`,
    'Put the older log files, or a snapshot, back from a copy.',
  );
}
