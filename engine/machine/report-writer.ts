import type { SpillingProducer } from '../rings/spilling-producer.ts';
import type { Accounts } from '../rules/accounts.ts';
import { putU53Even } from '../units.ts';
import { Report } from '../wire/layout.ts';

export { ReportFlag } from '../wire/names.ts';

const WORDS = Report.bytes / 4;
/** The words of a report are a power of two, so `|` adds a field to the first one, and cannot overflow. */
const TO_WORDS = 31 - Math.clz32(WORDS);

/** Word of each field, from the report's first word. Two words for a 64-bit field. Units as in the wire struct. */
export const ReportWord = {
  code: Report.code / 4,
  symbol: Report.symbol / 4,
  account: Report.account / 4,
  tag: Report.tag / 4,
  stopPrice: Report.stopPrice / 4,
  reportNo: Report.reportNo / 4,
  seq: Report.seq / 4,
  timeUs: Report.timeUs / 4,
  orderId: Report.orderId / 4,
  clientOrderId: Report.clientOrderId / 4,
  price: Report.price / 4,
  quantity: Report.quantity / 4,
  leaves: Report.leaves / 4,
  filled: Report.filled / 4,
  fee: Report.fee / 4,
  tradeId: Report.tradeId / 4,
  contraOrderId: Report.contraOrderId / 4,
  retryUs: Report.retryUs / 4,
} as const;
const { code: CODE, symbol: SYMBOL, account: ACCOUNT, tag: TAG, stopPrice: STOP_PRICE } = ReportWord;
const { reportNo: REPORT_NO, seq: SEQ, timeUs: TIME, fee: FEE, tradeId: TRADE_ID, contraOrderId: CONTRA, retryUs: RETRY } = ReportWord;

/**
 * Numbers execution reports per account and writes them as wire structs into
 * the report ring. `begin` claims the slot of the next report, writes the common
 * fields, and sets the fields of a fill to 0. The caller writes the 64-bit
 * fields in place, by name, at `at` of `words`: always from `orderId` to
 * `filled`, because a slot holds old bytes; and those of a fill if it is one. A
 * writer without a ring only numbers the reports (replay). Owned by the engine
 * thread.
 */
export class ReportWriter {
  /** Sequence and time of the current command, as its words. Reports have the same values. */
  seqLow = 0;
  seqHigh = 0;
  timeLow = 0;
  timeHigh = 0;
  /** Reports so far, modulo 2^32. */
  count = 0;
  /** First word of the report that is being written, or of the last one. */
  words: Int32Array;
  at = 0;
  readonly #scratch = new Int32Array(WORDS);
  readonly #ring: SpillingProducer | undefined;
  /** The ring, unless the writer is quiet: one test for both. */
  #out: SpillingProducer | undefined;
  readonly #scratchDoubles = new Float64Array(this.#scratch.buffer);
  readonly #slots: Int32Array;
  readonly #slotDoubles: Float64Array;
  readonly #reportNo: Float64Array;

  constructor(accounts: Accounts, out: SpillingProducer | undefined) {
    this.#reportNo = accounts.reportNo;
    this.#ring = out;
    this.#out = out;
    this.#slots = out === undefined ? this.#scratch : out.slots.i32;
    this.#slotDoubles = out === undefined ? this.#scratchDoubles : out.slots.f64;
    this.words = this.#scratch;
  }

  /** Whether reports are numbered, but not written: of commands whose reports were written before. */
  set quiet(quiet: boolean) {
    this.#out = quiet ? undefined : this.#ring;
  }

  /** @param terms kind, side, time in force and flags as {@link reportTerms} packs them */
  begin(terms: number, code: number, account: number, symbol: number, tag: number): void {
    const reportNo = this.#reportNo[account] + 1;
    this.#reportNo[account] = reportNo;
    this.count = (this.count + 1) | 0;
    const out = this.#out;
    let words: Int32Array = this.#scratch;
    let doubles: Float64Array = this.#scratchDoubles;
    let at = 0;
    if (out !== undefined) {
      words = this.#slots;
      doubles = this.#slotDoubles;
      at = out.claim() << TO_WORDS;
    }
    this.words = words;
    this.at = at;
    words[at] = terms;
    words[at | CODE] = code;
    words[at | SYMBOL] = symbol;
    words[at | ACCOUNT] = account;
    words[at | TAG] = tag;
    words[at | STOP_PRICE] = 0;
    putU53Even(words, at | REPORT_NO, reportNo);
    words[at | SEQ] = this.seqLow;
    words[at | SEQ | 1] = this.seqHigh;
    words[at | TIME] = this.timeLow;
    words[at | TIME | 1] = this.timeHigh;
    // The double 0 is 64 bits of zero: one store instead of two.
    doubles[(at >> 1) | (FEE >> 1)] = 0;
    doubles[(at >> 1) | (TRADE_ID >> 1)] = 0;
    doubles[(at >> 1) | (CONTRA >> 1)] = 0;
    doubles[(at >> 1) | (RETRY >> 1)] = 0;
  }
}

/** The first word of a report. */
export function reportTerms(kind: number, side: number, timeInForce: number, flags: number): number {
  return kind | (side << 8) | (timeInForce << 16) | (flags << 24);
}
