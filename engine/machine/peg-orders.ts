import type { OrderBook } from '../book/order-book.ts';
import { ICEBERG_SHIFT, PARKED, PegNumber } from '../book/order-slab.ts';
import { Code } from '../codes.ts';
import { CARRY_MASK, scheduleOf } from '../rules/fee-schedules.ts';
import type { OrderChecks } from '../rules/order-checks.ts';
import { PegChecks } from '../rules/peg-checks.ts';
import type { PeggedOrders } from '../rules/pegged-orders.ts';
import { RowKind, type RowWriter, type StatePart } from '../state-part.ts';
import type { PriceTicks } from '../units.ts';
import { Phase, ReportKind, Side } from '../wire/layout.ts';
import { MarketEventKind } from '../wire/market-event.ts';
import { LIFETIME_BITS, OrderKind } from '../wire/order-kinds.ts';
import type { Answers } from './answers.ts';
import { ReportFlag } from './report-writer.ts';
import type { RestingOrders } from './resting-orders.ts';
import type { MachineState } from './state.ts';

const NIL = -1;
const { OK } = Code;
const { Amended: AMENDED, AmendRejected: AMEND_REJECTED } = ReportKind;
const { Add: ADD, Reduce: REDUCE, Remove: REMOVE } = MarketEventKind;
/** In the row of a parked order, the time in force and the bits beside it are above the byte of the side. */
const LIFETIME = 256;

/** Pegged orders that get another price with one command at most, are parked, or enter the book. */
export const REPRICES_PER_COMMAND = 256;
/** Pegged orders that one command looks at, at most. */
export const PEGS_LOOKED_AT = 1024;

/**
 * Pegged orders: new ones, amends, what they follow after each command, and their rows.
 *
 * After a command they are repriced as one batch, in the order of their entry; what exceeds the share of one command goes on after
 * the next command or tick. Another price loses the place: the order is last at it. One whose price stays keeps its place.
 * Without a reference, and in an auction, they are parked: outside the book, with their funds held. While the symbol is
 * halted or closed, they stay as they are. Owned by the engine thread.
 */
export class PegOrders implements StatePart {
  readonly kinds = [RowKind.Peg, RowKind.ParkedPeg, RowKind.PegRound];
  /** Tests lower them. */
  perCommand: number = REPRICES_PER_COMMAND;
  lookedAt: number = PEGS_LOOKED_AT;
  readonly checks: PegChecks;
  readonly #state: MachineState;
  readonly #pegs: PeggedOrders;
  readonly #answers: Answers;
  readonly #resting: RestingOrders;
  readonly #endsNow: (slot: number) => boolean;
  readonly #noteChange: (symbol: number) => void;
  /** What the command `#seq` may still look at, and reprice. */
  #looks = 0;
  #moves = 0;
  #seq = 0;

  /** @param endsNow ends the order in a slot if its end has come, and returns true then */
  constructor(state: MachineState, checks: OrderChecks, answers: Answers, resting: RestingOrders, endsNow: (slot: number) => boolean) {
    this.#endsNow = endsNow;
    this.#state = state;
    this.#pegs = state.pegs;
    this.checks = new PegChecks(state, checks);
    this.#answers = answers;
    this.#resting = resting;
    this.#noteChange = (symbol) => this.#pegs.note(symbol);
  }

  /** Accepts the current order. Returns the code of its reject otherwise, which the caller answers. */
  enter(): Code {
    const state = this.#state;
    const { order, aggressor } = state;
    const code = state.rules < 6 ? Code.UNSUPPORTED_TERM : this.checks.newOrder(order);
    if (code !== OK) return code;
    const { symbol, price: limit } = order;
    const book = this.#follow(symbol);
    aggressor.orderId = ++state.lastOrderId;
    aggressor.open = order.quantity;
    aggressor.filled = 0;
    aggressor.feeCarry = order.feeCarry;
    order.price = this.#pegs.price(symbol, order.side, order.pegKind, order.pegOffset, limit);
    this.#answers.acceptedPeg();
    const slot = this.#resting.enterPeg(limit);
    if (order.price !== 0) this.#enterBook(slot, book, order.price);
    this.#pegs.note(symbol);
    return OK;
  }

  /** Call it after a command when `pegs.pending`. */
  run(): void {
    const pegs = this.#pegs;
    const { seq } = this.#state;
    if (this.#seq !== seq) {
      this.#seq = seq;
      this.#looks = this.lookedAt;
      this.#moves = this.perCommand;
    }
    while (pegs.active.length > 0) {
      const symbol = pegs.active.first;
      if (!this.#run(symbol)) {
        pegs.passTurn(symbol);
        break;
      }
      pegs.finish(symbol);
    }
    pegs.pending = pegs.active.length > 0;
  }

  /** Parks all pegged orders of a symbol, however many. Call it before the book of an auction counts as complete. */
  park(symbol: number): void {
    const pegs = this.#pegs;
    const book = this.#state.books[symbol] as OrderBook;
    for (let slot = pegs.first(symbol); slot !== NIL; slot = pegs.next(slot)) if (this.#rests(slot)) this.#leaveBook(slot, book);
  }

  /** Returns false when the share of the command is used up. */
  #run(symbol: number): boolean {
    const book = this.#state.books[symbol] as OrderBook;
    while (this.#looks > 0 && this.#moves > 0) {
      const slot = this.#pegs.take(symbol);
      if (slot === NIL) return true;
      this.#looks--;
      if (!this.#endsNow(slot)) this.#reprice(slot, book);
    }
    return false;
  }

  #reprice(slot: number, book: OrderBook): void {
    const { slab } = this.#state;
    const price = this.#pegs.priceOf(slot);
    if (price === slab.price(slot)) return;
    this.#moves--;
    if (this.#rests(slot)) this.#leaveBook(slot, book);
    if (price !== 0) this.#enterBook(slot, book, price);
  }

  #rests(slot: number): boolean {
    return this.#state.slab.level(slot) > NIL;
  }

  #leaveBook(slot: number, book: OrderBook): void {
    const { slab } = this.#state;
    book.remove(slot);
    this.#resting.publish(REMOVE, slot);
    slab.setPrice(slot, 0);
    slab.setLevel(slot, PARKED);
  }

  /** The parked order in `slot` rests last at its price; or it ends, because there is no level page for it. */
  #enterBook(slot: number, book: OrderBook, price: PriceTicks): void {
    const { slab, risks } = this.#state;
    slab.setPrice(slot, price);
    slab.setLevel(slot, NIL);
    if (!book.rest(slot)) {
      risks.of(slab.symbol(slot)).release(slot);
      this.#answers.cancelled(slot, book.noRoomCode(), slab.tag(slot));
      return this.#resting.gone(slot);
    }
    if (book.hiddenOrders !== 0) this.#resting.icebergs.arrived(slot);
    this.#resting.publish(ADD, slot);
  }

  /** Amends the pegged order in `slot`, which the current command names: its limit and its quantity. */
  amend(slot: number): void {
    const { order, slab } = this.#state;
    let code: Code = order.lifetimeBits !== 0 ? Code.DISPLAYED_QUANTITY : OK;
    if (order.stopPrice !== 0) code = order.trailOffset === 0 ? Code.STOP_PRICE : Code.TRAIL_OFFSET;
    this.#read(slot);
    const lowers = order.price === slab.limit(slot) && order.quantity <= slab.open(slot);
    if (code !== OK) this.checks.count(order.account);
    else code = lowers ? this.checks.lower(order, slot) : this.checks.amend(order, slot);
    const price = lowers ? slab.price(slot) : this.#priceAt(slot, order.price);
    const moves = price !== slab.price(slot) || (this.#rests(slot) && order.quantity > slab.open(slot));
    if (code === OK && moves) code = this.#room(slot, price);
    if (code !== OK) {
      this.#answers.reply(AMEND_REJECTED, code, slab.id[slot], order.price, order.quantity, slab.open(slot), slab.filled(slot));
      if (code === Code.THROTTLED || code === Code.ORDER_TO_TRADE) this.#answers.notBefore();
    } else if (lowers && order.quantity === slab.open(slot)) this.#answers.resting(AMENDED, ReportFlag.KeptPriority, OK, slot, order.tag);
    else this.#change(slot, price, moves);
  }

  #change(slot: number, price: PriceTicks, moves: boolean): void {
    const { order, slab, risks, books } = this.#state;
    const book = books[order.symbol] as OrderBook;
    const risk = risks.of(order.symbol);
    risk.release(slot);
    if (moves && this.#rests(slot)) this.#leaveBook(slot, book);
    slab.icebergs[(slot << ICEBERG_SHIFT) + PegNumber.limit] = order.price;
    if (!this.#rests(slot)) slab.setOpen(slot, order.quantity);
    else if (order.quantity < slab.open(slot)) {
      book.reduce(slot, order.quantity);
      this.#resting.publish(REDUCE, slot);
    }
    risk.hold(slot, order);
    if (moves) slab.setPrice(slot, price);
    this.#answers.resting(AMENDED, moves ? 0 : ReportFlag.KeptPriority, OK, slot, order.tag);
    if (moves && price !== 0) this.#enterBook(slot, book, price);
  }

  /** Its price if its limit was another one. In an auction, it stays as it is until it is parked. */
  #priceAt(slot: number, limit: PriceTicks): PriceTicks {
    const { slab, symbols } = this.#state;
    const { icebergs } = slab;
    const at = slot << ICEBERG_SHIFT;
    const symbol = slab.symbol(slot);
    if (symbols.phase[symbol] !== Phase.Continuous) return slab.price(slot);
    return this.#pegs.price(symbol, slab.side(slot), icebergs[at + PegNumber.kind], icebergs[at + PegNumber.offset], limit);
  }

  /** Whether the resting order in `slot` can rest at another price. */
  #room(slot: number, price: PriceTicks): Code {
    const { slab, books } = this.#state;
    if (price === 0 || !this.#rests(slot)) return OK;
    const book = books[slab.symbol(slot)] as OrderBook;
    const ladder = slab.side(slot) === Side.Buy ? book.bids : book.asks;
    return ladder.hasPage(price ^ ladder.flip) ? OK : book.roomForMove(slot);
  }

  /** Sets the terms of the order in `slot` that a command cannot change. */
  #read(slot: number): void {
    const { order, slab } = this.#state;
    order.symbol = slab.symbol(slot);
    order.side = slab.side(slot);
    order.timeInForce = slab.timeInForce(slot);
    order.orderKind = OrderKind.Pegged;
    order.lifetimeBits = slab.lifetime(slot) & LIFETIME_BITS;
    order.clientOrderId = slab.clientOrderId(slot);
    order.feeSchedule = scheduleOf(slab.fees(slot));
    order.feeCarry = slab.fees(slot) & CARRY_MASK;
  }

  /** The book of a symbol with pegged orders. */
  #follow(symbol: number): OrderBook {
    const book = this.#state.books[symbol] as OrderBook;
    if (book.followed === 0) book.follow(this.#noteChange);
    return book;
  }

  save(out: RowWriter): void {
    const { rounds, active } = this.#pegs;
    for (const symbol of rounds.keys())
      for (let slot = this.#pegs.first(symbol); slot !== NIL; slot = this.#pegs.next(slot)) this.#save(out, slot);
    for (let i = 0; i < active.length; i++) this.#saveRound(out, active.at(i), 1);
    for (const symbol of rounds.keys()) if (!active.includes(symbol)) this.#saveRound(out, symbol, 0);
  }

  #save(out: RowWriter, slot: number): void {
    const { slab } = this.#state;
    const id = slab.id[slot];
    if (!this.#rests(slot)) {
      const terms = slab.side(slot) + slab.lifetime(slot) * LIFETIME;
      const [open, filled, account] = [slab.open(slot), slab.filled(slot), slab.account(slot)];
      const rest = [slab.tag(slot), slab.termsHash[slot]];
      out.row(RowKind.ParkedPeg, id, slab.clientOrderId(slot), 0, open, filled, account, slab.symbol(slot), terms, ...rest);
      this.#resting.saveTerms(out, slot);
    }
    const at = slot << ICEBERG_SHIFT;
    const { icebergs } = slab;
    out.row(RowKind.Peg, id, icebergs[at + PegNumber.kind], icebergs[at + PegNumber.offset], icebergs[at + PegNumber.limit]);
  }

  #saveRound(out: RowWriter, symbol: number, active: number): void {
    const round = this.#pegs.rounds[symbol];
    if (round === undefined || round.count === 0) return;
    const next = round.cursor === NIL ? 0 : this.#state.slab.id[round.cursor];
    out.row(RowKind.PegRound, symbol, ...round.seen, round.left, next, active);
  }

  load(r: Float64Array, at: number): void {
    if (r[at] === RowKind.PegRound) return this.#loadRound(r, at);
    if (r[at] === RowKind.ParkedPeg) {
      const terms = r[at + 8];
      return this.#resting.loadParked(r, at, terms % LIFETIME, Math.floor(terms / LIFETIME));
    }
    const { slab, risks } = this.#state;
    const slot = slab.find(r[at + 1]);
    const symbol = slab.symbol(slot);
    this.#follow(symbol);
    this.#resting.addPeg(slot, r[at + 2], r[at + 3], r[at + 4]);
    // What it holds back is that of its limit.
    risks.of(symbol).noteLoaded(slot);
  }

  #loadRound(r: Float64Array, at: number): void {
    const pegs = this.#pegs;
    const symbol = r[at + 1];
    const round = pegs.open(symbol);
    round.seen.set(r.subarray(at + 2, at + 2 + round.seen.length));
    const [left, next, active] = r.subarray(at + 2 + round.seen.length);
    round.left = left;
    round.cursor = next === 0 ? NIL : this.#state.slab.find(next);
    if (active === 1) pegs.note(symbol);
  }
}
