import type { FrameBuffer } from './frame-buffer.ts';
import { NO_TABLE } from './header-block.ts';
import { Flag, FRAME_HEADER_BYTES, FrameType, MAX_WINDOW } from './protocol.ts';

/** What the connection permits a stream to send. */
export interface SendLimits {
  /** The peer's window of the connection. */
  window: number;
  /** The largest payload that the peer takes. */
  readonly maxFrame: number;
  /** A header block was sent, which says to the peer that there is no table. */
  hasSentBlock: boolean;
}

/** A frame, or why there was none: for want of a window, or of room in the buffer. */
export const Copied = { Frame: 0, NoWindow: 1, NoRoom: 2 } as const;
export type Copied = (typeof Copied)[keyof typeof Copied];

/** A DATA frame below this size is left for the next buffer, unless it ends its message. */
const MIN_DATA = 1024;

/** What a stream has to send, in its order: headers, messages, trailers. */
export class SendQueue {
  /** The peer's window of the stream; negative after a setting that made it smaller. */
  window: number;
  /** Messages that were copied into a buffer, and whose writer does not know yet. */
  copied = 0;
  /** The side of this stream is closed: all is copied. */
  isDone = false;
  readonly #stream: number;
  #head: Buffer | undefined;
  #isHeadAll = false;
  /** The first message, and those behind it: most streams have one at a time. */
  #first: Buffer | undefined;
  readonly #others: Buffer[] = [];
  /** Bytes of the first message that are copied. */
  #sent = 0;
  #trailers: Buffer | undefined;
  #endsWithMessage = false;

  constructor(stream: number, window: number) {
    this.#stream = stream;
    this.window = window;
  }

  /** Whether something can be copied now, as far as it depends on the stream. */
  get isReady(): boolean {
    if (this.#head !== undefined) return true;
    return this.#first !== undefined ? this.window > 0 : this.#trailers !== undefined;
  }

  /** @param isAll nothing follows */
  head(block: Buffer, isAll: boolean): void {
    this.#head = block;
    this.#isHeadAll = isAll;
  }

  /** @param bytes at least one; they stay as they are until they are copied */
  message(bytes: Buffer): void {
    if (this.#first === undefined) this.#first = bytes;
    else this.#others.push(bytes);
  }

  trailers(block: Buffer): void {
    this.#trailers = block;
  }

  /** The last message ends the answer, without trailers. */
  endWithMessage(): void {
    this.#endsWithMessage = true;
  }

  /** False: the window is too large now. */
  widen(bytes: number): boolean {
    this.window += bytes;
    return this.window <= MAX_WINDOW;
  }

  /** Drops what is not copied. */
  clear(): void {
    this.#head = undefined;
    this.#trailers = undefined;
    this.#first = undefined;
    this.#others.length = 0;
    this.isDone = true;
  }

  /** Copies the next frame, or a header block, into the buffer, if the queue is ready. */
  copyNext(out: FrameBuffer, limits: SendLimits): Copied {
    if (this.#head !== undefined) {
      if (!copyBlock(out, this.#stream, this.#head, this.#isHeadAll, limits)) return Copied.NoRoom;
      this.#head = undefined;
      this.isDone = this.#isHeadAll;
      return Copied.Frame;
    }
    if (this.#first !== undefined) return this.#copyData(this.#first, out, limits);
    if (this.#trailers === undefined) return Copied.NoWindow;
    if (!copyBlock(out, this.#stream, this.#trailers, true, limits)) return Copied.NoRoom;
    this.#trailers = undefined;
    this.isDone = true;
    return Copied.Frame;
  }

  #copyData(message: Buffer, out: FrameBuffer, limits: SendLimits): Copied {
    const rest = message.length - this.#sent;
    const most = Math.min(rest, limits.maxFrame, this.window, limits.window);
    if (most <= 0) return Copied.NoWindow;
    const room = out.room - FRAME_HEADER_BYTES;
    if (room < Math.min(most, MIN_DATA)) return Copied.NoRoom;
    const bytes = Math.min(most, room);
    const isEnd = this.#endsWithMessage && bytes === rest && this.#others.length === 0;
    out.header(bytes, FrameType.Data, isEnd ? Flag.EndStream : 0, this.#stream);
    out.copy(message, this.#sent, this.#sent + bytes);
    this.window -= bytes;
    limits.window -= bytes;
    this.#sent += bytes;
    if (bytes < rest) return Copied.Frame;
    this.#first = this.#others.length > 0 ? this.#others.shift() : undefined;
    this.#sent = 0;
    this.copied++;
    this.isDone = isEnd;
    return Copied.Frame;
  }
}

/** Copies a header block in as many frames as the peer's limit requires. False: there is no room. */
function copyBlock(out: FrameBuffer, stream: number, block: Buffer, isEnd: boolean, limits: SendLimits): boolean {
  const first = limits.hasSentBlock ? 0 : 1;
  const bytes = block.length + first;
  if (out.room < bytes + FRAME_HEADER_BYTES * Math.ceil(bytes / limits.maxFrame)) return false;
  let at = 0;
  do {
    const extra = at === 0 ? first : 0;
    const end = Math.min(block.length, at + limits.maxFrame - extra);
    const flags = (at === 0 && isEnd ? Flag.EndStream : 0) | (end === block.length ? Flag.EndHeaders : 0);
    out.header(end - at + extra, at === 0 ? FrameType.Headers : FrameType.Continuation, flags, stream);
    if (extra === 1) out.u8(NO_TABLE);
    out.copy(block, at, end);
    at = end;
  } while (at < block.length);
  limits.hasSentBlock = true;
  return true;
}
