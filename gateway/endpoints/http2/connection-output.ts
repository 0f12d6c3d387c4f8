import { FrameBuffer } from './frame-buffer.ts';
import { INITIAL_WINDOW, MAX_FRAME_PAYLOAD } from './protocol.ts';
import { Copied, type SendLimits } from './send-queue.ts';
import type { Http2Stream } from './stream.ts';
import { StreamList } from './stream-list.ts';
import type { Turns } from './turns.ts';

/** The socket of a connection. */
export interface Wire {
  /** Passes bytes to the socket. True: their memory is free again; false: it is when the connection's `onDrained` is called. */
  write(bytes: Buffer): boolean;
  /** Closes the socket behind what was written. */
  close(): void;
  /** Closes it at once. */
  destroy(): void;
}

/** Control frames that wait for a socket that takes nothing: beyond it the peer does not read its answers. */
const MAX_CONTROL = 16 * 1024;
/** Memory for control frames that is kept. */
const KEPT_CONTROL = 1024;

/**
 * What a connection sends: control frames first, then a frame of each stream in turn, all in one write. One buffer at a time is
 * with the socket; what comes meanwhile waits in the streams, and slows their writers down.
 */
export class ConnectionOutput implements SendLimits {
  /** Frames that no window limits. */
  readonly control = new FrameBuffer(KEPT_CONTROL / 8);
  window = INITIAL_WINDOW;
  maxFrame = MAX_FRAME_PAYLOAD;
  hasSentBlock = false;
  readonly #wire: Wire;
  readonly #turns: Turns;
  readonly #onSent: (stream: Http2Stream) => void;
  readonly #ready = new StreamList();
  /** Streams with messages, or their ends, in the last write. */
  readonly #noted = new StreamList();
  /** With the socket. */
  #pending: FrameBuffer | undefined;
  #isReporting = false;

  /** @param onSent the end of a stream was passed on */
  constructor(wire: Wire, turns: Turns, onSent: (stream: Http2Stream) => void) {
    this.#wire = wire;
    this.#turns = turns;
    this.#onSent = onSent;
  }

  /** Something waits to be sent. */
  get isWaiting(): boolean {
    return this.control.length > 0 || this.#ready.count > 0;
  }

  /** Handlers receive `onWritten` now. */
  get isReporting(): boolean {
    return this.#isReporting;
  }

  /** The peer does not read, and too much waits for it. */
  get isOverfull(): boolean {
    return this.#pending !== undefined && this.control.length > MAX_CONTROL;
  }

  add(stream: Http2Stream): void {
    if (stream.isReady || !stream.out.isReady) return;
    stream.isReady = true;
    this.#ready.push(stream);
  }

  /** Sends what waits, as far as the socket and the windows take it. */
  flush(): void {
    if (this.#pending !== undefined || !this.isWaiting) return;
    const out = this.#turns.take();
    for (let isFull = true; isFull; ) {
      this.#copyControl(out);
      isFull = this.#fill(out);
      if (out.length === 0) break;
      if (!this.#wire.write(out.written())) {
        this.#pending = out;
        this.#reportEnds();
        return;
      }
      out.clear();
    }
    this.#turns.give(out);
    this.#report();
  }

  /** The socket has taken the last write. */
  drained(): void {
    if (this.#pending !== undefined) this.#turns.give(this.#pending);
    this.#pending = undefined;
    this.#report();
    this.flush();
  }

  /** The connection has ended. */
  close(): void {
    this.#ready.keep(0);
    this.#noted.keep(0);
  }

  #copyControl(out: FrameBuffer): void {
    const { control } = this;
    if (control.length === 0) return;
    out.append(control);
    control.release(KEPT_CONTROL);
  }

  /** Copies frames of the streams. True: there is no more room. */
  #fill(out: FrameBuffer): boolean {
    const ready = this.#ready;
    let isFull = false;
    for (let hasCopied = true; hasCopied && !isFull; ) {
      hasCopied = false;
      let kept = 0;
      for (let i = 0; i < ready.count; i++) {
        const stream = ready.at(i);
        if (!isFull && stream.out.isReady) {
          const copied = stream.out.copyNext(out, this);
          isFull = copied === Copied.NoRoom;
          if (copied === Copied.Frame) {
            hasCopied = true;
            this.#note(stream);
          }
        }
        if (stream.out.isReady) ready.set(kept++, stream);
        else stream.isReady = false;
      }
      ready.keep(kept);
    }
    return isFull;
  }

  #note(stream: Http2Stream): void {
    if (stream.isNoted || (stream.out.copied === 0 && !stream.out.isDone)) return;
    stream.isNoted = true;
    this.#noted.push(stream);
  }

  /** Ends are reported at once: a socket that takes nothing does not keep ended streams open. */
  #reportEnds(): void {
    const noted = this.#noted;
    for (let i = 0; i < noted.count; i++) if (noted.at(i).out.isDone) this.#onSent(noted.at(i));
  }

  #report(): void {
    if (this.#isReporting) return;
    this.#isReporting = true;
    const noted = this.#noted;
    for (let i = 0; i < noted.count; i++) {
      const stream = noted.at(i);
      stream.isNoted = false;
      for (; stream.out.copied > 0; stream.out.copied--) stream.handler?.onWritten();
      if (stream.out.isDone) this.#onSent(stream);
    }
    noted.keep(0);
    this.#isReporting = false;
  }
}
