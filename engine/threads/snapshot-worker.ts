/**
 * Takes a snapshot without the engine. A copy of the state machine, in a separate
 * thread, replays the newest snapshot and the log up to `targetSeq`, and writes
 * its state. The same commands give the same state. It takes memory for a second
 * state and a tenth of a core while it runs, and does not pause trading.
 */
import { parentPort, workerData } from 'node:worker_threads';
import type { Limits } from '../limits.ts';
import { Exchange } from '../machine/exchange.ts';
import { DutyLimit } from './duty-limit.ts';
import { loadSnapshot, writeSnapshot } from './engine-core.ts';
import { replayLog } from './replay-log.ts';

export interface SnapshotThreadData {
  readonly dir: string;
  readonly limits: Limits;
  /** Last seq of the snapshot. Must be durable. */
  readonly targetSeq: number;
  /** Word of its {@link DutyLimit}. */
  readonly lift: SharedArrayBuffer;
}

export interface SnapshotTaken {
  readonly seq: number;
  readonly path: string;
  readonly milliseconds: number;
}

const { dir, limits, targetSeq, lift } = workerData as SnapshotThreadData;
const started = performance.now();
const limit = new DutyLimit(lift);
const rest = (): void => limit.rest();
const exchange = new Exchange(limits);
const from = loadSnapshot(exchange, dir, targetSeq, [], rest);
replayLog(exchange, dir, from + 1, targetSeq, rest);
const path = writeSnapshot(exchange, dir, rest);
parentPort?.postMessage({ seq: exchange.seq, path, milliseconds: performance.now() - started } satisfies SnapshotTaken);
