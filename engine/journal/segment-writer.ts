import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { Seq } from '../units.ts';
import type { Disk, DiskError, Done } from './disk.ts';
import { SLOT_BYTES, segmentName } from './log-format.ts';
import type { LogEnd } from './log-reader.ts';
import { createSegment, openSegment, type Segment } from './segment-file.ts';
import { addSegmentSize, firstSegmentBytes, nextSegmentBytes } from './segment-size.ts';
import { SpareSegment } from './spare-segment.ts';

/** The creation of the spare begins when the first fraction of the segment is used, and must be complete at the second. */
const SPARE_FROM = 0.05;
const SPARE_UNTIL = 0.75;

/** Another process writes the log. Nothing was changed. */
export class ChangedLogError extends Error {
  readonly code = 'LOG_CHANGED';

  constructor(path: string, position: number) {
    super(
      `${path} was written at byte ${position} after this process had read it: another process uses the data directory. ` +
        'Nothing was changed. See that only one exchange uses it, on each host and in each container that has the directory.',
    );
    this.name = 'ChangedLogError';
  }
}

export interface SegmentWriterOptions {
  readonly dir: string;
  readonly end: LogEnd;
  readonly disk: Disk;
  readonly segmentBytes: number;
  /** Bytes that must remain free in the segment while there is no spare, for the commands that were already accepted. */
  readonly reserve: number;
  readonly onSpareStep: (diskFull: boolean) => void;
  readonly onError: (error: DiskError) => void;
}

/** The last segment of the log, and the spare segment that follows it. Same thread as the log writer. */
export class SegmentWriter {
  /** Byte offset of the next batch; the log writer advances it. */
  position: number;
  readonly #dir: string;
  readonly #directoryFd: number;
  readonly #disk: Disk;
  readonly #reserve: number;
  readonly #segmentBytes: number;
  readonly #spare: SpareSegment;
  #segment: Segment;
  #onRolled: Done = () => undefined;

  /** Opens or creates the last segment. Blocks. Throws the errors of the file system. */
  constructor({ dir, end, disk, segmentBytes, reserve, onSpareStep, onError }: SegmentWriterOptions) {
    this.#dir = dir;
    this.#disk = disk;
    this.#reserve = reserve;
    this.#segmentBytes = segmentBytes;
    addSegmentSize(segmentBytes);
    this.#segment =
      end.file === undefined ? createSegment(dir, end.lastSeq + 1, firstSegmentBytes(segmentBytes)) : openSegment(join(dir, end.file));
    this.#spare = new SpareSegment(dir, nextSegmentBytes(this.#segment.bytes, segmentBytes), disk, onSpareStep, onError);
    this.position = end.position;
    if (this.room > 0) this.#mustBeFree();
    this.#directoryFd = openSync(dir, 'r');
  }

  get fd(): number {
    return this.#segment.fd;
  }

  /** Size of the segment. */
  get bytes(): number {
    return this.#segment.bytes;
  }

  /** Free slots of the segment. */
  get room(): number {
    return Math.floor((this.#segment.bytes - this.position) / SLOT_BYTES);
  }

  /** True if a full disk prevents the creation of the spare and the segment is nearly full: accept no new commands. */
  get tight(): boolean {
    const left = this.#segment.bytes - this.position;
    return this.#spare.diskFull && left < Math.min(this.#reserve, this.#segment.bytes / 2);
  }

  get spareReady(): boolean {
    return this.#spare.ready;
  }

  get spareBlocked(): boolean {
    return this.#spare.diskFull;
  }

  /** @throws ChangedLogError if another process has written where the next batch belongs, since the log was read */
  #mustBeFree(): void {
    const slot = new Uint8Array(SLOT_BYTES);
    readSync(this.fd, slot, 0, SLOT_BYTES, this.position);
    if (slot.some((byte) => byte !== 0)) throw new ChangedLogError(this.#segment.path, this.position);
  }

  /** Continues the creation of the spare if a step is due. `hurry`: the spare is needed now. */
  fillSpare(hurry: boolean): void {
    if (this.#spare.ready) return;
    const used = this.position / this.#segment.bytes;
    const needed = (used - SPARE_FROM) / (SPARE_UNTIL - SPARE_FROM);
    // (A truncated file may have no free space although nothing is used.)
    if (hurry || needed >= 0) this.#spare.step(hurry ? this.#spare.bytes : Math.min(1, needed) * this.#spare.bytes);
  }

  /** Continues in the spare, which must be ready. All data of the old segment must be durable. Calls `done` when the new segment is durable. */
  roll(firstSeq: Seq, done: Done): void {
    closeSync(this.#segment.fd);
    const { fd, path, bytes } = this.#spare.take(nextSegmentBytes(this.#spare.bytes, this.#segmentBytes));
    const named = join(this.#dir, segmentName(firstSeq));
    this.#segment = { fd, path: named, bytes };
    this.position = 0;
    this.#onRolled = done;
    this.#disk.rename(path, named, this.#renamed);
  }

  /** Closes the segment. No operation of the log writer may be in flight. */
  close(done: () => void): void {
    closeSync(this.#segment.fd);
    closeSync(this.#directoryFd);
    this.#spare.close(done);
  }

  readonly #renamed = (error: DiskError | null): void => {
    if (error) this.#onRolled(error);
    else this.#disk.syncAll(this.#directoryFd, this.#onRolled);
  };
}
