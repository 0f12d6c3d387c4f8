import { closeSync, constants, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { assert } from '../assert.ts';
import { type Disk, type DiskError, isDiskFull } from './disk.ts';
import { FILL_BYTES, type Segment, SPARE_NAME, zeros } from './segment-file.ts';

/** Size of a regular step, and the time between two: zero-filling competes with the log for the disk. */
const STEP_BYTES = 64 * 1024;
const PACE_MS = 20;
const RETRY_MS = 100;
/** Alignment of position and length that O_DIRECT requires on common disks. */
const DIRECT_ALIGNMENT = 4096;

/**
 * The next segment, zero-filled in small steps before it is needed. It keeps the
 * disk space that it has allocated, so that a full disk is detected while the
 * current segment still has space for all accepted commands.
 *
 * The steps bypass the page cache (O_DIRECT) and are made durable once, at the
 * end. An fdatasync per step would make the file system commit its journal and
 * the disk flush its cache; the log's own fdatasync would wait for several ms.
 * The log later writes whole pages, so they need not be in the page cache. Where
 * O_DIRECT is not available, each step is an ordinary write and fdatasync.
 *
 * Same thread as the log writer.
 */
export class SpareSegment {
  /** True if the disk was full at the last step. */
  diskFull = false;
  readonly #path: string;
  /** Its size when it is ready. */
  bytes: number;
  readonly #disk: Disk;
  readonly #onStep: (diskFull: boolean) => void;
  readonly #wake = (): void => this.#onStep(false);
  readonly #onError: (error: DiskError) => void;
  #fd = -1;
  /** The same file with O_DIRECT; -1 = not open, or not available. */
  #directFd = -1;
  /** Bytes that are zero-filled; a failed step is repeated. Durable when the file is full. */
  #filled = 0;
  #stepBytes = 0;
  #busy = false;
  #notBefore = 0;
  #closed = false;
  #onClosed = (): void => undefined;

  /**
   * @param bytes size of the first spare, a multiple of 64
   * @param onStep called after every step, with whether the disk was full, and when the next one is due
   * @param onError the disk failed; no further step is tried
   */
  constructor(dir: string, bytes: number, disk: Disk, onStep: (diskFull: boolean) => void, onError: (error: DiskError) => void) {
    this.#path = join(dir, SPARE_NAME);
    this.bytes = bytes;
    this.#disk = disk;
    this.#onStep = onStep;
    this.#onError = onError;
    rmSync(this.#path, { force: true });
  }

  get ready(): boolean {
    return this.#filled === this.bytes && !this.#busy;
  }

  /**
   * Does the next step if one is due.
   * @param needed bytes that should be filled by now; below that, steps are longer and have no pauses
   */
  step(needed: number): void {
    if (this.#busy || this.#closed || this.#filled === this.bytes) return;
    const behind = needed - this.#filled;
    const now = performance.now();
    if (now < this.#notBefore && (this.diskFull || behind <= 0)) return;
    if (this.#fd === -1 && !this.#open(now)) return;
    this.#busy = true;
    const steps = Math.max(1, Math.ceil(behind / STEP_BYTES));
    const length = Math.min(steps * STEP_BYTES, FILL_BYTES, this.bytes - this.#filled);
    if ((this.#filled | length) % DIRECT_ALIGNMENT !== 0) this.#closeDirect();
    this.#disk.write(this.#direct ? this.#directFd : this.#fd, zeros, 0, length, this.#filled, this.#written);
  }

  /** Transfers the finished spare to the caller, still under its temporary name. The next one will have `nextBytes`. */
  take(nextBytes: number): Segment {
    assert(this.ready, 'log: the spare segment is not ready');
    this.#closeDirect();
    const segment = { fd: this.#fd, path: this.#path, bytes: this.bytes };
    this.#fd = -1;
    this.#filled = 0;
    this.bytes = nextBytes;
    return segment;
  }

  /** Deletes the spare; a step in flight ends first. Then calls `done`. */
  close(done: () => void): void {
    this.#closed = true;
    this.#onClosed = done;
    if (!this.#busy) this.#remove();
  }

  get #direct(): boolean {
    return this.#directFd !== -1;
  }

  #closeDirect(): void {
    if (this.#direct) closeSync(this.#directFd);
    this.#directFd = -1;
  }

  #remove(): void {
    this.#closeDirect();
    if (this.#fd !== -1) closeSync(this.#fd);
    this.#fd = -1;
    rmSync(this.#path, { force: true });
    this.#onClosed();
  }

  #open(now: number): boolean {
    try {
      this.#fd = openSync(this.#path, 'w+');
      this.#directFd = openDirect(this.#path);
      return true;
    } catch {
      // No inode, no descriptor or no permission: each may be temporary, and each prevents the next segment.
      this.#retryLater(now);
      return false;
    }
  }

  #retryLater(now: number): void {
    this.diskFull = true;
    this.#notBefore = now + RETRY_MS;
    this.#disk.wake(RETRY_MS, this.#wake);
    this.#onStep(true);
  }

  readonly #written = (error: DiskError | null, bytes: number): void => {
    if (error?.code === 'EINVAL' && this.#direct) {
      // Some file systems open with O_DIRECT but reject writes, or writes at this alignment: the step is repeated without it.
      this.#closeDirect();
      this.#stepBytes = 0;
      this.#stepped(null);
    } else if (error) {
      this.#stepped(error);
    } else {
      this.#stepBytes = bytes;
      if (this.#direct && this.#filled + bytes < this.bytes) this.#stepped(null);
      else this.#disk.syncData(this.#fd, this.#stepped);
    }
  };

  readonly #stepped = (error: DiskError | null): void => {
    this.#busy = false;
    if (this.#closed) {
      this.#remove();
    } else if (error === null) {
      this.diskFull = false;
      this.#filled += this.#stepBytes;
      this.#notBefore = performance.now() + PACE_MS;
      if (this.#filled < this.bytes) this.#disk.wake(PACE_MS, this.#wake);
      this.#onStep(false);
    } else if (isDiskFull(error)) {
      this.#retryLater(performance.now());
    } else {
      this.#closed = true;
      this.#onError(error);
    }
  };
}

/** -1 if the platform or the file system does not support O_DIRECT. */
function openDirect(path: string): number {
  if (constants.O_DIRECT === undefined) return -1;
  try {
    return openSync(path, constants.O_WRONLY | constants.O_DIRECT);
  } catch {
    return -1;
  }
}
