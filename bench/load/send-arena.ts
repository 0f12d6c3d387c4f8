/**
 * Memory for outgoing messages: messages are stored one after the other, and `take`
 * returns those since the last call. A write keeps its bytes until the
 * kernel has them, so bytes are reused only after all the others:
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

  /** Reserves `length` bytes and returns the position of the first. */
  reserve(length: number): number {
    if (this.#to + length > this.bytes.length) {
      if (this.#to - this.#from + length > this.bytes.length) throw new RangeError('the send arena is too small for one turn');
      // The end is too short: the messages of this turn move to the start.
      this.bytes.copyWithin(0, this.#from, this.#to);
      this.#to -= this.#from;
      this.#from = 0;
    }
    const at = this.#to;
    this.#to += length;
    return at;
  }

  /** The bytes reserved and filled since the last call; may be empty. */
  take(): Buffer {
    const taken = this.bytes.subarray(this.#from, this.#to);
    this.#from = this.#to;
    return taken;
  }
}
