import { decimalFields, type FieldSpec, jsonFields } from '../json-bytes.ts';
import { Channel, Ticker } from '../layout.ts';
import { type ChannelWire, i64 } from './channel-wire.ts';

/** What traded in the last 24 hours, in whole minutes, and best bid and offer. Ticks and lots. */
export interface TickerView {
  /** Begin of the first minute, microseconds since the Unix epoch. */
  readonly openTimeUs: number;
  /** Time of the last event that is included. */
  readonly timeUs: number;
  /** Without a trade in the time: the price of the last trade before it; 0 without any. */
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly last: number;
  /** last - open. */
  readonly change: number;
  /** change / open in millionths; 0 without an open. */
  readonly changePpm: number;
  readonly volume: number;
  /** Sum of price times quantity: `notionalHigh * 2^52 + notionalLow`. */
  readonly notionalLow: number;
  readonly notionalHigh: number;
  readonly trades: number;
  readonly lastTradeId: number;
  /** Quantity 0: there is no order on that side. */
  readonly bidPrice: number;
  readonly bidQuantity: number;
  readonly askPrice: number;
  readonly askQuantity: number;
  readonly seq: number;
}

const PRICES: readonly FieldSpec[] = [
  ['open_time_us', Ticker.openTimeUs, 'i64'],
  ['time_us', Ticker.timeUs, 'i64'],
  ['open', Ticker.open, 'price'],
  ['high', Ticker.high, 'price'],
  ['low', Ticker.low, 'price'],
  ['last', Ticker.last, 'price'],
  ['change', Ticker.change, 'price'],
];
const REST: readonly FieldSpec[] = [
  ['trades', Ticker.trades, 'i64'],
  ['last_trade_id', Ticker.lastTradeId, 'id'],
  ['bid_price', Ticker.bidPrice, 'price'],
  ['bid_quantity', Ticker.bidQuantity, 'quantity'],
  ['ask_price', Ticker.askPrice, 'price'],
  ['ask_quantity', Ticker.askQuantity, 'quantity'],
  ['seq', Ticker.seq, 'i64'],
];

export const tickerWire = {
  id: Channel.Ticker,
  name: 'ticker',
  textName: 'ticker',
  depth: 0,
  structBytes: Ticker.bytes,
  vectorField: 14,
  vectorName: 'tickers',
  flags: [],
  snapshotHasUpdates: true,
  json: jsonFields([
    ...PRICES,
    ['change_ppm', Ticker.changePpm, 'i64'],
    ['volume', Ticker.volume, 'quantity'],
    ['notional_low', Ticker.notionalLow, 'i64'],
    ['notional_high', Ticker.notionalHigh, 'i64'],
    ...REST,
  ]),
  decimal: decimalFields([
    ...PRICES,
    ['change_percent', Ticker.changePpm, 'percent'],
    ['volume', Ticker.volume, 'quantity'],
    ['quote_volume', Ticker.notionalLow, 'money'],
    ...REST,
  ]),
  read: (w, at): TickerView => ({
    openTimeUs: i64(w, at, Ticker.openTimeUs),
    timeUs: i64(w, at, Ticker.timeUs),
    open: i64(w, at, Ticker.open),
    high: i64(w, at, Ticker.high),
    low: i64(w, at, Ticker.low),
    last: i64(w, at, Ticker.last),
    change: i64(w, at, Ticker.change),
    changePpm: i64(w, at, Ticker.changePpm),
    volume: i64(w, at, Ticker.volume),
    notionalLow: i64(w, at, Ticker.notionalLow),
    notionalHigh: i64(w, at, Ticker.notionalHigh),
    trades: i64(w, at, Ticker.trades),
    lastTradeId: i64(w, at, Ticker.lastTradeId),
    bidPrice: i64(w, at, Ticker.bidPrice),
    bidQuantity: i64(w, at, Ticker.bidQuantity),
    askPrice: i64(w, at, Ticker.askPrice),
    askQuantity: i64(w, at, Ticker.askQuantity),
    seq: i64(w, at, Ticker.seq),
  }),
} as const satisfies ChannelWire<TickerView>;
