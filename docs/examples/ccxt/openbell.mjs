/**
 * The exchange class of ccxt with streams: market data as in docs/MARKET-DATA.md (format `json`), and orders, fills and balances of the
 * account as in docs/JSON.md. As everywhere in ccxt, a connection that is lost is a NetworkError of the calls that wait; the next call
 * connects again. The reports that were missed meanwhile come first then.
 */
import { Precise } from 'ccxt';
import { ArrayCache, ArrayCacheBySymbolById, ArrayCacheByTimestamp } from './caches.mjs';
import { OpenbellRest } from './openbell-rest.mjs';

/** Depths that the exchange has; without one, a book is whole. */
const DEPTHS = [5, 10, 20, 50];
/** Trades before the subscription. */
const LAST_TRADES = 100;
/** The exchange no longer keeps the reports from the last one on. */
const REPORTS_GONE = 4011;
const ENDED = ['filled', 'canceled', 'expired', 'rejected'];

export default class openbell extends OpenbellRest {
  #tag = 0;
  /** By tag of a subscription: what waits for it. */
  #requests = new Map();
  #privateUrl;
  #lastReportNo;
  /** By id of an open order, what reports of its fills leave out: its price, and what it has traded before, where that is known. */
  #open = new Map();

  // Market data.

  async watchOrderBook(symbol, limit = undefined, params = {}) {
    const depth = limit === undefined ? undefined : DEPTHS.find((each) => each >= limit);
    const book = await this.watchMarket('book', symbol, { ...(depth !== undefined && { depth }), ...params });
    if (limit === undefined || limit === depth) return book;
    return { ...book, bids: Array.from(book.bids).slice(0, limit), asks: Array.from(book.asks).slice(0, limit) };
  }

  async watchTrades(symbol, since = undefined, limit = undefined, params = {}) {
    const trades = await this.watchMarket('trades', symbol, { last: LAST_TRADES, ...params });
    return this.filterBySinceLimit(trades, since, this.newUpdates ? trades.getLimit(this.symbol(symbol), limit) : limit, 'timestamp', true);
  }

  async watchTicker(symbol, params = {}) {
    return await this.watchMarket('ticker', symbol, params);
  }

  async watchOHLCV(symbol, timeframe = '1m', since = undefined, limit = undefined, params = {}) {
    const candles = await this.watchMarket(`candles-${this.timeframes[timeframe] ?? timeframe}`, symbol, params);
    return this.filterBySinceLimit(candles, since, this.newUpdates ? candles.getLimit(this.symbol(symbol), limit) : limit, 0, true);
  }

  async watchMarket(channel, symbol, options) {
    await this.loadMarkets();
    const { id } = this.market(symbol);
    const { depth } = options;
    const hash = hashOf(channel, id, depth);
    const url = `${this.implodeHostname(this.urls.api.ws)}/v1/market`;
    return await this.subscribe(url, hash, hash, { op: 'subscribe', channel, symbol: id, ...options });
  }

  // The account.

  async watchOrders(symbol = undefined, since = undefined, limit = undefined) {
    return await this.watchReports('orders', symbol, since, limit);
  }

  async watchMyTrades(symbol = undefined, since = undefined, limit = undefined) {
    return await this.watchReports('fills', symbol, since, limit);
  }

  async watchBalance(params = {}) {
    await this.loadMarkets();
    return await this.subscribe(this.privateUrl(), 'balances', 'balances', { op: 'subscribe', channel: 'balances', ...params });
  }

  /** Each connection has the reports without a subscription. @param list what of them */
  async watchReports(list, symbol, since, limit) {
    await this.loadMarkets();
    const name = symbol === undefined ? undefined : this.symbol(symbol);
    const cache = await this.subscribe(this.privateUrl(), name === undefined ? list : `${list}:${name}`, 'reports');
    return this.filterBySymbolSinceLimit(cache, name, since, this.newUpdates ? cache.getLimit(name, limit) : limit, true);
  }

  /** The address of the account's stream, with the last report that came: the same while the connection lasts. */
  privateUrl() {
    this.checkRequiredCredentials();
    const resume = this.#lastReportNo === undefined ? '' : `&last-report=${this.#lastReportNo}`;
    this.#privateUrl ??= `${this.implodeHostname(this.urls.api.ws)}/v1/orders?account=${this.uid}${resume}`;
    return this.#privateUrl;
  }

  // Connections.

  /** @param hash what the call waits for @param subscription what it needs of the connection @param request asks for it */
  async subscribe(url, hash, subscription, request = undefined) {
    await this.refreshToken();
    if (url.startsWith('ws:')) await this.loadHttpProxyAgent();
    // A browser cannot send headers with a WebSocket, so the token is a subprotocol.
    this.options.ws = { ...this.options.ws, protocols: ['json', ...(this.token ? [`openbell.bearer.${this.token}`] : [])] };
    if (request === undefined || this.clients[url]?.subscriptions[subscription] !== undefined)
      return await this.watch(url, hash, undefined, subscription);
    this.#tag = (this.#tag % 0xffff_ffff) + 1;
    this.#requests.set(this.#tag, { hash, subscription, url });
    return await this.watch(url, hash, { ...request, tag: this.#tag }, subscription);
  }

  onError(client, error) {
    this.#forget(client);
    super.onError(client, error);
  }

  onClose(client, event) {
    this.#forget(client);
    if (client.url.includes('/v1/orders?') && event?.code === REPORTS_GONE) this.#lastReportNo = undefined;
    super.onClose(client, event);
  }

  #forget(client) {
    for (const [tag, { url }] of this.#requests) if (url === client.url) this.#requests.delete(tag);
    if (client.url === this.#privateUrl) this.#privateUrl = undefined;
  }

  handleMessage(client, message) {
    switch (message.kind) {
      case 'snapshot':
      case 'delta':
        return message.channel === undefined ? this.handleOpenOrders(message) : this.handleMarket(client, message);
      case 'reports':
        return this.handleReports(client, message);
      case 'balances':
        return this.handleBalances(client, message);
      case 'session':
        this.#lastReportNo ??= message.lastReportNo;
        return void client.send({ op: 'snapshot' }).catch((error) => client.onError(error));
      case 'subscribed':
        return void this.#requests.delete(message.tag);
      case 'unsubscribed':
      case 'refused':
        return this.handleRefused(client, message);
      default:
        return undefined;
    }
  }

  /** A subscription that the exchange refuses or ends fails the calls that wait for it. */
  handleRefused(client, { tag, name, text }) {
    const request = this.#requests.get(tag);
    if (request === undefined) return;
    this.#requests.delete(tag);
    delete client.subscriptions[request.subscription];
    client.reject(this.errorOf(name, text), request.hash);
  }

  // What came.

  handleMarket(client, message) {
    const market = this.safeMarket(message.symbol);
    const hash = hashOf(message.channel, message.symbol, message.depth);
    if (message.channel === 'book') return this.handleBook(client, message, market, hash);
    if (message.channel === 'trades') return this.handleTrades(client, message, market, hash);
    if (message.channel === 'ticker') return this.handleTicker(client, message, market, hash);
    if (message.candles !== undefined) return this.handleCandles(client, message, market, hash);
    return undefined;
  }

  handleBook(client, message, { symbol }, hash) {
    const { kind, depth, firstNo, levels, timeUs } = message;
    const key = depth === undefined ? symbol : `${symbol}:${depth}`;
    if (kind === 'snapshot') this.orderbooks[key] = this.orderBook({ symbol });
    const book = this.orderbooks[key];
    // A delta between the request for a snapshot and the snapshot.
    if (book?.nonce === undefined && kind === 'delta') return;
    if (kind === 'delta') {
      const last = firstNo + levels.length - 1;
      if (last <= book.nonce) return;
      if (firstNo > book.nonce + 1) {
        book.nonce = undefined;
        const request = { op: 'resnapshot', channel: 'book', symbol: message.symbol, ...(depth !== undefined && { depth }) };
        client.send(request).catch((error) => client.onError(error));
        return;
      }
    }
    for (const { side, price, quantity } of levels) book[side === 'buy' ? 'bids' : 'asks'].store(Number(price), Number(quantity));
    book.nonce = kind === 'snapshot' ? firstNo : firstNo + levels.length - 1;
    book.timestamp = this.millisecondsOf(timeUs);
    book.datetime = this.iso8601(book.timestamp);
    client.resolve(book.limit(), hash);
  }

  handleTrades(client, { trades }, market, hash) {
    const { symbol } = market;
    this.trades[symbol] ??= new ArrayCache(this.options.tradesLimit);
    const cache = this.trades[symbol];
    // The snapshot after a reconnect has trades that came before.
    const lastId = Number(cache.at(-1)?.id ?? 0);
    const later = trades.filter(({ tradeId }) => Number(tradeId) > lastId);
    for (const trade of later) cache.append(this.parseTrade(trade, market));
    if (later.length > 0) client.resolve(cache, hash);
  }

  handleTicker(client, { tickers }, market, hash) {
    const ticker = this.parseTicker({ ...tickers.at(-1), symbol: market.id }, market);
    this.tickers[market.symbol] = ticker;
    client.resolve(ticker, hash);
  }

  handleCandles(client, { channel, candles }, { symbol }, hash) {
    const timeframe = channel.slice('candles-'.length);
    this.ohlcvs[symbol] ??= {};
    this.ohlcvs[symbol][timeframe] ??= new ArrayCacheByTimestamp(this.options.OHLCVLimit);
    const cache = this.ohlcvs[symbol][timeframe];
    for (const candle of candles) cache.append(this.parseOHLCV(candle));
    if (candles.length > 0) client.resolve(cache, hash);
  }

  handleReports(client, { reports, lastReportNo }) {
    this.orders ??= new ArrayCacheBySymbolById(this.options.ordersLimit);
    this.myTrades ??= new ArrayCacheBySymbolById(this.options.tradesLimit);
    const changed = new Set();
    for (const report of reports) {
      // Cancels and amends that did nothing, and answers about all orders, change no order.
      if (report.ordStatus === undefined || report.execType.endsWith('-rejected')) continue;
      const order = this.parseOrder(this.#completed(report));
      this.orders.append(order);
      changed.add('orders').add(`orders:${order.symbol}`);
      if (report.execType !== 'trade') continue;
      this.myTrades.append(this.parseTrade(report));
      changed.add('fills').add(`fills:${order.symbol}`);
    }
    this.#lastReportNo = lastReportNo;
    for (const hash of changed) client.resolve(hash.startsWith('orders') ? this.orders : this.myTrades, hash);
  }

  /** The report with the price, the average price and the fees of its order. */
  #completed(report) {
    const { execType, orderId, cumQty, price, ordStatus } = report;
    const known = execType === 'new' ? { value: '0', fees: '0' } : (this.#open.get(orderId) ?? {});
    if (price !== undefined) known.price = price;
    if (execType === 'trade' && known.value !== undefined) {
      known.value = Precise.stringAdd(known.value, Precise.stringMul(report.lastPx, report.lastQty));
      known.fees = Precise.stringAdd(known.fees, report.fee);
    }
    if (ENDED.includes(ordStatus)) this.#open.delete(orderId);
    else this.#open.set(orderId, known);
    const hasTraded = known.value !== undefined && Precise.stringGt(cumQty, '0');
    return {
      ...report,
      ...(known.price !== undefined && { price: known.price }),
      ...(hasTraded && { avgPx: Precise.stringDiv(known.value, cumQty), fees: known.fees }),
    };
  }

  /** Orders that were open before the connection. */
  handleOpenOrders({ orders }) {
    for (const { orderId, price, cumQty } of orders) {
      if (this.#open.has(orderId)) continue;
      this.#open.set(orderId, Precise.stringEq(cumQty, '0') ? { price, value: '0', fees: '0' } : { price });
    }
  }

  handleBalances(client, { balances }) {
    for (const { asset, available, reserved } of balances) this.balance[this.safeCurrencyCode(asset)] = { free: available, used: reserved };
    this.balance = this.safeBalance({ ...this.balance, info: balances });
    client.resolve(this.balance, 'balances');
  }
}

function hashOf(channel, id, depth) {
  return depth === undefined ? `${channel}:${id}` : `${channel}:${id}:${depth}`;
}
