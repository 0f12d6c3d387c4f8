import { ReportKind } from '../../engine/wire/layout.ts';
import { ReportFrameWriter } from '../../engine/wire/report-frames.ts';
import { ReportView } from '../../engine/wire/report-view.ts';
import type { ReportArchive, ReportCursor, ReportListener } from '../sessions/report-cursor.ts';
import { ReportsGoneError } from '../sessions/report-cursor.ts';
import type { ReportHub } from '../sessions/report-hub.ts';
import type { FillFields } from './alert.ts';

/** Reports of one account between two of another, and in all until the next pass: some 0.2 ms. */
const REPORTS_PER_TURN = 64;
const REPORTS_PER_PASS = 1024;

/** Called with each fill of an account that is followed. */
type OnFill = (account: number, fill: FillFields, timeUs: number) => void;

/**
 * Reads the reports of accounts whose fills are alerts. Each account is a cursor on its reports, as a session is, so that after a restart it continues from the
 * number that was stored, and no fill is missed. Reports are read in {@link poll}, not when they arrive: then, only the account is marked. I/O thread.
 */
export class FillWatch {
  readonly #hub: ReportHub;
  readonly #archive: ReportArchive;
  readonly #onFill: OnFill;
  readonly #onLost: (account: number, error: Error) => void;
  readonly #cursors = new Map<number, ReportCursor>();
  /** Accounts that may have reports to read, in turn. */
  readonly #ready = new Set<number>();
  readonly #frame = new ReportFrameWriter(REPORTS_PER_TURN);
  readonly #report = new ReportView();

  /** @param onLost called when reports of an account are not kept any more; it continues with those that come */
  constructor(hub: ReportHub, archive: ReportArchive, onFill: OnFill, onLost: (account: number, error: Error) => void) {
    this.#hub = hub;
    this.#archive = archive;
    this.#onFill = onFill;
    this.#onLost = onLost;
  }

  /** The last report of an account that was read. Of one that is not followed: 0. */
  readUpTo(account: number): number {
    return this.#cursors.get(account)?.sent ?? 0;
  }

  accounts(): Iterable<number> {
    return this.#cursors.keys();
  }

  /** Follows an account from the report behind `reportNo` on. After a repair that cut the log, the number may be of a report that is gone. */
  open(account: number, reportNo: number): void {
    if (this.#cursors.has(account)) return;
    const listener: ReportListener = {
      onReportsReady: () => void this.#ready.add(account),
      onReportsLost: (error) => this.#lost(account, error),
    };
    this.#cursors.set(account, this.#hub.open(account, Math.min(reportNo, this.#hub.lastReportNo(account)), listener, this.#archive));
    this.#ready.add(account);
  }

  close(account: number): void {
    const cursor = this.#cursors.get(account);
    if (cursor !== undefined) this.#hub.close(cursor);
    this.#cursors.delete(account);
    this.#ready.delete(account);
  }

  /** Reads a bounded number of reports; the rest follows in the next call. */
  poll(): void {
    let left = REPORTS_PER_PASS;
    for (const account of this.#ready) {
      if (left <= 0) return;
      this.#ready.delete(account);
      const cursor = this.#cursors.get(account);
      if (cursor === undefined) continue;
      cursor.fill(this.#frame);
      const read = this.#frame.count;
      left -= read;
      this.#frame.count = 0;
      for (let i = 0; i < read; i++) this.#take(account, this.#frame.wordOf(i));
      // It goes to the end of the queue, unless one of its alerts was its last.
      if (read === REPORTS_PER_TURN && this.#cursors.has(account)) this.#ready.add(account);
    }
  }

  #take(account: number, at: number): void {
    const report = this.#report.wrap(this.#frame.words, at);
    if (report.kind !== ReportKind.Fill) return;
    const { reportNo, symbol, side, orderId, clientOrderId, price, quantity, leaves, tradeId, timeUs } = report;
    this.#onFill(account, { reportNo, symbol, side, orderId, clientOrderId, price, quantity, leaves, tradeId }, timeUs);
  }

  /** What cannot be read is passed over: `lastGone` if the reports were removed, else all so far. */
  #lost(account: number, error: Error): void {
    this.close(account);
    this.#onLost(account, error);
    this.open(account, error instanceof ReportsGoneError ? error.lastGone : this.#hub.lastReportNo(account));
  }
}
