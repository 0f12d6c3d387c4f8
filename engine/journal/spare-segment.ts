import { closeSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { assert } from '../assert.ts';
import { type Disk, type DiskError, isDiskFull } from './disk.ts';
import { FILL_BYTES, type Segment, zeros } from './segment-file.ts';

/** The spare's name until it becomes a segment; a leftover of an earlier run is deleted. */
export const SPARE_NAME = 'spare.obl';
/** Between two steps while there is no hurry: zero-filling competes with the log for the disk. */
const PACE_MS = 50;
const RETRY_MS = 100;

/**
 * The next segment, zero-filled in small durable steps ahead of need. Room that
 * it has got it keeps, so that a full disk is noticed while the current segment
 * can still take what has been let in.
 *
 * Same thread as the log writer.
 */
export class SpareSegment {
  /** True when the disk had no room at the last step. */
  refused = false;
  readonly #path: string;
  /** Its size when it is ready. */
  bytes: number;
  readonly #disk: Disk;
  readonly #onStep: (refused: boolean) => void;
  readonly #wake = (): void => this.#onStep(false);
  readonly #onError: (error: DiskError) => void;
  #fd = -1;
  /** Bytes that are zero-filled and durable; a step that was refused is done again. */
  #filled = 0;
  #stepBytes = 0;
  #busy = false;
  #notBefore = 0;
  #closed = false;
  #onClosed = (): void => undefined;

  /**
   * @param bytes size of the first spare, a multiple of 64
   * @param onStep after every step, with whether the disk refused it, and when the next one is due
   * @param onError the disk failed; no further step is tried
   */
  constructor(dir: string, bytes: number, disk: Disk, onStep: (refused: boolean) => void, onError: (error: DiskError) => void) {
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

  /** How much is done, 0 to 1. */
  get progress(): number {
    return this.#filled / this.bytes;
  }

  /** Does the next step if one is due. */
  step(hurry: boolean): void {
    if (this.#busy || this.#closed || this.#filled === this.bytes) return;
    const now = performance.now();
    if (now < this.#notBefore && (this.refused || !hurry)) return;
    if (this.#fd === -1 && !this.#open(now)) return;
    this.#busy = true;
    const length = Math.min(FILL_BYTES, this.bytes - this.#filled);
    this.#disk.write(this.#fd, zeros, 0, length, this.#filled, this.#written);
  }

  /** Hands the finished spare over, still under its spare name. The next one will have `nextBytes`. */
  take(nextBytes: number): Segment {
    assert(this.ready, 'log: the spare segment is not ready');
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

  #remove(): void {
    if (this.#fd !== -1) closeSync(this.#fd);
    this.#fd = -1;
    rmSync(this.#path, { force: true });
    this.#onClosed();
  }

  #open(now: number): boolean {
    try {
      this.#fd = openSync(this.#path, 'w+');
      return true;
    } catch {
      // No inode, no descriptor, no permission: all may pass, and all mean that there will be no next segment.
      this.#refuse(now);
      return false;
    }
  }

  #refuse(now: number): void {
    this.refused = true;
    this.#notBefore = now + RETRY_MS;
    this.#disk.wake(RETRY_MS, this.#wake);
    this.#onStep(true);
  }

  readonly #written = (error: DiskError | null, bytes: number): void => {
    if (error) {
      this.#stepped(error);
    } else {
      this.#stepBytes = bytes;
      this.#disk.syncData(this.#fd, this.#stepped);
    }
  };

  readonly #stepped = (error: DiskError | null): void => {
    this.#busy = false;
    if (this.#closed) {
      this.#remove();
    } else if (error === null) {
      this.refused = false;
      this.#filled += this.#stepBytes;
      this.#notBefore = performance.now() + PACE_MS;
      if (this.#filled < this.bytes) this.#disk.wake(PACE_MS, this.#wake);
      this.#onStep(false);
    } else if (isDiskFull(error)) {
      this.#refuse(performance.now());
    } else {
      this.#closed = true;
      this.#onError(error);
    }
  };
}
