import { open, rm } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { auditFiles, firstNo, syncDirectory } from './audit-files.ts';
import { GENESIS, MAX_RECORD_BYTES, openRecord } from './audit-record.ts';
import type { AuditEvent } from './audit-sink.ts';

const NEWLINE = 0x0a;

/** What a record tells of a file that retention removes: enough to check that what is left follows from it. */
export interface Removal {
  readonly file: string;
  /** Numbers of its first and its last record. */
  readonly from: number;
  readonly through: number;
  /** Of the last one: what the first record that is left builds on. */
  readonly hash: string;
}

export function removalEvent(removal: Removal): AuditEvent {
  return { kind: 'trail', subject: 'exchange', action: 'remove', outcome: 'ok', peer: '', detail: JSON.stringify(removal) };
}

/** The removal that an event tells of; undefined when it is of something else. */
export function readRemoval({ kind, action, detail = '' }: AuditEvent): Removal | undefined {
  if (kind !== 'trail' || action !== 'remove') return undefined;
  try {
    const removal = JSON.parse(detail) as Partial<Removal> | null;
    return typeof removal?.hash === 'string' && typeof removal.file === 'string' ? (removal as Removal) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Yields the files of a trail whose records are all older than `beforeMs`, oldest first; never the newest one.
 * @throws Error when one does not fit the next: what is broken is evidence, and stays
 */
export async function* removableFiles(dir: string, beforeMs: number): AsyncGenerator<Removal, void> {
  const files = auditFiles(dir);
  for (const [i, next] of files.slice(1).entries()) {
    const follows = await firstLine(next);
    // A file that was just begun, or is torn.
    if (follows.length === 0) return;
    const hash = openRecord(GENESIS, await lastLine(files[i]))?.record.hash ?? '';
    const { record, expected } = openRecord(hash, follows) ?? {};
    if (record === undefined || record.hash !== expected || record.no !== firstNo(next))
      throw new Error(`${next} does not follow from the file before it: what comes before it stays; see openbell audit verify`);
    // Records come in the order of time: what precedes one that is old enough is so too.
    if (Date.parse(record.time) >= beforeMs) return;
    yield { file: basename(files[i]), from: firstNo(files[i]), through: record.no - 1, hash };
  }
}

/** Oldest first, and each before the next also on the disk: what a crash leaves has no hole. */
export async function removeFile(path: string): Promise<void> {
  await rm(path, { force: true });
  await syncDirectory(dirname(path));
}

async function firstLine(path: string): Promise<Buffer> {
  const bytes = await readPart(path, () => 0);
  return bytes.subarray(0, Math.max(0, bytes.indexOf(NEWLINE)));
}

async function lastLine(path: string): Promise<Buffer> {
  const bytes = await readPart(path, (size) => Math.max(0, size - MAX_RECORD_BYTES));
  const end = bytes.lastIndexOf(NEWLINE);
  return bytes.subarray(end < 1 ? 0 : bytes.lastIndexOf(NEWLINE, end - 1) + 1, Math.max(0, end));
}

/** As much as any record may be long. */
async function readPart(path: string, from: (size: number) => number): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_RECORD_BYTES), 0, MAX_RECORD_BYTES, from(size));
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
