import { type RingHandle, RingProducer, type RingSlots } from './ring.ts';

const FIRST_SPILL_SLOTS = 1024;

/**
 * A producer whose `claim` always succeeds. One command can emit more records
 * than the ring holds (an order that sweeps a deep book), and matching cannot
 * stop and resume. Records that do not fit go, in order, into a private overflow
 * buffer. The owner moves them into the ring with `drain` before it takes the
 * next command. A book of N orders bounds the overflow to a small multiple of N
 * records; the buffer grows only in that rare case.
 *
 * Same thread rules as {@link RingProducer}.
 */
export class SpillingProducer {
  readonly slots: RingSlots;
  readonly #ring: RingProducer;
  /** The slot after the last slot of the ring; private to the producer. */
  readonly #scratch: number;
  #spill = new Uint8Array(0);
  #spilled = 0;
  #moved = 0;
  /** 1 = the scratch slot has a record. A number, because V8 tests a boolean field for every falsy value. */
  #scratchInUse = 0;
  /** Total of records that went through the overflow buffer. */
  spilledTotal = 0;

  constructor(handle: RingHandle) {
    this.#ring = new RingProducer(handle);
    this.slots = this.#ring.slots;
    this.#scratch = handle.capacity;
  }

  /** Index of a slot to fill. The previous slot must be complete. */
  claim(): number {
    if ((this.#spilled | this.#scratchInUse) === 0) {
      const slot = this.#ring.tryClaim();
      if (slot !== -1) return slot;
    }
    this.#keepScratch();
    this.#scratchInUse = 1;
    return this.#scratch;
  }

  /** Publishes to the consumers all records that fit into the ring. */
  publish(): void {
    if (this.#scratchInUse !== 0) this.#keepScratch();
    this.#ring.publish();
  }

  /** Moves records from the overflow buffer into the ring. Returns true if none is left; the owner must not continue before. */
  drain(): boolean {
    if (this.#spilled === 0) return true;
    const { u8, slotBytes } = this.slots;
    while (this.#moved < this.#spilled) {
      const slot = this.#ring.tryClaim();
      if (slot === -1) break;
      const from = this.#moved++ * slotBytes;
      u8.set(this.#spill.subarray(from, from + slotBytes), slot * slotBytes);
    }
    this.#ring.publish();
    if (this.#moved < this.#spilled) return false;
    this.#moved = 0;
    this.#spilled = 0;
    return true;
  }

  /** Records in the overflow buffer, as of the last `publish` or `drain`. */
  get waiting(): number {
    return this.#spilled - this.#moved;
  }

  depth(): number {
    return this.#ring.depth();
  }

  #keepScratch(): void {
    if (this.#scratchInUse === 0) return;
    this.#scratchInUse = 0;
    const { u8, slotBytes } = this.slots;
    const at = this.#spilled * slotBytes;
    if (at + slotBytes > this.#spill.length) {
      const larger = new Uint8Array(Math.max(FIRST_SPILL_SLOTS * slotBytes, this.#spill.length * 2));
      larger.set(this.#spill);
      this.#spill = larger;
    }
    this.#spill.set(u8.subarray(this.#scratch * slotBytes, (this.#scratch + 1) * slotBytes), at);
    this.#spilled++;
    this.spilledTotal++;
  }
}
