import { assert, fail } from '../assert.ts';
import type { OrderBook } from '../book/order-book.ts';
import {
  HIDDEN_SIDE,
  ICEBERG_SHIFT,
  LINKED,
  ORDER_DOUBLES_SHIFT,
  ORDER_WORDS_SHIFT,
  OrderDouble,
  OrderWord,
  ownerWord,
  PARKED,
  PEGGED_SIDE,
  PegNumber,
  QUOTE,
  TRAILING,
  WAITS_FOR_PARENT,
} from '../book/order-slab.ts';
import { PAGE_BITS } from '../book/price-ladder.ts';
import type { Code } from '../codes.ts';
import { CARRY_BITS, CARRY_MASK, type FeeSchedules, feesWord, HAS_MORE, scheduleOf } from '../rules/fee-schedules.ts';
import { RowKind, type RowWriter, type StatePart } from '../state-part.ts';
import type { PriceTicks, QtyLots } from '../units.ts';
import { CommandFlag, Phase, Side, TimeInForce } from '../wire/layout.ts';
import { MarketEventKind } from '../wire/market-event.ts';
import {
  expires,
  HIDDEN_BIT as HIDDEN,
  HIDDEN_TO_SIDE_BYTE,
  ICEBERG_BIT as ICEBERG,
  isAuctionMarket,
  isAuctionOnly,
  OrderKind,
} from '../wire/order-kinds.ts';
import { sessionNumberIn } from '../wire/session-number.ts';
import type { Answers } from './answers.ts';
import { Icebergs } from './icebergs.ts';
import type { MachineState } from './state.ts';

const { Auction: AUCTION } = Phase;
// Module constants: V8 folds them, but loads an imported constant each time.
const TO_DOUBLES = ORDER_DOUBLES_SHIFT;
const TO_WORDS = ORDER_WORDS_SHIFT;
const TO_SCHEDULE = CARRY_BITS;
const { open: OPEN, filled: FILLED, clientOrderId: CLIENT_ORDER_ID } = OrderDouble;
const { price: PRICE, fees: FEES, account: ACCOUNT, terms: TERMS, tag: TAG } = OrderWord;
const { Day: DAY } = TimeInForce;
const { Extended: EXTENDED } = CommandFlag;
const { Add: ADD, Reduce: REDUCE, Remove: REMOVE } = MarketEventKind;
const ICEBERG_BIT = ICEBERG;
const HIDDEN_BIT = HIDDEN;
const TO_SIDE_BYTE = HIDDEN_TO_SIDE_BYTE;
const NIL = -1;
/** More level pages than there are: for orders that rest whatever their account's share is. */
export const ANY_SHARE = 2 ** 30;

/** What follows for other orders when the open quantity of an order falls that has more than its record. */
export interface Followers {
  /** The resting order in `slot` trades `lots`; its open quantity is that of before. */
  filled(slot: number, lots: QtyLots): void;
  /** The order in `slot` was reduced without a trade. */
  reduced(slot: number): void;
  /** The order in `slot` is no longer open. */
  ended(slot: number): void;
  /** All open lots of the order in `slot` are traded. Returns true if it waits for more. */
  parks(slot: number): boolean;
  /** Cancels an order that waits for fills of its parent. */
  cancelWaiting(slot: number, code: Code, tag: number): void;
}

/** Adds, finds and removes resting orders: their slots, ids, money and market events. Owned by the engine thread. */
export class RestingOrders implements StatePart {
  /** Set before the first command. */
  followers: Followers | undefined;
  readonly kinds = [RowKind.Order, RowKind.OrderFees, RowKind.OrderExpiry, RowKind.Iceberg, RowKind.SessionOrder, RowKind.LevelPayer];
  readonly icebergs: Icebergs;
  readonly #slab: MachineState['slab'];
  readonly #accounts: MachineState['accounts'];
  readonly #order: MachineState['order'];
  readonly #aggressor: MachineState['aggressor'];
  readonly #clientOrderIds: MachineState['clientOrderIds'];
  readonly #risks: MachineState['risks'];
  readonly #books: MachineState['books'];
  readonly #market: MachineState['market'];
  readonly #symbols: MachineState['symbols'];
  readonly #feeSchedules: FeeSchedules;
  readonly #expiries: MachineState['expiries'];
  readonly #stops: MachineState['stops'];
  readonly #quotes: MachineState['quotes'];
  readonly #waiting: MachineState['waiting'];
  readonly #pegs: MachineState['pegs'];
  readonly #protections: MachineState['protections'];
  readonly #changedAuctions: MachineState['changedAuctions'];
  readonly #links: MachineState['links'];
  readonly #answers: Answers;

  constructor(state: MachineState, answers: Answers) {
    this.#slab = state.slab;
    this.#accounts = state.accounts;
    this.#order = state.order;
    this.#aggressor = state.aggressor;
    this.#clientOrderIds = state.clientOrderIds;
    this.#risks = state.risks;
    this.#books = state.books;
    this.#market = state.market;
    this.#symbols = state.symbols;
    this.#feeSchedules = state.feeSchedules;
    this.#expiries = state.expiries;
    this.#stops = state.stops;
    this.#quotes = state.quotes;
    this.#waiting = state.waiting;
    this.#pegs = state.pegs;
    this.#protections = state.protections;
    this.#changedAuctions = state.changedAuctions;
    this.#links = state.links;
    this.#answers = answers;
    this.icebergs = new Icebergs(state);
  }

  /** Rests the remainder of a new order. Returns false, and changes nothing, if no level page is left, or the account has its share of them. */
  rest(book: OrderBook): boolean {
    const slab = this.#slab;
    const slot = this.#acquire((this.#order.lifetimeBits & HIDDEN_BIT) >> TO_SIDE_BYTE);
    if (!book.rest(slot)) {
      slab.release(slot);
      return false;
    }
    this.#open(slot);
    if (this.#order.lifetimeBits >= ICEBERG_BIT) this.#displayPart(book, slot);
    this.publish(ADD, slot);
    return true;
  }

  #displayPart(book: OrderBook, slot: number): void {
    const slab = this.#slab;
    if (slab.isHidden(slot)) this.icebergs.enterHidden(book, slot);
    else this.icebergs.enter(book, slot, this.#order.displayed, slab.id[slot]);
  }

  /** The same for a new side of a quote. */
  restQuote(book: OrderBook): boolean {
    const slot = this.#acquire(QUOTE);
    if (!book.rest(slot)) {
      this.#slab.release(slot);
      return false;
    }
    this.#addQuote(slot);
    this.setSession(slot, sessionNumberIn(this.#order.flags));
    this.hold(slot);
    this.publish(ADD, slot);
    return true;
  }

  #addQuote(slot: number): void {
    const slab = this.#slab;
    this.#accounts.openOrders[slab.account(slot)]++;
    slab.setFees(slot, slab.fees(slot) | HAS_MORE);
    this.#quotes.add(slot);
    this.#guard(slot, 1);
  }

  /** The book of a quote has so many guarded orders more, if its account has a protection. */
  #guard(slot: number, more: number): void {
    const book = this.#books[this.#slab.symbol(slot)];
    if (book !== undefined && this.#protections.has(this.#slab.account(slot))) book.guards += more;
  }

  /** Makes a new stop a pending one. @param bits beside its side. Returns its slot. */
  enterStop(bits: number): number {
    const slot = this.#acquire(bits);
    this.#slab.setNext(slot, this.#order.stopPrice);
    this.#stops.add(slot);
    this.#keepDisplay(slot);
    this.#open(slot);
    return slot;
  }

  /** Makes a new order at the open or at the close one that waits. Returns its slot. */
  enterWaiting(): number {
    const slot = this.#acquire(0);
    this.#slab.setFees(slot, this.#slab.fees(slot) | HAS_MORE);
    this.#waiting.add(slot);
    this.#open(slot);
    return slot;
  }

  /** Makes a new pegged order an open one, which is parked. @param limit its limit price. Returns its slot. */
  enterPeg(limit: PriceTicks): number {
    const { pegKind, pegOffset } = this.#order;
    const slot = this.#acquire(PEGGED_SIDE);
    this.addPeg(slot, pegKind, pegOffset, limit);
    this.#open(slot);
    return slot;
  }

  /** The order in `slot`, outside the book or in it, is a pegged one from now on. */
  addPeg(slot: number, kind: number, offset: number, limit: PriceTicks): void {
    const slab = this.#slab;
    const { icebergs } = slab;
    const at = slot << ICEBERG_SHIFT;
    icebergs[at + PegNumber.limit] = limit;
    icebergs[at + PegNumber.offset] = offset;
    icebergs[at + PegNumber.kind] = kind;
    slab.setFees(slot, slab.fees(slot) | HAS_MORE);
    if (slab.level(slot) === NIL) slab.setLevel(slot, PARKED);
    this.#pegs.add(slot);
  }

  /** Makes a new order a child that waits, which reserves nothing. @param bits beside its side. Returns its slot. */
  enterChild(bits: number): number {
    const slab = this.#slab;
    const slot = this.#acquire(bits);
    slab.setOpen(slot, 0);
    slab.setHeld(slot, 0);
    slab.setNext(slot, this.#order.stopPrice);
    slab.setLevel(slot, WAITS_FOR_PARENT);
    this.#keepDisplay(slot);
    this.#addOpen(slot);
    return slot;
  }

  /** Makes a new trailing stop a pending one. @param bits beside its side @param extreme price that it follows from, ticks; 0 = it waits for its activation price. Returns its slot. */
  enterTrail(bits: number, extreme: PriceTicks): number {
    const order = this.#order;
    const slot = this.#acquire(bits | TRAILING);
    this.#slab.setPrev(slot, order.trailOffset);
    if (extreme === 0) this.#stops.addWaiting(slot, order.activationPrice);
    else this.#stops.addFollowing(slot, extreme, false);
    if (order.reportTrail) this.#stops.reports.add(slot);
    this.#keepDisplay(slot);
    this.#open(slot);
    return slot;
  }

  /** Of a stop or a child: how it rests when it triggers or becomes live, if not as a plain order. */
  #keepDisplay(slot: number): void {
    const { lifetimeBits, displayed, orderKind } = this.#order;
    const reprice = Number(orderKind === OrderKind.PostOnlyReprice);
    if (lifetimeBits < ICEBERG_BIT && reprice === 0) return;
    const display = (lifetimeBits & HIDDEN_BIT) !== 0 ? 0 : (lifetimeBits & ICEBERG_BIT) !== 0 ? displayed : -1;
    this.icebergs.keep(slot, display, reprice);
  }

  /** A slot with the current order, which is not in the book yet. @param bits beside its side */
  #acquire(bits: number): number {
    const slab = this.#slab;
    const order = this.#order;
    const aggressor = this.#aggressor;
    const slot = slab.acquire(aggressor.orderId);
    const { words, doubles } = slab;
    const record = slot << TO_WORDS;
    const numbers = slot << TO_DOUBLES;
    doubles[numbers | CLIENT_ORDER_ID] = order.clientOrderId;
    doubles[numbers | OPEN] = aggressor.open;
    doubles[numbers | FILLED] = aggressor.filled;
    words[record | PRICE] = order.price;
    words[record | FEES] = (order.feeSchedule << TO_SCHEDULE) | aggressor.feeCarry;
    words[record | ACCOUNT] = order.account;
    const terms = order.symbol | ((order.side | bits) << 16) | ((order.timeInForce | order.lifetimeBits) << 24);
    words[record | TERMS] = terms;
    words[record | TAG] = order.tag;
    slab.termsHash[slot] = order.termsHash;
    slab.ownerAt[slot] = ownerWord(order.account, terms);
    return slot;
  }

  /** The current order is open from now on, in `slot`. */
  #open(slot: number): void {
    this.#addOpen(slot);
    this.hold(slot);
  }

  #addOpen(slot: number): void {
    const order = this.#order;
    this.#clientOrderIds.addResting(slot);
    this.#accounts.openOrders[order.account]++;
    if (order.timeInForce >= DAY && expires(order.timeInForce)) {
      this.#slab.endUs[slot] = order.expiryUs;
      this.#expire(slot);
    }
    if (order.flags > EXTENDED) this.setSession(slot, sessionNumberIn(order.flags));
  }

  /** Slot of the resting order that the command names, if account and symbol are those of the order; else -1. Symbol 0 names none. */
  find(orderId: number): number {
    const slab = this.#slab;
    const order = this.#order;
    const clientOrderIds = this.#clientOrderIds;
    let slot: number;
    if (orderId === 0) {
      slot = clientOrderIds.find(order.account, order.clientOrderId) - 1;
      if (slot < 0) return -1;
    } else {
      slot = slab.find(orderId);
      if (slot === -1 || slab.account(slot) !== order.account) return -1;
    }
    // Rules 1 and 2 ignored the symbol of a cancel or an amend.
    if (order.symbol !== 0 && order.symbol !== slab.symbol(slot) && clientOrderIds.rules >= 3) return -1;
    return slot;
  }

  /** Reserves the amount for the command's order, which now rests in `slot`. */
  hold(slot: number): void {
    const order = this.#order;
    this.#risks.of(order.symbol).hold(slot, order);
  }

  /** Removes a resting order from the book, a pending stop or an order that waits for its auction, and releases its reservation. */
  cancel(slot: number, code: Code, tag: number): void {
    const slab = this.#slab;
    if (slab.level(slot) < NIL) return this.#cancelPending(slot, code, tag);
    const books = this.#books;
    const risks = this.#risks;
    const symbol = slab.symbol(slot);
    const book = books[symbol] as OrderBook;
    if (slab.words[(slot << TO_WORDS) | FEES] < 0 && slab.isIceberg(slot)) this.icebergs.makeWhole(book, slot);
    book.remove(slot);
    this.publish(REMOVE, slot);
    risks.of(symbol).release(slot);
    this.#answers.cancelled(slot, code, tag);
    this.gone(slot);
  }

  #cancelPending(slot: number, code: Code, tag: number): void {
    if (this.#links.isWaiting(slot)) return this.followers?.cancelWaiting(slot, code, tag);
    this.#risks.of(this.#slab.symbol(slot)).release(slot);
    this.#answers.cancelled(slot, code, tag);
    if (this.#slab.isPegged(slot)) this.#slab.setLevel(slot, NIL);
    else if (!isAuctionOnly(this.#slab.timeInForce(slot))) this.#stops.end(slot);
    this.gone(slot);
  }

  /** Lowers the open quantity of a resting order, which keeps its priority. Its reservation is lowered before. */
  reduce(book: OrderBook, slot: number, open: QtyLots): void {
    if (!this.#slab.isIceberg(slot)) book.reduce(slot, open);
    else if (!this.icebergs.reduce(book, slot, open)) return this.#markAuction(this.#slab.symbol(slot));
    this.publish(REDUCE, slot);
  }

  /** Releases the slot of an order that no longer rests. Its id stays remembered. An iceberg may have a further part, and rests with it. */
  gone(slot: number): void {
    const slab = this.#slab;
    if (slab.words[(slot << TO_WORDS) | FEES] < 0) return this.#moreGone(slot);
    this.#accounts.openOrders[slab.account(slot)]--;
    this.#clientOrderIds.rememberResting(slot);
    slab.release(slot);
  }

  /** Lots that are open, or may become live yet. */
  leaves(slot: number): QtyLots {
    const slab = this.#slab;
    const open = slab.total(slot);
    return (slab.sideBits(slot) & LINKED) === 0 ? open : open + this.#links.later(slot);
  }

  /** Displays the next part of an iceberg, or lets a child wait for more. Returns false if the order is at its end. */
  #goesOn(slot: number): boolean {
    if ((this.#slab.sideBits(slot) & LINKED) !== 0 && this.#slab.total(slot) === 0 && this.followers?.parks(slot) === true) return true;
    if (!this.#slab.isIceberg(slot) || !this.icebergs.goesOn(slot)) return false;
    this.publish(ADD, slot);
    return true;
  }

  /** The same for an order that has more than its record. */
  #moreGone(slot: number): void {
    if (this.#goesOn(slot)) return;
    this.#accounts.openOrders[this.#slab.account(slot)]--;
    // It may have lost its last link, and with it all that it had.
    if (this.#slab.fees(slot) < 0) this.#endMore(slot);
    else this.#clientOrderIds.rememberResting(slot);
    this.#slab.release(slot);
  }

  #endMore(slot: number): void {
    const bits = this.#slab.sideBits(slot);
    this.#expiries.remove(slot);
    this.#slab.session[slot] = 0;
    if (isAuctionOnly(this.#slab.timeInForce(slot))) this.#waiting.remove(slot);
    if ((bits & PEGGED_SIDE) !== 0) this.#pegs.remove(slot);
    if (this.#slab.isHidden(slot)) (this.#books[this.#slab.symbol(slot)] as OrderBook).hiddenGone(slot);
    if ((bits & QUOTE) === 0) this.#clientOrderIds.rememberResting(slot);
    else {
      this.#quotes.remove(slot);
      this.#guard(slot, -1);
    }
    if ((bits & LINKED) !== 0) this.followers?.ended(slot);
  }

  /** The resting order in `slot`, which has more than its record, trades `lots`; its open quantity is that of before. */
  filled(slot: number, lots: QtyLots): void {
    if ((this.#slab.sideBits(slot) & LINKED) !== 0) this.followers?.filled(slot, lots);
  }

  /** The resting order in `slot`, which has more than its record, was reduced without a trade. */
  reduced(slot: number): void {
    if ((this.#slab.sideBits(slot) & LINKED) !== 0) this.followers?.reduced(slot);
  }

  /** The end of this session of its account cancels the order from now on. @param session 0 = none */
  setSession(slot: number, session: number): void {
    if (this.#clientOrderIds.rules < 6) return;
    if (session !== 0) this.#slab.setFees(slot, this.#slab.fees(slot) | HAS_MORE);
    this.#slab.session[slot] = session;
  }

  /** The order in `slot` has an end, which is in its column. */
  #expire(slot: number): void {
    this.#slab.setFees(slot, this.#slab.fees(slot) | HAS_MORE);
    this.#expiries.add(slot);
  }

  /** Publishes an event of a resting order, with its open quantity, and marks that an auction's indicative price may have changed. */
  publish(kind: number, slot: number): void {
    const symbol = this.#slab.symbol(slot);
    this.#market.order(kind, slot);
    this.#markAuction(symbol);
  }

  #markAuction(symbol: number): void {
    if (this.#symbols.phase[symbol] === AUCTION) this.#changedAuctions.add(symbol);
  }

  save(out: RowWriter): void {
    const slab = this.#slab;
    const books = this.#books;
    for (const book of books) {
      if (book === undefined) continue;
      const firstHidden = this.icebergs.firstArrival(book);
      for (const side of [Side.Buy, Side.Sell]) {
        book.ordersInPriority(side, (slot) => {
          out.row(
            RowKind.Order,
            slab.id[slot],
            slab.clientOrderId(slot),
            slab.price(slot),
            slab.total(slot),
            slab.filled(slot),
            slab.account(slot),
            slab.symbol(slot),
            side + (slab.sideBits(slot) & (HIDDEN_SIDE | PEGGED_SIDE)),
            slab.lifetime(slot),
            slab.tag(slot),
            slab.termsHash[slot],
          );
          this.saveTerms(out, slot);
          if (firstHidden !== Number.POSITIVE_INFINITY) this.icebergs.saveArrival(out, slot, firstHidden);
        });
      }
    }
    if (this.#clientOrderIds.rules >= 3) this.#savePayers(out);
  }

  /** Writes the terms of an open order that are in rows of their own. */
  saveTerms(out: RowWriter, slot: number): void {
    this.#saveFees(out, slot);
    if (this.#slab.fees(slot) >= 0) return;
    const expiryUs = this.#expiries.timeOf(slot);
    if (expiryUs < Number.POSITIVE_INFINITY) out.row(RowKind.OrderExpiry, this.#slab.id[slot], expiryUs);
    if (this.#slab.session[slot] !== 0) out.row(RowKind.SessionOrder, this.#slab.id[slot], this.#slab.session[slot]);
    if (this.#slab.isIceberg(slot)) this.icebergs.save(out, slot);
  }

  /** Writes the fees of an order that are not those of a new order. */
  #saveFees(out: RowWriter, slot: number): void {
    const schedules = this.#feeSchedules;
    const fees = this.#slab.fees(slot) & ~HAS_MORE;
    if (fees === this.newFees(this.#slab.symbol(slot))) return;
    const schedule = scheduleOf(fees);
    out.row(RowKind.OrderFees, this.#slab.id[slot], fees & CARRY_MASK, schedules.makerPpm[schedule], schedules.takerPpm[schedule]);
  }

  /** The word of fees of a new order. */
  newFees(symbol: number): number {
    return feesWord(this.#feeSchedules.baseOf(symbol), this.#feeSchedules.firstCarry);
  }

  /** Writes the payers of level pages. A page without a row has the first order in priority as its payer, as after a load. */
  #savePayers(out: RowWriter): void {
    const slab = this.#slab;
    for (const book of this.#books) {
      if (book === undefined) continue;
      for (const side of [Side.Buy, Side.Sell]) {
        let page = -1;
        book.ordersInPriority(side, (slot) => {
          const first = slab.price(slot) >>> PAGE_BITS !== page;
          page = slab.price(slot) >>> PAGE_BITS;
          if (!first && book.isPayer(slot)) out.row(RowKind.LevelPayer, slab.id[slot]);
        });
      }
    }
  }

  load(r: Float64Array, at: number): void {
    const slab = this.#slab;
    const books = this.#books;
    if (r[at] === RowKind.LevelPayer) {
      const payer = slab.find(r[at + 1]);
      if (payer === -1) fail(`the snapshot has a level page of order ${r[at + 1]}, which does not rest`);
      (books[slab.symbol(payer)] as OrderBook).setPayer(payer);
      return;
    }
    if (r[at] === RowKind.OrderFees) return this.#loadFees(r, at);
    if (r[at] === RowKind.OrderExpiry) return this.#loadExpiry(r, at);
    if (r[at] === RowKind.Iceberg) return this.icebergs.load(r, at);
    if (r[at] === RowKind.SessionOrder) return this.#loadSession(r, at);
    const symbol = r[at + 7];
    const slot = this.#loadOrder(r, at, r[at + 8], r[at + 9], r[at + 10], r[at + 11]);
    slab.setFilled(slot, r[at + 5]);
    if (books[symbol]?.rest(slot, ANY_SHARE) !== true)
      fail('the snapshot has more price levels than limits.pages hold; start with a larger limit');
    if (slab.isHidden(slot)) this.icebergs.enterHidden(books[symbol] as OrderBook, slot);
    this.#risks.of(symbol).noteLoaded(slot);
    if (!isAuctionOnly(slab.timeInForce(slot))) return;
    this.#symbols.auctionOrders[symbol] = 1;
    books[symbol].auction.hasMarketOrders = true;
    if (isAuctionMarket(slab.lifetime(slot))) books[symbol].places.noteMarket(slot);
    slab.setFees(slot, slab.fees(slot) | HAS_MORE);
    this.#waiting.addToBook(slot);
  }

  /** Opens the waiting order in a row of {@link RowKind.WaitingOrder}. */
  loadWaiting(r: Float64Array, at: number, side: number, lifetime: number): void {
    const slot = this.#loadOrder(r, at, side, lifetime, r[at + 9], r[at + 10]);
    this.#slab.setFilled(slot, 0);
    this.#slab.setFees(slot, this.#slab.fees(slot) | HAS_MORE);
    this.#waiting.add(slot);
    this.#risks.of(r[at + 7]).noteLoaded(slot);
  }

  /** Opens the parked order in a row of {@link RowKind.ParkedPeg}, whose terms come in the next one. */
  loadParked(r: Float64Array, at: number, side: number, lifetime: number): void {
    const slot = this.#loadOrder(r, at, side + PEGGED_SIDE, lifetime, r[at + 9], r[at + 10]);
    this.#slab.setFilled(slot, r[at + 5]);
    this.#slab.setLevel(slot, PARKED);
  }

  /** Opens the waiting child in a row of {@link RowKind.WaitingChild}. */
  loadChild(r: Float64Array, at: number, sideBits: number, lifetime: number): void {
    const slab = this.#slab;
    const slot = this.#loadOrder(r, at, sideBits, lifetime, r[at + 9], r[at + 10]);
    slab.setOpen(slot, 0);
    slab.setFilled(slot, r[at + 4]);
    slab.setHeld(slot, 0);
    slab.setNext(slot, r[at + 5]);
    slab.setLevel(slot, WAITS_FOR_PARENT);
  }

  /** Opens the pending stop in a row of {@link RowKind.StopOrder}; the caller adds a trailing one. Returns its slot. @param sideBits side, and the bits beside it */
  loadStop(r: Float64Array, at: number, sideBits: number, lifetime: number): number {
    const slot = this.#loadOrder(r, at, sideBits, lifetime, r[at + 9], r[at + 10]);
    this.#slab.setHeld(slot, r[at + 11]);
    if ((sideBits & TRAILING) !== 0) return slot;
    this.#slab.setNext(slot, r[at + 5]);
    this.#stops.add(slot);
    return slot;
  }

  /** The fields that the rows of both have, and the account's count of open orders. */
  #loadOrder(r: Float64Array, at: number, sideBits: number, lifetime: number, tag: number, termsHash: number): number {
    const slab = this.#slab;
    const slot = slab.acquire(r[at + 1]);
    if (slot === -1) fail(`the snapshot has more open orders than limits.orders = ${slab.capacity}; start with a larger limit`);
    slab.setClientOrderId(slot, r[at + 2]);
    slab.setPrice(slot, r[at + 3]);
    slab.setOpen(slot, r[at + 4]);
    slab.setTerms(slot, r[at + 6], r[at + 7], sideBits, lifetime);
    slab.setTag(slot, tag);
    slab.termsHash[slot] = termsHash;
    slab.setFees(slot, this.newFees(r[at + 7]));
    if (r[at + 2] === 0) {
      slab.setTerms(slot, r[at + 6], r[at + 7], sideBits | QUOTE, lifetime);
      this.#addQuote(slot);
      return slot;
    }
    assert(this.#clientOrderIds.find(r[at + 6], r[at + 2]) === 0, 'client order id of a loaded order is new');
    this.#clientOrderIds.addResting(slot);
    this.#accounts.openOrders[r[at + 6]]++;
    return slot;
  }

  #loadExpiry(r: Float64Array, at: number): void {
    const slot = this.#slab.find(r[at + 1]);
    if (slot === -1) fail(`the snapshot has an expiry of order ${r[at + 1]}, which does not rest`);
    this.#slab.endUs[slot] = r[at + 2];
    this.#expire(slot);
  }

  #loadSession(r: Float64Array, at: number): void {
    const slot = this.#slab.find(r[at + 1]);
    if (slot === -1) fail(`the snapshot has a session of order ${r[at + 1]}, which does not rest`);
    this.setSession(slot, r[at + 2]);
  }

  #loadFees(r: Float64Array, at: number): void {
    const slab = this.#slab;
    const slot = slab.find(r[at + 1]);
    if (slot === -1) fail(`the snapshot has fees of order ${r[at + 1]}, which does not rest`);
    slab.setFees(slot, (slab.fees(slot) & HAS_MORE) | feesWord(this.#feeSchedules.restore(r[at + 3], r[at + 4]), r[at + 2]));
    // The amount that a pending stop holds is in its row.
    if (slab.level(slot) > NIL || isAuctionOnly(slab.timeInForce(slot))) this.#risks.of(slab.symbol(slot)).noteLoaded(slot);
  }
}
