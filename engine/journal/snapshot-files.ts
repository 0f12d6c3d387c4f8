import { closeSync, fstatSync, fsyncSync, openSync, readdirSync, readSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { assert } from '../assert.ts';
import type { Seq } from '../units.ts';
import { type LogId, logIdHex, sameLog } from './log-format.ts';
import { mustBeFile } from './path-kind.ts';
import { syncDirectory } from './segment-file.ts';

/**
 * A snapshot is the whole state after command `seq`, in rows of `rowWidth`
 * doubles, which the engine defines. A file is written once, under a temporary
 * name, and renamed when it is durable. A snapshot file is therefore always
 * complete.
 *
 *   byte 0      4         8     16         20   24       32            64            end-64   -60      -56       end
 *   ┌──────────┬─────────┬─────┬──────────┬────┬────────┬─────────────┬─────────────┬────────┬────────┬─────────┐
 *   │ magic    │ version │ seq │ rowWidth │ 0  │ log id │ 0           │ rows …      │ magic  │ crc32  │ rows, 0 │
 *   └──────────┴─────────┴─────┴──────────┴────┴────────┴─────────────┴─────────────┴────────┴────────┴─────────┘
 *
 * `seq` and `rows` are doubles. The checksum covers header, rows and the row
 * count. `log id` identifies the log that the state results from; it is 0 if the
 * log had no command yet. Version 1 has zeros there.
 */
const MAGIC = 0x534c424f;
/** Oldest version that is read, and the one that is written, the newest that is read. */
const OLDEST_VERSION = 1;
const VERSION = 2;
const LOG_ID_WORD = 6;
const BLOCK_BYTES = 64;
const CHUNK_BYTES = 1024 * 1024;
const NAME = /^snapshot-(\d{16})\.obs$/;
const TEMPORARY = /^snapshot-\d{16}\.obs\.tmp$/;

/** The file is not a snapshot, is damaged, belongs to another log, or has rows of another width. Its rows must not be used. */
export class BadSnapshotError extends Error {
  readonly code = 'SNAPSHOT_BAD';
  readonly file: string;
  readonly reason: string;

  constructor(file: string, reason: string) {
    super(`The snapshot ${file} cannot be used: ${reason}.`);
    this.name = 'BadSnapshotError';
    this.file = file;
    this.reason = reason;
  }
}

/** A newer openbell wrote the snapshot, and therefore also the log after it. This build must not start from an older snapshot. */
export class NewerSnapshotError extends Error {
  readonly code = 'SNAPSHOT_NEWER';
  readonly file: string;
  readonly version: number;

  constructor(file: string, version: number) {
    super(
      `The snapshot ${file} was written by a newer openbell: it has version ${version}; ` +
        `this release reads versions ${OLDEST_VERSION} to ${VERSION}. Nothing was changed. ` +
        `Start the release that wrote it with ${dirname(file)}, or a newer one.`,
    );
    this.name = 'NewerSnapshotError';
    this.file = file;
    this.version = version;
  }
}

export interface SnapshotFile {
  readonly path: string;
  /** The last command whose effects the snapshot contains. */
  readonly seq: Seq;
}

/** The file of the snapshot after command `seq`. */
export function snapshotPath(dir: string, seq: Seq): string {
  return join(dir, `snapshot-${String(seq).padStart(16, '0')}.obs`);
}

/** Writes a snapshot file. Blocks; one thread owns it. Throws every error of the file system; call `abort` then. */
export class SnapshotWriter {
  readonly #dir: string;
  readonly #path: string;
  readonly #fd: number;
  readonly #rowWidth: number;
  #open = true;
  #crc: number;
  #rows = 0;
  #position = BLOCK_BYTES;

  /**
   * @param rowWidth doubles per row, from 1
   * @param logId id of the log that the state results from; undefined if it has no command yet
   */
  constructor(dir: string, seq: Seq, rowWidth: number, logId: LogId | undefined) {
    assert(Number.isSafeInteger(seq) && seq >= 0, 'snapshot: seq is an integer from 0');
    assert(Number.isInteger(rowWidth) && rowWidth >= 1 && rowWidth * 8 <= CHUNK_BYTES, 'snapshot: rowWidth is 1 to 131072');
    this.#dir = dir;
    this.#path = snapshotPath(dir, seq);
    this.#rowWidth = rowWidth;
    const header = new Uint8Array(BLOCK_BYTES);
    const words = new Uint32Array(header.buffer);
    words[0] = MAGIC;
    words[1] = VERSION;
    new Float64Array(header.buffer)[1] = seq;
    words[4] = rowWidth;
    words[LOG_ID_WORD] = logId?.low ?? 0;
    words[LOG_ID_WORD + 1] = logId?.high ?? 0;
    this.#crc = crc32(header);
    this.#fd = openSync(`${this.#path}.tmp`, 'w');
    try {
      this.#write(header, 0);
    } catch (error) {
      this.abort();
      throw error;
    }
  }

  /** Appends the first `count` rows of `rows`. The caller may reuse `rows` after the call. Each call is a write, so pass about 1,000 rows at a time. */
  append(rows: Float64Array, count: number): void {
    const doubles = count * this.#rowWidth;
    assert(doubles <= rows.length, 'snapshot: more rows than the chunk holds');
    const bytes = new Uint8Array(rows.buffer, rows.byteOffset, doubles * 8);
    this.#crc = crc32(bytes, this.#crc);
    this.#write(bytes, this.#position);
    this.#position += bytes.length;
    this.#rows += count;
  }

  /**
   * Makes the file durable and renames it to its final name. The log must be
   * durable up to the snapshot's seq: the next start fails if a snapshot is
   * ahead of its log.
   */
  finish(): string {
    const footer = new Uint8Array(BLOCK_BYTES);
    const doubles = new Float64Array(footer.buffer);
    doubles[1] = this.#rows;
    const words = new Uint32Array(footer.buffer);
    words[0] = MAGIC;
    words[1] = crc32(footer.subarray(8), this.#crc);
    this.#write(footer, this.#position);
    fsyncSync(this.#fd);
    this.#close();
    renameSync(`${this.#path}.tmp`, this.#path);
    syncDirectory(this.#dir);
    return this.#path;
  }

  /** Closes and deletes the incomplete file; also after a `finish` that failed. */
  abort(): void {
    this.#close();
    rmSync(`${this.#path}.tmp`, { force: true });
  }

  #close(): void {
    if (this.#open) closeSync(this.#fd);
    this.#open = false;
  }

  #write(bytes: Uint8Array, position: number): void {
    for (let done = 0; done < bytes.length; ) done += writeSync(this.#fd, bytes, done, bytes.length - done, position + done);
  }
}

/** The snapshots in a directory, newest first; unchecked. @throws PathError if one is no file */
export function listSnapshots(dir: string): SnapshotFile[] {
  const found: SnapshotFile[] = [];
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const { name } = entry;
    const match = NAME.exec(name);
    if (!entry.isFile() && (match || TEMPORARY.test(name))) mustBeFile(join(dir, name));
    if (match) found.push({ path: join(dir, name), seq: Number(match[1]) });
  }
  return found.sort((a, b) => b.seq - a.seq);
}

/** Receives `count` rows at the start of `rows`, which is valid during the call only. */
export type RowListener = (rows: Float64Array, count: number) => void;

export interface SnapshotHeader {
  readonly seq: Seq;
  readonly rows: number;
  /** Doubles per row. */
  readonly rowWidth: number;
  /** Undefined: the file does not contain it (version 1, or no command yet). */
  readonly logId: LogId | undefined;
}

/** Requirements for a usable snapshot. An undefined requirement is not checked. */
export interface SnapshotExpectation {
  /** Id of the log in the directory; undefined if it has no command yet. */
  readonly logId?: LogId | undefined;
  /** Doubles per row that the caller supports. */
  readonly rowWidth?: number;
  /** Checks the first rows before they are used. Returns the fault, if there is one. */
  readonly firstRows?: (rows: Float64Array) => string | undefined;
}

/**
 * Verifies the file, then reads it again for `onRows`, so that `onRows` never
 * receives a row of a bad file. Blocks.
 *
 * @throws BadSnapshotError, NewerSnapshotError
 */
export function readSnapshot(path: string, onRows: RowListener, expected: SnapshotExpectation = {}): SnapshotHeader {
  const fd = openSync(path, 'r');
  try {
    const reader = new SnapshotReader(fd, path);
    const header = reader.verify(expected);
    reader.give(header, onRows, expected);
    return header;
  } finally {
    closeSync(fd);
  }
}

/**
 * Reads the newest good snapshot from `fromSeq` to `limitSeq`. Bad snapshots are reported to `onBad` and not changed. Undefined if there is none.
 *
 * @throws NewerSnapshotError if a newer openbell wrote any snapshot in the directory
 */
export function readNewestSnapshot(
  dir: string,
  limitSeq: Seq,
  expected: SnapshotExpectation,
  onRows: RowListener,
  onBad: (error: BadSnapshotError) => void,
  fromSeq: Seq = 0,
): SnapshotHeader | undefined {
  rejectNewerSnapshots(dir);
  const files = listSnapshots(dir).filter(({ seq }) => seq >= fromSeq && seq <= limitSeq);
  return readFirstGood(files, expected, onRows, onBad);
}

/** As {@link readNewestSnapshot}, the oldest good one. */
export function readOldestSnapshot(
  dir: string,
  fromSeq: Seq,
  limitSeq: Seq,
  expected: SnapshotExpectation,
  onRows: RowListener,
  onBad: (error: BadSnapshotError) => void,
): SnapshotHeader | undefined {
  rejectNewerSnapshots(dir);
  const files = listSnapshots(dir).filter(({ seq }) => seq >= fromSeq && seq <= limitSeq);
  return readFirstGood(files.reverse(), expected, onRows, onBad);
}

function readFirstGood(
  files: readonly SnapshotFile[],
  expected: SnapshotExpectation,
  onRows: RowListener,
  onBad: (error: BadSnapshotError) => void,
): SnapshotHeader | undefined {
  for (const { path } of files) {
    try {
      return readSnapshot(path, onRows, expected);
    } catch (error) {
      if (!(error instanceof BadSnapshotError)) throw error;
      onBad(error);
    }
  }
  return undefined;
}

/** @throws NewerSnapshotError if a newer openbell wrote a snapshot in the directory */
export function rejectNewerSnapshots(dir: string): void {
  for (const { path } of listSnapshots(dir)) {
    const fd = openSync(path, 'r');
    try {
      new SnapshotReader(fd, path).rejectNewer();
    } finally {
      closeSync(fd);
    }
  }
}

/** The log id of the newest good snapshot that contains one. */
export function snapshotLogId(dir: string): LogId | undefined {
  for (const { path } of listSnapshots(dir)) {
    try {
      const { logId } = readSnapshot(path, () => undefined);
      if (logId) return logId;
    } catch (error) {
      if (!(error instanceof BadSnapshotError)) throw error;
    }
  }
  return undefined;
}

/**
 * Deletes all but the newest `keep` snapshots and the newest one up to `neededSeq`, and the temporary files of interrupted writers.
 * Do not call it while a {@link SnapshotWriter} is active.
 * @param lastSeq end of the log: snapshots ahead of it are not of this log; they are neither counted nor deleted
 */
export function pruneSnapshots(dir: string, keep = 3, lastSeq: Seq = Number.POSITIVE_INFINITY, neededSeq: Seq = lastSeq): void {
  assert(keep >= 1, 'snapshot: keep at least one');
  const own = listSnapshots(dir).filter(({ seq }) => seq <= lastSeq);
  const needed = own.find(({ seq }) => seq <= neededSeq);
  for (const snapshot of own.slice(keep)) if (snapshot !== needed) rmSync(snapshot.path, { force: true });
  for (const name of readdirSync(dir)) if (TEMPORARY.test(name)) rmSync(join(dir, name), { force: true });
}

class SnapshotReader {
  readonly #fd: number;
  readonly #path: string;
  readonly #bytes = new Uint8Array(CHUNK_BYTES);

  constructor(fd: number, path: string) {
    this.#fd = fd;
    this.#path = path;
  }

  verify(expected: SnapshotExpectation): SnapshotHeader {
    this.rejectNewer();
    const { size } = fstatSync(this.#fd);
    if (size < 2 * BLOCK_BYTES) this.#bad('it is too short');
    const header = this.#read(0, BLOCK_BYTES).slice();
    const words = new Int32Array(header.buffer);
    if (words[0] !== MAGIC) this.#bad('it is not a snapshot file');
    if (words[1] < OLDEST_VERSION || words[1] > VERSION) this.#bad(`it has version ${words[1]}, which no release writes`);
    const fault = this.#fault(header, size);
    if (fault) this.#bad(fault);
    const rowWidth = words[4];
    if (expected.rowWidth !== undefined && rowWidth !== expected.rowWidth)
      this.#bad(
        `its rows have ${rowWidth} columns where this release has ${expected.rowWidth}: it was written by another version of openbell`,
      );
    const logId = logIdAt(words);
    if (logId && expected.logId && !sameLog(logId, expected.logId))
      this.#bad(`it belongs to another log, ${logIdHex(logId)}; the log in its directory is ${logIdHex(expected.logId)}`);
    return { seq: new Float64Array(header.buffer)[1], rows: (size - 2 * BLOCK_BYTES) / (rowWidth * 8), rowWidth, logId };
  }

  /**
   * Only magic and version are read from a newer version. A snapshot of a known
   * version whose version field was corrupted is damaged, not newer: its checksum
   * is correct with the original version restored.
   */
  rejectNewer(): void {
    const { size } = fstatSync(this.#fd);
    if (size < BLOCK_BYTES) return;
    const header = this.#read(0, BLOCK_BYTES).slice();
    const words = new Int32Array(header.buffer);
    const version = words[1];
    if (words[0] !== MAGIC || version <= VERSION) return;
    for (let known = OLDEST_VERSION; known <= VERSION && size >= 2 * BLOCK_BYTES; known++) {
      words[1] = known;
      if (this.#fault(header, size) === undefined) return;
    }
    throw new NewerSnapshotError(this.#path, version);
  }

  /** Reads the file to its end and verifies its checksum. Returns the fault; undefined if the file is complete. */
  #fault(header: Uint8Array, size: number): string | undefined {
    const rowWidth = new Int32Array(header.buffer)[4];
    const footer = this.#read(size - BLOCK_BYTES, BLOCK_BYTES).slice();
    const footerWords = new Int32Array(footer.buffer);
    const rows = new Float64Array(footer.buffer)[1];
    if (footerWords[0] !== MAGIC || size !== 2 * BLOCK_BYTES + rows * rowWidth * 8) return 'its end is missing';
    let crc = crc32(header);
    for (let at = BLOCK_BYTES; at < size - BLOCK_BYTES; ) {
      const chunk = this.#read(at, Math.min(CHUNK_BYTES, size - BLOCK_BYTES - at));
      crc = crc32(chunk, crc);
      at += chunk.length;
    }
    return (crc32(footer.subarray(8), crc) | 0) === footerWords[1] ? undefined : 'its checksum is wrong';
  }

  give({ rows, rowWidth }: SnapshotHeader, onRows: RowListener, { firstRows }: SnapshotExpectation): void {
    const doubles = new Float64Array(this.#bytes.buffer);
    const rowBytes = rowWidth * 8;
    const most = Math.floor(CHUNK_BYTES / rowBytes);
    for (let row = 0; row < rows; ) {
      const count = Math.min(most, rows - row);
      this.#read(BLOCK_BYTES + row * rowBytes, count * rowBytes);
      const fault = row === 0 ? firstRows?.(doubles) : undefined;
      if (fault) this.#bad(fault);
      onRows(doubles, count);
      row += count;
    }
  }

  /** Reads exactly `length` bytes into the shared buffer. */
  #read(position: number, length: number): Uint8Array {
    for (let done = 0; done < length; ) {
      const got = readSync(this.#fd, this.#bytes, done, length - done, position + done);
      if (got === 0) this.#bad('it became shorter while it was read');
      done += got;
    }
    return this.#bytes.subarray(0, length);
  }

  #bad(reason: string): never {
    throw new BadSnapshotError(this.#path, reason);
  }
}

function logIdAt(words: Int32Array): LogId | undefined {
  const id = { low: words[LOG_ID_WORD], high: words[LOG_ID_WORD + 1] };
  return id.low === 0 && id.high === 0 ? undefined : id;
}
