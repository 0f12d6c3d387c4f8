import { listSegments } from '../journal/log-format.ts';
import { hasExpiredSegment, removableSegments, removeSegments } from '../journal/log-retention.ts';
import type { Seq, TimeUs } from '../units.ts';
import type { SnapshotTaken } from './snapshot-worker.ts';

/** Between two passes. */
const EVERY_MS = 15 * 60_000;

export interface LogRetentionOptions {
  readonly dir: string;
  /** Segments whose commands are all older are removed, microseconds. */
  readonly keepUs: number;
  /** Time of the last command. Age counts from there or from the clock, whichever is earlier, so that a wrong one of them removes nothing. */
  readonly lastTimeUs: () => TimeUs;
  /** The last command. */
  readonly lastSeq: () => Seq;
  /** The history holds the reports up to this command. */
  readonly historySeq: () => Seq;
  /** Takes a snapshot of all durable commands and verifies it. */
  readonly snapshot: () => Promise<SnapshotTaken>;
  /** Called after a pass that removed segments, or failed. */
  readonly onPass: (result: RetentionPass | Error) => void;
}

export interface RetentionPass {
  /** Segments removed. */
  readonly removed: number;
  /** First command that the log has now. */
  readonly firstSeq: Seq;
}

/** Removes old segments of the log while the exchange runs, behind verified snapshots. I/O thread. */
export class LogRetention {
  readonly #options: LogRetentionOptions;
  #timer: NodeJS.Timeout | undefined;
  #pass: Promise<RetentionPass> | undefined;
  #removed = 0;
  /** The last command at the last complete pass. Without a later one, another snapshot would allow nothing more. */
  #triedSeq = -1;

  constructor(options: LogRetentionOptions) {
    this.#options = options;
  }

  /** Starts the passes, the first one now. */
  start(): void {
    this.#timer = setInterval(() => this.#begin(), EVERY_MS).unref();
    this.#begin();
  }

  /** No pass begins any more. Resolves when the one under way has ended. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#pass?.catch(() => undefined);
  }

  /** Segments removed since the start. */
  get removed(): number {
    return this.#removed;
  }

  /** One pass now, or the one under way. */
  run(): Promise<RetentionPass> {
    this.#pass ??= this.#run().finally(() => {
      this.#pass = undefined;
    });
    return this.#pass;
  }

  #begin(): void {
    const { onPass } = this.#options;
    this.run().then((pass) => pass.removed > 0 && onPass(pass), onPass);
  }

  async #run(): Promise<RetentionPass> {
    const { dir, keepUs, lastTimeUs, lastSeq, historySeq, snapshot } = this.#options;
    const beforeUs = Math.min(lastTimeUs(), Date.now() * 1000) - keepUs;
    let removed = 0;
    const atSeq = lastSeq();
    if (atSeq !== this.#triedSeq && hasExpiredSegment(dir, beforeUs)) {
      const { seq, verified } = await snapshot();
      const segments = verified ? removableSegments(dir, { verifiedSeq: seq, historySeq: historySeq(), beforeUs }) : [];
      await removeSegments(dir, segments);
      this.#triedSeq = atSeq;
      removed = segments.length;
      this.#removed += removed;
    }
    return { removed, firstSeq: listSegments(dir)[0]?.firstSeq ?? 1 };
  }
}
