import { IncompleteLogError } from '../journal/log-damage.ts';
import { listSegments } from '../journal/log-format.ts';
import { readLogId } from '../journal/log-id.ts';
import { readNewestSnapshot } from '../journal/snapshot-files.ts';
import { CapacityError, type Limits } from '../limits.ts';
import { Exchange } from '../machine/exchange.ts';
import { ROW_FIELDS } from '../machine/state-rows.ts';
import type { Accounts } from '../rules/accounts.ts';
import type { Money, Seq } from '../units.ts';
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
  /** What accounts have, reserved or not, in the smallest unit of the asset; those with nothing of an asset are left out. */
  readonly balances: readonly OpeningBalance[];
}

export interface OpeningBalance {
  readonly account: number;
  readonly asset: number;
  readonly balance: Money;
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
    const { accounts } = exchange;
    return { seq, lastReportNo: Float64Array.from(accounts.reportNo), balances: balancesOf(accounts) };
  } catch (error) {
    throw error instanceof CapacityError ? withLargestCapacities(dir, error, limits) : error;
  }
}

function balancesOf(accounts: Accounts): OpeningBalance[] {
  const found: OpeningBalance[] = [];
  for (let account = 1; account < accounts.capacity; account++)
    for (let asset = 1; asset < accounts.assets; asset++) {
      const at = accounts.balanceAt(account, asset);
      const balance = accounts.balances[at] + accounts.balances[at + 1];
      if (balance !== 0) found.push({ account, asset, balance });
    }
  return found;
}

/** The log begins late, and no snapshot has the state of its beginning. */
export function noSnapshotReaches(dir: string, first: Seq): IncompleteLogError {
  return new IncompleteLogError(
    dir,
    `it starts with command ${first}, and no good snapshot holds the commands up to ${first - 1} or later ones`,
    'Put the older log files, or a snapshot, back from a copy.',
  );
}
