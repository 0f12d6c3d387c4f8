import type { OrderSlab } from '../book/order-slab.ts';
import { Code } from '../codes.ts';
import type { OrderRequest } from '../rules/order-request.ts';
import { type PriceTicks, putU53, type QtyLots } from '../units.ts';
import { ReportKind } from '../wire/layout.ts';
import { ReportFlag, ReportWord, type ReportWriter, reportTerms } from './report-writer.ts';
import type { MachineState } from './state.ts';

const { OK } = Code;
const {
  orderId: ORDER_ID,
  clientOrderId: CLIENT_ORDER_ID,
  price: PRICE,
  quantity: QUANTITY,
  leaves: LEAVES,
  filled: FILLED,
  contraOrderId: CONTRA,
} = ReportWord;

/** The execution reports that are no fills. Owned by the engine thread. */
export class Answers {
  readonly #state: MachineState;
  readonly #order: OrderRequest;
  readonly #slab: OrderSlab;
  readonly #reports: ReportWriter;

  constructor(state: MachineState) {
    this.#state = state;
    this.#order = state.order;
    this.#slab = state.slab;
    this.#reports = state.reports;
  }

  /** An answer to the command at work, under its own ids. */
  reply(kind: number, code: Code, orderId: number, price: PriceTicks, quantity: QtyLots, leaves: QtyLots, filled: QtyLots): void {
    const order = this.#order;
    const reports = this.#reports;
    reports.begin(reportTerms(kind, order.side, order.timeInForce, 0), code, order.account, order.symbol, order.tag);
    const { words, at } = reports;
    putU53(words, at + ORDER_ID, orderId);
    putU53(words, at + CLIENT_ORDER_ID, order.clientOrderId);
    putU53(words, at + PRICE, price);
    putU53(words, at + QUANTITY, quantity);
    putU53(words, at + LEAVES, leaves);
    putU53(words, at + FILLED, filled);
    reports.noFill();
  }

  /** An account that does not exist has no report stream: the answer goes to the operator's. */
  rejectUnknownAccount(kind: number): void {
    const order = this.#order;
    order.account = 0;
    this.reply(kind, Code.UNKNOWN_ACCOUNT, 0, order.price, order.quantity, 0, 0);
  }

  /** About the resting order in `slot`. */
  resting(kind: number, flags: number, code: Code, slot: number, tag: number, price: PriceTicks, quantity: QtyLots, leaves: QtyLots): void {
    const slab = this.#slab;
    const reports = this.#reports;
    reports.begin(reportTerms(kind, slab.side(slot), slab.timeInForce(slot), flags), code, slab.account(slot), slab.symbol(slot), tag);
    const { words, at } = reports;
    putU53(words, at + ORDER_ID, slab.id[slot]);
    putU53(words, at + CLIENT_ORDER_ID, slab.clientOrderId(slot));
    putU53(words, at + PRICE, price);
    putU53(words, at + QUANTITY, quantity);
    putU53(words, at + LEAVES, leaves);
    putU53(words, at + FILLED, slab.filled(slot));
    reports.noFill();
  }

  /** The same client order id again: the first answer again, and nothing else happens. @param ref of ClientOrderIds.find */
  again(ref: number): void {
    const order = this.#order;
    if (ref > 0) {
      const slab = this.#slab;
      const slot = ref - 1;
      const quantity = slab.filled(slot) + slab.open(slot);
      this.resting(ReportKind.Accepted, ReportFlag.Duplicate, OK, slot, order.tag, slab.price(slot), quantity, slab.open(slot));
      return;
    }
    const ids = this.#state.clientOrderIds;
    const index = -ref - 1;
    const kind = ids.orderId[index] === 0 ? ReportKind.Rejected : ReportKind.Accepted;
    order.symbol = ids.symbol[index];
    order.side = ids.side[index];
    order.timeInForce = ids.timeInForce[index];
    this.reply(kind, ids.code[index] as Code, ids.orderId[index], ids.price[index], ids.quantity[index], 0, 0);
    this.#reports.words[this.#reports.at] |= ReportFlag.Duplicate << 24;
  }

  /** To the operator: what an administrative command did. The contra order id carries the account that it was about. */
  administered(code: Code, flags: number, price: PriceTicks, quantity: QtyLots): void {
    const order = this.#order;
    const reports = this.#reports;
    const kind = code === OK ? ReportKind.Accepted : ReportKind.Rejected;
    reports.begin(reportTerms(kind, 0, 0, flags), code, 0, order.symbol, order.tag);
    const { words, at } = reports;
    putU53(words, at + ORDER_ID, 0);
    putU53(words, at + CLIENT_ORDER_ID, 0);
    putU53(words, at + PRICE, price);
    putU53(words, at + QUANTITY, quantity);
    putU53(words, at + LEAVES, 0);
    putU53(words, at + FILLED, 0);
    reports.noFill();
    putU53(words, at + CONTRA, order.account);
  }
}
