import { Code } from '../codes.ts';
import { DeadlineHeap } from '../rules/deadline-heap.ts';
import type { OrderChecks } from '../rules/order-checks.ts';
import { RowKind, type RowWriter, type StatePart } from '../state-part.ts';
import type { TimeUs } from '../units.ts';
import { CommandKind, ReportKind } from '../wire/layout.ts';
import type { Answers } from './answers.ts';
import type { MassCancels } from './mass-cancels.ts';
import type { MachineState } from './state.ts';

/**
 * Dead man's switches: a deadline per account, which the client moves on. The first
 * command that is stamped at or after it begins a mass cancel of the account, before it
 * is applied, and the switch is off then. One switch fires per command, so that a common
 * deadline of many accounts does not stall the others, and also that of the
 * account whose command it is. Orders of the others that are due end when a
 * command reaches them, see DueEnds. Owned by the engine thread.
 */
export class CancelAfters implements StatePart {
  readonly kinds = [RowKind.CancelAfter];
  readonly #state: MachineState;
  readonly #checks: OrderChecks;
  readonly #answers: Answers;
  readonly #massCancels: MassCancels;
  readonly #deadlines: DeadlineHeap;
  readonly #times: Float64Array;
  /** By account: 1 = it has a deadline. */
  readonly #on: Uint8Array;

  constructor(state: MachineState, checks: OrderChecks, answers: Answers, massCancels: MassCancels) {
    this.#state = state;
    this.#checks = checks;
    this.#answers = answers;
    this.#massCancels = massCancels;
    const { capacity } = state.accounts;
    const ids = Float64Array.from({ length: capacity }, (_, account) => account);
    this.#times = new Float64Array(capacity);
    this.#deadlines = new DeadlineHeap(ids, this.#times, state.wakes.subarray(3));
    this.#on = new Uint8Array(capacity);
  }

  /** The first deadline; infinite if there is none. */
  get earliestUs(): TimeUs {
    return this.#deadlines.earliestUs;
  }

  /** The account's command: `quantity` microseconds from its time, 0 = off. */
  apply(): void {
    const { order, accounts, timeUs } = this.#state;
    const { account } = order;
    if (!accounts.exists(account)) return this.#answers.rejectUnknownAccount(ReportKind.CancelAfterSet);
    this.#checks.count(account);
    this.#off(account);
    const deadlineUs = order.quantity === 0 ? 0 : timeUs + order.quantity;
    if (deadlineUs !== 0) this.#set(account, deadlineUs);
    this.#answers.reply(ReportKind.CancelAfterSet, Code.OK, 0, 0, deadlineUs, 0, 0);
  }

  /** Call it before a command when a deadline has come. */
  run(): void {
    const { order, accounts } = this.#state;
    this.#fire(this.#deadlines.first);
    const { account, kind } = order;
    // Byte 8 of an extension is no account.
    const own = kind <= CommandKind.CancelAfter && kind !== CommandKind.Extension && accounts.exists(account);
    if (own && this.#isDue(account)) this.#fire(account);
  }

  /** CANCELLED_AFTER if the deadline of the order's account has come, and its switch has not fired yet; else OK. */
  codeOf(slot: number): Code {
    return this.#isDue(this.#state.slab.account(slot)) ? Code.CANCELLED_AFTER : Code.OK;
  }

  save(out: RowWriter): void {
    for (let account = 0; account < this.#on.length; account++)
      if (this.#on[account] !== 0) out.row(RowKind.CancelAfter, account, this.#deadlines.timeOf(account));
  }

  load(r: Float64Array, at: number): void {
    this.#set(r[at + 1], r[at + 2]);
  }

  #isDue(account: number): boolean {
    return this.#on[account] !== 0 && this.#deadlines.timeOf(account) <= this.#state.timeUs;
  }

  #fire(account: number): void {
    this.#off(account);
    this.#massCancels.begin(account, 0, 0, Code.CANCELLED_AFTER, Code.CANCELLED_AFTER, 0);
  }

  #set(account: number, deadlineUs: TimeUs): void {
    this.#on[account] = 1;
    this.#times[account] = deadlineUs;
    this.#deadlines.add(account);
    const { wakes } = this.#state;
    wakes[1] = Math.min(wakes[1], deadlineUs);
  }

  #off(account: number): void {
    if (this.#on[account] === 0) return;
    this.#on[account] = 0;
    this.#deadlines.remove(account);
  }
}
