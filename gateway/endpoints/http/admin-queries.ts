import { Code } from '../../../engine/codes.ts';
import type { Directory } from '../../../engine/threads/directory.ts';
import type { AccountInfo, SymbolInfo } from '../../../engine/threads/directory-info.ts';
import type { OpenOrderInfo } from '../../../engine/threads/open-order-info.ts';
import { Report, Side, Trade } from '../../../engine/wire/layout.ts';
import { type Action, may } from '../../identity/permissions.ts';
import type { BookMirror } from '../../market/book-mirror.ts';
import type { LevelsCopy } from '../../market/levels-copy.ts';
import type { History } from '../../taps/history/history.ts';
import type { OrderRow } from '../../taps/history/queries.ts';
import { NEWEST } from '../../taps/history/runs.ts';
import type { Reply, Request, Route } from './admin-http.ts';
import { accountNumber } from './admin-identity.ts';
import {
  accountView,
  eachRecord,
  eachSymbolOnce,
  feeTableView,
  historyOrderView,
  levelView,
  orderView,
  reportView,
  symbolView,
  tradeView,
} from './admin-views.ts';
import { HttpError } from './http-error.ts';
import { LongList } from './json-pieces.ts';

export interface QuerySources {
  readonly directory: Directory;
  readonly history: History;
  /** The market data's copy of a book; undefined before its first event. */
  readonly book: (symbol: number) => BookMirror | undefined;
}

const DEFAULT_PAGE = 100;
const MAX_PAGE = 1000;
const DEFAULT_DEPTH = 20;
const MAX_DEPTH = 5000;
const MAX_ACCOUNT = 2 ** 32 - 1;
/** Query parameters of a paged list. */
const PAGED = ['limit', 'before'];

/** The queries. Lists are paged: pass `next` of one page as `before` of the next; `next` 0 is the end; `lost` is the number of the last record that is no longer kept. */
export function queryRoutes(sources: QuerySources): Route[] {
  const { directory, history } = sources;
  return [
    get('/v1/assets', 'market:read', [], () => ({ json: directory.assets() })),
    get('/v1/symbols', 'market:read', [], () => ({
      pieces: new LongList(each(directory.symbolIds(), (id) => symbolView(directory.symbol(id) as SymbolInfo))),
    })),
    get('/v1/symbols/:name', 'market:read', [], ({ params }) => ({ json: symbolView(symbolNamed(directory, params.name)) })),
    get('/v1/book/:name', 'market:read', ['depth'], async (request) => ({ pieces: await bookView(sources, request) })),
    get('/v1/symbols/:name/trades', 'market:read', PAGED, async ({ params, query, caller }) => {
      const symbol = symbolNamed(directory, params.name);
      const { records, ...rest } = await history.symbolTrades(symbol.id, limitOf(query), beforeOf(query), caller);
      return { pieces: { trades: new LongList(eachRecord(records, Trade.bytes, (...at) => tradeView(symbol, ...at))), ...rest } };
    }),
    get('/v1/fee-tables', 'venue:reports', [], () => ({ json: { tables: directory.feeTables().map(feeTableView) } })),
    get('/v1/kill-switches', 'venue:reports', [], () => {
      const { symbols, ...rest } = directory.killSwitches();
      return { json: { ...rest, symbols: symbols.map((id) => directory.symbol(id)?.name) } };
    }),
    // The list contains only accounts that the caller may see.
    get('/v1/accounts', 'market:read', ['limit', 'after'], ({ principal, query }) => {
      const after = wholeOf(query, 'after', 0, 0, MAX_ACCOUNT);
      const limit = query.has('limit') ? limitOf(query) : MAX_ACCOUNT;
      const ids = directory.accountIds().filter((id) => id > after && may(principal, 'account:read', id));
      return { pieces: new LongList(ids.slice(0, limit)) };
    }),
    get('/v1/accounts/:id', 'account:read', [], ({ params }) => ({ json: accountView(accountOf(directory, params.id), directory) })),
    get('/v1/accounts/:id/open-orders', 'account:read', ['limit', 'after'], async ({ params, query, inSlices }) => {
      const { id } = accountOf(directory, params.id);
      const after = wholeOf(query, 'after', 0, 0, NEWEST);
      const { orders, complete } = await inSlices(directory.openOrdersInSteps(id, limitOf(query), after));
      return { pieces: { orders: new LongList(orderViews(directory, orders)), complete } };
    }),
    get('/v1/accounts/:id/orders', 'account:read', PAGED, async ({ params, query, caller, inSlices }) => {
      const { id } = accountOf(directory, params.id);
      const { orders, ...rest } = await history.accountOrders(id, limitOf(query), beforeOf(query), caller);
      const ids = new Set(orders.filter(({ status }) => status === 'open' || status === 'pending').map(({ orderId }) => orderId));
      const open = ids.size === 0 ? [] : await inSlices(directory.openOrdersOfIdsInSteps(id, ids));
      return { pieces: { orders: new LongList(historyOrderViews(directory, orders, open)), ...rest } };
    }),
    get('/v1/accounts/:id/trades', 'account:read', PAGED, async ({ params, query, caller }) => {
      const { id } = accountOf(directory, params.id);
      const { records, ...rest } = await history.accountFills(id, limitOf(query), beforeOf(query), caller);
      return { pieces: { trades: new LongList(reportViews(directory, records)), ...rest } };
    }),
    get('/v1/accounts/:id/reports', 'account:read', ['from', 'limit'], async ({ params, query, caller }) => {
      // Account 0 is the operator: its reports are the answers to administrative commands.
      const id = params.id === '0' ? 0 : accountOf(directory, params.id).id;
      const packed = await history.accountReports(id, wholeOf(query, 'from', 1, 1, NEWEST), limitOf(query), caller);
      return { pieces: { reports: new LongList(reportViews(directory, packed)) } };
    }),
  ];
}

export function get(path: string, action: Action, query: readonly string[], handle: (request: Request) => Reply | Promise<Reply>): Route {
  return { method: 'GET', path, guarded: path.startsWith('/v1/accounts'), action, query, handle };
}

/** Each item as `view` shows it, one at a time. */
function* each<T>(items: Iterable<T>, view: (item: T) => unknown): Generator<unknown> {
  for (const item of items) yield view(item);
}

function orderViews(directory: Directory, orders: readonly OpenOrderInfo[]): Iterable<unknown> {
  const symbols = eachSymbolOnce(directory);
  return each(orders, (order) => orderView(symbols, order));
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

/** Both sides are of one moment; they are sorted and shown in slices. */
async function bookView({ directory, book }: QuerySources, { params, query, inSlices }: Request) {
  const symbol = symbolNamed(directory, params.name);
  const depth = wholeOf(query, 'depth', DEFAULT_DEPTH, 1, MAX_DEPTH);
  const mirror = book(symbol.id);
  const { phase, subPhase, lastPrice, lastPriceTicks } = symbolView(symbol);
  const [bids, asks] = [mirror?.levels.copy(Side.Buy), mirror?.levels.copy(Side.Sell)];
  const side = async (copy: LevelsCopy | undefined) =>
    new LongList(each(copy === undefined ? [] : await inSlices(copy.sorted(depth)), (level) => levelView(symbol, level)));
  return { symbol: symbol.name, phase, subPhase, lastPrice, lastPriceTicks, bids: await side(bids), asks: await side(asks) };
}

/** @throws HttpError 404 */
export function symbolNamed(directory: Pick<Directory, 'symbols' | 'symbolByName'>, name: string): SymbolInfo {
  const symbol = directory.symbolByName(name);
  if (symbol !== undefined) return symbol;
  const known = directory
    .symbols()
    .slice(0, 10)
    .map((each) => each.name)
    .join(', ');
  throw new HttpError(404, Code.UNKNOWN_SYMBOL, 'UNKNOWN_SYMBOL', `there is no symbol ${name}; there are: ${known || 'none'}`);
}

/** @throws HttpError 404 */
export function accountOf(directory: Directory, text: string): AccountInfo {
  const id = accountNumber(text);
  const account = Number.isNaN(id) ? undefined : directory.account(id);
  if (account !== undefined) return account;
  throw new HttpError(404, Code.UNKNOWN_ACCOUNT, 'UNKNOWN_ACCOUNT', `there is no account ${text}; GET /v1/accounts lists them`);
}

export function limitOf(query: URLSearchParams): number {
  return wholeOf(query, 'limit', DEFAULT_PAGE, 1, MAX_PAGE);
}

function beforeOf(query: URLSearchParams): number {
  return wholeOf(query, 'before', NEWEST, 1, NEWEST);
}

/** A whole number of the query. @throws HttpError 400 */
export function wholeOf(query: URLSearchParams, key: string, fallback: number, low: number, high: number): number {
  const text = query.get(key);
  if (text === null) return fallback;
  const value = Number(text);
  if (/^\d{1,16}$/.test(text) && value >= low && value <= high) return value;
  throw new HttpError(400, Code.BAD_PARAMETER, 'BAD_PARAMETER', `${key} must be a whole number from ${low} to ${high}, not ${text}`);
}
