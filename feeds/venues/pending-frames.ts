/** Most bytes and frames that wait for one snapshot: over a minute of changes that come ten times a second. */
const MAX_BYTES = 2 ** 20;
const MAX_FRAMES = 1024;
const FIRST_BYTES = 16 * 1024;

/**
 * Frames that arrived before the snapshot that they belong behind, as copies. When there is no room, the older half is
 * forgotten: a snapshot includes all that is older than it. Its memory grows by doubling and is released by {@link clear}.
 */
export class PendingFrames {
  #bytes = new Uint8Array(0);
  /** Where each frame ends. */
  #ends: number[] = [];

  get count(): number {
    return this.#ends.length;
  }

  /** @returns false if the frame is larger than all the room there may be: nothing is kept then */
  push(frame: Uint8Array): boolean {
    if (frame.length > MAX_BYTES) {
      this.clear();
      return false;
    }
    while (this.#ends.length === MAX_FRAMES || this.#used() + frame.length > MAX_BYTES) this.#forget(Math.ceil(this.#ends.length / 2));
    const from = this.#used();
    const to = from + frame.length;
    if (to > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(FIRST_BYTES, this.#bytes.length * 2, to));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes.set(frame, from);
    this.#ends.push(to);
    return true;
  }

  /** A view, valid until the next {@link push}. @param index in [0, count), oldest first */
  frame(index: number): Uint8Array {
    return this.#bytes.subarray(index === 0 ? 0 : this.#ends[index - 1], this.#ends[index]);
  }

  clear(): void {
    this.#bytes = new Uint8Array(0);
    this.#ends = [];
  }

  #used(): number {
    return this.#ends.at(-1) ?? 0;
  }

  /** Forgets the oldest frames. */
  #forget(count: number): void {
    const from = this.#ends[count - 1];
    this.#bytes.copyWithin(0, from, this.#used());
    this.#ends = this.#ends.slice(count).map((end) => end - from);
  }
}
