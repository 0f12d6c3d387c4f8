import { createHash } from 'node:crypto';
import { isUint8Array } from 'node:util/types';
import { InvariantError } from '../assert.ts';
import { CapacityError, NewerRulesError } from '../limits.ts';
import type { Exchange } from '../machine/exchange.ts';
import { ROW_FIELDS, StateLoader, saveState } from '../machine/state-rows.ts';
import { EmbedError } from './embed-error.ts';

/**
 * A snapshot of an embedded exchange, little-endian: the rows of its state, in canonical order.
 *
 *   byte 0        8         12         16                         48
 *   ┌────────────┬─────────┬──────────┬──────────────────────────┬──────┐
 *   │ "OBEMBED\0"│ version │ fields   │ SHA-256 of the rows      │ rows │
 *   └────────────┴─────────┴──────────┴──────────────────────────┴──────┘
 */
export type SnapshotBytes = Uint8Array<ArrayBuffer>;

const MAGIC = 'OBEMBED\0';
const VERSION = 1;
const HASH_AT = 16;
const HASH_BYTES = 32;
const ROWS_AT = HASH_AT + HASH_BYTES;
const ROW_BYTES = ROW_FIELDS * 8;

export function writeSnapshot(exchange: Exchange): SnapshotBytes {
  const chunks: Uint8Array[] = [];
  saveState(exchange, (rows, count) => chunks.push(new Uint8Array(rows.buffer, rows.byteOffset, count * ROW_BYTES).slice()));
  const bytes = new Uint8Array(ROWS_AT + chunks.reduce((sum, { length }) => sum + length, 0));
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < MAGIC.length; i++) bytes[i] = MAGIC.charCodeAt(i);
  view.setUint32(8, VERSION, true);
  view.setUint32(12, ROW_FIELDS, true);
  let at = ROWS_AT;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  bytes.set(hashOf(bytes), HASH_AT);
  return bytes;
}

/** Loads a snapshot into a new exchange. @throws EmbedError SNAPSHOT_INVALID, also if the exchange has too little room; CAPACITY_BELOW_LOG; RULES_NEWER, of a newer release */
export function readSnapshot(exchange: Exchange, bytes: Uint8Array): void {
  // Of any realm: instanceof does not know the arrays of another one.
  if (!isUint8Array(bytes)) invalid('a snapshot is a Uint8Array');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isSnapshot = bytes.length >= ROWS_AT && [...MAGIC].every((char, i) => bytes[i] === char.charCodeAt(0));
  if (!isSnapshot) invalid('this is no snapshot of an embedded exchange');
  if (view.getUint32(8, true) !== VERSION || view.getUint32(12, true) !== ROW_FIELDS)
    invalid(`the snapshot has version ${view.getUint32(8, true)}, and this release reads ${VERSION}`);
  if ((bytes.length - ROWS_AT) % ROW_BYTES !== 0 || hashOf(bytes).some((byte, i) => byte !== bytes[HASH_AT + i]))
    invalid('the snapshot is damaged: its checksum is wrong');
  // A copy, because rows begin at a multiple of 8 bytes.
  const rows = new Float64Array(bytes.slice(ROWS_AT).buffer);
  try {
    new StateLoader(exchange).load(rows, rows.length / ROW_FIELDS);
  } catch (error) {
    if (error instanceof CapacityError || error instanceof NewerRulesError) throw new EmbedError(error.code, error.message);
    if (error instanceof InvariantError)
      invalid(`the exchange cannot load the snapshot (${error.message}); give it the limits that it was written with`);
    throw error;
  }
}

function hashOf(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes.subarray(ROWS_AT)).digest();
}

function invalid(text: string): never {
  throw new EmbedError('SNAPSHOT_INVALID', text);
}
