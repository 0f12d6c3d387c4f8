import { FeedStream, type FeedToFollow } from './feed-stream.ts';
import type { HttpOptions } from './http-request.ts';
import type { StreamConnection } from './json-socket.ts';
import { checkOptions, type Options } from './known-options.ts';
import { MarketClient } from './market.ts';
import { type Portfolio, type PortfolioToRead, portfolioAccount, readPortfolio } from './portfolio.ts';
import { PortfolioStream, type PortfolioToFollow } from './portfolio-stream.ts';
import { QueryClient } from './query-client.ts';
import type { SymbolCatalog } from './symbols.ts';

/** Addresses of the exchange, and the account whose data is read. */
export interface ReaderOptions {
  readonly host: string;
  /** Default: `host`. */
  readonly wsHost?: string | undefined;
  /** Default 7402. */
  readonly wsPort?: number | undefined;
  /** Default true. */
  readonly reconnect?: boolean | undefined;
  readonly account?: number | undefined;
  readonly secure: boolean;
  /** WebSockets name the shard in their path, because those of a page set no headers. */
  readonly shardInPath: boolean;
}

const PORTFOLIO_OPTIONS: Options<PortfolioToRead> = { account: true, mark: true, instruments: true };

/** What the clients of Node.js and of a page have in common: market data, queries and streams in JSON. */
export class ExchangeReader {
  readonly symbols: SymbolCatalog;
  /** Questions over HTTP. */
  readonly queries: QueryClient;
  readonly #options: ReaderOptions;
  readonly #http: HttpOptions;
  #market: MarketClient | undefined;
  readonly #streams = new Set<{ close(): void }>();

  constructor(options: ReaderOptions, symbols: SymbolCatalog, http: HttpOptions) {
    this.#options = options;
    this.#http = http;
    this.symbols = symbols;
    this.queries = new QueryClient(http, options.account);
  }

  /** Market data; needs no account. */
  get market(): MarketClient {
    const { host, wsHost = host, wsPort = 7402, secure, reconnect = true } = this.#options;
    const { shard, tokens, dispatcher } = this.#http;
    this.#market ??= new MarketClient({ host: wsHost, port: wsPort, shard, reconnect, symbols: this.symbols, tokens, secure, dispatcher });
    return this.#market;
  }

  /**
   * Positions of an account with average cost, realised and unrealised profit: docs/PORTFOLIO.md.
   * @throws OpenbellError NO_ACCOUNT, UNKNOWN_ACCOUNT, PERMISSION_DENIED; BAD_PARAMETER for an unknown mark; HTTP_FAILED
   */
  async portfolio(
    wanted: PortfolioToRead & { /** Id of a symbol: `next` of the page before. */ readonly after?: number } = {},
  ): Promise<Portfolio> {
    checkOptions('portfolio', wanted, { ...PORTFOLIO_OPTIONS, after: true });
    return await readPortfolio(this.#http, portfolioAccount(wanted.account ?? this.#options.account), wanted, wanted.after);
  }

  /**
   * The same as a stream: for each change of the portfolio or its marks, at most one per interval. Each call opens another one.
   *
   * ```ts
   * for await (const { totals } of exchange.followPortfolio({ account: 1 })) console.log(totals);
   * ```
   * @throws OpenbellError NO_ACCOUNT, BAD_RANGE; what {@link portfolio} throws comes from the loop
   */
  followPortfolio(wanted: PortfolioToFollow = {}): PortfolioStream {
    checkOptions('followPortfolio', wanted, { ...PORTFOLIO_OPTIONS, intervalMs: true, onLost: true });
    const { host, account } = this.#options;
    // At the host of order entry, as all that is private; `wsHost` has market data.
    const stream = new PortfolioStream(portfolioAccount(wanted.account ?? account), wanted, this.streamsAt(host), () =>
      this.#streams.delete(stream),
    );
    this.#streams.add(stream);
    return stream;
  }

  /**
   * Trades, best prices and book of an outside market, as they come: docs/FEEDS.md. Each call opens another stream.
   * @throws OpenbellError UNKNOWN_FEED, PERMISSION_DENIED; HTTP_FAILED
   */
  async followFeed(wanted: FeedToFollow): Promise<FeedStream> {
    checkOptions('followFeed', wanted, { feed: true, instruments: true, levels: true, onMessage: true, onLost: true });
    const { host, wsHost = host } = this.#options;
    const stream = await FeedStream.open(wanted, this.streamsAt(wsHost), () => this.#streams.delete(stream));
    this.#streams.add(stream);
    return stream;
  }

  /** Ends market data and streams. */
  async close(): Promise<void> {
    for (const stream of this.#streams) stream.close();
    await this.#market?.close();
  }

  protected streamsAt(host: string): StreamConnection {
    const { wsPort = 7402, reconnect = true, shardInPath } = this.#options;
    return { host, port: wsPort, reconnect, http: this.#http, shardInPath };
  }
}
