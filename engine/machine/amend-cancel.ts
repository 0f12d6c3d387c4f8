import type { OrderBook } from '../book/order-book.ts';
import { Code } from '../codes.ts';
import type { OrderChecks } from '../rules/order-checks.ts';
import { Phase, ReportKind } from '../wire/layout.ts';
import { MarketEventKind } from '../wire/market-event.ts';
import type { Answers } from './answers.ts';
import { ReportFlag } from './report-writer.ts';
import type { RestingOrders } from './resting-orders.ts';
import type { MachineState } from './state.ts';

const { OK } = Code;

/** Amend and cancel of a resting order, named by either id. Owned by the engine thread. */
export class AmendCancel {
  readonly #order: MachineState['order'];
  readonly #accounts: MachineState['accounts'];
  readonly #slab: MachineState['slab'];
  readonly #risks: MachineState['risks'];
  readonly #books: MachineState['books'];
  readonly #aggressor: MachineState['aggressor'];
  readonly #symbols: MachineState['symbols'];
  readonly #checks: OrderChecks;
  readonly #answers: Answers;
  readonly #resting: RestingOrders;

  constructor(state: MachineState, checks: OrderChecks, answers: Answers, resting: RestingOrders) {
    this.#order = state.order;
    this.#accounts = state.accounts;
    this.#slab = state.slab;
    this.#risks = state.risks;
    this.#books = state.books;
    this.#aggressor = state.aggressor;
    this.#symbols = state.symbols;
    this.#checks = checks;
    this.#answers = answers;
    this.#resting = resting;
  }

  cancel(): void {
    const order = this.#order;
    const accounts = this.#accounts;
    if (!accounts.exists(order.account)) return this.#answers.rejectUnknownAccount(ReportKind.CancelRejected);
    const slot = this.#resting.find(order.orderId);
    if (slot === -1) return this.#answers.reply(ReportKind.CancelRejected, Code.UNKNOWN_ORDER, order.orderId, 0, 0, 0, 0);
    this.#resting.cancel(slot, Code.CANCELLED_BY_CLIENT, order.tag);
  }

  amend(): void {
    const order = this.#order;
    const accounts = this.#accounts;
    const slab = this.#slab;
    const risks = this.#risks;
    if (!accounts.exists(order.account)) return this.#answers.rejectUnknownAccount(ReportKind.AmendRejected);
    const slot = this.#resting.find(order.orderId);
    if (slot === -1)
      return this.#answers.reply(ReportKind.AmendRejected, Code.UNKNOWN_ORDER, order.orderId, order.price, order.quantity, 0, 0);
    order.symbol = slab.symbol(slot);
    order.side = slab.side(slot);
    order.timeInForce = slab.timeInForce(slot);
    order.orderKind = order.timeInForce;
    order.clientOrderId = slab.clientOrderId(slot);
    const risk = risks.of(order.symbol);
    const code = this.#checks.amend(order, risk.held(slot));
    if (code !== OK) {
      return this.#answers.reply(
        ReportKind.AmendRejected,
        code,
        slab.id[slot],
        order.price,
        order.quantity,
        slab.open(slot),
        slab.filled(slot),
      );
    }
    risk.release(slot);
    if (order.price === slab.price(slot) && order.quantity < slab.open(slot)) this.#reduce(slot);
    else this.#replace(slot);
  }

  /** Less at the same price: it keeps its place. */
  #reduce(slot: number): void {
    const order = this.#order;
    const books = this.#books;
    (books[order.symbol] as OrderBook).reduce(slot, order.quantity);
    this.#resting.hold(slot, order.quantity);
    this.#resting.publish(MarketEventKind.Reduce, slot, order.quantity);
    this.#answerAmended(ReportFlag.KeptPriority, slot);
  }

  /** It leaves its place, may trade at its new price, and rests last there. */
  #replace(slot: number): void {
    const order = this.#order;
    const aggressor = this.#aggressor;
    const slab = this.#slab;
    const books = this.#books;
    const symbols = this.#symbols;
    const book = books[order.symbol] as OrderBook;
    book.remove(slot);
    this.#resting.publish(MarketEventKind.Remove, slot, slab.open(slot));
    slab.setPrice(slot, order.price);
    slab.setOpen(slot, order.quantity);
    this.#answerAmended(0, slot);
    aggressor.orderId = slab.id[slot];
    aggressor.open = order.quantity;
    aggressor.filled = slab.filled(slot);
    // Reports of its fills carry the order's tag, the answer carried the amend's.
    order.tag = slab.tag(slot);
    if (symbols.phase[order.symbol] === Phase.Continuous) book.match(order.side, order.price, order.quantity);
    slab.setOpen(slot, aggressor.open);
    slab.setFilled(slot, aggressor.filled);
    if (aggressor.open === 0) return this.#resting.gone(slot);
    if (book.rest(slot)) {
      this.#resting.hold(slot, aggressor.open);
      this.#resting.publish(MarketEventKind.Add, slot, aggressor.open);
      return;
    }
    this.#answers.resting(ReportKind.Cancelled, 0, Code.LEVELS_FULL, slot, order.tag, order.price, aggressor.open, 0);
    this.#resting.gone(slot);
  }

  #answerAmended(flags: number, slot: number): void {
    const order = this.#order;
    this.#answers.resting(ReportKind.Amended, flags, OK, slot, order.tag, order.price, order.quantity, order.quantity);
  }
}
