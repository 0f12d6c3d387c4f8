import type { Allocate } from '../allocate.ts';
import { fail } from '../assert.ts';
import { OrderBook } from '../book/order-book.ts';
import { Code } from '../codes.ts';
import type { Limits } from '../limits.ts';
import { SymbolParam } from '../params.ts';
import { AccountRows, AssetRows } from '../rules/account-rows.ts';
import { ControlRows } from '../rules/control-rows.ts';
import { FeeTierRows } from '../rules/fee-tier-rows.ts';
import { OrderChecks } from '../rules/order-checks.ts';
import type { PendingStops } from '../rules/pending-stops.ts';
import { PositionLimitRows } from '../rules/position-limit-rows.ts';
import { SymbolRows } from '../rules/symbol-rows.ts';
import type { StatePart } from '../state-part.ts';
import type { Seq, TimeUs } from '../units.ts';
import { Command, CommandExtension, CommandFlag, CommandKind, Phase, ReportKind, Side, SubPhase, TimeInForce } from '../wire/layout.ts';
import { MarketEventKind } from '../wire/market-event.ts';
import { LAST_SHORT_TIME_IN_FORCE } from '../wire/order-kinds.ts';
import { Administration } from './administration.ts';
import { AmendCancel } from './amend-cancel.ts';
import { Answers } from './answers.ts';
import { AuctionOrders } from './auction-orders.ts';
import { BandedMatch } from './banded-match.ts';
import { CancelAfters } from './cancel-afters.ts';
import { Configuration } from './configuration.ts';
import { DueEnds } from './due-ends.ts';
import { Expiry } from './expiry.ts';
import { MALFORMED, PendingExtension } from './extension.ts';
import { GuardedMatch } from './guarded-match.ts';
import { Interruptions } from './interruptions.ts';
import { LinkedOrders } from './linked-orders.ts';
import { MassCancels } from './mass-cancels.ts';
import { NewOrder } from './new-order.ts';
import { OrderChildren } from './order-children.ts';
import { EXPIRING_RETRY_US, OrderLists } from './order-lists.ts';
import { PegOrders } from './peg-orders.ts';
import { QuoteOrders } from './quote-orders.ts';
import { QuoteProtection } from './quote-protection.ts';
import { ReportFlag } from './report-writer.ts';
import { RestingOrders } from './resting-orders.ts';
import { Settlement } from './settlement.ts';
import { type ExchangeOutputs, MachineState } from './state.ts';
import { StateDigest } from './state-digest.ts';
import { StopOrders } from './stop-orders.ts';
import { Triggers } from './triggers.ts';

export type { ExchangeOutputs } from './state.ts';

/** The words of a command are a power of two, so `|` adds a field to the first one, and cannot overflow. */
const TO_WORDS = 31 - Math.clz32(Command.bytes / 4);
const SEQ = Command.seq / 4;
const TIME = Command.timeUs / 4;
const { New: NEW, Cancel: CANCEL, Amend: AMEND, Configure: CONFIGURE, StateDigest: STATE_DIGEST } = CommandKind;
const TWO_32 = 2 ** 32;
const FIRST_ADMIN_KIND = CommandKind.DefineAsset;
const { Extended: EXTENDED } = CommandFlag;
const { Sell: SELL } = Side;
const LAST_SHORT = LAST_SHORT_TIME_IN_FORCE;

/**
 * The state machine of a shard. One step applies a command to balances and
 * books, and writes reports and market events. It uses no clock, no random
 * numbers, and no input or output: the same commands give the same state and the
 * same reports on any machine.
 *
 * One thread owns it. Without `outputs` it writes no reports and no events
 * (replay, verification).
 */
export class Exchange extends MachineState {
  /** The logged rules and capacities. */
  readonly configuration: Configuration;
  readonly digest: StateDigest;
  readonly auctionOrders: AuctionOrders;
  readonly massCancels: MassCancels;
  readonly pegOrders: PegOrders;
  readonly children: OrderChildren;
  /** The parts of a snapshot, in the canonical order of rows, after the row of seq, time and last order id. */
  readonly parts: readonly StatePart[];
  readonly #extension = new PendingExtension();
  readonly #answers: Answers;
  readonly #newOrder: NewOrder;
  readonly #lists: OrderLists;
  readonly #amendCancel: AmendCancel;
  readonly #quoteOrders: QuoteOrders;
  readonly #settlement: Settlement;
  readonly #administration: Administration;
  readonly #cancelAfters: CancelAfters;
  readonly #dueEnds: DueEnds;
  readonly #interruptions: Interruptions;
  readonly triggers: Triggers;
  readonly #stops: PendingStops;
  /** The deadline at the last call of `deadlineChanged`. */
  readonly #deadline = new Float64Array(1).fill(Number.NaN);

  constructor(limits: Limits, outputs?: ExchangeOutputs, allocate?: Allocate) {
    super(limits, outputs, allocate);
    const checks = new OrderChecks(this);
    const openBook = (symbol: number): void => this.#openBook(symbol);
    this.#answers = new Answers(this);
    const resting = new RestingOrders(this, this.#answers);
    const protection = new QuoteProtection(this, resting);
    const guarded = new GuardedMatch(this, this.#answers, resting, protection);
    const isReady = (symbol: number): boolean => !this.#dueEnds.more && !this.auctionOrders.enters(symbol) && this.pegs.areParked(symbol);
    this.#interruptions = new Interruptions(
      this,
      (symbol) => {
        this.#dueEnds.clearBook(symbol);
        this.pegOrders.park(symbol);
      },
      (symbol) => this.#administration.uncross(symbol),
      isReady,
    );
    const banded = new BandedMatch(this, guarded, this.#interruptions);
    this.auctionOrders = new AuctionOrders(this, checks, this.#answers, resting, (slot) => this.#dueEnds.end(slot));
    const stopOrders = new StopOrders(this, checks, this.#answers, resting, this.auctionOrders);
    this.pegOrders = new PegOrders(this, checks, this.#answers, resting, (slot) => this.#dueEnds.end(slot));
    this.#newOrder = new NewOrder(this, checks, this.#answers, resting, guarded, banded, stopOrders, this.auctionOrders, this.pegOrders);
    const linked = new LinkedOrders(this, this.#answers, resting);
    resting.followers = linked;
    this.children = new OrderChildren(this, checks, this.#answers, resting, this.#newOrder, linked, {
      isMore: () => this.#dueEnds.more,
      end: (slot) => this.#dueEnds.end(slot),
      clearWay: (book, side) => this.#dueEnds.clearWay(book, side),
    });
    linked.children = this.children;
    this.#lists = new OrderLists(this, checks, this.#answers, resting, this.#newOrder, stopOrders, linked, this.children, this.#extension);
    this.#amendCancel = new AmendCancel(this, checks, this.#answers, resting, guarded, banded, stopOrders, this.pegOrders, linked);
    this.#quoteOrders = new QuoteOrders(this, checks, this.#answers, resting, guarded, banded, protection);
    this.#settlement = new Settlement(this, resting);
    this.massCancels = new MassCancels(this, checks, this.#answers, resting);
    this.#administration = new Administration(
      this,
      resting,
      this.#interruptions,
      this.massCancels,
      this.auctionOrders,
      protection,
      this.pegOrders,
      openBook,
      isReady,
      (symbol) => this.children.areDue(symbol),
    );
    this.#cancelAfters = new CancelAfters(this, checks, this.#answers, this.massCancels);
    this.#dueEnds = new DueEnds(this, resting, new Expiry(this, resting), this.massCancels, this.#cancelAfters, this.auctionOrders);
    this.triggers = new Triggers(this, checks, this.#answers, resting, guarded, banded, this.#dueEnds, linked, this.children);
    this.#stops = this.stops;
    this.configuration = new Configuration(this);
    this.digest = new StateDigest(this);
    this.parts = [
      this.configuration,
      new AssetRows(this.accounts),
      new SymbolRows(this.symbols, this.accounts, this.feeSchedules, openBook),
      this.#interruptions,
      new AccountRows(this.accounts),
      new ControlRows(this),
      new FeeTierRows(this.feeTiers, this.accounts, this.risks),
      this.protections,
      resting,
      stopOrders,
      this.auctionOrders,
      this.pegOrders,
      this.children.rows,
      linked,
      new PositionLimitRows(this.accounts, this.risks),
      this.clientOrderIds,
      this.idempotencyKeys,
      this.digest,
      this.#extension,
      this.#lists,
      this.massCancels,
      this.#cancelAfters,
    ];
  }

  /**
   * Applies the command in a slot of a command ring or log chunk, given through its byte and word views.
   * @throws InvariantError if the command does not follow the last one, or money is not conserved
   * @throws NewerRulesError, CapacityError, DivergedError in a replay
   */
  apply(bytes: Uint8Array, words: Int32Array, slot: number): void {
    const w = slot << TO_WORDS;
    // Each word is read once, for numbers and for reports.
    const seqLow = words[w | SEQ];
    const seqHigh = words[w | SEQ | 1];
    const timeLow = words[w | TIME];
    const timeHigh = words[w | TIME | 1];
    const seq = seqHigh * TWO_32 + (seqLow >>> 0);
    if (seq !== this.seq + 1) outOfOrder(seq, this.seq);
    const timeUs = timeHigh * TWO_32 + (timeLow >>> 0);
    const { order, reports, market } = this;
    this.seq = seq;
    this.timeUs = timeUs;
    reports.seqLow = seqLow;
    reports.seqHigh = seqHigh;
    reports.timeLow = timeLow;
    reports.timeHigh = timeHigh;
    market.seq = seq;
    market.timeUs = timeUs;
    order.read(words, slot);
    const { kind } = order;
    const { wakes } = this;
    const due = (timeUs >= wakes[0] || timeUs >= wakes[1] || timeUs >= wakes[2]) && this.#wake(timeUs);
    if (this.#stops.pending === true && !isEngines(kind)) {
      this.triggers.run(false);
      order.read(words, slot);
    }
    if (due && !this.#dueEnds.clear()) this.#rejectForNow(kind, words, slot);
    else if ((order.flags & EXTENDED) !== 0 || this.#extension.pending === true) this.#applyLong(kind, bytes, words, slot);
    else if (kind === AMEND) this.#amendCancel.amend();
    else if (kind === NEW && order.side <= SELL && order.timeInForce <= LAST_SHORT) this.#newOrder.apply();
    else this.#applyOther(kind, bytes, words, slot);
    if (this.#stops.pending === true && !isEngines(kind)) this.triggers.run(true);
    if (this.pegs.pending === true && !isEngines(kind)) this.pegOrders.run();
    this.accounts.checkConservation();
    if (this.rules !== 1) this.digest.fold(seq);
  }

  /** Something has come to its time. Returns true if more orders are due than one command ends. */
  #wake(timeUs: TimeUs): boolean {
    const { wakes } = this;
    const due = (timeUs >= wakes[0] || timeUs >= wakes[1]) && this.#dueEnds.run();
    if (timeUs >= wakes[2]) this.#interruptions.run();
    return due;
  }

  /** More orders are due in the way of a new order or an amend than one command cancels. */
  #rejectForNow(kind: number, words: Int32Array, slot: number): void {
    const { order } = this;
    const { words: extension, pending } = this.#extension;
    if (pending) this.#extension.drop();
    const link = pending ? extension[CommandExtension.link / 4] : 0;
    if (kind === NEW && link !== 0) return this.#lists.add(link, extension, words, slot, true);
    if (kind === CommandKind.Quote) return this.#quoteOrders.rejectForNow(this.timeUs + EXPIRING_RETRY_US);
    if (kind === NEW) this.#answers.reply(ReportKind.Rejected, Code.ORDERS_EXPIRING, 0, order.price, order.quantity, 0, 0);
    else this.#amendCancel.rejectAmend(Code.ORDERS_EXPIRING);
    order.retryUs = this.timeUs + EXPIRING_RETRY_US;
    this.#answers.notBefore();
  }

  /** No verified frame has the command: another producer of the ring, or of the log, has written it. It does nothing, and is not remembered. */
  #rejectMalformed(kind: number): void {
    const { order } = this;
    if (!this.accounts.exists(order.account)) return this.#answers.rejectUnknownAccount(kind);
    order.side &= SELL;
    order.timeInForce = Math.min(order.timeInForce, TimeInForce.AtTheClose);
    this.#answers.reply(kind, Code.MALFORMED_COMMAND, order.orderId, order.price, order.quantity, 0, 0);
  }

  /** A command with an extension, or one that does not belong to the extension before it. */
  #applyLong(kind: number, bytes: Uint8Array, words: Int32Array, slot: number): void {
    const { order, seq, rules } = this;
    const isExtended = (order.flags & EXTENDED) !== 0;
    if (isExtended && kind === NEW) {
      const link = this.#extension.complete(order, seq, rules);
      if (link === 0) return this.#newOrder.apply();
      if (link === MALFORMED) return this.#rejectMalformed(ReportKind.Rejected);
      return this.#lists.add(link, this.#extension.words, words, slot);
    }
    if (isExtended && kind === AMEND) {
      if (this.#extension.completeAmend(order, seq, rules) === MALFORMED) return this.#rejectMalformed(ReportKind.AmendRejected);
    } else if (this.#extension.pending) this.#extension.drop();
    this.#applyOther(kind, bytes, words, slot);
  }

  #applyOther(kind: number, bytes: Uint8Array, words: Int32Array, slot: number): void {
    if (kind === CANCEL) this.#amendCancel.cancel();
    else if (kind === AMEND) this.#amendCancel.amend();
    else if (kind === NEW) this.#applyNew();
    else if (kind === CommandKind.Quote) this.#quoteOrders.apply();
    else if (kind === CONFIGURE) this.configuration.apply(bytes, words, slot);
    else if (kind === STATE_DIGEST) this.digest.check(bytes, words, slot);
    else if (kind === CommandKind.Extension) this.#extension.keep(words, slot);
    else if (kind === CommandKind.MassCancel && this.rules >= 5) this.massCancels.apply();
    else if (kind === CommandKind.CancelAfter && this.rules >= 5) this.#cancelAfters.apply();
    else if (kind >= FIRST_ADMIN_KIND && kind !== CommandKind.Tick) this.#administer(bytes, words, slot);
  }

  /** A new order without an extension. From rules 6 on, its terms must be those of one. */
  #applyNew(): void {
    const { side, timeInForce } = this.order;
    if (this.rules >= 6 && (side > SELL || timeInForce > LAST_SHORT)) this.#rejectMalformed(ReportKind.Rejected);
    else this.#newOrder.apply();
  }

  /** Time from which a Tick has something to do, microseconds since the Unix epoch; infinite = none. */
  get deadlineUs(): TimeUs {
    const { wakes } = this;
    if (this.#isBusy()) return this.timeUs;
    return Math.min(wakes[0], wakes[2], wakes[3]);
  }

  /** Whether a command has left work to the next one. */
  #isBusy(): boolean {
    return (
      this.#stops.busy || this.links.due !== 0 || this.massCancels.count !== 0 || this.auctionOrders.busy || this.pegs.active.length > 0
    );
  }

  /** Whether `deadlineUs` is another one than at the last call; true at the first one. Called once per poll, so it returns no double, which would be boxed. */
  deadlineChanged(): boolean {
    const { wakes } = this;
    const next = this.#isBusy() ? this.timeUs : Math.min(wakes[0], wakes[2], wakes[3]);
    if (next === this.#deadline[0]) return false;
    this.#deadline[0] = next;
    return true;
  }

  /** Call it after the commands of one poll. It computes the results that are needed once per poll. */
  endBatch(): void {
    const { changedAuctions } = this;
    if (changedAuctions.size === 0) return;
    for (let i = 0; i < changedAuctions.size; i++) {
      const symbol = changedAuctions.at(i);
      const book = this.books[symbol];
      const { phase, subPhase } = this.symbols;
      if (book === undefined || phase[symbol] !== Phase.Auction || subPhase[symbol] === SubPhase.PreOpen) continue;
      book.indicate(this.symbols.param(symbol, SymbolParam.ReferencePrice), this.symbols.param(symbol, SymbolParam.AuctionPrice));
      const { indicativePrice, indicativeVolume, indicativeSurplus, indicativeSurplusSide: side } = book;
      this.market.write(MarketEventKind.Indicative, side, 0, symbol, 0, indicativePrice, indicativeVolume, 0, indicativeSurplus);
    }
    changedAuctions.clear();
  }

  /** Creates an empty book for a defined symbol, up to its MaxPrice. */
  #openBook(symbol: number): void {
    while (this.books.length <= symbol) this.books.push(undefined);
    const book = new OrderBook(symbol, this.slab, this.pages, this.symbols.param(symbol, SymbolParam.MaxPrice), this.#settlement);
    book.priceStep = this.symbols.param(symbol, SymbolParam.TickStep);
    this.books[symbol] = book;
  }

  #administer(bytes: Uint8Array, words: Int32Array, slot: number): void {
    const administration = this.#administration;
    const code: Code = administration.apply(this.order.kind, bytes, words, slot);
    const flags = administration.repeated ? ReportFlag.Duplicate : 0;
    this.#answers.administered(code, flags, administration.price, administration.volume, administration.left);
    if (administration.moved !== 0) this.#answers.moved(administration.moved, administration.balance);
  }
}

/** Commands with which no stop triggers: those of the engine itself that are no ticks, and the first half of a long command. */
function isEngines(kind: number): boolean {
  return kind === CONFIGURE || kind === STATE_DIGEST || kind === CommandKind.Extension;
}

function outOfOrder(seq: Seq, last: Seq): never {
  fail(`command ${seq} follows command ${last}`);
}
