import { Code } from '../../engine/codes.ts';
import { decodeDropCopy, encodeDropCopy, MAX_DROP_COPY_ACCOUNTS, type Resumption } from '../../engine/wire/drop-copy-frame.ts';
import { RefusalList, ReportFrameWriter } from '../../engine/wire/report-frames.ts';
import { type Reject, reject } from '../reject.ts';
import { CopyFeeds } from './copy-feeds.ts';
import type { FramePool } from './frame-pool.ts';
import { frameReject } from './frame-reject.ts';
import type { SessionTransport } from './order-session.ts';
import { type ReportArchive, ReportsGoneError } from './report-cursor.ts';
import type { ReportHub } from './report-hub.ts';

/** Most reports of one frame, 64 KiB: one piece of work between two turns of others, and the most that is in flight to a reader. */
const FRAME_REPORTS = 512;
const NO_REFUSALS = new RefusalList();

/** Counters of all drop copies; metrics read the fields. */
export class DropCopyCounters {
  /** Open now. */
  open = 0;
  total = 0;
  /** Rejected or cut, slow ones included. */
  cut = 0;
  /** Cut because they did not take their reports. */
  slow = 0;
  reports = 0;
  frames = 0;
}

/** What a drop copy uses of its exchange. */
export interface CopyContext {
  readonly hub: ReportHub;
  /** For the reports that the hub does not retain. */
  readonly archive: ReportArchive;
  readonly counters: DropCopyCounters;
  readonly frames: FramePool;
  /** Runs `piece` in turns with other background work, until it returns false. */
  readonly inTurns: (piece: () => boolean) => void;
  /** Whether an account may be read, and exists. */
  readonly check: (account: number) => Reject | undefined;
  readonly onSubscribed: (accounts: readonly number[]) => void;
  readonly onGone: () => void;
}

/** The part of a transport that a drop copy uses: nothing is paused, because a client sends one message. */
export type CopyTransport = Pick<SessionTransport, 'headroom' | 'write' | 'end' | 'fail'>;

/** The frame builder shared by all drop copies: a frame is built and handed over synchronously. */
const frame = new ReportFrameWriter(FRAME_REPORTS);

/**
 * One drop copy: the reports of several accounts, read only. The first message of the client names the accounts and where
 * each begins; the exchange answers with these numbers, then sends reports. At most one frame is in flight, and nothing is
 * queued: unread reports stay in the hub and in the archive. I/O thread.
 *
 *   open ──first message──▶ subscribed: points, reports, reports …
 *     │ none in time           │ a second message, a slow reader, a report that is gone
 *     └────────────▶ cut ◀─────┘
 */
export class DropCopy {
  endedWith: Code = Code.OK;
  /** Accounts that it has named. */
  accounts = 0;
  /** Reports sent. */
  reports = 0;
  /** What the transport or the client has to do next has been due since then: ms of the monotonic clock; Infinity: nothing. */
  dueSince: number = performance.now();
  readonly #transport: CopyTransport;
  readonly #context: CopyContext;
  /** Schema of the answers; undefined: that of the client's message. */
  #schema: number | undefined;
  #feeds: CopyFeeds | undefined;
  #asked = false;
  #working = false;
  /** The frame in flight. */
  #writing: Buffer | undefined;
  #gone = false;

  constructor(transport: CopyTransport, schema: number | undefined, context: CopyContext) {
    this.#transport = transport;
    this.#schema = schema;
    this.#context = context;
  }

  /** Takes the client's message. False: read no further. */
  onMessage(bytes: Uint8Array, at: number, length: number): boolean {
    if (this.#gone) return false;
    if (this.#asked) {
      this.cut(reject(Code.PERMISSION_DENIED, 'a drop copy takes no commands, and one subscription: to change it, connect again'));
      return false;
    }
    const { code, version, points } = decodeDropCopy(bytes, at, length);
    if (code !== Code.OK) {
      this.cut(pointsReject(code, version));
      return false;
    }
    this.#asked = true;
    this.dueSince = Number.POSITIVE_INFINITY;
    this.#schema ??= version;
    this.#context.inTurns(() => {
      if (!this.#gone) this.#subscribe(points);
      return false;
    });
    return true;
  }

  /** Call when the transport has written the last frame and no longer reads it. */
  onWritten(): void {
    this.#free();
    this.#work();
  }

  /** The client or the stopping exchange ends it. */
  end(): void {
    if (this.#gone) return;
    this.leave();
    this.#transport.end();
  }

  /** Ends it now. */
  cut(why: Reject): void {
    if (this.#gone) return;
    this.#context.counters.cut++;
    this.endedWith = why.code;
    this.leave();
    this.#transport.fail(why);
  }

  /** Cuts it if the client has not done what was due at `now`. */
  cutLate(now: number, lateMs: number): void {
    if (now - this.dueSince < lateMs) return;
    const seconds = lateMs / 1000;
    if (!this.#asked) return this.cut(reject(Code.BUSY, `no subscription came within ${seconds} s: send a DropCopyFrame first`));
    this.#context.counters.slow++;
    this.cut(reject(Code.BUSY, `slow reader: a frame was not read within ${seconds} s: read faster, or resume with fewer accounts`));
  }

  /** Call when the transport has closed. */
  leave(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#feeds?.close();
    this.#context.onGone();
  }

  #subscribe(points: readonly Resumption[]): void {
    const { hub, archive, frames, check, onSubscribed } = this.#context;
    for (const { account, after } of points) {
      const wrong = check(account) ?? beyondEnd(account, after, hub.lastReportNo(account));
      if (wrong !== undefined) return this.cut(wrong);
    }
    const begin = points.map(({ account, after }) => ({ account, after: after ?? hub.lastReportNo(account) }));
    this.accounts = begin.length;
    onSubscribed(begin.map(({ account }) => account));
    this.#write(encodeDropCopy(begin, this.#schema, this.#transport.headroom, frames));
    const feeds = new CopyFeeds(
      hub,
      archive,
      () => this.#work(),
      (error) => this.#lost(error),
    );
    for (const { account, after } of begin) feeds.add(account, after);
    this.#feeds = feeds;
    this.#work();
  }

  /** Sends frames, one at each turn, until there are no reports or the transport is busy. */
  #work(): void {
    if (this.#working || this.#writing !== undefined || this.#gone) return;
    this.#working = true;
    this.#context.inTurns(() => {
      this.#working = !this.#gone && this.#feeds !== undefined && this.#send(this.#feeds);
      return this.#working;
    });
  }

  /** Sends a frame. True: another may follow at once. */
  #send(feeds: CopyFeeds): boolean {
    const more = feeds.fill(frame);
    if (frame.count === 0) return false;
    const { counters, frames } = this.#context;
    this.reports += frame.count;
    counters.reports += frame.count;
    counters.frames++;
    return this.#write(frame.finish(NO_REFUSALS, this.#transport.headroom, this.#schema, frames)) && more;
  }

  /** True: the transport has taken it. */
  #write(bytes: Buffer): boolean {
    this.#writing = bytes;
    this.dueSince = performance.now();
    if (!this.#transport.write(bytes)) return false;
    this.#free();
    return true;
  }

  #free(): void {
    if (this.#writing !== undefined) this.#context.frames.give(this.#writing);
    this.#writing = undefined;
    this.dueSince = Number.POSITIVE_INFINITY;
  }

  #lost(error: Error): void {
    if (error instanceof ReportsGoneError) {
      const { account, lastGone } = error;
      const text = `${error.message}: read its orders and balances again, then resume account ${account} from ${lastGone} on, or without a number`;
      return this.cut(reject(Code.REPORTS_GONE, text));
    }
    this.cut(reject(Code.BUSY, `earlier reports cannot be read (${error.message}): connect again and resume`, 'unavailable'));
  }
}

function beyondEnd(account: number, after: number | undefined, last: number): Reject | undefined {
  if (after === undefined || after <= last) return undefined;
  const text = `report ${after} of account ${account} was named, but its last report is ${last}: reports were lost with the exchange's data, start again without a number`;
  return reject(Code.BAD_RANGE, text, 'beyond-end');
}

function pointsReject(code: Code, version: number): Reject {
  switch (code) {
    case Code.WRONG_SCHEMA_VERSION:
      return frameReject(code, version);
    case Code.FRAME_TOO_LARGE:
      return reject(code, `a drop copy has at most ${MAX_DROP_COPY_ACCOUNTS} accounts: open several`);
    case Code.BAD_RANGE:
      return reject(code, 'name each account once, from 1, with resume 1 and its last report, or resume 0 and 0');
    default:
      return reject(code, 'the first message is a DropCopyFrame of openbell.fbs');
  }
}
