/**
 * Memory for what is sent: messages are laid one behind the other, and `take`
 * hands out what came since the last time. A write keeps its bytes until the
 * kernel has them, so bytes are used again only after all the others were:
 * the owner stops when half of the arena waits.
 */
export class SendArena {
  readonly bytes: Buffer;
  #from = 0;
  #to = 0;

  /** @param size bytes */
  constructor(size: number) {
    this.bytes = Buffer.alloc(size);
  }

  /** Room for `length` bytes: the position of the first. */
  reserve(length: number): number {
    if (this.#to + length > this.bytes.length) {
      if (this.#to - this.#from + length > this.bytes.length) throw new RangeError('the send arena is too small for one turn');
      // The end is too short: what was added in this turn moves to the start.
      this.bytes.copyWithin(0, this.#from, this.#to);
      this.#to -= this.#from;
      this.#from = 0;
    }
    const at = this.#to;
    this.#to += length;
    return at;
  }

  /** What was reserved and filled since the last call; empty when nothing was. */
  take(): Buffer {
    const taken = this.bytes.subarray(this.#from, this.#to);
    this.#from = this.#to;
    return taken;
  }
}
