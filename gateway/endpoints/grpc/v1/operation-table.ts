import { Code } from '../../../../engine/codes.ts';
import { reject } from '../../../reject.ts';
import type { Operation } from '../../operations.ts';
import type { Json } from './json-messages.ts';
import { RejectError } from './reject-error.ts';

/** Which operation of the HTTP interface serves a call, and how its answer becomes the response. */
export interface ServedBy {
  readonly operation: (request: Json) => Operation;
  /** Name of the response's field that the answer becomes; undefined: its keys are the fields. */
  readonly field?: string;
}

const account = ({ account }: Json): Record<string, string> => (account === undefined ? {} : { account: String(account) });
const ofAccount = ({ account }: Json): string => `/v1/accounts/${needed('account', account)}`;
const ofSymbol = ({ symbol }: Json): string => `/v1/symbols/${needed('symbol', symbol)}`;

function post(path: string | ((request: Json) => string), field?: string): ServedBy {
  return {
    operation: (request) => {
      const { idempotencyKey, ...body } = request;
      const key = idempotencyKey === undefined ? {} : { key: String(idempotencyKey) };
      if (typeof path === 'string') return { method: 'POST', path, body, ...key };
      // What is in the path is not in the body.
      const { account: _account, symbol: _symbol, ...rest } = body;
      return { method: 'POST', path: path(request), body: rest, ...key };
    },
    ...(field !== undefined && { field }),
  };
}

function get(path: string | ((request: Json) => string), field?: string, query: (request: Json) => Json = () => ({})): ServedBy {
  return {
    operation: (request) => ({
      method: 'GET',
      path: typeof path === 'string' ? path : path(request),
      query: textsOf(query(request)),
    }),
    ...(field !== undefined && { field }),
  };
}

/** By service and method. */
export const OPERATIONS: Readonly<Record<string, ServedBy>> = {
  'Trading/PlaceOrder': post('/v1/orders', 'order'),
  'Trading/CancelOrder': {
    operation: (request) => ({
      method: 'DELETE',
      path: orderPath(request),
      query: textsOf({ account: request.account, symbol: request.symbol }),
    }),
    field: 'order',
  },
  'Trading/AmendOrder': {
    operation: (request) => {
      const { orderId: _orderId, clOrdId: _clOrdId, ...body } = request;
      return { method: 'PATCH', path: orderPath(request), body };
    },
    field: 'order',
  },
  'Trading/MassCancel': { operation: (request) => ({ method: 'DELETE', path: '/v1/orders', query: textsOf(request) }) },
  'Trading/GetOrder': get(orderPath, 'order', account),
  'Trading/ListOrders': get('/v1/orders', undefined, (request) => request),
  'Trading/GetAccount': get('/v1/account', 'account', account),
  'Trading/ListFills': get('/v1/fills', undefined, (request) => request),
  'Trading/ListLedger': get('/v1/ledger', undefined, (request) => request),
  'MarketData/ListAssets': get('/v1/assets', 'assets'),
  'MarketData/ListSymbols': get('/v1/symbols', 'symbols'),
  'MarketData/GetSymbol': get(ofSymbol, 'symbol'),
  'MarketData/GetBook': get(
    ({ symbol }) => `/v1/book/${needed('symbol', symbol)}`,
    undefined,
    ({ depth }) => ({ depth }),
  ),
  'MarketData/ListTrades': get(
    (request) => `${ofSymbol(request)}/trades`,
    undefined,
    ({ symbol: _symbol, ...range }) => range,
  ),
  'MarketData/ListTickers': get('/v1/ticker', undefined, (request) => request),
  'MarketData/ListCandles': get(
    (request) => `${ofSymbol(request)}/candles`,
    undefined,
    ({ symbol: _symbol, empty, ...range }) => ({ ...range, empty: empty === true ? 1 : undefined }),
  ),
  'MarketData/GetTime': get('/v1/time'),
  'Admin/DefineAsset': post('/v1/assets', 'asset'),
  'Admin/DefineSymbol': post('/v1/symbols', 'symbol'),
  'Admin/DefineAccount': post('/v1/accounts', 'account'),
  'Admin/ListAccounts': get('/v1/accounts', 'ids', (request) => request),
  'Admin/Deposit': post((request) => `${ofAccount(request)}/deposit`),
  'Admin/Withdraw': post((request) => `${ofAccount(request)}/withdraw`),
  'Admin/SetPhase': post((request) => `${ofSymbol(request)}/phase`),
  'Admin/Uncross': post((request) => `${ofSymbol(request)}/uncross`),
  'Admin/SetKillSwitch': {
    operation: (request) => {
      const { on } = request;
      return { method: 'POST', path: `${killScope(request)}/kill-switch`, body: on === undefined ? {} : { on } };
    },
  },
  'Admin/SuspendAccount': post((request) => `${ofAccount(request)}/suspend`, 'account'),
  'Admin/ResumeAccount': post((request) => `${ofAccount(request)}/resume`, 'account'),
  'Admin/SetAccountLimits': post((request) => `${ofAccount(request)}/limits`, 'account'),
  'Admin/CancelOrders': {
    operation: (request) => {
      const { account, ...body } = request;
      if (account !== undefined) return { method: 'POST', path: `${ofAccount(request)}/cancel-orders`, body };
      const { symbol: _symbol, ...order } = body;
      return { method: 'POST', path: `${ofSymbol(request)}/cancel-orders`, body: order };
    },
  },
  'Admin/ListSessions': get('/v1/sessions', undefined, (request) => request),
  'Admin/EndSession': { operation: ({ id }) => ({ method: 'DELETE', path: `/v1/sessions/${needed('id', id)}` }) },
  'Admin/TakeSnapshot': post('/v1/snapshot'),
};

function orderPath({ orderId, clOrdId }: Json): string {
  if (clOrdId !== undefined) return `/v1/orders/by-client-order-id/${clOrdId}`;
  return `/v1/orders/${needed('order_id or cl_ord_id', orderId)}`;
}

function killScope(request: Json): string {
  if (request.account !== undefined) return ofAccount(request);
  if (request.symbol !== undefined) return ofSymbol(request);
  if (request.group !== undefined) return `/v1/groups/${request.group}`;
  needed('account, group, symbol or venue', request.venue);
  if (request.venue !== true) throw new RejectError(reject(Code.BAD_PARAMETER, 'venue is true, or left out'));
  return '/v1';
}

/** As a segment of a path. @throws RejectError if it is missing */
function needed(name: string, value: unknown): string {
  if (value === undefined || value === '' || value === '.' || value === '..')
    throw new RejectError(reject(Code.BAD_PARAMETER, `${name} must be given`));
  return encodeURIComponent(String(value));
}

function textsOf(values: Json): Record<string, string> {
  return Object.fromEntries(Object.entries(values).flatMap(([key, value]) => (value === undefined ? [] : [[key, String(value)]])));
}
