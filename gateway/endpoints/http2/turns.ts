import type { Outlet } from '../../../engine/threads/outlet.ts';
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
export class Turns implements Pick<Outlet, 'hold' | 'release'> {
  readonly #free: FrameBuffer[] = [];
  /** The first `#count` of them wait. The array keeps its length: V8 allocates one that was emptied again. */
  #waiting: (TurnListener | undefined)[] = [];
  #count = 0;
  #spare: (TurnListener | undefined)[] = [];
  #isHeld = false;
  #isTicking = false;

  /** Calls `onTurnEnd` when the code that runs now has ended, or at `release`. Add a listener once. */
  add(listener: TurnListener): void {
    this.#waiting[this.#count++] = listener;
    if (this.#isHeld || this.#isTicking) return;
    this.#isTicking = true;
    process.nextTick(this.#tick);
  }

  hold(): void {
    this.#isHeld = true;
  }

  release(): void {
    this.#isHeld = false;
    if (!this.#isTicking) this.#run();
  }

  /** An empty buffer of {@link OUT_BYTES}. It is the caller's until `give`. */
  take(): FrameBuffer {
    return this.#free.pop() ?? new FrameBuffer(OUT_BYTES);
  }

  give(buffer: FrameBuffer): void {
    buffer.clear();
    if (this.#free.length < MAX_KEPT) this.#free.push(buffer);
  }

  readonly #tick = (): void => {
    this.#isTicking = false;
    this.#run();
  };

  #run(): void {
    const waiting = this.#waiting;
    const count = this.#count;
    this.#waiting = this.#spare;
    this.#count = 0;
    for (let i = 0; i < count; i++) {
      const listener = waiting[i];
      waiting[i] = undefined;
      listener?.onTurnEnd();
    }
    this.#spare = waiting;
  }
}
