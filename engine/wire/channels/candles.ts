import { decimalFields, type FieldSpec, jsonFields } from '../json-bytes.ts';
import { Candle, Channel } from '../layout.ts';
import { type ChannelWire, i64 } from './channel-wire.ts';

/** What traded in one interval of time. Prices in ticks, volumes in lots. */
export interface CandleView {
  /** Nothing is added to it any more. Sent once. */
  readonly closed: boolean;
  /** Begin of the bucket, microseconds since the Unix epoch. */
  readonly startUs: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
  /** What buyers and what sellers took; the rest traded in auctions. */
  readonly buyVolume: number;
  readonly sellVolume: number;
  /** Sum of price times quantity: `notionalHigh * 2^52 + notionalLow`. Divided by the volume it is the average price in ticks. */
  readonly notionalLow: number;
  readonly notionalHigh: number;
  readonly trades: number;
  /** Trades that are not in volume and notional, because a sum would have passed its limit. */
  readonly uncounted: number;
  readonly firstTradeId: number;
  readonly lastTradeId: number;
  /** Seq of the last trade's command. */
  readonly seq: number;
}

const FIELDS: readonly FieldSpec[] = [
  ['closed', Candle.closed, 'flag'],
  ['start_us', Candle.startUs, 'i64'],
  ['open', Candle.open, 'price'],
  ['high', Candle.high, 'price'],
  ['low', Candle.low, 'price'],
  ['close', Candle.close, 'price'],
  ['volume', Candle.volume, 'quantity'],
  ['buy_volume', Candle.buyVolume, 'quantity'],
  ['sell_volume', Candle.sellVolume, 'quantity'],
];
const NOTIONAL: readonly FieldSpec[] = [
  ['notional_low', Candle.notionalLow, 'i64'],
  ['notional_high', Candle.notionalHigh, 'i64'],
];
const COUNTS: readonly FieldSpec[] = [
  ['trades', Candle.trades, 'i64'],
  ['uncounted', Candle.uncounted, 'u32'],
  ['first_trade_id', Candle.firstTradeId, 'id'],
  ['last_trade_id', Candle.lastTradeId, 'id'],
  ['seq', Candle.seq, 'i64'],
];

function candleWire<I extends string>(interval: I, id: Channel) {
  return {
    id,
    name: `candles-${interval}` as const,
    textName: `candles-${interval}`,
    depth: 0,
    structBytes: Candle.bytes,
    vectorField: 13,
    vectorName: 'candles',
    flags: ['closed'],
    snapshotHasUpdates: true,
    json: jsonFields([...FIELDS, ...NOTIONAL, ...COUNTS]),
    decimal: decimalFields([...FIELDS, ['notional', Candle.notionalLow, 'money'], ...COUNTS]),
    read: readCandle,
  } as const satisfies ChannelWire<CandleView>;
}

/** The struct at word `at`. */
export function readCandle(w: Int32Array, at: number): CandleView {
  return {
    closed: ((w[at] >> 8) & 0xff) === 1,
    startUs: i64(w, at, Candle.startUs),
    open: i64(w, at, Candle.open),
    high: i64(w, at, Candle.high),
    low: i64(w, at, Candle.low),
    close: i64(w, at, Candle.close),
    volume: i64(w, at, Candle.volume),
    buyVolume: i64(w, at, Candle.buyVolume),
    sellVolume: i64(w, at, Candle.sellVolume),
    notionalLow: i64(w, at, Candle.notionalLow),
    notionalHigh: i64(w, at, Candle.notionalHigh),
    trades: i64(w, at, Candle.trades),
    uncounted: w[at + Candle.uncounted / 4] >>> 0,
    firstTradeId: i64(w, at, Candle.firstTradeId),
    lastTradeId: i64(w, at, Candle.lastTradeId),
    seq: i64(w, at, Candle.seq),
  };
}

/** A channel for each interval, in the order of CandleInterval. They share the struct and its vector. */
export const CANDLE_WIRES = [
  candleWire('1s', Channel.Candles1s),
  candleWire('15s', Channel.Candles15s),
  candleWire('1m', Channel.Candles1m),
  candleWire('5m', Channel.Candles5m),
  candleWire('15m', Channel.Candles15m),
  candleWire('1h', Channel.Candles1h),
  candleWire('4h', Channel.Candles4h),
  candleWire('1d', Channel.Candles1d),
] as const;
