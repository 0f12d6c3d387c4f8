import type { Seq, TimeUs } from '../units.ts';
import type { Control } from './control.ts';

/** The longest time that a timer waits, in milliseconds. */
const LONGEST_MS = 2 ** 30;
/** Pause before the next attempt when no command is accepted, in milliseconds. */
const RETRY_MS = 50;

/**
 * Logs a Tick when the engine's next deadline has passed, so that orders expire
 * without traffic: one at a time, the next when the engine has applied it. A
 * tick is late by at most a millisecond and the turn of the event loop. I/O thread.
 */
export class DeadlineTicks {
  readonly #control: Control;
  readonly #nowUs: () => TimeUs;
  readonly #tick: () => Seq;
  #timer: NodeJS.Timeout | undefined;
  /** The deadline that the timer waits for, in milliseconds since the Unix epoch; 0 = none. */
  #awaited = 0;
  /** Seq of the last tick. */
  #ticked: Seq = 0;
  #stopped = false;

  /** @param nowUs the clock that stamps commands @param tick logs a Tick; returns its seq, or 0 when no command is accepted now */
  constructor(control: Control, nowUs: () => TimeUs, tick: () => Seq) {
    this.#control = control;
    this.#nowUs = nowUs;
    this.#tick = tick;
  }

  /** Call it once per turn. */
  poll(): void {
    const { deadlineMs } = this.#control;
    if (deadlineMs !== this.#awaited) this.#arm(deadlineMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#stopped = true;
  }

  #arm(deadlineMs: number): void {
    clearTimeout(this.#timer);
    this.#awaited = deadlineMs;
    if (deadlineMs === 0 || this.#stopped) return;
    const remainingMs = deadlineMs - Math.floor(this.#nowUs() / 1000);
    if (remainingMs > 0) this.#timer = setTimeout(this.#look, Math.min(remainingMs, LONGEST_MS));
    else this.#due();
  }

  readonly #look = (): void => this.#arm(this.#control.deadlineMs);

  #due(): void {
    if (this.#control.appliedSeq(this.#ticked) >= this.#ticked) this.#ticked = this.#tick() || this.#ticked;
    // The engine publishes another deadline when it has applied the tick, unless as much is due at the same time.
    this.#timer = setTimeout(this.#look, this.#control.appliedSeq(this.#ticked) >= this.#ticked ? RETRY_MS : 1);
  }
}
