const asked = new AbortController();
let listening = false;

/**
 * From the first call on SIGINT and SIGTERM abort what this returns, and a
 * second one ends the process. Call it before anything that takes time: process
 * 1 of a container has no default for signals, one that nobody listens for is lost.
 */
export function stopSignal(): AbortSignal {
  if (!listening) for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, onSignal);
  listening = true;
  return asked.signal;
}

function onSignal(signal: NodeJS.Signals): void {
  if (asked.signal.aborted) process.exit(signal === 'SIGINT' ? 130 : 143);
  process.stderr.write('openbell: stopping; once more to end at once\n');
  asked.abort();
}
