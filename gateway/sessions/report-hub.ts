import { assert, fail } from '../../engine/assert.ts';
import { Code } from '../../engine/codes.ts';
import type { RingSlots } from '../../engine/rings/ring.ts';
import type { ReportHandler } from '../../engine/threads/pumps.ts';
import { ReportKind } from '../../engine/wire/layout.ts';
import { REPORT_WORDS } from '../../engine/wire/report-frames.ts';
import { acceptedOrderId, ReportView } from '../../engine/wire/report-view.ts';
import { AccountStream, type ReportArchive, ReportCursor, type ReportListener, type RetainedReports } from './report-cursor.ts';

const NONE = -1;
const { Fill: FILL, Triggered: TRIGGERED, Cancelled: CANCELLED } = ReportKind;
const { CANCELLED_BY_CLIENT, PARENT_FILLED } = Code;
const LAST_END = 499;
/** Retained reports that one step of a walk looks at: some 0.1 ms. */
const WALK_REPORTS = 2048;

/** Who awaits the first reports with a seq. */
interface Awaited {
  readonly account: number;
  readonly waiter: SeqWaiter;
  /** Reports that are still to come. */
  left: number;
}

/** Called once, with the first report of the command to its own account: its answer. */
export interface SeqWaiter {
  /** The report lies at word `at`; it is valid during the call only. */
  onFirstReport(seq: number, words: Int32Array, at: number): void;
}

export interface ReportHubOptions {
  readonly archive: ReportArchive;
  /** The number of the account's last report, 0 for none: the state after recovery, before the hub has received any. */
  readonly lastReportNo: (account: number) => number;
  /** Reports kept in memory, a power of two. Default 2^17 (16 MiB). */
  readonly retained?: number;
  /** Maximum commands awaited at once. Default 65,536. */
  readonly maxAwaited?: number;
}

/**
 * Distributes execution reports to sessions. It keeps the last reports of all
 * accounts in one ring, chained per account; a session is a cursor on its
 * account's chain. So nothing is queued per session: a session that reads slowly
 * or reconnects continues from the ring, or from the archive for reports that
 * the ring has overwritten. I/O thread only.
 *
 *   ring   ┌────┬────┬────┬────┬────┬────┬────┐
 *          │ A7 │ B3 │ A8 │ C1 │ B4 │ A9 │ …  │   128-byte reports, any account
 *          └─┬──┴─┬──┴─┬▲─┴────┴─▲──┴─▲──┴────┘
 *            │    └────┼┼────────┘    │           next of the same account
 *            └─────────┘└─────────────┘
 */
export class ReportHub implements ReportHandler, RetainedReports {
  /** Reports taken so far. */
  reports = 0;
  /** Seq of the command of the last report taken; reports are in order of seq. */
  seenSeq = 0;
  readonly words: Int32Array;
  readonly next: Int32Array;
  readonly archive: ReportArchive;
  readonly #slots: number;
  readonly #lastReportNo: (account: number) => number;
  readonly #maxAwaited: number;
  readonly #streams = new Map<number, AccountStream>();
  /** The first `#touchedCount` were touched by this poll. The array keeps its length: V8 allocates one that was emptied again. */
  readonly #touched: AccountStream[] = [];
  #touchedCount = 0;
  readonly #waiters = new Map<number, Awaited>();
  readonly #report = new ReportView();
  readonly #retained = new ReportView();
  #head = 0;
  #last: AccountStream | undefined;

  constructor({ archive, lastReportNo, retained = 2 ** 17, maxAwaited = 65_536 }: ReportHubOptions) {
    assert(retained >= 2 && (retained & (retained - 1)) === 0, 'report hub: retained is a power of two from 2');
    this.archive = archive;
    this.#lastReportNo = lastReportNo;
    this.#slots = retained;
    this.#maxAwaited = maxAwaited;
    this.words = new Int32Array(retained * REPORT_WORDS);
    this.next = new Int32Array(retained).fill(NONE);
  }

  onReport(slots: RingSlots, slot: number): void {
    const from = slot * REPORT_WORDS;
    const words = slots.i32;
    const report = this.#report.wrap(words, from);
    const stream = this.#stream(report.account);
    const no = report.reportNo;
    if (stream.newestNo !== 0 && no !== stream.newestNo + 1) gap(stream, no);
    this.#append(stream, no, words, from);
    if (!stream.touched) {
      stream.touched = true;
      this.#touched[this.#touchedCount++] = stream;
    }
    this.seenSeq = report.seq;
    if (this.#waiters.size !== 0 && isAnswer(report.kind, report.code)) this.#answer(stream.account, words, from);
  }

  /** Notifies each session with new reports, once per poll. */
  onReportsEnd(): void {
    const touched = this.#touched;
    for (let i = 0; i < this.#touchedCount; i++) {
      const stream = touched[i];
      stream.touched = false;
      const { cursors } = stream;
      for (let c = 0; c < cursors.length; c++) cursors[c].listener.onReportsReady();
    }
    this.#touchedCount = 0;
  }

  /** The number of the account's last report that may have been sent; 0 for none. */
  lastReportNo(account: number): number {
    const stream = this.#stream(account);
    return Math.max(stream.newestNo, stream.knownNo, this.#lastReportNo(account));
  }

  /**
   * A cursor after report `sent` of the account; the listener is called for later reports. Close it when the session ends.
   * @param archive has the reports that are not retained. Default: that of the hub
   */
  open(account: number, sent: number, listener: ReportListener, archive: ReportArchive = this.archive): ReportCursor {
    const stream = this.#stream(account);
    const cursor = new ReportCursor(this, archive, stream, sent, listener);
    stream.cursors = [...stream.cursors, cursor];
    return cursor;
  }

  close(cursor: ReportCursor): void {
    cursor.closed = true;
    const { stream } = cursor;
    stream.cursors = stream.cursors.filter((other) => other !== cursor);
  }

  /** Whether `count` more commands may be awaited. Call it before they are sequenced. */
  canAwait(count: number): boolean {
    return this.#waiters.size + count <= this.#maxAwaited;
  }

  /** Hands `waiter` the first report with this seq on this account, except those of orders that ended before the command was applied. Call it in the turn of the loop that published the command; once for each order of a list, whose answers have one seq. */
  expect(seq: number, account: number, waiter: SeqWaiter): void {
    assert(this.#waiters.size < this.#maxAwaited, 'report hub: more awaited than allowed');
    const entry = this.#waiters.get(seq);
    if (entry === undefined) this.#waiters.set(seq, { account, waiter, left: 1 });
    else entry.left++;
  }

  /** Removes the waiter of `seq`. */
  forget(seq: number): void {
    this.#waiters.delete(seq);
  }

  /** A copy of the first report with this seq on this account (0: administrative commands). */
  awaitSeq(seq: number, account: number = 0): Promise<Uint8Array> {
    return new Promise((resolve) => {
      this.expect(seq, account, {
        onFirstReport: (_seq, words, at) => resolve(new Uint8Array(words.slice(at, at + REPORT_WORDS).buffer)),
      });
    });
  }

  /** Slot of report `no`, which is retained. A walk along the account's chain: a cursor does it once, when it enters the ring. */
  find(stream: AccountStream, no: number): number {
    if (no === stream.newestNo) return stream.newestSlot;
    let slot = stream.oldestSlot;
    for (let at = stream.oldestNo; at < no; at++) slot = this.next[slot];
    return slot;
  }

  /** Slot of the newest report of an account; -1 = none is retained. During `onFirstReport`, that is the report of the call. */
  newestSlot(account: number): number {
    return this.#stream(account).newestSlot;
  }

  /** Copies of report `no` of an account, which was put into `slot`, and of those that followed, `most` of them; empty if it is not retained any more. */
  copyFrom(account: number, no: number, slot: number, most: number): Int32Array {
    const stream = this.#stream(account);
    if (slot === NONE || no < stream.oldestNo) return new Int32Array(0);
    const count = Math.min(most, stream.newestNo - no + 1);
    const copy = new Int32Array(count * REPORT_WORDS);
    for (let i = 0, at = slot; i < count; i++, at = this.next[at])
      copy.set(this.words.subarray(at * REPORT_WORDS, (at + 1) * REPORT_WORDS), i * REPORT_WORDS);
    return copy;
  }

  /**
   * When orders of an account were accepted, microseconds since the Unix epoch, by order id: those of the orders whose acceptances are
   * retained. Looks at the newest reports first, at a part of them in each step.
   * @param after reports up to this number need no look
   */
  *acceptedInSteps(account: number, orderIds: ReadonlySet<number>, after: number): Generator<undefined, Map<number, number>> {
    const times = new Map<number, number>();
    const stream = this.#stream(account);
    const report = new ReportView();
    let slot = this.#head;
    for (let left = Math.min(this.reports, this.#slots); left > 0 && times.size < orderIds.size; left--) {
      // Checked again after each step, in which reports may have been overwritten.
      if (Math.max(after + 1, stream.oldestNo) > stream.newestNo) break;
      slot = slot === 0 ? this.#slots - 1 : slot - 1;
      report.wrap(this.words, slot * REPORT_WORDS);
      if (report.account === account) {
        if (report.reportNo <= after) break;
        const id = acceptedOrderId(report);
        if (orderIds.has(id)) times.set(id, report.timeUs);
        if (report.reportNo === stream.oldestNo) break;
      }
      if (left % WALK_REPORTS === 0) yield;
    }
    return times;
  }

  #append(stream: AccountStream, no: number, words: Int32Array, from: number): void {
    const slot = this.#head;
    const to = slot * REPORT_WORDS;
    if (this.reports >= this.#slots) this.#evict(slot);
    this.#head = slot + 1 === this.#slots ? 0 : slot + 1;
    for (let i = 0; i < REPORT_WORDS; i++) this.words[to + i] = words[from + i];
    this.next[slot] = NONE;
    // An empty chain starts here; its numbers continue.
    if (stream.oldestSlot === NONE) {
      stream.oldestSlot = slot;
      stream.oldestNo = no;
    } else this.next[stream.newestSlot] = slot;
    stream.newestSlot = slot;
    stream.newestNo = no;
    this.reports++;
  }

  /** The report in `slot` is the oldest of all, so it is the oldest of its account. */
  #evict(slot: number): void {
    const stream = this.#stream(this.#retained.wrap(this.words, slot * REPORT_WORDS).account);
    stream.oldestSlot = this.next[slot];
    stream.oldestNo++;
  }

  #stream(account: number): AccountStream {
    const last = this.#last;
    if (last !== undefined && last.account === account) return last;
    let stream = this.#streams.get(account);
    if (stream === undefined) {
      stream = new AccountStream(account, this.#lastReportNo(account));
      this.#streams.set(account, stream);
    }
    this.#last = stream;
    return stream;
  }

  #answer(account: number, words: Int32Array, from: number): void {
    const seq = this.seenSeq;
    const entry = this.#waiters.get(seq);
    if (entry === undefined || entry.account !== account) return;
    if (--entry.left === 0) this.#waiters.delete(seq);
    entry.waiter.onFirstReport(seq, words, from);
  }
}

/**
 * Whether a report can be the answer of a command. Others of its sequence may come first: of orders that expire, that a mass cancel goes on
 * with, or that trigger before it.
 */
function isAnswer(kind: number, code: number): boolean {
  if (kind === CANCELLED) return code === CANCELLED_BY_CLIENT;
  return kind !== FILL && kind !== TRIGGERED && code !== PARENT_FILLED && (code <= CANCELLED_BY_CLIENT || code > LAST_END);
}

function gap(stream: AccountStream, no: number): never {
  fail(`report hub: account ${stream.account} got report ${no} behind ${stream.newestNo}`);
}
