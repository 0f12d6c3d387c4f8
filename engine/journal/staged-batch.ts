import { fail } from '../assert.ts';
import type { RingConsumer } from '../rings/ring.ts';
import { getI64, type Seq } from '../units.ts';
import type { CommandChain } from './command-chain.ts';
import type { Disk, DiskError, Done } from './disk.ts';
import { type BatchHeader, batchBytes, SEQ_WORD, SLOT_BYTES, SLOT_WORDS, stampHeader } from './log-format.ts';

/**
 * Writes end with a page of the page cache. A page that is written to its end need not be read first, and a batch begins in a page that the
 * one before it has written.
 */
const PAGE_BYTES = 4096;

/** The batch that is being written: a header slot and copies of ring slots, kept until they are on the disk. One thread owns it. */
export class StagedBatch {
  /** Bytes of the batch; 0 = none is staged. */
  bytes = 0;
  /** Commands in it. */
  records = 0;
  readonly #u8: Uint8Array;
  readonly #words: Int32Array;
  #disk: Disk | undefined;
  #fd = -1;
  #position = 0;
  /** Bytes to write: of the batch, and zeros to the end of its last page. */
  #length = 0;
  #written = 0;
  #done: Done = () => undefined;

  constructor(maxRecords: number) {
    this.#u8 = new Uint8Array(batchBytes(maxRecords) + PAGE_BYTES);
    this.#words = new Int32Array(this.#u8.buffer);
  }

  /** Takes the next `count` commands off the ring. They must be published and numbered from `firstSeq`. */
  take(ring: RingConsumer, count: number, firstSeq: Seq): void {
    const { capacity, u8 } = ring.slots;
    const first = ring.peek();
    const straight = Math.min(count, capacity - first);
    this.#u8.set(u8.subarray(first * SLOT_BYTES, (first + straight) * SLOT_BYTES), SLOT_BYTES);
    if (count > straight) this.#u8.set(u8.subarray(0, (count - straight) * SLOT_BYTES), (1 + straight) * SLOT_BYTES);
    for (let taken = 0; taken < count; taken++) ring.next();
    this.#checkSeq(1, firstSeq);
    this.#checkSeq(count, firstSeq + count - 1);
    ring.release();
  }

  /** Adds its first `count` commands to the chain of the log. */
  extend(chain: CommandChain, count: number): void {
    chain.add(this.#words, SLOT_WORDS, count);
  }

  /** Completes the batch with its header; returns its checksum. */
  stamp(header: BatchHeader): number {
    this.records = header.count;
    this.bytes = batchBytes(header.count);
    return stampHeader(this.#words, this.#u8, header);
  }

  /**
   * Writes the whole batch, also after a failed fdatasync: every page must be dirty again. `position`: where it begins in the
   * file, bytes. `end`: size of the file, bytes. The bytes from the batch to `end` must be zeros; those up to the end of its last
   * page are written again.
   */
  write(disk: Disk, fd: number, position: number, end: number, done: Done): void {
    this.#disk = disk;
    this.#fd = fd;
    this.#position = position;
    this.#written = 0;
    this.#done = done;
    this.#length = Math.min(end, Math.ceil((position + this.bytes) / PAGE_BYTES) * PAGE_BYTES) - position;
    this.#u8.fill(0, this.bytes, this.#length);
    disk.append(fd, this.#u8, 0, this.#length, position, this.#onWritten);
  }

  /** Drops the batch, which is on the disk. */
  clear(): void {
    this.bytes = 0;
  }

  readonly #onWritten = (error: DiskError | null, bytes: number): void => {
    this.#written += bytes;
    const left = this.#length - this.#written;
    if (error || left === 0) this.#done(error);
    else this.#disk?.append(this.#fd, this.#u8, this.#written, left, this.#position + this.#written, this.#onWritten);
  };

  #checkSeq(slot: number, expected: Seq): void {
    const seq = getI64(this.#words, slot * SLOT_WORDS + SEQ_WORD);
    if (seq !== expected) fail(`log: command ${seq} in the ring where ${expected} belongs`);
  }
}
