import type { Database, RootDatabase } from 'lmdb';
import type { OpeningBalance } from '../../../engine/threads/log-start.ts';
import { DamagedHistoryError } from '../history/run-format.ts';
import { ROW_TRAILER_BYTES, type RowKey, sealRow, verifiedKey, verifiedRow } from '../history/sealed-row.ts';

/**
 * What the ledger of an account needs besides the reports of its fills, in the environment of the history. It is derived from the log.
 *
 *   ledger   [account, seq] -> a deposit or withdrawal, trailer
 *            [account, 0]   -> Opening, trailer: number of a report, then pairs of asset and units
 *            [0, 0]         -> LedgerMark, trailer
 *
 * Fills are not stored twice: a query makes their entries from the reports. Deposits and withdrawals are not reported to the account, but on the
 * stream of the operator, from this version of the reports on.
 */
export interface LedgerStore {
  readonly ledger: Database<Buffer, RowKey>;
}

/** A deposit or withdrawal. */
export interface MoneyMove {
  readonly account: number;
  readonly seq: number;
  /** Microseconds since the Unix epoch. */
  readonly timeUs: number;
  readonly asset: number;
  /** Smallest units of the asset; below 0: a withdrawal. */
  readonly amount: number;
  /** Of the account after it. */
  readonly balance: number;
  /** Number of the account's last report before it. */
  readonly afterNo: number;
}

/** What an account had where the store begins. */
export interface Opening {
  /** Number of the account's last report before. */
  readonly reportNo: number;
  /** By asset, smallest units. */
  readonly balances: ReadonlyMap<number, number>;
}

/** What of the ledger the store has. */
export interface LedgerMark {
  /** The first command whose deposits and withdrawals are stored; 1 = all are. */
  readonly from: number;
  /** The last one. */
  readonly completeTo: number;
  /** The balances before `from` are known: nothing, or the stored ones. Otherwise an earlier release wrote the store then. */
  readonly opened: boolean;
}

export const LEDGER_DATABASE = 'ledger';
const WHAT = 'the ledger';
const MARK_KEY: RowKey = [0, 0];
const MARK_DOUBLES = 3;
const MOVE_DOUBLES = 5;

export function openLedger(root: RootDatabase): LedgerStore {
  return { ledger: root.openDB({ name: LEDGER_DATABASE, encoding: 'binary', cache: false }) };
}

/** Undefined: no release with a ledger has written the store. @throws DamagedHistoryError */
export function ledgerMark({ ledger }: LedgerStore): LedgerMark | undefined {
  const row = ledger.get(MARK_KEY);
  if (row === undefined) return undefined;
  const [from, completeTo, opened] = numbers(MARK_KEY, row);
  return { from, completeTo, opened: opened !== 0 };
}

/** Call it inside a transaction. */
export function putLedgerMark({ ledger }: LedgerStore, { from, completeTo, opened }: LedgerMark): void {
  putNumbers(ledger, MARK_KEY, [from, completeTo, opened ? 1 : 0]);
}

/** Call it inside a transaction. */
export function putMove({ ledger }: LedgerStore, { account, seq, timeUs, asset, amount, balance, afterNo }: MoneyMove): void {
  putNumbers(ledger, [account, seq], [timeUs, asset, amount, balance, afterNo]);
}

/** Deposits and withdrawals of an account before command `before`, newest first. @throws DamagedHistoryError */
export function* movesBefore({ ledger }: LedgerStore, account: number, before: number): Generator<MoneyMove> {
  for (const { key, value } of ledger.getRange({ start: [account, before - 1], end: [account, 0], reverse: true })) {
    const [timeUs, asset, amount, balance, afterNo] = numbers(key, value);
    yield { account, seq: key[1], timeUs, asset, amount, balance, afterNo };
  }
}

/** @throws DamagedHistoryError */
export function openingOf({ ledger }: LedgerStore, account: number): Opening {
  const row = ledger.get([account, 0]);
  if (row === undefined) return { reportNo: 0, balances: new Map() };
  const [reportNo, ...pairs] = numbers([account, 0], row);
  const balances = new Map<number, number>();
  for (let i = 0; i < pairs.length; i += 2) balances.set(pairs[i], pairs[i + 1]);
  return { reportNo, balances };
}

/** For a store that begins after command `seq`, with these balances and numbers of reports. Call it inside a transaction. */
export function beginLedgerAt(store: LedgerStore, seq: number, lastReportNo: Float64Array, balances: readonly OpeningBalance[]): void {
  for (const key of Array.from(store.ledger.getKeys({}))) store.ledger.removeSync(key);
  const byAccount = Map.groupBy(balances, ({ account }) => account);
  for (const [account, reportNo] of lastReportNo.entries()) {
    const own = byAccount.get(account) ?? [];
    if (account === 0 || (reportNo === 0 && own.length === 0)) continue;
    putNumbers(store.ledger, [account, 0], [reportNo, ...own.flatMap(({ asset, balance }) => [asset, balance])]);
  }
  putLedgerMark(store, { from: seq + 1, completeTo: seq, opened: true });
}

/** Rows that {@link truncateLedger} changes. */
export function ledgerRowsAfter({ ledger }: LedgerStore, seq: number): number {
  let rows = 1;
  for (const [, at] of ledger.getKeys({})) if (at > seq) rows++;
  return rows;
}

/** Removes the deposits and withdrawals of commands after `seq`, for a log that was cut there. Call it inside a transaction. */
export function truncateLedger(store: LedgerStore, seq: number): void {
  const mark = ledgerMark(store);
  for (const key of Array.from(store.ledger.getKeys({}))) if (key[1] > seq) store.ledger.removeSync(key);
  if (mark !== undefined && mark.completeTo > seq) putLedgerMark(store, { ...mark, from: Math.min(mark.from, seq + 1), completeTo: seq });
}

/** Checks a row that was read without LMDB. @throws DamagedHistoryError */
export function verifyLedgerRow(key: unknown, value: Buffer): void {
  const [account, seq] = verifiedKey(LEDGER_DATABASE, key);
  const { length } = numbers([account, seq], value);
  const fits = seq > 0 ? length === MOVE_DOUBLES : account === 0 ? length === MARK_DOUBLES : length % 2 === 1;
  if (!fits) throw new DamagedHistoryError(`${WHAT} at ${[account, seq]} has ${value.length} bytes`);
}

function putNumbers(ledger: Database<Buffer, RowKey>, key: RowKey, values: readonly number[]): void {
  const length = values.length * 8;
  const row = Buffer.alloc(length + ROW_TRAILER_BYTES);
  for (const [i, value] of values.entries()) row.writeDoubleLE(value, i * 8);
  ledger.putSync(key, sealRow(key, row, length));
}

function numbers(key: RowKey, row: Buffer): Float64Array {
  const length = row.length - ROW_TRAILER_BYTES;
  if (length < 0 || length % 8 !== 0) throw new DamagedHistoryError(`${WHAT} at ${key} has ${row.length} bytes`);
  const values = new Float64Array(length / 8);
  new Uint8Array(values.buffer).set(verifiedRow(WHAT, key, row, length));
  return values;
}
