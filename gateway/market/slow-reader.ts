export interface SlowReaderPolicy {
  /** Bytes that may wait for one reader, on top of a snapshot in flight, before it counts as lagging. */
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
 * Decides about one reader, from what waits in its socket. Pure: bytes and
 * times come from the caller (ms of any monotonic clock).
 *
 *   in step ──over the limit──▶ lagging ──half drained──▶ in step, re-synced by snapshots
 *                                  │ for too long               │ too often
 *                                  └───────────▶ cut ◀──────────┘
 */
export class SlowReader {
  readonly #policy: SlowReaderPolicy;
  lagging = false;
  #since = 0;
  /** Since when a wanted snapshot waits for room. */
  #noRoomSince = Number.POSITIVE_INFINITY;
  /** A snapshot may be larger than the soft limit, and a reader is not slow because a book is deep: it waits on top. */
  #snapshotBytes = 0;
  /** Times of the last re-syncs, a ring of `resyncLimit` + 1; allocated with the first. */
  #resyncs: number[] | undefined;
  #resyncAt = 0;

  constructor(policy: SlowReaderPolicy) {
    this.#policy = policy;
  }

  /** Whether the reader may be sent more, with `buffered` bytes waiting. False: drop it; the reader lags from now on. */
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

  /** Whether a reader that wants a snapshot may be sent it now; one that never makes room for it is cut, too. */
  hasRoom(buffered: number, now: number): boolean {
    const room = !this.lagging && buffered <= this.#policy.softLimitBytes;
    if (room) this.#noRoomSince = Number.POSITIVE_INFINITY;
    else if (now < this.#noRoomSince) this.#noRoomSince = now;
    return room;
  }

  /** A snapshot was put on its way. */
  snapshot(bytes: number): void {
    this.#snapshotBytes += bytes;
  }

  /** True when a lagging reader has drained and is to be re-synced. */
  drained(buffered: number, now: number): boolean {
    if (!this.lagging || buffered > this.#policy.softLimitBytes / 2) return false;
    this.lagging = false;
    this.#snapshotBytes = 0;
    this.#resyncs ??= new Array(this.#policy.resyncLimit + 1).fill(Number.NEGATIVE_INFINITY);
    this.#resyncs[this.#resyncAt] = now;
    this.#resyncAt = (this.#resyncAt + 1) % this.#resyncs.length;
    return true;
  }

  /** Why the reader is to be cut, or undefined. */
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
