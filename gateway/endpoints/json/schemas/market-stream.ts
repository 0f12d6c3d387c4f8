import { z } from 'zod';
import { CANDLE_WIRES } from '../../../../engine/wire/channels/candles.ts';
import { CHANNELS } from '../../../../engine/wire/channels/channels.ts';
import { ORDER_ACTION_NAMES } from '../../../../engine/wire/names.ts';
import { TICKER_FIELDS } from './market.ts';
import { decimal, flag, idText, isoTime, micros, name, phase, seq, side, subPhase, whole } from './values.ts';

/** Messages of market data in the subprotocol `json`. */

const depth = z
  .literal(CHANNELS.map((wire) => wire.depth).filter((levels) => levels !== 0))
  .optional()
  .meta({ description: 'Of a book with a limit: levels of each side.' });
const tag = z
  .int()
  .min(0)
  .max(2 ** 32 - 1)
  .meta({ description: 'The tag of the request; 0 without one.' });
const number = z.int().min(0);
const channelName = z.enum([...new Set(CHANNELS.map(({ textName }) => textName))]);
const sentUs = micros.meta({ description: 'When the exchange sent it, microseconds since the Unix epoch.' });

const LEVEL = z.strictObject({
  side,
  price: decimal,
  quantity: decimal.meta({ description: 'What is there in all; 0: the level is removed.' }),
  orders: whole,
  seq,
});
const ORDER = z.strictObject({
  action: z.enum(ORDER_ACTION_NAMES).meta({ description: '`add`: last in its level; `change`: keeps its place.' }),
  side,
  orderId: idText,
  price: decimal,
  quantity: decimal,
  seq,
});
const BBO = z.strictObject({
  bidPrice: decimal.meta({ description: 'Best bid; `bidOrders` is 0 if there is none.' }),
  bidQuantity: decimal,
  askPrice: decimal.meta({ description: 'Best offer; `askOrders` is 0 if there is none.' }),
  askQuantity: decimal,
  bidOrders: whole,
  askOrders: whole,
  seq,
  timeUs: micros,
});
const TRADE = z.strictObject({
  auction: flag,
  tradeId: idText.meta({ description: 'Counts the trades of the symbol, from 1 without gaps.' }),
  price: decimal,
  quantity: decimal,
  buyOrderId: idText,
  sellOrderId: idText,
  seq,
  timeUs: micros,
  aggressor: side.optional().meta({ description: 'The side that took. Left out for a trade of an auction.' }),
});
const STATUS = z.strictObject({
  phase,
  subPhase,
  earliestEndMs: whole,
  surplusSide: side,
  indicativePrice: decimal,
  indicativeVolume: decimal,
  surplus: decimal,
  referencePrice: decimal,
  lastPrice: decimal,
  seq,
  timeUs: micros,
});
const CANDLE = z.strictObject({
  closed: flag,
  startUs: micros.meta({ description: 'Begin of the bucket, microseconds since the Unix epoch.' }),
  open: decimal,
  high: decimal,
  low: decimal,
  close: decimal,
  volume: decimal,
  buyVolume: decimal,
  sellVolume: decimal,
  notional: decimal.meta({ description: 'Sum of price times quantity.' }),
  trades: whole,
  uncounted: whole,
  firstTradeId: idText,
  lastTradeId: idText,
  seq,
});

/** Snapshots and deltas of a channel. @param vector name of the list of updates */
function updates<Item extends z.ZodType>(channel: string, vector: string, item: Item, options: Readonly<Record<string, z.ZodType>> = {}) {
  return z.strictObject({
    kind: z.enum(['snapshot', 'delta']),
    channel: z.literal(channel),
    ...options,
    symbol: name,
    firstNo: number.meta({ description: 'Delta: number of its first update. Snapshot: number of the last update in it.' }),
    timeUs: sentUs,
    [vector]: z.array(item),
  });
}

/** What an exchange sends, by name. */
export const MARKET_MESSAGES = {
  Subscribed: z.strictObject({ kind: z.literal('subscribed'), channel: channelName, depth, symbol: name, tag, timeUs: sentUs }),
  Unsubscribed: z.strictObject({ kind: z.literal('unsubscribed'), channel: channelName, depth, symbol: name, tag, timeUs: sentUs }),
  Refused: z.strictObject({
    kind: z.literal('refused'),
    channel: z.union([channelName, z.literal('?')]).meta({ description: '`?`: it could not be read.' }),
    depth,
    symbol: name,
    code: whole.meta({ description: 'See docs/CODES.md.' }),
    name,
    text: z.string(),
    tag,
    timeUs: sentUs,
  }),
  Pong: z.strictObject({ kind: z.literal('pong'), tag, timeUs: sentUs }),
  Time: z.strictObject({ kind: z.literal('time'), tag, timeUs: micros, time: isoTime }),
  Heartbeat: z.strictObject({ kind: z.literal('heartbeat'), firstNo: number, timeUs: sentUs }),
  BookUpdates: updates('book', 'levels', LEVEL, { depth }),
  OrderUpdates: updates('book-l3', 'orders', ORDER),
  BboUpdates: updates('bbo', 'bbos', BBO),
  TradeUpdates: updates('trades', 'trades', TRADE),
  StatusUpdates: updates('status', 'statuses', STATUS),
  TickerUpdates: updates('ticker', 'tickers', z.strictObject(TICKER_FIELDS)),
  CandleUpdates: updates('candles-1m', 'candles', CANDLE).extend({ channel: z.enum(CANDLE_WIRES.map(({ textName }) => textName)) }),
} as const satisfies Readonly<Record<string, z.ZodType>>;

/** Any of them. */
export const MARKET_MESSAGE = z.union(Object.values(MARKET_MESSAGES));
