import { type Allocate, allocateLocal } from '../allocate.ts';
import { type BookListener, OrderBook } from '../book/order-book.ts';
import { OrderSlab } from '../book/order-slab.ts';
import { LevelPages } from '../book/price-ladder.ts';
import { Code } from '../codes.ts';
import type { Limits } from '../limits.ts';
import { SYMBOL_PARAMS, SymbolParam } from '../params.ts';
import type { SpillingProducer } from '../rings/spilling-producer.ts';
import { Accounts } from '../rules/accounts.ts';
import { ClientOrderIds } from '../rules/client-order-ids.ts';
import { feeOn } from '../rules/fees.ts';
import { OrderChecks } from '../rules/order-checks.ts';
import { OrderRequest } from '../rules/order-request.ts';
import { Reservations } from '../rules/reservations.ts';
import { Symbols } from '../rules/symbols.ts';
import { getI64 } from '../units.ts';
import { Command, CommandKind, Phase, ReportKind, Side } from '../wire/layout.ts';
import { MarketEventKind, TRADE_IN_AUCTION } from '../wire/market-event.ts';
import { type AdministeredState, Administration } from './administration.ts';
import { MarketWriter } from './market-writer.ts';
import { ReportFlag, ReportWriter } from './report-writer.ts';

const WORDS = Command.bytes / 4;
const SEQ = Command.seq / 4;
const TIME = Command.timeUs / 4;
const { MaxPrice, TickStep, MakerFeePpm, TakerFeePpm, ReferencePrice } = SymbolParam;
const { Buy } = Side;
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
  readonly #order = new OrderRequest();
  readonly #checks: OrderChecks;
  readonly #reservations: Reservations;
  /** Symbols whose auction book changed since `endBatch`. */
  readonly #changedAuctions = new Set<number>();

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
    this.#reservations = new Reservations(this.accounts, this.symbols, this.slab);
    this.#checks = new OrderChecks(this.accounts, this.symbols, this.slab, this.books);
    this.#administration = new Administration(this);
  }

  /** Applies the command in a slot of a command ring or log chunk, given through its byte and word views. */
  apply(bytes: Uint8Array, words: Int32Array, slot: number): void {
    const w = slot * WORDS;
    this.seq = getI64(words, w + SEQ);
    this.timeUs = getI64(words, w + TIME);
    this.reports.seq = this.seq;
    this.reports.timeUs = this.timeUs;
    this.market.seq = this.seq;
    this.market.timeUs = this.timeUs;
    const order = this.#order;
    order.read(bytes, words, slot);
    const { kind } = order;
    if (kind === CommandKind.New) this.#new();
    else if (kind === CommandKind.Cancel) this.#cancel();
    else if (kind === CommandKind.Amend) this.#amend();
    else if (kind >= FIRST_ADMIN_KIND) this.#administer(bytes, words, slot);
  }

  /** After the commands of one poll: what is computed once for all of them. */
  endBatch(): void {
    if (this.#changedAuctions.size === 0) return;
    for (const symbol of this.#changedAuctions) {
      const book = this.books[symbol];
      if (book === undefined || this.symbols.phase[symbol] !== Phase.Auction) continue;
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
    const account = this.#order.account;
    if (!this.#accountExists(account)) return this.#refuseStranger(ReportKind.Rejected);
    const known = this.clientOrderIds.find(account, this.#order.clientOrderId);
    if (known !== 0) return this.#answerAgain(known);
    const code = this.#checks.newOrder(this.#order);
    if (code !== OK) {
      this.#reply(ReportKind.Rejected, 0, code, 0, this.#order.price, this.#order.quantity, 0, 0);
      // A forgotten id stays refused by its mark; remembering it would push a better-behaved one out.
      if (code !== Code.CLIENT_ORDER_ID_TOO_OLD && code !== Code.BAD_CLIENT_ORDER_ID) this.#remember(0, code);
      return;
    }
    const orderId = ++this.lastOrderId;
    this.#reply(ReportKind.Accepted, 0, OK, orderId, this.#order.price, this.#order.quantity, this.#order.quantity, 0);
    const book = this.books[this.#order.symbol] as OrderBook;
    this.#takerOrderId = orderId;
    this.#takerOpen = this.#order.quantity;
    this.#takerFilled = 0;
    if (this.symbols.phase[this.#order.symbol] === Phase.Continuous)
      book.match(this.#order.side, this.#checks.limitPrice(this.#order), this.#order.quantity);
    if (this.#takerOpen === 0) return this.#remember(orderId, OK);
    if (this.#order.rests) {
      if (this.#restNew(book, orderId)) return;
      this.#reply(ReportKind.Cancelled, 0, Code.LEVELS_FULL, orderId, this.#order.price, this.#takerOpen, 0, this.#takerFilled);
    } else {
      this.#reply(ReportKind.Cancelled, 0, Code.CANCELLED_REMAINDER, orderId, this.#order.price, this.#takerOpen, 0, this.#takerFilled);
    }
    this.#remember(orderId, OK);
  }

  #restNew(book: OrderBook, orderId: number): boolean {
    const { slab, accounts } = this;
    const slot = slab.acquire(orderId);
    slab.account[slot] = this.#order.account;
    slab.clientOrderId[slot] = this.#order.clientOrderId;
    slab.symbol[slot] = this.#order.symbol;
    slab.side[slot] = this.#order.side;
    slab.timeInForce[slot] = this.#order.timeInForce;
    slab.tag[slot] = this.#order.tag;
    slab.price[slot] = this.#order.price;
    slab.open[slot] = this.#takerOpen;
    slab.filled[slot] = this.#takerFilled;
    if (!book.rest(slot)) {
      slab.release(slot);
      return false;
    }
    this.clientOrderIds.addResting(slot);
    accounts.openOrders[this.#order.account]++;
    this.#hold(slot, this.#takerOpen);
    this.#told(MarketEventKind.Add, slot, this.#takerOpen);
    return true;
  }

  // Cancel, amend ------------------------------------------------------------

  #cancel(): void {
    const { orderId } = this.#order;
    if (!this.#accountExists(this.#order.account)) return this.#refuseStranger(ReportKind.CancelRejected);
    const slot = this.#target(orderId);
    if (slot === -1) return this.#reply(ReportKind.CancelRejected, 0, Code.UNKNOWN_ORDER, orderId, 0, 0, 0, 0);
    this.cancelResting(slot, Code.CANCELLED_BY_CLIENT, this.#order.tag);
  }

  /** Takes a resting order off the book and gives its reservation back. */
  cancelResting(slot: number, code: Code, tag: number): void {
    const { slab } = this;
    const book = this.books[slab.symbol[slot]] as OrderBook;
    const open = slab.open[slot];
    book.remove(slot);
    this.#told(MarketEventKind.Remove, slot, open);
    this.#reservations.release(slot);
    this.#reportResting(ReportKind.Cancelled, 0, code, slot, tag, slab.price[slot], open, 0);
    this.#gone(slot);
  }

  #amend(): void {
    const { orderId } = this.#order;
    if (!this.#accountExists(this.#order.account)) return this.#refuseStranger(ReportKind.AmendRejected);
    const { slab } = this;
    const slot = this.#target(orderId);
    if (slot === -1)
      return this.#reply(ReportKind.AmendRejected, 0, Code.UNKNOWN_ORDER, orderId, this.#order.price, this.#order.quantity, 0, 0);
    this.#order.symbol = slab.symbol[slot];
    this.#order.side = slab.side[slot];
    this.#order.timeInForce = slab.timeInForce[slot];
    this.#order.clientOrderId = slab.clientOrderId[slot];
    const code = this.#checks.amend(this.#order, this.#reservations.held(slot));
    if (code !== OK) {
      return this.#reply(
        ReportKind.AmendRejected,
        0,
        code,
        slab.id[slot],
        this.#order.price,
        this.#order.quantity,
        slab.open[slot],
        slab.filled[slot],
      );
    }
    const book = this.books[this.#order.symbol] as OrderBook;
    const open = slab.open[slot];
    this.#reservations.release(slot);
    if (this.#order.price === slab.price[slot] && this.#order.quantity < open) {
      book.reduce(slot, this.#order.quantity);
      this.#hold(slot, this.#order.quantity);
      this.#told(MarketEventKind.Reduce, slot, this.#order.quantity);
      this.#reportResting(
        ReportKind.Amended,
        ReportFlag.KeptPriority,
        OK,
        slot,
        this.#order.tag,
        this.#order.price,
        this.#order.quantity,
        this.#order.quantity,
      );
      return;
    }
    book.remove(slot);
    this.#told(MarketEventKind.Remove, slot, open);
    slab.price[slot] = this.#order.price;
    slab.open[slot] = this.#order.quantity;
    this.#reportResting(ReportKind.Amended, 0, OK, slot, this.#order.tag, this.#order.price, this.#order.quantity, this.#order.quantity);
    this.#takerOrderId = slab.id[slot];
    this.#takerOpen = this.#order.quantity;
    this.#takerFilled = slab.filled[slot];
    // Reports of its fills carry the order's tag, the answer carried the amend's.
    this.#order.tag = slab.tag[slot];
    if (this.symbols.phase[this.#order.symbol] === Phase.Continuous) book.match(this.#order.side, this.#order.price, this.#order.quantity);
    slab.open[slot] = this.#takerOpen;
    slab.filled[slot] = this.#takerFilled;
    if (this.#takerOpen === 0) return this.#gone(slot);
    if (book.rest(slot)) {
      this.#hold(slot, this.#takerOpen);
      this.#told(MarketEventKind.Add, slot, this.#takerOpen);
      return;
    }
    this.#reportResting(ReportKind.Cancelled, 0, Code.LEVELS_FULL, slot, this.#order.tag, this.#order.price, this.#takerOpen, 0);
    this.#gone(slot);
  }

  // Trades (BookListener) ------------------------------------------------------

  onTrade(_book: OrderBook, maker: number, price: number, quantity: number): void {
    const { slab, accounts, symbols } = this;
    const symbol = this.#order.symbol;
    const row = symbol * SYMBOL_PARAMS;
    const cost = price * quantity * symbols.quotePerTickLot[symbol];
    const lots = quantity * symbols.basePerLot[symbol];
    const takerFee = feeOn(cost, symbols.params[row + TakerFeePpm]);
    const makerFee = feeOn(cost, symbols.params[row + MakerFeePpm]);
    const base = symbols.baseAsset[symbol];
    const quote = symbols.quoteAsset[symbol];
    const taker = this.#order.account * accounts.assets;
    const makerAccount = slab.account[maker];
    const makerOpen = slab.open[maker] - quantity;
    const makerFilled = slab.filled[maker] + quantity;
    if (this.#order.side === Buy) {
      accounts.available[taker + quote] -= cost + takerFee;
      accounts.available[taker + base] += lots;
    } else {
      accounts.available[taker + base] -= lots;
      accounts.available[taker + quote] += cost - takerFee;
    }
    this.#reservations.settle(maker, cost, makerFee, quantity);
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
      this.#order.account,
      symbol,
      this.#order.side,
      this.#order.timeInForce,
      this.#order.tag,
      this.#takerOrderId,
      this.#order.clientOrderId,
      price,
      quantity,
      this.#takerOpen,
      this.#takerFilled,
      takerFee,
      tradeId,
      makerId,
    );
    this.market.write(MarketEventKind.Trade, this.#order.side, 0, symbol, makerId, price, quantity, this.#takerOrderId, tradeId);
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
    this.#reservations.settle(buy, cost, fee, quantity);
    this.#reservations.settle(sell, cost, fee, quantity);
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

  /** Resting order that the command names, if it is the account's own. */
  #target(orderId: number): number {
    if (orderId === 0) {
      const ref = this.clientOrderIds.find(this.#order.account, this.#order.clientOrderId);
      return ref > 0 ? ref - 1 : -1;
    }
    const slot = this.slab.find(orderId);
    return slot !== -1 && this.slab.account[slot] === this.#order.account ? slot : -1;
  }

  /** What the command's order holds back when `open` lots of it come to rest. */
  #hold(slot: number, open: number): void {
    const amount = open === this.#order.quantity ? this.#checks.needed : this.#reservations.amountOf(slot, open);
    this.#reservations.hold(slot, amount);
  }

  /** A resting order was loaded with its account's balances. */
  noteLoaded(slot: number): void {
    this.#reservations.noteLoaded(slot);
  }

  #accountExists(account: number): boolean {
    return account > 0 && account < this.accounts.capacity && this.accounts.defined[account] !== 0;
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
      this.#order.account,
      this.#order.clientOrderId,
      orderId,
      code,
      this.#order.symbol,
      this.#order.side,
      this.#order.timeInForce,
      this.#order.price,
      this.#order.quantity,
    );
  }

  /** The same client order id again: the first answer again, and nothing else happens. */
  #answerAgain(ref: number): void {
    const { slab, clientOrderIds: ids, reports } = this;
    const account = this.#order.account;
    if (ref > 0) {
      const slot = ref - 1;
      const quantity = slab.filled[slot] + slab.open[slot];
      this.#reportResting(
        ReportKind.Accepted,
        ReportFlag.Duplicate,
        OK,
        slot,
        this.#order.tag,
        slab.price[slot],
        quantity,
        slab.open[slot],
      );
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
      this.#order.tag,
      ids.orderId[index],
      this.#order.clientOrderId,
      ids.price[index],
      ids.quantity[index],
      0,
      0,
    );
  }

  /** An account that does not exist has no report stream: the answer goes to the operator's. */
  #refuseStranger(kind: number): void {
    this.#order.account = 0;
    this.#reply(kind, 0, Code.UNKNOWN_ACCOUNT, 0, this.#order.price, this.#order.quantity, 0, 0);
  }

  #reply(kind: number, flags: number, code: Code, orderId: number, price: number, quantity: number, leaves: number, filled: number): void {
    this.reports.answer(
      kind,
      flags,
      code,
      this.#order.account,
      this.#order.symbol,
      this.#order.side,
      this.#order.timeInForce,
      this.#order.tag,
      orderId,
      this.#order.clientOrderId,
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
    this.noteAuction(symbol);
  }

  /** If the symbol is in an auction, `endBatch` tells its indicative price: it may have changed, or nobody has heard it. */
  noteAuction(symbol: number): void {
    if (this.symbols.phase[symbol] === Phase.Auction) this.#changedAuctions.add(symbol);
  }

  // Administration ---------------------------------------------------------------

  #administer(bytes: Uint8Array, words: Int32Array, slot: number): void {
    const code = this.#administration.apply(this.#order.kind, bytes, words, slot);
    const { price, volume } = this.#administration;
    const kind = code === OK ? ReportKind.Accepted : ReportKind.Rejected;
    this.reports.write(kind, 0, code, 0, this.#order.symbol, 0, 0, this.#order.tag, 0, 0, price, volume, 0, 0, 0, 0, this.#order.account);
  }
}
