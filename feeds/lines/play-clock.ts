/** A time that is earlier than one before by no more than this is a record that is late; by more, the clock of the file went back. */
export const CLOCK_BACK_US = 1_000_000;
/** A longer time without a record is left out: a night, or a time that is wrong. */
export const LONGEST_PAUSE_US = 3_600_000_000;

/**
 * When the records of a file are due, by their times and the speed. Where the times of the file go back by more than
 * {@link CLOCK_BACK_US}, or on by more than {@link LONGEST_PAUSE_US}, the record is due with the one before it, and the times
 * count from there on: one wrong time neither stops a file nor plays an hour of it at once.
 */
export class PlayClock {
  readonly #speed: number;
  /** The time of a record and when it was due; those after it count from here. NaN: there was none. */
  #fromUs = Number.NaN;
  #fromDueUs = 0;
  /** Latest time of a record since then, and when the last one was due. */
  #latestUs = 0;
  #dueUs = 0;

  /** @param speed times the recorded one; infinite: all is due at once */
  constructor(speed: number) {
    this.#speed = speed;
  }

  /** From the time of the last record to when it was due, at the recorded speed; 0 until there is one with a time. */
  get shiftUs(): number {
    return Number.isNaN(this.#fromUs) ? 0 : this.#fromDueUs - this.#fromUs;
  }

  /**
   * When a record is due. Call it once for each, in their order.
   * @param timeUs of the record; 0: it has none, and is due with the one before it
   * @param nowUs of the clock that the answer is a time of
   */
  due(timeUs: number, nowUs: number): number {
    if (this.#speed === Number.POSITIVE_INFINITY) return nowUs;
    if (Number.isNaN(this.#fromUs)) this.#dueUs = nowUs;
    if (timeUs === 0) return this.#dueUs;
    const step = timeUs - this.#latestUs;
    if (Number.isNaN(this.#fromUs) || step < -CLOCK_BACK_US || step > LONGEST_PAUSE_US) {
      this.#fromUs = this.#latestUs = timeUs;
      this.#fromDueUs = this.#dueUs;
      return this.#dueUs;
    }
    this.#latestUs = Math.max(this.#latestUs, timeUs);
    this.#dueUs = this.#fromDueUs + (this.#latestUs - this.#fromUs) / this.#speed;
    return this.#dueUs;
  }
}
