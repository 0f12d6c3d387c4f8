import { parentPort, workerData } from 'node:worker_threads';
import { listSegments } from '../../../engine/journal/log-format.ts';
import type { PreparedHistory, PrepareFailure, PrepareStart } from './prepare.ts';
import { setHistoryAside } from './set-aside.ts';
import { beginHistoryAt } from './store.ts';
import { checkStore } from './store-check.ts';

/** Thread entry of `prepareHistory`. */
async function prepare({ dataDir, limits }: PrepareStart): Promise<PreparedHistory> {
  const { fault, watermark, verified } = checkStore(dataDir);
  const setAside = fault === undefined ? undefined : { reason: fault, kept: setHistoryAside(dataDir) };
  const nothingLost = { watermark, setAside, lostToSeq: 0, verified };
  // Almost every log begins with command 1. The others need a whole state, whose code takes a good part of a start to load.
  if ((listSegments(dataDir)[0]?.firstSeq ?? 1) === 1) return nothingLost;
  const { stateWhereLogBegins } = await import('../../../engine/threads/log-start.ts');
  const begins = stateWhereLogBegins(dataDir, limits, watermark);
  if (begins === undefined) return nothingLost;
  await beginHistoryAt(dataDir, begins.seq, begins.lastReportNo, begins.balances);
  return { watermark: begins.seq, setAside, lostToSeq: begins.seq, verified };
}

if (parentPort !== null) {
  const port = parentPort;
  prepare(workerData as PrepareStart).then(
    (prepared) => port.postMessage(prepared),
    ({ message, name, code }: Error & { code?: string }) => port.postMessage({ failed: message, name, code } satisfies PrepareFailure),
  );
}
