import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { times } from './support/long-runs.ts';
import { NaiveBook } from './support/naive-book.ts';
import { RecordingBook } from './support/recording-book.ts';

interface Step {
  readonly op: 'new' | 'ioc' | 'cancel' | 'reduce' | 'amend' | 'phase' | 'query';
  readonly side: 0 | 1;
  /** Offset into the scenario's prices. */
  readonly price: number;
  readonly quantity: number;
  /** Picks an order, modulo how many rest. */
  readonly pick: number;
}

interface Scenario {
  readonly base: number;
  /** Distance of neighbouring prices: 1 stays in a page, 70 takes a new one each time. */
  readonly spacing: number;
  /** What the auction price is a multiple of; spacing and base are too. */
  readonly priceStep: number;
  readonly reference: number;
  readonly rule: number;
  readonly startInAuction: boolean;
  readonly steps: Step[];
}

const PRICES = 12;
const step = fc.record<Step>({
  op: fc.oneof(
    { weight: 8, arbitrary: fc.constant('new' as const) },
    { weight: 2, arbitrary: fc.constant('ioc' as const) },
    { weight: 3, arbitrary: fc.constant('cancel' as const) },
    { weight: 2, arbitrary: fc.constant('reduce' as const) },
    { weight: 2, arbitrary: fc.constant('amend' as const) },
    { weight: 1, arbitrary: fc.constant('phase' as const) },
    { weight: 2, arbitrary: fc.constant('query' as const) },
  ),
  side: fc.constantFrom(0 as const, 1 as const),
  price: fc.nat(PRICES - 1),
  quantity: fc.integer({ min: 1, max: 9 }),
  pick: fc.nat(1000),
});
const grid = fc.oneof(
  fc.record({ base: fc.constantFrom(1, 60, 2040), spacing: fc.constantFrom(1, 2, 5, 70), priceStep: fc.constant(1) }),
  fc.record({ base: fc.constantFrom(5, 60, 2040), spacing: fc.constantFrom(5, 10, 70), priceStep: fc.constant(5) }),
);
const scenario = fc
  .tuple(
    grid,
    fc.record({
      reference: fc.nat(900),
      rule: fc.constantFrom(0, 1, 2),
      startInAuction: fc.boolean(),
      steps: fc.array(step, { maxLength: 120, size: 'max' }),
    }),
  )
  .map(([prices, rest]): Scenario => ({ ...prices, ...rest }));

/** Runs both books over the scenario and compares after every step. */
class Twin {
  readonly real: RecordingBook;
  readonly naive: NaiveBook;
  readonly scenario: Scenario;
  trades: (readonly [number, number, number, number])[] = [];
  auction: boolean;
  uncrosses = 0;
  #nextId = 1;

  constructor(scenario: Scenario) {
    const maxPrice = scenario.base + PRICES * scenario.spacing;
    this.scenario = scenario;
    this.real = new RecordingBook({ orders: 256, pages: 64, maxPrice });
    this.real.book.priceStep = scenario.priceStep;
    this.naive = new NaiveBook(maxPrice);
    this.auction = scenario.startInAuction;
  }

  run(): void {
    for (const step of this.scenario.steps) {
      this.#apply(step);
      this.#compare();
    }
  }

  #apply(step: Step): void {
    const { real, naive } = this;
    const price = this.scenario.base + step.price * this.scenario.spacing;
    const picked = naive.orders.length === 0 ? undefined : naive.orders[step.pick % naive.orders.length];
    if (step.op === 'phase') this.#changePhase();
    else if (step.op === 'new') this.#enter(this.#nextId++, step.side, price, step.quantity, false);
    else if (step.op === 'ioc' && !this.auction) this.#enter(this.#nextId++, step.side, price, step.quantity, true);
    else if (step.op === 'query') this.#query(step.side, price, step.quantity);
    else if (picked === undefined) assert.equal(real.cancel(this.#nextId), false);
    else if (step.op === 'cancel') {
      naive.remove(picked.id);
      assert.ok(real.cancel(picked.id));
    } else if (step.op === 'reduce') {
      picked.open = 1 + (step.quantity % picked.open);
      real.reduce(picked.id, picked.open);
    } else if (step.op === 'amend') {
      naive.remove(picked.id);
      assert.ok(real.cancel(picked.id));
      this.#enter(picked.id, picked.side as 0 | 1, price, step.quantity, false);
    }
  }

  #enter(id: number, side: 0 | 1, price: number, quantity: number, ioc: boolean): void {
    const { left, trades } = this.auction ? { left: quantity, trades: [] } : this.naive.match(id, side, price, quantity);
    this.trades.push(...trades);
    if (left > 0 && !ioc) this.naive.rest(id, side, price, left);
    assert.equal(this.real.enter(id, side, price, quantity, { ioc, collect: this.auction }), ioc ? left : 0);
  }

  /** Queries that change nothing: fill-or-kill, market sweep, the indicative price. */
  #query(side: 0 | 1, price: number, quantity: number): void {
    const { book } = this.real;
    if (this.auction) {
      book.indicate(this.scenario.reference, this.scenario.rule);
      const { price, volume, surplus, side } = this.naive.indicate(this.scenario.reference, this.scenario.priceStep, this.scenario.rule);
      const { indicativePrice, indicativeVolume, indicativeSurplus, indicativeSurplusSide } = book;
      assert.deepEqual([indicativePrice, indicativeVolume, indicativeSurplus, indicativeSurplusSide], [price, volume, surplus, side]);
      return;
    }
    const wouldTrade = this.naive.queue(1 - side).filter((order) => (side === 0 ? order.price <= price : order.price >= price));
    let left = quantity;
    let notional = 0;
    for (const order of wouldTrade) {
      const traded = Math.min(left, order.open);
      left -= traded;
      notional += traded * order.price;
    }
    book.sweep(side, price, quantity);
    assert.deepEqual([book.sweptQuantity, book.sweptNotional], [quantity - left, notional]);
    assert.equal(book.fillable(side, price, quantity), left === 0);
  }

  #changePhase(): void {
    if (this.auction) {
      this.trades.push(...this.naive.uncross(this.scenario.reference, this.scenario.priceStep, this.scenario.rule));
      this.real.book.uncross(this.scenario.reference, this.scenario.rule);
      this.uncrosses++;
    }
    this.auction = !this.auction;
  }

  #compare(): void {
    const { real, naive } = this;
    real.audit(this.auction);
    assert.deepEqual(real.trades, this.trades);
    for (const side of [0, 1] as const) {
      const queue = naive.queue(side);
      assert.deepEqual(
        real.queue(side),
        queue.map((order) => `${order.id}@${order.price} x ${order.open}`),
      );
      assert.equal(side === 0 ? real.book.bestBid() : real.book.bestAsk(), queue[0]?.price ?? 0);
      const last = queue.at(-1);
      if (last === undefined) continue;
      const level = queue.filter((order) => order.price === last.price);
      assert.equal(real.book.levelOrders(side, last.price), level.length);
      assert.equal(
        real.book.levelQuantity(side, last.price),
        level.reduce((sum, order) => sum + order.open, 0),
      );
    }
  }
}

test('any flow gives the same book as the naive twin, trade by trade', () => {
  const seen = { trades: 0, auctionTrades: 0, uncrosses: 0, steps: 0 };
  fc.assert(
    fc.property(scenario, (drawn) => {
      const twin = new Twin(drawn);
      twin.run();
      seen.trades += twin.trades.length;
      seen.uncrosses += twin.uncrosses;
      seen.steps += drawn.steps.length;
    }),
    { numRuns: times(200, 400) },
  );
  // The generator reaches the rare cases.
  assert.ok(seen.trades > times(500, 1000) && seen.uncrosses > times(100, 200) && seen.steps > times(2500, 5000), JSON.stringify(seen));
});

test('a crowded auction has the same indication as the naive twin after every order', () => {
  const crowded = fc.record({
    orders: fc.array(fc.tuple(fc.constantFrom(0 as const, 1 as const), fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 5 })), {
      minLength: 10,
      maxLength: 60,
      size: 'max',
    }),
    reference: fc.nat(50),
    rule: fc.constantFrom(0, 1, 2),
    grid: fc.constantFrom({ spacing: 1, step: 1 }, { spacing: 3, step: 1 }, { spacing: 3, step: 3 }),
  });
  fc.assert(
    fc.property(crowded, ({ orders, reference, rule, grid: { spacing, step } }) => {
      const real = new RecordingBook({ maxPrice: 130 });
      const naive = new NaiveBook(130);
      real.book.priceStep = step;
      orders.forEach(([side, price, quantity], index) => {
        real.enter(index + 1, side, price * spacing, quantity, { collect: true });
        naive.rest(index + 1, side, price * spacing, quantity);
        if (index % 7 === 6) {
          real.cancel(index - 2);
          naive.remove(index - 2);
        }
        real.book.indicate(reference, rule);
        const expected = naive.indicate(reference, step, rule);
        const { indicativePrice, indicativeVolume, indicativeSurplus, indicativeSurplusSide } = real.book;
        assert.deepEqual(
          { price: indicativePrice, volume: indicativeVolume, surplus: indicativeSurplus, side: indicativeSurplusSide },
          expected,
        );
        real.audit(true);
      });
      const trades = naive.uncross(reference, step, rule);
      real.book.uncross(reference, rule);
      assert.deepEqual(real.trades, trades);
      real.audit();
    }),
    { numRuns: times(100, 300) },
  );
});
