import { z } from 'zod';
import { MARKET_REQUESTS } from '../../../market/formats/market-requests.ts';
import { PORTFOLIO } from './accounts.ts';
import { ALERT_EVENT } from './alerts.ts';
import { FEED_CANDLE_MESSAGES, FEED_TAIL_MESSAGES } from './feed-messages.ts';
import { interval } from './market.ts';
import { MARKET_MESSAGES } from './market-stream.ts';
import { client, type MessageSpec, server } from './message-spec.ts';
import { ORDER_MESSAGES, PRIVATE_CHANNELS } from './order-messages.ts';

/** A stream over WebSocket with JSON messages. */
export interface StreamSpec {
  /** Unique; part of the names of its messages. */
  readonly name: string;
  readonly path: string;
  readonly title: string;
  readonly description: string;
  /** Parameters of the query, by name. */
  readonly query: Readonly<Record<string, z.ZodType>>;
  readonly messages: readonly MessageSpec[];
}

const feed = z.string().meta({ description: 'Name of the source in the configuration of the exchange.' });
const account = z.int().min(0).meta({ description: 'The account.' });

const MARKET: readonly MessageSpec[] = [
  client('subscribe', MARKET_REQUESTS.subscribe, 'Subscribes to a channel of a symbol; again: a fresh snapshot.'),
  client('unsubscribe', MARKET_REQUESTS.unsubscribe, 'Ends a subscription.'),
  client('resnapshot', MARKET_REQUESTS.resnapshot, 'Asks for a snapshot of a subscription.'),
  client('ping', MARKET_REQUESTS.ping, 'Asks for a pong.'),
  client('time', MARKET_REQUESTS.time, 'Asks for the time of the exchange.'),
  server('subscribed', MARKET_MESSAGES.Subscribed, 'A subscription begins; its snapshot follows.'),
  server('unsubscribed', MARKET_MESSAGES.Unsubscribed, 'A subscription has ended.'),
  server('refused', MARKET_MESSAGES.Refused, 'A request that did nothing.'),
  server('pong', MARKET_MESSAGES.Pong, 'The answer to a ping.'),
  server('time', MARKET_MESSAGES.Time, 'The time of the exchange.'),
  server('heartbeat', MARKET_MESSAGES.Heartbeat, 'The connection works: every 5 s.'),
  server('bookUpdates', MARKET_MESSAGES.BookUpdates, 'Price levels: all or the best ones, then those that change.'),
  server('orderUpdates', MARKET_MESSAGES.OrderUpdates, 'Resting orders in priority, then each change.'),
  server('bboUpdates', MARKET_MESSAGES.BboUpdates, 'Best bid and offer.'),
  server('tradeUpdates', MARKET_MESSAGES.TradeUpdates, 'Trades; the last ones in a snapshot if they were asked for.'),
  server('statusUpdates', MARKET_MESSAGES.StatusUpdates, 'Trading phase and indication of an auction.'),
  server('candleUpdates', MARKET_MESSAGES.CandleUpdates, 'Candles of an interval: each closed once, and the forming one.'),
  server('tickerUpdates', MARKET_MESSAGES.TickerUpdates, 'What traded in 24 hours, about once a second.'),
];

/** The streams with JSON messages, for the document at /asyncapi.json. Drop copies have binary messages only. */
export const STREAMS: readonly StreamSpec[] = [
  {
    name: 'market',
    path: '/',
    title: 'Market data',
    description: 'Subprotocol `json`. Books, trades, candles and tickers of symbols, numbered without gaps: docs/MARKET-DATA.md.',
    query: {},
    messages: MARKET,
  },
  {
    name: 'orders',
    path: '/v1/orders',
    title: 'Orders and the private stream of an account',
    description: 'Subprotocol `json`. Requests of orders, execution reports with resume, balances and alerts: docs/JSON.md.',
    query: {
      account,
      'last-report': z
        .int()
        .min(0)
        .optional()
        .meta({ description: 'Number of the last report that the client has: those that followed are sent.' }),
      channels: z
        .string()
        .optional()
        .meta({ description: `Subscriptions from the start, with commas: ${PRIVATE_CHANNELS.join(', ')}.` }),
      'cancel-on-disconnect': z
        .int()
        .min(0)
        .optional()
        .meta({ description: 'Seconds after which the orders of a session that is gone are cancelled.' }),
      'session-number': z
        .int()
        .min(1)
        .optional()
        .meta({ description: 'Of sessions with `cancel-on-disconnect`: which one of the account.' }),
    },
    messages: ORDER_MESSAGES,
  },
  {
    name: 'portfolio',
    path: '/v1/portfolio',
    title: 'Portfolio of an account',
    description: 'Subprotocol `json` or none. A whole portfolio whenever it has changed: docs/PORTFOLIO.md.',
    query: {
      account,
      mark: z.string().optional().meta({ description: 'What positions are valued at: docs/PORTFOLIO.md.' }),
      interval: z.int().optional().meta({ description: 'Least time between two messages, ms.' }),
    },
    messages: [server('portfolio', PORTFOLIO, 'The portfolio.')],
  },
  {
    name: 'alerts',
    path: '/v1/alerts',
    title: 'Alerts of an account',
    description: 'Subprotocol `json` or none. Events of alerts as they fire: docs/ALERTS.md.',
    query: { account, after: z.int().min(0).optional().meta({ description: 'Number of the last event that the client has.' }) },
    messages: [server('event', ALERT_EVENT, 'An alert has fired.')],
  },
  {
    name: 'feedTail',
    path: '/v1/feed-tail',
    title: 'Outside market',
    description: 'Subprotocol `json` or none. Best levels, best prices, trades and states of instruments of a feed: docs/FEEDS.md.',
    query: {
      feed,
      instruments: z.string().optional().meta({ description: 'Names with commas, at most 32. Default: all of the feed.' }),
      levels: z.literal([1, 10, 50]).optional().meta({ description: 'Levels of each side. Default: 10.' }),
    },
    messages: [
      server('snapshot', FEED_TAIL_MESSAGES.Snapshot, 'All of an instrument: the first message, and after messages were left out.'),
      server('update', FEED_TAIL_MESSAGES.Update, 'What has changed.'),
    ],
  },
  {
    name: 'feedCandles',
    path: '/v1/feed-candles',
    title: 'Candles of an outside market',
    description: 'Subprotocol `json` or none. Candles from the trades of an outside market: docs/ANALYSIS.md.',
    query: {
      feed,
      instrument: z.string().meta({ description: 'As the venue writes it.' }),
      interval: interval.optional().meta({ description: 'Default: 1m.' }),
    },
    messages: [
      server('snapshot', FEED_CANDLE_MESSAGES.Snapshot, 'The last closed candle and the forming one, as far as there are any.'),
      server('update', FEED_CANDLE_MESSAGES.Update, 'Candles that are new or have changed: each closed one once.'),
    ],
  },
];
