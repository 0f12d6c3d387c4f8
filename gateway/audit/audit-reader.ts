import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import { auditDirectory, auditFiles } from './audit-files.ts';
import { type AuditRecord, GENESIS, MAX_RECORD_BYTES, openRecord } from './audit-record.ts';

const NEWLINE = 0x0a;

/** Where and why a trail does not fit together. */
export interface AuditFault {
  readonly file: string;
  /** In the file, from 1. */
  readonly line: number;
  /** Number of the record that was expected there. */
  readonly no: number;
  readonly problem: string;
}

export interface AuditVerdict {
  /** Records that fit, from the first on. */
  readonly records: number;
  /** Of the last of them. */
  readonly head: string;
  /** Bytes behind the last line's end: a record that is being written, or was torn by a crash. */
  readonly tornBytes: number;
  /** The first thing that does not fit. */
  readonly fault: AuditFault | undefined;
}

/**
 * Reads the whole trail and checks each record against the one before it.
 * @param head a hash that was kept elsewhere: the trail must contain it
 */
export async function verifyTrail(dataDir: string, head?: string): Promise<AuditVerdict> {
  const trail = readTrail(dataDir);
  let anchored = head === undefined;
  for (;;) {
    const { done, value } = await trail.next();
    if (!done) anchored ||= value.hash === head;
    else if (anchored || value.fault !== undefined) return value;
    else {
      const problem = `the trail ends without the head ${head}: its end was cut, or it was written anew`;
      return { ...value, fault: { file: '', line: 0, no: value.records + 1, problem } };
    }
  }
}

/** Yields each record that fits, up to the first that does not. */
export async function* readTrail(dataDir: string): AsyncGenerator<AuditRecord, AuditVerdict> {
  let hash = GENESIS;
  let records = 0;
  let tornBytes = 0;
  const files = auditFiles(auditDirectory(dataDir));
  for (const file of files) {
    let line = 0;
    const broken = (problem: string): AuditVerdict => {
      return { records, head: hash, tornBytes, fault: { file: basename(file), line, no: records + 1, problem } };
    };
    for await (const { bytes, ended } of linesOf(file)) {
      line++;
      if (!ended && file === files.at(-1)) {
        tornBytes = bytes.length;
        break;
      }
      const opened = openRecord(hash, bytes);
      if (opened === undefined) return broken('is not a record');
      const { record, expected } = opened;
      if (record.no !== records + 1) return broken(`has number ${record.no}: records were removed, added or moved`);
      if (record.hash !== expected) return broken('does not follow from the one before it: one of the two was changed');
      hash = record.hash;
      records++;
      yield record;
    }
  }
  return { records, head: hash, tornBytes, fault: undefined };
}

/** Lines without their newlines. One that is longer than any record comes in pieces, which are none. */
async function* linesOf(file: string): AsyncGenerator<{ bytes: Buffer; ended: boolean }> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
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
