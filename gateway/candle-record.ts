import { putI64 } from '../engine/units.ts';
import { type CandleView, readCandle } from '../engine/wire/channels/candles.ts';
import { Candle } from '../engine/wire/layout.ts';
import { CandleField } from '../feeds/analysis/candles.ts';

/** 64-bit fields of the wire struct, and the field of the state that each holds. */
const FIELDS = (
  [
    ['startUs', 'start'],
    ['open', 'open'],
    ['high', 'high'],
    ['low', 'low'],
    ['close', 'close'],
    ['volume', 'volume'],
    ['buyVolume', 'buyVolume'],
    ['sellVolume', 'sellVolume'],
    ['notionalLow', 'notionalLow'],
    ['notionalHigh', 'notionalHigh'],
    ['trades', 'trades'],
    ['firstTradeId', 'firstTradeId'],
    ['lastTradeId', 'lastTradeId'],
    ['seq', 'seq'],
  ] as const
).map(([wire, field]) => ({ word: Candle[wire] / 4, field: CandleField[field] }));
const MOST_UNCOUNTED = 2 ** 32 - 1;

/** Words of a candle on the wire and in the history. */
export const CANDLE_WORDS = Candle.bytes / 4;

/**
 * Writes a candle of a state (feeds/analysis/candles.ts) as the wire struct.
 * @param at word of the struct @param from index of the candle in the state
 */
export function putCandle(words: Int32Array, at: number, state: Float64Array, from: number, interval: number, isClosed: boolean): void {
  words[at] = interval | (isClosed ? 0x100 : 0);
  words[at + Candle.uncounted / 4] = Math.min(state[from + CandleField.uncounted], MOST_UNCOUNTED);
  for (let i = 0; i < FIELDS.length; i++) putI64(words, at + FIELDS[i].word, state[from + FIELDS[i].field]);
}

/** A candle as it is read from its struct. */
export interface CandleRecord extends CandleView {
  /** Number of its interval. */
  readonly interval: number;
}

/** The struct at word `at`. */
export function candleRecord(words: Int32Array, at: number): CandleRecord {
  return { interval: words[at] & 0xff, ...readCandle(words, at) };
}

/** The candle of a state as a record. @param from its index; undefined: there is none */
export function stateCandle(state: Float64Array, from: number, interval: number, closed: boolean): CandleRecord | undefined {
  if (state[from + CandleField.trades] === 0) return undefined;
  const words = new Int32Array(CANDLE_WORDS);
  putCandle(words, 0, state, from, interval, closed);
  return candleRecord(words, 0);
}

/** A bucket without a trade: the prices are the last close before it. */
export function emptyCandle(interval: number, startUs: number, close: number, closed: boolean): CandleRecord {
  const zero = candleRecord(new Int32Array(CANDLE_WORDS), 0);
  return { ...zero, interval, closed, startUs, open: close, high: close, low: close, close };
}
