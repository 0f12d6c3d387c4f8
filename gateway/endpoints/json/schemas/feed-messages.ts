import { z } from 'zod';
import { FEED_CANDLE } from './feeds.ts';
import { interval } from './market.ts';
import { decimal, name, whole } from './values.ts';

/** Messages of the streams of outside markets. */

const count = z.int().min(1).optional();
/** Price and quantity. Not a tuple: the JSON Schema of AsyncAPI writes those in a form that zod does not. */
const pair = z.array(decimal).length(2);
const quote = z.union([pair, z.null()]).meta({ description: 'Price and quantity; null: a side without orders.' });
const OF_INSTRUMENT = {
  feed: name,
  instrument: name.meta({ description: 'As the venue writes it.' }),
  no: z.int().min(1).meta({ description: 'Counts the changes of the instrument: an update is one above what came before.' }),
};
const state = z.string().meta({ description: 'Such as `live` or `stale`: docs/FEEDS.md.' });
const fault = z.union([z.string(), z.null()]).meta({ description: 'What led to the state; null: nothing.' });
const best = z
  .strictObject({ bid: quote, ask: quote, venueTimeUs: whole })
  .meta({ description: 'Best prices: the newest of book and ticker. The time is that of the venue, microseconds since the Unix epoch.' });
const levels = z.array(pair);
const TRADE = z.strictObject({
  price: decimal,
  quantity: decimal,
  takerSide: z.enum(['buy', 'sell']).optional(),
  tradeId: whole.optional().meta({ description: 'Of the venue; left out if it has none that is a number.' }),
  venueTimeUs: whole,
});

/** What a stream of a feed has. */
export const FEED_TAIL_MESSAGES = {
  Snapshot: z.strictObject({
    kind: z.literal('snapshot'),
    ...OF_INSTRUMENT,
    state,
    fault,
    best,
    bids: levels.meta({ description: 'The best levels: price and quantity, best first.' }),
    asks: levels,
    updatesLeftOut: count.meta({ description: 'Updates that were not sent, because they were read too slowly.' }),
  }),
  Update: z.strictObject({
    kind: z.literal('update'),
    ...OF_INSTRUMENT,
    state: state.optional(),
    fault: fault.optional(),
    best: best.optional(),
    bids: levels.optional().meta({ description: 'Levels that have changed; quantity 0: not among the best any more.' }),
    asks: levels.optional(),
    trades: z.array(TRADE).optional(),
    tradesLeftOut: count.meta({ description: 'Trades beyond the most that a message has; the oldest are left out.' }),
    missedRecords: count.meta({ description: 'Records of all feeds that came faster than they could be read.' }),
  }),
} as const satisfies Readonly<Record<string, z.ZodType>>;

const CANDLES = { feed: name, instrument: name, interval, candles: z.array(FEED_CANDLE) };

/** What a stream of candles of a feed has. */
export const FEED_CANDLE_MESSAGES = {
  Snapshot: z.strictObject({ kind: z.literal('snapshot'), ...CANDLES }),
  Update: z.strictObject({ kind: z.literal('update'), ...CANDLES }),
} as const satisfies Readonly<Record<string, z.ZodType>>;

/** Any of them. */
export const FEED_TAIL_MESSAGE = z.discriminatedUnion('kind', [FEED_TAIL_MESSAGES.Snapshot, FEED_TAIL_MESSAGES.Update]);
export const FEED_CANDLE_MESSAGE = z.discriminatedUnion('kind', [FEED_CANDLE_MESSAGES.Snapshot, FEED_CANDLE_MESSAGES.Update]);
