import { FRAME_HEADER_BYTES, FrameType } from './protocol.ts';

/** Views of what is written are kept up to so many bytes: the lengths of answers to single orders come again and again. */
const MAX_KEPT_LENGTH = 1024;

/** Frames, one behind the other, in memory that is used again. One owner. */
export class FrameBuffer {
  /** Bytes written. */
  length = 0;
  #bytes: Buffer;
  /** Views of `#bytes`, by length: 8 KB, from the second time on that it is written. */
  #views: (Buffer | undefined)[] | undefined;
  #wasWritten = false;

  /** @param bytes at the beginning; it grows by {@link reserve} */
  constructor(bytes: number) {
    this.#bytes = Buffer.allocUnsafeSlow(bytes);
  }

  /** Bytes that can be written without more memory. */
  get room(): number {
    return this.#bytes.length - this.length;
  }

  clear(): void {
    this.length = 0;
  }

  /** Empties it, and frees memory beyond `most` bytes. */
  release(most: number): void {
    this.length = 0;
    if (this.#bytes.length > most) this.#use(Buffer.allocUnsafeSlow(most));
  }

  /** What is written; valid until the buffer is written to again. */
  written(): Buffer {
    const { length } = this;
    if (length > MAX_KEPT_LENGTH || !this.#wasWritten) {
      this.#wasWritten = true;
      return this.#bytes.subarray(0, length);
    }
    // Of full length at once: V8 makes a dictionary of an array that grows by more than some hundred elements.
    this.#views ??= new Array<Buffer | undefined>(MAX_KEPT_LENGTH + 1);
    this.#views[length] ??= this.#bytes.subarray(0, length);
    return this.#views[length] as Buffer;
  }

  /** Makes room for `bytes` more. */
  reserve(bytes: number): void {
    if (bytes <= this.room) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.length + bytes, 2 * this.#bytes.length));
    this.#bytes.copy(larger, 0, 0, this.length);
    this.#use(larger);
  }

  #use(bytes: Buffer): void {
    this.#bytes = bytes;
    this.#views = undefined;
    this.#wasWritten = false;
  }

  /** The header of a frame whose payload of `length` bytes follows. There is room for both. */
  header(length: number, type: FrameType, flags: number, stream: number): void {
    const bytes = this.#bytes;
    const at = this.length;
    bytes[at] = length >>> 16;
    bytes[at + 1] = length >>> 8;
    bytes[at + 2] = length;
    bytes[at + 3] = type;
    bytes[at + 4] = flags;
    this.length = at + 5;
    this.u32(stream);
  }

  u8(value: number): void {
    this.#bytes[this.length++] = value;
  }

  u16(value: number): void {
    const bytes = this.#bytes;
    const at = this.length;
    bytes[at] = value >>> 8;
    bytes[at + 1] = value;
    this.length = at + 2;
  }

  u32(value: number): void {
    const bytes = this.#bytes;
    const at = this.length;
    bytes[at] = value >>> 24;
    bytes[at + 1] = value >>> 16;
    bytes[at + 2] = value >>> 8;
    bytes[at + 3] = value;
    this.length = at + 4;
  }

  /** The frames of another buffer, with the room for them. */
  append(other: FrameBuffer): void {
    this.reserve(other.length);
    this.copy(other.#bytes, 0, other.length);
  }

  /** Bytes of a payload. There is room for them. */
  copy(from: Buffer, at: number, end: number): void {
    from.copy(this.#bytes, this.length, at, end);
    this.length += end - at;
  }

  /** A frame of at most 8 bytes in two halves, with the room for it. */
  control(type: FrameType, flags: number, stream: number, words: 0 | 1 | 2, first: number = 0, second: number = 0): void {
    this.reserve(FRAME_HEADER_BYTES + 8);
    this.header(4 * words, type, flags, stream);
    if (words > 0) this.u32(first);
    if (words > 1) this.u32(second);
  }

  resetStream(stream: number, code: number): void {
    this.control(FrameType.RstStream, 0, stream, 1, code);
  }

  /** @param stream 0: the connection */
  windowUpdate(stream: number, bytes: number): void {
    this.control(FrameType.WindowUpdate, 0, stream, 1, bytes);
  }
}
