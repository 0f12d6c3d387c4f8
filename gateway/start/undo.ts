import type { Logger } from '../log.ts';

/** Time in which a start that has failed stops what it started, ms. */
const UNDO_MS = 5000;

/** What a start has to stop again if it fails. */
export class Undo {
  readonly #steps: (() => unknown)[] = [];

  /** Adds a step: it runs before those that were added earlier. */
  push(step: () => unknown): void {
    this.#steps.push(step);
  }

  /** Stops what was started, last first. After {@link UNDO_MS} the rest stays, with the lock: a thread that hangs may still write. */
  async run(log: Logger): Promise<void> {
    const late = Promise.withResolvers<true>();
    const timer = setTimeout(() => late.resolve(true), UNDO_MS);
    for (const step of this.#steps.reverse()) {
      const stopped = (async () => void (await step()))().catch((error: Error) => log.error({ err: error }, 'a part did not stop cleanly'));
      if ((await Promise.race([stopped, late.promise])) !== undefined) break;
    }
    clearTimeout(timer);
  }
}
