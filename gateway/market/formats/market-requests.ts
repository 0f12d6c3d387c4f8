import { z } from 'zod';
import { CHANNELS } from '../../../engine/wire/channels/channels.ts';
import { SUPPORTED_SCHEMA_VERSIONS } from '../../../engine/wire/frames.ts';
import { MOST_LAST_TRADES } from '../symbol-past.ts';

/** Schemas of the JSON requests for market data. They check requests, and are the messages of the document at /asyncapi.json. */

/** Channels as JSON names them; a limit of levels is an option of its own. */
const CHANNEL_TEXTS = [...new Set(CHANNELS.map(({ textName }) => textName))];
/** Levels of each side that the channel `book` may be limited to. Few, so that readers share frames. */
const BOOK_DEPTHS = CHANNELS.map(({ depth }) => depth).filter((depth) => depth !== 0);
/** A number below 2^32. */
const word = (error: string) =>
  z
    .int({ error })
    .min(0, { error })
    .max(2 ** 32 - 1, { error });

const tag = word('tag: must be a whole number below 2^32').optional().meta({ description: 'Returned by the answer. Default: 0.' });
const channel = z
  .enum(CHANNEL_TEXTS, { error: `channel: must be one of ${CHANNEL_TEXTS.join(', ')}` })
  .meta({ description: 'The channel.' });
const SYMBOL_ERROR = 'symbol: must be a name, an id, or * for all symbols';
const symbol = z
  .union([z.string(), word(SYMBOL_ERROR)], { error: SYMBOL_ERROR })
  .meta({ description: 'Name or id of the symbol; `*` or 0: all, those that are defined later too.', examples: ['BTC-USD'] });
const depth = z
  .literal(BOOK_DEPTHS, { error: `depth: must be one of ${BOOK_DEPTHS.join(', ')}; without it, the book has all levels` })
  .optional()
  .meta({ description: 'Of the channel `book`: only the best levels of each side.' });
const LAST_ERROR = `last: must be a whole number from 1 to ${MOST_LAST_TRADES}`;
const last = z
  .int({ error: LAST_ERROR })
  .min(1, { error: LAST_ERROR })
  .max(MOST_LAST_TRADES, { error: LAST_ERROR })
  .optional()
  .meta({ description: 'Of the channel `trades`: snapshots have the last trades, up to this many.' });

const ofTopic = { channel, symbol, depth, tag };
const SUBSCRIBE = { op: z.literal('subscribe'), ...ofTopic, last };
const UNSUBSCRIBE = { op: z.literal('unsubscribe'), ...ofTopic };
const RESNAPSHOT = { op: z.literal('resnapshot'), ...ofTopic };
const PING = { op: z.literal('ping'), tag };
const TIME = { op: z.literal('time'), tag };

/** A request in `json`. */
export const MARKET_REQUESTS = {
  subscribe: z.strictObject(SUBSCRIBE),
  unsubscribe: z.strictObject(UNSUBSCRIBE),
  resnapshot: z.strictObject(RESNAPSHOT),
  ping: z.strictObject(PING),
  time: z.strictObject(TIME),
};

const OP_ERROR = { error: `op: must be one of ${Object.keys(MARKET_REQUESTS).join(', ')}` };
const { subscribe, unsubscribe, resnapshot, ping, time } = MARKET_REQUESTS;
export const MARKET_REQUEST = z.discriminatedUnion('op', [subscribe, unsubscribe, resnapshot, ping, time], OP_ERROR);
export type MarketRequestBody = z.output<typeof MARKET_REQUEST>;

const version = { schema_version: z.literal(SUPPORTED_SCHEMA_VERSIONS, { error: 'schema_version: is not supported' }).optional() };
/** A request in `json-raw`. */
export const RAW_MARKET_REQUEST = z.discriminatedUnion(
  'op',
  [
    z.strictObject({ ...SUBSCRIBE, ...version }),
    z.strictObject({ ...UNSUBSCRIBE, ...version }),
    z.strictObject({ ...RESNAPSHOT, ...version }),
    z.strictObject({ ...PING, ...version }),
    z.strictObject({ ...TIME, ...version }),
  ],
  OP_ERROR,
);
