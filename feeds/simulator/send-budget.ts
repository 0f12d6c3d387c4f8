/** Commands that may be sent at once after a pause, as a part of those of a second. */
const BURST = 0.05;

/** How many commands may be sent: at most `rate` a second, and a twentieth of that (at least one) at once. Reads no clock. */
export class SendBudget {
  readonly #rate: number;
  #credit = 0;
  #atMs: number;

  /** @param rate commands a second, above 0 @param nowMs time of any clock, always the same */
  constructor(rate: number, nowMs: number) {
    this.#rate = rate;
    this.#atMs = nowMs;
  }

  /** Commands that may be sent now. */
  available(nowMs: number): number {
    const earned = (Math.max(0, nowMs - this.#atMs) * this.#rate) / 1000;
    this.#credit = Math.min(this.#credit + earned, Math.max(1, this.#rate * BURST));
    this.#atMs = nowMs;
    return Math.floor(this.#credit);
  }

  /** @param commands sent, at most those available */
  spend(commands: number): void {
    this.#credit -= commands;
  }
}
