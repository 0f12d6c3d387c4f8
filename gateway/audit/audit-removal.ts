import { open, rm } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { auditFiles, firstNo, syncDirectory } from './audit-files.ts';
import { GENESIS, MAX_RECORD_BYTES, openRecord } from './audit-record.ts';
import type { AuditEvent } from './audit-sink.ts';

const NEWLINE = 0x0a;

/** What a record documents of a file that retention removes: enough to check that the remaining trail follows it. */
export interface Removal {
  readonly file: string;
  /** Numbers of its first and its last record. */
  readonly from: number;
  readonly through: number;
  /** Hash of the last record; the first remaining record builds on it. */
  readonly hash: string;
}

export function removalEvent(removal: Removal): AuditEvent {
  return { kind: 'trail', subject: 'exchange', action: 'remove', outcome: 'ok', peer: '', detail: JSON.stringify(removal) };
}

/** The removal that an event documents; undefined for any other event. */
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
 * @throws Error when one file does not follow another: a broken trail is evidence and is kept
 */
export async function* removableFiles(dir: string, beforeMs: number): AsyncGenerator<Removal, void> {
  const files = auditFiles(dir);
  for (const [i, next] of files.slice(1).entries()) {
    const follows = await firstLine(next);
    // A new or torn file.
    if (follows.length === 0) return;
    const hash = openRecord(GENESIS, await lastLine(files[i]))?.record.hash ?? '';
    const { record, expected } = openRecord(hash, follows) ?? {};
    if (record === undefined || record.hash !== expected || record.no !== firstNo(next))
      throw new Error(`${next} does not follow from the file before it: what comes before it stays; see openbell audit verify`);
    // Records are in order of time: all records before an old one are older.
    if (Date.parse(record.time) >= beforeMs) return;
    yield { file: basename(files[i]), from: firstNo(files[i]), through: record.no - 1, hash };
  }
}

/** Oldest first, each removal durable before the next: a crash leaves no gap. */
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

/** Maximum length of a record, bytes. */
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
