import { once } from 'node:events';

/** Aborts with the first SIGINT or SIGTERM, for a command that follows something until then. A second one ends the process. */
export function interruption(): AbortSignal {
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());
  return interrupted.signal;
}

/**
 * Waits until the reader of stdout has taken most of what was printed, so that a slow one does not fill the memory.
 * @param stop ends the wait
 */
export async function outputTaken(stop?: AbortSignal): Promise<void> {
  if (!process.stdout.writableNeedDrain || stop?.aborted) return;
  try {
    await once(process.stdout, 'drain', { signal: stop });
  } catch (error) {
    if (!stop?.aborted) throw error;
  }
}
