import { z } from 'zod';
import { BAR_FIELDS, CANDLE_FIELDS, interval } from './market.ts';
import { named } from './named.ts';
import { behind, both, bothIfAny, decimal, id, micros, name, next, phase, truth, whole } from './values.ts';

/** Answers about outside markets, and the reference prices from them. */

const state = z.string().meta({ description: 'Such as `live` or `stale`: docs/FEEDS.md.' });
const fault = z.string().optional();
const FEED_FIELDS = {
  name,
  state,
  fault,
  sinceUs: micros,
  heardUs: micros,
  messages: whole,
  records: whole,
  refusedInstruments: whole,
  faults: z.record(z.string(), whole),
  note: z.string().optional(),
};
const QUOTE = z.strictObject({ price: decimal, quantity: decimal });
const INSTRUMENT = named(
  'Instrument',
  z.strictObject({
    name,
    state,
    fault,
    sinceUs: micros,
    bid: QUOTE.optional(),
    ask: QUOTE.optional(),
    quote: z.strictObject({ venueTimeUs: micros, receiveTimeUs: micros }).optional(),
    trade: z
      .strictObject({
        price: decimal,
        quantity: decimal,
        takerSide: z.enum(['buy', 'sell']).optional(),
        venueTimeUs: micros,
        receiveTimeUs: micros,
      })
      .optional(),
  }),
);
export const FEEDS = z.array(named('Feed', z.strictObject(FEED_FIELDS)));
export const FEED = named('FeedDetails', z.strictObject({ ...FEED_FIELDS, instruments: z.array(INSTRUMENT) }));

const LEFT_OUT = z.strictObject({ late: whole, untimed: whole, ahead: whole, repeated: whole });
export const FEED_CANDLE = named('FeedCandle', z.strictObject({ ...CANDLE_FIELDS, incomplete: truth }));
export const FEED_CANDLES = named(
  'FeedCandles',
  z.strictObject({ feed: name, instrument: name, interval, candles: z.array(FEED_CANDLE), next, leftOut: LEFT_OUT }),
);

export const FEED_INDICATORS = named(
  'FeedIndicators',
  z.strictObject({
    feed: name,
    instrument: name,
    interval,
    indicators: z.array(z.string()),
    bars: z.array(z.strictObject({ ...BAR_FIELDS, incomplete: truth })),
    next,
    behind,
  }),
);
const LISTED_INSTRUMENT = named(
  'ListedInstrument',
  z.strictObject({
    feed: name,
    instrument: name,
    status: z.string(),
    state,
    fault,
    base: name.optional(),
    quote: name.optional(),
    tick: decimal.optional(),
    lot: decimal.optional(),
    priceDecimals: whole.optional(),
    quantityDecimals: whole.optional(),
  }),
);
export const FEED_INSTRUMENTS = z.array(LISTED_INSTRUMENT);

const SOURCE = { feed: name, instrument: name };
const BOOK_LEVEL = z.strictObject({
  price: decimal,
  quantity: decimal,
  sources: z.array(z.strictObject({ ...SOURCE, quantity: decimal })),
});
export const FEED_BOOKS = z.array(named('FeedBookSpec', z.strictObject({ name, levels: whole, sources: z.array(z.strictObject(SOURCE)) })));
export const FEED_BOOK = named(
  'FeedBook',
  z.strictObject({
    name,
    crossing: z.enum(['none', 'locked', 'crossed']),
    timeUs: micros,
    leftOut: whole,
    sources: z.array(z.strictObject({ ...SOURCE, state, fault, sinceUs: micros })),
    bids: z.array(BOOK_LEVEL),
    asks: z.array(BOOK_LEVEL),
  }),
);

const COUNTERS = z.strictObject({ updates: whole, switches: whole, halts: whole, resumptions: whole, retries: whole, rejected: whole });
const REFERENCE_SOURCE = z.strictObject({
  ...SOURCE,
  value: z.enum(['mid', 'last']),
  condition: z.string(),
  ...bothIfAny('price', 'Ticks'),
  ageMs: whole.nullable(),
});
export const REFERENCE = named(
  'Reference',
  z.strictObject({
    symbol: name,
    state: z.enum(['live', 'waiting', 'stale', 'off']),
    phase,
    ...both('referencePrice', 'Ticks'),
    source: id.nullable(),
    usableAgeMs: whole,
    maxAgeMs: z.number(),
    whenStale: z.enum(['halt', 'keep']),
    sources: z.array(REFERENCE_SOURCE),
    counters: COUNTERS,
  }),
);
export const REFERENCES = z.array(REFERENCE);
