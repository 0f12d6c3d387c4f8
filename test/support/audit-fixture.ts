import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { auditDirectory, auditFiles } from '../../gateway/audit/audit-files.ts';
import { readTrail } from '../../gateway/audit/audit-reader.ts';
import { type AuditRecord, sealRecord } from '../../gateway/audit/audit-record.ts';
import type { AuditEvent } from '../../gateway/audit/audit-sink.ts';
import { AuditTrail } from '../../gateway/audit/audit-trail.ts';
import { createLogger } from '../../gateway/log.ts';
import { until } from './until.ts';

export const LOG = createLogger('silent');
export const DAY_MS = 86_400_000;

export function dataDir(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'openbell-audit-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

export function action(no: number): AuditEvent {
  return {
    kind: 'admin',
    subject: `operator ${no}`,
    account: no,
    action: 'POST /v1/accounts/:id/deposit',
    outcome: 'ok',
    peer: '127.0.0.1',
  };
}

export function reject(detail?: string): AuditEvent {
  const event = { kind: 'identity', subject: '', action: 'gRPC Session', outcome: 'UNAUTHENTICATED', peer: '10.0.0.9' };
  return detail === undefined ? event : { ...event, detail };
}

/** A trail of so many actions between its start and its stop. */
export async function trailOf(data: string, actions: number, rotateBytes?: number): Promise<void> {
  const trail = new AuditTrail(data, LOG, rotateBytes === undefined ? {} : { rotateBytes, flushMs: 1 });
  const lines = () => auditFiles(auditDirectory(data)).flatMap((file) => readFileSync(file, 'utf8').split('\n').slice(1)).length;
  for (let no = 1; no <= actions; no++) {
    trail.record(action(no));
    // A file takes all that is written at once; its start is the first record.
    if (rotateBytes !== undefined && no % 10 === 0) await until(() => lines() > no, `${no} records`);
  }
  await trail.stop();
}

export async function recordsOf(data: string): Promise<AuditRecord[]> {
  const records: AuditRecord[] = [];
  for await (const record of readTrail(data)) records.push(record);
  return records;
}

/** The lines of a trail that is in one file. */
export function editLines(data: string, edit: (lines: string[]) => string[]): void {
  const [file] = auditFiles(auditDirectory(data));
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  writeFileSync(
    file,
    edit(lines)
      .map((line) => `${line}\n`)
      .join(''),
  );
}

/** The line with a hash that fits the line before it. */
export function resealed(line: string, before: string): string {
  const { no, time, hash: _, ...event } = JSON.parse(line) as AuditRecord;
  return sealRecord((JSON.parse(before) as AuditRecord).hash, no, Date.parse(time), event).line;
}
