import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { assert, fail } from '../assert.ts';
import type { RingConsumer } from '../ring.ts';
import { getI64, type Seq } from '../units.ts';
import { type Disk, type DiskError, isDiskFull } from './disk.ts';
import { JournalBoard, JournalState } from './journal-status.ts';
import { batchBytes, type LogId, MAX_BATCH_RECORDS, SEQ_WORD, SLOT_BYTES, SLOT_WORDS, segmentName, stampHeader } from './log-format.ts';
import type { LogEnd } from './log-reader.ts';
import { createSegment, openSegment, type Segment } from './segment-file.ts';
import { SpareSegment } from './spare-segment.ts';

export const SEGMENT_BYTES = 64 * 1024 * 1024;
/** A new log starts with a smaller segment: it is there at once. */
const FIRST_SEGMENT_BYTES = 8 * 1024 * 1024;
const MAX_BATCH = 4096;
const RETRY_MS = 100;
/** Mode fast: written data waits at most about this long for its fdatasync. */
const FAST_SYNC_MS = 5;
/** The spare is begun when this part of the segment is used, and has to be ready at the second. */
const SPARE_FROM = 0.25;
const SPARE_UNTIL = 0.75;

export interface LogWriterOptions {
  readonly dir: string;
  /** Where the log ends: from {@link readLog} or {@link scanLog}, its torn tail cut. */
  readonly end: LogEnd;
  /** The command ring; slots of 64 bytes whose seq go on where the log ends. */
  readonly ring: RingConsumer;
  readonly disk: Disk;
  /** Durable: one fdatasync per batch. Fast: one at most every 5 ms; others do not wait for the durable position. */
  readonly mode: 'durable' | 'fast';
  /** Shared words, {@link JOURNAL_WORDS} of them from `at` on. */
  readonly words: Int32Array;
  readonly at: number;
  /** Size of new segments, a multiple of 64 from 4096; 64 MiB. */
  readonly segmentBytes?: number;
  /** Most records per batch, 1 to 16384; 4096. */
  readonly maxBatch?: number;
  /** The durable position went on. */
  readonly onDurable?: () => void;
  /** The disk failed: nothing more becomes durable, and the process must not answer any more. */
  readonly onFailed?: (error: Error) => void;
}

/**
 * Group commit. All commands that are in the ring go to disk as one batch, with
 * one write and one fdatasync; meanwhile the next batch gathers in the ring.
 *
 * One thread owns it. `poll` must be called whenever there may be commands, and
 * about every 100 ms when there are none (a blocking {@link Disk} has no timer).
 */
export class LogWriter {
  readonly #dir: string;
  readonly #directoryFd: number;
  readonly #ring: RingConsumer;
  readonly #disk: Disk;
  readonly #durableMode: boolean;
  readonly #board: JournalBoard;
  readonly #maxBatch: number;
  readonly #onDurable: () => void;
  readonly #onFailed: (error: Error) => void;
  readonly #logId: LogId;
  readonly #staging: Uint8Array;
  readonly #stagingWords: Int32Array;
  readonly #spare: SpareSegment;
  /** Bytes that have to be left in the segment while there is no spare: what has been let in needs them. */
  readonly #reserve: number;
  #segment: Segment;
  #position: number;
  #nextSeq: Seq;
  #crc: number;
  #syncedSeq: Seq;
  /** Bytes of the batch in `staging` that is not written and, in mode durable, synced; 0 = none. */
  #pendingBytes = 0;
  #pendingRecords = 0;
  #writtenBytes = 0;
  /** An operation is in flight. */
  #busy = false;
  #refused = false;
  #notBefore = 0;
  #syncStart = 0;
  #syncDue = 0;
  #sealed = true;
  #stopped = false;
  #closing: { resolve: () => void; reject: (error: Error) => void } | undefined;

  /** Opens or creates the last segment; blocks for that. Throws what the file system throws. */
  constructor(options: LogWriterOptions) {
    const { dir, end, ring, disk, words, at, maxBatch = MAX_BATCH, segmentBytes = SEGMENT_BYTES } = options;
    assert(end.torn === undefined, 'log: cut the torn tail before appending');
    assert(maxBatch >= 1 && maxBatch <= MAX_BATCH_RECORDS, 'log: maxBatch is 1 to 16384');
    assert(segmentBytes % SLOT_BYTES === 0 && segmentBytes >= 4096, 'log: segmentBytes is a multiple of 64 from 4096');
    assert(ring.slots.slotBytes === SLOT_BYTES, 'log: the ring has slots of 64 bytes');
    this.#dir = dir;
    this.#ring = ring;
    this.#disk = disk;
    this.#durableMode = options.mode === 'durable';
    this.#board = new JournalBoard(words, at);
    this.#maxBatch = maxBatch;
    this.#onDurable = options.onDurable ?? (() => undefined);
    this.#onFailed = options.onFailed ?? (() => undefined);
    this.#logId = end.logId;
    this.#nextSeq = end.lastSeq + 1;
    this.#syncedSeq = end.lastSeq;
    this.#crc = end.lastCrc;
    this.#staging = new Uint8Array(batchBytes(maxBatch));
    this.#stagingWords = new Int32Array(this.#staging.buffer);
    this.#reserve = Math.max(segmentBytes / 10, 1.25 * ring.slots.capacity * SLOT_BYTES);
    this.#spare = new SpareSegment(dir, segmentBytes, disk, this.#spareStepped, this.#fail);
    this.#segment =
      end.file === undefined
        ? createSegment(dir, this.#nextSeq, Math.min(segmentBytes, FIRST_SEGMENT_BYTES))
        : openSegment(join(dir, end.file));
    this.#position = end.position;
    this.#directoryFd = openSync(dir, 'r');
    this.#board.setDurable(end.lastSeq);
    this.#board.setState(JournalState.Ok);
  }

  /** Position in the log of the next command taken. */
  get nextSeq(): Seq {
    return this.#nextSeq;
  }

  /** Starts what can be started; returns the number of commands taken. */
  poll(): number {
    if (this.#busy || this.#stopped) return 0;
    if (this.#pendingBytes !== 0) {
      if (this.#closing) this.#giveUp();
      else if (performance.now() >= this.#notBefore) this.#write();
      return 0;
    }
    this.#fillSpare();
    // A spare that cannot be opened says so at once, through another poll.
    if (this.#busy || this.#stopped) return 0;
    const available = this.#ring.available();
    if (available === 0) {
      this.#idle();
      return 0;
    }
    if (this.#room() < 2) {
      this.#roll();
      return 0;
    }
    return this.#take(available);
  }

  /**
   * Writes what is in the ring, seals the log and closes it. Rejects when the
   * disk is full or failed: then commands that were not durable are not in the log.
   */
  close(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#closing = { resolve, reject };
      if (this.#stopped) return reject(new Error(`The log in ${this.#dir} failed earlier; start again to recover it.`));
      this.poll();
      while (this.#disk.blocking && !this.#stopped) this.poll();
    });
  }

  /** Free slots of the segment. */
  #room(): number {
    return (this.#segment.bytes - this.#position) / SLOT_BYTES;
  }

  #fillSpare(): void {
    if (this.#spare.ready) return;
    const used = this.#position / this.#segment.bytes;
    if (used < SPARE_FROM || this.#closing) return;
    this.#spare.step(this.#spare.progress < (used - SPARE_FROM) / (SPARE_UNTIL - SPARE_FROM));
  }

  #take(available: number): number {
    const { capacity, u8 } = this.#ring.slots;
    const count = Math.min(available, this.#room() - 1, this.#maxBatch);
    const first = this.#ring.peek();
    const straight = Math.min(count, capacity - first);
    this.#staging.set(u8.subarray(first * SLOT_BYTES, (first + straight) * SLOT_BYTES), SLOT_BYTES);
    if (count > straight) this.#staging.set(u8.subarray(0, (count - straight) * SLOT_BYTES), (1 + straight) * SLOT_BYTES);
    for (let taken = 0; taken < count; taken++) this.#ring.next();
    this.#checkSeq(1, this.#nextSeq);
    this.#checkSeq(count, this.#nextSeq + count - 1);
    this.#ring.release();
    this.#stage(count);
    return count;
  }

  #checkSeq(slot: number, expected: Seq): void {
    const seq = getI64(this.#stagingWords, slot * SLOT_WORDS + SEQ_WORD);
    if (seq !== expected) fail(`log: command ${seq} in the ring where ${expected} belongs`);
  }

  /** Puts the header before `count` records in the staging buffer and starts writing. */
  #stage(count: number): void {
    this.#crc = stampHeader(this.#stagingWords, this.#staging, {
      count,
      firstSeq: this.#nextSeq,
      logId: this.#logId,
      previousCrc: this.#crc,
      syncedSeq: this.#syncedSeq,
    });
    this.#nextSeq += count;
    this.#sealed = count === 0;
    this.#pendingRecords = count;
    this.#pendingBytes = batchBytes(count);
    this.#write();
  }

  /** Writes the staged batch, whole: after a refused fdatasync, too, every page of it has to be dirty again. */
  #write(): void {
    this.#busy = true;
    this.#writtenBytes = 0;
    this.#disk.write(this.#segment.fd, this.#staging, 0, this.#pendingBytes, this.#position, this.#written);
  }

  readonly #written = (error: DiskError | null, bytes: number): void => {
    if (this.#stopped) return;
    if (error) return this.#refuse(error);
    this.#writtenBytes += bytes;
    const left = this.#pendingBytes - this.#writtenBytes;
    if (left > 0) {
      const position = this.#position + this.#writtenBytes;
      return this.#disk.write(this.#segment.fd, this.#staging, this.#writtenBytes, left, position, this.#written);
    }
    if (this.#durableMode || this.#pendingRecords === 0) return this.#sync();
    this.#accept();
    const now = performance.now();
    if (this.#syncDue === 0) {
      this.#syncDue = now + FAST_SYNC_MS;
      this.#disk.wake(FAST_SYNC_MS, this.#poll);
    }
    if (now >= this.#syncDue) return this.#sync();
    this.#goOn(false);
  };

  #sync(): void {
    this.#busy = true;
    this.#syncStart = performance.now();
    this.#disk.syncData(this.#segment.fd, this.#synced);
  }

  readonly #synced = (error: DiskError | null): void => {
    if (this.#stopped) return;
    // In mode fast the sync also stood for batches that are no longer here to be written again.
    if (error) return this.#durableMode ? this.#refuse(error) : this.#fail(error);
    this.#board.countSync(performance.now() - this.#syncStart);
    if (this.#pendingBytes !== 0) this.#accept();
    this.#syncDue = 0;
    this.#syncedSeq = this.#nextSeq - 1;
    this.#board.setDurable(this.#syncedSeq);
    this.#goOn(true);
  };

  /** The staged batch is in the file. */
  #accept(): void {
    this.#position += this.#pendingBytes;
    this.#board.countBatch(this.#pendingRecords);
    this.#pendingBytes = 0;
    this.#refused = false;
  }

  /** The disk is free: gives it the next batch before anybody looks at the last one. */
  #goOn(durable: boolean): void {
    this.#busy = false;
    this.#showState();
    if (!this.#disk.blocking) this.poll();
    if (durable) this.#onDurable();
  }

  #idle(): void {
    if (this.#syncDue !== 0) {
      if (this.#closing || performance.now() >= this.#syncDue) this.#sync();
    } else if (this.#closing) {
      if (this.#sealed || this.#room() < 1) this.#finish();
      else this.#stage(0);
    }
  }

  /** Goes on in the spare. The old segment is durable before the new one has its name. */
  #roll(): void {
    if (this.#syncDue !== 0) return this.#sync();
    if (!this.#spare.ready) {
      if (this.#closing && this.#spare.refused) this.#giveUp();
      else if (this.#closing) this.#spare.step(true);
      return;
    }
    this.#busy = true;
    closeSync(this.#segment.fd);
    const { fd, path, bytes } = this.#spare.take();
    const named = join(this.#dir, segmentName(this.#nextSeq));
    this.#segment = { fd, path: named, bytes };
    this.#position = 0;
    this.#disk.rename(path, named, this.#renamed);
  }

  readonly #renamed = (error: DiskError | null): void => {
    if (this.#stopped) return;
    if (error) return this.#fail(error);
    this.#disk.syncAll(this.#directoryFd, this.#rolled);
  };

  readonly #rolled = (error: DiskError | null): void => {
    if (this.#stopped) return;
    if (error) return this.#fail(error);
    this.#board.countSegment();
    this.#goOn(false);
  };

  readonly #poll = (): void => void this.poll();

  readonly #spareStepped = (): void => {
    this.#showState();
    if (!this.#disk.blocking) this.poll();
  };

  #showState(): void {
    if (this.#stopped) return;
    const reserve = Math.min(this.#reserve, this.#segment.bytes / 2);
    const low = this.#spare.refused && this.#segment.bytes - this.#position < reserve;
    this.#board.setState(this.#refused || low ? JournalState.DiskFull : JournalState.Ok);
  }

  /** The disk did not take the staged batch. No room: it is kept and tried again. Anything else is final, see docs/JOURNAL.md. */
  #refuse(error: DiskError): void {
    if (!isDiskFull(error) || this.#pendingBytes === 0) return this.#fail(error);
    this.#busy = false;
    this.#refused = true;
    this.#board.countRefusal();
    this.#notBefore = performance.now() + RETRY_MS;
    this.#disk.wake(RETRY_MS, this.#poll);
    this.#showState();
  }

  readonly #fail = (error: Error): void => {
    if (this.#stopped) return;
    this.#stopped = true; // and nothing is closed: operations may be in flight
    this.#board.setState(JournalState.Failed);
    this.#onFailed(error);
    this.#closing?.reject(error);
  };

  #giveUp(): void {
    const from = this.#syncedSeq + 1;
    this.#release(() => this.#closing?.reject(new Error(`The disk is full: commands from ${from} on are not durable in ${this.#dir}.`)));
  }

  #finish(): void {
    this.#release(() => this.#closing?.resolve());
  }

  #release(done: () => void): void {
    this.#stopped = true;
    closeSync(this.#segment.fd);
    closeSync(this.#directoryFd);
    this.#spare.close(done);
  }
}
