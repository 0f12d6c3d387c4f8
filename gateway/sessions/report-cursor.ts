import { Report } from '../../engine/wire/layout.ts';
import { REPORT_WORDS, type ReportFrameWriter } from '../../engine/wire/report-frames.ts';
import { ReportView } from '../../engine/wire/report-view.ts';

/** Reports per archive read. */
const ARCHIVE_READ = 1024;
/** Delay before the archive is read again, ms: it is written shortly after the engine publishes. */
const ARCHIVE_RETRY_MS = 20;
/** Consecutive failed reads before the session ends. */
const ARCHIVE_ATTEMPTS = 50;

/** Execution reports of the past, by account and number. */
export interface ReportArchive {
  /**
   * Up to `limit` packed 128-byte reports from number `fromReportNo` on, without gaps; empty when there are none yet.
   * Rejects with {@link ReportsGoneError} if that report is no longer kept.
   */
  read(account: number, fromReportNo: number, limit: number): Promise<Uint8Array>;
}

/** Reports up to a number are no longer kept: they were removed because of their age, or lost with an earlier history. */
export class ReportsGoneError extends Error {
  readonly code = 'REPORTS_GONE';
  readonly account: number;
  /** The last report that is gone. */
  readonly lastGone: number;

  constructor(account: number, lastGone: number) {
    super(`the reports of account ${account} up to ${lastGone} are no longer kept`);
    this.name = 'ReportsGoneError';
    this.account = account;
    this.lastGone = lastGone;
  }
}

export interface ReportListener {
  /** Called when there may be more to `fill`. */
  onReportsReady(): void;
  /** Called when the next reports cannot be read: the session must end. */
  onReportsLost(error: Error): void;
}

/** The part of the hub that cursors use. */
export interface RetainedReports {
  /** Slots of 128 bytes. */
  readonly words: Int32Array;
  /** Per slot: slot of the account's next report, -1 = none yet. */
  readonly next: Int32Array;
  /** Slot of report `no`, which is retained. */
  find(stream: AccountStream, no: number): number;
}

/** The reports of one account that the hub retains. If there are none, slots are -1 and `oldestNo` is `newestNo` + 1. */
export class AccountStream {
  readonly account: number;
  /** Reports up to this number exist, even if the hub never received them. */
  readonly knownNo: number;
  /** Number of the last report the hub took, 0 = none. */
  newestNo = 0;
  newestSlot = -1;
  oldestNo = 1;
  oldestSlot = -1;
  touched = false;
  cursors: readonly ReportCursor[] = [];

  constructor(account: number, knownNo: number) {
    this.account = account;
    this.knownNo = knownNo;
  }
}

/** The read position of one session in its account's reports. */
export class ReportCursor {
  readonly stream: AccountStream;
  readonly listener: ReportListener;
  /** Number of the last report returned. */
  sent: number;
  closed = false;
  readonly #hub: RetainedReports;
  readonly #archive: ReportArchive;
  /** Slot of the last report read from the ring, -1 = none yet. It is report `sent` while the ring retains that. */
  #slot = -1;
  #chunk: Int32Array | undefined;
  #chunkAt = 0;
  #reading = false;
  #failures = 0;

  constructor(hub: RetainedReports, archive: ReportArchive, stream: AccountStream, sent: number, listener: ReportListener) {
    this.#hub = hub;
    this.#archive = archive;
    this.stream = stream;
    this.sent = sent;
    this.listener = listener;
    if (sent !== 0 && sent === stream.newestNo && sent >= stream.oldestNo) this.#slot = stream.newestSlot;
  }

  /** Number of existing reports not returned yet. */
  backlog(): number {
    return Math.max(0, Math.max(this.stream.newestNo, this.stream.knownNo) - this.sent);
  }

  /** Whether the next report exists and the hub does not retain it, so that `fill` reads the archive. */
  get archived(): boolean {
    const { oldestNo, newestNo } = this.stream;
    const no = this.sent + 1;
    return (no < oldestNo || no > newestNo) && this.backlog() !== 0;
  }

  /** Moves reports into the frame until it is full or there are none. If the archive must be read, the listener is called when it has answered. */
  fill(frame: ReportFrameWriter): void {
    const { stream } = this;
    const hub = this.#hub;
    while (!frame.full) {
      const no = this.sent + 1;
      if (no >= stream.oldestNo && no <= stream.newestNo) {
        const known = this.#slot !== -1 && this.sent >= stream.oldestNo;
        const slot = known ? hub.next[this.#slot] : hub.find(stream, no);
        frame.add(hub.words, slot * REPORT_WORDS);
        this.#slot = slot;
        this.sent = no;
        this.#chunk = undefined;
      } else if (no > stream.newestNo && no > stream.knownNo) {
        return;
      } else if (!this.#fillFromArchive(frame)) {
        return;
      }
    }
  }

  /** Takes one report from the chunk in memory; false when the archive must be read first. */
  #fillFromArchive(frame: ReportFrameWriter): boolean {
    const chunk = this.#chunk;
    if (chunk === undefined) {
      if (!this.#reading) this.#read();
      return false;
    }
    frame.add(chunk, this.#chunkAt);
    this.sent++;
    this.#chunkAt += REPORT_WORDS;
    if (this.#chunkAt === chunk.length) this.#chunk = undefined;
    return true;
  }

  #read(): void {
    this.#reading = true;
    this.#archive.read(this.stream.account, this.sent + 1, ARCHIVE_READ).then(
      (bytes) => this.#take(bytes),
      (error: Error) => {
        const final = error instanceof ReportsGoneError || (error as { code?: string }).code === 'HISTORY_DAMAGED';
        if (!final && ++this.#failures < ARCHIVE_ATTEMPTS) this.#retry();
        else this.#lose(error);
      },
    );
  }

  #retry(): void {
    const timer = setTimeout(() => {
      this.#reading = false;
      if (!this.closed) this.listener.onReportsReady();
    }, ARCHIVE_RETRY_MS);
    timer.unref();
  }

  #take(bytes: Uint8Array): void {
    if (this.closed) return;
    this.#failures = 0;
    if (bytes.byteLength === 0) {
      this.#retry();
      return;
    }
    this.#reading = false;
    // A copy is aligned; the archive's buffer may not be.
    const words = new Int32Array(bytes.slice().buffer);
    const report = new ReportView();
    for (let at = 0, no = this.sent + 1; at < words.length; at += REPORT_WORDS, no++) {
      if (bytes.byteLength % Report.bytes !== 0 || report.wrap(words, at).reportNo !== no) {
        this.#lose(new Error(`the archive of account ${this.stream.account} has a gap at report ${no}`));
        return;
      }
    }
    this.#chunk = words;
    this.#chunkAt = 0;
    this.listener.onReportsReady();
  }

  #lose(error: Error): void {
    if (!this.closed) this.listener.onReportsLost(error);
  }
}
