import type { FlatReader } from '../../engine/wire/flat.ts';
import { OpenbellError } from './errors.ts';
import { ReportMemory } from './report-memory.ts';
import type { OrderInDoubt, ReportView } from './types.ts';

/** Calls that end during the comparison before it is left out: an exchange whose history cannot be read must not stop trading. */
const MAX_UNCOMPARED = 3;

/** Reports that a session with `onLoss: 'resync'` remembers: 512 KiB. */
const REMEMBERED = 4096;

/**
 * `current`: the reports continue. `repeated`: known already. `ask-again`: make the call again, see {@link Resume.after}.
 * `lost`: the exchange no longer has the reports after {@link Resume.common}.
 */
export type ResumeStep = 'current' | 'repeated' | 'ask-again' | 'lost';

/**
 * Where a session resumes its account's reports, and whether the exchange is still the one that sent them. Numbers alone
 * do not show it: an exchange that started from an older copy of its data counts on from there, and soon reaches the
 * client's number again. So the session requests the last report that it has once more and compares the two. When they
 * differ, or the exchange has fewer reports, it requests all that it remembers, and finds the last one in common.
 */
export class Resume {
  /** Number of the last report that the session and the exchange have in common; valid after `lost`. */
  common = 0;
  /** Whether {@link common} is exact: false when it is older than what the session remembers. */
  exact = true;
  readonly memory: ReportMemory;
  /** `last`: compare the last report. `search`: compare all. `forget`: start at the exchange's end. */
  #mode: 'last' | 'search' | 'forget' = 'last';
  /** Number of the last report to compare before the reports continue; undefined: nothing is compared. */
  #until: number | undefined;
  /** Number of the first report that a search compares. */
  #from = 0;
  /** Calls in a row that ended before the last report was compared. */
  #uncompared = 0;

  /** @param onLoss `throw` remembers one report: enough to notice a loss */
  constructor(onLoss: 'throw' | 'resync') {
    this.memory = new ReportMemory(onLoss === 'resync' ? REMEMBERED : 1);
  }

  /** Reports are being compared: nothing is sent meanwhile. */
  get comparing(): boolean {
    return this.#until !== undefined;
  }

  /** The report number with which to make the call; undefined: new reports only. @param last of the session */
  after(last: number | undefined): number | undefined {
    if (this.#until !== undefined) this.#uncompared++;
    this.#until = undefined;
    if (this.#mode === 'search' && this.#uncompared >= MAX_UNCOMPARED) this.#mode = 'forget';
    if (last === undefined || this.#mode === 'forget') return undefined;
    if (this.#mode === 'search') {
      this.#from = this.memory.oldestFresh() ?? last;
      return this.#from - 1;
    }
    return this.#compares(last) ? last - 1 : last;
  }

  /** The call is open. @param last of the session, undefined at first @param theirs number of the exchange's last report */
  opened(last: number | undefined, theirs: number): ResumeStep {
    if (this.#mode === 'forget') return this.#lost(theirs, false);
    if (last === undefined || (this.#mode === 'last' && !this.#compares(last))) {
      this.#uncompared = 0;
      return 'current';
    }
    if (theirs >= last) {
      this.#until = last;
      return 'repeated';
    }
    if (this.#mode === 'last') return this.beyondEnd();
    // The first one that is remembered follows at once, unless the exchange ends before it.
    if (theirs < this.#from) return this.#lost(theirs, false);
    this.#until = theirs;
    return 'repeated';
  }

  /** The exchange has fewer reports than the session named. */
  beyondEnd(): ResumeStep {
    this.#uncompared = 0;
    this.#until = undefined;
    this.#mode = this.#mode === 'last' && this.memory.oldestFresh() !== undefined ? 'search' : 'forget';
    return 'ask-again';
  }

  /** A report that the session has already, while it compares. @param last of the session */
  compare(no: number, last: number, flat: FlatReader, at: number): ResumeStep {
    if (!this.memory.agrees(no, flat, at)) return this.#mode === 'search' ? this.#lost(no - 1, no > this.#from) : this.beyondEnd();
    if (no !== this.#until) return 'repeated';
    if (no < last) return this.#lost(no, true);
    this.#mode = 'last';
    this.#until = undefined;
    this.#uncompared = 0;
    return 'current';
  }

  #compares(last: number): boolean {
    return this.memory.newest === last && this.memory.fresh && this.#uncompared < MAX_UNCOMPARED;
  }

  #lost(common: number, exact: boolean): ResumeStep {
    this.#uncompared = 0;
    this.#mode = 'last';
    this.#until = undefined;
    this.common = common;
    this.exact = exact;
    return 'lost';
  }
}

/** A session whose reports the exchange no longer has, and which may not resynchronise. */
export function reportsLost(account: number, last: number | undefined): OpenbellError {
  const text = `REPORTS_LOST: the exchange continues from an older copy of its data: it no longer has all reports of account ${account} up to ${last}. Look at the account and its open orders, then connect again, with onLoss: 'resync' to continue in such a case`;
  return new OpenbellError('REPORTS_LOST', text);
}

/** The orders that lost reports are about, in the order of their first lost report. */
export function ordersInDoubt(lost: readonly ReportView[]): OrderInDoubt[] {
  const orders = new Map<string, OrderInDoubt>();
  for (const report of lost) {
    const { symbol, orderId, clientOrderId } = report;
    // A rejected order has no order id.
    const key = orderId === 0 ? `client ${clientOrderId}` : String(orderId);
    const gone = orders.get(key)?.gone || report.kind === 'accepted' || report.kind === 'rejected';
    orders.set(key, { symbol, orderId, clientOrderId, gone, report });
  }
  return [...orders.values()];
}
