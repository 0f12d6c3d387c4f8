/** Of a turn of the event loop, for one line. Some 400 small messages: about a millisecond. */
const SHARE_BYTES = 64 * 1024;
/** A frame costs at least as much as one of this size. */
const FRAME_BYTES = 64;

export interface TurnShareOptions {
  /** Reads a frame. It may call {@link TurnShare.clear}. */
  readonly deliver: (bytes: Uint8Array, binary: boolean) => void;
  /** Nothing is to be read from the connection. Frames that it has already may still come. */
  readonly pause: () => void;
  readonly resume: () => void;
  /** More frames wait than {@link waitingBytes}; they are dropped. */
  readonly overflow: () => void;
  /** Most bytes of frames that wait. */
  readonly waitingBytes: number;
  /** Calls back in the next turn of the event loop; a parameter for tests. */
  readonly nextTurn?: (call: () => void) => void;
}

/**
 * The share that one line has of each turn of its thread's event loop, so that a venue that floods does not keep the
 * lines beside it from being read. Beyond its share, frames wait for the next turn, in order, and the connection is
 * paused, so that the venue has to wait, too. A frame is never split: the last one of a turn may exceed the share.
 */
export class TurnShare {
  readonly #options: TurnShareOptions;
  readonly #nextTurn: (call: () => void) => void;
  /** Bytes that were read in this turn. */
  #used = 0;
  /** The end of this turn is noted. */
  #noted = false;
  #paused = false;
  /** Frames that wait, from `#first` on. */
  readonly #waiting: { readonly bytes: Uint8Array; readonly binary: boolean }[] = [];
  #first = 0;
  #waitingBytes = 0;

  constructor(options: TurnShareOptions) {
    this.#options = options;
    this.#nextTurn = options.nextTurn ?? setImmediate;
  }

  /** A frame of the connection came. It is read now or in one of the next turns. */
  frame(bytes: Uint8Array, binary: boolean): void {
    if (this.#used < SHARE_BYTES && this.#first === this.#waiting.length) return this.#read(bytes, binary);
    this.#waiting.push({ bytes, binary });
    this.#waitingBytes += bytes.length + FRAME_BYTES;
    if (this.#waitingBytes > this.#options.waitingBytes) {
      this.clear();
      this.#options.overflow();
    } else if (!this.#paused) {
      this.#paused = true;
      this.#options.pause();
    }
  }

  /** Reads all frames that wait: no further one comes. */
  drain(): void {
    while (this.#first < this.#waiting.length) this.#readFirst();
    this.clear();
  }

  /** Drops the frames that wait. */
  clear(): void {
    this.#waiting.length = 0;
    this.#first = 0;
    this.#waitingBytes = 0;
    if (!this.#paused) return;
    this.#paused = false;
    this.#options.resume();
  }

  #read(bytes: Uint8Array, binary: boolean): void {
    this.#used += bytes.length + FRAME_BYTES;
    if (!this.#noted) {
      this.#noted = true;
      this.#nextTurn(() => this.#turn());
    }
    this.#options.deliver(bytes, binary);
  }

  #readFirst(): void {
    const { bytes, binary } = this.#waiting[this.#first++];
    this.#waitingBytes -= bytes.length + FRAME_BYTES;
    this.#read(bytes, binary);
  }

  #turn(): void {
    this.#noted = false;
    this.#used = 0;
    while (this.#first < this.#waiting.length && this.#used < SHARE_BYTES) this.#readFirst();
    // The next turn comes in any case if something was read in this one.
    if (this.#first === this.#waiting.length) this.clear();
  }
}
