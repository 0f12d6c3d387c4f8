import type { SpillingProducer } from '../rings/spilling-producer.ts';
import type { Accounts } from '../rules/accounts.ts';
import { putI64 } from '../units.ts';
import { Report } from '../wire/layout.ts';

export { ReportFlag } from '../wire/names.ts';

const WORDS = Report.bytes / 4;
const SYMBOL = Report.symbol / 4;
const ACCOUNT = Report.account / 4;
const TAG = Report.tag / 4;
const REPORT_NO = Report.reportNo / 4;
const SEQ = Report.seq / 4;
const TIME = Report.timeUs / 4;
const ORDER_ID = Report.orderId / 4;
const CLIENT_ORDER_ID = Report.clientOrderId / 4;
const PRICE = Report.price / 4;
const QUANTITY = Report.quantity / 4;
const LEAVES = Report.leaves / 4;
const FILLED = Report.filled / 4;
const FEE = Report.fee / 4;
const TRADE_ID = Report.tradeId / 4;
const CONTRA = Report.contraOrderId / 4;

/**
 * Numbers execution reports per account and writes them as wire structs into
 * the report ring. A quiet one only numbers: replay needs the numbers, not the
 * bytes. Owned by the engine thread.
 */
export class ReportWriter {
  quiet: boolean;
  /** Of the command at work. */
  seq = 0;
  timeUs = 0;
  /** First word of the slot that was claimed last. */
  #at = 0;
  readonly #out: SpillingProducer | undefined;
  readonly #reportNo: Float64Array;

  constructor(accounts: Accounts, out: SpillingProducer | undefined) {
    this.#reportNo = accounts.reportNo;
    this.#out = out;
    this.quiet = out === undefined;
  }

  /** A report that is no fill; false when quiet. */
  answer(
    kind: number,
    flags: number,
    code: number,
    account: number,
    symbol: number,
    side: number,
    timeInForce: number,
    tag: number,
    orderId: number,
    clientOrderId: number,
    price: number,
    quantity: number,
    leaves: number,
    filled: number,
  ): boolean {
    const reportNo = this.#reportNo[account] + 1;
    this.#reportNo[account] = reportNo;
    const out = this.#out;
    if (this.quiet || out === undefined) return false;
    const words = out.slots.i32;
    const at = out.claim() * WORDS;
    this.#at = at;
    words[at] = kind | (side << 8) | (timeInForce << 16) | (flags << 24);
    words[at + 1] = code;
    words[at + SYMBOL] = symbol;
    words[at + ACCOUNT] = account;
    words[at + TAG] = tag;
    words[at + TAG + 1] = 0;
    putI64(words, at + REPORT_NO, reportNo);
    putI64(words, at + SEQ, this.seq);
    putI64(words, at + TIME, this.timeUs);
    putI64(words, at + ORDER_ID, orderId);
    putI64(words, at + CLIENT_ORDER_ID, clientOrderId);
    putI64(words, at + PRICE, price);
    putI64(words, at + QUANTITY, quantity);
    putI64(words, at + LEAVES, leaves);
    putI64(words, at + FILLED, filled);
    for (let word = at + FEE; word < at + WORDS; word++) words[word] = 0;
    return true;
  }

  /** A fill, or any other report with all its fields. */
  write(
    kind: number,
    flags: number,
    code: number,
    account: number,
    symbol: number,
    side: number,
    timeInForce: number,
    tag: number,
    orderId: number,
    clientOrderId: number,
    price: number,
    quantity: number,
    leaves: number,
    filled: number,
    fee: number,
    tradeId: number,
    contraOrderId: number,
  ): void {
    if (!this.answer(kind, flags, code, account, symbol, side, timeInForce, tag, orderId, clientOrderId, price, quantity, leaves, filled))
      return;
    const words = (this.#out as SpillingProducer).slots.i32;
    const at = this.#at;
    putI64(words, at + FEE, fee);
    putI64(words, at + TRADE_ID, tradeId);
    putI64(words, at + CONTRA, contraOrderId);
  }
}
