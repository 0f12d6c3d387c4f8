import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { Seq } from '../units.ts';
import type { Disk, DiskError, Done } from './disk.ts';
import { SLOT_BYTES, segmentName } from './log-format.ts';
import type { LogEnd } from './log-reader.ts';
import { createSegment, openSegment, type Segment } from './segment-file.ts';
import { SpareSegment } from './spare-segment.ts';

/** A new log starts with a smaller segment, which is there at once; then each one is at most this much larger. */
const FIRST_SEGMENT_BYTES = 16 * 1024 * 1024;
const GROWTH = 2;
/** The spare is begun when this part of the segment is used, and has to be ready at the second. */
const SPARE_FROM = 0.05;
const SPARE_UNTIL = 0.75;

export interface SegmentWriterOptions {
  readonly dir: string;
  readonly end: LogEnd;
  readonly disk: Disk;
  readonly segmentBytes: number;
  /** Bytes that have to be left in the segment while there is no spare: what has been let in needs them. */
  readonly reserve: number;
  readonly onSpareStep: (refused: boolean) => void;
  readonly onError: (error: DiskError) => void;
}

/** The place where the log grows: the last segment, and the spare that follows it. Same thread as the log writer. */
export class SegmentWriter {
  /** Byte where the next batch belongs; the log writer moves it on. */
  position: number;
  readonly #dir: string;
  readonly #directoryFd: number;
  readonly #disk: Disk;
  readonly #reserve: number;
  readonly #segmentBytes: number;
  readonly #spare: SpareSegment;
  #segment: Segment;
  #onRolled: Done = () => undefined;

  /** Opens or creates the last segment; blocks for that. Throws what the file system throws. */
  constructor({ dir, end, disk, segmentBytes, reserve, onSpareStep, onError }: SegmentWriterOptions) {
    this.#dir = dir;
    this.#disk = disk;
    this.#reserve = reserve;
    this.#segmentBytes = segmentBytes;
    this.#segment =
      end.file === undefined
        ? createSegment(dir, end.lastSeq + 1, Math.min(segmentBytes, FIRST_SEGMENT_BYTES))
        : openSegment(join(dir, end.file));
    this.#spare = new SpareSegment(dir, this.#grow(this.#segment.bytes), disk, onSpareStep, onError);
    this.position = end.position;
    this.#directoryFd = openSync(dir, 'r');
  }

  get fd(): number {
    return this.#segment.fd;
  }

  /** Free slots of the segment. */
  get room(): number {
    return Math.floor((this.#segment.bytes - this.position) / SLOT_BYTES);
  }

  /** A full disk keeps the spare from being made, and the segment is nearly used up: take in nothing new. */
  get tight(): boolean {
    const left = this.#segment.bytes - this.position;
    return this.#spare.refused && left < Math.min(this.#reserve, this.#segment.bytes / 2);
  }

  get spareReady(): boolean {
    return this.#spare.ready;
  }

  get spareRefused(): boolean {
    return this.#spare.refused;
  }

  /** Goes on with the spare if it is time. `hurry`: it is needed now. */
  fillSpare(hurry: boolean): void {
    if (this.#spare.ready) return;
    const used = this.position / this.#segment.bytes;
    const needed = (used - SPARE_FROM) / (SPARE_UNTIL - SPARE_FROM);
    // (A file that was cut short may have no room, and nothing used.)
    if (hurry || needed >= 0) this.#spare.step(hurry ? this.#spare.bytes : Math.min(1, needed) * this.#spare.bytes);
  }

  /** Goes on in the spare, which is ready; all that the old segment holds is durable. `done` when the new one is there to stay. */
  roll(firstSeq: Seq, done: Done): void {
    closeSync(this.#segment.fd);
    const { fd, path, bytes } = this.#spare.take(this.#grow(this.#spare.bytes));
    const named = join(this.#dir, segmentName(firstSeq));
    this.#segment = { fd, path: named, bytes };
    this.position = 0;
    this.#onRolled = done;
    this.#disk.rename(path, named, this.#renamed);
  }

  /** No operation of the log writer is in flight. */
  close(done: () => void): void {
    closeSync(this.#segment.fd);
    closeSync(this.#directoryFd);
    this.#spare.close(done);
  }

  /** Size of the segment that follows one of `bytes`. */
  #grow(bytes: number): number {
    return Math.min(this.#segmentBytes, Math.max(bytes, FIRST_SEGMENT_BYTES) * GROWTH);
  }

  readonly #renamed = (error: DiskError | null): void => {
    if (error) this.#onRolled(error);
    else this.#disk.syncAll(this.#directoryFd, this.#onRolled);
  };
}
