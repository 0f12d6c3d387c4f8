/** Tokens that refill at a steady rate: allows a burst, then so many per second. One thread. */
export class Rate {
  readonly #perMs: number;
  readonly #burst: number;
  #tokens: number;
  #at: number;

  /** @param now ms of a monotonic clock */
  constructor(perSecond: number, burst: number, now: number = performance.now()) {
    this.#perMs = perSecond / 1000;
    this.#burst = burst;
    this.#tokens = burst;
    this.#at = now;
  }

  /** Takes a token. False: there is none. */
  take(now: number = performance.now()): boolean {
    if (this.left(now) < 1) return false;
    this.#tokens--;
    return true;
  }

  /** Tokens now. */
  left(now: number = performance.now()): number {
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#at) * this.#perMs);
    this.#at = now;
    return this.#tokens;
  }
}

/** Most keys that {@link Rates} remembers: beyond it, the key that was used longest ago starts anew. */
const MAX_KEYS = 4096;

/** A {@link Rate} per key, such as an address or the subject of a token. Memory is bounded. */
export class Rates {
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #rates = new Map<string, Rate>();

  constructor(perSecond: number, burst: number) {
    this.#perSecond = perSecond;
    this.#burst = burst;
  }

  /** Takes a token of the key. False: there is none. */
  take(key: string, now: number = performance.now()): boolean {
    let rate = this.#rates.get(key);
    if (rate === undefined) {
      if (this.#rates.size >= MAX_KEYS) for (const oldest of this.#rates.keys()) return this.#replace(oldest, key, now);
      rate = new Rate(this.#perSecond, this.#burst, now);
    } else this.#rates.delete(key);
    this.#rates.set(key, rate);
    return rate.take(now);
  }

  /** Whether the key has a token, without taking it. */
  has(key: string, now: number = performance.now()): boolean {
    return this.left(key, now) >= 1;
  }

  /** Tokens of the key, without taking one. */
  left(key: string, now: number = performance.now()): number {
    return this.#rates.get(key)?.left(now) ?? this.#burst;
  }

  #replace(oldest: string, key: string, now: number): boolean {
    this.#rates.delete(oldest);
    return this.take(key, now);
  }
}
