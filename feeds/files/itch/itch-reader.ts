import { ItchMessage } from './itch-message.ts';
import { ITCH_LENGTHS } from './layout.ts';

/** What receives the messages of a stream. */
export interface ItchHandler {
  /** `message` is valid until this method returns. */
  itch(message: ItchMessage): void;
}

/** Bytes of the length in front of each message. */
const FRAME = 2;
/** No message is longer; a greater length is damage. */
const MAX_LENGTH = 255;
/** The longest message that is known, its length, and the length and type that follow: what decides whether a place is in step. */
const LOOK_AHEAD = FRAME + Math.max(...ITCH_LENGTHS) + FRAME + 1;

/**
 * Reads messages of ITCH 5.0, each behind its length as 16 bits, big-endian, from pieces of any size. It does no
 * input or output and allocates nothing per message: {@link push} passes each whole message to the handler,
 * and keeps the part of one that the piece ends with.
 *
 * Damage never ends a stream. An unknown type, or a known type with a wrong length, is counted and skipped by
 * its length. A second one at once, or a length above 255, means that the stream is out of step:
 * the reader moves on byte by byte to the next place where two messages that it knows follow each other.
 */
export class ItchReader {
  readonly #handler: ItchHandler;
  readonly #message = new ItchMessage();
  /** The end of the last piece, from its first message that is not whole. */
  readonly #rest = Buffer.alloc(FRAME + MAX_LENGTH + LOOK_AHEAD);
  readonly #restView = new DataView(this.#rest.buffer, this.#rest.byteOffset, this.#rest.byteLength);
  #restBytes = 0;
  #searching = false;
  #lastWasBad = false;

  /** Messages passed on, by the byte of their type. */
  readonly counts = new Float64Array(256);
  /** Messages of a type that ITCH 5.0 does not have. */
  unknownTypes = 0;
  /** Messages whose length is not the one of their type. */
  wrongLengths = 0;
  /** Messages of length 0, with which a file may end. */
  ends = 0;
  /** Times that the stream was out of step. */
  outOfStep = 0;
  /** Bytes that were skipped because of one of the above. */
  skippedBytes = 0;
  /** Bytes of a last message that is not whole, after {@link end}. */
  truncatedBytes = 0;

  constructor(handler: ItchHandler) {
    this.#handler = handler;
  }

  /** Messages passed on. */
  get messages(): number {
    return this.counts.reduce((sum, count) => sum + count, 0);
  }

  /** True if anything was skipped or is missing. */
  get isDamaged(): boolean {
    return this.skippedBytes > 0 || this.truncatedBytes > 0;
  }

  /** Reads a piece; its bytes may be reused after the call. */
  push(piece: Uint8Array): void {
    let from = 0;
    // A message across the border: the rest grows until the message in it is read, then reading goes on in the piece.
    while (this.#restBytes > 0 && from < piece.length) {
      const before = this.#restBytes;
      const added = Math.min(this.#rest.length - before, piece.length - from);
      this.#rest.set(piece.subarray(from, from + added), before);
      const read = this.#read(this.#restView, this.#rest, before + added, false);
      if (read >= before) {
        from += read - before;
        this.#restBytes = 0;
      } else {
        this.#rest.copyWithin(0, read, before + added);
        this.#restBytes = before + added - read;
        from += added;
      }
    }
    if (from === piece.length) return;
    const bytes = piece.subarray(from);
    const read = this.#read(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), bytes, bytes.length, false);
    this.#rest.set(bytes.subarray(read));
    this.#restBytes = bytes.length - read;
  }

  /** The stream ends: what remains is a last message, or counts as truncated. */
  end(): void {
    const read = this.#read(this.#restView, this.#rest, this.#restBytes, true);
    this.truncatedBytes += this.#restBytes - read;
    this.#restBytes = 0;
  }

  /** Passes on the whole messages of `bytes` up to `end`. @returns how many bytes it has finished with */
  #read(view: DataView, bytes: Uint8Array, end: number, isLast: boolean): number {
    const message = this.#message;
    const { counts } = this;
    message.wrap(view);
    let at = 0;
    for (;;) {
      if (this.#searching) {
        at = this.#search(bytes, at, end, isLast);
        if (this.#searching) return at;
      }
      while (at + FRAME < end) {
        const length = (bytes[at] << 8) | bytes[at + 1];
        const type = bytes[at + FRAME];
        if (length !== ITCH_LENGTHS[type] || length === 0) break;
        if (at + FRAME + length > end) return at;
        message.at(at + FRAME, length, type);
        counts[type]++;
        this.#lastWasBad = false;
        this.#handler.itch(message);
        at += FRAME + length;
      }
      const next = this.#skip(bytes, at, end);
      if (next === at && !this.#searching) return at;
      at = next;
    }
  }

  /** Handles a message at `at` that is not known. @returns where to go on; `at` itself if it is not whole or the search begins */
  #skip(bytes: Uint8Array, at: number, end: number): number {
    if (at + FRAME > end) return at;
    const length = (bytes[at] << 8) | bytes[at + 1];
    if (length === 0) {
      this.ends++;
      return at + FRAME;
    }
    if (at + FRAME === end) return at;
    if (length > MAX_LENGTH || this.#lastWasBad) {
      this.outOfStep++;
      this.#searching = true;
      return at;
    }
    if (at + FRAME + length > end) return at;
    const known = ITCH_LENGTHS[bytes[at + FRAME]] !== 0;
    if (known) this.wrongLengths++;
    else this.unknownTypes++;
    this.#lastWasBad = true;
    this.skippedBytes += FRAME + length;
    return at + FRAME + length;
  }

  /** Looks for a message that another one, or the end of the stream, follows. @returns where it begins, or where the search goes on */
  #search(bytes: Uint8Array, from: number, end: number, isLast: boolean): number {
    let at = from;
    for (; at + FRAME < end; at++) {
      if (at + LOOK_AHEAD > end && !isLast) break;
      if (isMessage(bytes, at, end) && (isMessage(bytes, after(bytes, at), end) || after(bytes, at) === end)) {
        this.#searching = false;
        this.#lastWasBad = false;
        break;
      }
    }
    this.skippedBytes += at - from;
    return at;
  }
}

/** True if a length and the type that has it stand at `at`. */
function isMessage(bytes: Uint8Array, at: number, end: number): boolean {
  if (at + FRAME >= end) return false;
  const length = (bytes[at] << 8) | bytes[at + 1];
  return length !== 0 && length === ITCH_LENGTHS[bytes[at + FRAME]];
}

function after(bytes: Uint8Array, at: number): number {
  return at + FRAME + ((bytes[at] << 8) | bytes[at + 1]);
}
