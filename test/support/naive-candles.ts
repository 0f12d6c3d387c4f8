import { CANDLE_INTERVALS, CandleField, type Candles, INTERVAL_US, Taker } from '../../feeds/analysis/candles.ts';
import { wideValue } from '../../feeds/analysis/wide-sum.ts';

export interface NaiveTrade {
  readonly timeUs: number;
  readonly price: number;
  readonly quantity: number;
  readonly taker: number;
  readonly tradeId: number;
  readonly seq: number;
}

/** A candle as an object; `notional` is the exact sum. */
export interface NaiveCandle {
  readonly start: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: bigint;
  readonly buyVolume: bigint;
  readonly sellVolume: bigint;
  readonly notional: bigint;
  readonly trades: number;
  readonly firstTradeId: number;
  readonly lastTradeId: number;
  readonly seq: number;
}

/** All candles of an interval, oldest first, by the definition: trades grouped by bucket, sums in BigInt. */
export function naiveCandles(all: readonly NaiveTrade[], interval: number): NaiveCandle[] {
  const length = BigInt(INTERVAL_US[interval]);
  const buckets = Map.groupBy(all, ({ timeUs }) => Number((BigInt(timeUs) / length) * length));
  const sum = (trades: readonly NaiveTrade[], value: (trade: NaiveTrade) => bigint) =>
    trades.reduce((total, trade) => total + value(trade), 0n);
  return [...buckets].map(([start, trades]) => {
    const prices = trades.map(({ price }) => price);
    const first = trades[0];
    const last = trades[trades.length - 1];
    const volumeOf = (taker: number) =>
      sum(
        trades.filter((trade) => trade.taker === taker),
        ({ quantity }) => BigInt(quantity),
      );
    return {
      start,
      open: first.price,
      high: Math.max(...prices),
      low: Math.min(...prices),
      close: last.price,
      volume: sum(trades, ({ quantity }) => BigInt(quantity)),
      buyVolume: volumeOf(Taker.Buy),
      sellVolume: volumeOf(Taker.Sell),
      notional: sum(trades, ({ price, quantity }) => BigInt(price) * BigInt(quantity)),
      trades: trades.length,
      firstTradeId: first.tradeId,
      lastTradeId: last.tradeId,
      seq: last.seq,
    };
  });
}

/** The candle at index `at` of a state, as an object. */
export function candleAt(state: Float64Array, at: number): NaiveCandle {
  const field = (name: keyof typeof CandleField) => state[at + CandleField[name]];
  return {
    start: field('start'),
    open: field('open'),
    high: field('high'),
    low: field('low'),
    close: field('close'),
    volume: BigInt(field('volume')),
    buyVolume: BigInt(field('buyVolume')),
    sellVolume: BigInt(field('sellVolume')),
    notional: wideValue(field('notionalLow'), field('notionalHigh')),
    trades: field('trades'),
    firstTradeId: field('firstTradeId'),
    lastTradeId: field('lastTradeId'),
    seq: field('seq'),
  };
}

/** Collects what closes, by interval. */
export class ClosedCandles {
  readonly closed: NaiveCandle[][] = CANDLE_INTERVALS.map(() => []);

  /** @param mask as `trade` and `advance` return it */
  note(candles: Candles, mask: number): void {
    for (const [i, list] of this.closed.entries()) if ((mask & (1 << i)) !== 0) list.push(candleAt(candles.state, candles.closedAt(i)));
  }

  /** Closed candles and the forming one. */
  all(candles: Candles, interval: number): NaiveCandle[] {
    const forming = candleAt(candles.state, candles.formingAt(interval));
    return forming.trades === 0 ? this.closed[interval] : [...this.closed[interval], forming];
  }
}
