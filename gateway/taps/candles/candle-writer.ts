import { getI64 } from '../../../engine/units.ts';
import { Candle, Side, Trade } from '../../../engine/wire/layout.ts';
import { StructList } from '../../../engine/wire/market-frames.ts';
import { CANDLE_INTERVALS, CANDLES_STATE, Candles, Taker } from '../../../feeds/analysis/candles.ts';
import { putCandle } from '../../candle-record.ts';
import { wordsOf } from '../history/run-format.ts';
import { TRADE_RUNS } from '../history/run-layout.ts';
import { NEWEST, visitForwards } from '../history/runs.ts';
import type { HistoryStore } from '../history/store.ts';
import type { CandleProgress } from './candle-stats.ts';
import { candleKey, openCandle, openState, sealCandle, sealState, seriesOf } from './candle-store.ts';

/** Closed candles that wait, at which the writer commits although it is early. */
export const MANY_CANDLES = 4096;
const INTERVALS = CANDLE_INTERVALS.length;
const DAY = INTERVALS - 1;
/** Trades between two calls that report the progress. */
const PROGRESS_TRADES = 8192;

/** Called between two rows. */
export type Rest = () => void;

/**
 * Makes candles of the trades that the history's writer takes, and writes them in its transaction. Closed candles wait in
 * memory until the commit; there are at most eight for each trade that waits there too. The history's thread owns it.
 */
export class CandleWriter {
  readonly #store: HistoryStore;
  readonly #symbols = new Map<number, Candles>();
  readonly #touched = new Set<number>();
  readonly #closed = new StructList(Candle.bytes, 64);
  /** Symbol of each of them. */
  readonly #owners: number[] = [];
  /** Closed candles that were committed, by number of the interval. */
  readonly stored = new Float64Array(INTERVALS);
  /** Trades that came after their candle was closed. */
  late = 0;
  /** Stored trades that were added to candles. */
  caughtUp = 0;

  /** @throws DamagedHistoryError */
  constructor(store: HistoryStore) {
    this.#store = store;
    for (const { key, value } of store.candleStates.getRange({})) this.#symbols.set(key as number, openState(key as number, value));
  }

  /** Rows of the next commit. */
  get rows(): number {
    return this.#closed.count + this.#touched.size;
  }

  /** Closed candles that wait. */
  get waiting(): number {
    return this.#closed.count;
  }

  /** The states of all symbols: for each its number and CANDLES_STATE numbers. */
  packedStates(): Float64Array {
    const packed = new Float64Array(this.#symbols.size * (CANDLES_STATE + 1));
    let at = 0;
    for (const [symbol, { state }] of this.#symbols) {
      packed[at++] = symbol;
      packed.set(state, at);
      at += CANDLES_STATE;
    }
    return packed;
  }

  /** Adds a trade; one that was added before is ignored. Parameters as of {@link Candles.trade}. */
  trade(symbol: number, timeUs: number, price: number, quantity: number, taker: number, tradeId: number, seq: number): void {
    const candles = this.#candles(symbol);
    if (tradeId <= candles.lastTradeId) return;
    const { late } = candles;
    const closed = candles.trade(timeUs, price, quantity, taker, tradeId, seq);
    this.late += candles.late - late;
    this.#touched.add(symbol);
    if (closed === 0) return;
    for (let i = 0; i < INTERVALS; i++) {
      if ((closed & (1 << i)) === 0) continue;
      const at = this.#closed.add();
      putCandle(this.#closed.words, at, candles.state, candles.closedAt(i), i, true);
      this.#owners.push(symbol);
    }
  }

  /** Writes what is new, inside the transaction of the trades. It stays until {@link clear}, so that a failed commit can be repeated. */
  write(rest: Rest): void {
    const { candles, candleStates } = this.#store;
    const { words, count, bytes } = this.#closed;
    for (let i = 0; i < count; i++) {
      const at = (i * bytes) / 4;
      const key = candleKey(this.#owners[i], words[at] & 0xff, getI64(words, at + Candle.startUs / 4));
      candles.putSync(key, sealCandle(key, words, at));
      rest();
    }
    for (const symbol of this.#touched) {
      candleStates.putSync(symbol, sealState(symbol, this.#candles(symbol)));
      rest();
    }
  }

  /** What {@link write} wrote is committed. */
  clear(): void {
    const { words, count, bytes } = this.#closed;
    for (let i = 0; i < count; i++) this.stored[words[(i * bytes) / 4] & 0xff]++;
    this.#closed.clear();
    this.#owners.length = 0;
    this.#touched.clear();
  }

  /**
   * Adds the stored trades of all symbols that are in no candle yet; see {@link CandleWriter.catchUp}.
   * @param report called now and then, and at the end, if there are any
   */
  catchUpAll(upToSeq: number, some: () => void, report: (progress: CandleProgress) => void = () => undefined): void {
    const symbols: number[] = [];
    let of = 0;
    for (let next = firstKey(this.#store, 0); next !== undefined; next = firstKey(this.#store, next + 1)) {
      symbols.push(next);
      of += Math.max(0, lastKey(this.#store, next) - this.#from(next) + 1);
    }
    for (const symbol of symbols)
      this.catchUp(symbol, upToSeq, some, () => report({ trades: this.caughtUp, of: Math.max(of, this.caughtUp + 1) }));
    if (this.rows > 0) some();
    if (this.caughtUp > 0) report({ trades: this.caughtUp, of: this.caughtUp });
  }

  /**
   * Adds the stored trades that are in no candle yet, of one symbol: all of a store that had no candles, otherwise those that
   * another release wrote. @param upToSeq trades of later commands come again @param some called now and then, to commit
   */
  catchUp(symbol: number, upToSeq: number, some: () => void, report: () => void = () => undefined): void {
    const from = this.#from(symbol);
    let run: Buffer | undefined;
    let words: Int32Array = new Int32Array(0);
    visitForwards(this.#store.trades, symbol, from, NEWEST, TRADE_RUNS, (tradeId, bytes, offset) => {
      if (bytes !== run) {
        run = bytes;
        words = wordsOf(bytes);
      }
      const at = offset / 4;
      const field = (byte: number) => getI64(words, at + byte / 4);
      if (field(Trade.seq) > upToSeq) return false;
      const taker = ((words[at] >> 8) & 0xff) === 1 ? Taker.None : (words[at] & 0xff) === Side.Buy ? Taker.Buy : Taker.Sell;
      this.trade(symbol, field(Trade.timeUs), field(Trade.price), field(Trade.quantity), taker, tradeId, field(Trade.seq));
      if (this.#closed.count >= MANY_CANDLES) some();
      if (++this.caughtUp % PROGRESS_TRADES === 0) report();
      return true;
    });
  }

  /** The first trade that is in no candle. */
  #from(symbol: number): number {
    return (this.#symbols.get(symbol)?.lastTradeId ?? this.#lastOfDays(symbol)) + 1;
  }

  /** The last trade of the newest day that is closed: the candles after it are made again where there is no state. */
  #lastOfDays(symbol: number): number {
    const series = seriesOf(symbol, DAY);
    for (const { key, value } of this.#store.candles.getRange({ start: [series, NEWEST], end: [series, 0], reverse: true, limit: 1 }))
      return openCandle(key as [number, number], value).lastTradeId;
    return 0;
  }

  #candles(symbol: number): Candles {
    let candles = this.#symbols.get(symbol);
    if (candles === undefined) {
      candles = new Candles();
      this.#symbols.set(symbol, candles);
    }
    return candles;
  }
}

/** The first symbol from `symbol` on that has trades. */
function firstKey({ trades }: HistoryStore, symbol: number): number | undefined {
  for (const key of trades.getKeys({ start: [symbol, 0], end: [NEWEST, NEWEST], limit: 1 })) return (key as [number, number])[0];
  return undefined;
}

/** The id of the first trade of a symbol's last run. */
function lastKey({ trades }: HistoryStore, symbol: number): number {
  for (const key of trades.getKeys({ start: [symbol, NEWEST], end: [symbol, 0], reverse: true, limit: 1 }))
    return (key as [number, number])[1];
  return 0;
}
