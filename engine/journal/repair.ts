import { closeSync, copyFileSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, renameSync, statSync } from 'node:fs';
import { basename, isAbsolute, join, relative, sep } from 'node:path';
import type { Seq } from '../units.ts';
import { DamagedLogError } from './log-damage.ts';
import { batchBytes, listSegments, type SegmentFile } from './log-format.ts';
import { readLogId } from './log-id.ts';
import { cutTornTail, type LogEnd, readLog } from './log-reader.ts';
import { mustBeDirectory } from './path-kind.ts';
import { makeDirectory } from './paths.ts';
import { fillZeros, syncDirectory } from './segment-file.ts';
import { wholeSegmentBytes } from './segment-size.ts';
import { BadSnapshotError, listSnapshots, readSnapshot, rejectNewerSnapshots, type SnapshotFile } from './snapshot-files.ts';

/** Bytes between two reports of progress. */
const SCAN_STEP = 16 * 1024 * 1024;

/** How far a repair is, in bytes of the log. */
export interface RepairProgress {
  readonly stage: 'scan' | 'copy';
  readonly done: number;
  readonly total: number;
}

export interface RepairOptions {
  readonly onProgress?: (progress: RepairProgress) => void;
}

export interface RepairResult {
  /** The last remaining command; 0 = none. */
  readonly lastSeq: Seq;
  /** Directory that keeps the removed data; undefined if nothing was removed. */
  readonly kept: string | undefined;
  /** Summary for the operator. */
  readonly message: string;
}

/** The target directory of a fork is not empty, or within the data directory. */
export class ForkTargetError extends Error {
  readonly code = 'FORK_TARGET_NOT_EMPTY';

  constructor(dest: string) {
    super(`${dest} is not empty, or within the data directory. Name a directory outside that does not exist yet.`);
    this.name = 'ForkTargetError';
  }
}

/** The log begins later than with command 1, and no snapshot lies within its good part: what remained could not be started. */
export class UnstartableRepairError extends Error {
  readonly code = 'REPAIR_UNSTARTABLE';

  constructor(dir: string, firstSeq: Seq, lastSeq: Seq) {
    super(
      `The log in ${dir} begins with command ${firstSeq}, because older segments were removed, and is good up to ${lastSeq}; ` +
        `no good snapshot lies between ${firstSeq - 1} and ${lastSeq}, so that what remained could not be started. Nothing was changed. ` +
        'Put a snapshot or the damaged files back from a copy.',
    );
    this.name = 'UnstartableRepairError';
  }
}

/** The good part of the log. */
export interface Survey {
  readonly segments: readonly SegmentFile[];
  /** Index of the damaged segment, or of the last one. */
  readonly index: number;
  /** Byte in that segment after the last good batch. */
  readonly position: number;
  readonly lastSeq: Seq;
  readonly damage: DamagedLogError | undefined;
  readonly end: LogEnd | undefined;
}

/**
 * Repairs a data directory by removing everything from the damage on. Moves that
 * part of the log, and the snapshots that contain its effects, to
 * `damaged-<time>/`. The caller must hold the directory's lock. Blocks. After an
 * interruption, run it again. Also cuts a torn tail, and moves away snapshots
 * that are ahead of the log. The caller must repair other data that was derived
 * from the removed commands (the history).
 *
 * @param survey of {@link surveyToCut}, if the caller has checked before that there is room
 * @throws NewerLogError, NewerSnapshotError if a newer openbell wrote in the directory; UnstartableRepairError. Nothing was changed then
 */
export function cutLog(dir: string, options: RepairOptions = {}, survey: Survey = surveyToCut(dir, options)): RepairResult {
  const { lastSeq, damage, end } = survey;
  const torn = end && cutTornTail(dir, end);
  const ahead = listSnapshots(dir).filter(({ seq }) => seq > lastSeq);
  if (!damage && ahead.length === 0) {
    return {
      lastSeq,
      kept: undefined,
      message: torn?.message ?? `The log in ${dir} is good up to its end, command ${lastSeq}. Nothing was changed.`,
    };
  }
  const kept = join(dir, `damaged-${new Date().toISOString().replaceAll(':', '-')}`);
  mkdirSync(kept);
  for (const { path } of ahead) renameSync(path, join(kept, basename(path)));
  if (damage) cutSegments(dir, kept, survey, options);
  syncDirectory(kept);
  syncDirectory(dir);
  const cut = damage
    ? `The log in ${dir} now ends with command ${lastSeq}.`
    : `The log in ${dir} ends with command ${lastSeq}; a snapshot was ahead of it.`;
  return { lastSeq, kept, message: `${cut} What was behind it is kept in ${kept}.` };
}

/** What {@link cutLog} would leave. Changes nothing. @throws NewerLogError, NewerSnapshotError, UnstartableRepairError */
export function surveyToCut(dir: string, options: RepairOptions = {}): Survey {
  const survey = surveyLog(dir, options);
  mustBeStartable(dir, survey);
  return survey;
}

/** Bytes that the cut copies before it changes them; 0 if it copies nothing. */
export function bytesToCut(dir: string, { segments, index, position, damage, end }: Survey): number {
  if (!damage) return end?.torn?.bytes ?? 0;
  return position === 0 && index > 0 ? 0 : statSync(join(dir, segments[index].name)).size;
}

/**
 * Copies the good part of a log and its snapshots to `dest`, a new or empty directory. `dir` is not changed. Blocks.
 *
 * @throws NewerLogError, NewerSnapshotError as {@link cutLog}; PathError if `dest` is no directory
 */
export function forkLog(dir: string, dest: string, options: RepairOptions = {}): RepairResult {
  mustBeDirectory(dest);
  const [first] = relative(dir, dest).split(sep);
  const outside = first === '..' || isAbsolute(first);
  if (!outside || (existsSync(dest) && readdirSync(dest).length > 0)) throw new ForkTargetError(dest);
  const survey = surveyLog(dir, options);
  mustBeStartable(dir, survey);
  const { segments, index, position, lastSeq } = survey;
  makeDirectory(dest);
  const kept = segments.slice(0, index + 1);
  const total = sizeOf(dir, kept);
  let done = 0;
  for (const [at, { name }] of kept.entries()) {
    const copy = join(dest, name);
    copyFileSync(join(dir, name), copy);
    sync(copy, (fd) => {
      if (at === index) fillZeros(fd, position, wholeSegmentBytes(statSync(copy).size) - position);
    });
    done += statSync(copy).size;
    options.onProgress?.({ stage: 'copy', done, total });
  }
  for (const snapshot of goodSnapshots(dir, lastSeq)) {
    const copy = join(dest, basename(snapshot.path));
    copyFileSync(snapshot.path, copy);
    sync(copy, () => undefined);
  }
  syncDirectory(dest);
  return { lastSeq, kept: undefined, message: `${dest} holds the log up to command ${lastSeq}. ${dir} was left as it is.` };
}

/** Rejects data of a newer openbell: this build cannot determine which part of it is good. */
function surveyLog(dir: string, { onProgress }: RepairOptions): Survey {
  rejectNewerSnapshots(dir);
  const segments = listSegments(dir);
  const total = sizeOf(dir, segments);
  let done = 0;
  try {
    const end = readLog(dir, segments[0]?.firstSeq ?? 1, (_words, _firstWord, count) => {
      const before = done;
      done += batchBytes(count);
      if (Math.floor(done / SCAN_STEP) !== Math.floor(before / SCAN_STEP)) onProgress?.({ stage: 'scan', done, total });
    });
    return { segments, index: segments.length - 1, position: end.position, lastSeq: end.lastSeq, damage: undefined, end };
  } catch (error) {
    if (!(error instanceof DamagedLogError)) throw error;
    const index = segments.findIndex(({ name }) => name === basename(error.file));
    return { segments, index, position: error.position, lastSeq: error.expectedSeq - 1, damage: error, end: undefined };
  }
}

/** Removes the newest part first, so that the log has no gap after an interruption. The bytes are copied before they are zeroed. */
function cutSegments(dir: string, kept: string, { segments, index, position }: Survey, { onProgress }: RepairOptions): void {
  for (const { name } of segments.slice(index + 1).reverse()) renameSync(join(dir, name), join(kept, name));
  const { name } = segments[index];
  const path = join(dir, name);
  if (position === 0 && index > 0) {
    renameSync(path, join(kept, name));
    return;
  }
  const { size } = statSync(path);
  copyFileSync(path, join(kept, name));
  sync(join(kept, name), () => undefined);
  syncDirectory(kept);
  sync(path, (fd) => fillZeros(fd, position, wholeSegmentBytes(size) - position));
  onProgress?.({ stage: 'copy', done: size, total: size });
}

/** @throws UnstartableRepairError */
function mustBeStartable(dir: string, { segments, lastSeq }: Survey): void {
  const firstSeq = segments[0]?.firstSeq ?? 1;
  if (firstSeq === 1 || goodSnapshots(dir, lastSeq).some(({ seq }) => seq >= firstSeq - 1)) return;
  throw new UnstartableRepairError(dir, firstSeq, lastSeq);
}

function goodSnapshots(dir: string, lastSeq: Seq): SnapshotFile[] {
  const logId = readLogId(dir);
  return listSnapshots(dir).filter(({ path, seq }) => {
    if (seq > lastSeq) return false;
    try {
      readSnapshot(path, () => undefined, { logId });
      return true;
    } catch (error) {
      if (!(error instanceof BadSnapshotError)) throw error;
      return false;
    }
  });
}

function sizeOf(dir: string, segments: readonly SegmentFile[]): number {
  return segments.reduce((sum, { name }) => sum + statSync(join(dir, name)).size, 0);
}

/** Changes a file and makes it durable. */
function sync(path: string, change: (fd: number) => void): void {
  const fd = openSync(path, 'r+');
  try {
    change(fd);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
