/** How many messages a venue takes: `messages` within any `perMs` milliseconds. */
export interface SendRate {
  readonly messages: number;
  readonly perMs: number;
}

/** Messages that may wait. A subscription of 1,000 instruments one by one fits. */
const MAX_WAITING = 4096;

/**
 * Sends messages, or requests, in order and never faster than a venue allows, by the
 * monotonic clock. What is not allowed yet waits; the queue is bounded.
 */
export class SendPace<Message = string> {
  readonly #rate: SendRate;
  readonly #write: (message: Message) => void;
  readonly #waiting: Message[] = [];
  /** Monotonic times of the last `messages` sends, a ring; older ones no longer count. */
  readonly #sentAt: Float64Array;
  #next = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param write sends now */
  constructor(rate: SendRate, write: (message: Message) => void) {
    this.#rate = rate;
    this.#write = write;
    this.#sentAt = new Float64Array(rate.messages).fill(Number.NEGATIVE_INFINITY);
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** @returns false when the queue is full: the message is dropped */
  send(message: Message): boolean {
    if (this.#waiting.length >= MAX_WAITING) return false;
    this.#waiting.push(message);
    if (this.#timer === undefined) this.#flush();
    return true;
  }

  /** Forgets what waits. The rate goes on: venues count by address, too. */
  clear(): void {
    this.#waiting.length = 0;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #flush(): void {
    this.#timer = undefined;
    while (this.#waiting.length > 0) {
      const now = performance.now();
      const freeAt = this.#sentAt[this.#next] + this.#rate.perMs;
      if (freeAt > now) {
        this.#timer = setTimeout(() => this.#flush(), Math.ceil(freeAt - now));
        return;
      }
      this.#sentAt[this.#next] = now;
      this.#next = (this.#next + 1) % this.#sentAt.length;
      this.#write(this.#waiting.shift() as Message);
    }
  }
}
