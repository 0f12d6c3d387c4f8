import { fail } from '../assert.ts';
import type { OrderBook } from '../book/order-book.ts';
import { Code } from '../codes.ts';
import { AuctionBit, AuctionChecks, isInAuction } from '../rules/auction-checks.ts';
import { CARRY_MASK, scheduleOf } from '../rules/fee-schedules.ts';
import type { OrderChecks } from '../rules/order-checks.ts';
import { OrderRequest } from '../rules/order-request.ts';
import { AUCTION_TIMES, WAITS, type WaitingOrders } from '../rules/waiting-orders.ts';
import { RowKind, type RowWriter, type StatePart } from '../state-part.ts';
import { Phase, ReportKind, Side, SubPhase, TimeInForce } from '../wire/layout.ts';
import { MarketEventKind } from '../wire/market-event.ts';
import { isAuctionMarket, isAuctionOnly, LIFETIME_BITS, OrderKind } from '../wire/order-kinds.ts';
import type { Answers } from './answers.ts';
import { ReportFlag } from './report-writer.ts';
import type { RestingOrders } from './resting-orders.ts';
import type { MachineState } from './state.ts';

const NIL = -1;
const { OK } = Code;
const { Amended: AMENDED, AmendRejected: AMEND_REJECTED } = ReportKind;
const { AtTheOpen: AT_THE_OPEN, AtTheClose: AT_THE_CLOSE } = TimeInForce;

/** Waiting orders that enter the book, or end, with one command at most. */
export const WAITING_PER_COMMAND = 256;
/** In the row of a waiting order, the time in force and the bits beside it are above the byte of the side. */
const LIFETIME = 256;

/**
 * Orders at the open and at the close. They wait outside the book, and enter it
 * when their auction starts: at most {@link WAITING_PER_COMMAND} with one command, the
 * rest before the next ones, and all before the uncross, which waits for it. What is left of them
 * after the uncross, or when the auction ends without one, is cancelled, in parts too: until then it does not trade. Owned by the engine thread.
 */
export class AuctionOrders implements StatePart {
  readonly kinds = [RowKind.WaitingOrder, RowKind.AuctionOrder, RowKind.EndingOrder];
  /** Orders that enter or end with one command at most; tests lower it. */
  perCommand: number = WAITING_PER_COMMAND;
  readonly #state: MachineState;
  readonly #waiting: WaitingOrders;
  readonly #orderChecks: OrderChecks;
  readonly #checks: AuctionChecks;
  readonly #answers: Answers;
  readonly #resting: RestingOrders;
  readonly #endsNow: (slot: number) => boolean;
  /** The order that enters the book; the current command is another one. */
  readonly #entering = new OrderRequest();
  /** Orders wait whose time to enter or to end has come. */
  busy = false;
  /** What the command `#seq` may still let enter or end. */
  #left = 0;
  #seq = 0;

  /** @param endsNow ends the order in a slot if its end has come, and returns true then */
  constructor(state: MachineState, checks: OrderChecks, answers: Answers, resting: RestingOrders, endsNow: (slot: number) => boolean) {
    this.#endsNow = endsNow;
    this.#state = state;
    this.#waiting = state.waiting;
    this.#orderChecks = checks;
    this.#checks = new AuctionChecks(state, checks);
    this.#answers = answers;
    this.#resting = resting;
  }

  /** Accepts the current order. Returns the code of its reject otherwise, which the caller answers. */
  enter(): Code {
    const state = this.#state;
    const { order, aggressor, symbols } = state;
    const code = this.#checks.newOrder(order);
    if (code !== OK) return code;
    aggressor.orderId = ++state.lastOrderId;
    aggressor.open = order.quantity;
    aggressor.filled = 0;
    aggressor.feeCarry = order.feeCarry;
    this.#answers.accepted();
    const { symbol, timeInForce } = order;
    const slot = this.#resting.enterWaiting();
    const isTurn = this.#waiting.first(symbol, timeInForce) === slot;
    if (isTurn && isInAuction(symbols.phase[symbol], symbols.subPhase[symbol], timeInForce)) this.#enterBook(slot);
    return OK;
  }

  /** Amends the waiting order in `slot`, which the current command names. @param named whether it names a displayed quantity, which the order has not */
  amend(slot: number, named: boolean): void {
    const { order, slab, risks } = this.#state;
    this.#read(order, slot);
    order.orderKind = OrderKind.AuctionLimit;
    const keeps = order.price === slab.price(slot) && order.quantity <= slab.open(slot);
    let code: Code = named ? Code.DISPLAYED_QUANTITY : OK;
    if (order.stopPrice !== 0) code = order.trailOffset === 0 ? Code.STOP_PRICE : Code.TRAIL_OFFSET;
    if (code === OK) code = keeps ? this.#orderChecks.lower(order, slot) : this.#checks.amend(order, slot);
    else this.#orderChecks.count(order.account);
    if (code !== OK) {
      this.#answers.reply(AMEND_REJECTED, code, slab.id[slot], order.price, order.quantity, slab.open(slot), 0);
      if (code === Code.THROTTLED || code === Code.ORDER_TO_TRADE) this.#answers.notBefore();
      return;
    }
    if (order.quantity !== slab.open(slot) || !keeps) {
      const risk = risks.of(order.symbol);
      risk.release(slot);
      slab.setPrice(slot, order.price);
      slab.setOpen(slot, order.quantity);
      risk.hold(slot, order);
      if (!keeps) {
        this.#waiting.remove(slot);
        this.#waiting.add(slot);
      }
    }
    this.#answers.resting(AMENDED, keeps ? ReportFlag.KeptPriority : 0, OK, slot, order.tag);
  }

  /** Call it before the phase of a symbol changes: what ends with the present one ends first, or is among those that end. */
  beforePhase(symbol: number): void {
    if (this.#state.rules >= 6) return;
    for (const time of AUCTION_TIMES) if (this.#ends(symbol, time)) this.#endAll(symbol, time);
  }

  /** Call it when the phase of a symbol has changed. */
  afterPhase(symbol: number): void {
    const { symbols } = this.#state;
    const phase = symbols.phase[symbol];
    const subPhase = symbols.subPhase[symbol];
    if (phase === Phase.Halted) return;
    const opens = phase === Phase.Closed || subPhase === SubPhase.PreOpen || subPhase === SubPhase.OpeningAuction;
    let bits = symbols.auctions[symbol];
    if (opens) bits = AuctionBit.OpeningAhead;
    else if (phase !== Phase.Auction || subPhase !== SubPhase.None) bits &= ~AuctionBit.OpeningAhead;
    if (subPhase === SubPhase.ClosingAuction) bits &= ~AuctionBit.ClosingOver;
    symbols.auctions[symbol] = bits;
    const staysOpen = phase === Phase.Auction && opens;
    if (!staysOpen) this.#leaveBook(symbol, AT_THE_OPEN);
    if (!isInAuction(phase, subPhase, AT_THE_CLOSE)) this.#leaveBook(symbol, AT_THE_CLOSE);
    this.continue();
  }

  /** Whether orders of a symbol have not entered its auction yet. */
  enters(symbol: number): boolean {
    return AUCTION_TIMES.some((time) => this.#enters(symbol, time) && this.#waiting.first(symbol, time) !== NIL);
  }

  /** The code with which the order will end, because its auction is over; else OK. */
  codeOf(slot: number): Code {
    const isEnding = isAuctionOnly(this.#state.slab.timeInForce(slot)) && this.#waiting.isEnding(slot);
    return isEnding ? Code.CANCELLED_AUCTION_OVER : OK;
  }

  /** Call it before an uncross: all orders of the auction have entered then. From rules 6 on, they have before. */
  beforeUncross(symbol: number): void {
    for (const time of AUCTION_TIMES) {
      if (!this.#enters(symbol, time)) continue;
      for (let slot = this.#waiting.first(symbol, time); slot !== NIL; slot = this.#waiting.first(symbol, time)) this.#enterBook(slot);
    }
  }

  /** Call it after an uncross: the auction is over for them. */
  afterUncross(symbol: number): void {
    const { symbols } = this.#state;
    const subPhase = symbols.subPhase[symbol];
    if (subPhase === SubPhase.OpeningAuction) {
      symbols.auctions[symbol] &= ~AuctionBit.OpeningAhead;
      this.#leaveBook(symbol, AT_THE_OPEN);
    } else if (subPhase === SubPhase.ClosingAuction) {
      symbols.auctions[symbol] |= AuctionBit.ClosingOver;
      this.#leaveBook(symbol, AT_THE_CLOSE);
    }
    if (this.#state.rules >= 6) this.continue();
  }

  /** Lets the share of this command end or enter: first those whose auction is over, then by symbol those at the open, those that wait longest first. */
  continue(): void {
    const state = this.#state;
    const waiting = this.#waiting;
    if (this.#seq !== state.seq) {
      this.#seq = state.seq;
      this.#left = this.perCommand;
    }
    this.busy = false;
    if (waiting.count === 0 && waiting.firstEnding === NIL) return;
    if (state.rules >= 6) this.#endSome();
    for (const symbol of waiting.symbols) for (const time of AUCTION_TIMES) this.#continue(symbol, time);
    if (waiting.firstEnding !== NIL) this.busy = true;
    if (this.busy) state.wakes[1] = Number.NEGATIVE_INFINITY;
  }

  #endSome(): void {
    const waiting = this.#waiting;
    for (const symbol of waiting.symbols) for (const time of AUCTION_TIMES) if (this.#ends(symbol, time)) waiting.end(symbol, time);
    for (let slot = waiting.firstEnding; slot !== NIL && this.#left > 0; slot = waiting.firstEnding) {
      this.#left--;
      this.#end(slot);
    }
  }

  #continue(symbol: number, time: number): void {
    const ends = this.#ends(symbol, time);
    if (!ends && !this.#enters(symbol, time)) return;
    for (let slot = this.#waiting.first(symbol, time); slot !== NIL && this.#left > 0; slot = this.#waiting.first(symbol, time)) {
      this.#left--;
      if (ends) this.#end(slot);
      else this.#enterBook(slot);
    }
    if (this.#waiting.first(symbol, time) !== NIL) this.busy = true;
  }

  /** The auction of orders that wait does not come any more. */
  #ends(symbol: number, time: number): boolean {
    const { phase, auctions } = this.#state.symbols;
    if (phase[symbol] === Phase.Closed) return true;
    return time === AT_THE_OPEN ? (auctions[symbol] & AuctionBit.OpeningAhead) === 0 : (auctions[symbol] & AuctionBit.ClosingOver) !== 0;
  }

  #enters(symbol: number, time: number): boolean {
    const { phase, subPhase } = this.#state.symbols;
    return isInAuction(phase[symbol], subPhase[symbol], time);
  }

  #endAll(symbol: number, time: number): void {
    for (let slot = this.#waiting.first(symbol, time); slot !== NIL; slot = this.#waiting.first(symbol, time)) this.#end(slot);
  }

  #end(slot: number): void {
    this.#resting.cancel(slot, Code.CANCELLED_AUCTION_OVER, this.#state.slab.tag(slot));
  }

  /**
   * The orders of an auction in the book are no longer part of it. Market orders, whose prices mean nothing outside of it, end at once, in the sequence in
   * which they entered it; limit orders, which trade no more, bit by bit.
   */
  #leaveBook(symbol: number, time: number): void {
    if (this.#state.rules < 6) return this.#leaveAtOnce(symbol, time);
    const waiting = this.#waiting;
    const book = this.#state.books[symbol];
    for (let slot = waiting.firstMarket(symbol, time); slot !== NIL; slot = waiting.firstMarket(symbol, time)) this.#end(slot);
    waiting.endInBook(symbol, time);
    if (book !== undefined) book.auction.hasMarketOrders = AUCTION_TIMES.some((each) => waiting.firstMarket(symbol, each) !== NIL);
  }

  /** Cancels the orders of an auction that are in the book, in its order: buys first. */
  #leaveAtOnce(symbol: number, time: number): void {
    const { slab, books, symbols } = this.#state;
    const book = books[symbol];
    if (book === undefined || symbols.auctionOrders[symbol] === 0) return;
    let others = 0;
    for (const side of [Side.Buy, Side.Sell]) {
      for (let slot = book.first(side); slot !== NIL; ) {
        const following = book.following(slot);
        const its = slab.timeInForce(slot);
        if (its === time) this.#end(slot);
        else if (isAuctionOnly(its)) others = 1;
        slot = following;
      }
    }
    symbols.auctionOrders[symbol] = others;
    book.auction.hasMarketOrders = others !== 0;
  }

  /** The waiting order in `slot` enters the book, behind the orders at its price; a market order behind the other market orders only. Its price, if it is one, is that of now. */
  #enterBook(slot: number): void {
    if (this.#endsNow(slot)) return;
    const { slab, books, risks, symbols } = this.#state;
    const book = books[slab.symbol(slot)] as OrderBook;
    const isMarket = isAuctionMarket(slab.lifetime(slot));
    this.#waiting.remove(slot);
    const code = isMarket ? this.#reprice(slot) : OK;
    if (code !== OK || !book.rest(slot)) {
      risks.of(slab.symbol(slot)).release(slot);
      this.#answers.cancelled(slot, code || book.noRoomCode(), slab.tag(slot));
      return this.#resting.gone(slot);
    }
    symbols.auctionOrders[slab.symbol(slot)] = 1;
    this.#waiting.addToBook(slot);
    if (isMarket) {
      book.places.putFirst(slot);
      book.auction.hasMarketOrders = true;
    }
    if (book.hiddenOrders !== 0) this.#resting.icebergs.arrived(slot);
    this.#resting.publish(MarketEventKind.Add, slot);
  }

  /** Gives a market order the worst price of now. Returns the code with which it ends if it cannot pay it. */
  #reprice(slot: number): Code {
    const { slab, risks } = this.#state;
    const order = this.#entering;
    order.account = slab.account(slot);
    order.quantity = slab.open(slot);
    this.#read(order, slot);
    const code = this.#checks.limits(order) || this.#checks.funds(order, slab.held(slot));
    if (code !== OK) return code;
    const risk = risks.of(order.symbol);
    risk.release(slot);
    slab.setPrice(slot, order.price);
    risk.hold(slot, order);
    return OK;
  }

  /** Sets the terms of the order in `slot` that a command cannot change. */
  #read(order: OrderRequest, slot: number): void {
    const { slab } = this.#state;
    const lifetime = slab.lifetime(slot);
    order.symbol = slab.symbol(slot);
    order.side = slab.side(slot);
    order.timeInForce = slab.timeInForce(slot);
    order.orderKind = isAuctionMarket(lifetime) ? OrderKind.AuctionMarket : OrderKind.AuctionLimit;
    order.lifetimeBits = lifetime & LIFETIME_BITS;
    order.clientOrderId = slab.clientOrderId(slot);
    order.feeSchedule = scheduleOf(slab.fees(slot));
    order.feeCarry = slab.fees(slot) & CARRY_MASK;
  }

  save(out: RowWriter): void {
    const { rules, slab } = this.#state;
    const waiting = this.#waiting;
    for (const symbol of waiting.symbols)
      for (const time of AUCTION_TIMES)
        for (let slot = waiting.first(symbol, time); slot !== NIL; slot = waiting.next(slot)) this.#saveWaiting(out, slot);
    for (const slot of waiting.ending()) if (slab.level(slot) === WAITS) this.#saveWaiting(out, slot);
    if (rules < 6) return;
    for (const symbol of waiting.symbols)
      for (const time of AUCTION_TIMES) for (const slot of waiting.inBook(symbol, time)) out.row(RowKind.AuctionOrder, slab.id[slot]);
    for (const slot of waiting.ending()) out.row(RowKind.EndingOrder, slab.id[slot]);
  }

  #saveWaiting(out: RowWriter, slot: number): void {
    const { slab } = this.#state;
    const terms = slab.side(slot) + slab.lifetime(slot) * LIFETIME;
    const [id, client] = [slab.id[slot], slab.clientOrderId(slot)];
    const [price, open, account] = [slab.price(slot), slab.open(slot), slab.account(slot)];
    out.row(RowKind.WaitingOrder, id, client, price, open, 0, account, slab.symbol(slot), terms, slab.tag(slot), slab.termsHash[slot]);
    this.#resting.saveTerms(out, slot);
  }

  load(r: Float64Array, at: number): void {
    if (r[at] === RowKind.WaitingOrder) {
      const terms = r[at + 8];
      this.#resting.loadWaiting(r, at, terms % LIFETIME, Math.floor(terms / LIFETIME));
    } else this.#loadPlace(r[at], r[at + 1]);
    // The next command finds whether it has something to do.
    this.busy = true;
    this.#state.wakes[1] = Number.NEGATIVE_INFINITY;
  }

  /** The rows are in the sequence of the lists. */
  #loadPlace(kind: number, id: number): void {
    const waiting = this.#waiting;
    const slot = this.#state.slab.find(id);
    if (slot === NIL) fail(`the snapshot has order ${id} in an auction, which is not open`);
    if (kind === RowKind.EndingOrder) return waiting.endOne(slot);
    waiting.remove(slot);
    waiting.addToBook(slot);
  }
}
