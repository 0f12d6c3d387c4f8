import { nodeTooOld } from '../node-version.ts';
import { AdminClient } from './admin-client.ts';
import { AlertClient } from './alert-client.ts';
import { authority } from './authority.ts';
import { DropCopy } from './drop-copy.ts';
import { OpenbellError } from './errors.ts';
import { ExchangeReader } from './exchange-reader.ts';
import { GrpcOrderStream } from './grpc-order-stream.ts';
import type { HttpOptions } from './http-request.ts';
import type { FeedIndicatorOptions, IndicatorOptions, IndicatorStream } from './indicator-stream.ts';
import { logIn } from './key-session.ts';
import { checkOptions, type Options } from './known-options.ts';
import { OrderSession } from './order-session.ts';
import { SymbolCatalog } from './symbols.ts';
import { dispatcherFor } from './tls.ts';
import { TokenSource } from './token-source.ts';
import type { ConnectOptions, DropCopyOptions } from './types.ts';

export { Code, codeName } from '../../engine/codes.ts';
export { DecimalError } from '../../engine/decimal.ts';
export { CommandBatch, type LongOrder, MAX_FRAME_COMMANDS, MIN_SCHEMA_VERSION, SCHEMA_VERSION } from '../../engine/wire/frames.ts';
export { Instruction, OrderType, Phase, Side, TimeInForce } from '../../engine/wire/layout.ts';
export type { CandleInterval } from '../../feeds/analysis/candles.ts';
export type { IndicatorValue } from '../../feeds/analysis/indicators/indicator-series.ts';
export type { FeedStateName } from '../../feeds/feed.ts';
export type {
  AccountJson,
  BalanceJson,
  FillJson,
  FillPage,
  FillsToRead,
  OrderJson,
  OrderPage,
  OrdersToRead,
  OrdStatus,
  PositionLimitJson,
  SessionJson,
  SessionPage,
  SessionsToRead,
} from './account-query-types.ts';
export {
  type AccountLimits,
  AdminClient,
  type CancelledOrders,
  type FeeTable,
  type FeeTier,
  type KillSwitches,
  type KillSwitchScope,
  type OrdersToCancel,
  type PositionLimit,
} from './admin-client.ts';
export { AlertClient, type PageOptions } from './alert-client.ts';
export type {
  Alert,
  AlertCondition,
  AlertDirection,
  AlertEvent,
  AlertWebhook,
  AlertWindow,
  NewAlert,
  WebhookMessage,
} from './alert-types.ts';
export { DropCopy } from './drop-copy.ts';
export { OpenbellError } from './errors.ts';
export type { FeedBest, FeedLevel, FeedSnapshot, FeedStream, FeedToFollow, FeedTrade, FeedUpdate } from './feed-stream.ts';
export type { FeedIndicatorOptions, FollowedIndicators, IndicatorBar, IndicatorOptions, IndicatorStream } from './indicator-stream.ts';
export type { LedgerAction, LedgerEntry, LedgerFill, LedgerKind, LedgerPage, LedgerToRead } from './ledger-types.ts';
export { type BookDepth, LocalBook, LocalOrderBook } from './local-book.ts';
export { type BookOptions, MarketClient, type MarketOptions } from './market.ts';
export type {
  BboView,
  CandleView,
  LevelView,
  OrderView,
  PhaseName,
  StatusView,
  SubPhaseName,
  TickerView,
  TradeView,
} from './market-decode.ts';
export { MarketStream, type StreamOptions, type TradeStreamOptions } from './market-stream.ts';
export { OrderSession, type SubmitAnswer } from './order-session.ts';
export type { Portfolio, PortfolioPosition, PortfolioToRead, PortfolioTotal } from './portfolio.ts';
export { PortfolioStream, type PortfolioToFollow } from './portfolio-stream.ts';
export { QueryClient } from './query-client.ts';
export type {
  BookJson,
  BookLevelJson,
  BookToRead,
  CandleJson,
  CandlePage,
  CandlesToRead,
  ExplainedOrder,
  FeedBook,
  FeedBookLevel,
  FeedBookSource,
  FeedCandleJson,
  FeedCandlePage,
  FeedCandlesToRead,
  FeedIndicatorPage,
  FeedIndicatorsToRead,
  FeedInstrument,
  IndicatorBarJson,
  IndicatorPage,
  IndicatorsToRead,
  LinkView,
  OrderStep,
  OrderToExplain,
  RestingOrder,
  TickerJson,
  TimeJson,
  TradeJson,
  TradePage,
  TradesToRead,
  WaitingOrder,
} from './query-types.ts';
export { SymbolCatalog, SymbolUnits, type Unit } from './symbols.ts';
export type * from './types.ts';

const CONNECT_OPTIONS: Options<ConnectOptions> = {
  token: true,
  tokenProvider: true,
  apiKey: true,
  host: true,
  wsHost: true,
  httpHost: true,
  shard: true,
  grpcPort: true,
  wsPort: true,
  httpPort: true,
  tls: true,
  account: true,
  lastReport: true,
  cancelOnDisconnect: true,
  sessionNumber: true,
  reconnect: true,
  onLoss: true,
  symbols: true,
};

/** A connection to one exchange. Order entry and market data connect on first use. */
export class OpenbellClient extends ExchangeReader {
  readonly #options: ConnectOptions;
  readonly #tokens: TokenSource | undefined;
  /** What an operator does. */
  readonly admin: AdminClient;
  /** Alerts and webhooks of the account. */
  readonly alerts: AlertClient;
  #orders: OrderSession | undefined;
  readonly #dropCopies = new Set<DropCopy>();
  readonly #feedStreams = new Set<{ close(): void }>();

  constructor(options: ConnectOptions, symbols: SymbolCatalog, http: HttpOptions) {
    const { host = '127.0.0.1', wsHost, wsPort, reconnect, account, tls } = options;
    super({ host, wsHost, wsPort, reconnect, account, secure: tls !== undefined, shardInPath: false }, symbols, http);
    this.#options = options;
    this.admin = new AdminClient(http);
    this.alerts = new AlertClient(http, account);
    this.#tokens = http.tokens;
  }

  /** Order entry of the account. @throws OpenbellError NO_ACCOUNT */
  get orders(): OrderSession {
    const { host = '127.0.0.1', grpcPort = 7401, shard, account, lastReport, reconnect = true, onLoss = 'throw' } = this.#options;
    const { cancelOnDisconnect, sessionNumber } = this.#options;
    if (account === undefined) throw new OpenbellError('NO_ACCOUNT', 'order entry needs an account: connect({ account })');
    const connection = { host, port: grpcPort, shard, account, lastReport, reconnect, cancelOnDisconnect, sessionNumber };
    const credentials = { tokens: this.#tokens, tls: this.#options.tls };
    this.#orders ??= new OrderSession(
      { account, onLoss, symbols: this.symbols },
      (listener) => new GrpcOrderStream({ ...connection, ...credentials }, listener),
    );
    return this.#orders;
  }

  /**
   * Indicators over the candles of a symbol: bars of the past, then live ones, the forming one in place. Needs no account.
   * @throws OpenbellError BAD_OPTION, BAD_INDICATOR, BAD_INTERVAL, UNKNOWN_SYMBOL, HTTP_FAILED
   */
  async indicators(options: IndicatorOptions): Promise<IndicatorStream> {
    const { IndicatorStream } = await import('./indicator-stream.ts');
    return IndicatorStream.open(this.queries, this.market, await this.symbols.find(options.symbol), options);
  }

  /**
   * The same over the candles of an outside market.
   * @throws OpenbellError BAD_OPTION, BAD_INDICATOR, BAD_INTERVAL, UNKNOWN_FEED, UNKNOWN_INSTRUMENT, BUSY, HTTP_FAILED
   */
  async feedIndicators(options: FeedIndicatorOptions): Promise<IndicatorStream> {
    const { IndicatorStream } = await import('./indicator-stream.ts');
    const { host = '127.0.0.1', wsHost = host } = this.#options;
    return IndicatorStream.openFeed(this.queries, { ...this.streamsAt(wsHost), open: this.#feedStreams }, options);
  }

  /**
   * The reports of several accounts, read only; needs role drop-copy, and connects at once. Each call opens another one.
   * @throws OpenbellError BAD_OPTION, BAD_RANGE
   */
  dropCopy(options: DropCopyOptions): DropCopy {
    const { host = '127.0.0.1', grpcPort = 7401, shard, reconnect = true, tls } = this.#options;
    const connection = { host, port: grpcPort, shard, reconnect, tls, tokens: this.#tokens, symbols: this.symbols };
    const copy = new DropCopy(options, connection, () => this.#dropCopies.delete(copy));
    this.#dropCopies.add(copy);
    return copy;
  }

  /** Waits for all answers, then closes. */
  override async close(): Promise<void> {
    for (const stream of this.#feedStreams) stream.close();
    await Promise.all([...Array.from(this.#dropCopies, (copy) => copy.close()), this.#orders?.close(), super.close()]);
  }
}

/**
 * Connects to an exchange; resolves when its symbols are known.
 *
 * ```ts
 * const exchange = await connect({ account: 1 });
 * const book = await exchange.market.book('BTC-USD');
 * const answer = await exchange.orders.place({ symbol: 'BTC-USD', side: 'buy', price: '100.25', quantity: '0.5' });
 * await exchange.close();
 * ```
 * @throws OpenbellError BAD_OPTION for an unknown option, HTTP_FAILED when it cannot be reached, UNAUTHENTICATED or PERMISSION_DENIED when it rejects the credentials, NODE_TOO_OLD before Node.js 22
 */
export async function connect(options: ConnectOptions = {}): Promise<OpenbellClient> {
  const tooOld = nodeTooOld();
  if (tooOld !== undefined) throw new OpenbellError('NODE_TOO_OLD', tooOld);
  checkOptions('connect', options, CONNECT_OPTIONS);
  const { host = '127.0.0.1', httpHost = host, httpPort = 7403, shard, symbols, tls } = options;
  const admin = `${tls === undefined ? 'http' : 'https'}://${authority(httpHost, httpPort)}`;
  const dispatcher = dispatcherFor(tls);
  const tokens = TokenSource.of(options, (key) => logIn(key, admin, dispatcher));
  const catalog = new SymbolCatalog(symbols ?? `${admin}/v1/symbols`, tokens, dispatcher, shard);
  await catalog.load();
  return new OpenbellClient(options, catalog, { origin: admin, tokens, dispatcher, shard });
}
