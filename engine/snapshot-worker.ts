/**
 * Takes a snapshot without touching the engine: a copy of the state machine in
 * a thread of its own replays newest snapshot + log up to `targetSeq` and
 * writes what it got. Same commands, same state. Costs memory for a second
 * state while it runs, and no pause of trading.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { loadSnapshot, writeSnapshot } from './engine-core.ts';
import { Exchange } from './exchange.ts';
import type { Limits } from './limits.ts';
import { replayLog } from './replay-log.ts';

export interface SnapshotThreadData {
  readonly dir: string;
  readonly limits: Limits;
  /** Durable by now. */
  readonly targetSeq: number;
}

export interface SnapshotTaken {
  readonly seq: number;
  readonly path: string;
  readonly milliseconds: number;
}

const { dir, limits, targetSeq } = workerData as SnapshotThreadData;
const started = performance.now();
const exchange = new Exchange(limits);
const from = loadSnapshot(exchange, dir, targetSeq, []);
replayLog(exchange, dir, from + 1, targetSeq);
const path = writeSnapshot(exchange, dir);
parentPort?.postMessage({ seq: exchange.seq, path, milliseconds: performance.now() - started } satisfies SnapshotTaken);
