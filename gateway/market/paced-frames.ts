import { setFrameVersion } from '../../engine/wire/market-frames.ts';
import type { ReaderSocket } from './reader-socket.ts';

/** A longer frame is sent in pieces: the transport takes 1 to 2 ms per MiB of the thread, and copies what the peer does not take at once. */
const MAX_WHOLE_BYTES = 256 * 1024;
const PIECE_BYTES = 64 * 1024;
/** Bytes in the transport's buffer above which the next piece waits. */
const MAX_BUFFERED_BYTES = 64 * 1024;

interface Waiting {
  readonly frame: Uint8Array;
  readonly version: number;
}

/**
 * Sends the frames of one reader in their order. A long one is sent in pieces, with other work between them; frames
 * behind it wait. To the peer it is one message. A long frame is not copied, so that all readers of a
 * snapshot share its memory. I/O thread.
 */
export class PacedFrames {
  readonly #socket: ReaderSocket;
  readonly #binary: boolean;
  readonly #wake: () => void;
  readonly #waiting: Waiting[] = [];
  /** Bytes of the first of them that are sent. */
  #sent = 0;
  #bytes = 0;
  #running = false;

  /** @param wake called when there is something for {@link step} to send; not again until that has returned false */
  constructor(socket: ReaderSocket, binary: boolean, wake: () => void) {
    this.#socket = socket;
    this.#binary = binary;
    this.#wake = wake;
  }

  /** Bytes that wait here; the transport's buffer is not included. */
  get bytes(): number {
    return this.#bytes;
  }

  /** @param version of the wire schema, written into a binary frame @param kept the frame stays as it is until it is sent; else a copy waits */
  send(frame: Uint8Array, version: number, kept: boolean): void {
    if (this.#waiting.length === 0 && frame.length <= MAX_WHOLE_BYTES) return this.#whole(frame, version);
    this.#waiting.push({ frame: kept ? frame : new Uint8Array(frame), version });
    this.#bytes += frame.length;
    this.resume();
  }

  /** Call when the transport has sent some of its buffer. */
  resume(): void {
    if (this.#running || this.#waiting.length === 0 || this.#socket.buffered() > MAX_BUFFERED_BYTES) return;
    this.#running = true;
    this.#wake();
  }

  /** Sends a piece. False: nothing waits, or the transport buffers too much. */
  step(): boolean {
    this.#running = this.#waiting.length !== 0 && this.#socket.buffered() <= MAX_BUFFERED_BYTES;
    if (this.#running) this.#piece(this.#waiting[0]);
    return this.#running;
  }

  /** Call when the connection has ended. */
  end(): void {
    this.#waiting.length = 0;
    this.#bytes = 0;
  }

  #piece({ frame, version }: Waiting): void {
    const from = this.#sent;
    const to = frame.length <= MAX_WHOLE_BYTES ? frame.length : Math.min(frame.length, from + PIECE_BYTES);
    const last = to === frame.length;
    if (from === 0 && last) this.#whole(frame, version);
    else {
      if (from === 0) this.#stamp(frame, version);
      this.#socket.sendPiece(frame.subarray(from, to), this.#binary, from === 0, last);
    }
    this.#bytes -= to - from;
    this.#sent = last ? 0 : to;
    if (last) this.#waiting.shift();
  }

  #whole(frame: Uint8Array, version: number): void {
    this.#stamp(frame, version);
    this.#socket.send(frame, this.#binary);
  }

  /** The bytes are copied or sent before the version is changed for the next reader of the frame. */
  #stamp(frame: Uint8Array, version: number): void {
    if (this.#binary) setFrameVersion(frame, version);
  }
}
