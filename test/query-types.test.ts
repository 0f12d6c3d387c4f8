/**
 * The client's types of answers are written by hand, because a page must not load the schemas. The compiler compares both: every answer
 * is one of the client's type, and the client's type has no field that the schema does not have.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { z } from 'zod';
import type {
  AccountJson,
  BalanceJson,
  FillJson,
  FillPage,
  OrderJson,
  OrderPage,
  SessionJson,
  SessionPage,
} from '../gateway/client/account-query-types.ts';
import type { BookJson, TradeJson, TradePage } from '../gateway/client/query-types.ts';
import type { ACCOUNT, BALANCE } from '../gateway/endpoints/json/schemas/accounts.ts';
import type { BOOK, TRADES } from '../gateway/endpoints/json/schemas/market.ts';
import type { OPEN_SESSION, OPEN_SESSIONS } from '../gateway/endpoints/json/schemas/sessions.ts';
import type { FILL_LIST, LISTED_ORDER, ORDER_LIST } from '../gateway/endpoints/json/schemas/trading.ts';

/** What the client makes of an answer: nothing, so each is assignable as it is. */
type Given<Schema extends z.ZodType, Type> = (answer: z.infer<Schema>) => Type;
/** The fields of a type that the schema does not have: none. */
type Unknown<Schema extends z.ZodType, Type> = Exclude<keyof Type, keyof z.infer<Schema>>;

test("the client's types of answers are those of the schemas", () => {
  const asItIs = <T>(answer: T): T => answer;
  const given: {
    readonly orders: Given<typeof ORDER_LIST, OrderPage>;
    readonly fills: Given<typeof FILL_LIST, FillPage>;
    readonly account: Given<typeof ACCOUNT, AccountJson>;
    readonly sessions: Given<typeof OPEN_SESSIONS, SessionPage>;
    readonly trades: Given<typeof TRADES, TradePage>;
    readonly book: Given<typeof BOOK, BookJson>;
  } = { orders: asItIs, fills: asItIs, account: asItIs, sessions: asItIs, trades: asItIs, book: asItIs };
  const unknown: readonly (
    | Unknown<typeof ORDER_LIST, OrderPage>
    | Unknown<typeof LISTED_ORDER, OrderJson>
    | Unknown<typeof FILL_LIST, FillPage>
    | Unknown<typeof FILL_LIST.shape.fills.element, FillJson>
    | Unknown<typeof ACCOUNT, AccountJson>
    | Unknown<typeof BALANCE, BalanceJson>
    | Unknown<typeof OPEN_SESSION, SessionJson>
    | Unknown<typeof TRADES, TradePage>
    | Unknown<typeof TRADES.shape.trades.element, TradeJson>
    | Unknown<typeof BOOK, BookJson>
  )[] = [] satisfies readonly never[];
  const none: readonly never[] = unknown;
  assert.deepEqual([Object.keys(given).length, none.length], [6, 0]);
});
