import type { Database, RootDatabase } from 'lmdb';
import { Candle } from '../../../engine/wire/layout.ts';
import { CANDLE_INTERVALS, CANDLES_STATE, Candles, INTERVAL_US } from '../../../feeds/analysis/candles.ts';
import { CANDLE_WORDS, type CandleRecord, candleRecord } from '../../candle-record.ts';
import { DamagedHistoryError } from '../history/run-format.ts';
import { ROW_TRAILER_BYTES, sealRow, verifiedKey, verifiedRow } from '../history/sealed-row.ts';

/**
 * Candles in the environment of the history, written in the transaction that writes their trades. Both are derived
 * from the log.
 *
 *   candles        [symbol * 8 + interval, start / interval] -> Candle struct, trailer: closed candles with trades
 *   candle-states  symbol                                    -> state of feeds/analysis/candles.ts, trailer
 *
 * A trailer is a CRC-32 over the key and the value, then 0. A state says up to which trade both databases are complete for its symbol: what
 * a process did not write before it ended is read again from the stored trades, so that each candle is complete and is stored once.
 * A release without candles leaves both alone; the next start of one with candles catches up in the same way.
 */
export interface CandleStore {
  readonly candles: Database<Buffer, [number, number]>;
  readonly candleStates: Database<Buffer, number>;
}

export const CANDLE_DATABASES = ['candles', 'candle-states'] as const;
const ROW_BYTES = Candle.bytes + ROW_TRAILER_BYTES;
const STATE_BYTES = CANDLES_STATE * 8;
/** In errors. */
const WHAT = 'the candles';
const SERIES_PER_SYMBOL = CANDLE_INTERVALS.length;

export function openCandles(root: RootDatabase): CandleStore {
  return {
    candles: root.openDB({ name: 'candles', encoding: 'binary', cache: false }),
    candleStates: root.openDB({ name: 'candle-states', encoding: 'binary', cache: false }),
  };
}

export function seriesOf(symbol: number, interval: number): number {
  return symbol * SERIES_PER_SYMBOL + interval;
}

/** Key of the candle of a series that begins at `startUs`. */
export function candleKey(symbol: number, interval: number, startUs: number): [number, number] {
  return [seriesOf(symbol, interval), startUs / INTERVAL_US[interval]];
}

/** The value of a closed candle. @param words holds the struct at word `at` */
export function sealCandle(key: [number, number], words: Int32Array, at: number): Buffer {
  const row = Buffer.alloc(ROW_BYTES);
  row.set(new Uint8Array(words.buffer, words.byteOffset + at * 4, Candle.bytes));
  return sealRow(key, row, Candle.bytes);
}

/** @throws DamagedHistoryError */
export function openCandle(key: [number, number], value: Buffer): CandleRecord {
  const words = new Int32Array(CANDLE_WORDS);
  new Uint8Array(words.buffer).set(verifiedRow(WHAT, key, value, Candle.bytes));
  const record = candleRecord(words, 0);
  return record;
}

export function sealState(symbol: number, { state }: Candles): Buffer {
  const row = Buffer.alloc(STATE_BYTES + ROW_TRAILER_BYTES);
  row.set(new Uint8Array(state.buffer, state.byteOffset, STATE_BYTES));
  return sealRow([symbol, 0], row, STATE_BYTES);
}

/** @throws DamagedHistoryError */
export function openState(symbol: number, value: Buffer): Candles {
  const state = new Float64Array(CANDLES_STATE);
  new Uint8Array(state.buffer).set(verifiedRow(WHAT, [symbol, 0], value, STATE_BYTES));
  return new Candles(state);
}

/** The candles of a symbol as of the last commit; undefined: none yet. @throws DamagedHistoryError */
export function storedCandles({ candleStates }: CandleStore, symbol: number): Candles | undefined {
  const value = candleStates.get(symbol);
  return value === undefined ? undefined : openState(symbol, value);
}

/** Checks a row that was read without LMDB. @throws DamagedHistoryError */
export function verifyCandleRow(database: (typeof CANDLE_DATABASES)[number], key: unknown, value: Buffer): void {
  if (database === 'candles') {
    verifiedRow(WHAT, verifiedKey(database, key), value, Candle.bytes);
  } else {
    if (!Number.isSafeInteger(key)) throw new DamagedHistoryError('a key of candle-states is damaged');
    verifiedRow(WHAT, [key as number, 0], value, STATE_BYTES);
  }
}
