import type { AccountJson, FillPage, FillsToRead, OrderPage, OrdersToRead, SessionPage, SessionsToRead } from './account-query-types.ts';
import { OpenbellError } from './errors.ts';
import { type HttpOptions, httpRequest } from './http-request.ts';
import { checkOptions } from './known-options.ts';
import type { LedgerPage, LedgerToRead } from './ledger-types.ts';
import type {
  BookJson,
  BookToRead,
  CandlePage,
  CandlesToRead,
  ExplainedOrder,
  FeedBook,
  FeedCandlePage,
  FeedCandlesToRead,
  FeedIndicatorPage,
  FeedIndicatorsToRead,
  FeedInstrument,
  IndicatorPage,
  IndicatorsToRead,
  OrderToExplain,
  TickerJson,
  TimeJson,
  TradePage,
  TradesToRead,
} from './query-types.ts';
import { pathOf } from './symbols.ts';

/** Questions to the admin port. */
export class QueryClient {
  readonly #options: HttpOptions;
  readonly #account: number | undefined;

  /** @param account the default */
  constructor(options: HttpOptions, account: number | undefined) {
    this.#options = options;
    this.#account = account;
  }

  /**
   * Why an order is where it is: what happened to it, and its place in the book while it rests.
   * @throws OpenbellError UNKNOWN_ORDER, also for an order of another account; UNKNOWN_ACCOUNT, PERMISSION_DENIED, NO_ACCOUNT; HTTP_FAILED
   */
  async order(order: OrderToExplain): Promise<ExplainedOrder> {
    const { limit } = order;
    const account = this.#named(order.account, 'order');
    const [path, from] =
      'orderId' in order
        ? [String(order.orderId), { from: order.from }]
        : [`by-client-order-id/${order.clientOrderId}`, { before: order.before }];
    const query = Object.entries({ limit, ...from }).flatMap(([name, value]) => (value === undefined ? [] : `${name}=${value}`));
    return await httpRequest(this.#options, `/v1/accounts/${account}/orders/${path}${query.length === 0 ? '' : `?${query.join('&')}`}`);
  }

  /**
   * Orders of an account: those that are open, or, with `status: 'all'`, also those that have ended.
   * @throws OpenbellError BAD_OPTION, UNKNOWN_ACCOUNT, UNKNOWN_SYMBOL, BAD_PARAMETER, PERMISSION_DENIED, NO_ACCOUNT, BUSY; HTTP_FAILED
   */
  async orders(wanted: OrdersToRead = {}): Promise<OrderPage> {
    checkOptions<object>('orders', wanted, { account: true, symbol: true, status: true, limit: true, after: true, before: true });
    const { account, ...filter } = wanted;
    return await httpRequest(this.#options, `/v1/orders?${queryOf({ account: this.#named(account, 'orders'), ...filter })}`);
  }

  /**
   * Fills of an account, newest first.
   * @throws OpenbellError BAD_OPTION, UNKNOWN_ACCOUNT, BAD_PARAMETER, PERMISSION_DENIED, NO_ACCOUNT, BUSY; HTTP_FAILED
   */
  async fills(wanted: FillsToRead = {}): Promise<FillPage> {
    checkOptions('fills', wanted, { account: true, limit: true, before: true });
    const { account, ...page } = wanted;
    return await httpRequest(this.#options, `/v1/fills?${queryOf({ account: this.#named(account, 'fills'), ...page })}`);
  }

  /**
   * Balances, limits and kill switches of an account. @param account that of the connection by default
   * @throws OpenbellError UNKNOWN_ACCOUNT, PERMISSION_DENIED, NO_ACCOUNT; HTTP_FAILED
   */
  async account(account?: number): Promise<AccountJson> {
    return await httpRequest(this.#options, `/v1/accounts/${this.#named(account, 'balances')}`);
  }

  /**
   * What changed the balances of an account, newest first.
   * @throws OpenbellError BAD_OPTION, UNKNOWN_ACCOUNT, UNKNOWN_ASSET, BAD_PARAMETER, PERMISSION_DENIED, NO_ACCOUNT, BUSY; HTTP_FAILED
   */
  async ledger(wanted: LedgerToRead = {}): Promise<LedgerPage> {
    checkOptions('ledger', wanted, { account: true, asset: true, kind: true, from: true, to: true, limit: true, before: true });
    const { account, ...filter } = wanted;
    return await httpRequest(this.#options, `/v1/accounts/${this.#named(account, 'ledger')}/ledger?${queryOf(filter)}`);
  }

  /**
   * Open sessions of order entry, drop copies and readers of market data. Needs role operator or auditor.
   * @throws OpenbellError BAD_OPTION, BAD_PARAMETER, PERMISSION_DENIED; HTTP_FAILED
   */
  async sessions(wanted: SessionsToRead = {}): Promise<SessionPage> {
    checkOptions('sessions', wanted, { kind: true, account: true, limit: true, after: true });
    return await httpRequest(this.#options, `/v1/sessions?${queryOf(wanted)}`);
  }

  /**
   * The levels of a book, best first. A program that follows it uses `market.book`.
   * @throws OpenbellError BAD_OPTION, UNKNOWN_SYMBOL, BAD_PARAMETER; HTTP_FAILED
   */
  async book(wanted: BookToRead): Promise<BookJson> {
    checkOptions('book', wanted, { symbol: true, depth: true });
    return await httpRequest(this.#options, `/v1/book?${queryOf(wanted)}`);
  }

  /**
   * Trades of a symbol, newest first; with `after` or `from`, oldest first. A program that follows them uses `market.trades`.
   * @throws OpenbellError BAD_OPTION, UNKNOWN_SYMBOL, BAD_PARAMETER, BUSY; HTTP_FAILED
   */
  async trades(wanted: TradesToRead): Promise<TradePage> {
    checkOptions('trades', wanted, { symbol: true, after: true, before: true, from: true, to: true, limit: true });
    return await httpRequest(this.#options, `/v1/trades?${queryOf(wanted)}`);
  }

  /**
   * Candles of a symbol, complete up to the last trade that was published. The last one may be forming.
   * @throws OpenbellError UNKNOWN_SYMBOL, BAD_PARAMETER; HTTP_FAILED
   */
  async candles({ symbol, empty, ...range }: CandlesToRead): Promise<CandlePage> {
    const query = candleQuery(range);
    if (empty) query.set('empty', '1');
    return await httpRequest(this.#options, `/v1/symbols/${pathOf(symbol)}/candles?${query}`);
  }

  /**
   * What a symbol traded in the last 24 hours, with best bid and offer. A program that follows it uses `market.ticker`.
   * @throws OpenbellError UNKNOWN_SYMBOL, BUSY; HTTP_FAILED
   */
  async ticker(symbol: string): Promise<TickerJson> {
    const { tickers } = await httpRequest<{ tickers: readonly TickerJson[] }>(
      this.#options,
      `/v1/ticker?${new URLSearchParams({ symbol })}`,
    );
    return tickers[0];
  }

  /** The same of every symbol. @throws OpenbellError BUSY; HTTP_FAILED */
  async tickers(): Promise<readonly TickerJson[]> {
    return (await httpRequest<{ tickers: readonly TickerJson[] }>(this.#options, '/v1/ticker')).tickers;
  }

  /** The time of the exchange, which stamps commands. @throws OpenbellError HTTP_FAILED */
  async time(): Promise<TimeJson> {
    return await httpRequest(this.#options, '/v1/time');
  }

  /**
   * A consolidated book of outside markets, as it is now.
   * @throws OpenbellError UNKNOWN_FEED_BOOK; HTTP_FAILED
   */
  async feedBook(name: string): Promise<FeedBook> {
    return await httpRequest(this.#options, `/v1/feeds/books/${pathOf(name)}`);
  }

  /**
   * The instruments of outside markets, as their venues' lists describe them. @param feed all feeds by default
   * @throws OpenbellError UNKNOWN_FEED; HTTP_FAILED
   */
  async feedInstruments(feed?: string): Promise<readonly FeedInstrument[]> {
    const query = feed === undefined ? '' : `?${new URLSearchParams({ feed })}`;
    return await httpRequest(this.#options, `/v1/feeds/instruments${query}`);
  }

  /**
   * Candles from the trades of an outside market. They close by the venue's time.
   * @throws OpenbellError UNKNOWN_FEED, UNKNOWN_INSTRUMENT, BAD_PARAMETER, BUSY; HTTP_FAILED
   */
  async feedCandles({ source, instrument, ...range }: FeedCandlesToRead): Promise<FeedCandlePage> {
    const query = candleQuery(range);
    query.set('instrument', instrument);
    return await httpRequest(this.#options, `/v1/feeds/${pathOf(source)}/candles?${query}`);
  }

  /**
   * Indicators over the candles of a symbol, calculated by the exchange. A program that follows them uses
   * `exchange.indicators`.
   * @throws OpenbellError BAD_INDICATOR, UNKNOWN_SYMBOL, BAD_PARAMETER; HTTP_FAILED
   */
  async indicators({ symbol, indicators, ...range }: IndicatorsToRead): Promise<IndicatorPage> {
    const query = candleQuery(range);
    query.set('indicator', indicators.join(','));
    return await httpRequest(this.#options, `/v1/symbols/${pathOf(symbol)}/indicators?${query}`);
  }

  /**
   * The same over the candles of an outside market. A program that follows them uses `exchange.feedIndicators`.
   * @throws OpenbellError BAD_INDICATOR, UNKNOWN_FEED, UNKNOWN_INSTRUMENT, BAD_PARAMETER, BUSY; HTTP_FAILED
   */
  async feedIndicators({ source, instrument, indicators, ...range }: FeedIndicatorsToRead): Promise<FeedIndicatorPage> {
    const query = candleQuery(range);
    query.set('instrument', instrument);
    query.set('indicator', indicators.join(','));
    return await httpRequest(this.#options, `/v1/feeds/${pathOf(source)}/indicators?${query}`);
  }

  /** @param what of the account @throws OpenbellError NO_ACCOUNT */
  #named(account: number | undefined, what: string): number {
    const named = account ?? this.#account;
    if (named !== undefined) return named;
    throw new OpenbellError('NO_ACCOUNT', `name the account of the ${what}, here or in connect({ account })`);
  }
}

function candleQuery({ interval = '1m', from, to, limit }: Omit<CandlesToRead, 'symbol' | 'empty'>): URLSearchParams {
  return queryOf({ interval, from, to, limit });
}

/** Query parameters, without those that are undefined; a Date as microseconds since the Unix epoch. */
function queryOf(values: object): URLSearchParams {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values))
    if (value !== undefined) query.set(name, String(value instanceof Date ? value.getTime() * 1000 : value));
  return query;
}
