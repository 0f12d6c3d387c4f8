/** The client for a page: orders, market data and streams over WebSocket, queries over HTTP, with nothing of Node. */
import { authority } from '../authority.ts';
import { OpenbellError } from '../errors.ts';
import { ExchangeReader } from '../exchange-reader.ts';
import type { HttpOptions } from '../http-request.ts';
import { checkOptions, type Options } from '../known-options.ts';
import { OrderSession } from '../order-session.ts';
import { SocketOrderStream } from '../socket-order-stream.ts';
import { SymbolCatalog } from '../symbols.ts';
import { TokenSource } from '../token-source.ts';
import type { SymbolDefinition } from '../types.ts';

export { Code, codeName } from '../../../engine/codes.ts';
export { DecimalError } from '../../../engine/decimal.ts';
export { CommandBatch, type LongOrder, MAX_FRAME_COMMANDS } from '../../../engine/wire/frames.ts';
export { Instruction, OrderType, Phase, Side, TimeInForce } from '../../../engine/wire/layout.ts';
export type { CandleInterval } from '../../../feeds/analysis/candles.ts';
export type { IndicatorValue } from '../../../feeds/analysis/indicators/indicator-series.ts';
export type { FeedStateName } from '../../../feeds/feed.ts';
export type * from '../account-query-types.ts';
export { OpenbellError } from '../errors.ts';
export type { FeedBest, FeedLevel, FeedSnapshot, FeedStream, FeedToFollow, FeedTrade, FeedUpdate } from '../feed-stream.ts';
export type * from '../ledger-types.ts';
export { type Applied, type BookDepth, LocalBook, LocalOrderBook } from '../local-book.ts';
export { type BookOptions, MarketClient } from '../market.ts';
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
} from '../market-decode.ts';
export { MarketStream, type StreamOptions, type TradeStreamOptions } from '../market-stream.ts';
export { OrderSession, type SubmitAnswer } from '../order-session.ts';
export type { Portfolio, PortfolioPosition, PortfolioToRead, PortfolioTotal } from '../portfolio.ts';
export { PortfolioStream, type PortfolioToFollow } from '../portfolio-stream.ts';
export { QueryClient } from '../query-client.ts';
export type * from '../query-types.ts';
export { SymbolCatalog, SymbolUnits, type Unit } from '../symbols.ts';
export type * from '../types.ts';

/** Address of an exchange, and credentials. A page needs a token of its own for orders. */
export interface PageOptions {
  /** Default: the host of the page. */
  readonly host?: string;
  /** Host names of market data and of the HTTP port where they differ. Default: `host`. */
  readonly wsHost?: string;
  readonly httpHost?: string;
  /** Default 7402. */
  readonly wsPort?: number;
  /** Default 7403. Symbols and queries are read there; the exchange allows it with `--cors-origins`. */
  readonly httpPort?: number;
  /** TLS on both ports. Default: as the page. */
  readonly secure?: boolean;
  /** Shard of the venue, for a gateway in front of several. Default: the gateway's choice. */
  readonly shard?: number;
  /** A token; it is used until it expires. */
  readonly token?: string;
  /** Returns a valid token; called for each connection. */
  readonly tokenProvider?: () => string | Promise<string>;
  /** Account for order entry, and of queries that name none. */
  readonly account?: number;
  /** Number of the last report seen; the session receives the reports after it. Default: only new reports. */
  readonly lastReport?: number;
  /** Seconds, 0 to 3600: when the session has been gone that long, the exchange cancels the orders that it entered; also when the page is closed. Default: orders stay. */
  readonly cancelOnDisconnect?: number;
  /** Number of the session, 1 (default) to 127, with `cancelOnDisconnect`. */
  readonly sessionNumber?: number;
  /** Reconnect when the connection is lost. Default true. */
  readonly reconnect?: boolean;
  /** When the exchange continues from an older copy of its data: `throw` (default) ends the session, `resync` goes on after the last report in common. */
  readonly onLoss?: 'throw' | 'resync';
  /** The symbols, instead of reading them from the HTTP port. */
  readonly symbols?: readonly SymbolDefinition[];
}

const PAGE_OPTIONS: Options<PageOptions> = {
  host: true,
  wsHost: true,
  httpHost: true,
  wsPort: true,
  httpPort: true,
  secure: true,
  shard: true,
  token: true,
  tokenProvider: true,
  account: true,
  lastReport: true,
  cancelOnDisconnect: true,
  sessionNumber: true,
  reconnect: true,
  onLoss: true,
  symbols: true,
};

/** A connection of a page to one exchange. Order entry and market data connect on first use. */
export class PageClient extends ExchangeReader {
  readonly #options: PageOptions & Address;
  readonly #tokens: TokenSource | undefined;
  #orders: OrderSession | undefined;

  constructor(options: PageOptions & Address, symbols: SymbolCatalog, http: HttpOptions) {
    super({ ...options, shardInPath: true }, symbols, http);
    this.#options = options;
    this.#tokens = http.tokens;
  }

  /** Order entry of the account. @throws OpenbellError NO_ACCOUNT */
  get orders(): OrderSession {
    const { host, wsPort = 7402, secure, shard, account, lastReport, reconnect = true, onLoss = 'throw' } = this.#options;
    const { cancelOnDisconnect, sessionNumber } = this.#options;
    if (account === undefined) throw new OpenbellError('NO_ACCOUNT', 'order entry needs an account: connect({ account })');
    const connection = { host, port: wsPort, secure, shard, account, lastReport, reconnect, cancelOnDisconnect, sessionNumber };
    this.#orders ??= new OrderSession(
      { account, onLoss, symbols: this.symbols },
      (listener) => new SocketOrderStream({ ...connection, tokens: this.#tokens }, listener),
    );
    return this.#orders;
  }

  /** Waits for the answers to what was placed, cancelled and amended, then closes. */
  override async close(): Promise<void> {
    await Promise.all([this.#orders?.close(), super.close()]);
  }
}

interface Address {
  readonly host: string;
  readonly secure: boolean;
}

/** Of a page. A program without one gives host and secure. */
declare const location: { readonly hostname: string; readonly protocol: string } | undefined;

/**
 * Connects a page to an exchange; resolves when its symbols are known.
 *
 * ```ts
 * const exchange = await connect({ account: 1, token });
 * const book = await exchange.market.book('BTC-USD');
 * book.on('change', () => show(book.bids, book.asks));
 * await exchange.orders.place({ symbol: 'BTC-USD', side: 'buy', price: '100.25', quantity: '0.5' });
 * ```
 * @throws OpenbellError BAD_OPTION for an unknown option, HTTP_FAILED when the symbols cannot be read, UNAUTHENTICATED or PERMISSION_DENIED when the exchange rejects the credentials
 */
export async function connect(options: PageOptions = {}): Promise<PageClient> {
  checkOptions('connect', options, PAGE_OPTIONS);
  const page = typeof location === 'undefined' ? undefined : location;
  const { host = page?.hostname || '127.0.0.1', secure = page?.protocol === 'https:', httpHost = host, httpPort = 7403 } = options;
  const tokens = TokenSource.of(options, () => Promise.reject(new OpenbellError('BAD_OPTION', 'a page has no API key')));
  const { shard, symbols } = options;
  const origin = `${secure ? 'https' : 'http'}://${authority(httpHost, httpPort)}`;
  const catalog = new SymbolCatalog(symbols ?? `${origin}/v1/symbols`, tokens, undefined, shard);
  await catalog.load();
  return new PageClient({ ...options, host, secure }, catalog, { origin, tokens, dispatcher: undefined, shard });
}
