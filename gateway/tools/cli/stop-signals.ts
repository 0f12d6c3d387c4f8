import { errorOutput } from '../../lossy-output.ts';
import { endNow, endWithin } from './end.ts';
import { ExitCode } from './exit.ts';

/** Longest graceful stop: draining, the final snapshot and the history. More than the grace period that mesh/base gives a pod. */
const GRACE_MS = 120_000;

const stop = new AbortController();
let listening = false;

/**
 * After the first call SIGINT and SIGTERM abort the returned signal, and a second
 * one ends the process. Call it before anything that takes time: process 1 of a
 * container has no default signal handling, so a signal without a handler is lost.
 */
export function stopSignal(): AbortSignal {
  if (!listening) for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, onSignal);
  listening = true;
  return stop.signal;
}

function onSignal(signal: NodeJS.Signals): void {
  if (stop.signal.aborted) endNow(signal === 'SIGINT' ? 130 : 143);
  errorOutput.write('openbell: stopping; repeat to end at once\n');
  endWithin(GRACE_MS, ExitCode.Failed);
  stop.abort();
}
