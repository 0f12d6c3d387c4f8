import { ICEBERG, ORDER_DOUBLES_SHIFT, ORDER_WORDS_SHIFT, OrderDouble, type OrderSlab, OrderWord, PEGGED } from '../book/order-slab.ts';
import { Code } from '../codes.ts';
import { LINKED_BIT } from '../rules/order-links.ts';
import type { OrderRequest } from '../rules/order-request.ts';
import { UNKNOWN_TERMS } from '../rules/order-terms.ts';
import { triggerOf } from '../rules/pending-stops.ts';
import { type Money, type PriceTicks, putI64, putU53Even, type QtyLots } from '../units.ts';
import { ReportKind } from '../wire/layout.ts';
import { isAuctionOnly } from '../wire/order-kinds.ts';
import { ReportFlag, ReportWord, type ReportWriter, reportTerms } from './report-writer.ts';
import type { MachineState } from './state.ts';

const { OK } = Code;
const { Accepted: ACCEPTED, Cancelled: CANCELLED } = ReportKind;
const {
  code: CODE,
  orderId: ORDER_ID,
  clientOrderId: CLIENT_ORDER_ID,
  price: PRICE,
  quantity: QUANTITY,
  leaves: LEAVES,
  filled: FILLED,
  fee: FEE,
  tradeId: TRADE_ID,
  contraOrderId: CONTRA,
  retryUs: RETRY,
  stopPrice: STOP_PRICE,
} = ReportWord;
// Module constants: V8 folds them, but loads an imported constant each time.
const TO_DOUBLES = ORDER_DOUBLES_SHIFT;
const TO_WORDS = ORDER_WORDS_SHIFT;
const HIDES = ICEBERG;
const IS_PEGGED = PEGGED;
const PEG_FLAG = ReportFlag.Pegged << 24;
const LINKED = LINKED_BIT;
const { open: OPEN, filled: ORDER_FILLED, clientOrderId: ORDER_CLIENT_ORDER_ID } = OrderDouble;
const { price: ORDER_PRICE, level: LEVEL, account: ACCOUNT, terms: TERMS } = OrderWord;
const NIL = -1;
/** Position of the trigger in the word of the code. */
const TO_TRIGGER = 16;

/** Writes the execution reports other than fills. Owned by the engine thread. */
export class Answers {
  readonly #state: MachineState;
  readonly #order: OrderRequest;
  readonly #slab: OrderSlab;
  readonly #aggressor: MachineState['aggressor'];
  readonly #reports: ReportWriter;

  constructor(state: MachineState) {
    this.#state = state;
    this.#order = state.order;
    this.#slab = state.slab;
    this.#aggressor = state.aggressor;
    this.#reports = state.reports;
  }

  /** Answers the current command, with its own ids. */
  reply(kind: number, code: Code, orderId: number, price: PriceTicks, quantity: QtyLots, leaves: QtyLots, filled: QtyLots): void {
    const order = this.#order;
    const reports = this.#reports;
    reports.begin(reportTerms(kind, order.side, order.timeInForce, 0), code, order.account, order.symbol, order.tag);
    const { words, at } = reports;
    putU53Even(words, at | ORDER_ID, orderId);
    putU53Even(words, at | CLIENT_ORDER_ID, order.clientOrderId);
    putU53Even(words, at | PRICE, price);
    putU53Even(words, at | QUANTITY, quantity);
    putU53Even(words, at | LEAVES, leaves);
    putU53Even(words, at | FILLED, filled);
  }

  /** Adds to the reject just written the time from which the command would pass. */
  notBefore(): void {
    putU53Even(this.#reports.words, this.#reports.at | RETRY, this.#order.retryUs);
  }

  /** Adds to the report just written the stop price of the current order. */
  withStop(): void {
    const { words, at } = this.#reports;
    words[at | STOP_PRICE] = this.#order.stopPrice;
    words[at | CODE] |= this.#order.trigger << TO_TRIGGER;
  }

  /** The current order was accepted; its id is the aggressor's. */
  accepted(): void {
    const order = this.#order;
    const reports = this.#reports;
    reports.begin(ACCEPTED | (order.side << 8) | (order.timeInForce << 16), OK, order.account, order.symbol, order.tag);
    const { words, at } = reports;
    putU53Even(words, at | ORDER_ID, this.#aggressor.orderId);
    putU53Even(words, at | CLIENT_ORDER_ID, order.clientOrderId);
    putU53Even(words, at | PRICE, order.price);
    putU53Even(words, at | QUANTITY, order.quantity);
    putU53Even(words, at | LEAVES, order.quantity);
    words[at | FILLED] = 0;
    words[at | FILLED | 1] = 0;
    if (order.stopPrice === 0) return;
    words[at | STOP_PRICE] = order.stopPrice;
    words[at | CODE] = order.trigger << TO_TRIGGER;
  }

  /** The current order, a pegged one, was accepted. */
  acceptedPeg(): void {
    this.accepted();
    this.#reports.words[this.#reports.at] |= PEG_FLAG;
  }

  /** An account that does not exist has no report stream. The answer is written to the operator's stream. */
  rejectUnknownAccount(kind: number): void {
    const order = this.#order;
    order.account = 0;
    this.reply(kind, Code.UNKNOWN_ACCOUNT, 0, order.price, order.quantity, 0, 0);
  }

  /** Reports that the order in `slot` was cancelled; `open` is the cancelled quantity. */
  cancelled(slot: number, code: Code, tag: number): void {
    this.resting(CANCELLED, 0, code, slot, tag);
    const { words, at } = this.#reports;
    words[at | LEAVES] = 0;
    words[at | LEAVES | 1] = 0;
  }

  /** Reports on an open order in `slot`: quantity and leaves are its open quantity. */
  resting(kind: number, flags: number, code: Code, slot: number, tag: number): void {
    this.plain(kind, flags, code, slot, tag);
    const { words } = this.#slab;
    const record = slot << TO_WORDS;
    if ((words[record | TERMS] & (HIDES | LINKED)) !== 0) this.#whole(slot);
    if ((words[record | TERMS] & IS_PEGGED) !== 0) this.#reports.words[this.#reports.at] |= PEG_FLAG;
    else if (words[record | LEVEL] < NIL) this.#pending(slot);
  }

  /** The same for an order in the book that displays all of it. Reads the record, so that no double is boxed for the call. */
  plain(kind: number, flags: number, code: Code, slot: number, tag: number): void {
    const slab = this.#slab;
    const reports = this.#reports;
    const { doubles } = slab;
    const record = slot << TO_WORDS;
    const order = slot << TO_DOUBLES;
    const terms = slab.words[record | TERMS];
    // The record has side and time in force in the layout of a report, one byte higher.
    const first = kind | ((terms >>> 8) & 0x0f0100) | (flags << 24);
    reports.begin(first, code, slab.words[record | ACCOUNT], terms & 0xffff, tag);
    const { words, at } = reports;
    const open = doubles[order | OPEN];
    putU53Even(words, at | ORDER_ID, slab.id[slot]);
    putU53Even(words, at | CLIENT_ORDER_ID, doubles[order | ORDER_CLIENT_ORDER_ID]);
    words[at | PRICE] = slab.words[record | ORDER_PRICE];
    words[at | PRICE | 1] = 0;
    putU53Even(words, at | QUANTITY, open);
    putU53Even(words, at | LEAVES, open);
    putU53Even(words, at | FILLED, doubles[order | ORDER_FILLED]);
  }

  #whole(slot: number): void {
    const { words, at } = this.#reports;
    const total = this.#slab.total(slot) + this.#state.links.later(slot);
    putU53Even(words, at | QUANTITY, total);
    putU53Even(words, at | LEAVES, total);
  }

  /** The fields in which the record of a pending stop differs, and of another order outside the book. */
  #pending(slot: number): void {
    const { words, at } = this.#reports;
    const { prices } = this.#state.stops;
    if (this.#state.links.isWaiting(slot)) {
      const stopPrice = prices.stopPrice(slot);
      words[at | PRICE] = prices.limit(slot);
      words[at | STOP_PRICE] = stopPrice;
      if (stopPrice !== 0) words[at | CODE] |= triggerOf(this.#slab, slot) << TO_TRIGGER;
      return;
    }
    words[at | FILLED] = 0;
    words[at | FILLED | 1] = 0;
    // An order that waits for its auction has no stop price, but a neighbour there.
    if (isAuctionOnly(this.#slab.timeInForce(slot))) return;
    words[at | PRICE] = prices.limit(slot);
    words[at | STOP_PRICE] = prices.stopPrice(slot);
    words[at | CODE] |= triggerOf(this.#slab, slot) << TO_TRIGGER;
  }

  /**
   * Answers a client order id that was used before, with the present state of its order or with its rejection, flagged. Other terms than
   * those of that order are rejected. Changes nothing else. Rules 1 and 2 did not compare the terms, and reported a finished order as not filled.
   * @param ref result of ClientOrderIds.find
   */
  again(ref: number): void {
    const order = this.#order;
    const termsHash = ref > 0 ? this.#slab.termsHash[ref - 1] : this.#state.clientOrderIds.termsHashOf(-ref - 1);
    if (termsHash !== UNKNOWN_TERMS && termsHash !== order.termsHash) {
      return this.reply(ReportKind.Rejected, Code.CLIENT_ORDER_ID_REUSED, 0, order.price, order.quantity, 0, 0);
    }
    if (ref > 0) {
      const slab = this.#slab;
      const slot = ref - 1;
      this.resting(ReportKind.Accepted, ReportFlag.Duplicate, OK, slot, order.tag);
      putU53Even(this.#reports.words, this.#reports.at | QUANTITY, slab.traded(slot) + slab.total(slot) + this.#state.links.later(slot));
      return;
    }
    const ids = this.#state.clientOrderIds;
    const index = -ref - 1;
    const kind = ids.orderIdOf(index) === 0 ? ReportKind.Rejected : ReportKind.Accepted;
    order.symbol = ids.symbolOf(index);
    order.side = ids.sideOf(index);
    order.timeInForce = ids.timeInForceOf(index);
    this.reply(kind, ids.codeOf(index) as Code, ids.orderIdOf(index), ids.priceOf(index), ids.quantityOf(index), 0, ids.filledOf(index));
    this.#reports.words[this.#reports.at] |= ReportFlag.Duplicate << 24;
  }

  /** Reports that a mass cancel begins: it cancels `count` orders, `later` of them with later commands. @param code OK, why it is rejected, or why it was begun */
  massCancelled(account: number, symbol: number, code: Code, tag: number, count: number, later: number): void {
    const reports = this.#reports;
    reports.begin(reportTerms(ReportKind.MassCancelled, 0, 0, 0), code, account, symbol, tag);
    const { words, at } = reports;
    putU53Even(words, at | ORDER_ID, 0);
    putU53Even(words, at | CLIENT_ORDER_ID, 0);
    putU53Even(words, at | PRICE, 0);
    putU53Even(words, at | QUANTITY, count);
    putU53Even(words, at | LEAVES, later);
    putU53Even(words, at | FILLED, 0);
  }

  /** Reports the result of an administrative command to the operator. The contra order id contains the account concerned. */
  administered(code: Code, flags: number, price: PriceTicks, quantity: QtyLots, leaves: number): void {
    const order = this.#order;
    const reports = this.#reports;
    const kind = code === OK ? ReportKind.Accepted : ReportKind.Rejected;
    reports.begin(reportTerms(kind, 0, 0, flags), code, 0, order.symbol, order.tag);
    const { words, at } = reports;
    putU53Even(words, at | ORDER_ID, 0);
    putU53Even(words, at | CLIENT_ORDER_ID, 0);
    putU53Even(words, at | PRICE, price);
    putU53Even(words, at | QUANTITY, quantity);
    putU53Even(words, at | LEAVES, leaves);
    putU53Even(words, at | FILLED, 0);
    putU53Even(words, at | CONTRA, order.account);
  }

  /**
   * Adds to the answer just written what a deposit or withdrawal moved, for the ledger. The state digest does not cover these fields, so that logs
   * of releases without them replay with the same digests.
   * @param amount below 0: a withdrawal @param balance of the account after it
   */
  moved(amount: Money, balance: Money): void {
    const { words, at } = this.#reports;
    putI64(words, at | FEE, amount);
    putU53Even(words, at | FILLED, balance);
    putU53Even(words, at | TRADE_ID, this.#state.accounts.reportNo[this.#order.account]);
  }
}
