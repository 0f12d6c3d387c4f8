import { type ServerDuplexStream, status } from '@grpc/grpc-js';
import { Code } from '../engine/codes.ts';
import { RefusalList, ReportFrameWriter } from '../engine/wire/report-frames.ts';
import type { OrderEntryCounters, OrderIntake } from './order-intake.ts';
import { frameFault } from './order-status.ts';
import type { ReportCursor, ReportListener } from './report-cursor.ts';
import type { ReportHub } from './report-hub.ts';

/** Reports of one frame: 128 KiB, the most that is ever under way to one session. */
const FRAME_REPORTS = 1024;
/** From here on a session is not read from until it has caught up to half. */
const MAX_BACKLOG = 16_384;
const MAX_REFUSALS = 4096;

/** What the sessions of one server share. */
export interface SessionContext {
  readonly hub: ReportHub;
  readonly intake: OrderIntake;
  readonly counters: OrderEntryCounters;
  readonly onGone: (session: OrderSession) => void;
}

export type SessionCall = ServerDuplexStream<Buffer, Buffer>;

/** Serves all sessions in turn: a frame is built and handed over in one go. */
const frame = new ReportFrameWriter(FRAME_REPORTS);

/**
 * One Session stream. At most one frame is under way to the client; what comes
 * meanwhile stays in the hub and goes out together when the stream has taken
 * the last one. So the slower the client, the larger its frames, and a client
 * that does not read costs one frame of memory. gRPC would send one message
 * after the other in any case, so nothing waits longer for it.
 */
export class OrderSession implements ReportListener {
  readonly account: number;
  readonly #call: SessionCall;
  readonly #context: SessionContext;
  readonly #cursor: ReportCursor;
  readonly #refusals = new RefusalList();
  #writing = false;
  #blocked = false;
  /** The client, or the stopping exchange, wants no more commands: leave when all is answered. */
  #ending = false;
  #gone = false;
  #lastSeq = 0;

  /** @param sent number of the last report the client has seen */
  constructor(call: SessionCall, account: number, sent: number, context: SessionContext) {
    this.account = account;
    this.#call = call;
    this.#context = context;
    this.#cursor = context.hub.open(account, sent, this);
    call.on('data', (bytes: Buffer) => this.#take(bytes));
    call.on('end', () => this.end());
    // grpc-js says so at the end of every call, however it ended.
    call.on('cancelled', () => this.#leave());
    call.on('error', () => this.#leave());
    this.#pump();
  }

  onReportsReady(): void {
    this.#pump();
    this.#regulate();
  }

  onReportsLost(error: Error): void {
    this.cut(
      status.UNAVAILABLE,
      `the reports from ${this.#cursor.sent + 1} on cannot be read (${error.message}): connect again with x-openbell-last-report`,
    );
  }

  /** Takes no more commands and closes the stream once every command it took is answered. */
  end(): void {
    this.#ending = true;
    this.#pump();
  }

  /** Ends the stream now. */
  cut(code: status, details: string): void {
    if (this.#gone) return;
    this.#context.counters.sessionsCut++;
    this.#leave();
    this.#call.emit('error', { code, details });
  }

  #take(bytes: Buffer): void {
    if (this.#gone) return;
    const { intake } = this.#context;
    const refusals = this.#refusals;
    const fault = intake.take(bytes, this.account, refusals);
    if (fault === Code.FRAME_TOO_LARGE) refusals.addFrame(fault);
    else if (fault !== Code.OK) {
      const { code, details } = frameFault(fault, intake.reader.version);
      this.cut(code, details);
      return;
    }
    if (intake.taken !== 0) {
      this.#lastSeq = intake.seqs[intake.taken - 1];
      intake.publish();
    }
    if (refusals.count !== 0) {
      this.#pump();
      this.#regulate();
    }
  }

  #pump(): void {
    if (this.#writing || this.#gone) return;
    this.#cursor.fill(frame);
    if (frame.count === 0 && this.#refusals.count === 0) {
      if (this.#ending && this.#answered()) {
        this.#leave();
        this.#call.end();
      }
      return;
    }
    const { counters } = this.#context;
    counters.pushedReports += frame.count;
    counters.pushedFrames++;
    this.#writing = true;
    const bytes = frame.finish(this.#refusals);
    this.#refusals.clear();
    this.#call.write(bytes, this.#written);
  }

  readonly #written = (error: Error | null | undefined): void => {
    this.#writing = false;
    if (error) {
      this.#leave();
      return;
    }
    this.#pump();
    this.#regulate();
  };

  #answered(): boolean {
    return this.#context.hub.seenSeq >= this.#lastSeq && this.#cursor.backlog() === 0;
  }

  /** Reads from the client only as fast as the client reads: commands make reports. */
  #regulate(): void {
    const backlog = this.#cursor.backlog();
    if (!this.#blocked) {
      if (backlog < MAX_BACKLOG && this.#refusals.count < MAX_REFUSALS) return;
      this.#block(true);
      this.#call.pause();
    } else if (backlog < MAX_BACKLOG / 2 && this.#refusals.count < MAX_REFUSALS) {
      this.#block(false);
      this.#call.resume();
    }
  }

  #block(blocked: boolean): void {
    if (this.#blocked === blocked) return;
    this.#blocked = blocked;
    const { counters } = this.#context;
    counters.blockedSessions += blocked ? 1 : -1;
    if (blocked) counters.blockedTotal++;
  }

  #leave(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#block(false);
    this.#context.hub.close(this.#cursor);
    this.#context.onGone(this);
  }
}
