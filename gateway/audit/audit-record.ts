import { createHash } from 'node:crypto';
import type { AuditEvent } from './audit-sink.ts';

/**
 * A record is one line:
 *
 * ```
 * {"no":7,"time":"2026-11-21T05:00:00.000Z","kind":"admin",...,"hash":"<64 hex digits>"}
 *  └──────────────────────── body ─────────────────────────┘
 * hash = SHA-256 of the hash before it, as text, and the body's bytes as they stand
 * ```
 *
 * The bytes are hashed, not the values: nothing depends on how a reader parses
 * and writes numbers or text.
 */
export const GENESIS = '0'.repeat(64);

const SEAL = /^,"hash":"[0-9a-f]{64}"\}$/;
const SEAL_BYTES = ',"hash":""}'.length + GENESIS.length;
/** Longer fields are cut, because a peer chooses some of them. Characters. */
const MAX_TEXT = 512;
const MAX_DETAIL = 1024;
/** Upper bound of a record's length, with a wide margin. Bytes. */
export const MAX_RECORD_BYTES = 32 * 1024;

export interface AuditRecord extends AuditEvent {
  /** From 1, without gaps. */
  readonly no: number;
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly hash: string;
}

/** @returns the line without its newline, and its hash: what the next record builds on */
export function sealRecord(previous: string, no: number, timeMs: number, event: AuditEvent): { line: string; hash: string } {
  const { kind, subject, account, action, outcome, peer, detail } = event;
  const open = JSON.stringify({
    no,
    time: new Date(timeMs).toISOString(),
    kind: cut(kind),
    subject: cut(subject),
    account,
    action: cut(action),
    outcome: cut(outcome),
    peer: cut(peer),
    detail: detail && cut(detail, MAX_DETAIL),
  }).slice(0, -1);
  const hash = chain(previous, open);
  return { line: `${open},"hash":"${hash}"}`, hash };
}

/** The record in a line, and what its hash should be after `previous`; undefined when the line is not a record. */
export function openRecord(previous: string, line: Buffer): { record: AuditRecord; expected: string } | undefined {
  const seal = SEAL.exec(line.toString('latin1', Math.max(0, line.length - SEAL_BYTES)));
  if (seal === null) return undefined;
  try {
    const record = JSON.parse(line.toString('utf8')) as AuditRecord;
    return typeof record.no === 'number' ? { record, expected: chain(previous, line.subarray(0, line.length - SEAL_BYTES)) } : undefined;
  } catch {
    return undefined;
  }
}

function chain(previous: string, body: string | Buffer): string {
  return createHash('sha256').update(previous).update(body).digest('hex');
}

function cut(text: string, max: number = MAX_TEXT): string {
  return text.length <= max ? text : `${text.slice(0, max)}...`;
}
