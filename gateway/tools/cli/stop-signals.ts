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
  if (stop.signal.aborted) process.exit(signal === 'SIGINT' ? 130 : 143);
  process.stderr.write('openbell: stopping; repeat to end at once\n');
  stop.abort();
}
