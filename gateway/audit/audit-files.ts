import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { mustBeDirectory, mustBeFile } from '../../engine/journal/path-kind.ts';
import { syncDirectory as syncNames } from '../../engine/journal/segment-file.ts';
import { type AuditRecord, GENESIS, openRecord } from './audit-record.ts';

const NEWLINE = 0x0a;
const NAME = /^audit-(\d{12})\.jsonl$/;

/** Where the trail of a data directory is. */
export function auditDirectory(dataDir: string): string {
  return join(dataDir, 'audit');
}

/** @param no number of the file's first record */
export function auditFileName(no: number): string {
  return `audit-${String(no).padStart(12, '0')}.jsonl`;
}

/** The number in a file's name. */
export function firstNo(path: string): number {
  return Number(NAME.exec(basename(path))?.[1]);
}

/** Paths in the order of their records. @throws PathError if one is no file, or the trail no directory */
export function auditFiles(dir: string): string[] {
  if (!existsSync(dir)) return [];
  mustBeDirectory(dir);
  return readdirSync(dir, { withFileTypes: true })
    .filter(({ name }) => NAME.test(name))
    .map((entry) => {
      const path = join(dir, entry.name);
      if (!entry.isFile()) mustBeFile(path);
      return path;
    })
    .sort();
}

/** Where the trail continues. */
export interface TrailEnd {
  /** The file to append to; undefined: none yet. */
  readonly file: string | undefined;
  /** Its length. */
  readonly bytes: number;
  /** Time of its first record; NaN: it has none. */
  readonly beganMs: number;
  /** Of the last record; 0: there is none. */
  readonly no: number;
  readonly hash: string;
  /** Bytes of a torn last record that were cut, and where they are kept. */
  readonly torn: { readonly bytes: number; readonly keptIn: string } | undefined;
}

/**
 * Finds the end. An incomplete last line is cut and kept in a
 * separate file. Earlier records are not checked here: verification does that,
 * and a broken record must not prevent a start.
 */
export function openTrail(dir: string): TrailEnd {
  const files = auditFiles(dir);
  const newest = files.at(-1);
  if (newest === undefined) return { file: undefined, bytes: 0, beganMs: Number.NaN, no: 0, hash: GENESIS, torn: undefined };
  const { record, end, bytes } = lastRecord(newest);
  // A crash may leave a new file without a whole record.
  const before = record ?? (files.length > 1 ? lastRecord(files[files.length - 2]).record : undefined);
  const first = openRecord(GENESIS, bytes.subarray(0, Math.max(0, bytes.indexOf(NEWLINE))));
  const beganMs = Date.parse(first?.record.time ?? '');
  const at = { file: newest, bytes: end, beganMs, no: before?.no ?? 0, hash: before?.hash ?? GENESIS };
  if (end === bytes.length) return { ...at, torn: undefined };
  const keptIn = `${newest}.torn-${end}`;
  writeFileSync(keptIn, bytes.subarray(end), { mode: 0o600, flush: true });
  syncNames(dir);
  truncateSync(newest, end);
  return { ...at, torn: { bytes: bytes.length - end, keptIn } };
}

/** Makes the directory entries durable. */
export async function syncDirectory(dir: string): Promise<void> {
  const handle = await open(dir, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The last whole record of a file, undefined without one, and where it ends. */
function lastRecord(file: string): { record: AuditRecord | undefined; end: number; bytes: Buffer } {
  const bytes = readFileSync(file);
  let end = bytes.lastIndexOf(NEWLINE) + 1;
  while (end > 0) {
    const begin = end < 2 ? 0 : bytes.lastIndexOf(NEWLINE, end - 2) + 1;
    const opened = openRecord(GENESIS, bytes.subarray(begin, end - 1));
    if (opened !== undefined) return { record: opened.record, end, bytes };
    end = begin;
  }
  return { record: undefined, end: 0, bytes };
}
