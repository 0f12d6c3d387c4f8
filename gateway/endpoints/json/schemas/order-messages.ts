import { z } from 'zod';
import { LINK_NAMES, SIDE_NAMES, TIME_IN_FORCE_NAMES, TRIGGER_NAMES } from '../../../../engine/wire/names.ts';
import { client, type MessageSpec, server } from './message-spec.ts';
import { LIMIT } from './problem.ts';
import {
  AMENDED_TERMS,
  amountIn,
  flagIn,
  idIn,
  LISTED_ORDER,
  ORDER_TERMS,
  ordStatus,
  sideIn,
  strict,
  symbolIn,
  TRADED_ORDER,
  word,
} from './trading.ts';
import { decimal, flag, idText, isoTime, micros, name, nextText, seq, truth, whole } from './values.ts';

/** Messages of a JSON session of orders, in both directions: docs/JSON.md. */

const MAX_TAG = 2 ** 32 - 1;
const TAG_ERROR = { error: `must be a whole number from 0 to ${MAX_TAG}` };
const tag = z.int(TAG_ERROR).min(0, TAG_ERROR).max(MAX_TAG, TAG_ERROR).optional().meta({
  description: 'Chosen by the client; the answer repeats it. 0 is as without one.',
});
const MAX_ID = Number.MAX_SAFE_INTEGER;
const clOrdId = idIn.optional().meta({
  description:
    'Unique per account, from 1, growing. The same id with the same terms is the same order, so that a request can be repeated. Default: made from the clock.',
});
const TARGET = {
  orderId: idIn.optional(),
  clOrdId: idIn.optional().meta({ description: 'In place of `orderId`: one of them names the order.' }),
};
const wholeIn = (least: number, most: number, or = '') => {
  const error = { error: `must be a whole number from ${least} to ${most}${or}` };
  return z.int(error).min(least, error).max(most, error);
};
/** Without it, a value that is left out has the message of the union. */
const orOff = ({ least, most }: { readonly least: number; readonly most: number }) => ({
  error: `must be a whole number from ${least} to ${most}, or 0`,
});

/** What a connection may subscribe to. */
export const PRIVATE_CHANNELS = ['orders', 'fills', 'balances', 'alerts'] as const;
export type PrivateChannel = (typeof PRIVATE_CHANNELS)[number];
const channel = word(PRIVATE_CHANNELS).meta({
  description:
    '`orders`: every execution report of the account; `fills`: only those of fills; `balances`: what has changed; `alerts`: events of alerts.',
});

/** Orders of a page, and of a snapshot. */
export const MAX_PAGE = 100;
export const MAX_SNAPSHOT = 1000;
/** Time of the dead man's switch, ms. */
export const CANCEL_AFTER_MS = { least: 1000, most: 86_400_000 } as const;
/** Window of a quote protection, ms. */
export const PROTECTION_MS = { least: 1, most: 86_400_000 } as const;

const op = <const Op extends string>(op: Op) => z.literal(op);
const LISTED = strict({
  clOrdId,
  side: sideIn.optional().meta({ description: 'Default: that of the list; of the second and third order of a bracket, the other one.' }),
  orderQty: amountIn.optional().meta({ description: 'Default: that of the list.' }),
  ...ORDER_TERMS,
});

export const PLACE = strict({ op: op('place'), tag, clOrdId, symbol: symbolIn, side: sideIn, orderQty: amountIn, ...ORDER_TERMS }).meta({
  examples: [{ op: 'place', tag: 1, symbol: 'BTC-USD', side: 'buy', orderQty: '0.5', price: '50000.00', clOrdId: '1' }],
});
export const PLACE_LIST = strict({
  op: op('place-list'),
  tag,
  kind: word(['oco', 'ouo', 'oto', 'bracket']),
  symbol: symbolIn,
  side: sideIn.optional(),
  orderQty: amountIn.optional(),
  orders: z
    .array(LISTED, { error: 'must be a list of orders' })
    .min(2, { error: 'must have two orders, a bracket three' })
    .max(3, { error: 'must have two orders, a bracket three' })
    .meta({ description: 'Of a bracket: the parent, its take-profit and its stop-loss.' }),
});
export const AMEND = strict({
  op: op('amend'),
  tag,
  ...TARGET,
  symbol: symbolIn.optional().meta({ description: 'Only if the order is of it.' }),
  ...AMENDED_TERMS,
}).meta({
  description:
    'What is left out stays, but `leavesQty` is required. Without a symbol, or without a price or terms of a stop, the order is found first, and later requests wait.',
  examples: [{ op: 'amend', tag: 2, clOrdId: '1', symbol: 'BTC-USD', leavesQty: '0.4', price: '50100.00' }],
});
export const CANCEL = strict({ op: op('cancel'), tag, ...TARGET, symbol: symbolIn.optional() });
export const CANCEL_ALL = strict({
  op: op('cancel-all'),
  tag,
  symbol: symbolIn.optional().meta({ description: 'Only its orders.' }),
  side: sideIn.optional().meta({ description: 'Only this side.' }),
});
export const CANCEL_AFTER = strict({
  op: op('cancel-after'),
  tag,
  timeoutMs: z
    .union([z.literal(0), wholeIn(CANCEL_AFTER_MS.least, CANCEL_AFTER_MS.most, ', or 0')], orOff(CANCEL_AFTER_MS))
    .meta({ description: "Dead man's switch: all open orders are cancelled in that time, unless this is sent again; 0 = off." }),
});
export const QUOTE = strict({
  op: op('quote'),
  tag,
  symbol: symbolIn,
  bidPx: amountIn.optional(),
  bidSize: amountIn.optional().meta({ description: 'With `bidPx`. A side without both is cancelled.' }),
  offerPx: amountIn.optional(),
  offerSize: amountIn.optional(),
  postOnly: flagIn.optional(),
});
const protectionLimit = wholeIn(0, MAX_ID).optional();
export const QUOTE_PROTECTION = strict({
  op: op('quote-protection'),
  tag,
  windowMs: z
    .union([z.literal(0), wholeIn(PROTECTION_MS.least, PROTECTION_MS.most, ', or 0')], orOff(PROTECTION_MS))
    .optional()
    .meta({ description: 'The window; 0 = no protection.' }),
  fills: protectionLimit.meta({ description: 'Most fills of quotes in the window; 0 = no such limit.' }),
  lots: protectionLimit.meta({ description: 'Most lots that they trade, those of each symbol, added up; 0 = no such limit.' }),
  netLots: protectionLimit.meta({ description: 'Most lots that are bought less sold, or sold less bought; 0 = no such limit.' }),
  reset: z.literal(true, { error: 'must be true, or left out' }).optional().meta({
    description: 'In place of the others: quotes are accepted again after the protection has triggered.',
  }),
});
export const SUBSCRIBE = strict({
  op: op('subscribe'),
  tag,
  channel,
  after: wholeIn(0, MAX_ID).optional().meta({ description: 'Of `alerts`: number of the last event that the client has. Default 0.' }),
});
export const UNSUBSCRIBE = strict({ op: op('unsubscribe'), tag, channel });
export const SNAPSHOT_REQUEST = strict({ op: op('snapshot'), tag });
export const ORDERS_REQUEST = strict({
  op: op('orders'),
  tag,
  symbol: symbolIn.optional(),
  limit: wholeIn(1, MAX_PAGE)
    .optional()
    .meta({ description: `Orders of a page. Default ${MAX_PAGE}.` }),
  after: idIn.optional().meta({ description: 'Only above this order id: `next` of the page before.' }),
});
export const ORDER_REQUEST = strict({ op: op('order'), tag, ...TARGET });
export const PING = strict({ op: op('ping'), tag });

/** Requests by their op. */
export const REQUESTS = {
  place: PLACE,
  'place-list': PLACE_LIST,
  amend: AMEND,
  cancel: CANCEL,
  'cancel-all': CANCEL_ALL,
  'cancel-after': CANCEL_AFTER,
  quote: QUOTE,
  'quote-protection': QUOTE_PROTECTION,
  subscribe: SUBSCRIBE,
  unsubscribe: UNSUBSCRIBE,
  snapshot: SNAPSHOT_REQUEST,
  orders: ORDERS_REQUEST,
  order: ORDER_REQUEST,
  ping: PING,
} as const;
export type Op = keyof typeof REQUESTS;
export type RequestOf<Name extends Op> = z.infer<(typeof REQUESTS)[Name]>;
export type OrderRequest = { readonly [Name in Op]: RequestOf<Name> }[Op];

const tagOut = whole.optional().meta({ description: 'That of the request, if it had one.' });
const REASON = {
  code: whole.meta({ description: 'Number of docs/CODES.md.' }),
  name: z.string().meta({ description: 'The name of the code.' }),
  text: z.string().meta({ description: 'What is wrong, and what to do.' }),
};

/** FIX ExecType in words; the last five are of openbell, and the two before them of FIX's OrderCancelReject. */
export const EXEC_TYPES = [
  'new',
  'trade',
  'canceled',
  'expired',
  'replaced',
  'rejected',
  'triggered',
  'cancel-rejected',
  'replace-rejected',
  'mass-canceled',
  'cancel-after-set',
  'stop-price-changed',
  'quote-protection-set',
] as const;
export type ExecType = (typeof EXEC_TYPES)[number];

export const EXECUTION_REPORT = z.strictObject({
  execType: z.enum(EXEC_TYPES),
  reportNo: whole.meta({ description: 'Numbered per account, from 1 without gaps: `last-report` of a later connection.' }),
  execId: idText.meta({ description: 'The same number as text.' }),
  ordStatus: ordStatus.optional(),
  orderId: idText.optional(),
  clOrdId: idText.optional().meta({ description: 'Left out for a side of a quote.' }),
  symbol: name.optional(),
  side: z.enum(SIDE_NAMES).optional(),
  timeInForce: z.enum(TIME_IN_FORCE_NAMES).optional(),
  price: decimal.optional(),
  stopPx: decimal.optional(),
  trigger: z.enum(TRIGGER_NAMES).optional(),
  orderQty: decimal.optional(),
  cumQty: decimal.optional(),
  leavesQty: decimal.optional(),
  canceledQty: decimal.optional(),
  lastPx: decimal.optional(),
  lastQty: decimal.optional(),
  fee: decimal.optional().meta({ description: 'In the quote asset; below 0: a rebate.' }),
  feeCurrency: name.optional(),
  tradeId: idText.optional(),
  contraOrderId: idText.optional().meta({ description: "The other order's id in market data; left out for a hidden order." }),
  liquidity: z.enum(['maker', 'taker', 'auction']).optional(),
  selfTrade: truth.meta({ description: 'Traded in an auction with an order of the same account or group.' }),
  pegged: truth,
  keptPriority: truth.meta({ description: 'The amended order has kept its place.' }),
  duplicate: truth.meta({ description: 'An earlier request had placed the order: this is its present state.' }),
  totalAffectedOrders: whole.optional().meta({ description: 'Of `mass-canceled`.' }),
  later: whole.optional().meta({ description: 'Orders of them that later commands cancel.' }),
  cancelTimeUs: micros.optional().meta({ description: 'Of `cancel-after-set`: when all orders are cancelled; 0 = never.' }),
  windowUs: whole
    .optional()
    .meta({ description: 'Of `quote-protection-set`: the window, microseconds; 0 = no protection, or it was reset.' }),
  code: REASON.code.optional(),
  name: REASON.name.optional(),
  text: REASON.text.optional(),
  limit: LIMIT.optional(),
  retryUs: micros.optional().meta({ description: 'The time from which the command would pass.' }),
  tag: tagOut,
  seq,
  transactTime: isoTime,
  transactTimeUs: micros,
});
export const REPORTS_MESSAGE = z.strictObject({
  kind: z.literal('reports'),
  lastReportNo: whole.meta({ description: 'The client has everything that it subscribed to up to this number.' }),
  reports: z.array(EXECUTION_REPORT),
});
export const REFUSED = z.strictObject({
  kind: z.literal('refused'),
  op: z.string().optional().meta({ description: 'Left out where it cannot be read.' }),
  tag: tagOut,
  clOrdId: idText.optional(),
  orderId: idText.optional(),
  ...REASON,
  limit: LIMIT.optional(),
  problems: z.array(z.strictObject({ path: z.string(), problem: z.string() })).optional(),
});
export const SESSION_MESSAGE = z.strictObject({
  kind: z.literal('session'),
  account: whole,
  lastReportNo: whole.meta({ description: "Number of the account's last report when the session began." }),
  readOnly: flag.meta({ description: 'Reports come, orders are refused.' }),
  cancelOnDisconnect: whole.optional().meta({ description: 'Seconds, as it was asked for.' }),
  sessionNumber: whole.optional(),
});
const subscription = <const Kind extends string>(kind: Kind) =>
  z.strictObject({ kind: z.literal(kind), channel: z.enum(PRIVATE_CHANNELS), tag: tagOut });
export const SUBSCRIBED = subscription('subscribed');
export const UNSUBSCRIBED = subscription('unsubscribed').extend({
  code: REASON.code.optional().meta({ description: 'Why the exchange ended it; left out if the client did.' }),
  name: REASON.name.optional(),
  text: REASON.text.optional(),
});
const BALANCE_OF = z.strictObject({
  asset: name,
  total: decimal,
  available: decimal,
  reserved: decimal.meta({ description: 'Held for open orders, fees included.' }),
});
export const BALANCES_MESSAGE = z.strictObject({
  kind: z.literal('balances'),
  lastReportNo: whole.meta({ description: 'They include the reports up to this number.' }),
  balances: z.array(BALANCE_OF).meta({ description: 'Those that have changed since the message before; the first message has all.' }),
});
export const SNAPSHOT_MESSAGE = z.strictObject({
  kind: z.literal('snapshot'),
  tag: tagOut,
  lastReportNo: whole.meta({ description: 'It includes the reports up to this number. Skip those that follow it and are not above it.' }),
  complete: flag.meta({
    description: `False: there are more open orders than ${MAX_SNAPSHOT}, or they changed too fast. Use \`orders\`.`,
  }),
  orders: z.array(LISTED_ORDER),
  balances: z.array(BALANCE_OF),
});
export const ORDERS_MESSAGE = z.strictObject({
  kind: z.literal('orders'),
  tag: tagOut,
  orders: z.array(LISTED_ORDER),
  next: nextText,
  complete: flag.meta({
    description: 'False: the orders changed too fast to be read at one moment. Only `next` says whether more follow.',
  }),
});
export const ORDER_MESSAGE = z.strictObject({ kind: z.literal('order'), tag: tagOut, order: TRADED_ORDER });
export const ALERT_MESSAGE = z.strictObject({
  kind: z.literal('alert'),
  event: z.looseObject({ no: whole }).meta({ description: 'As on /v1/alerts: docs/ALERTS.md.' }),
});
export const PONG = z.strictObject({ kind: z.literal('pong'), tag: tagOut, timeUs: micros });

/** Every message of `/v1/orders` with subprotocol `json`. A client message may also be a list of them. */
export const ORDER_MESSAGES: readonly MessageSpec[] = [
  client('place', PLACE, 'Places an order.'),
  client('place-list', PLACE_LIST, `Places orders that depend on each other: ${LINK_NAMES.slice(1).join(', ')}.`),
  client('amend', AMEND, 'Amends an open order.'),
  client('cancel', CANCEL, 'Cancels an open order.'),
  client('cancel-all', CANCEL_ALL, 'Cancels all open orders, of a symbol and of a side if they are given.'),
  client('cancel-after', CANCEL_AFTER, "Sets the dead man's switch of the account."),
  client('quote', QUOTE, "Replaces both sides of the account's quote in a symbol."),
  client('quote-protection', QUOTE_PROTECTION, 'Sets or resets the market-maker protection of the account.'),
  client('subscribe', SUBSCRIBE, 'Subscribes to a channel of the private stream.'),
  client('unsubscribe', UNSUBSCRIBE, 'Ends a subscription.'),
  client('snapshot', SNAPSHOT_REQUEST, 'Asks for all open orders and balances as of one report.'),
  client('orders', ORDERS_REQUEST, 'Asks for a page of the open orders.'),
  client('order', ORDER_REQUEST, 'Asks what became of an order, also of one that has ended.'),
  client('ping', PING, 'Asks for a pong with the time of the exchange.'),
  server('session', SESSION_MESSAGE, 'The first message: the session has begun.'),
  server('reports', REPORTS_MESSAGE, 'Execution reports, in order.'),
  server('refused', REFUSED, 'A request that did nothing.'),
  server('subscribed', SUBSCRIBED, 'A subscription begins.'),
  server('unsubscribed', UNSUBSCRIBED, 'A subscription has ended.'),
  server('balances', BALANCES_MESSAGE, 'Balances that have changed.'),
  server('snapshot', SNAPSHOT_MESSAGE, 'All open orders and balances as of one report.'),
  server('orders', ORDERS_MESSAGE, 'A page of the open orders.'),
  server('order', ORDER_MESSAGE, 'What became of an order.'),
  server('alert', ALERT_MESSAGE, 'An alert fired.'),
  server('pong', PONG, 'The answer to a ping.'),
];
