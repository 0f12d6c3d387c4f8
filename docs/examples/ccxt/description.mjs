/** What ccxt wants to know of an exchange: addresses, methods, requests, and what its errors are called there. */
import {
  AccountSuspended,
  AuthenticationError,
  BadRequest,
  BadSymbol,
  DuplicateOrderId,
  ExchangeNotAvailable,
  functions,
  InsufficientFunds,
  InvalidOrder,
  MarketClosed,
  OnMaintenance,
  OperationRejected,
  OrderImmediatelyFillable,
  OrderNotFillable,
  OrderNotFound,
  PermissionDenied,
  RateLimitExceeded,
  RequestTimeout,
} from 'ccxt';

/** By the exception, the names of the errors: docs/CODES.md and docs/REST.md. What is not here is an ExchangeError. */
const ERRORS = new Map([
  [AuthenticationError, ['UNAUTHENTICATED']],
  [PermissionDenied, ['PERMISSION_DENIED', 'FOREIGN_ACCOUNT', 'ADMIN_ONLY', 'UNKNOWN_ACCOUNT']],
  [AccountSuspended, ['ACCOUNT_SUSPENDED', 'KILL_SWITCH']],
  [BadSymbol, ['UNKNOWN_SYMBOL']],
  [BadRequest, ['BAD_PARAMETER', 'BAD_JSON', 'NOT_JSON', 'MALFORMED_FRAME', 'BAD_PATH', 'NOT_FOUND', 'UNKNOWN_KIND']],
  [InsufficientFunds, ['INSUFFICIENT_FUNDS']],
  [OrderNotFound, ['UNKNOWN_ORDER']],
  [DuplicateOrderId, ['CLIENT_ORDER_ID_REUSED', 'CLIENT_ORDER_ID_TOO_OLD', 'IDEMPOTENCY_KEY_REUSED']],
  [OrderImmediatelyFillable, ['POST_ONLY_WOULD_TRADE', 'STOP_WOULD_TRIGGER', 'NO_PRICE_LEFT']],
  [OrderNotFillable, ['FOK_NOT_FILLABLE', 'MIN_QUANTITY_NOT_FILLABLE', 'NO_LIQUIDITY']],
  [MarketClosed, ['SYMBOL_HALTED', 'SYMBOL_CLOSED', 'NOT_IN_AUCTION', 'NO_SESSION', 'AUCTION_OVER']],
  [RateLimitExceeded, ['THROTTLED', 'ORDER_TO_TRADE', 'MASS_CANCEL_RATE', 'TOO_MANY_REQUESTS']],
  [
    InvalidOrder,
    [
      ...['BAD_CLIENT_ORDER_ID', 'BAD_ENUM', 'BAD_RANGE', 'ILLEGAL_COMBINATION', 'UNSUPPORTED_TERM', 'PRICE_RANGE', 'TICK', 'LOT'],
      ...['QUANTITY_MIN', 'QUANTITY_MAX', 'NOTIONAL_MIN', 'NOTIONAL_MAX', 'PRICE_BAND', 'EXPIRY_PAST', 'STOP_PRICE', 'TRAIL_OFFSET'],
      ...['TRAIL_UNAVAILABLE', 'DISPLAYED_QUANTITY', 'PEG_OFFSET', 'QUOTE_AMEND', 'LINKED_AMEND', 'BAD_LIST', 'LIST_REJECTED'],
    ],
  ],
  [
    OperationRejected,
    [
      ...['OPEN_ORDER_LIMIT', 'POSITION_LIMIT', 'EXPOSURE_LIMIT', 'ORDER_SHARE_FULL', 'LEVEL_SHARE_FULL', 'PEG_LIMIT'],
      ...['BOOK_FULL', 'LEVELS_FULL', 'ORDERS_EXPIRING', 'PROTECTION_TRIGGERED'],
    ],
  ],
  [ExchangeNotAvailable, ['BUSY', 'DISK_FULL', 'INTERNAL']],
  [OnMaintenance, ['DRAINING', 'RECOVERING']],
  [RequestTimeout, ['NO_ANSWER']],
]);

const HAS = [
  ...['fetchTime', 'fetchMarkets', 'fetchOrderBook', 'fetchTicker', 'fetchTickers', 'fetchTrades', 'fetchOHLCV'],
  ...['createOrder', 'createStopOrder', 'createTriggerOrder', 'createStopLimitOrder', 'createStopMarketOrder', 'createPostOnlyOrder'],
  ...['createTrailingAmountOrder', 'createTrailingPercentOrder', 'editOrder', 'cancelOrder', 'cancelAllOrders'],
  ...['fetchOrder', 'fetchOrders', 'fetchOpenOrders', 'fetchClosedOrders', 'fetchCanceledAndClosedOrders', 'fetchMyTrades'],
  ...['fetchBalance', 'fetchLedger', 'signIn'],
  ...['watchOrderBook', 'watchTrades', 'watchTicker', 'watchOHLCV', 'watchOrders', 'watchMyTrades', 'watchBalance'],
];

export const DESCRIPTION = {
  id: 'openbell',
  name: 'openbell',
  countries: [],
  version: 'v1',
  pro: true,
  /** Milliseconds between two requests; the exchange takes 1000 per second of a caller. */
  rateLimit: 2,
  has: {
    CORS: true,
    spot: true,
    margin: false,
    swap: false,
    future: false,
    option: false,
    ...Object.fromEntries(HAS.map((name) => [name, true])),
  },
  hostname: 'localhost',
  urls: {
    api: { rest: 'https://{hostname}:7403', ws: 'wss://{hostname}:7402' },
    /** `setSandboxMode(true)`: an exchange on this machine, without certificates. */
    test: { rest: 'http://localhost:7403', ws: 'ws://localhost:7402' },
    www: 'https://github.com/openbell/openbell',
    doc: ['https://github.com/openbell/openbell/blob/main/docs/REST.md', 'https://github.com/openbell/openbell/blob/main/docs/JSON.md'],
  },
  api: {
    public: { get: ['time', 'symbols', 'book', 'ticker', 'trades', 'candles'].map((name) => `v1/${name}`) },
    private: {
      get: ['v1/account', 'v1/orders', 'v1/orders/{order}', 'v1/orders/by-client-order-id/{order}', 'v1/fills', 'v1/ledger'],
      post: ['v1/orders'],
      patch: ['v1/orders/{order}', 'v1/orders/by-client-order-id/{order}'],
      delete: ['v1/orders', 'v1/orders/{order}', 'v1/orders/by-client-order-id/{order}'],
    },
    auth: { post: ['v1/auth/challenge', 'v1/auth/session'] },
  },
  /** `uid`: the account. `token`, or `apiKey` with `secret`, the private key of that API key: only where the exchange asks for credentials. */
  requiredCredentials: { uid: true, apiKey: false, secret: false, token: false },
  timeframes: { '1s': '1s', '15s': '15s', '1m': '1m', '5m': '5m', '15m': '15m', '1h': '1h', '4h': '4h', '1d': '1d' },
  precisionMode: functions.TICK_SIZE,
  exceptions: { exact: Object.fromEntries([...ERRORS].flatMap(([error, names]) => names.map((name) => [name, error]))) },
  options: {
    /** Most pages that one call reads; beyond, it throws, because its answer would lack something. */
    maxPages: 100,
    tradesLimit: 1000,
    ordersLimit: 1000,
    OHLCVLimit: 1000,
  },
  streaming: { keepAlive: 15_000 },
};
