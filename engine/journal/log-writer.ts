import { assert } from '../assert.ts';
import type { RingConsumer } from '../rings/ring.ts';
import type { Seq } from '../units.ts';
import { CommandChain } from './command-chain.ts';
import { type Disk, type DiskError, DiskFullError, isDiskFull } from './disk.ts';
import { JournalBoard, JournalState } from './journal-status.ts';
import { type LogId, MAX_BATCH_RECORDS, SLOT_BYTES } from './log-format.ts';
import type { LogEnd } from './log-reader.ts';
import { SEGMENT_BYTES } from './segment-size.ts';
import { SegmentWriter } from './segment-writer.ts';
import { StagedBatch } from './staged-batch.ts';

const RETRY_MS = 100;
/** Mode fast: written data waits at most about this long for its fdatasync. */
const FAST_SYNC_MS = 5;
/**
 * Mode fast on the event loop: commands wait about this long, to be written together. One write for
 * each turn of the loop would take a tenth of the loop's time at 100,000 commands/s.
 */
const FAST_GATHER_MS = 1;

export interface LogWriterOptions {
  readonly dir: string;
  /** The end of the log, from {@link readLog} or {@link scanLog}, with its torn tail cut. */
  readonly end: LogEnd;
  /** The command ring. Its slots have 64 bytes, and its seq continue those of the log. */
  readonly ring: RingConsumer;
  readonly disk: Disk;
  /**
   * Durable: one fdatasync per batch. Fast: one fdatasync at most every 5 ms, and on the event loop about one write per millisecond.
   * In mode fast, other stages do not wait for the durable position.
   */
  readonly mode: 'durable' | 'fast';
  /** Shared words, {@link JOURNAL_WORDS} of them from `at` on. */
  readonly words: Int32Array;
  readonly at: number;
  /** Size of new segments in bytes, a multiple of 64 from 4096. Default 64 MiB. The first segments of a log are smaller. */
  readonly segmentBytes?: number;
  /** Most records per batch, 1 to 16384. Default 16384. */
  readonly maxBatch?: number;
  /** The durable position advanced. */
  readonly onDurable?: () => void;
  /** The disk failed. No further command becomes durable, and the process must not answer any more. */
  readonly onFailed?: (error: Error) => void;
}

/**
 * Group commit. All commands in the ring are written as one batch, with one
 * write and one fdatasync. Meanwhile, the ring collects the next batch.
 *
 * One thread owns it. Call `poll` whenever there may be commands, and about
 * every 100 ms if there are none (a blocking {@link Disk} has no timer).
 */
export class LogWriter {
  readonly #dir: string;
  readonly #ring: RingConsumer;
  readonly #disk: Disk;
  readonly #durableMode: boolean;
  readonly #mayGather: boolean;
  /** Number of waiting commands that are written without delay, so that the ring does not fill up. */
  readonly #gatherLimit: number;
  readonly #board: JournalBoard;
  readonly #maxBatch: number;
  readonly #onDurable: () => void;
  readonly #onFailed: (error: Error) => void;
  readonly #logId: LogId;
  /** Staged until it is written and, in mode durable, synced. */
  readonly #batch: StagedBatch;
  readonly #segment: SegmentWriter;
  readonly #chain = new CommandChain();
  #nextSeq: Seq;
  #crc: number;
  #syncedSeq: Seq;
  /** An operation is in flight. */
  #busy = false;
  #diskFull = false;
  #notBefore = 0;
  #syncStart = 0;
  #syncDue = 0;
  /** Time at which the commands in the ring must be written; 0 = there are none, or they do not wait. */
  #writeDue = 0;
  #sealed = true;
  #stopped = false;
  #closing: { resolve: () => void; reject: (error: Error) => void } | undefined;

  /** Opens or creates the last segment. Blocks. Throws the errors of the file system. */
  constructor(options: LogWriterOptions) {
    const { dir, end, ring, disk, words, at, maxBatch = MAX_BATCH_RECORDS, segmentBytes = SEGMENT_BYTES } = options;
    assert(end.torn === undefined, 'log: cut the torn tail before appending');
    assert(maxBatch >= 1 && maxBatch <= MAX_BATCH_RECORDS, 'log: maxBatch is 1 to 16384');
    assert(segmentBytes % SLOT_BYTES === 0 && segmentBytes >= 4096, 'log: segmentBytes is a multiple of 64 from 4096');
    assert(ring.slots.slotBytes === SLOT_BYTES, 'log: the ring has slots of 64 bytes');
    this.#dir = dir;
    this.#ring = ring;
    this.#disk = disk;
    this.#durableMode = options.mode === 'durable';
    this.#mayGather = options.mode === 'fast' && !disk.blocking;
    this.#gatherLimit = Math.min(maxBatch, ring.slots.capacity / 4);
    this.#board = new JournalBoard(words, at);
    this.#maxBatch = maxBatch;
    this.#onDurable = options.onDurable ?? (() => undefined);
    this.#onFailed = options.onFailed ?? (() => undefined);
    this.#logId = end.logId;
    this.#nextSeq = end.lastSeq + 1;
    this.#syncedSeq = end.lastSeq;
    this.#crc = end.lastCrc;
    this.#chain.set(end.chain);
    if (!this.#chain.begun) this.#chain.begin(this.#nextSeq);
    this.#batch = new StagedBatch(maxBatch);
    this.#segment = new SegmentWriter({
      dir,
      end,
      disk,
      segmentBytes,
      reserve: Math.max(segmentBytes / 10, 1.25 * ring.slots.capacity * SLOT_BYTES),
      onSpareStep: this.#spareStepped,
      onError: this.#fail,
    });
    this.#board.setDurable(end.lastSeq);
    this.#board.setState(JournalState.Ok);
  }

  /** Position in the log of the next command taken. */
  get nextSeq(): Seq {
    return this.#nextSeq;
  }

  /** Milliseconds until `poll` has something to do without new commands, at least 0; infinite = nothing. */
  get dueMs(): number {
    return this.#syncDue === 0 ? Number.POSITIVE_INFINITY : Math.max(0, this.#syncDue - performance.now());
  }

  /** Starts all operations that can start. Returns the number of commands taken. */
  poll(): number {
    let taken = 0;
    for (;;) {
      const count = this.#step();
      taken += count;
      // A dedicated thread returns after each batch, to do other work. On the event loop, only the disk ends this loop.
      if (count === 0 || this.#disk.blocking) return taken;
    }
  }

  #step(): number {
    if (this.#busy || this.#stopped) return 0;
    if (this.#batch.bytes !== 0) {
      if (this.#closing) this.#giveUp();
      else if (performance.now() >= this.#notBefore) this.#write();
      return 0;
    }
    if (!this.#closing) this.#segment.fillSpare(false);
    // If the spare cannot be opened, it reports that before it returns, through another poll.
    if (this.#busy || this.#stopped) return 0;
    const available = this.#ring.available();
    if (available === 0) {
      this.#idle();
      return 0;
    }
    if (this.#segment.room < 2) {
      this.#roll();
      return 0;
    }
    return this.#mayGather && this.#gathers(available) ? 0 : this.#take(available);
  }

  /** True while the batch waits for more commands. */
  #gathers(available: number): boolean {
    if (this.#closing || available >= this.#gatherLimit) return false;
    const now = performance.now();
    if (this.#writeDue === 0) {
      this.#writeDue = now + FAST_GATHER_MS;
      this.#disk.wake(FAST_GATHER_MS, this.#poll);
    }
    return now < this.#writeDue;
  }

  /**
   * Writes the commands in the ring, seals the log and closes it. Rejects if the
   * disk is full or failed: commands that were not durable are then not in the log.
   */
  close(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#closing = { resolve, reject };
      if (this.#stopped) reject(new Error(`The log in ${this.#dir} failed earlier; start again to recover it.`));
      this.poll();
      while (this.#disk.blocking && !this.#stopped) this.poll();
    });
  }

  #take(available: number): number {
    this.#writeDue = 0;
    const count = Math.min(available, this.#segment.room - 1, this.#maxBatch);
    this.#batch.take(this.#ring, count, this.#nextSeq);
    this.#stage(count);
    return count;
  }

  #stage(count: number): void {
    this.#batch.extend(this.#chain, count);
    this.#crc = this.#batch.stamp({
      count,
      firstSeq: this.#nextSeq,
      logId: this.#logId,
      previousCrc: this.#crc,
      syncedSeq: this.#syncedSeq,
      chain: this.#chain,
    });
    this.#nextSeq += count;
    this.#sealed = count === 0;
    this.#write();
  }

  #write(): void {
    this.#busy = true;
    const { fd, position, bytes } = this.#segment;
    this.#batch.write(this.#disk, fd, position, bytes, this.#written);
  }

  readonly #written = (error: DiskError | null): void => {
    if (this.#stopped) return;
    if (error) this.#writeFailed(error);
    else if (this.#durableMode || this.#batch.records === 0) this.#sync();
    else this.#writtenFast();
  };

  #writtenFast(): void {
    this.#accept();
    const now = performance.now();
    if (this.#syncDue === 0) {
      this.#syncDue = now + FAST_SYNC_MS;
      this.#disk.wake(FAST_SYNC_MS, this.#poll);
    }
    if (now >= this.#syncDue) {
      this.#sync();
    } else {
      this.#busy = false;
      this.#showState();
    }
  }

  #sync(): void {
    this.#busy = true;
    this.#syncStart = performance.now();
    this.#disk.syncData(this.#segment.fd, this.#synced);
  }

  readonly #synced = (error: DiskError | null): void => {
    if (this.#stopped) return;
    // In mode fast, the sync also covered earlier batches, which cannot be written again.
    if (error && this.#durableMode) this.#writeFailed(error);
    else if (error) this.#fail(error);
    else this.#committed();
  };

  #committed(): void {
    this.#board.countSync(performance.now() - this.#syncStart);
    if (this.#batch.bytes !== 0) this.#accept();
    this.#syncDue = 0;
    this.#syncedSeq = this.#nextSeq - 1;
    this.#board.setDurable(this.#syncedSeq);
    this.#goOn(true);
  }

  /** The staged batch is in the file. */
  #accept(): void {
    this.#segment.position += this.#batch.bytes;
    this.#board.countBatch(this.#batch.records);
    this.#batch.clear();
    this.#diskFull = false;
  }

  /** The disk is idle: starts the next batch before the last one is reported as durable. */
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
      if (this.#sealed || this.#segment.room < 1) this.#finish();
      else this.#stage(0);
    }
  }

  /** Continues in the spare segment. The old segment is durable before the spare is renamed. */
  #roll(): void {
    if (this.#syncDue !== 0) this.#sync();
    else if (this.#segment.spareReady) this.#useSpare();
    else if (this.#closing && this.#segment.spareBlocked) this.#giveUp();
    else this.#segment.fillSpare(true);
  }

  #useSpare(): void {
    this.#busy = true;
    this.#segment.roll(this.#nextSeq, this.#rolled);
  }

  readonly #rolled = (error: DiskError | null): void => {
    if (this.#stopped) return;
    if (error) {
      this.#fail(error);
    } else {
      this.#board.countSegment();
      this.#goOn(false);
    }
  };

  readonly #poll = (): void => void this.poll();

  readonly #spareStepped = (diskFull: boolean): void => {
    if (diskFull) this.#board.countFailedWrite();
    this.#showState();
    if (!this.#disk.blocking) this.poll();
  };

  #showState(): void {
    if (this.#stopped) return;
    this.#board.setState(this.#diskFull || this.#segment.tight ? JournalState.DiskFull : JournalState.Ok);
  }

  /** The write of the staged batch failed. If the disk is full, the batch is kept and retried. Any other error is final, see docs/JOURNAL.md. */
  #writeFailed(error: DiskError): void {
    if (!isDiskFull(error) || this.#batch.bytes === 0) {
      this.#fail(error);
      return;
    }
    this.#busy = false;
    this.#diskFull = true;
    this.#board.countFailedWrite();
    this.#showState();
    this.#notBefore = performance.now() + RETRY_MS;
    if (this.#closing) this.#giveUp();
    else this.#disk.wake(RETRY_MS, this.#poll);
  }

  /** Writes nothing more. An operation in flight may still end. */
  fail(error: Error): void {
    this.#fail(error);
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
    this.#release(() => this.#closing?.reject(new DiskFullError(this.#dir, from)));
  }

  #finish(): void {
    this.#release(() => this.#closing?.resolve());
  }

  #release(done: () => void): void {
    this.#stopped = true;
    this.#segment.close(done);
  }
}
