export interface SlowReaderPolicy {
  /** Maximum buffered bytes of a reader, in addition to a snapshot in flight, before it counts as lagging. */
  readonly softLimitBytes: number;
  /** A reader that lags longer than this is cut. */
  readonly lagLimitMs: number;
  /** A reader that needs more re-syncs than this ... */
  readonly resyncLimit: number;
  /** ... within this time is cut. */
  readonly resyncWindowMs: number;
}

export const DEFAULT_SLOW_READER: SlowReaderPolicy = {
  softLimitBytes: 256 * 1024,
  lagLimitMs: 5000,
  resyncLimit: 10,
  resyncWindowMs: 60_000,
};

/**
 * The slow-reader policy for one reader, based on its buffered bytes. Pure: bytes
 * and times come from the caller (ms of any monotonic clock).
 *
 *   in step ──over the limit──▶ lagging ──half drained──▶ in step, re-synced by snapshots
 *                                  │ for too long               │ too often
 *                                  └───────────▶ cut ◀──────────┘
 */
export class SlowReader {
  readonly #policy: SlowReaderPolicy;
  lagging = false;
  #since = 0;
  /** Start of the wait for room for a snapshot. */
  #noRoomSince = Number.POSITIVE_INFINITY;
  /** Bytes of a snapshot in flight, allowed in addition to the soft limit, because a deep book does not make a reader slow. */
  #snapshotBytes = 0;
  /** Times of the last re-syncs, a ring of `resyncLimit` + 1; allocated by the first re-sync. */
  #resyncs: number[] | undefined;
  #resyncAt = 0;

  constructor(policy: SlowReaderPolicy) {
    this.#policy = policy;
  }

  /** Whether more may be sent to the reader, with `buffered` bytes waiting. False: drop the frames; the reader lags from now on. */
  admits(buffered: number, now: number): boolean {
    if (this.lagging) return false;
    if (buffered <= this.#policy.softLimitBytes) {
      this.#snapshotBytes = 0;
      return true;
    }
    if (buffered <= this.#policy.softLimitBytes + this.#snapshotBytes) return true;
    this.lagging = true;
    this.#since = now;
    return false;
  }

  /** Whether a wanted snapshot may be sent now. A reader that never has room for it is cut too. */
  hasRoom(buffered: number, now: number): boolean {
    const room = !this.lagging && buffered <= this.#policy.softLimitBytes;
    if (room) this.#noRoomSince = Number.POSITIVE_INFINITY;
    else if (now < this.#noRoomSince) this.#noRoomSince = now;
    return room;
  }

  /** Call when a snapshot was sent. */
  snapshot(bytes: number): void {
    this.#snapshotBytes += bytes;
  }

  /** True when a lagging reader has drained and must be re-synced. */
  drained(buffered: number, now: number): boolean {
    if (!this.lagging || buffered > this.#policy.softLimitBytes / 2) return false;
    this.lagging = false;
    this.#snapshotBytes = 0;
    this.#resyncs ??= new Array(this.#policy.resyncLimit + 1).fill(Number.NEGATIVE_INFINITY);
    this.#resyncs[this.#resyncAt] = now;
    this.#resyncAt = (this.#resyncAt + 1) % this.#resyncs.length;
    return true;
  }

  /** Reason to cut the reader, or undefined. */
  verdict(now: number): string | undefined {
    if (this.lagging && now - this.#since > this.#policy.lagLimitMs) return 'slow reader: lagged too long';
    if (now - this.#noRoomSince > this.#policy.lagLimitMs) return 'slow reader: took no snapshot for too long';
    // The slot that the next re-sync overwrites holds the oldest of the last limit + 1.
    if (this.#resyncs !== undefined && now - this.#resyncs[this.#resyncAt] <= this.#policy.resyncWindowMs) {
      return 'slow reader: too many re-syncs';
    }
    return undefined;
  }
}
