import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Prng } from '../feeds/simulator/prng.ts';
import { BinanceAdapter } from '../feeds/venues/binance.ts';
import { BINANCE_SPOT, BINANCE_USDM, type BinanceMarket } from '../feeds/venues/binance-markets.ts';
import { times } from './support/long-runs.ts';
import { VenueLedger } from './support/venue-ledger.ts';

type Side = Map<number, number>;

/** The venue: a book that changes, its numbered changes, and the snapshots of each moment. */
class Market {
  readonly #linked: boolean;
  readonly #prng: Prng;
  readonly #bids: Side = new Map();
  readonly #asks: Side = new Map();
  /** Number of the last change. */
  #last = 1000;
  /** Books as the ledger writes them, one for each change. */
  readonly states = new Set<string>();
  readonly #snapshots: { readonly lastUpdateId: number; readonly bids: string[][]; readonly asks: string[][] }[] = [];

  constructor(linked: boolean, seed: number) {
    this.#linked = linked;
    this.#prng = new Prng(seed);
    for (let i = 0; i < 10; i++) this.change();
  }

  change(): unknown {
    const previous = this.#last;
    // Futures share their numbers with other instruments: there are gaps between changes.
    const first = previous + 1 + (this.#linked ? this.#prng.below(5) : 0);
    this.#last = first + this.#prng.below(3);
    const rows: { readonly b: string[][]; readonly a: string[][] } = { b: [], a: [] };
    for (let n = this.#prng.below(4); n > 0; n--) {
      const bid = this.#prng.below(2) === 0;
      const price = bid ? 1 + this.#prng.below(20) : 30 + this.#prng.below(20);
      const quantity = this.#prng.below(3) === 0 ? 0 : 1 + this.#prng.below(99);
      if (quantity === 0) (bid ? this.#bids : this.#asks).delete(price);
      else (bid ? this.#bids : this.#asks).set(price, quantity);
      (bid ? rows.b : rows.a).push([String(price), String(quantity)]);
    }
    this.states.add(this.text());
    this.#snapshots.push({ lastUpdateId: this.#last, bids: rowsOf(this.#bids), asks: rowsOf(this.#asks) });
    return { e: 'depthUpdate', E: 1, s: 'X', U: first, u: this.#last, ...(this.#linked && { pu: previous }), ...rows };
  }

  /** @param age in changes */
  snapshot(age: number): unknown {
    return this.#snapshots[Math.max(0, this.#snapshots.length - 1 - age)];
  }

  text(): string {
    const side = (levels: Side, falling: boolean): string =>
      [...levels]
        .sort(([a], [b]) => (falling ? b - a : a - b))
        .map(([price, quantity]) => `${price}x${quantity}`)
        .join(' ');
    return `${side(this.#bids, true)} | ${side(this.#asks, false)}`;
  }
}

function rowsOf(side: Side): string[][] {
  return [...side].map(([price, quantity]) => [String(price), String(quantity)]);
}

const STEPS = ['pass', 'lose', 'repeat', 'swap', 'answer', 'fail', 'second', 'cut'] as const;
const step = fc.oneof(
  { weight: 12, arbitrary: fc.constant('pass' as const) },
  { weight: 3, arbitrary: fc.constant('answer' as const) },
  ...STEPS.map((kind) => ({ weight: 1, arbitrary: fc.constant(kind) })),
);

for (const market of [BINANCE_SPOT, BINANCE_USDM] as readonly BinanceMarket[]) {
  test(`${market.venue}: a live book is always one that the venue had, and in the end the last one`, () => {
    const seen = new Map<string, number>();
    fc.assert(
      fc.property(fc.nat(1e6), fc.array(fc.tuple(step, fc.nat(6)), { minLength: 30, maxLength: 150 }), (seed, steps) => {
        const venue = new Market(market.linked, seed);
        const line = new VenueLedger((options, own, sink) => new BinanceAdapter(market, options, own, sink), { instruments: ['X'] });
        line.open();
        const answer = (age: number): void => {
          for (const url of [...line.asked]) line.answer(url, venue.snapshot(age));
        };
        const check = (): void => {
          if (line.adapter.instruments[0].live) assert.ok(venue.states.has(line.book('X')), `${line.book('X')} was never the venue's book`);
        };
        for (const [kind, age] of steps) {
          if (kind === 'pass') line.frame(venue.change());
          else if (kind === 'lose') venue.change();
          else if (kind === 'answer') answer(age);
          else if (kind === 'fail') for (const url of [...line.asked]) line.fail(url, 503);
          else if (kind === 'second') line.pass(1);
          else if (kind === 'cut') {
            line.close();
            line.open();
          } else {
            const first = venue.change();
            const second = kind === 'swap' ? venue.change() : first;
            line.frame(second);
            check();
            line.frame(first);
          }
          check();
        }
        for (let i = 0; i < 3; i++) {
          line.frame(venue.change());
          line.pass(40);
          answer(0);
        }
        line.frame(venue.change());
        assert.ok(line.adapter.instruments[0].live);
        assert.equal(line.book('X'), venue.text());
        for (const [code, count] of line.faults) seen.set(code, (seen.get(code) ?? 0) + count);
      }),
      { numRuns: times(200, 4000) },
    );
    for (const code of ['SEQUENCE_GAP', 'SEQUENCE_BACK', 'SNAPSHOT_TOO_OLD', 'HTTP_FAILED']) {
      assert.ok((seen.get(code) ?? 0) > 20, `${code}: ${seen.get(code)}`);
    }
  });
}
