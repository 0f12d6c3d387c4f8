import { Code } from '../../../engine/codes.ts';
import type { Directory } from '../../../engine/threads/directory.ts';
import type { AccountInfo, SymbolInfo } from '../../../engine/threads/directory-info.ts';
import type { OpenOrderInfo } from '../../../engine/threads/open-order-info.ts';
import { Report } from '../../../engine/wire/layout.ts';
import { may } from '../../identity/permissions.ts';
import type { BookMirror } from '../../market/book-mirror.ts';
import type { OrderRow } from '../../taps/history/queries.ts';
import { NEWEST } from '../../taps/history/runs.ts';
import { eachSymbolOnce } from '../json/amounts.ts';
import { LongList } from '../json/json-pieces.ts';
import type { OrderSources } from '../json/order-sources.ts';
import { ACCOUNT, ACCOUNT_IDS } from '../json/schemas/accounts.ts';
import { FILLS, OPEN_ORDERS, ORDERS, REPORTS } from '../json/schemas/orders.ts';
import { ASSETS, FEE_TABLES, KILL_SWITCHES, SYMBOL, SYMBOLS } from '../json/schemas/venue.ts';
import { symbolNamed } from '../json/symbol-named.ts';
import { accountNumber } from './admin-identity.ts';
import { accountView, eachRecord, feeTableView, historyOrderView, orderView, reportView, symbolView } from './admin-views.ts';
import { HttpError } from './http-error.ts';
import { LIMIT, PAGED, wholeNumber, wholeOr } from './query-schemas.ts';
import { get, type Route } from './route.ts';

export interface QuerySources extends OrderSources {
  /** The market data's copy of a book; undefined before its first event. */
  readonly book: (symbol: number) => BookMirror | undefined;
}

const MAX_ACCOUNT = 2 ** 32 - 1;
const MAX_LISTED = 1000;

/** The queries. Lists are paged: pass `next` of one page as `before` of the next; `next` 0 is the end; `lost` is the number of the last record that is no longer kept. */
export function queryRoutes(sources: QuerySources): Route[] {
  const { directory, history, accepted } = sources;
  return [
    get({
      path: '/v1/assets',
      summary: 'All assets.',
      action: 'market:read',
      public: true,
      answer: ASSETS,
      handle: () => ({ json: directory.assets() }),
    }),
    get({
      path: '/v1/symbols',
      summary: 'All symbols, with limits and fees.',
      action: 'market:read',
      public: true,
      answer: SYMBOLS,
      handle: () => ({ pieces: new LongList(each(directory.symbolIds(), (id) => symbolView(directory.symbol(id) as SymbolInfo))) }),
    }),
    get({
      path: '/v1/symbols/:name',
      summary: 'One symbol.',
      action: 'market:read',
      public: true,
      answer: SYMBOL,
      handle: ({ params }) => ({ json: symbolView(symbolNamed(directory, params.name)) }),
    }),
    get({
      path: '/v1/fee-tables',
      summary: 'The fee tables with their tiers.',
      action: 'venue:reports',
      answer: FEE_TABLES,
      handle: () => ({ json: { tables: directory.feeTables().map(feeTableView) } }),
    }),
    get({
      path: '/v1/kill-switches',
      summary: 'The kill switches that are on.',
      action: 'venue:reports',
      answer: KILL_SWITCHES,
      handle: () => {
        const { symbols, ...rest } = directory.killSwitches();
        return { json: { ...rest, symbols: symbols.map((id) => directory.symbol(id)?.name) } };
      },
    }),
    get({
      path: '/v1/accounts',
      summary: 'Ids of the accounts that the caller may see, in order.',
      action: 'market:read',
      query: {
        limit: wholeNumber(1, MAX_LISTED, { description: 'Entries of a page. Default: all.' }).optional(),
        after: wholeOr(0, 0, MAX_ACCOUNT, 'Only ids above this one: the last id of the page before.'),
      },
      answer: ACCOUNT_IDS,
      handle: ({ principal, query: { limit, after } }) => {
        const ids = directory.accountIds().filter((id) => id > after && may(principal, 'account:read', id));
        return { pieces: new LongList(ids.slice(0, limit)) };
      },
    }),
    get({
      path: '/v1/accounts/:id',
      summary: 'An account: balances, limits, and the kill switches that concern it.',
      action: 'account:read',
      answer: ACCOUNT,
      handle: ({ params }) => ({ json: accountView(accountOf(directory, params.id), directory) }),
    }),
    get({
      path: '/v1/accounts/:id/open-orders',
      summary: 'Open orders of an account, lowest order id first.',
      action: 'account:read',
      query: { limit: LIMIT, after: wholeOr(0, 0, NEWEST, 'Only orders above this id: the last id of a full page.') },
      answer: OPEN_ORDERS,
      handle: async ({ params, query, caller, inSlices }) => {
        const { id } = accountOf(directory, params.id);
        const { orders, complete } = await inSlices(directory.openOrdersInSteps(id, query.limit, query.after));
        const times = await accepted.of(id, orders, { caller, inSlices });
        return { pieces: { orders: new LongList(orderViews(directory, orders, times)), complete } };
      },
    }),
    get({
      path: '/v1/accounts/:id/orders',
      summary: 'All orders of an account in their latest state, newest first.',
      action: 'account:read',
      query: PAGED,
      answer: ORDERS,
      handle: async ({ params, query, caller, inSlices }) => {
        const { id } = accountOf(directory, params.id);
        const { orders, ...rest } = await history.accountOrders(id, query.limit, query.before, caller);
        const ids = new Set(orders.filter(({ status }) => status === 'open' || status === 'pending').map(({ orderId }) => orderId));
        const open = ids.size === 0 ? [] : await inSlices(directory.openOrdersOfIdsInSteps(id, ids));
        return { pieces: { orders: new LongList(historyOrderViews(directory, orders, open)), ...rest } };
      },
    }),
    get({
      path: '/v1/accounts/:id/trades',
      summary: 'Fills of an account, newest first.',
      action: 'account:read',
      query: PAGED,
      answer: FILLS,
      handle: async ({ params, query, caller }) => {
        const { id } = accountOf(directory, params.id);
        const { records, ...rest } = await history.accountFills(id, query.limit, query.before, caller);
        return { pieces: { trades: new LongList(reportViews(directory, records)), ...rest } };
      },
    }),
    get({
      path: '/v1/accounts/:id/reports',
      summary: 'Execution reports of an account, oldest first; account 0 is the operator.',
      action: 'account:read',
      query: { from: wholeOr(1, 1, NEWEST, 'Number of the first report.'), limit: LIMIT },
      answer: REPORTS,
      handle: async ({ params, query, caller }) => {
        // Account 0 is the operator: its reports are the answers to administrative commands.
        const id = params.id === '0' ? 0 : accountOf(directory, params.id).id;
        const packed = await history.accountReports(id, query.from, query.limit, caller);
        return { pieces: { reports: new LongList(reportViews(directory, packed)) } };
      },
    }),
  ];
}

/** Each item as `view` shows it, one at a time. */
function* each<T>(items: Iterable<T>, view: (item: T) => unknown): Generator<unknown> {
  for (const item of items) yield view(item);
}

function orderViews(directory: Directory, orders: readonly OpenOrderInfo[], accepted: ReadonlyMap<number, number>): Iterable<unknown> {
  const symbols = eachSymbolOnce(directory);
  return each(orders, (order) => orderView(symbols, order, accepted.get(order.orderId)));
}

function historyOrderViews(directory: Directory, orders: readonly OrderRow[], open: readonly OpenOrderInfo[]): Iterable<unknown> {
  const symbols = eachSymbolOnce(directory);
  const byId = new Map(open.map((order) => [order.orderId, order]));
  return each(orders, (order) => historyOrderView(symbols, order, byId.get(order.orderId)));
}

function reportViews(directory: Directory, packed: Uint8Array): Iterable<unknown> {
  const symbols = eachSymbolOnce(directory);
  return eachRecord(packed, Report.bytes, (...at) => reportView(symbols, ...at));
}

/** @throws HttpError 404 */
export function accountOf(directory: Directory, text: string): AccountInfo {
  const id = accountNumber(text);
  const account = Number.isNaN(id) ? undefined : directory.account(id);
  if (account !== undefined) return account;
  throw new HttpError(404, Code.UNKNOWN_ACCOUNT, 'UNKNOWN_ACCOUNT', `there is no account ${text}; GET /v1/accounts lists them`);
}
