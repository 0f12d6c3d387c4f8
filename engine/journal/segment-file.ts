import { closeSync, fdatasyncSync, fstatSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { assert } from '../assert.ts';
import type { Seq } from '../units.ts';
import { SLOT_BYTES, segmentName } from './log-format.ts';
import { wholeSegmentBytes } from './segment-size.ts';

/** Resizable only for its alignment: V8 aligns resizable memory to a page, as O_DIRECT requires. It is never resized. */
const ZEROS = new Uint8Array(new ArrayBuffer(1024 * 1024, { maxByteLength: 1024 * 1024 }));

/** An open segment. Its owner must close it. */
export interface Segment {
  readonly fd: number;
  readonly path: string;
  /** Size in bytes, fixed at creation. */
  readonly bytes: number;
}

/** Most bytes that one step of zero-filling writes. */
export const FILL_BYTES = ZEROS.length;
/** Zeros, the source of zero-filling; never written to. */
export const zeros: Uint8Array = ZEROS;

/** Makes the directory's entries durable, after a file was created or renamed in it. */
export function syncDirectory(dir: string): void {
  const fd = openSync(dir, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Zero-fills `bytes` of an open file from `position` on. */
export function fillZeros(fd: number, position: number, bytes: number): void {
  for (let done = 0; done < bytes; ) {
    done += writeSync(fd, ZEROS, 0, Math.min(FILL_BYTES, bytes - done), position + done);
  }
}

/** Name of a segment while it is zero-filled. A file that an interrupted run left is not used. */
export const SPARE_NAME = 'spare.obl';

/**
 * Creates and zero-fills a segment and makes it durable. It gets its name when it is whole, so that a segment that is shorter was
 * cut afterwards. Cold. Throws the errors of the file system, and leaves no file then.
 */
export function createSegment(dir: string, firstSeq: Seq, bytes: number): Segment {
  assert(bytes % SLOT_BYTES === 0 && bytes >= 2 * SLOT_BYTES, 'log: a segment is a whole number of slots, at least 2');
  const path = join(dir, segmentName(firstSeq));
  const temporary = join(dir, SPARE_NAME);
  rmSync(temporary, { force: true });
  const fd = openSync(temporary, 'wx+');
  try {
    fillZeros(fd, 0, bytes);
    fsyncSync(fd);
    renameSync(temporary, path);
    syncDirectory(dir);
  } catch (error) {
    closeSync(fd);
    rmSync(temporary, { force: true });
    rmSync(path, { force: true });
    throw error;
  }
  return { fd, path, bytes };
}

/**
 * Opens a segment for appending and makes its content durable: after a kill, the content may be only in the page cache. A shorter one, whose
 * creation was interrupted in an earlier release, or which was cut within its zeros, becomes whole.
 */
export function openSegment(path: string): Segment {
  const fd = openSync(path, 'r+');
  try {
    const { size } = fstatSync(fd);
    const whole = wholeSegmentBytes(size);
    fillZeros(fd, size, whole - size);
    fdatasyncSync(fd);
    return { fd, path, bytes: whole - (whole % SLOT_BYTES) };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}
