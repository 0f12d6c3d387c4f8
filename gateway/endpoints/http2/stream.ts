import { HeldBytes, type MemoryBudget } from './held-bytes.ts';
import { ErrorCode } from './protocol.ts';
import type { IncomingHeaders } from './request-headers.ts';
import { SendQueue } from './send-queue.ts';

/** Serves a stream. */
export interface StreamHandler {
  /** Bytes of the request's body from `at` to `end`, valid during the call. */
  onData(bytes: Buffer, at: number, end: number): void;
  /** All that arrived together was delivered. */
  onDataEnd(): void;
  /** The client has closed its side. */
  onEnd(): void;
  /** A message was passed to the socket; called once for each. */
  onWritten(): void;
  /** The stream has ended; nothing can be written any more. Called once. */
  onClose(): void;
}

/** What a stream reports to its connection. */
export interface StreamOwner {
  readonly held: MemoryBudget;
  /** It has something to send. */
  sends(stream: Http2Stream): void;
  /** Its handler takes data again; {@link Http2Stream.deliver} is to be called, not at once. */
  resumes(stream: Http2Stream): void;
  /** Its handler has taken bytes. */
  consumed(stream: Http2Stream, bytes: number): void;
  resets(stream: Http2Stream, code: ErrorCode): void;
}

const Reading = { Held: 0, Resuming: 1, Flowing: 2, Dropping: 3 } as const;
type Reading = (typeof Reading)[keyof typeof Reading];

/** Held data are delivered in pieces of this size: after each, the handler may have paused. */
const PIECE = 16_384;
/** Longer header blocks are not sent: they must fit a buffer. */
const MAX_BLOCK = 60_000;

/**
 * A request and its answer. Data that arrive are held until the handler takes them ({@link resume}); flow control limits them. I/O thread.
 */
export class Http2Stream {
  readonly id: number;
  readonly headers: IncomingHeaders;
  /** Set it before the connection continues. */
  handler: StreamHandler | undefined;
  /** The client has closed its side. */
  hasEnded: boolean;
  isClosed = false;
  /** For the connection: what is to be sent, and whether the stream is in its lists. */
  readonly out: SendQueue;
  isReady = false;
  isTouched = false;
  isNoted = false;
  /** Bytes that were taken since the client's window was last widened. */
  taken = 0;
  /** Bytes of its window that the client has used. */
  used = 0;
  /** Bytes of the body that must follow; -1: as many as there are. */
  #expected: number;
  readonly #owner: StreamOwner;
  #reading: Reading = Reading.Held;
  readonly #held: HeldBytes;
  #hasDeliveredEnd = false;
  #hasResponded = false;
  #isEnding = false;

  constructor(id: number, headers: IncomingHeaders, contentLength: number, hasEnded: boolean, window: number, owner: StreamOwner) {
    this.id = id;
    this.headers = headers;
    this.hasEnded = hasEnded;
    this.#expected = contentLength;
    this.#owner = owner;
    this.#held = new HeldBytes(owner.held);
    this.out = new SendQueue(id, window);
  }

  /** Headers were sent, or will be. */
  get hasResponded(): boolean {
    return this.#hasResponded;
  }

  /** Its handler takes data as they arrive. */
  get isFlowing(): boolean {
    return this.#reading === Reading.Flowing;
  }

  /** Everything was passed to the connection. */
  get isWritten(): boolean {
    return this.out.isDone;
  }

  /** Sends the headers. @param isAll they are the whole answer */
  respond(block: Buffer, isAll: boolean): void {
    if (this.isClosed || this.#hasResponded) return;
    if (block.length > MAX_BLOCK) return this.reset(ErrorCode.InternalError);
    this.#hasResponded = true;
    this.#isEnding = isAll;
    this.out.head(block, isAll);
    this.#owner.sends(this);
  }

  /** Sends bytes of the answer, at least one, behind the headers. They must stay as they are until `onWritten`. */
  write(bytes: Buffer): void {
    if (this.isClosed || this.#isEnding) return;
    this.out.message(bytes);
    this.#owner.sends(this);
  }

  /** Ends the answer with trailers, behind what was written. */
  end(trailers: Buffer): void {
    if (this.isClosed || this.#isEnding) return;
    if (trailers.length > MAX_BLOCK) return this.reset(ErrorCode.InternalError);
    this.#isEnding = true;
    this.out.trailers(trailers);
    this.#owner.sends(this);
  }

  /** Sends the whole answer, without trailers. @param body none when it is empty */
  answer(block: Buffer, body: Buffer): void {
    this.respond(block, body.length === 0);
    if (body.length === 0) return;
    this.write(body);
    this.#isEnding = true;
    this.out.endWithMessage();
  }

  /** Ends the stream on both sides, without what was not sent yet. */
  reset(code: ErrorCode): void {
    if (!this.isClosed) this.#owner.resets(this, code);
  }

  /** Holds data back; the client stops when its window is used up. */
  pause(): void {
    if (this.#reading !== Reading.Dropping) this.#reading = Reading.Held;
  }

  /** Takes data: those that were held follow soon, not during this call. */
  resume(): void {
    if (this.#reading !== Reading.Held) return;
    if (this.#held.length === 0 && (!this.hasEnded || this.#hasDeliveredEnd)) {
      this.#reading = Reading.Flowing;
      return;
    }
    this.#reading = Reading.Resuming;
    this.#owner.resumes(this);
  }

  /** Takes all further data and drops them. */
  drop(): void {
    this.#reading = Reading.Dropping;
    this.#owner.consumed(this, this.#held.length);
    this.#held.clear();
  }

  /** Data have arrived. @returns the error with which the stream must be reset */
  receive(bytes: Buffer, at: number, end: number): ErrorCode {
    const length = end - at;
    if (this.#expected !== -1) {
      if (length > this.#expected) return ErrorCode.ProtocolError;
      this.#expected -= length;
    }
    if (this.#reading === Reading.Flowing) {
      this.handler?.onData(bytes, at, end);
      this.#owner.consumed(this, length);
    } else if (this.#reading === Reading.Dropping) this.#owner.consumed(this, length);
    else if (!this.#held.add(bytes, at, end)) return ErrorCode.EnhanceYourCalm;
    return ErrorCode.NoError;
  }

  /** The client has closed its side. @returns the error with which the stream must be reset */
  receiveEnd(): ErrorCode {
    if (this.#expected > 0) return ErrorCode.ProtocolError;
    this.hasEnded = true;
    if (this.#reading === Reading.Flowing) this.#deliverEnd();
    return ErrorCode.NoError;
  }

  /** Delivers what was held. */
  deliver(): void {
    if (this.#reading !== Reading.Resuming || this.isClosed) return;
    this.#reading = Reading.Flowing;
    if (this.#held.length > 0) {
      while (this.#held.length > 0 && this.isFlowing) {
        const bytes = this.#held.next(PIECE);
        this.handler?.onData(bytes, 0, bytes.length);
        this.#owner.consumed(this, bytes.length);
      }
      this.handler?.onDataEnd();
    }
    if (this.hasEnded && this.#held.length === 0 && this.isFlowing) this.#deliverEnd();
  }

  /** Call it once, when it is closed. */
  close(): void {
    this.isClosed = true;
    this.out.clear();
    this.#held.clear();
    this.handler?.onClose();
    this.handler = undefined;
  }

  #deliverEnd(): void {
    this.#hasDeliveredEnd = true;
    this.handler?.onEnd();
  }
}
