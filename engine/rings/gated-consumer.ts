import { assert } from '../assert.ts';
import type { RingConsumer, RingSlots } from './ring.ts';

/** The low 32 bits of a sequence that another thread moves forward. Read with Atomics, compared by difference. */
export interface SeqCell {
  readonly words: Int32Array;
  readonly index: number;
}

/** The layout of the records in the ring of a gated consumer. */
export interface GateSpec {
  /** Bytes of a record; equal to the bytes of a slot. */
  readonly recordBytes: number;
  /** Byte offset, in a record, of the seq of the command that caused it. */
  readonly seqAt: number;
  /** Encoding of the seq: a 64-bit integer, or a double. */
  readonly seqAs: 'i64' | 'f64';
  /** The last durable seq: records of later commands stay in the ring. Undefined: none are held back. */
  readonly durable: SeqCell | undefined;
  /** A poll that has reached its limit continues to the last record of the current command. */
  readonly wholeCommands: boolean;
}

/**
 * The gate between the engine and everything that leaves the process. It takes
 * a record off a ring only if the command that caused the record is durable.
 * Records are in the order of their commands, so the first record that is not
 * durable ends the poll. One thread owns the consumer.
 *
 * ```ts
 * gate.begin(limit);
 * for (let slot = gate.next(); slot !== -1; slot = gate.next()) take(gate.slots, slot);
 * gate.release();
 * ```
 */
export class GatedConsumer {
  readonly ring: RingConsumer;
  readonly slots: RingSlots;
  /** Records that this poll has returned. */
  taken = 0;
  readonly #i32: Int32Array;
  readonly #f64: Float64Array;
  readonly #isDouble: boolean;
  /** Size of a record and offset of its seq, counted in words or in doubles. */
  readonly #stride: number;
  readonly #at: number;
  /** The durable seq; not used without a gate. */
  readonly #durable: Int32Array;
  readonly #durableAt: number;
  readonly #gated: boolean;
  readonly #wholeCommands: boolean;
  #limit = 0;
  #durableLow = 0;
  /** Low 32 bits of the seq of the last record that `next` returned. */
  #seqLow = 0;

  constructor(ring: RingConsumer, { recordBytes, seqAt, seqAs, durable, wholeCommands }: GateSpec) {
    assert(ring.slots.slotBytes === recordBytes, 'gated consumer: a slot holds one record');
    this.ring = ring;
    this.slots = ring.slots;
    this.#i32 = ring.slots.i32;
    this.#f64 = ring.slots.f64;
    this.#isDouble = seqAs === 'f64';
    const unit = this.#isDouble ? 8 : 4;
    this.#stride = recordBytes / unit;
    this.#at = seqAt / unit;
    assert(Number.isInteger(this.#at) && seqAt + 8 <= recordBytes, 'gated consumer: the seq stands aligned inside the record');
    this.#durable = durable?.words ?? this.#i32;
    this.#durableAt = durable?.index ?? 0;
    this.#gated = durable !== undefined;
    this.#wholeCommands = wholeCommands;
  }

  /** Begins a poll of up to `limit` records, up to the present durable seq. */
  begin(limit: number): void {
    this.taken = 0;
    this.#limit = limit;
    if (this.#gated) this.#durableLow = Atomics.load(this.#durable, this.#durableAt);
  }

  /** Slot of the next durable record, valid until `release`; -1 if this poll has no more. */
  next(): number {
    const slot = this.ring.peek();
    if (slot === -1) return -1;
    const low = this.#isDouble ? this.#f64[slot * this.#stride + this.#at] | 0 : this.#i32[slot * this.#stride + this.#at];
    if (this.taken >= this.#limit && (!this.#wholeCommands || low !== this.#seqLow)) return -1;
    if (this.#gated && ((this.#durableLow - low) | 0) < 0) return -1;
    this.#seqLow = low;
    this.taken++;
    this.ring.advance();
    return slot;
  }

  /** Releases the records taken so far to the producer. */
  release(): void {
    this.ring.release();
  }
}
