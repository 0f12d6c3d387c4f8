import { ErrorCode, FRAME_HEADER_BYTES, MAX_FRAME_PAYLOAD, PREFACE } from './protocol.ts';

export interface FrameSink {
  /** A frame, whose payload is `length` bytes at `at`, valid during the call. False: read no further. */
  onFrame(type: number, flags: number, stream: number, bytes: Buffer, at: number, length: number): boolean;
  /** The bytes are no HTTP/2; nothing more is read. */
  onBadFrame(code: ErrorCode, why: string): void;
}

/** A buffer for frames in pieces that is larger is not kept for the next one. */
const KEPT_BYTES = 4096;
const NONE = Buffer.alloc(0);

/**
 * Cuts the bytes of a client into frames, behind its preface. Frames are delivered in place; a frame in pieces is assembled in
 * memory that grows with what has arrived, so that a length that is only announced costs none.
 */
export class FrameReader {
  readonly #sink: FrameSink;
  /** Bytes of the preface that have arrived. */
  #preface = 0;
  /** The incomplete frame, with its header. */
  #partial: Buffer = NONE;
  #have = 0;
  /** Length of the incomplete frame as far as it is known: of its header, and then of all of it. */
  #whole = FRAME_HEADER_BYTES;
  #over = false;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** Takes the bytes from 0 to `end`. */
  read(bytes: Buffer, end: number): void {
    if (this.#over) return;
    let at = this.#preface === PREFACE.length ? 0 : this.#readPreface(bytes, end);
    while (at < end && !this.#over) {
      if (this.#have !== 0 || end - at < FRAME_HEADER_BYTES) {
        at = this.#gather(bytes, at, end);
        continue;
      }
      const length = (bytes[at] << 16) | (bytes[at + 1] << 8) | bytes[at + 2];
      if (length > MAX_FRAME_PAYLOAD) return this.#tooLong(length);
      const next = at + FRAME_HEADER_BYTES + length;
      if (next > end) {
        at = this.#gather(bytes, at, end);
        continue;
      }
      this.#deliver(bytes, at, length);
      at = next;
    }
  }

  /** Nothing is read any more. */
  stop(): void {
    this.#over = true;
    this.#partial = NONE;
  }

  #readPreface(bytes: Buffer, end: number): number {
    let at = 0;
    while (at < end && this.#preface < PREFACE.length) {
      if (bytes[at++] === PREFACE[this.#preface++]) continue;
      this.#fail(ErrorCode.ProtocolError, 'the connection does not begin with the preface of HTTP/2');
      return end;
    }
    return at;
  }

  /** Copies bytes of the incomplete frame, and delivers it when it is complete. @returns where the next bytes are */
  #gather(bytes: Buffer, at: number, end: number): number {
    const taken = Math.min(this.#whole - this.#have, end - at);
    this.#grow(this.#have + taken);
    bytes.copy(this.#partial, this.#have, at, at + taken);
    this.#have += taken;
    if (this.#have < this.#whole) return at + taken;
    const frame = this.#partial;
    const length = (frame[0] << 16) | (frame[1] << 8) | frame[2];
    if (length > MAX_FRAME_PAYLOAD) {
      this.#tooLong(length);
      return end;
    }
    this.#whole = FRAME_HEADER_BYTES + length;
    if (this.#have < this.#whole) return at + taken;
    this.#have = 0;
    this.#whole = FRAME_HEADER_BYTES;
    this.#deliver(frame, 0, length);
    if (frame.length > KEPT_BYTES) this.#partial = NONE;
    return at + taken;
  }

  #deliver(bytes: Buffer, at: number, length: number): void {
    const stream = ((bytes[at + 5] & 0x7f) << 24) | (bytes[at + 6] << 16) | (bytes[at + 7] << 8) | bytes[at + 8];
    if (!this.#sink.onFrame(bytes[at + 3], bytes[at + 4], stream, bytes, at + FRAME_HEADER_BYTES, length)) this.#over = true;
  }

  #grow(bytes: number): void {
    const { length } = this.#partial;
    if (bytes <= length) return;
    const larger = Buffer.allocUnsafe(Math.max(bytes, Math.min(this.#whole, 2 * length), 64));
    this.#partial.copy(larger, 0, 0, this.#have);
    this.#partial = larger;
  }

  #tooLong(length: number): void {
    this.#fail(ErrorCode.FrameSizeError, `a frame has ${length} bytes, and the most are ${MAX_FRAME_PAYLOAD}`);
  }

  #fail(code: ErrorCode, why: string): void {
    this.stop();
    this.#sink.onBadFrame(code, why);
  }
}
