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
 * @param onRecord sees each record that fits
 */
export async function verifyTrail(dataDir: string, head?: string, onRecord?: (record: AuditRecord) => void): Promise<AuditVerdict> {
  let hash = GENESIS;
  let records = 0;
  let tornBytes = 0;
  let anchored = head === undefined || head === GENESIS;
  const verdict = (fault?: AuditFault): AuditVerdict => ({ records, head: hash, tornBytes, fault });
  const files = auditFiles(auditDirectory(dataDir));
  for (const file of files) {
    let line = 0;
    const at = () => ({ file: basename(file), line, no: records + 1 });
    for await (const { bytes, ended } of linesOf(file)) {
      line++;
      if (!ended && file === files.at(-1)) {
        tornBytes = bytes.length;
        break;
      }
      const opened = openRecord(hash, bytes);
      if (opened === undefined) return verdict({ ...at(), problem: 'is not a record' });
      const { record, expected } = opened;
      if (record.no !== records + 1) return verdict({ ...at(), problem: `has number ${record.no}: records were removed, added or moved` });
      if (record.hash !== expected)
        return verdict({ ...at(), problem: 'does not follow from the one before it: one of the two was changed' });
      hash = record.hash;
      records++;
      anchored ||= hash === head;
      onRecord?.(record);
    }
  }
  if (anchored) return verdict();
  const problem = `the trail ends without the head ${head}: its end was cut, or it was written anew`;
  return verdict({ file: basename(files.at(-1) ?? ''), line: 0, no: records + 1, problem });
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
