import { lstatSync } from 'node:fs';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { listSegments } from '../../../engine/journal/log-format.ts';
import type { Limits } from '../../../engine/limits.ts';
import { historyPath } from './store-paths.ts';

const SUFFIX = extname(import.meta.filename);

/** Data of the thread that checks the history. */
export interface PrepareStart {
  readonly dataDir: string;
  readonly limits: Limits;
}

/** An error as data: one that is thrown would lose its code between threads. */
export interface PrepareFailure {
  readonly failed: string;
  readonly name: string;
  readonly code: string | undefined;
}

/** What a start found in the history's directory. */
export interface PreparedHistory {
  /** Sequence up to which the store is complete: later reports must be published again. */
  readonly watermark: number;
  /** The store was damaged and was moved away; it is built again from the log. */
  readonly setAside: SetAside | undefined;
  /** Reports of commands up to this one are lost: the store does not have them, and log and snapshots begin later. 0 = none. */
  readonly lostToSeq: number;
  /** All runs were verified; otherwise the store is so large that the rest must be verified later. */
  readonly verified: boolean;
}

export interface SetAside {
  readonly reason: string;
  /** Directory that keeps the damaged store. */
  readonly kept: string;
}

/**
 * Checks the history of a data directory that this process has locked and no
 * other thread has open, before LMDB opens it. A damaged store is set aside. If
 * the log no longer begins with command 1, a new store begins where snapshot and
 * log do. The work is done in a thread, so that health checks are answered.
 *
 * @throws HistoryVersionError and errors of the journal, each with its code
 */
export function prepareHistory(dataDir: string, limits: Limits): Promise<PreparedHistory> {
  if (isNew(dataDir)) return Promise.resolve({ watermark: 0, setAside: undefined, lostToSeq: 0, verified: true });
  const workerData = { dataDir, limits } satisfies PrepareStart;
  const worker = new Worker(new URL(`prepare-worker${SUFFIX}`, import.meta.url), { workerData, name: 'history-check' });
  return new Promise((resolve, reject) => {
    worker.once('message', (message: PreparedHistory | PrepareFailure) => {
      if ('failed' in message) reject(Object.assign(new Error(message.failed), { code: message.code, name: message.name }));
      else resolve(message);
    });
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`The thread that checks the history ended with exit code ${code}.`)));
  });
}

/** Without a history and a log there is nothing to check, and no thread is started for it. */
function isNew(dataDir: string): boolean {
  return lstatSync(historyPath(dataDir), { throwIfNoEntry: false }) === undefined && listSegments(dataDir).length === 0;
}
