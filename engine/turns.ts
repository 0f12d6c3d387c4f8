/** How often a thread that works in steps hears of other things. ms */
const TURN_MS = 20;

/**
 * Does work that comes in steps, and lets the event loop turn between them: signals and messages are heard nowhere else.
 * @returns undefined when it was given up, because `stopAsked` between two steps
 */
export async function inTurns<T>(work: Generator<undefined, T>, stopAsked: () => boolean): Promise<T | undefined> {
  try {
    for (let turned = performance.now(); ; ) {
      const { done, value } = work.next();
      if (done) return value;
      if (performance.now() - turned < TURN_MS) continue;
      await new Promise(setImmediate);
      if (stopAsked()) return undefined;
      turned = performance.now();
    }
  } finally {
    work.return(undefined as never);
  }
}

/** The same work without a turn between its steps. Blocks. */
export function atOnce<T>(work: Generator<undefined, T>): T {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}
