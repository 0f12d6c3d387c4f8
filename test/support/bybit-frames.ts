/**
 * Bybit v5 frames made from the examples of the venue's documentation, since no recording exists: a market that moves by
 * a seed, its `orderbook` and `publicTrade` frames, and the faults of a line. The books are also kept here in the
 * plainest way, from the frames that arrive, by the venue's rules: the twin of the adapter.
 */
import { Prng } from '../../feeds/simulator/prng.ts';
import { NaiveBook } from './naive-venue-books.ts';

export interface BybitFrame {
  readonly text: string;
  readonly instrument: string;
  readonly kind: 'snapshot' | 'delta' | 'trade';
  readonly u: number;
}

type Texts = readonly (readonly [price: string, quantity: string])[];

/** The venue: one instrument, whose book changes around a price. */
export class BybitMarket {
  readonly instrument: string;
  readonly #prng: Prng;
  readonly #bids = new Map<number, number>();
  readonly #asks = new Map<number, number>();
  #middle = 50_000;
  #u: number;
  #timeMs = 1_672_304_484_978;

  constructor(instrument: string, seed: number) {
    this.instrument = instrument;
    this.#prng = new Prng(seed);
    this.#u = 18_521_288 + seed;
    for (let i = 0; i < 40; i++) this.#change();
  }

  /** The whole book. @param restarted the venue's service began anew: update number 1 */
  snapshot(restarted = false): BybitFrame {
    if (restarted) this.#u = 1;
    return this.#book('snapshot', levels(this.#bids, true), levels(this.#asks, false));
  }

  delta(): BybitFrame {
    const before = [new Map(this.#bids), new Map(this.#asks)];
    for (let n = 1 + this.#prng.below(4); n > 0; n--) this.#change();
    this.#u++;
    return this.#book('delta', changes(before[0], this.#bids), changes(before[1], this.#asks));
  }

  trade(): BybitFrame {
    const side = this.#prng.below(2) === 0 ? 'Buy' : 'Sell';
    const trade = { T: this.#now(), s: this.instrument, S: side, v: quantityText(1 + this.#prng.below(900)), p: priceText(this.#middle) };
    const more = { L: 'PlusTick', i: '20f43950-d8dd-5b31-9112-a178eb6023af', BT: false };
    const text = JSON.stringify({
      topic: `publicTrade.${this.instrument}`,
      type: 'snapshot',
      ts: this.#now(),
      data: [{ ...trade, ...more }],
    });
    return { text, instrument: this.instrument, kind: 'trade', u: 0 };
  }

  /** Moves the middle, removes what it crossed, and sets or removes a level on either side. */
  #change(): void {
    this.#middle += this.#prng.below(5) - 2;
    for (const price of this.#bids.keys()) if (price >= this.#middle) this.#bids.delete(price);
    for (const price of this.#asks.keys()) if (price <= this.#middle) this.#asks.delete(price);
    const side = this.#prng.below(2) === 0;
    const distance = 1 + this.#prng.below(30);
    const price = side ? this.#middle - distance : this.#middle + distance;
    const quantity = this.#prng.below(4) === 0 ? 0 : 1 + this.#prng.below(5000);
    if (quantity === 0) (side ? this.#bids : this.#asks).delete(price);
    else (side ? this.#bids : this.#asks).set(price, quantity);
  }

  #book(kind: 'snapshot' | 'delta', b: Texts, a: Texts): BybitFrame {
    const data = { s: this.instrument, b, a, u: this.#u, seq: 7_961_638_724 + this.#u };
    const ts = this.#now();
    const text = JSON.stringify({ topic: `orderbook.50.${this.instrument}`, type: kind, ts, data, cts: ts - 2 });
    return { text, instrument: this.instrument, kind, u: this.#u };
  }

  #now(): number {
    this.#timeMs += 1 + this.#prng.below(20);
    return this.#timeMs;
  }
}

/** What a client with the venue's rules has after the frames that reached it. */
export class BybitTwin {
  readonly book = new NaiveBook();
  /** The last update number; 0 = waits for a snapshot. */
  u = 0;
  gaps = 0;
  back = 0;
  early = 0;

  receive(frame: BybitFrame): void {
    if (frame.kind === 'trade') return;
    const { data } = JSON.parse(frame.text) as { data: { b: string[][]; a: string[][] } };
    if (frame.kind === 'snapshot') {
      this.book.clear();
      this.book.levels(data.b, data.a);
      this.u = frame.u;
    } else if (this.u === 0) this.early++;
    else if (frame.u <= this.u) this.back++;
    else if (frame.u > this.u + 1) {
      this.gaps++;
      this.u = 0;
    } else {
      this.book.levels(data.b, data.a);
      this.book.updated();
      this.u = frame.u;
    }
  }
}

function levels(side: ReadonlyMap<number, number>, falling: boolean): Texts {
  const sorted = [...side].sort(([a], [b]) => (falling ? b - a : a - b));
  return sorted.map(([price, quantity]) => [priceText(price), quantityText(quantity)]);
}

function changes(before: ReadonlyMap<number, number>, after: ReadonlyMap<number, number>): Texts {
  const removed = [...before.keys()].filter((price) => !after.has(price)).map((price) => [priceText(price), '0'] as const);
  const set = [...after].filter(([price, quantity]) => before.get(price) !== quantity);
  return [...removed, ...set.map(([price, quantity]) => [priceText(price), quantityText(quantity)] as const)];
}

/** Steps of 0.50. */
function priceText(price: number): string {
  return (price / 2).toFixed(2);
}

/** Steps of 0.001. */
function quantityText(quantity: number): string {
  return (quantity / 1000).toFixed(3);
}
