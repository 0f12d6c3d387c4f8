import type { TimeUs } from '../units.ts';

/** Between two readings of the wall clock. */
const READ_EVERY_US = 10_000;
/** Differences below these are noise: the wall clock counts in milliseconds. */
const FORWARD_NOISE_US = 1000;
const BACK_NOISE_US = 5000;
/** Largest step forward at once. */
export const STEP_US = 60e6;
/** Largest difference that is not reported. */
const ALERT_US = 1e6;
/** Speed, as a share of real time, while this clock follows a wall clock that is more than a step ahead. */
const FAST = 2;
/** Speed while this clock is ahead of the wall clock by at most a step, and by more: it nearly stands. */
const SLOW = 1 / 2;
const CRAWL = 1 / 1024;

/** Readings, replaced in tests. */
export interface ClockReadings {
  /** Wall clock, milliseconds since 1970. It may be wrong, and jump in either direction. */
  wallMs(): number;
  /** Milliseconds of a clock that never jumps. */
  steadyMs(): number;
}

const systemReadings: ClockReadings = { wallMs: () => Date.now(), steadyMs: () => performance.now() };

/** `right`, or: the wall clock is ahead of this clock, or behind it, by more than a second. */
export type ClockState = 'right' | 'wall-ahead' | 'wall-behind';

export interface BoundedClockOptions {
  /** Time of the last command in the log; 0 = none. This clock starts there or later. */
  readonly lastUs?: TimeUs;
  /** Largest step from `lastUs` at the start. */
  readonly startStepUs?: number;
  readonly readings?: ClockReadings;
}

/**
 * The clock that stamps commands: microseconds since 1970 that never decrease,
 * also across restarts. A steady clock drives it, and it follows the wall clock
 * within bounds, because one wrong reading must not put stamps hours or years
 * ahead of real time for ever:
 *
 *   wall clock ahead by up to 60 s   step
 *   ahead by more                    twice as fast, until the rest is a step
 *   behind by up to 60 s             half as fast, until it is right
 *   behind by more                   1/1024, until it is right
 *
 * One wrong reading therefore moves it by 60 s at most, and wrong readings for
 * some time by that time more. Allocates nothing. One thread owns it.
 */
export class BoundedClock {
  readonly #readings: ClockReadings;
  /** Exact time of the last call, and the steady clock then. */
  #exactUs: number;
  #steadyUs: number;
  #speed = 1;
  #readAtUs: number;
  #offsetUs = 0;
  #steps = 0;

  constructor({ lastUs = 0, startStepUs = Number.POSITIVE_INFINITY, readings = systemReadings }: BoundedClockOptions = {}) {
    this.#readings = readings;
    const wallUs = readings.wallMs() * 1000;
    const mostUs = lastUs === 0 ? wallUs : lastUs + startStepUs;
    this.#exactUs = Math.max(lastUs, Math.min(wallUs, mostUs));
    this.#steadyUs = readings.steadyMs() * 1000;
    this.#readAtUs = this.#steadyUs + READ_EVERY_US;
    this.#offsetUs = this.#exactUs - wallUs;
    this.#setSpeed();
  }

  nowUs(): TimeUs {
    const steadyUs = this.#readings.steadyMs() * 1000;
    const elapsedUs = steadyUs - this.#steadyUs;
    this.#steadyUs = steadyUs;
    if (steadyUs >= this.#readAtUs) this.#follow(elapsedUs);
    else this.#exactUs += elapsedUs * this.#speed;
    return Math.floor(this.#exactUs);
  }

  /** This clock minus the wall clock, at the last reading. */
  get offsetUs(): number {
    return this.#offsetUs;
  }

  get state(): ClockState {
    if (this.#offsetUs > ALERT_US) return 'wall-behind';
    return this.#offsetUs < -ALERT_US ? 'wall-ahead' : 'right';
  }

  /** Steps forward of more than a second since the start. */
  get steps(): number {
    return this.#steps;
  }

  /** Reads the wall clock after `elapsedUs` of real time. Only that much is corrected, so that one reading after a long pause cannot move the time far. */
  #follow(elapsedUs: number): void {
    this.#readAtUs = this.#steadyUs + READ_EVERY_US;
    const wallUs = this.#readings.wallMs() * 1000;
    const aheadUs = wallUs - this.#exactUs - elapsedUs;
    if (aheadUs > STEP_US) {
      this.#exactUs += elapsedUs + Math.min(aheadUs, elapsedUs * (FAST - 1), STEP_US);
    } else if (aheadUs > FORWARD_NOISE_US) {
      if (aheadUs > ALERT_US) this.#steps++;
      this.#exactUs = wallUs;
    } else if (aheadUs < -BACK_NOISE_US) {
      const speed = aheadUs < -STEP_US ? CRAWL : SLOW;
      this.#exactUs += elapsedUs - Math.min(-aheadUs, elapsedUs * (1 - speed));
    } else {
      this.#exactUs += elapsedUs;
    }
    this.#offsetUs = this.#exactUs - wallUs;
    this.#setSpeed();
  }

  /** The speed until the next reading. */
  #setSpeed(): void {
    if (this.#offsetUs < -STEP_US) this.#speed = FAST;
    else if (this.#offsetUs <= BACK_NOISE_US) this.#speed = 1;
    else this.#speed = this.#offsetUs > STEP_US ? CRAWL : SLOW;
  }
}
