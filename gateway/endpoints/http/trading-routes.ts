import { z } from 'zod';
import { Code } from '../../../engine/codes.ts';
import type { SymbolInfo } from '../../../engine/threads/directory-info.ts';
import type { OpenOrderInfo } from '../../../engine/threads/open-order-info.ts';
import { ReportKind } from '../../../engine/wire/layout.ts';
import { SIDE_NAMES } from '../../../engine/wire/names.ts';
import type { NewCommand } from '../../client/order-commands.ts';
import type { OrderSessions } from '../../sessions/order-sessions.ts';
import { NEWEST } from '../../taps/history/runs.ts';
import { eachSymbolOnce, unitsOf } from '../json/amounts.ts';
import { brokenLimit } from '../json/broken-limit.ts';
import { eachReport } from '../json/each-report.ts';
import { waitForHistory } from '../json/history-wait.ts';
import { LongList } from '../json/json-pieces.ts';
import { openOrderPage } from '../json/open-order-page.ts';
import { findAmendment } from '../json/order-amend.ts';
import { cancelCommand, massCancelCommand, type OrderIds, placeCommand } from '../json/order-commands.ts';
import { orderError } from '../json/order-error.ts';
import { idNumber, madeClientOrderId } from '../json/order-ids.ts';
import { fillView, listedOrderView } from '../json/order-list-view.ts';
import { readOrder } from '../json/order-reader.ts';
import { OrderState } from '../json/order-state.ts';
import { ACCOUNT } from '../json/schemas/accounts.ts';
import { LEDGER } from '../json/schemas/ledger.ts';
import { AMEND_BODY, FILL_LIST, MASS_CANCELLED, ORDER_BODY, ORDER_LIST, symbolIn, TRADED_ORDER } from '../json/schemas/trading.ts';
import { symbolNamed } from '../json/symbol-named.ts';
import { accountNumber } from './admin-identity.ts';
import { accountOf, type QuerySources } from './admin-queries.ts';
import { accountView } from './admin-views.ts';
import { HttpError } from './http-error.ts';
import { LEDGER_QUERY, type LedgerReader } from './ledger-query.ts';
import { OrderSender } from './order-sender.ts';
import { BEFORE, LIMIT, oneOf, oneOfOr, wholeOr } from './query-schemas.ts';
import { type QueryShape, type Request, type Route, type RouteOf, route } from './route.ts';

export interface TradingSources extends QuerySources {
  readonly sessions: Pick<OrderSessions, 'hub' | 'intake' | 'counters' | 'audit'>;
  readonly ledger: LedgerReader;
}

const ACCOUNT_QUERY = {
  account: z
    .string()
    .optional()
    .meta({ description: 'Id of the account. Default: the account of the caller, if that is one.', type: 'integer', minimum: 1 }),
};
const SYMBOL_QUERY = { symbol: symbolIn.optional().meta({ description: 'Name of a symbol.' }) };
const LIST_QUERY = {
  ...ACCOUNT_QUERY,
  ...SYMBOL_QUERY,
  status: oneOfOr(
    'open',
    ['open', 'all'],
    '`open`: lowest order id first; `all`: also those that have ended, newest first, from the history.',
  ),
  limit: LIMIT,
  after: wholeOr(0, 0, NEWEST, 'Of open orders: only above this order id.'),
  before: BEFORE,
};

type Asked = Pick<Request, 'principal' | 'demand'>;

/** Orders of an account over REST. Names are those of FIX where it has them: docs/REST.md. */
export function tradingRoutes(sources: TradingSources): Route[] {
  const { directory, history, sessions } = sources;
  const sender = new OrderSender(sessions);
  /** Checks the right before the existence: those without the right must not learn whether an account exists. */
  const accountFor = (request: Asked, action: 'order:send' | 'account:read', given: string | number | undefined): number => {
    const { accounts, via } = request.principal;
    const own = via === 'open' || accounts.size !== 1 ? undefined : accounts.values().next().value;
    const account = given === undefined ? own : accountNumber(String(given));
    if (account === undefined) throw bad('account is missing, and the credentials name none, or more than one: give its id');
    request.demand(action, account);
    return accountOf(directory, String(given ?? account)).id;
  };
  const ask = <Shape extends QueryShape>(spec: Omit<RouteOf<Shape>, 'method' | 'guarded' | 'action'>) =>
    route({ ...spec, method: 'GET', guarded: true, action: 'market:read' });
  const act = <Shape extends QueryShape, Body>(spec: Omit<RouteOf<Shape, Body>, 'guarded' | 'action' | 'recorded'>) =>
    route({ ...spec, guarded: true, action: 'order:use', recorded: 'by handler' });
  /** Sends a command, and records who does. */
  const send = (account: number, command: NewCommand, { principal, visit, seqs }: Pick<Request, 'principal' | 'visit' | 'seqs'>) => {
    sessions.audit.submitted(principal, visit, account);
    return sender.send(account, command, seqs);
  };

  /**
   * The order of an answer: from the reports that came with it.
   * @param long it may have terms that reports do not have: it is looked for among all open orders, which takes a while
   * @param trails the command is about a trailing stop
   * @throws HttpError for a reject
   */
  const answered = async (
    account: number,
    reports: Int32Array,
    long: boolean,
    trails: boolean,
    { inSlices }: Pick<Request, 'inSlices'>,
  ) => {
    const state = new OrderState();
    let first: { readonly kind: number; readonly code: number; readonly retryUs: number } | undefined;
    for (const report of eachReport(reports)) {
      if (first === undefined) {
        const { kind, code, retryUs, symbol } = report;
        first = { kind, code, retryUs };
        if (isReject(kind)) {
          const { side, price, quantity, stopPrice } = report;
          const order = { side, price: trails ? undefined : price, quantity, stopPrice, retryUs };
          const limit = brokenLimit(code, directory.symbol(symbol), directory.account(account), order);
          const ids = { orderId: String(report.orderId), clOrdId: String(report.clientOrderId), lastReportNo: report.reportNo };
          throw orderError(code as Code, { ...ids, ...(retryUs > 0 && { retryUs }), ...(limit && { limit }) });
        }
        state.add(report);
      } else if (report.orderId === state.orderId) state.add(report);
    }
    const symbol = directory.symbol(state.symbol) as SymbolInfo;
    const looks = long && state.ended === undefined;
    const open = looks ? await inSlices(directory.restingOrderInSteps(account, state.orderId)) : undefined;
    return state.view(account, symbol, open);
  };

  const ofOrder = (path: string, idsOf: (text: string) => OrderIds, by: string): Route[] => [
    ask({
      path,
      summary: `An order by its ${by}, also one that has ended or was rejected.`,
      query: ACCOUNT_QUERY,
      answer: TRADED_ORDER,
      handle: async (request) => {
        const account = accountFor(request, 'account:read', request.query.account);
        return { json: await readOrder(sources, request, account, idsOf(request.params.order)) };
      },
    }),
    act({
      method: 'PATCH',
      path,
      summary: `Amends an open order by its ${by}.`,
      body: AMEND_BODY,
      answer: TRADED_ORDER,
      handle: async (request) => {
        const { body } = request;
        const account = accountFor(request, 'order:send', body.account);
        const ids = idsOf(request.params.order);
        const { command, open } = await findAmendment(sources, request, account, body, ids);
        const reports = await send(account, command, request);
        return { json: await answered(account, reports, open !== undefined && isLong(open), command.trailOffset !== 0, request) };
      },
    }),
    act({
      method: 'DELETE',
      path,
      summary: `Cancels an open order by its ${by}.`,
      query: { ...ACCOUNT_QUERY, ...SYMBOL_QUERY },
      answer: TRADED_ORDER,
      handle: async (request) => {
        const { account: given, symbol: name } = request.query;
        const account = accountFor(request, 'order:send', given);
        const ids = idsOf(request.params.order);
        // Without a symbol, the order may be of any.
        const symbol = name === undefined ? 0 : symbolNamed(directory, name).id;
        const reports = await send(account, cancelCommand(symbol, ids), request);
        return { json: await answered(account, reports, false, false, request) };
      },
    }),
  ];

  return [
    act({
      method: 'POST',
      path: '/v1/orders',
      summary: 'Places an order.',
      body: ORDER_BODY,
      answer: TRADED_ORDER,
      status: 201,
      keyed: 'client order id',
      handle: async (request) => {
        const { body, header } = request;
        const account = accountFor(request, 'order:send', body.account);
        const symbol = symbolNamed(directory, body.symbol);
        const clientOrderId = clientOrderIdOf(body.clOrdId, header('idempotency-key'));
        const command = placeCommand(body, unitsOf(symbol), clientOrderId);
        const reports = await send(account, command, request);
        const json = await answered(account, reports, command.terms.long, command.trailOffset !== 0, request);
        return { status: 201, json };
      },
    }),
    ask({
      path: '/v1/orders',
      summary: 'Orders of an account.',
      query: LIST_QUERY,
      answer: ORDER_LIST,
      handle: async (request) => {
        const { status, symbol: name, after, before } = request.query;
        const account = accountFor(request, 'account:read', request.query.account);
        const symbol = name === undefined ? undefined : symbolNamed(directory, name).id;
        // Left unread, it would bring the first page again and again.
        if (status === 'open' && before !== NEWEST) throw bad('before is for status=all; open orders are continued by after');
        if (status === 'all' && after !== 0) throw bad('after is for open orders; those of status=all are continued by before');
        const lists = { open: openList, all: wholeList };
        return { pieces: await lists[status](sources, request, account, symbol) };
      },
    }),
    act({
      method: 'DELETE',
      path: '/v1/orders',
      summary: 'Cancels all open orders of an account, of a symbol and of a side if they are given.',
      query: { ...ACCOUNT_QUERY, ...SYMBOL_QUERY, side: oneOf(SIDE_NAMES, 'Only this side.').optional() },
      answer: MASS_CANCELLED,
      handle: async (request) => {
        const { account: given, symbol: name, side } = request.query;
        const account = accountFor(request, 'order:send', given);
        const symbol = name === undefined ? undefined : symbolNamed(directory, name);
        const command = massCancelCommand(symbol?.id ?? 0, side === undefined ? undefined : (SIDE_NAMES.indexOf(side) as 0 | 1));
        const [answer] = eachReport(await send(account, command, request));
        const { code, quantity, leaves } = answer;
        if (code !== Code.OK) throw orderError(code as Code);
        const about = { account, ...(symbol && { symbol: symbol.name }), ...(side && { side }) };
        return { json: { ...about, totalAffectedOrders: quantity, ...(leaves > 0 && { later: leaves }) } };
      },
    }),
    ...ofOrder('/v1/orders/by-client-order-id/:order', (text) => ({ orderId: 0, clientOrderId: idOf(text) }), 'client order id'),
    ...ofOrder('/v1/orders/:order', (text) => ({ orderId: idOf(text), clientOrderId: 0 }), 'order id'),
    ask({
      path: '/v1/account',
      summary: "The caller's account: balances, limits, and the kill switches that concern it.",
      query: ACCOUNT_QUERY,
      answer: ACCOUNT,
      handle: (request) => {
        const account = accountFor(request, 'account:read', request.query.account);
        return { json: accountView(accountOf(directory, String(account)), directory) };
      },
    }),
    ask({
      path: '/v1/fills',
      summary: "Fills of the caller's account, newest first.",
      query: { ...ACCOUNT_QUERY, limit: LIMIT, before: BEFORE },
      answer: FILL_LIST,
      handle: async (request) => {
        const account = accountFor(request, 'account:read', request.query.account);
        const { limit, before } = request.query;
        const behind = before === NEWEST ? await waitForHistory(sources, account, request.caller) : undefined;
        const { records, next, lost } = await history.accountFills(account, limit, before, request.caller);
        return { pieces: { fills: new LongList(fills(sources, records)), next: String(next), lost, behind } };
      },
    }),
    ask({
      path: '/v1/ledger',
      summary: "What changed the balances of the caller's account, newest first.",
      query: { ...ACCOUNT_QUERY, ...LEDGER_QUERY },
      answer: LEDGER,
      handle: (request) => sources.ledger(accountFor(request, 'account:read', request.query.account), request),
    }),
  ];
}

type ListRequest = Pick<Request, 'caller' | 'inSlices'> & {
  readonly query: { readonly limit: number; readonly after: number; readonly before: number };
};

/** Open orders, from the engine. */
async function openList(sources: QuerySources, request: ListRequest, account: number, symbol: number | undefined) {
  const { limit, after } = request.query;
  const { orders, next, complete } = await openOrderPage(sources, request, account, { limit, after, symbol });
  return { orders: new LongList(orders), next: String(next), complete };
}

/** Orders of the history, those that are open with their present terms. */
async function wholeList(sources: QuerySources, { query, caller, inSlices }: ListRequest, account: number, symbol: number | undefined) {
  const { directory, history } = sources;
  const behind = query.before === NEWEST ? await waitForHistory(sources, account, caller) : undefined;
  const { orders, next, truncated, lost } = await history.accountOrders(account, query.limit, query.before, caller);
  const wanted = orders.filter((order) => symbol === undefined || order.symbol === symbol);
  const ids = new Set(wanted.filter(({ status }) => status === 'open' || status === 'pending').map(({ orderId }) => orderId));
  const open = ids.size === 0 ? [] : await inSlices(directory.openOrdersOfIdsInSteps(account, ids));
  const byId = new Map(open.map((order) => [order.orderId, order]));
  const symbols = eachSymbolOnce(directory);
  const views = wanted.flatMap((order) => listedOrderView(symbols, account, order, byId.get(order.orderId)) ?? []);
  return { orders: new LongList(views), next: String(next), complete: !truncated, lost, behind };
}

function* fills({ directory }: QuerySources, records: Uint8Array): Generator<unknown> {
  const symbols = eachSymbolOnce(directory);
  for (const report of eachReport(new Int32Array(records.slice().buffer))) {
    const view = fillView(symbols, report);
    if (view !== undefined) yield view;
  }
}

/** Whether an amend says what price the order has from then on: it is not looked for then. */
/** Whether an order has terms that its reports do not have. */
function isLong({ stop, peg, iceberg, hidden, waits, market, endUs, selfTradeMode, link, child }: OpenOrderInfo): boolean {
  const terms = [stop, peg, iceberg, hidden, waits, market, endUs, link, child];
  return selfTradeMode !== 0 || terms.some((term) => term !== undefined);
}

function isReject(kind: number): boolean {
  return kind === ReportKind.Rejected || kind === ReportKind.CancelRejected || kind === ReportKind.AmendRejected;
}

/** The id of a new order: of the body, of the header, or made from the clock. @throws HttpError 400 */
function clientOrderIdOf(given: string | number | undefined, key: string | undefined): number {
  if (key !== undefined && !/^[1-9]\d{0,15}$/.test(key))
    throw new HttpError(
      400,
      0,
      'BAD_IDEMPOTENCY_KEY',
      `the Idempotency-Key of an order is its client order id: a whole number from 1 to ${NEWEST}; so the order is placed once, also across a restart of the exchange`,
    );
  if (given !== undefined && key !== undefined && String(given) !== key) throw bad('clOrdId and Idempotency-Key differ: give one of them');
  const text = given ?? key;
  return text === undefined ? madeClientOrderId() : idNumber(text, 'clOrdId');
}

/** @throws HttpError 404 */
function idOf(text: string): number {
  const id = Number(text);
  if (/^[1-9]\d{0,15}$/.test(text) && Number.isSafeInteger(id)) return id;
  throw new HttpError(404, Code.UNKNOWN_ORDER, 'UNKNOWN_ORDER', `there is no order ${text.slice(0, 32)}: an id is a whole number from 1`);
}

function bad(message: string): HttpError {
  return new HttpError(400, Code.BAD_PARAMETER, 'BAD_PARAMETER', message);
}
