import { Code } from '../codes.ts';
import { getI64Even } from '../units.ts';
import { Report, ReportKind } from '../wire/layout.ts';
import { ReportFlag } from '../wire/names.ts';
import type { Answer } from './command-runner.ts';
import type { EmbeddedNames } from './embedded-names.ts';
import { Fill, NO_FILLS, OrderResult } from './order-result.ts';

const CODE = Report.code / 4;
const SYMBOL = Report.symbol / 4;
const ACCOUNT = Report.account / 4;
const ORDER_ID = Report.orderId / 4;
const CLIENT_ORDER_ID = Report.clientOrderId / 4;
const PRICE = Report.price / 4;
const QUANTITY = Report.quantity / 4;
const LEAVES = Report.leaves / 4;
const FILLED = Report.filled / 4;
const FEE = Report.fee / 4;
const TRADE_ID = Report.tradeId / 4;
const CONTRA = Report.contraOrderId / 4;
const RETRY = Report.retryUs / 4;
const { Accepted, Rejected, Fill: FILL, Cancelled, Amended, CancelRejected, AmendRejected, Triggered } = ReportKind;
const { CANCELLED_BY_CLIENT } = Code;

/** What was sent, and so which report answers it. */
export const Sent = { New: 0, Amend: 1, Cancel: 2, QuoteSide: 3 } as const;
export type Sent = (typeof Sent)[keyof typeof Sent];
/** No kind of a report: those that answer a side of a quote depend on what there was. */
const NONE = -1;
/** By what was sent. */
const ACCEPTING: readonly number[] = [Accepted, Amended, Cancelled, NONE];
const REJECTING: readonly number[] = [Rejected, AmendRejected, CancelRejected, NONE];

/**
 * Reads the reports on one order into a result: first the answer to the command, then what happened to the order. Reports before the
 * answer belong to what came before the command, such as the end of an order.
 */
export class OrderAnswer implements Answer {
  readonly #names: EmbeddedNames;
  readonly #result: OrderResult;
  #sent: Sent = Sent.New;
  #account = 0;
  /** Kinds of the reports that answer it, and where they have which id. */
  #accepting = NONE;
  #rejecting = NONE;
  #idAt = ORDER_ID;
  #id = 0;
  /** Of a side of a quote. */
  #symbol = 0;
  #side = 0;
  #answered = false;

  /** @param result what it reads is written to it */
  constructor(names: EmbeddedNames, result: OrderResult) {
    this.#names = names;
    this.#result = result;
  }

  /** Waits for the answer to a command that names an order. @param orderId 0: by the client order id, as a new order */
  expect(sent: Sent, account: number, orderId: number, clientOrderId: number): void {
    this.#sent = sent;
    this.#account = account;
    this.#accepting = ACCEPTING[sent];
    this.#rejecting = REJECTING[sent];
    this.#idAt = orderId === 0 ? CLIENT_ORDER_ID : ORDER_ID;
    this.#id = orderId === 0 ? clientOrderId : orderId;
    this.#answered = false;
  }

  /** Waits for the answer of a side of a quote, which has no client order id. */
  expectSide(account: number, symbol: number, side: number): void {
    this.expect(Sent.QuoteSide, account, 0, 0);
    this.#symbol = symbol;
    this.#side = side;
  }

  /**
   * The result as the caller's own, in `into` or in a new object. Call it before the next `expect`. It is made at the end of a command, not before: an
   * object that lives as long as the exchange and points to a new one would cost a write barrier in each command.
   */
  result(into: OrderResult | undefined): OrderResult {
    if (!this.#answered) this.#result.reset();
    return into === undefined ? new OrderResult(this.#names, this.#result) : into.assign(this.#result);
  }

  take(words: Int32Array, at: number): void {
    if (words[at | ACCOUNT] !== this.#account && !this.#isUnknown(words, at)) return;
    const kind = words[at] & 0xff;
    if (!this.#answered) {
      if (this.#isAnswer(words, at, kind)) this.#takeAnswer(words, at, kind);
    } else if (this.#result.orderId !== 0 && getI64Even(words, at | ORDER_ID) === this.#result.orderId) this.#takeNext(words, at, kind);
  }

  #isAnswer(words: Int32Array, at: number, kind: number): boolean {
    if (kind !== this.#accepting && kind !== this.#rejecting) return this.#sent === Sent.QuoteSide && this.#isAnswerOfSide(words, at, kind);
    if (getI64Even(words, at | this.#idAt) !== this.#id) return false;
    return kind !== Cancelled || (words[at | CODE] & 0xffff) === CANCELLED_BY_CLIENT;
  }

  #isAnswerOfSide(words: Int32Array, at: number, kind: number): boolean {
    if (getI64Even(words, at | CLIENT_ORDER_ID) !== 0 || ((words[at] >>> 8) & 0xff) !== this.#side) return false;
    if (words[at | SYMBOL] !== this.#symbol) return false;
    if (kind === Cancelled) return (words[at | CODE] & 0xffff) === CANCELLED_BY_CLIENT;
    return kind === Accepted || kind === Amended || kind === Rejected;
  }

  /** An account that does not exist has no reports: its answer is the operator's. */
  #isUnknown(words: Int32Array, at: number): boolean {
    return words[at | ACCOUNT] === 0 && (words[at | CODE] & 0xffff) === Code.UNKNOWN_ACCOUNT;
  }

  /** Writes every field of the result: it has those of the command before. */
  #takeAnswer(words: Int32Array, at: number, kind: number): void {
    const result = this.#result;
    const accepted = kind === Accepted || kind === Amended || kind === Cancelled;
    const flags = words[at] >>> 24;
    this.#answered = true;
    result.named(this.#names, words[at | SYMBOL]);
    result.accepted = accepted;
    result.code = (kind === Cancelled ? Code.OK : words[at | CODE] & 0xffff) as Code;
    result.orderId = getI64Even(words, at | ORDER_ID);
    result.clientOrderId = getI64Even(words, at | CLIENT_ORDER_ID);
    result.keptPriority = (flags & ReportFlag.KeptPriority) !== 0;
    result.duplicate = (flags & ReportFlag.Duplicate) !== 0;
    result.leavesLots = accepted ? getI64Even(words, at | LEAVES) : 0;
    result.filledLots = accepted ? getI64Even(words, at | FILLED) : 0;
    result.retryUs = accepted ? 0 : getI64Even(words, at | RETRY);
    result.cancelledLots = 0;
    result.cancelCode = Code.OK;
    result.fills = NO_FILLS;
    if (kind === Cancelled) this.#takeCancel(words, at);
  }

  #takeNext(words: Int32Array, at: number, kind: number): void {
    const result = this.#result;
    if (kind === FILL) {
      const fee = words[at | FEE | 1] * 4294967296 + (words[at | FEE] >>> 0);
      result.leavesLots = getI64Even(words, at | LEAVES);
      result.filledLots = getI64Even(words, at | FILLED);
      result.addFill(
        new Fill(
          this.#names,
          result.symbolId,
          getI64Even(words, at | TRADE_ID),
          getI64Even(words, at | PRICE),
          getI64Even(words, at | QUANTITY),
          fee,
          getI64Even(words, at | CONTRA),
          ((words[at] >>> 24) & ReportFlag.Maker) !== 0,
        ),
      );
    } else if (kind === Cancelled) this.#takeCancel(words, at);
    else if (kind === Triggered || kind === Amended) result.leavesLots = getI64Even(words, at | LEAVES);
  }

  #takeCancel(words: Int32Array, at: number): void {
    const result = this.#result;
    result.cancelledLots += getI64Even(words, at | QUANTITY);
    result.cancelCode = (words[at | CODE] & 0xffff) as Code;
    result.leavesLots = 0;
  }
}
