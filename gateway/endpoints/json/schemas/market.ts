import { z } from 'zod';
import { CANDLE_INTERVALS } from '../../../../feeds/analysis/candles.ts';
import { named } from './named.ts';
import {
  behind,
  both,
  decimal,
  flag,
  idText,
  isoTime,
  lost,
  micros,
  name,
  next,
  nextText,
  phase,
  seq,
  side,
  subPhase,
  whole,
} from './values.ts';

/** Answers about the market of the exchange. */

const LEVEL = z.strictObject({ price: decimal, quantity: decimal, orders: whole, priceTicks: whole, quantityLots: whole });
export const BOOK = named(
  'Book',
  z.strictObject({
    symbol: name,
    phase,
    subPhase,
    ...both('lastPrice', 'Ticks'),
    bids: z.array(LEVEL).meta({ description: 'Best first.' }),
    asks: z.array(LEVEL).meta({ description: 'Best first.' }),
  }),
);
const TRADE = named(
  'Trade',
  z.strictObject({
    tradeId: idText,
    ...both('price', 'Ticks'),
    ...both('quantity', 'Lots'),
    aggressor: side.optional().meta({ description: 'Left out for a trade of an auction.' }),
    auction: flag,
    buyOrderId: idText,
    sellOrderId: idText,
    seq,
    timeUs: micros,
  }),
);
const nextTrade = nextText.meta({
  description: 'Of a following page: `before`, or, of trades that are oldest first, `after`; "0": this is the last one.',
});
export const TRADES = named('Trades', z.strictObject({ trades: z.array(TRADE), next: nextTrade, lost }));

/** What a symbol traded in 24 hours; the channel `ticker` has the same. */
export const TICKER_FIELDS = {
  openTimeUs: micros.meta({ description: 'Begin of the 24 hours, in whole minutes; microseconds since the Unix epoch.' }),
  timeUs: micros,
  open: decimal.meta({ description: 'Without a trade in the time, prices are that of the last trade before it.' }),
  high: decimal,
  low: decimal,
  last: decimal,
  change: decimal.meta({ description: '`last` - `open`.' }),
  changePercent: decimal.meta({ description: '`change` / `open` in percent.' }),
  volume: decimal,
  quoteVolume: decimal.meta({ description: 'Sum of price times quantity.' }),
  trades: whole,
  lastTradeId: idText,
  bidPrice: decimal.meta({ description: 'Best bid; its quantity is 0 if there is none.' }),
  bidQuantity: decimal,
  askPrice: decimal.meta({ description: 'Best offer; its quantity is 0 if there is none.' }),
  askQuantity: decimal,
  seq,
};
const TICKER = named('Ticker', z.strictObject({ symbol: name, ...TICKER_FIELDS }));
export const TICKERS = named('Tickers', z.strictObject({ tickers: z.array(TICKER) }));
export const TIME = named('Time', z.strictObject({ timeUs: micros, time: isoTime }));

export const interval = z.enum(CANDLE_INTERVALS);
/** What candles of the exchange and of outside markets have in common. */
export const CANDLE_FIELDS = {
  startUs: micros,
  start: isoTime,
  closed: flag,
  open: decimal,
  high: decimal,
  low: decimal,
  close: decimal,
  volume: decimal,
  buyVolume: decimal,
  sellVolume: decimal,
  vwap: decimal.optional(),
  notional: decimal,
  trades: whole,
  uncounted: whole.optional(),
};
const CANDLE = named(
  'Candle',
  z.strictObject({
    ...CANDLE_FIELDS,
    openTicks: whole,
    highTicks: whole,
    lowTicks: whole,
    closeTicks: whole,
    volumeLots: whole,
    buyVolumeLots: whole,
    sellVolumeLots: whole,
    firstTradeId: idText.optional(),
    lastTradeId: idText.optional(),
    seq: seq.optional(),
  }),
);
export const CANDLES = named('Candles', z.strictObject({ symbol: name, interval, candles: z.array(CANDLE), next, behind }));

/** What bars of the exchange and of outside markets have in common. */
export const BAR_FIELDS = {
  startUs: micros,
  start: isoTime,
  closed: flag,
  close: decimal,
  values: z.record(z.string(), z.union([z.number(), z.null(), z.record(z.string(), z.number().nullable())])),
};
export const INDICATORS = named(
  'Indicators',
  z.strictObject({ symbol: name, interval, indicators: z.array(z.string()), bars: z.array(z.strictObject(BAR_FIELDS)), next, behind }),
);
