import { z } from 'zod';
import { CANDLE_INTERVALS } from '../../../../feeds/analysis/candles.ts';
import { named } from './named.ts';
import { behind, both, decimal, flag, id, isoTime, lost, micros, name, next, phase, seq, side, subPhase, whole } from './values.ts';

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
    tradeId: id,
    ...both('price', 'Ticks'),
    ...both('quantity', 'Lots'),
    aggressor: side.optional().meta({ description: 'Left out for a trade of an auction.' }),
    auction: flag,
    buyOrderId: id,
    sellOrderId: id,
    seq,
    timeUs: micros,
  }),
);
export const TRADES = named('Trades', z.strictObject({ trades: z.array(TRADE), next, lost }));

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
    firstTradeId: id.optional(),
    lastTradeId: id.optional(),
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
