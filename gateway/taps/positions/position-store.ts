import type { Database, RootDatabase } from 'lmdb';
import { POSITION_FIELDS, Position } from '../../../feeds/analysis/average-cost.ts';
import type { Runs } from '../history/run-format.ts';
import { ROW_TRAILER_BYTES, type RowKey, sealRow, verifiedKey, verifiedRow } from '../history/sealed-row.ts';

/**
 * Positions in the environment of the history, beside the reports with their fills. Both are derived from the log.
 *
 *   positions       [account, symbol] -> state of feeds/analysis/average-cost.ts, trailer
 *                   [0, 0]            -> the sequence up to which all of them are complete, trailer
 *   position-bases  [account, symbol] -> the same state, after the reports that retention has removed
 *                   [account, 0]      -> PositionBase, trailer
 *
 * Positions are written every few seconds, each with all fills stored until then: with many accounts, a row for each fill would cost more than
 * the fill. So a position is its row and the stored fills of later commands, which a reader adds. It is also its base and all
 * stored fills of the account, so it can be computed again at any time: after a cut of the log, and in a store that an earlier release wrote. A release without positions leaves both databases alone; the next start of one with
 * them catches up.
 */
export interface PositionStore {
  readonly positions: Database<Buffer, RowKey>;
  readonly positionBases: Database<Buffer, RowKey>;
}

/** Positions beside the reports that they are computed from. */
export interface FillStore extends PositionStore {
  readonly reports: Runs;
}

/** What of an account's reports is not stored. */
export interface PositionBase {
  /** Number of the last report that was removed; its bases have the fills up to there. */
  readonly removedTo: number;
  /** Number of the last report whose fill, if it was one, is in no position: it was removed before there were positions, or lost with its log. 0: none. */
  readonly lostTo: number;
}

export const POSITION_DATABASES = ['positions', 'position-bases'] as const;
const WHAT = 'the positions';
const STATE_BYTES = POSITION_FIELDS * 8;
const COMPLETE_BYTES = 8;
const BASE_BYTES = 16;
const COMPLETE_KEY: RowKey = [0, 0];

export function openPositions(root: RootDatabase): PositionStore {
  return {
    positions: root.openDB({ name: 'positions', encoding: 'binary', cache: false }),
    positionBases: root.openDB({ name: 'position-bases', encoding: 'binary', cache: false }),
  };
}

/** A position, or its base, as of the last commit; undefined: no fill. @throws DamagedHistoryError */
export function storedPosition(rows: Database<Buffer, RowKey>, account: number, symbol: number): Position | undefined {
  const row = rows.get([account, symbol]);
  return row === undefined ? undefined : new Position(numbers([account, symbol], row, POSITION_FIELDS));
}

/** Call it inside a transaction. */
export function putPosition(rows: Database<Buffer, RowKey>, account: number, symbol: number, { state }: Position): void {
  putNumbers(rows, [account, symbol], state);
}

/** The positions of an account with symbols from `from` on, by symbol, as of the last commit. @throws DamagedHistoryError */
export function* positionsOf(
  rows: Database<Buffer, RowKey>,
  account: number,
  from = 1,
): Generator<{ readonly symbol: number; readonly position: Position }> {
  for (const { key, value } of rows.getRange({ start: [account, Math.max(from, 1)], end: [account, Number.MAX_SAFE_INTEGER] }))
    yield { symbol: key[1], position: new Position(numbers(key, value, POSITION_FIELDS)) };
}

/** Sequence up to which the positions have all fills; 0: there are none yet. @throws DamagedHistoryError */
export function positionsCompleteTo({ positions }: PositionStore): number {
  const row = positions.get(COMPLETE_KEY);
  return row === undefined ? 0 : numbers(COMPLETE_KEY, row, 1)[0];
}

/** Call it inside a transaction. */
export function putPositionsCompleteTo({ positions }: PositionStore, seq: number): void {
  putNumbers(positions, COMPLETE_KEY, Float64Array.of(seq));
}

/** @throws DamagedHistoryError */
export function positionBase({ positionBases }: PositionStore, account: number): PositionBase {
  const row = positionBases.get([account, 0]);
  if (row === undefined) return { removedTo: 0, lostTo: 0 };
  const [removedTo, lostTo] = numbers([account, 0], row, BASE_BYTES / 8);
  return { removedTo, lostTo };
}

/** Call it inside a transaction. */
export function putPositionBase({ positionBases }: PositionStore, account: number, { removedTo, lostTo }: PositionBase): void {
  putNumbers(positionBases, [account, 0], Float64Array.of(removedTo, lostTo));
}

/** Checks a row that was read without LMDB. @throws DamagedHistoryError */
export function verifyPositionRow(database: (typeof POSITION_DATABASES)[number], key: unknown, value: Buffer): void {
  const [account, symbol] = verifiedKey(database, key);
  const mark = database === 'positions' ? COMPLETE_BYTES : BASE_BYTES;
  verifiedRow(WHAT, [account, symbol], value, symbol === 0 ? mark : STATE_BYTES);
}

/** LMDB copies a value when it is put, so one buffer serves all. */
const buffer = Buffer.alloc(STATE_BYTES + ROW_TRAILER_BYTES);

function putNumbers(rows: Database<Buffer, RowKey>, key: RowKey, values: Float64Array): void {
  const { byteLength } = values;
  buffer.set(new Uint8Array(values.buffer, values.byteOffset, byteLength));
  buffer.fill(0, byteLength, byteLength + ROW_TRAILER_BYTES);
  rows.putSync(key, sealRow(key, buffer.subarray(0, byteLength + ROW_TRAILER_BYTES), byteLength));
}

function numbers(key: RowKey, row: Buffer, count: number): Float64Array {
  const values = new Float64Array(count);
  new Uint8Array(values.buffer).set(verifiedRow(WHAT, key, row, count * 8));
  return values;
}
