import { z } from 'zod';
import {
  LINK_NAMES,
  ORDER_TYPE_NAMES,
  PEG_NAMES,
  SELF_TRADE_NAMES,
  SIDE_NAMES,
  TIME_IN_FORCE_NAMES,
  TRIGGER_NAMES,
} from '../../../../engine/wire/names.ts';
import { InexactNumber } from '../json-text.ts';
import { named } from './named.ts';
import { behind, decimal, flag, idText, isoTime, lost, micros, name, nextText, truth, whole } from './values.ts';

/** Orders in JSON. Names are those of FIX, in camel case, where it has them; ids are text, and so are amounts. */

const MAX_ID = Number.MAX_SAFE_INTEGER;
const SOME_ID = /^[1-9]\d{0,15}$/;

/** One message for both forms of a value: without it, a wrong text has the message of its pattern. */
const ID_ERROR = { error: `must be a whole number from 1 to ${MAX_ID}, as text or as a number` };
const DIGITS = /^-?\d+(\.\d+)?$/;
const AMOUNT_ERROR = exactOr('must be decimal text such as "0.01", or a number, and not below 0');
const OFFSET_ERROR = exactOr('must be decimal text such as "-0.01", or a number');

/** The error of an amount. For a number with more digits than programs can hold, it says how to send them. */
function exactOr(text: string): { error: (issue: { readonly input?: unknown }) => string } {
  const ofDigits = (input: unknown): input is InexactNumber => input instanceof InexactNumber && DIGITS.test(input.text);
  return {
    error: ({ input }) =>
      input === undefined
        ? `is missing; it ${text}`
        : ofDigits(input)
          ? `a JSON number cannot hold this exactly; write it as text: "${input.text.slice(0, 64)}"`
          : text,
  };
}

/** An id in a body: text, or a number. */
export const idIn = z
  .union([z.string().regex(SOME_ID, ID_ERROR), z.int(ID_ERROR).min(1, ID_ERROR)], ID_ERROR)
  .meta({ examples: ['1764493200000001'] });
/** An amount in a body: decimal text, or a number that is exact. */
export const amountIn = z
  .union([z.string().regex(/^\d+(\.\d+)?$/, AMOUNT_ERROR), z.number().min(0, AMOUNT_ERROR)], AMOUNT_ERROR)
  .meta({ examples: ['0.5'] });
const offsetIn = z.union([z.string().regex(/^-?\d+(\.\d+)?$/, OFFSET_ERROR), z.number()], OFFSET_ERROR);
export const flagIn = z.boolean({ error: 'must be true or false' });
const ACCOUNT_ERROR = { error: 'must be the id of an account' };
const account = z
  .int(ACCOUNT_ERROR)
  .min(1, ACCOUNT_ERROR)
  .max(2 ** 32 - 1, ACCOUNT_ERROR);
/** One of these words. */
export const word = <const Words extends readonly [string, ...string[]]>(words: Words) =>
  z.enum(words, { error: `must be one of ${words.join(', ')}` });
const TRAIL = {
  trailOffset: amountIn.optional().meta({ description: 'Trailing stop: distance of its stop price, in the quote asset.' }),
  trailPpm: z.int({ error: 'must be a whole number' }).optional().meta({ description: 'The same in parts per million of the price.' }),
  activationPrice: amountIn.optional().meta({ description: 'Trailing stop: it follows from this price on.' }),
  limitOffset: amountIn.optional().meta({ description: 'Trailing-stop-limit: distance of the limit from the stop price.' }),
};
const stopPx = amountIn.optional().meta({ description: 'The price at or beyond which a stop triggers.' });
const displayQty = amountIn.optional().meta({ description: 'Iceberg: what the order displays at a time.' });
const accountIn = account.optional().meta({ description: 'Default: the account of the caller, if that is one.' });
/** An object with these keys only. */
export const strict = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z.strictObject(shape, {
    error: ({ code }) =>
      code === 'unrecognized_keys' ? `unknown key; use one of ${Object.keys(shape).join(', ')}` : 'must be a JSON object',
  });

export const symbolIn = z.string({ error: 'must be the name of a symbol' });
export const sideIn = word(SIDE_NAMES);
/** Terms of a new order besides what it is for. */
export const ORDER_TERMS = {
  ordType: word(ORDER_TYPE_NAMES).optional().meta({ description: 'Default: as prices and offsets say.' }),
  price: amountIn.optional().meta({ description: 'Left out for a market order. Of a pegged order: its limit.' }),
  timeInForce: word(TIME_IN_FORCE_NAMES).optional(),
  expireTime: z.iso
    .datetime({ offset: true, error: 'must be a time such as 2026-01-31T09:30:00Z' })
    .optional()
    .meta({ description: 'End of a good-till-date order.' }),
  stopPx,
  ...TRAIL,
  reportTrail: flagIn.optional(),
  trigger: word(TRIGGER_NAMES).optional(),
  triggerNow: flagIn.optional(),
  minQty: amountIn.optional(),
  displayQty,
  hidden: flagIn.optional(),
  postOnly: flagIn.optional(),
  reprice: flagIn.optional(),
  selfTrade: word(SELF_TRADE_NAMES).optional(),
  peg: word(['primary', 'market', 'midpoint']).optional(),
  pegOffset: offsetIn.optional(),
};

export const ORDER_BODY = named(
  'NewOrder',
  strict({
    account: accountIn,
    clOrdId: idIn.optional().meta({
      description:
        'Unique per account, from 1, growing. The same id with the same terms is the same order, so that a request can be repeated. Default: the header Idempotency-Key, or made from the clock.',
    }),
    symbol: symbolIn,
    side: sideIn,
    orderQty: amountIn,
    ...ORDER_TERMS,
  }).meta({ examples: [{ account: 1, symbol: 'BTC-USD', side: 'buy', orderQty: '0.5', price: '50000.00' }] }),
);
export type OrderBody = z.infer<typeof ORDER_BODY>;

/** What an amend may change. */
export const AMENDED_TERMS = {
  leavesQty: amountIn.meta({ description: 'The new open quantity.' }),
  price: amountIn.optional().meta({ description: 'Default: as it is.' }),
  stopPx,
  displayQty,
  ...TRAIL,
};

export const AMEND_BODY = named(
  'OrderAmendment',
  strict({
    account: accountIn,
    symbol: z.string().optional().meta({ description: 'Only if the order is of it. With a price, the order need not be found first.' }),
    ...AMENDED_TERMS,
  }).meta({ examples: [{ leavesQty: '0.4', price: '50100.00' }] }),
);
export type AmendBody = z.infer<typeof AMEND_BODY>;

export const ordStatus = z.enum(['new', 'partially-filled', 'filled', 'canceled', 'expired', 'rejected', 'pending', 'waiting']).meta({
  description: '`pending`: outside the book, until a trigger or an auction; `waiting`: for fills of its parent.',
});
const ORDER_FIELDS = {
  account,
  orderId: idText,
  clOrdId: idText.optional().meta({ description: 'Left out for a side of a quote.' }),
  symbol: name,
  side: z.enum(SIDE_NAMES),
  timeInForce: z.enum(TIME_IN_FORCE_NAMES),
  ordStatus,
  price: decimal.optional(),
  stopPx: decimal.optional(),
  cumQty: decimal,
  leavesQty: decimal,
  acceptedTime: isoTime
    .optional()
    .meta({ description: 'When it was accepted; left out if the report of that is not among those that the answer is made from.' }),
  acceptedTimeUs: micros.optional(),
};
/** Terms of an order that is open. */
const OPEN_TERMS = {
  ordType: z.literal('market').optional(),
  trigger: z.enum(TRIGGER_NAMES).optional(),
  trailOffset: decimal.optional(),
  trailPpm: whole.optional(),
  activationPrice: decimal.optional(),
  limitOffset: decimal.optional(),
  displayQty: decimal.optional(),
  hidden: truth,
  peg: z.enum(PEG_NAMES).exclude(['none']).optional(),
  pegOffset: decimal.optional(),
  limitPrice: decimal.optional(),
  parked: truth,
  expireTime: isoTime.optional(),
  selfTrade: z.enum(SELF_TRADE_NAMES).optional(),
  linked: z.strictObject({ kind: z.enum(LINK_NAMES), orderId: idText }).optional(),
};
export const TRADED_ORDER = named(
  'TradedOrder',
  z
    .strictObject({
      ...ORDER_FIELDS,
      ...OPEN_TERMS,
      orderQty: decimal,
      avgPx: decimal.optional().meta({
        description:
          'Average price of its fills, weighted by quantity; there if it has some and the answer was made from all of them, as that of GET is.',
      }),
      fees: decimal.optional().meta({ description: 'Of its fills, in the quote asset; below 0: rebates. There if `avgPx` is.' }),
      code: whole.optional().meta({ description: 'Why it ended or was rejected: docs/CODES.md.' }),
      name: z.string().optional().meta({ description: 'The name of the code.' }),
      text: z.string().optional().meta({ description: 'The same in words.' }),
      transactTime: isoTime.meta({ description: 'Of its last report.' }),
      transactTimeUs: micros,
      lastReportNo: whole,
      duplicate: truth.meta({ description: 'An earlier request had placed it.' }),
      incomplete: truth.meta({ description: 'Reports of the order are no longer kept, or too many: `avgPx` and `fees` are left out.' }),
      behind: truth.meta({ description: 'The history does not have everything yet.' }),
    })
    .meta({ description: 'An order, from its reports.' }),
);
export const LISTED_ORDER = named(
  'ListedOrder',
  z.strictObject({
    ...ORDER_FIELDS,
    ...OPEN_TERMS,
    orderQty: decimal.meta({ description: 'Of an open order: `cumQty` and `leavesQty` together.' }),
    name: z.string().optional(),
    transactTime: isoTime.optional().meta({ description: 'Of its last report; there if the answer is from the history.' }),
  }),
);
export const ORDER_LIST = named(
  'OrderList',
  z.strictObject({ orders: z.array(LISTED_ORDER), next: nextText, complete: flag, lost, behind }),
);
export const MASS_CANCELLED = named(
  'OrdersCanceled',
  z.strictObject({
    account,
    symbol: name.optional(),
    side: z.enum(SIDE_NAMES).optional(),
    totalAffectedOrders: whole,
    later: whole.optional().meta({ description: 'Orders that later commands cancel, without a further request.' }),
  }),
);
const FILL = named(
  'Fill',
  z.strictObject({
    execId: idText,
    orderId: idText,
    clOrdId: idText.optional(),
    symbol: name,
    side: z.enum(SIDE_NAMES),
    lastPx: decimal,
    lastQty: decimal,
    cumQty: decimal,
    leavesQty: decimal,
    fee: decimal.meta({ description: 'In the quote asset; below 0: a rebate.' }),
    feeCurrency: name,
    tradeId: idText,
    liquidity: z.enum(['maker', 'taker', 'auction']),
    transactTime: isoTime,
    transactTimeUs: micros,
  }),
);
export const FILL_LIST = named('FillList', z.strictObject({ fills: z.array(FILL), next: nextText, lost, behind }));
