import type { DeepSnapshot } from './deep-snapshot.ts';
import type { MarketFormat } from './formats/format.ts';

export const JobStage = {
  /** Starts in a flush. */
  Due: 0,
  /** Reads the book, in steps. */
  Reading: 1,
  /** The book is read; the moment that the snapshot shows is fixed in a flush. */
  Read: 2,
  /** Is written as a frame, in steps. */
  Encoding: 3,
  /** Is sent in the next flush. */
  Ready: 4,
} as const;
export type JobStage = (typeof JobStage)[keyof typeof JobStage];

/** Most bytes of deltas that are kept for the readers of one snapshot. */
const MAX_TAIL_BYTES = 16 * 1024 * 1024;

/**
 * A snapshot of one channel in one format that is made in steps, for all readers that wait for it.
 * The types of feed and reader are parameters, because a feed refers to its job.
 */
export class SnapshotJob<Feed, Reader> {
  readonly feed: Feed;
  readonly format: MarketFormat;
  stage: JobStage = JobStage.Due;
  source: DeepSnapshot | undefined;
  /** Readers that wait for the end of this job, also those of another format: they have the next one. */
  readonly waiters = new Set<Reader>();
  /** The snapshot when it is ready, and the deltas since. */
  readonly frames: Uint8Array[] = [];
  /** Updates are missing, or there are too many: it is made again. */
  spoiled = false;
  /** ms of the monotonic clock. */
  startedAt = 0;
  #tailBytes = 0;

  constructor(feed: Feed, format: MarketFormat) {
    this.feed = feed;
    this.format = format;
  }

  /** Keeps a copy of a delta since the moment that the snapshot shows. */
  keep(delta: Uint8Array): void {
    this.#tailBytes += delta.length;
    this.frames.push(delta.slice());
    if (this.#tailBytes > MAX_TAIL_BYTES) this.spoiled = true;
  }

  /** The work, until the job is spoiled. */
  *until<T>(work: Generator<undefined, T>): Generator<undefined, T | undefined> {
    for (;;) {
      if (this.spoiled) return undefined;
      const { done, value } = work.next();
      if (done) return value;
      yield;
    }
  }
}
