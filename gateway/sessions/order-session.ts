import { Code } from '../../engine/codes.ts';
import { MIN_SCHEMA_VERSION, supportsSchema } from '../../engine/wire/frames.ts';
import { RefusalList } from '../../engine/wire/report-frames.ts';
import { type Reject, reject } from '../reject.ts';
import type { FramePool } from './frame-pool.ts';
import { frameReject } from './frame-reject.ts';
import { type ClaimNames, resumption } from './order-caller.ts';
import type { OrderEntryCounters, OrderIntake } from './order-intake.ts';
import { type ReportCursor, type ReportListener, ReportsGoneError } from './report-cursor.ts';
import type { ReportHub } from './report-hub.ts';
import type { ServiceTime } from './service-time.ts';
import type { SessionEnd } from './session-audit.ts';
import type { SessionCodec } from './session-codec.ts';

/** Backlog at which a session is paused until the backlog has halved. */
const MAX_BACKLOG = 16_384;
const MAX_REJECTS = 4096;
/** Rejects at which a session is cut, because it keeps sending while paused. */
const CUT_AT_REJECTS = 4 * MAX_REJECTS;
/** Time for a session that the exchange ends to read its remaining reports. */
const END_GRACE_MS = 5000;

/** State shared by the sessions of one server. */
export interface SessionContext {
  readonly hub: ReportHub;
  readonly intake: OrderIntake;
  readonly counters: OrderEntryCounters;
  readonly serviceTime: ServiceTime;
  readonly frames: FramePool;
  readonly onGone: (session: OrderSession) => void;
}

/** The transport of a session: a gRPC stream or a WebSocket. */
export interface SessionTransport {
  /** Bytes reserved for the transport at the beginning of a frame. */
  readonly headroom: number;
  /** Sends a frame. True: the transport no longer reads it; false: it reads it until `onWritten`. */
  write(frame: Buffer): boolean;
  /** Stops the client from sending. Commands sent nevertheless are rejected with BUSY. */
  pause(): void;
  resume(): void;
  /** Ends normally, after the frames written. */
  end(): void;
  /** Ends with a reject, after the frames written. */
  fail(reject: Reject): void;
}

/**
 * One session of an account. At most one frame is in flight to the client;
 * later reports stay in the hub and are sent together once the transport has
 * taken the frame. So the slower the client, the larger its frames, and a client
 * that does not read costs one frame of memory. A stream sends messages in
 * sequence in any case, so this adds no delay.
 */
export class OrderSession implements ReportListener, SessionEnd {
  readonly account: number;
  /** 0: it did not ask for a cancel on disconnect. */
  readonly number: number;
  endedWith: Code = Code.OK;
  firstSeq = 0;
  lastSeq = 0;
  commands = 0;
  readonly #transport: SessionTransport;
  readonly #codec: SessionCodec;
  readonly #context: SessionContext;
  readonly #names: ClaimNames;
  readonly #cursor: ReportCursor;
  readonly #rejects = new RefusalList();
  /** Reports up to this command are older than the session and are not timed. */
  readonly #openedSeq: number;
  /** The frame in flight. */
  #writing: Buffer | undefined;
  #blocked = false;
  /** The client or the stopping exchange ends the session: close when all commands are answered. */
  #ending = false;
  /** Reject with which it ends when all is answered; undefined: a normal end. */
  #ended: Reject | undefined;
  #deadline: NodeJS.Timeout | undefined;
  /** Code with which each command is rejected. OK: no command is rejected because of its sender. */
  #standing: Code;
  #gone = false;
  /** Wire schema of the answers; undefined until the first frame names it. */
  #schema: number | undefined;

  /**
   * @param number of the session, with which its orders are marked; 0 = none
   * @param sent number of the last report the client has seen; call `begin` next
   * @param readOnly each command is rejected with PERMISSION_DENIED
   * @param schema wire schema of the answers; undefined: that of the first frame, and the oldest before it
   * @param names how the client names what it asks for
   */
  constructor(
    transport: SessionTransport,
    codec: SessionCodec,
    account: number,
    number: number,
    sent: number,
    readOnly: boolean,
    schema: number | undefined,
    names: ClaimNames,
    context: SessionContext,
  ) {
    this.#schema = schema;
    this.#names = names;
    this.#standing = readOnly ? Code.PERMISSION_DENIED : Code.OK;
    this.account = account;
    this.number = number;
    this.#transport = transport;
    this.#codec = codec;
    this.#context = context;
    this.#openedSeq = context.hub.seenSeq;
    this.#cursor = context.hub.open(account, sent, this);
  }

  /** Number of the last report that it was sent. */
  get lastReport(): number {
    return this.#cursor.sent;
  }

  /** Reports that exist and were not sent yet. */
  get backlog(): number {
    return this.#cursor.backlog();
  }

  /** It does not read as fast as it sends: its commands are rejected with BUSY. */
  get slow(): boolean {
    return this.#blocked;
  }

  /** Sends the reports that the client has not seen. The transport must be open. */
  begin(): void {
    this.#pump();
  }

  onReportsReady(): void {
    this.#pump();
    this.#regulate();
  }

  onReportsLost(error: Error): void {
    if (error instanceof ReportsGoneError) {
      const from = `with ${resumption(this.#names, error.lastGone)}`;
      return this.cut(reject(Code.REPORTS_GONE, `${error.message}: read orders and balances again, then resume ${from}, or without it`));
    }
    this.cut({
      code: Code.BUSY,
      cause: 'unavailable',
      details: `the reports from ${this.#cursor.sent + 1} on cannot be read (${error.message}): connect again with ${resumption(this.#names, this.#cursor.sent)}`,
    });
  }

  /** Takes a frame of commands; `onFramesEnd` follows. False: the session is over. */
  onFrame(bytes: Uint8Array, at: number, length: number): boolean {
    if (this.#gone) return false;
    const { intake } = this.#context;
    const rejects = this.#rejects;
    const because = this.#standing === Code.OK && this.#blocked ? Code.BUSY : this.#standing;
    const code = intake.take(bytes, at, length, this.account, rejects, because, this.number);
    const { version } = intake.reader;
    if (this.#schema === undefined && supportsSchema(version)) this.#schema = version;
    if (code === Code.FRAME_TOO_LARGE) rejects.addFrame(code);
    else if (code !== Code.OK) {
      this.cut(frameReject(code, version));
      return false;
    }
    if (intake.taken !== 0) {
      if (this.commands === 0) this.firstSeq = intake.seqs[0];
      this.commands += intake.taken;
      this.lastSeq = intake.seqs[intake.taken - 1];
    }
    if (rejects.count < CUT_AT_REJECTS) return true;
    this.cut(reject(Code.BUSY, 'the session sends commands and does not read their reports'));
    return false;
  }

  /** Publishes the commands of all frames that arrived together. */
  onFramesEnd(): void {
    this.#context.intake.publish();
    if (this.#rejects.count !== 0) {
      this.#pump();
      this.#regulate();
    }
  }

  /** Call when the transport has written the last frame and no longer reads it. */
  onWritten(): void {
    this.#free();
    this.#pump();
    this.#regulate();
  }

  /** Takes no more commands and closes once every command it took is answered. */
  end(): void {
    this.#ending = true;
    this.#pump();
  }

  /** Takes no more commands, which are rejected with the code of `why`, and ends with it once all others are answered or after five seconds. */
  endWith(why: Reject): void {
    if (this.#gone || this.#ended !== undefined) return;
    this.#standing = why.code;
    this.#ended = why;
    this.#deadline = setTimeout(() => this.cut(why), END_GRACE_MS);
    this.end();
  }

  /** Ends it now. */
  cut(why: Reject): void {
    if (this.#gone) return;
    this.#context.counters.sessionsCut++;
    this.endedWith = why.code;
    this.leave();
    this.#transport.fail(why);
  }

  /** Call when the transport has closed. */
  leave(): void {
    if (this.#gone) return;
    this.#gone = true;
    clearTimeout(this.#deadline);
    this.#block(false);
    this.#context.hub.close(this.#cursor);
    this.#context.onGone(this);
  }

  #pump(): void {
    const codec = this.#codec;
    const { frame } = codec;
    while (this.#writing === undefined && !this.#gone) {
      if (!codec.mayWrite()) return;
      this.#cursor.fill(frame);
      if (frame.count === 0 && this.#rejects.count === 0) {
        if (this.#ending && this.#answered()) {
          if (this.#ended !== undefined) return this.cut(this.#ended);
          this.leave();
          this.#transport.end();
        }
        return;
      }
      const { counters } = this.#context;
      counters.pushedReports += frame.count;
      counters.pushedFrames++;
      this.#context.serviceTime.note(frame, this.#openedSeq);
      const { headroom } = this.#transport;
      const message = codec.encode(this.#rejects, headroom, this.#schema ?? MIN_SCHEMA_VERSION, this.#context.frames);
      this.#rejects.clear();
      if (message === undefined) continue;
      this.#writing = message;
      if (!this.#transport.write(message)) return;
      this.#free();
    }
  }

  #free(): void {
    if (this.#writing !== undefined) this.#context.frames.give(this.#writing);
    this.#writing = undefined;
  }

  #answered(): boolean {
    return this.#context.hub.seenSeq >= this.lastSeq && this.#cursor.backlog() === 0;
  }

  /** Limits the client's commands to the rate at which it reads, because commands cause reports. */
  #regulate(): void {
    if (this.#gone) return;
    const backlog = this.#cursor.backlog();
    if (!this.#blocked) {
      if (backlog < MAX_BACKLOG && this.#rejects.count < MAX_REJECTS) return;
      this.#block(true);
      this.#transport.pause();
    } else if (backlog < MAX_BACKLOG / 2 && this.#rejects.count < MAX_REJECTS) {
      this.#block(false);
      this.#transport.resume();
    }
  }

  #block(blocked: boolean): void {
    if (this.#blocked === blocked) return;
    this.#blocked = blocked;
    const { counters } = this.#context;
    counters.blockedSessions += blocked ? 1 : -1;
    if (blocked) counters.blockedTotal++;
  }
}
