import { assert } from '../assert.ts';

/**
 * A ring of fixed-size slots in shared memory: one producer, one or more
 * consumers that each see every slot (the log and the engine read the same
 * commands). A slot is reused when the slowest consumer has released it.
 *
 * Counting model: a cursor counts slots since the start, modulo 2^32, in an
 * Int32. `(a - b) | 0` is the distance between two cursors as long as it is
 * below 2^31, which the capacity guarantees. A BigInt64 cursor would allocate
 * on every load. A slot's index is `cursor & (capacity - 1)`.
 *
 * Ordering: `Atomics.store` of a cursor releases the plain stores before it,
 * `Atomics.load` acquires them; slots themselves are read and written plainly.
 * Each Atomics store is a full fence, so both ends publish once a batch.
 *
 *   byte 0                 128                256                 ...
 *   ┌──────────────────────┬──────────────────┬──────────────────┬──────────┐
 *   │ producer's published │ consumer 0's     │ consumer 1's     │ slots …  │
 *   │ cursor               │ cursor, parked   │ cursor, parked   │          │
 *   └──────────────────────┴──────────────────┴──────────────────┴──────────┘
 *
 * A line of 128 bytes per writer: adjacent-line prefetch makes 64 too few.
 */
const LINE_WORDS = 32;
const PARKED = 1;

export interface RingSpec {
  /** Bytes of a slot, a power of two from 8. */
  readonly slotBytes: number;
  /** Slots, a power of two from 2 to 2^24. */
  readonly capacity: number;
  /** Consumers that each see every slot, from 1. */
  readonly consumers: number;
}

/** The handle of a ring, sent by `postMessage` to the thread that owns an end. */
export interface RingHandle extends RingSpec {
  readonly memory: SharedArrayBuffer;
}

/** Allocates and touches the memory of a ring. */
export function allocateRing(spec: RingSpec): RingHandle {
  const { slotBytes, capacity, consumers } = spec;
  assert(isPowerOfTwo(slotBytes) && slotBytes >= 8, 'ring: slotBytes is a power of two from 8');
  assert(isPowerOfTwo(capacity) && capacity >= 2 && capacity <= 2 ** 24, 'ring: capacity is a power of two from 2 to 2^24');
  assert(consumers >= 1 && consumers <= 8, 'ring: 1 to 8 consumers');
  // One slot more than the capacity: the producer's scratch slot, see SpillingProducer.
  const memory = new SharedArrayBuffer(slotsAt(consumers) + (capacity + 1) * slotBytes);
  new Uint8Array(memory).fill(0);
  return { memory, slotBytes, capacity, consumers };
}

function isPowerOfTwo(n: number): boolean {
  return n > 0 && (n & (n - 1)) === 0;
}

function slotsAt(consumers: number): number {
  return (1 + consumers) * LINE_WORDS * 4;
}

/** Typed views of the slots. Word index of a slot: `slot * slotBytes / 4`. */
export class RingSlots {
  declare readonly slotBytes: number;
  declare readonly capacity: number;
  declare readonly u8: Uint8Array;
  declare readonly u16: Uint16Array;
  declare readonly i32: Int32Array;
  declare readonly u32: Uint32Array;
  declare readonly f64: Float64Array;

  constructor({ memory, slotBytes, capacity, consumers }: RingHandle) {
    const at = slotsAt(consumers);
    const bytes = (capacity + 1) * slotBytes;
    this.slotBytes = slotBytes;
    this.capacity = capacity;
    this.u8 = new Uint8Array(memory, at, bytes);
    this.u16 = new Uint16Array(memory, at, bytes >> 1);
    this.i32 = new Int32Array(memory, at, bytes >> 2);
    this.u32 = new Uint32Array(memory, at, bytes >> 2);
    this.f64 = new Float64Array(memory, at, bytes >> 3);
  }
}

/** The producing end. One thread owns it: its fields are private copies, only `publish` writes shared state. */
export class RingProducer {
  declare readonly slots: RingSlots;
  private declare readonly control: Int32Array;
  private readonly consumers: number = 0;
  private readonly capacity: number = 0;
  private readonly mask: number = 0;
  private head = 0;
  private published = 0;
  /** Last known cursor of the slowest consumer. Reading it costs a cache miss, so it is read only when the ring seems full. */
  private slowest = 0;

  constructor(handle: RingHandle) {
    this.slots = new RingSlots(handle);
    this.control = new Int32Array(handle.memory, 0, (1 + handle.consumers) * LINE_WORDS);
    this.consumers = handle.consumers;
    this.capacity = handle.capacity;
    this.mask = handle.capacity - 1;
    this.head = Atomics.load(this.control, 0);
    this.published = this.head;
    this.slowest = this.head;
    this.slowest = this.look();
  }

  /** Index of the next free slot, which is then the caller's until `publish`; -1 when the ring is full. */
  tryClaim(): number {
    const head = this.head;
    if (((head - this.slowest) | 0) >= this.capacity) {
      this.slowest = this.look();
      if (((head - this.slowest) | 0) >= this.capacity) return -1;
    }
    this.head = (head + 1) | 0;
    return head & this.mask;
  }

  /** Returns the last `count` claimed, unpublished slots. */
  unclaim(count: number): void {
    assert(count <= ((this.head - this.published) | 0), 'ring: unclaim of a published slot');
    this.head = (this.head - count) | 0;
  }

  /** Number of slots that `tryClaim` can still claim. */
  free(): number {
    this.slowest = this.look();
    return this.capacity - ((this.head - this.slowest) | 0);
  }

  /** Publishes all claimed slots to the consumers, and wakes parked consumers. */
  publish(): void {
    if (this.head === this.published) return;
    this.published = this.head;
    Atomics.store(this.control, 0, this.head);
    for (let line = LINE_WORDS; line <= this.consumers * LINE_WORDS; line += LINE_WORDS) {
      if (Atomics.load(this.control, line + PARKED) !== 0) Atomics.notify(this.control, 0);
    }
  }

  /** Published slots that the slowest consumer has not released. */
  depth(): number {
    return (this.published - this.look()) | 0;
  }

  private look(): number {
    let slowest = Atomics.load(this.control, LINE_WORDS);
    for (let consumer = 2; consumer <= this.consumers; consumer++) {
      const cursor = Atomics.load(this.control, consumer * LINE_WORDS);
      if (((cursor - slowest) | 0) < 0) slowest = cursor;
    }
    return slowest;
  }
}

/** A consuming end. One thread owns it. */
export class RingConsumer {
  readonly slots: RingSlots;
  readonly #control: Int32Array;
  readonly #mask: number;
  readonly #line: number;
  #tail: number;
  #released: number;
  #seen: number;

  /** @param index which of the ring's consumers this is, from 0 */
  constructor(handle: RingHandle, index = 0) {
    assert(index >= 0 && index < handle.consumers, 'ring: no such consumer');
    this.slots = new RingSlots(handle);
    this.#control = new Int32Array(handle.memory, 0, (1 + handle.consumers) * LINE_WORDS);
    this.#mask = handle.capacity - 1;
    this.#line = (1 + index) * LINE_WORDS;
    this.#tail = Atomics.load(this.#control, this.#line);
    this.#released = this.#tail;
    this.#seen = this.#tail;
  }

  /** Index of the next slot, or -1. It stays valid until `release`. */
  next(): number {
    const slot = this.peek();
    if (slot !== -1) this.#tail = (this.#tail + 1) | 0;
    return slot;
  }

  /** Same as `next`, but does not take the slot. */
  peek(): number {
    if (this.#tail === this.#seen) {
      this.#seen = Atomics.load(this.#control, 0);
      if (this.#tail === this.#seen) return -1;
    }
    return this.#tail & this.#mask;
  }

  /** Takes the slot that `peek` returned. */
  advance(): void {
    this.#tail = (this.#tail + 1) | 0;
  }

  /** Published slots that `next` has not returned yet. */
  available(): number {
    this.#seen = Atomics.load(this.#control, 0);
    return (this.#seen - this.#tail) | 0;
  }

  /** Releases the slots taken so far to the producer. */
  release(): void {
    if (this.#tail === this.#released) return;
    this.#released = this.#tail;
    Atomics.store(this.#control, this.#line, this.#tail);
  }

  /**
   * Blocks this thread until there is a slot or `timeoutMs` has passed. Not for
   * the event-loop thread. The parked flag goes up before the cursor is read
   * again, and the producer reads the flag after it stores the cursor, so a
   * wake-up cannot fall between the two.
   */
  park(timeoutMs: number): void {
    Atomics.store(this.#control, this.#line + PARKED, 1);
    Atomics.wait(this.#control, 0, this.#tail, timeoutMs);
    Atomics.store(this.#control, this.#line + PARKED, 0);
  }
}
