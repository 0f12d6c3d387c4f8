/**
 * Takes a snapshot without the engine. A copy of the state machine, in a separate
 * thread, replays the newest snapshot and the log up to `targetSeq`, and writes
 * its state. The same commands give the same state. It takes memory for a second
 * state and a tenth of a core while it runs, and does not pause trading.
 */
import { existsSync, rmSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { snapshotPath } from '../journal/snapshot-files.ts';
import type { Limits } from '../limits.ts';
import { Exchange } from '../machine/exchange.ts';
import { stateHash } from '../machine/state-rows.ts';
import { DutyLimit } from './duty-limit.ts';
import { loadOldestSnapshot, loadSnapshot, pruneOldSnapshots, writeSnapshot } from './engine-core.ts';
import { firstLoggedSeq } from './log-start.ts';
import { replayLog } from './replay-log.ts';

export interface SnapshotThreadData {
  readonly dir: string;
  readonly limits: Limits;
  /** Last seq of the snapshot. Must be durable. */
  readonly targetSeq: number;
  /**
   * Reads the file back into a second copy, and compares it with the first, which started from the oldest snapshot in the
   * directory (or from command 1, if there is no older one) and replayed the log. Takes the memory of a third state.
   */
  readonly verify: boolean;
  /** The history holds the reports up to this command; undefined: not known. */
  readonly historySeq: number | undefined;
  /** Word of its {@link DutyLimit}. */
  readonly lift: SharedArrayBuffer;
}

export interface SnapshotTaken {
  readonly seq: number;
  readonly path: string;
  readonly milliseconds: number;
  /** It was verified: see {@link SnapshotThreadData.verify}. */
  readonly verified: boolean;
}

/** The state in a snapshot file is not the one that the log gives. */
class SnapshotDivergedError extends Error {
  readonly code = 'SNAPSHOT_DIVERGED';

  constructor(path: string, expected: string, found: string) {
    super(`The snapshot ${path} has state ${found}, but the log gives ${expected}. It is not used to remove any part of the log.`);
    this.name = 'SnapshotDivergedError';
  }
}

const { dir, limits, targetSeq, verify, historySeq, lift } = workerData as SnapshotThreadData;
const started = performance.now();
const limit = new DutyLimit(lift);
const rest = (): void => limit.rest();
const exchange = new Exchange(limits);
const from = verify ? oldestBefore(targetSeq) : loadSnapshot(exchange, dir, targetSeq, [], rest);
replayLog(exchange, dir, from + 1, targetSeq, rest);
const path = snapshotPath(dir, exchange.seq);
const present = verify && existsSync(path);
if (!present) writeSnapshot(exchange, dir, rest);
if (verify) compare(present);
pruneOldSnapshots(dir, exchange.seq, historySeq);
parentPort?.postMessage({ seq: exchange.seq, path, milliseconds: performance.now() - started, verified: verify } satisfies SnapshotTaken);

function oldestBefore(seq: number): number {
  return loadOldestSnapshot(exchange, dir, firstLoggedSeq(dir) - 1, seq - 1, [], rest) ?? loadSnapshot(exchange, dir, 0, [], rest);
}

/** @throws SnapshotDivergedError; a file that this thread wrote is removed again */
function compare(present: boolean): void {
  const copy = new Exchange(limits);
  const loaded = loadSnapshot(copy, dir, exchange.seq, [], rest);
  const expected = stateHash(exchange);
  const found = loaded === exchange.seq ? stateHash(copy) : 'that cannot be read';
  if (found === expected) return;
  if (!present) rmSync(path);
  throw new SnapshotDivergedError(path, expected, found);
}
