/** The exchange class of ccxt over REST: docs/REST.md. `openbell.mjs` adds the streams. */
import { createPrivateKey, sign as signBytes } from 'node:crypto';
import { ArgumentsRequired, Exchange, ExchangeError, InvalidOrder, Precise } from 'ccxt';
import { DESCRIPTION } from './description.mjs';

const STATUSES = {
  new: 'open',
  'partially-filled': 'open',
  pending: 'open',
  waiting: 'open',
  filled: 'closed',
  canceled: 'canceled',
  expired: 'expired',
  rejected: 'rejected',
};
const TIMES_IN_FORCE = { gtc: 'GTC', ioc: 'IOC', fok: 'FOK', market: 'IOC', 'post-only': 'PO', day: 'DAY', gtd: 'GTD' };
/** By the word of ccxt, as far as it is not the same in small letters. */
const TIME_IN_FORCE_WORDS = { PO: 'post-only' };
const LEDGER_TYPES = { deposit: 'transaction', withdrawal: 'transaction', settlement: 'trade', fee: 'fee', rebate: 'rebate' };
/** Orders, fills, trades, candles and entries that the exchange sends in a page at most. */
const PAGE = 1000;
/** Before a token of an API key ends, ms: requests under way must not be rejected. */
const TOKEN_MARGIN_MS = 60_000;

export class OpenbellRest extends Exchange {
  #lastClientOrderId = 0;
  #tokenEnds = Number.POSITIVE_INFINITY;

  describe() {
    return this.deepExtend(super.describe(), DESCRIPTION);
  }

  // What is the same for every request.

  sign(path, api = 'public', method = 'GET', params = {}, headers = undefined, body = undefined) {
    const query = this.omit(params, this.extractParams(path));
    const withBody = method === 'POST' || method === 'PATCH';
    const search = withBody || Object.keys(query).length === 0 ? '' : `?${this.urlencode(query)}`;
    const url = `${this.implodeHostname(this.urls.api.rest)}/${this.implodeParams(path, params)}${search}`;
    const sent = { ...headers, ...(withBody && { 'content-type': 'application/json' }) };
    if (api === 'private') this.checkRequiredCredentials();
    if (api !== 'auth' && this.token) sent.authorization = `Bearer ${this.token}`;
    return { url, method, headers: sent, body: withBody ? JSON.stringify(query) : body };
  }

  async request(path, api = 'public', method = 'GET', ...rest) {
    if (api !== 'auth') await this.refreshToken();
    return await super.request(path, api, method, ...rest);
  }

  /** Gets a token if there is an API key, and none that lasts. */
  async refreshToken() {
    if (!this.apiKey || (this.token && this.milliseconds() < this.#tokenEnds - TOKEN_MARGIN_MS)) return;
    await this.signIn();
  }

  /** Gets a token for the API key: docs/SECURITY.md. Requests do this by themselves. */
  async signIn() {
    if (!this.apiKey || !this.secret) throw new ArgumentsRequired(`${this.id} signIn() needs apiKey and secret, a private key in PEM`);
    const { nonce } = await this.authPostV1AuthChallenge({ key: this.apiKey });
    const text = `openbell challenge v1\n${this.apiKey}\n${nonce}`;
    const signature = signBytes(null, Buffer.from(text), createPrivateKey(this.secret)).toString('base64');
    const session = await this.authPostV1AuthSession({ key: this.apiKey, nonce, signature });
    this.token = session.token;
    this.#tokenEnds = this.milliseconds() + session.expiresInSeconds * 1000;
    return session;
  }

  handleErrors(status, _reason, _url, _method, _headers, body, response) {
    if (status < 400) return undefined;
    const { name, detail } = response ?? {};
    if (name === undefined) return undefined;
    throw this.errorOf(name, `${detail} ${body}`);
  }

  /** @returns the exception of ccxt for an error of the exchange, not thrown */
  errorOf(name, text) {
    const Class = this.exceptions.exact[name] ?? ExchangeError;
    return new Class(`${this.id} ${name} ${text}`);
  }

  /**
   * Reads pages, newest first, until there are `enough` items, or items older than `since`.
   * @param read a page: its items, and `next`, which is 0 or "0" at the end
   */
  async newestFirst(read, since, enough) {
    const items = [];
    let before;
    for (let page = 0; page < this.options.maxPages; page += 1) {
      const { list, next } = await read(before === undefined ? {} : { before });
      items.push(...list);
      const oldest = items.at(-1)?.timestamp;
      if (Number(next) === 0) return items;
      if (since === undefined ? enough !== undefined && items.length >= enough : oldest !== undefined && oldest < since) return items;
      // Without both, one page is the answer.
      if (since === undefined && enough === undefined) return items;
      before = next;
    }
    throw new ExchangeError(`${this.id} there are more than ${this.options.maxPages} pages: use a later since, or raise options.maxPages`);
  }

  // The market.

  async fetchTime(params = {}) {
    return this.millisecondsOf((await this.publicGetV1Time(params)).timeUs);
  }

  async fetchMarkets(params = {}) {
    return (await this.publicGetV1Symbols(params)).map((symbol) => this.parseMarket(symbol));
  }

  parseMarket(info) {
    const { limits } = info;
    const [base, quote] = [this.safeCurrencyCode(info.base), this.safeCurrencyCode(info.quote)];
    const number = (text) => this.parseNumber(text);
    return this.safeMarketStructure({
      id: info.name,
      symbol: `${base}/${quote}`,
      base,
      quote,
      baseId: info.base,
      quoteId: info.quote,
      type: 'spot',
      spot: true,
      ...{ margin: false, swap: false, future: false, option: false, contract: false },
      active: info.killed !== true && (info.phase === 'continuous' || info.phase === 'auction'),
      taker: this.shareOf(info.fees.taker),
      maker: this.shareOf(info.fees.maker),
      percentage: true,
      tierBased: Number(info.fees.tiers) > 0,
      feeSide: 'quote',
      precision: {
        amount: number(limits.lotStep),
        price: number(limits.tickStep),
        base: number(this.parsePrecision(String(info.baseDecimals))),
        quote: number(this.parsePrecision(String(info.quoteDecimals))),
      },
      limits: {
        leverage: { min: undefined, max: undefined },
        amount: { min: number(limits.minQuantity), max: number(limits.maxQuantity) },
        price: { min: number(limits.tickStep), max: number(limits.maxPrice) },
        cost: { min: number(limits.minNotional), max: number(limits.maxNotional) },
      },
      created: undefined,
      info,
    });
  }

  /** "0.0200%" as 0.0002 */
  shareOf(percentage) {
    return this.parseNumber(Precise.stringDiv(percentage.replace('%', ''), '100', 10));
  }

  async fetchOrderBook(symbol, limit = undefined, params = {}) {
    await this.loadMarkets();
    const market = this.market(symbol);
    const book = await this.publicGetV1Book(this.extend({ symbol: market.id, ...(limit !== undefined && { depth: limit }) }, params));
    return this.parseOrderBook(book, market.symbol, undefined, 'bids', 'asks', 'price', 'quantity');
  }

  async fetchTicker(symbol, params = {}) {
    await this.loadMarkets();
    const { tickers } = await this.publicGetV1Ticker(this.extend({ symbol: this.market(symbol).id }, params));
    return this.parseTicker(tickers[0]);
  }

  async fetchTickers(symbols = undefined, params = {}) {
    await this.loadMarkets();
    const { tickers } = await this.publicGetV1Ticker(params);
    return this.parseTickers(tickers, this.marketSymbols(symbols));
  }

  parseTicker(info, market = undefined) {
    const { symbol } = this.safeMarket(info.symbol, market);
    const timestamp = this.millisecondsOf(info.timeUs);
    const noZero = (key) => this.omitZero(this.safeString(info, key));
    return this.safeTicker({
      symbol,
      timestamp,
      datetime: this.iso8601(timestamp),
      bid: noZero('bidPrice'),
      bidVolume: noZero('bidQuantity'),
      ask: noZero('askPrice'),
      askVolume: noZero('askQuantity'),
      open: noZero('open'),
      high: noZero('high'),
      low: noZero('low'),
      last: noZero('last'),
      close: noZero('last'),
      change: info.change,
      percentage: info.changePercent,
      baseVolume: info.volume,
      quoteVolume: info.quoteVolume,
      info,
    });
  }

  async fetchTrades(symbol, since = undefined, limit = undefined, params = {}) {
    await this.loadMarkets();
    const market = this.market(symbol);
    const request = { symbol: market.id, limit: Math.min(limit ?? 100, PAGE), ...(since !== undefined && { from: this.iso8601(since) }) };
    const { trades } = await this.publicGetV1Trades(this.extend(request, params));
    return this.parseTrades(trades, market, since, limit);
  }

  async fetchOHLCV(symbol, timeframe = '1m', since = undefined, limit = undefined, params = {}) {
    await this.loadMarkets();
    const market = this.market(symbol);
    const request = {
      symbol: market.id,
      interval: this.timeframes[timeframe] ?? timeframe,
      limit: Math.min(limit ?? 100, PAGE),
      ...(since !== undefined && { from: this.iso8601(since) }),
    };
    const { candles } = await this.publicGetV1Candles(this.extend(request, params));
    return this.parseOHLCVs(candles, market, timeframe, since, limit);
  }

  parseOHLCV({ startUs, open, high, low, close, volume }) {
    return [this.millisecondsOf(startUs), ...[open, high, low, close, volume].map((text) => this.parseNumber(text))];
  }

  /** A trade of the market, or a fill of the account. */
  parseTrade(info, market = undefined) {
    const { symbol } = this.safeMarket(this.safeString(info, 'symbol'), market);
    const timestamp = this.millisecondsOf(info.transactTimeUs ?? info.timeUs);
    const isFill = info.lastQty !== undefined;
    return this.safeTrade(
      {
        id: this.safeString(info, 'tradeId'),
        order: this.safeString(info, 'orderId'),
        timestamp,
        datetime: this.iso8601(timestamp),
        symbol,
        type: undefined,
        side: isFill ? info.side : info.aggressor,
        takerOrMaker: ['maker', 'taker'].includes(info.liquidity) ? info.liquidity : undefined,
        price: isFill ? info.lastPx : info.price,
        amount: isFill ? info.lastQty : info.quantity,
        fee: isFill ? { cost: info.fee, currency: this.safeCurrencyCode(info.feeCurrency) } : undefined,
        info,
      },
      market,
    );
  }

  // Orders.

  async createOrder(symbol, type, side, amount, price = undefined, params = {}) {
    await this.loadMarkets();
    const market = this.market(symbol);
    const order = await this.privatePostV1Orders(this.orderRequest(market, type, side, amount, price, params));
    return this.parseOrder(order, market);
  }

  /** The body of POST /v1/orders. What ccxt has no word for goes through `params`, such as `displayQty`. */
  orderRequest(market, type, side, amount, price, params) {
    if (type !== 'limit' && type !== 'market')
      throw new InvalidOrder(`${this.id} the type of an order is limit or market; a stop is one with triggerPrice`);
    const isMarket = type === 'market';
    if (!isMarket && price === undefined) throw new ArgumentsRequired(`${this.id} a limit order needs a price`);
    const triggerPrice = this.safeString2(params, 'triggerPrice', 'stopPrice');
    const trailingAmount = this.safeString(params, 'trailingAmount');
    const trailingPercent = this.safeString(params, 'trailingPercent');
    const timeInForce = this.safeStringUpper(params, 'timeInForce');
    const postOnly = this.isPostOnly(isMarket, false, params);
    const isStop = [triggerPrice, trailingAmount, trailingPercent].some((value) => value !== undefined);
    const request = {
      account: Number(this.uid),
      // Named here, so that the same request can be sent again when there was no answer.
      clOrdId: this.safeString(params, 'clientOrderId') ?? this.nextClientOrderId(),
      symbol: market.id,
      side,
      orderQty: this.amountToPrecision(market.symbol, amount),
      ...(!isMarket && { price: this.priceToPrecision(market.symbol, price) }),
      ...(triggerPrice !== undefined && { stopPx: this.priceToPrecision(market.symbol, triggerPrice) }),
      ...(trailingAmount !== undefined && { trailOffset: this.priceToPrecision(market.symbol, trailingAmount) }),
      ...(trailingPercent !== undefined && { trailPpm: Number(Precise.stringMul(trailingPercent, '10000')) }),
      ...(postOnly && { postOnly: true }),
      // A market order has a time in force of its own.
      ...(timeInForce !== undefined &&
        !postOnly &&
        (!isMarket || isStop) && { timeInForce: TIME_IN_FORCE_WORDS[timeInForce] ?? timeInForce.toLowerCase() }),
    };
    const own = ['triggerPrice', 'stopPrice', 'trailingAmount', 'trailingPercent', 'timeInForce', 'postOnly', 'clientOrderId'];
    return this.extend(request, this.omit(params, own));
  }

  /** Client order ids grow: microseconds of the clock, or one more than the last. */
  nextClientOrderId() {
    this.#lastClientOrderId = Math.max(this.#lastClientOrderId + 1, this.milliseconds() * 1000);
    return String(this.#lastClientOrderId);
  }

  /**
   * Changes price and quantity of an open order in place. `amount` counts what is filled already, as everywhere in ccxt; the exchange
   * takes what is to be open, so a fill at this moment leaves more open than `amount` says. `params.leavesQty` names that itself.
   */
  async editOrder(id, symbol, _type, _side, amount = undefined, price = undefined, params = {}) {
    await this.loadMarkets();
    const market = this.market(symbol);
    const clientOrderId = this.safeString(params, 'clientOrderId');
    let leavesQty = this.safeString(params, 'leavesQty');
    if (leavesQty === undefined) {
      const { cumQty, leavesQty: open } = (await this.fetchOrder(id, symbol, params)).info;
      leavesQty = amount === undefined ? open : Precise.stringSub(this.numberToString(amount), cumQty);
      if (!Precise.stringGt(leavesQty, '0')) throw new InvalidOrder(`${this.id} editOrder() ${cumQty} of order ${id} is filled already`);
    }
    const triggerPrice = this.safeString2(params, 'triggerPrice', 'stopPrice');
    const request = {
      account: Number(this.uid),
      symbol: market.id,
      leavesQty: this.amountToPrecision(market.symbol, leavesQty),
      ...(price !== undefined && { price: this.priceToPrecision(market.symbol, price) }),
      ...(triggerPrice !== undefined && { stopPx: this.priceToPrecision(market.symbol, triggerPrice) }),
    };
    const further = this.omit(params, ['clientOrderId', 'leavesQty', 'triggerPrice', 'stopPrice']);
    const order =
      clientOrderId === undefined
        ? await this.privatePatchV1OrdersOrder(this.extend(request, further, { order: id }))
        : await this.privatePatchV1OrdersByClientOrderIdOrder(this.extend(request, further, { order: clientOrderId }));
    return this.parseOrder(order, market);
  }

  async cancelOrder(id, symbol = undefined, params = {}) {
    await this.loadMarkets();
    const market = symbol === undefined ? undefined : this.market(symbol);
    const [request, byClientOrderId] = this.orderName(id, params);
    if (market !== undefined) request.symbol = market.id;
    const order = byClientOrderId
      ? await this.privateDeleteV1OrdersByClientOrderIdOrder(request)
      : await this.privateDeleteV1OrdersOrder(request);
    return this.parseOrder(order, market);
  }

  /** @returns one entry: the exchange answers with the number of orders, in `info.totalAffectedOrders` */
  async cancelAllOrders(symbol = undefined, params = {}) {
    await this.loadMarkets();
    const request = { account: this.uid, ...(symbol !== undefined && { symbol: this.market(symbol).id }) };
    const info = await this.privateDeleteV1Orders(this.extend(request, params));
    return [this.safeOrder({ info })];
  }

  async fetchOrder(id, symbol = undefined, params = {}) {
    await this.loadMarkets();
    const market = symbol === undefined ? undefined : this.market(symbol);
    const [request, byClientOrderId] = this.orderName(id, params);
    const order = byClientOrderId
      ? await this.privateGetV1OrdersByClientOrderIdOrder(request)
      : await this.privateGetV1OrdersOrder(request);
    return this.parseOrder(order, market);
  }

  /** @returns the parameters that name an order, and whether it is by its client order id */
  orderName(id, params) {
    const clientOrderId = this.safeString(params, 'clientOrderId');
    return [{ account: this.uid, order: clientOrderId ?? id }, clientOrderId !== undefined];
  }

  async fetchOpenOrders(symbol = undefined, since = undefined, limit = undefined, params = {}) {
    // An order of the list of open orders may lack its time.
    if (since !== undefined) return await this.fetchOrdersWith(['open'], symbol, since, limit, params);
    await this.loadMarkets();
    const market = symbol === undefined ? undefined : this.market(symbol);
    const request = { account: this.uid, limit: PAGE, ...(market && { symbol: market.id }) };
    const orders = [];
    for (let after, page = 0; page < this.options.maxPages; page += 1) {
      const answer = await this.privateGetV1Orders(this.extend(request, after === undefined ? {} : { after }, params));
      orders.push(...answer.orders);
      after = answer.next;
      if (Number(after) === 0) return this.parseOrders(orders, market, undefined, limit);
    }
    throw new ExchangeError(`${this.id} there are more than ${this.options.maxPages} pages of open orders: raise options.maxPages`);
  }

  /** Open and ended orders. */
  async fetchOrders(symbol = undefined, since = undefined, limit = undefined, params = {}) {
    return await this.fetchOrdersWith(undefined, symbol, since, limit, params);
  }

  async fetchClosedOrders(symbol = undefined, since = undefined, limit = undefined, params = {}) {
    return await this.fetchOrdersWith(['closed'], symbol, since, limit, params);
  }

  async fetchCanceledAndClosedOrders(symbol = undefined, since = undefined, limit = undefined, params = {}) {
    return await this.fetchOrdersWith(['closed', 'canceled', 'expired', 'rejected'], symbol, since, limit, params);
  }

  async fetchOrdersWith(statuses, symbol, since, limit, params) {
    await this.loadMarkets();
    const market = symbol === undefined ? undefined : this.market(symbol);
    const request = { account: this.uid, status: 'all', limit: PAGE, ...(market && { symbol: market.id }) };
    const read = async (before) => {
      const { orders, next } = await this.privateGetV1Orders(this.extend(request, before, params));
      const parsed = orders.map((order) => this.parseOrder(order, market));
      return { list: parsed.filter(({ status }) => statuses === undefined || statuses.includes(status)), next };
    };
    const orders = await this.newestFirst(read, since, limit);
    return this.filterBySinceLimit(this.sortBy(orders, 'timestamp'), since, limit);
  }

  /** An order of an answer, or as an execution report has it. */
  parseOrder(info, market = undefined) {
    const { symbol, quote } = this.safeMarket(this.safeString(info, 'symbol'), market);
    const status = STATUSES[info.ordStatus];
    const updated = info.transactTimeUs === undefined ? this.parse8601(info.transactTime) : this.millisecondsOf(info.transactTimeUs);
    // Execution reports have the time of their event only.
    const timestamp = info.acceptedTimeUs === undefined ? updated : this.millisecondsOf(info.acceptedTimeUs);
    const isMarket = info.timeInForce === 'market' || info.ordType === 'market' || (info.stopPx !== undefined && info.price === undefined);
    const type = isMarket ? 'market' : info.price === undefined ? undefined : 'limit';
    const open = info.leavesQty === undefined ? undefined : Precise.stringAdd(info.cumQty, info.leavesQty);
    return this.safeOrder(
      {
        id: this.safeString(info, 'orderId'),
        clientOrderId: this.safeString(info, 'clOrdId'),
        timestamp,
        datetime: this.iso8601(timestamp),
        lastUpdateTimestamp: updated,
        symbol,
        type,
        side: info.side,
        timeInForce: TIMES_IN_FORCE[info.timeInForce],
        postOnly: info.timeInForce === 'post-only',
        price: info.price,
        triggerPrice: info.stopPx,
        amount: info.orderQty ?? open,
        filled: info.cumQty,
        remaining: info.leavesQty,
        average: info.avgPx,
        status,
        fee: info.fees === undefined ? undefined : { cost: info.fees, currency: quote },
        info,
      },
      market,
    );
  }

  // The account.

  async fetchMyTrades(symbol = undefined, since = undefined, limit = undefined, params = {}) {
    await this.loadMarkets();
    const market = symbol === undefined ? undefined : this.market(symbol);
    const read = async (before) => {
      const { fills, next } = await this.privateGetV1Fills(this.extend({ account: this.uid, limit: PAGE }, before, params));
      const ofMarket = fills.filter((fill) => market === undefined || fill.symbol === market.id);
      return { list: ofMarket.map((fill) => this.parseTrade(fill, market)), next };
    };
    const trades = await this.newestFirst(read, since, limit);
    return this.filterBySinceLimit(this.sortBy2(trades, 'timestamp', 'id'), since, limit);
  }

  async fetchBalance(params = {}) {
    await this.loadMarkets();
    return this.parseBalance(await this.privateGetV1Account(this.extend({ account: this.uid }, params)));
  }

  parseBalance(info) {
    const result = { info };
    for (const { asset, available, reserved } of info.balances) result[this.safeCurrencyCode(asset)] = { free: available, used: reserved };
    return this.safeBalance(result);
  }

  async fetchLedger(code = undefined, since = undefined, limit = undefined, params = {}) {
    await this.loadMarkets();
    const request = {
      account: this.uid,
      limit: PAGE,
      ...(code !== undefined && { asset: this.currency(code).id }),
      ...(since !== undefined && { from: this.iso8601(since) }),
    };
    const read = async (before) => {
      const { entries, next } = await this.privateGetV1Ledger(this.extend(request, before, params));
      return { list: entries.map((entry) => this.parseLedgerEntry(entry)), next };
    };
    const entries = await this.newestFirst(read, since, limit);
    return this.filterBySinceLimit(this.sortBy(entries.reverse(), 'timestamp'), since, limit);
  }

  parseLedgerEntry(info, currency = undefined) {
    const timestamp = this.millisecondsOf(info.transactTimeUs);
    const paid = info.amount.startsWith('-');
    const { execId, seq } = info.cause;
    return this.safeLedgerEntry(
      {
        id: info.id,
        timestamp,
        direction: paid ? 'out' : 'in',
        account: String(this.uid),
        referenceId: execId ?? String(seq),
        type: LEDGER_TYPES[info.kind] ?? info.kind,
        amount: Precise.stringAbs(info.amount),
        before: info.balance === undefined ? undefined : Precise.stringSub(info.balance, info.amount),
        after: info.balance,
        status: 'ok',
        info,
      },
      this.safeCurrency(info.asset, currency),
    );
  }

  millisecondsOf(micros) {
    return Math.floor(Number(micros) / 1000);
  }
}
