import { closeSync, fdatasync, fdatasyncSync, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import { MAX_BATCH_RECORDS, SLOT_BYTES } from '../../engine/journal/log-format.ts';
import { createSegment, type Segment } from '../../engine/journal/segment-file.ts';
import type { Recorder } from '../suite/recorder.ts';
import { Arrivals, type Slice } from './schedule.ts';

const FILE_BYTES = 64 * 1024 * 1024;
const PAGE_BYTES = 4096;
const syncPooled = promisify(fdatasync);

/**
 * The disk alone: group commit in a tight loop without other work.
 * A batch is the commands that arrived during the last fdatasync. It has as many bytes as
 * the log would write for it (a header and 64 bytes per command), and goes into a file
 * that is zero-filled and in the page cache, like a segment of the log.
 */
export class DiskReference {
  readonly #segment: Segment;
  readonly #bytes = new Uint8Array((MAX_BATCH_RECORDS + 1) * SLOT_BYTES).fill(1);
  #position = 0;

  constructor(dir: string) {
    this.#segment = createSegment(dir, 1, FILE_BYTES);
  }

  /** On this thread, which blocks. */
  blocking(slice: Slice, to: Recorder): void {
    const arrivals = new Arrivals(slice, to);
    while (!arrivals.finished) {
      const count = this.#write(arrivals);
      if (count === 0) continue;
      fdatasyncSync(this.#segment.fd);
      arrivals.complete(arrivals.done + count);
    }
  }

  /** fdatasync by libuv's pool, as in a program with an event loop. */
  async pooled(slice: Slice, to: Recorder): Promise<void> {
    const arrivals = new Arrivals(slice, to);
    while (!arrivals.finished) {
      const count = this.#write(arrivals);
      if (count === 0) continue;
      await syncPooled(this.#segment.fd);
      arrivals.complete(arrivals.done + count);
    }
  }

  /** A page and fdatasync, one after the other, without a schedule: the minimum time of the disk. */
  sequential(ms: number, to: Recorder): void {
    for (const until = performance.now() + ms; performance.now() < until; ) {
      const from = performance.now();
      this.#put(PAGE_BYTES);
      fdatasyncSync(this.#segment.fd);
      to.record(performance.now() - from);
    }
  }

  close(): void {
    closeSync(this.#segment.fd);
  }

  #write(arrivals: Arrivals): number {
    const count = Math.min(arrivals.arrived() - arrivals.done, MAX_BATCH_RECORDS);
    if (count > 0) this.#put((count + 1) * SLOT_BYTES);
    return count;
  }

  #put(length: number): void {
    if (this.#position + length > FILE_BYTES) this.#position = 0;
    writeSync(this.#segment.fd, this.#bytes, 0, length, this.#position);
    this.#position += length;
  }
}
