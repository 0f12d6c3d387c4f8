import { Accounts } from './accounts.ts';
import { type AdministeredState, Administration } from './administration.ts';
import { type Allocate, allocateLocal } from './allocate.ts';
import { ClientOrderIds } from './client-order-ids.ts';
import { Code } from './codes.ts';
import { buyReserve, feeOn } from './fees.ts';
import type { Limits } from './limits.ts';
import { MarketEventKind, TRADE_IN_AUCTION } from './market-event.ts';
import { MarketWriter } from './market-writer.ts';
import { type BookListener, OrderBook } from './order-book.ts';
import { OrderSlab } from './order-slab.ts';
import { MILLION, SYMBOL_PARAMS, SymbolParam } from './params.ts';
import { LevelPages } from './price-ladder.ts';
import { ReportFlag, ReportWriter } from './report-writer.ts';
import type { SpillingProducer } from './spilling-producer.ts';
import { Symbols } from './symbols.ts';
import { getI64 } from './units.ts';
import { Command, CommandKind, Phase, ReportKind, Side, TimeInForce } from './wire/layout.ts';

const WORDS = Command.bytes / 4;
const SYMBOL = Command.symbol / 4;
const ACCOUNT = Command.account / 4;
const TAG = Command.tag / 4;
const SEQ = Command.seq / 4;
const TIME = Command.timeUs / 4;
const CLIENT_ORDER_ID = Command.clientOrderId / 4;
const ORDER_ID = Command.orderId / 4;
const PRICE = Command.price / 4;
const QUANTITY = Command.quantity / 4;
const {
  LotStep,
  TickStep,
  MaxPrice,
  MinQuantity,
  MaxQuantity,
  MinNotional,
  MaxNotional,
  CollarPpm,
  MakerFeePpm,
  TakerFeePpm,
  ReferencePrice,
} = SymbolParam;
const { Buy } = Side;
const { GoodTillCancel, FillOrKill, Market, PostOnly } = TimeInForce;
const { OK } = Code;
const FIRST_ADMIN_KIND = CommandKind.DefineAsset;

export interface ExchangeOutputs {
  readonly reports: SpillingProducer;
  readonly market: SpillingProducer;
}

/**
 * The state machine of a shard: command in; balances, book, reports and market
 * events out, in one step. No clock, no random, no input or output: the same
 * commands give the same state and the same reports on any machine.
 *
 * One thread owns it. Without `outputs` it is silent (replay, verification).
 */
export class Exchange implements BookListener, AdministeredState {
  readonly limits: Limits;
  readonly accounts: Accounts;
  readonly symbols: Symbols;
  readonly slab: OrderSlab;
  readonly pages: LevelPages;
  readonly clientOrderIds: ClientOrderIds;
  /** Books by symbol id; a hole where the symbol is not defined. */
  readonly books: (OrderBook | undefined)[] = [];
  readonly reports: ReportWriter;
  readonly market: MarketWriter;
  /** Sequence and time of the last command applied. */
  seq = 0;
  timeUs = 0;
  lastOrderId = 0;
  readonly #administration: Administration;
  /** By slot: what the resting order holds back of its account's money. */
  readonly #held: Float64Array;
  /** What the command at work would hold back if it rested whole. */
  #toHold = 0;
  /** Symbols whose auction book changed since `endBatch`. */
  readonly #changedAuctions = new Set<number>();

  // The command at work.
  #kind = 0;
  #side = 0;
  #timeInForce = 0;
  #symbol = 0;
  #account = 0;
  #tag = 0;
  #clientOrderId = 0;
  #price = 0;
  #quantity = 0;
  /** The aggressor: what it has left, what it has filled, its order id. */
  #takerOrderId = 0;
  #takerOpen = 0;
  #takerFilled = 0;

  constructor(limits: Limits, outputs?: ExchangeOutputs, allocate: Allocate = allocateLocal) {
    this.limits = limits;
    this.accounts = new Accounts(limits.accounts, limits.assets, allocate);
    this.symbols = new Symbols(limits.symbols, allocate);
    this.slab = new OrderSlab(limits.orders, allocate);
    this.pages = new LevelPages(limits.pages);
    const seed = (Math.random() * 2 ** 32) | 0;
    this.clientOrderIds = new ClientOrderIds(this.slab, limits.rememberedOrders, this.accounts.forgottenId, seed, allocateLocal);
    this.reports = new ReportWriter(this.accounts, outputs?.reports);
    this.market = new MarketWriter(outputs?.market);
    this.#held = new Float64Array(limits.orders);
    this.#administration = new Administration(this);
  }

  /** Applies the command in a slot of a command ring or log chunk, given through its byte and word views. */
  apply(bytes: Uint8Array, words: Int32Array, slot: number): void {
    const b = slot * Command.bytes;
    const w = slot * WORDS;
    this.seq = getI64(words, w + SEQ);
    this.timeUs = getI64(words, w + TIME);
    this.reports.seq = this.seq;
    this.reports.timeUs = this.timeUs;
    this.market.seq = this.seq;
    this.market.timeUs = this.timeUs;
    const kind = bytes[b];
    this.#kind = kind;
    this.#side = bytes[b + 1];
    this.#timeInForce = bytes[b + 2];
    this.#symbol = words[w + SYMBOL] >>> 0;
    this.#account = words[w + ACCOUNT] >>> 0;
    this.#tag = words[w + TAG] >>> 0;
    this.#clientOrderId = getI64(words, w + CLIENT_ORDER_ID);
    this.#price = getI64(words, w + PRICE);
    this.#quantity = getI64(words, w + QUANTITY);
    if (kind === CommandKind.New) this.#new();
    else if (kind === CommandKind.Cancel) this.#cancel(getI64(words, w + ORDER_ID));
    else if (kind === CommandKind.Amend) this.#amend(getI64(words, w + ORDER_ID));
    else if (kind >= FIRST_ADMIN_KIND) this.#administer(bytes, words, slot);
  }

  /** After the commands of one poll: what is computed once for all of them. */
  endBatch(): void {
    if (this.#changedAuctions.size === 0) return;
    for (const symbol of this.#changedAuctions) {
      const book = this.books[symbol];
      if (book === undefined) continue;
      book.indicate(this.symbols.param(symbol, ReferencePrice));
      const { indicativePrice, indicativeVolume, indicativeSurplus, indicativeSurplusSide } = book;
      this.market.write(
        MarketEventKind.Indicative,
        indicativeSurplusSide,
        0,
        symbol,
        0,
        indicativePrice,
        indicativeVolume,
        0,
        indicativeSurplus,
      );
    }
    this.#changedAuctions.clear();
  }

  /** Gives a defined symbol an empty book, as wide as its MaxPrice. */
  openBook(symbol: number): void {
    while (this.books.length <= symbol) this.books.push(undefined);
    const book = new OrderBook(symbol, this.slab, this.pages, this.symbols.param(symbol, MaxPrice), this);
    book.priceStep = this.symbols.param(symbol, TickStep);
    this.books[symbol] = book;
  }

  // New ---------------------------------------------------------------------

  #new(): void {
    const account = this.#account;
    if (!this.#accountExists(account)) return this.#refuseStranger(ReportKind.Rejected);
    const known = this.clientOrderIds.find(account, this.#clientOrderId);
    if (known !== 0) return this.#answerAgain(known);
    const code = this.#checkNew();
    if (code !== OK) {
      this.#reply(ReportKind.Rejected, 0, code, 0, this.#price, this.#quantity, 0, 0);
      // A forgotten id stays refused by its mark; remembering it would push a better-behaved one out.
      if (code !== Code.CLIENT_ORDER_ID_TOO_OLD && code !== Code.BAD_CLIENT_ORDER_ID) this.#remember(0, code);
      return;
    }
    const orderId = ++this.lastOrderId;
    this.#reply(ReportKind.Accepted, 0, OK, orderId, this.#price, this.#quantity, this.#quantity, 0);
    const book = this.books[this.#symbol] as OrderBook;
    this.#takerOrderId = orderId;
    this.#takerOpen = this.#quantity;
    this.#takerFilled = 0;
    if (this.symbols.phase[this.#symbol] === Phase.Continuous) book.match(this.#side, this.#limitPrice(), this.#quantity);
    if (this.#takerOpen === 0) return this.#remember(orderId, OK);
    if (this.#rests()) {
      if (this.#restNew(book, orderId)) return;
      this.#reply(ReportKind.Cancelled, 0, Code.LEVELS_FULL, orderId, this.#price, this.#takerOpen, 0, this.#takerFilled);
    } else {
      this.#reply(ReportKind.Cancelled, 0, Code.CANCELLED_REMAINDER, orderId, this.#price, this.#takerOpen, 0, this.#takerFilled);
    }
    this.#remember(orderId, OK);
  }

  /** The first check that fails; see docs/CODES.md for the order. */
  #checkNew(): Code {
    const { accounts, symbols, slab } = this;
    const account = this.#account;
    if (this.#clientOrderId === 0) return Code.BAD_CLIENT_ORDER_ID;
    if (this.#clientOrderId <= accounts.forgottenId[account]) return Code.CLIENT_ORDER_ID_TOO_OLD;
    if (accounts.suspended[account] !== 0) return Code.ACCOUNT_SUSPENDED;
    const phaseCode = this.#checkPhase();
    if (phaseCode !== OK) return phaseCode;
    const limitCode = this.#checkLimits(this.#timeInForce !== Market);
    if (limitCode !== OK) return limitCode;
    if (this.#rests()) {
      if (accounts.openOrders[account] >= accounts.maxOpenOrders[account]) return Code.OPEN_ORDER_LIMIT;
      if (slab.count >= slab.capacity) return Code.BOOK_FULL;
    }
    const book = this.books[this.#symbol] as OrderBook;
    let notional = this.#price * this.#quantity * symbols.quotePerTickLot[this.#symbol];
    if (this.#timeInForce === Market) {
      book.sweep(this.#side, this.#limitPrice(), this.#quantity);
      if (book.sweptQuantity === 0) return Code.NO_LIQUIDITY;
      notional = book.sweptNotional * symbols.quotePerTickLot[this.#symbol];
      const notionalCode = this.#checkNotional(notional);
      if (notionalCode !== OK) return notionalCode;
    } else if (this.#timeInForce === FillOrKill && !book.fillable(this.#side, this.#price, this.#quantity)) return Code.FOK_NOT_FILLABLE;
    else if (this.#timeInForce === PostOnly && this.#crosses(book)) return Code.POST_ONLY_WOULD_TRADE;
    return this.#needed(notional) > accounts.available[this.#payAt()] ? Code.INSUFFICIENT_FUNDS : OK;
  }

  #restNew(book: OrderBook, orderId: number): boolean {
    const { slab, accounts } = this;
    const slot = slab.acquire(orderId);
    slab.account[slot] = this.#account;
    slab.clientOrderId[slot] = this.#clientOrderId;
    slab.symbol[slot] = this.#symbol;
    slab.side[slot] = this.#side;
    slab.timeInForce[slot] = this.#timeInForce;
    slab.tag[slot] = this.#tag;
    slab.price[slot] = this.#price;
    slab.open[slot] = this.#takerOpen;
    slab.filled[slot] = this.#takerFilled;
    if (!book.rest(slot)) {
      slab.release(slot);
      return false;
    }
    this.clientOrderIds.addResting(slot);
    accounts.openOrders[this.#account]++;
    this.#reserve(slot, this.#takerOpen);
    this.#told(MarketEventKind.Add, slot, this.#takerOpen);
    return true;
  }

  // Cancel, amend ------------------------------------------------------------

  #cancel(orderId: number): void {
    if (!this.#accountExists(this.#account)) return this.#refuseStranger(ReportKind.CancelRejected);
    const slot = this.#target(orderId);
    if (slot === -1) return this.#reply(ReportKind.CancelRejected, 0, Code.UNKNOWN_ORDER, orderId, 0, 0, 0, 0);
    this.cancelResting(slot, Code.CANCELLED_BY_CLIENT, this.#tag);
  }

  /** Takes a resting order off the book and gives its reservation back. */
  cancelResting(slot: number, code: Code, tag: number): void {
    const { slab } = this;
    const book = this.books[slab.symbol[slot]] as OrderBook;
    const open = slab.open[slot];
    book.remove(slot);
    this.#told(MarketEventKind.Remove, slot, open);
    this.#unreserve(slot);
    this.#reportResting(ReportKind.Cancelled, 0, code, slot, tag, slab.price[slot], open, 0);
    this.#gone(slot);
  }

  #amend(orderId: number): void {
    if (!this.#accountExists(this.#account)) return this.#refuseStranger(ReportKind.AmendRejected);
    const { slab } = this;
    const slot = this.#target(orderId);
    if (slot === -1) return this.#reply(ReportKind.AmendRejected, 0, Code.UNKNOWN_ORDER, orderId, this.#price, this.#quantity, 0, 0);
    this.#symbol = slab.symbol[slot];
    this.#side = slab.side[slot];
    this.#timeInForce = slab.timeInForce[slot];
    this.#clientOrderId = slab.clientOrderId[slot];
    const code = this.#checkAmend(slot);
    if (code !== OK) {
      return this.#reply(ReportKind.AmendRejected, 0, code, slab.id[slot], this.#price, this.#quantity, slab.open[slot], slab.filled[slot]);
    }
    const book = this.books[this.#symbol] as OrderBook;
    const open = slab.open[slot];
    this.#unreserve(slot);
    if (this.#price === slab.price[slot] && this.#quantity < open) {
      book.reduce(slot, this.#quantity);
      this.#reserve(slot, this.#quantity);
      this.#told(MarketEventKind.Reduce, slot, this.#quantity);
      this.#reportResting(ReportKind.Amended, ReportFlag.KeptPriority, OK, slot, this.#tag, this.#price, this.#quantity, this.#quantity);
      return;
    }
    book.remove(slot);
    this.#told(MarketEventKind.Remove, slot, open);
    slab.price[slot] = this.#price;
    slab.open[slot] = this.#quantity;
    this.#reportResting(ReportKind.Amended, 0, OK, slot, this.#tag, this.#price, this.#quantity, this.#quantity);
    this.#takerOrderId = slab.id[slot];
    this.#takerOpen = this.#quantity;
    this.#takerFilled = slab.filled[slot];
    // Reports of its fills carry the order's tag, the answer carried the amend's.
    this.#tag = slab.tag[slot];
    if (this.symbols.phase[this.#symbol] === Phase.Continuous) book.match(this.#side, this.#price, this.#quantity);
    slab.open[slot] = this.#takerOpen;
    slab.filled[slot] = this.#takerFilled;
    if (this.#takerOpen === 0) return this.#gone(slot);
    if (book.rest(slot)) {
      this.#reserve(slot, this.#takerOpen);
      this.#told(MarketEventKind.Add, slot, this.#takerOpen);
      return;
    }
    this.#reportResting(ReportKind.Cancelled, 0, Code.LEVELS_FULL, slot, this.#tag, this.#price, this.#takerOpen, 0);
    this.#gone(slot);
  }

  #checkAmend(slot: number): Code {
    const { accounts, symbols } = this;
    if (accounts.suspended[this.#account] !== 0) return Code.ACCOUNT_SUSPENDED;
    const phaseCode = this.#checkPhase();
    if (phaseCode !== OK) return phaseCode;
    const limitCode = this.#checkLimits(true);
    if (limitCode !== OK) return limitCode;
    if (this.#timeInForce === PostOnly && this.#crosses(this.books[this.#symbol] as OrderBook)) return Code.POST_ONLY_WOULD_TRADE;
    const needed = this.#needed(this.#price * this.#quantity * symbols.quotePerTickLot[this.#symbol]);
    return needed > accounts.available[this.#payAt()] + this.#held[slot] ? Code.INSUFFICIENT_FUNDS : OK;
  }

  // Trades (BookListener) ------------------------------------------------------

  onTrade(_book: OrderBook, maker: number, price: number, quantity: number): void {
    const { slab, accounts, symbols } = this;
    const symbol = this.#symbol;
    const row = symbol * SYMBOL_PARAMS;
    const cost = price * quantity * symbols.quotePerTickLot[symbol];
    const lots = quantity * symbols.basePerLot[symbol];
    const takerFee = feeOn(cost, symbols.params[row + TakerFeePpm]);
    const makerFee = feeOn(cost, symbols.params[row + MakerFeePpm]);
    const base = symbols.baseAsset[symbol];
    const quote = symbols.quoteAsset[symbol];
    const taker = this.#account * accounts.assets;
    const makerAccount = slab.account[maker];
    const makerOpen = slab.open[maker] - quantity;
    const makerFilled = slab.filled[maker] + quantity;
    if (this.#side === Buy) {
      accounts.available[taker + quote] -= cost + takerFee;
      accounts.available[taker + base] += lots;
    } else {
      accounts.available[taker + base] -= lots;
      accounts.available[taker + quote] += cost - takerFee;
    }
    this.#settleResting(maker, cost, makerFee, quantity);
    accounts.fees[quote] += takerFee + makerFee;
    this.#takerOpen -= quantity;
    this.#takerFilled += quantity;
    slab.filled[maker] = makerFilled;
    const tradeId = ++symbols.tradeId[symbol];
    symbols.lastPrice[symbol] = price;
    symbols.params[row + ReferencePrice] = price;

    const makerId = slab.id[maker];
    this.reports.write(
      ReportKind.Fill,
      ReportFlag.Maker,
      OK,
      makerAccount,
      symbol,
      slab.side[maker],
      slab.timeInForce[maker],
      slab.tag[maker],
      makerId,
      slab.clientOrderId[maker],
      price,
      quantity,
      makerOpen,
      makerFilled,
      makerFee,
      tradeId,
      this.#takerOrderId,
    );
    this.reports.write(
      ReportKind.Fill,
      0,
      OK,
      this.#account,
      symbol,
      this.#side,
      this.#timeInForce,
      this.#tag,
      this.#takerOrderId,
      this.#clientOrderId,
      price,
      quantity,
      this.#takerOpen,
      this.#takerFilled,
      takerFee,
      tradeId,
      makerId,
    );
    this.market.write(MarketEventKind.Trade, this.#side, 0, symbol, makerId, price, quantity, this.#takerOrderId, tradeId);
  }

  onMakerGone(_book: OrderBook, maker: number): void {
    this.#gone(maker);
  }

  /** Nobody takes in an auction: both sides pay the taker's rate. */
  onAuctionTrade(_book: OrderBook, buy: number, sell: number, price: number, quantity: number): void {
    const { slab, symbols, accounts } = this;
    const symbol = slab.symbol[buy];
    const row = symbol * SYMBOL_PARAMS;
    const cost = price * quantity * symbols.quotePerTickLot[symbol];
    const fee = feeOn(cost, symbols.params[row + TakerFeePpm]);
    this.#settleResting(buy, cost, fee, quantity);
    this.#settleResting(sell, cost, fee, quantity);
    accounts.fees[symbols.quoteAsset[symbol]] += 2 * fee;
    slab.filled[buy] += quantity;
    slab.filled[sell] += quantity;
    const tradeId = ++symbols.tradeId[symbol];
    symbols.lastPrice[symbol] = price;
    symbols.params[row + ReferencePrice] = price;
    this.#reportAuctionFill(buy, sell, price, quantity, fee, tradeId);
    this.#reportAuctionFill(sell, buy, price, quantity, fee, tradeId);
    this.market.write(MarketEventKind.Trade, Buy, TRADE_IN_AUCTION, symbol, slab.id[buy], price, quantity, slab.id[sell], tradeId);
  }

  #reportAuctionFill(slot: number, contra: number, price: number, quantity: number, fee: number, tradeId: number): void {
    const { slab } = this;
    this.reports.write(
      ReportKind.Fill,
      ReportFlag.Auction,
      OK,
      slab.account[slot],
      slab.symbol[slot],
      slab.side[slot],
      slab.timeInForce[slot],
      slab.tag[slot],
      slab.id[slot],
      slab.clientOrderId[slot],
      price,
      quantity,
      slab.open[slot] - quantity,
      slab.filled[slot],
      fee,
      tradeId,
      slab.id[contra],
    );
  }

  /** Pays a fill of a resting order out of its reservation; called before its `open` falls. */
  #settleResting(slot: number, cost: number, fee: number, quantity: number): void {
    const { slab, accounts, symbols } = this;
    const symbol = slab.symbol[slot];
    const at = slab.account[slot] * accounts.assets;
    const base = at + symbols.baseAsset[symbol];
    const quote = at + symbols.quoteAsset[symbol];
    const lots = quantity * symbols.basePerLot[symbol];
    if (slab.side[slot] === Buy) {
      const open = slab.open[slot];
      const held = open === quantity ? 0 : this.#reservationOf(slot, open - quantity);
      const freed = this.#held[slot] - held;
      this.#held[slot] = held;
      accounts.reserved[quote] -= freed;
      accounts.available[quote] += freed - cost - fee;
      accounts.available[base] += lots;
    } else {
      this.#held[slot] -= lots;
      accounts.reserved[base] -= lots;
      accounts.available[quote] += cost - fee;
    }
  }

  // Checks ---------------------------------------------------------------------

  #accountExists(account: number): boolean {
    return account > 0 && account < this.accounts.capacity && this.accounts.defined[account] !== 0;
  }

  #checkPhase(): Code {
    const { symbols } = this;
    const symbol = this.#symbol;
    if (symbol >= symbols.capacity || symbols.defined[symbol] === 0) return Code.UNKNOWN_SYMBOL;
    const phase = symbols.phase[symbol];
    if (phase === Phase.Continuous) return OK;
    if (phase === Phase.Halted) return Code.SYMBOL_HALTED;
    if (phase === Phase.Closed) return Code.SYMBOL_CLOSED;
    return this.#timeInForce === GoodTillCancel ? OK : Code.NOT_IN_AUCTION;
  }

  /** Quantity and, with a limit price, price and notional limits of the symbol. */
  #checkLimits(hasPrice: boolean): Code {
    const { params, quotePerTickLot } = this.symbols;
    const row = this.#symbol * SYMBOL_PARAMS;
    const quantity = this.#quantity;
    if (quantity < params[row + MinQuantity] || quantity === 0) return Code.QUANTITY_MIN;
    if (quantity > params[row + MaxQuantity]) return Code.QUANTITY_MAX;
    const lotStep = params[row + LotStep];
    if (lotStep !== 1 && quantity % lotStep !== 0) return Code.LOT;
    if (!hasPrice) return OK;
    const price = this.#price;
    if (price === 0 || price > params[row + MaxPrice]) return Code.PRICE_BAND;
    const tickStep = params[row + TickStep];
    if (tickStep !== 1 && price % tickStep !== 0) return Code.TICK;
    if (this.#beyondCollar(price)) return Code.PRICE_COLLAR;
    return this.#checkNotional(price * quantity * quotePerTickLot[this.#symbol]);
  }

  /** A product that left the exact range is above any MaxNotional, and so is refused. */
  #checkNotional(notional: number): Code {
    const { params } = this.symbols;
    const row = this.#symbol * SYMBOL_PARAMS;
    if (notional < params[row + MinNotional]) return Code.NOTIONAL_MIN;
    return notional > params[row + MaxNotional] ? Code.NOTIONAL_MAX : OK;
  }

  /**
   * Buys above the band and sells below it are refused, passive prices are not
   * (as in CME Globex price banding).
   */
  #beyondCollar(price: number): boolean {
    const { params } = this.symbols;
    const row = this.#symbol * SYMBOL_PARAMS;
    const reference = params[row + ReferencePrice];
    const collar = params[row + CollarPpm];
    if (collar === 0 || reference === 0) return false;
    const worse = this.#side === Buy ? price - reference : reference - price;
    return worse * MILLION > reference * collar;
  }

  /** The order's limit price; a market order's is the edge of the collar, or the end of the ladder. */
  #limitPrice(): number {
    if (this.#timeInForce !== Market) return this.#price;
    const { params } = this.symbols;
    const row = this.#symbol * SYMBOL_PARAMS;
    const reference = params[row + ReferencePrice];
    const collar = params[row + CollarPpm];
    if (collar === 0 || reference === 0) return this.#side === Buy ? params[row + MaxPrice] : 1;
    const distance = Math.floor((reference * collar) / MILLION);
    return this.#side === Buy ? Math.min(reference + distance, params[row + MaxPrice]) : Math.max(reference - distance, 1);
  }

  #crosses(book: OrderBook): boolean {
    const best = this.#side === Buy ? book.bestAsk() : book.bestBid();
    return best !== 0 && (this.#side === Buy ? best <= this.#price : best >= this.#price);
  }

  #rests(): boolean {
    return this.#timeInForce === GoodTillCancel || this.#timeInForce === PostOnly;
  }

  /** Resting order that the command names, if it is the account's own. */
  #target(orderId: number): number {
    if (orderId === 0) {
      const ref = this.clientOrderIds.find(this.#account, this.#clientOrderId);
      return ref > 0 ? ref - 1 : -1;
    }
    const slot = this.slab.find(orderId);
    return slot !== -1 && this.slab.account[slot] === this.#account ? slot : -1;
  }

  // Money ----------------------------------------------------------------------

  /** Where the balance is that the command at work pays from. */
  #payAt(): number {
    const { symbols } = this;
    const asset = this.#side === Buy ? symbols.quoteAsset[this.#symbol] : symbols.baseAsset[this.#symbol];
    return this.#account * this.accounts.assets + asset;
  }

  /** What the command at work needs for `notional`; noted, because an order that rests whole holds back just that. */
  #needed(notional: number): number {
    const { symbols } = this;
    const symbol = this.#symbol;
    this.#toHold = this.#side === Buy ? buyReserve(notional, symbols.reserveFeePpm[symbol]) : this.#quantity * symbols.basePerLot[symbol];
    return this.#toHold;
  }

  /** What a resting order of `open` lots holds back. */
  #reservationOf(slot: number, open: number): number {
    const { slab, symbols } = this;
    const symbol = slab.symbol[slot];
    if (slab.side[slot] !== Buy) return open * symbols.basePerLot[symbol];
    return buyReserve(slab.price[slot] * open * symbols.quotePerTickLot[symbol], symbols.reserveFeePpm[symbol]);
  }

  /** Holds money back for the command's order, of which `open` lots come to rest. */
  #reserve(slot: number, open: number): void {
    const at = this.#reservedAt(slot);
    const amount = open === this.#quantity ? this.#toHold : this.#reservationOf(slot, open);
    this.#held[slot] = amount;
    this.accounts.available[at] -= amount;
    this.accounts.reserved[at] += amount;
  }

  #unreserve(slot: number): void {
    const at = this.#reservedAt(slot);
    const amount = this.#held[slot];
    this.accounts.available[at] += amount;
    this.accounts.reserved[at] -= amount;
  }

  /** A resting order was loaded with its account's balances: notes what it holds back. */
  holdLoaded(slot: number): void {
    this.#held[slot] = this.#reservationOf(slot, this.slab.open[slot]);
  }

  #reservedAt(slot: number): number {
    const { slab, symbols } = this;
    const symbol = slab.symbol[slot];
    const asset = slab.side[slot] === Buy ? symbols.quoteAsset[symbol] : symbols.baseAsset[symbol];
    return slab.account[slot] * this.accounts.assets + asset;
  }

  // Answers --------------------------------------------------------------------

  /** An order that was resting is gone: its id stays known. */
  #gone(slot: number): void {
    const { slab, accounts, clientOrderIds } = this;
    const account = slab.account[slot];
    accounts.openOrders[account]--;
    clientOrderIds.remember(
      account,
      slab.clientOrderId[slot],
      slab.id[slot],
      OK,
      slab.symbol[slot],
      slab.side[slot],
      slab.timeInForce[slot],
      slab.price[slot],
      slab.filled[slot] + slab.open[slot],
    );
    slab.release(slot);
  }

  #remember(orderId: number, code: Code): void {
    this.clientOrderIds.remember(
      this.#account,
      this.#clientOrderId,
      orderId,
      code,
      this.#symbol,
      this.#side,
      this.#timeInForce,
      this.#price,
      this.#quantity,
    );
  }

  /** The same client order id again: the first answer again, and nothing else happens. */
  #answerAgain(ref: number): void {
    const { slab, clientOrderIds: ids, reports } = this;
    const account = this.#account;
    if (ref > 0) {
      const slot = ref - 1;
      const quantity = slab.filled[slot] + slab.open[slot];
      this.#reportResting(ReportKind.Accepted, ReportFlag.Duplicate, OK, slot, this.#tag, slab.price[slot], quantity, slab.open[slot]);
      return;
    }
    const index = -ref - 1;
    reports.answer(
      ids.orderId[index] === 0 ? ReportKind.Rejected : ReportKind.Accepted,
      ReportFlag.Duplicate,
      ids.code[index],
      account,
      ids.symbol[index],
      ids.side[index],
      ids.timeInForce[index],
      this.#tag,
      ids.orderId[index],
      this.#clientOrderId,
      ids.price[index],
      ids.quantity[index],
      0,
      0,
    );
  }

  /** An account that does not exist has no report stream: the answer goes to the operator's. */
  #refuseStranger(kind: number): void {
    this.#account = 0;
    this.#reply(kind, 0, Code.UNKNOWN_ACCOUNT, 0, this.#price, this.#quantity, 0, 0);
  }

  #reply(kind: number, flags: number, code: Code, orderId: number, price: number, quantity: number, leaves: number, filled: number): void {
    this.reports.answer(
      kind,
      flags,
      code,
      this.#account,
      this.#symbol,
      this.#side,
      this.#timeInForce,
      this.#tag,
      orderId,
      this.#clientOrderId,
      price,
      quantity,
      leaves,
      filled,
    );
  }

  #reportResting(
    kind: number,
    flags: number,
    code: Code,
    slot: number,
    tag: number,
    price: number,
    quantity: number,
    leaves: number,
  ): void {
    const { slab } = this;
    this.reports.answer(
      kind,
      flags,
      code,
      slab.account[slot],
      slab.symbol[slot],
      slab.side[slot],
      slab.timeInForce[slot],
      tag,
      slab.id[slot],
      slab.clientOrderId[slot],
      price,
      quantity,
      leaves,
      slab.filled[slot],
    );
  }

  /** Tells market data about a resting order, and notes that an auction's indicative price may have changed. */
  #told(kind: number, slot: number, quantity: number): void {
    const { slab } = this;
    const symbol = slab.symbol[slot];
    this.market.write(kind, slab.side[slot], 0, symbol, slab.id[slot], slab.price[slot], quantity, 0, 0);
    if (this.symbols.phase[symbol] === Phase.Auction) this.#changedAuctions.add(symbol);
  }

  // Administration ---------------------------------------------------------------

  #administer(bytes: Uint8Array, words: Int32Array, slot: number): void {
    const code = this.#administration.apply(this.#kind, bytes, words, slot);
    const { price, volume } = this.#administration;
    const kind = code === OK ? ReportKind.Accepted : ReportKind.Rejected;
    this.reports.write(kind, 0, code, 0, this.#symbol, 0, 0, this.#tag, 0, 0, price, volume, 0, 0, 0, 0, this.#account);
  }
}
