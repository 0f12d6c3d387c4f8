/** Most bytes and frames that wait for one snapshot. At 10 frames/s of 10 KB, the bytes last for over a minute. */
const MAX_BYTES = 8 * 2 ** 20;
const MAX_FRAMES = 4096;
const FIRST_BYTES = 16 * 1024;

/** Frames that arrived before the snapshot that they belong behind, as copies. Its memory grows by doubling and is released by {@link clear}. */
export class PendingFrames {
  #bytes = new Uint8Array(0);
  /** Where each frame ends. */
  readonly #ends: number[] = [];

  get count(): number {
    return this.#ends.length;
  }

  /** @returns false if there is no room: nothing is kept of the frame */
  push(frame: Uint8Array): boolean {
    const from = this.#ends.at(-1) ?? 0;
    const to = from + frame.length;
    if (to > MAX_BYTES || this.#ends.length === MAX_FRAMES) return false;
    if (to > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(FIRST_BYTES, this.#bytes.length * 2, to));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes.set(frame, from);
    this.#ends.push(to);
    return true;
  }

  /** A view, valid until the next change. @param index in [0, count) */
  frame(index: number): Uint8Array {
    return this.#bytes.subarray(index === 0 ? 0 : this.#ends[index - 1], this.#ends[index]);
  }

  clear(): void {
    this.#bytes = new Uint8Array(0);
    this.#ends.length = 0;
  }
}
