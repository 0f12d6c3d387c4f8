/** Interval at which work in steps returns to the event loop, in milliseconds. */
const TURN_MS = 20;

/**
 * Runs work that is divided into steps. The event loop turns between steps, so that signals and messages are processed.
 * @returns undefined if the work was abandoned because `stopRequested` returned true between two steps
 */
export async function inTurns<T>(work: Generator<undefined, T>, stopRequested: () => boolean): Promise<T | undefined> {
  try {
    for (let turned = performance.now(); ; ) {
      const { done, value } = work.next();
      if (done) return value;
      if (performance.now() - turned < TURN_MS) continue;
      await new Promise(setImmediate);
      if (stopRequested()) return undefined;
      turned = performance.now();
    }
  } finally {
    work.return(undefined as never);
  }
}

/** Runs the same work without turns of the event loop between its steps. Blocks. */
export function atOnce<T>(work: Generator<undefined, T>): T {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}
