/** A broadcast ring as a list of numbered values: the twin of feeds/rings/broadcast-ring.ts. */
export class NaiveBroadcast {
  readonly #kept: number;
  readonly #batch: number;
  #published: number;
  #claimed: number[] = [];
  /** The newest published values; the last has the number `published - 1`. */
  #values: number[] = [];

  constructor(capacity: number, batch: number, first: number) {
    this.#kept = capacity - batch;
    this.#batch = batch;
    this.#published = first;
  }

  get published(): number {
    return this.#published;
  }

  get oldest(): number {
    return this.#published - this.#values.length;
  }

  claim(value: number): void {
    if (this.#claimed.length === this.#batch) this.flush();
    this.#claimed.push(value);
  }

  flush(): void {
    this.#published += this.#claimed.length;
    this.#values = [...this.#values, ...this.#claimed].slice(-this.#kept);
    this.#claimed = [];
  }

  /** What a reader gets that has read up to `next`. */
  poll(next: number, limit: number): { first: number; missed: number; values: number[] } {
    const first = Math.max(next, this.oldest);
    const from = first - this.oldest;
    return { first, missed: first - next, values: this.#values.slice(from, from + limit) };
  }
}
