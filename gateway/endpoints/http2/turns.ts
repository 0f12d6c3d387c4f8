import { FrameBuffer } from './frame-buffer.ts';

/** Bytes that one write takes at most. */
export const OUT_BYTES = 64 * 1024;
/** Free buffers that are kept. */
const MAX_KEPT = 16;

/** Who acts at the end of a turn. */
export interface TurnListener {
  onTurnEnd(): void;
}

/**
 * What the connections of a server share: the ends of turns, at which each sends what its streams have written, and the memory
 * that it is gathered in. A write that the socket takes at once leaves its memory for the next connection. I/O thread.
 */
export class Turns {
  readonly #free: FrameBuffer[] = [];
  #waiting: TurnListener[] = [];
  #spare: TurnListener[] = [];

  /** Calls `onTurnEnd` when the code that runs now has ended. Add a listener once. */
  add(listener: TurnListener): void {
    if (this.#waiting.push(listener) === 1) process.nextTick(this.#run);
  }

  /** An empty buffer of {@link OUT_BYTES}. It is the caller's until `give`. */
  take(): FrameBuffer {
    return this.#free.pop() ?? new FrameBuffer(OUT_BYTES);
  }

  give(buffer: FrameBuffer): void {
    buffer.clear();
    if (this.#free.length < MAX_KEPT) this.#free.push(buffer);
  }

  readonly #run = (): void => {
    const waiting = this.#waiting;
    this.#waiting = this.#spare;
    for (let i = 0; i < waiting.length; i++) waiting[i].onTurnEnd();
    waiting.length = 0;
    this.#spare = waiting;
  };
}
