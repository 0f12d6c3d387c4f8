import { Code, codeName } from '../codes.ts';
import { getI64Even } from '../units.ts';
import { Report, ReportKind } from '../wire/layout.ts';
import { ReportFlag } from '../wire/names.ts';
import type { Answer } from './command-runner.ts';
import type { ActionResult } from './order-result.ts';

const CODE = Report.code / 4;
const ACCOUNT = Report.account / 4;
const PRICE = Report.price / 4;
const QUANTITY = Report.quantity / 4;
const LEAVES = Report.leaves / 4;

/** The answer to an operator's command: a report of account 0. */
export class AdminAnswer implements Answer {
  code: Code = Code.OK;
  repeated = false;
  price = 0;
  quantity = 0;
  leaves = 0;
  #answered = false;

  take(words: Int32Array, at: number): void {
    if (this.#answered || words[at | ACCOUNT] !== 0) return;
    this.#answered = true;
    this.code = ((words[at] & 0xff) === ReportKind.Accepted ? Code.OK : words[at | CODE] & 0xffff) as Code;
    this.repeated = ((words[at] >>> 24) & ReportFlag.Duplicate) !== 0;
    this.price = getI64Even(words, at | PRICE);
    this.quantity = getI64Even(words, at | QUANTITY);
    this.leaves = getI64Even(words, at | LEAVES);
  }
}

/** The answer to a command of an account that names no order: one report of a kind. */
export class AccountAnswer implements Answer {
  code: Code = Code.OK;
  quantity = 0;
  readonly #account: number;
  readonly #kinds: readonly number[];
  #answered = false;

  constructor(account: number, kinds: readonly number[]) {
    this.#account = account;
    this.#kinds = kinds;
  }

  take(words: Int32Array, at: number): void {
    if (this.#answered || words[at | ACCOUNT] !== this.#account || !this.#kinds.includes(words[at] & 0xff)) return;
    this.#answered = true;
    this.code = (words[at | CODE] & 0xffff) as Code;
    this.quantity = getI64Even(words, at | QUANTITY);
  }
}

export function actionOf(code: Code): ActionResult {
  return { accepted: code === Code.OK, code, reason: codeName(code) };
}
