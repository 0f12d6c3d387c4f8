import { type FileHandle, open } from 'node:fs/promises';
import { basename } from 'node:path';
import { auditDirectory, auditFiles, firstNo } from './audit-files.ts';
import { type AuditRecord, GENESIS, MAX_RECORD_BYTES, openRecord } from './audit-record.ts';
import { readRemoval } from './audit-removal.ts';

const NEWLINE = 0x0a;
const ATTEMPTS = 5;
/** Files that are opened before the first is read: retention removes the oldest ones, and what is open stays readable. */
const OPEN_AT_ONCE = 500;

/** Position and reason of the first broken record of a trail. */
export interface AuditFault {
  readonly file: string;
  /** In the file, from 1. */
  readonly line: number;
  /** Number of the record that was expected there. */
  readonly no: number;
  readonly problem: string;
}

/** The last removed record, which the remaining trail follows. */
export interface AuditAnchor {
  /** Number of the last record that was removed, and its hash: the first one that is left follows from it. */
  readonly through: number;
  readonly hash: string;
  /** Number of the record that documents the removal. */
  readonly documentedBy: number;
  /** The former name of `documentedBy`, for one release. */
  readonly told: number;
}

export interface AuditVerdict {
  /** Number of the first record that is there. */
  readonly first: number;
  /** Undefined: nothing was removed, or no record documents the removal (see {@link fault}). */
  readonly removed: AuditAnchor | undefined;
  /** Number of valid records, from the first one present. */
  readonly records: number;
  /** Of the last of them. */
  readonly head: string;
  /** Bytes after the last complete line: a record being written, or torn by a crash. */
  readonly tornBytes: number;
  /** The first fault; undefined: the trail is valid. */
  readonly fault: AuditFault | undefined;
}

/**
 * Reads the whole trail and checks each record against the one before it.
 * @param head a hash stored outside the trail; the trail must contain it
 */
export async function verifyTrail(dataDir: string, head?: string): Promise<AuditVerdict> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await verifyOnce(dataDir, head);
    } catch (error) {
      // Retention removed a file while it was being read.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || attempt === ATTEMPTS) throw error;
    }
  }
}

async function verifyOnce(dataDir: string, head?: string): Promise<AuditVerdict> {
  const trail = readTrail(dataDir);
  let anchored = head === undefined;
  for (;;) {
    const { done, value } = await trail.next();
    if (!done) anchored ||= value.hash === head;
    else if (anchored || value.fault !== undefined || value.removed?.hash === head) return value;
    else {
      const older = value.removed === undefined ? '' : `, or it is the head of a record before ${value.first}, which were removed`;
      const problem = `the trail ends without the head ${head}: its end was cut, or it was written anew${older}`;
      return { ...value, fault: { file: '', line: 0, no: value.first + value.records, problem } };
    }
  }
}

/** Yields each valid record, up to the first broken one. @throws Error ENOENT when retention removed a file meanwhile */
export async function* readTrail(dataDir: string): AsyncGenerator<AuditRecord, AuditVerdict> {
  const files = auditFiles(auditDirectory(dataDir));
  const opened: FileHandle[] = [];
  try {
    for (const file of files.slice(0, OPEN_AT_ONCE)) opened.push(await open(file));
    return yield* readFiles(files, opened);
  } finally {
    for (const handle of opened) await handle.close();
  }
}

async function* readFiles(files: readonly string[], opened: readonly FileHandle[]): AsyncGenerator<AuditRecord, AuditVerdict> {
  let hash = GENESIS;
  let records = 0;
  let tornBytes = 0;
  const first = files.length === 0 ? 1 : firstNo(files[0]);
  /** The first line after a removal; checked against the record that documents the removal. */
  let oldest: Buffer | undefined;
  let removed: AuditAnchor | undefined;
  for (const [i, file] of files.entries()) {
    let line = 0;
    const broken = (problem: string): AuditVerdict => {
      return { first, removed, records, head: hash, tornBytes, fault: { file: basename(file), line, no: first + records, problem } };
    };
    for await (const { bytes, ended } of linesOf(opened[i] ?? (await open(file)))) {
      line++;
      if (!ended && file === files.at(-1)) {
        tornBytes = bytes.length;
        break;
      }
      const opened = openRecord(hash, bytes);
      if (opened === undefined) return broken('is not a record');
      const { record, expected } = opened;
      if (record.no !== first + records) return broken(`has number ${record.no}: records were removed, added or moved`);
      if (records === 0 && first > 1) oldest = Buffer.from(bytes);
      else if (record.hash !== expected) return broken('does not follow from the one before it: one of the two was changed');
      const removal = readRemoval(record);
      if (oldest !== undefined && removal?.through === first - 1) {
        const left = openRecord(removal.hash, oldest);
        if (left?.record.hash !== left?.expected) return broken(`documents a removal that record ${first} does not follow`);
        removed = { through: removal.through, hash: removal.hash, documentedBy: record.no, told: record.no };
      }
      hash = record.hash;
      records++;
      yield record;
    }
  }
  const whole = { first, removed, records, head: hash, tornBytes, fault: undefined };
  if (first === 1 || removed !== undefined) return whole;
  const problem = `has number ${first}, and no record documents the removal of those before it`;
  return { ...whole, fault: { file: basename(files[0]), line: 1, no: 1, problem } };
}

/** Lines without their newlines. A line longer than any record is yielded in pieces, none of which parses as a record. */
async function* linesOf(file: FileHandle): AsyncGenerator<{ bytes: Buffer; ended: boolean }> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of file.createReadStream() as AsyncIterable<Buffer>) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf(NEWLINE); end !== -1; end = rest.indexOf(NEWLINE)) {
      yield { bytes: rest.subarray(0, end), ended: true };
      rest = rest.subarray(end + 1);
    }
    if (rest.length <= MAX_RECORD_BYTES) continue;
    yield { bytes: rest, ended: true };
    rest = Buffer.alloc(0);
  }
  if (rest.length > 0) yield { bytes: rest, ended: false };
}
