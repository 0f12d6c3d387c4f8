import { Code } from '../../../../engine/codes.ts';
import { CommandBatch } from '../../../../engine/wire/frames.ts';
import { CommandKind, Refusal } from '../../../../engine/wire/layout.ts';
import {
  type FrameMemory,
  REPORT_WORDS,
  type RefusalList,
  ReportFrameReader,
  ReportFrameWriter,
} from '../../../../engine/wire/report-frames.ts';
import { ReportView } from '../../../../engine/wire/report-view.ts';
import type { FairTurns, TurnOwner } from '../../../fair-turns.ts';
import { ProtoWriter } from '../../../protobuf/proto-writer.ts';
import { type Reject, reject } from '../../../reject.ts';
import { sessionHeaders } from '../../../sessions/order-caller.ts';
import type { OrderSession, SessionTransport } from '../../../sessions/order-session.ts';
import type { Admission, OrderSessions } from '../../../sessions/order-sessions.ts';
import type { SessionCodec } from '../../../sessions/session-codec.ts';
import type { CallHandler, GrpcCall } from '../call.ts';
import { PREFIX_BYTES } from '../message-reader.ts';
import { type Refused, takeAny } from './general-decoder.ts';
import { writeRefusal, writeReport } from './report-encoder.ts';
import { RequestDecoder } from './request-decoder.ts';
import { richStatusOf } from './rich-status.ts';
import type { SymbolTable } from './symbol-table.ts';

/** Reports of one message, some 0.3 ms of work. */
const FRAME_REPORTS = 64;
/** Commands that arrive together go on together, as many as this. */
const BATCH = 256;
/** Refusals of commands that could not be read, at which the client is paused, and at which it is cut: it does not read them. */
const MAX_REFUSED = 1024;
const CUT_AT_REFUSED = 16 * MAX_REFUSED;

/** Shared by all sessions: a batch, and a frame of reports, is filled and handed over before another one is. */
const batch = new CommandBatch(BATCH);
const frame = new ReportFrameWriter(FRAME_REPORTS);
const reader = new ReportFrameReader();
const report = new ReportView();

/**
 * A session of an account in protobuf: SessionRequest in, SessionResponse out, around the session that all protocols share. It has the
 * numbering, resume, limits and cuts of that; here is only the encoding. At most one message is in flight to the client. Sessions with
 * many reports to send take turns.
 */
export class TradingSession implements SessionTransport, SessionCodec, CallHandler, TurnOwner {
  readonly headroom = 0;
  readonly frame = frame;
  readonly #turns: FairTurns;
  readonly #call: GrpcCall;
  readonly #account: number;
  readonly #symbols: SymbolTable;
  readonly #decoder: RequestDecoder;
  /** Undefined while it is being opened. */
  readonly #session: OrderSession | undefined;
  /** Whether the client sends commands; else it has sent the one message that it may. */
  readonly #takesCommands: boolean;
  readonly #out = new ProtoWriter(PREFIX_BYTES);
  #writing = false;
  /** What the session has handed over, and is not written yet. */
  #frame: Buffer | undefined;
  /** What is written is the session's. */
  #sessionWrites = false;
  /** Commands that could not be read, whose refusals are not written yet. */
  readonly #refused: Refused[] = [];
  #sessionPauses = false;
  #refusalsPause = false;
  /** The session has ended the call: it ends when all is written. */
  #ending = false;

  /** @param turns bound the time in which reports are written, per turn of the event loop */
  constructor(
    call: GrpcCall,
    admission: Admission,
    sessions: OrderSessions,
    symbols: SymbolTable,
    takesCommands: boolean,
    turns: FairTurns,
  ) {
    this.#turns = turns;
    this.#call = call;
    this.#account = admission.account;
    this.#symbols = symbols;
    this.#decoder = new RequestDecoder(symbols);
    this.#takesCommands = takesCommands;
    // Headers are sent at once, so a client knows before the first report that its session is open and which report is the last.
    if (takesCommands) call.serve(this, sessionHeaders(admission));
    this.#session = sessions.open(this, admission, this);
    this.onTurn();
  }

  onMessage(bytes: Buffer, at: number, length: number): boolean {
    if (!batch.fitsLong && !this.#flush()) return false;
    if (this.#decoder.take(bytes, at, length, this.#account, batch)) return true;
    const refused = takeAny(bytes.subarray(at, at + length), this.#account, batch, this.#symbols);
    return refused === undefined || this.#refuse(refused);
  }

  onMessagesEnd(): void {
    if (!this.#takesCommands) return;
    this.#flush();
    this.#session?.onFramesEnd();
    this.#pump();
  }

  onHalfClose(): void {
    if (this.#takesCommands) this.#session?.end();
  }

  onWritten(): void {
    this.#writing = false;
    const session = this.#sessionWrites;
    this.#sessionWrites = false;
    if (session) this.#session?.onWritten();
    this.#pump();
  }

  onClose(): void {
    this.#turns.forget(this);
    this.#session?.leave();
  }

  onTurn(): void {
    this.#session?.onReportsReady();
  }

  mayWrite(): boolean {
    const session = this.#session;
    return session !== undefined && (session.backlog <= FRAME_REPORTS || this.#turns.now(this));
  }

  encode(refusals: RefusalList, headroom: number, schema: number, memory: FrameMemory): Buffer {
    return frame.finish(refusals, headroom, schema, memory);
  }

  write(frame: Buffer): boolean {
    this.#frame = frame;
    this.#pump();
    return false;
  }

  pause(): void {
    this.#sessionPauses = true;
    this.#call.pause();
  }

  resume(): void {
    this.#sessionPauses = false;
    this.#resume();
  }

  end(): void {
    this.#ending = true;
    this.#pump();
  }

  fail(why: Reject): void {
    this.#turns.forget(this);
    this.#call.fail(richStatusOf(why));
  }

  /** Hands the commands read so far to the session. False: it is over. */
  #flush(): boolean {
    if (batch.count === 0) return true;
    const frame = batch.bytes();
    const isOpen = this.#session?.onFrame(frame, 0, frame.length) === true;
    batch.clear();
    return isOpen;
  }

  /** False: the session is over. */
  #refuse(refused: Refused): boolean {
    this.#refused.push(refused);
    if (this.#refused.length === MAX_REFUSED) {
      this.#refusalsPause = true;
      this.#call.pause();
    }
    if (this.#refused.length < CUT_AT_REFUSED) return true;
    this.#session?.cut(reject(Code.BUSY, 'the session sends commands that cannot be read, and does not read why'));
    return false;
  }

  #resume(): void {
    if (!this.#sessionPauses && !this.#refusalsPause) this.#call.resume();
  }

  /** Writes what waits, when the last message is written. */
  #pump(): void {
    if (this.#writing || this.#call.ended) return;
    const frame = this.#frame;
    if (frame === undefined && this.#refused.length === 0) {
      if (this.#ending) this.#call.end();
      return;
    }
    const out = this.#out;
    out.clear();
    if (frame !== undefined) this.#encode(frame);
    for (const refused of this.#refused) writeRefusal(out, refused, refused.text);
    this.#refused.length = 0;
    if (this.#refusalsPause) {
      this.#refusalsPause = false;
      this.#resume();
    }
    this.#frame = undefined;
    this.#sessionWrites = frame !== undefined;
    this.#writing = true;
    this.#call.write(out.finish());
  }

  /** Writes the reports and refusals of a frame. */
  #encode(frame: Buffer): void {
    const out = this.#out;
    reader.open(frame);
    const words = new Int32Array(frame.buffer, frame.byteOffset, frame.length >> 2);
    for (let i = 0, at = reader.reportsAt >> 2; i < reader.reports; i++, at += REPORT_WORDS)
      writeReport(out, report.wrap(words, at), this.#symbols);
    const { flat } = reader;
    for (let i = 0, at = reader.refusalsAt; i < reader.refusals; i++, at += Refusal.bytes) {
      // A quote has the price and the quantity of its ask in the place of ids, and a protection its limits.
      const named = flat.u8(at + Refusal.kind) !== CommandKind.Quote;
      const refused = {
        code: flat.u16(at + Refusal.code),
        tag: flat.u32(at + Refusal.tag),
        clOrdId: named ? Math.max(0, flat.u53(at + Refusal.clientOrderId)) : 0,
        orderId: named ? Math.max(0, flat.u53(at + Refusal.orderId)) : 0,
      };
      writeRefusal(out, refused, '');
    }
  }
}
