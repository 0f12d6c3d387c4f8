import { getI64 } from '../units.ts';
import { Report, ReportKind } from './layout.ts';
import { ReportFlag } from './names.ts';

const CODE = Report.code / 4;
const SYMBOL = Report.symbol / 4;
const ACCOUNT = Report.account / 4;
const TAG = Report.tag / 4;
const STOP_PRICE = Report.stopPrice / 4;
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
const RETRY = Report.retryUs / 4;
const EMPTY = new Int32Array(0);

/**
 * Reads a 128-byte execution report in place: in a ring slot, a frame or a run
 * of the history. One view is reused for many reports. It does not own the
 * memory, so its values are valid only as long as the memory.
 *
 * Prices in ticks, quantities in lots, the fee in the smallest unit of the quote
 * asset, times in microseconds since the Unix epoch.
 */
export class ReportView {
  #words: Int32Array = EMPTY;
  #at = 0;

  /** Moves the view to the report that begins at word `at`. */
  wrap(words: Int32Array, at: number): this {
    this.#words = words;
    this.#at = at;
    return this;
  }

  /** A ReportKind. */
  get kind(): number {
    return this.#words[this.#at] & 0xff;
  }

  get side(): number {
    return (this.#words[this.#at] >>> 8) & 0xff;
  }

  get timeInForce(): number {
    return (this.#words[this.#at] >>> 16) & 0xff;
  }

  /** Bits of ReportFlag. */
  get flags(): number {
    return this.#words[this.#at] >>> 24;
  }

  /** A Code; 0 = OK. */
  get code(): number {
    return this.#words[this.#at + CODE] & 0xffff;
  }

  /** Of an order with a stop price: a Trigger. */
  get trigger(): number {
    return (this.#words[this.#at + CODE] >>> 16) & 0xff;
  }

  get symbol(): number {
    return this.#words[this.#at + SYMBOL] >>> 0;
  }

  get account(): number {
    return this.#words[this.#at + ACCOUNT] >>> 0;
  }

  get tag(): number {
    return this.#words[this.#at + TAG] >>> 0;
  }

  /** Numbered per account, from 1 without gaps. */
  get reportNo(): number {
    return getI64(this.#words, this.#at + REPORT_NO);
  }

  get seq(): number {
    return getI64(this.#words, this.#at + SEQ);
  }

  get timeUs(): number {
    return getI64(this.#words, this.#at + TIME);
  }

  /** `nowUs` less the time of the command, microseconds. A small integer, unlike the time itself, so it is not boxed. */
  ageUs(nowUs: number): number {
    return nowUs - getI64(this.#words, this.#at + TIME);
  }

  get orderId(): number {
    return getI64(this.#words, this.#at + ORDER_ID);
  }

  get clientOrderId(): number {
    return getI64(this.#words, this.#at + CLIENT_ORDER_ID);
  }

  get price(): number {
    return getI64(this.#words, this.#at + PRICE);
  }

  get quantity(): number {
    return getI64(this.#words, this.#at + QUANTITY);
  }

  get leaves(): number {
    return getI64(this.#words, this.#at + LEAVES);
  }

  get filled(): number {
    return getI64(this.#words, this.#at + FILLED);
  }

  /** Negative for a rebate. */
  get fee(): number {
    return getI64(this.#words, this.#at + FEE);
  }

  get tradeId(): number {
    return getI64(this.#words, this.#at + TRADE_ID);
  }

  /** Ticks: of an order that waits for its trigger, and when it triggers; else 0. */
  get stopPrice(): number {
    return this.#words[this.#at + STOP_PRICE] >>> 0;
  }

  get contraOrderId(): number {
    return getI64(this.#words, this.#at + CONTRA);
  }

  /** THROTTLED, ORDER_TO_TRADE: the time from which the command would pass; else 0. */
  get retryUs(): number {
    return getI64(this.#words, this.#at + RETRY);
  }
}

/** The id of the order that a report accepts; 0: it accepts none, or repeats an earlier acceptance. */
export function acceptedOrderId({ kind, flags, orderId }: ReportView): number {
  return kind === ReportKind.Accepted && (flags & ReportFlag.Duplicate) === 0 ? orderId : 0;
}
