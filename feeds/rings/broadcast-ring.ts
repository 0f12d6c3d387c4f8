import { assert } from '../../engine/assert.ts';
import { FeedRecord, RECORD_BYTES, RECORD_LAYOUT_VERSION } from '../feed-record.ts';
import { FeedMemoryError } from './feed-memory.ts';
import { fence } from './fence.ts';
import { loadSequence, SEQUENCE_WORDS, SharedSequence } from './shared-sequence.ts';

/**
 * A ring of feed records in shared memory: one producer, any number of readers that each see every record. The
 * producer never waits: it overwrites the oldest record. A reader that falls behind gets the exact numbers of the records
 * it missed.
 *
 * Records are numbered from 0; record n stands in slot `n & (capacity - 1)`. The producer publishes the count of
 * complete records, and writes at most `batch` records ahead of it. So whoever has seen the count c knows that the
 * records from `c - (capacity - batch)` on were not touched. A reader copies records, then loads the count again:
 * the copies of records below the new bound may be torn, and count as missed.
 *
 *   byte 0                     128                  256               384
 *   ┌──────────────────────────┬────────────────────┬─────────────────┬───────────┐
 *   │ version, capacity, batch │ published records  │ parked readers  │ records … │
 *   │ (written once)           │ (producer)         │ (readers, add)  │           │
 *   └──────────────────────────┴────────────────────┴─────────────────┴───────────┘
 *
 * A line of 128 bytes per writer: adjacent-line prefetch makes 64 too few.
 */
const LINE_WORDS = 32;
const VERSION = 0;
const CAPACITY = 1;
const BATCH = 2;
/** A float64, the number of the first record. */
const FIRST_F64 = 2;
const PUBLISHED = LINE_WORDS;
const PARKED = 2 * LINE_WORDS;
const CONTROL_WORDS = 3 * LINE_WORDS;

assert(SEQUENCE_WORDS <= LINE_WORDS, 'broadcast ring: the count fits its line');

/** The memory of a ring, sent by `postMessage` to any thread. */
export interface BroadcastHandle {
  readonly memory: SharedArrayBuffer;
}

export interface BroadcastSpec {
  /** Records, a power of two from 2 to 2^24. */
  readonly capacity: number;
  /** Records that the producer writes between two publications at most, from 1 to half of the capacity; 64 by default. */
  readonly batch?: number;
  /** Number of the first record, below 2^53; 0 by default. */
  readonly first?: number;
}

/** Allocates and touches the memory of a ring. */
export function allocateBroadcast({ capacity, batch = Math.min(64, capacity / 2), first = 0 }: BroadcastSpec): BroadcastHandle {
  assert(
    Number.isInteger(Math.log2(capacity)) && capacity >= 2 && capacity <= 2 ** 24,
    'broadcast ring: capacity is a power of two from 2 to 2^24',
  );
  assert(Number.isInteger(batch) && batch >= 1 && batch <= capacity / 2, 'broadcast ring: batch is from 1 to half of the capacity');
  assert(Number.isSafeInteger(first) && first >= 0, 'broadcast ring: first is an integer from 0');
  const memory = new SharedArrayBuffer(CONTROL_WORDS * 4 + capacity * RECORD_BYTES);
  new Uint8Array(memory).fill(0);
  const control = new Int32Array(memory, 0, CONTROL_WORDS);
  control[CAPACITY] = capacity;
  control[BATCH] = batch;
  new Float64Array(memory, 0, FIRST_F64 + 1)[FIRST_F64] = first;
  new SharedSequence(control, PUBLISHED).store(first);
  Atomics.store(control, VERSION, RECORD_LAYOUT_VERSION);
  return { memory };
}

/** What both ends know of the memory. */
function open({ memory }: BroadcastHandle): { control: Int32Array; capacity: number; batch: number; records: FeedRecord } {
  const control = memory.byteLength >= CONTROL_WORDS * 4 ? new Int32Array(memory, 0, CONTROL_WORDS) : new Int32Array(CONTROL_WORDS);
  const version = Atomics.load(control, VERSION);
  const capacity = control[CAPACITY];
  if (version !== RECORD_LAYOUT_VERSION || memory.byteLength !== CONTROL_WORDS * 4 + capacity * RECORD_BYTES)
    throw new FeedMemoryError(
      `a ring of feed records in layout ${RECORD_LAYOUT_VERSION}`,
      `layout ${version} in ${memory.byteLength} bytes`,
    );
  return { control, capacity, batch: control[BATCH], records: new FeedRecord(memory, CONTROL_WORDS * 4, capacity) };
}

/** The producing end. One thread owns it. A new one continues where the last one published. */
export class BroadcastProducer {
  readonly #record: FeedRecord;
  readonly #control: Int32Array;
  readonly #published: SharedSequence;
  readonly #mask: number;
  readonly #batch: number;
  /** Slot of the next record, without the mask: the low 32 bits of its number. */
  #low: number;
  #unpublished = 0;
  #count: number;

  constructor(handle: BroadcastHandle) {
    const { control, capacity, batch, records } = open(handle);
    this.#record = records;
    this.#control = control;
    this.#mask = capacity - 1;
    this.#batch = batch;
    this.#published = new SharedSequence(control, PUBLISHED);
    this.#count = loadSequence(control, PUBLISHED);
    this.#low = this.#count | 0;
  }

  /** Records published so far, and so the number of the first one that is not. */
  get published(): number {
    return this.#count;
  }

  /** Records claimed so far. */
  get claimed(): number {
    return this.#count + this.#unpublished;
  }

  /**
   * The next record, all fields 0, for the caller to fill. It is the caller's until the next `claim` or `flush`.
   * Publishes the records before it if they are a whole batch. Never waits, never fails.
   */
  claim(): FeedRecord {
    if (this.#unpublished === this.#batch) this.flush();
    const slot = this.#low & this.#mask;
    this.#low = (this.#low + 1) | 0;
    this.#unpublished++;
    return this.#record.wrap(slot).clear();
  }

  /** Publishes all claimed records, and wakes the readers that are parked. */
  flush(): void {
    if (this.#unpublished === 0) return;
    this.#count += this.#unpublished;
    this.#unpublished = 0;
    this.#published.store(this.#count);
    // This load also keeps the stores of the next records behind the store of the count, see fence.ts.
    if (Atomics.load(this.#control, PARKED) !== 0) Atomics.notify(this.#control, PUBLISHED);
  }
}

export interface ReaderOptions {
  /** `newest`: only records published from now on (default). `oldest`: also those that the ring still has. */
  readonly from?: 'newest' | 'oldest';
  /** Records of a poll, at most; 256 by default. */
  readonly limit?: number;
}

/**
 * A reading end. One thread owns it; it writes nothing that the producer or another reader sees, except that it is parked.
 *
 * ```ts
 * for (let count = reader.poll(); ; count = reader.poll()) {
 *   if (reader.missed > 0) recover(reader.first - reader.missed, reader.missed);
 *   for (let i = 0; i < count; i++) take(reader.at(i));
 *   if (count === 0) reader.wait(1000);
 * }
 * ```
 */
export class BroadcastReader {
  /** Number of the first record of the last poll; the missed ones stand directly before it. */
  first: number;
  /** Records that the last poll found overwritten: `first - missed` to `first - 1`. */
  missed = 0;
  /** Records missed since the start, those passed over by `skipToNewest` included. */
  missedTotal = 0;
  readonly #control: Int32Array;
  readonly #shared: FeedRecord;
  readonly #mask: number;
  /** The newest records that the producer does not touch. */
  readonly #kept: number;
  /** Private copies of the records of a poll. */
  readonly #copies: FeedRecord;
  readonly #limit: number;
  /** Index of the first valid copy. */
  #offset = 0;
  #next: number;

  constructor(handle: BroadcastHandle, { from = 'newest', limit = 256 }: ReaderOptions = {}) {
    const { control, capacity, batch, records } = open(handle);
    assert(Number.isInteger(limit) && limit >= 1, 'broadcast ring: limit is an integer from 1');
    this.#control = control;
    this.#shared = records;
    this.#mask = capacity - 1;
    this.#kept = capacity - batch;
    this.#limit = limit;
    this.#copies = new FeedRecord(new ArrayBuffer(limit * RECORD_BYTES), 0, limit);
    const published = loadSequence(control, PUBLISHED);
    const first = new Float64Array(handle.memory, 0, FIRST_F64 + 1)[FIRST_F64];
    this.#next = from === 'newest' ? published : Math.max(first, published - this.#kept);
    this.first = this.#next;
  }

  /** Number of the record that the next poll begins with, if it is not overwritten until then. */
  get next(): number {
    return this.#next;
  }

  /** Published records that no poll has returned or reported as missed. */
  available(): number {
    return loadSequence(this.#control, PUBLISHED) - this.#next;
  }

  /** Takes the next records, as far as there are some. Sets `first` and `missed`. @returns how many; 0 to the limit */
  poll(): number {
    const published = loadSequence(this.#control, PUBLISHED);
    const from = Math.max(this.#next, published - this.#kept);
    const count = Math.min(this.#limit, published - from);
    for (let i = 0; i < count; i++) this.#shared.copyTo(this.#copies, (from + i) & this.#mask, i);
    // The loads of the copies must not move behind the load of the count.
    fence();
    const valid = Math.max(from, loadSequence(this.#control, PUBLISHED) - this.#kept);
    const end = Math.max(from + count, valid);
    this.missed = valid - this.#next;
    this.missedTotal += this.missed;
    this.first = valid;
    this.#offset = valid - from;
    this.#next = end;
    return end - valid;
  }

  /** Record number `first + index`, valid until the next poll. One view for all: take what you need before the next call. */
  at(index: number): FeedRecord {
    return this.#copies.wrap(this.#offset + index);
  }

  /** Continues with the next record that is published. @returns how many records it passes over; they count as missed */
  skipToNewest(): number {
    const skipped = this.available();
    this.#next += skipped;
    this.missedTotal += skipped;
    return skipped;
  }

  /**
   * Blocks this thread until there is a record or `timeoutMs` has passed; not for the event-loop thread. The reader counts
   * as parked before the count is compared, and the producer looks for parked readers after it stores the count, so a
   * wake-up cannot fall between the two. A thread that is terminated here costs the producer a needless wake-up per flush.
   *
   * @returns false if the time passed without a record
   */
  wait(timeoutMs: number): boolean {
    Atomics.add(this.#control, PARKED, 1);
    const outcome = Atomics.wait(this.#control, PUBLISHED, this.#next | 0, timeoutMs);
    Atomics.sub(this.#control, PARKED, 1);
    return outcome !== 'timed-out';
  }
}
