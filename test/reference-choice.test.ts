/** Which outside source gives a reference price: the rules one by one, and random looks against the naive twin. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { conditionName, ReferenceChoice, SourceCondition, type SourceReading } from '../gateway/reference/reference-choice.ts';
import { TickScale } from '../gateway/reference/tick-scale.ts';
import { times } from './support/long-runs.ts';
import { NaiveReference } from './support/naive-reference.ts';

const { Usable, NotLive, NoPrice, Missing, OutOfRange } = SourceCondition;
const SECOND = 1_000_000;
/** 10 s, 10 %, 5 s. */
const LIMITS = { maxAgeUs: 10 * SECOND, maxStepPpm: 100_000, confirmAfterUs: 5 * SECOND };

/** Sources by number, their readings, and the reference price that follows the choice as the engine's does. */
class World {
  readonly choice: ReferenceChoice;
  readonly readings: SourceReading[];
  base: number;

  constructor(count: number, base: number) {
    this.choice = new ReferenceChoice(count, LIMITS, 0);
    this.readings = Array.from({ length: count }, () => ({ condition: Missing, price: 0, stamp: 0 }));
    this.base = base;
  }

  /** An update of a source. */
  update(source: number, price: number, condition: SourceCondition = Usable): this {
    const reading = this.readings[source];
    Object.assign(reading, { condition, price, stamp: reading.stamp + 1 });
    return this;
  }

  /** A look, in seconds. @returns the reference price, then the conditions of the sources; `stale` at the end if it is */
  at(seconds: number): string {
    this.choice.look(this.readings, this.base, seconds * SECOND);
    if (this.choice.price !== 0) this.base = this.choice.price;
    const words = this.choice.sources.map(({ condition }) => conditionName(condition));
    return [this.base, ...words, ...(this.choice.isStale(seconds * SECOND) ? ['stale'] : [])].join(' ');
  }
}

describe('the choice of an outside reference', () => {
  it('takes the first usable source, and goes back to a better one as soon as it is usable', () => {
    const world = new World(3, 0);
    assert.equal(world.at(0), '0 missing missing missing');
    assert.equal(world.update(2, 1000).at(1), '1000 missing missing usable');
    assert.equal(world.update(0, 1010).at(2), '1010 usable missing usable');
    assert.equal(world.update(0, 1011, NotLive).update(1, 1005).at(3), '1005 not-live usable usable');
    assert.equal(world.update(1, 0, NoPrice).at(4), '1000 not-live no-price usable');
    assert.equal(world.update(2, 9_999_999, OutOfRange).at(5), '1000 not-live no-price out-of-range');
    assert.equal(world.update(0, 1012).at(6), '1012 usable no-price out-of-range');
  });

  it('a price is old after the maximum age without an update, and the symbol is stale with the last one', () => {
    const world = new World(2, 1000);
    world.update(0, 1000).update(1, 1001);
    assert.equal(world.at(1), '1000 usable usable');
    assert.equal(world.update(1, 1001).at(4), '1000 usable usable');
    assert.equal(world.at(11), '1000 usable usable');
    assert.equal(world.at(11.001), '1001 old usable');
    assert.equal(world.at(14), '1001 old usable');
    assert.equal(world.at(14.001), '1001 old old stale');
    // The same price again is an update.
    assert.equal(world.update(0, 1000).at(20), '1000 usable old');
  });

  it('a source that is cut off is not usable at once, and the symbol is stale when its last update is old', () => {
    const world = new World(1, 1000);
    assert.equal(world.at(10), '1000 missing');
    assert.equal(world.at(10.001), '1000 missing stale');
    assert.equal(world.update(0, 1000).at(11), '1000 usable');
    assert.equal(world.update(0, 1000, NotLive).at(12), '1000 not-live');
    assert.equal(world.at(21), '1000 not-live');
    assert.equal(world.at(21.001), '1000 not-live stale');
  });

  it('a step up to the largest one is followed, and one of a single tick in any case', () => {
    const world = new World(1, 1000);
    assert.equal(world.update(0, 1100).at(1), '1100 usable');
    assert.equal(world.update(0, 1211).at(2), '1100 jump');
    assert.equal(world.update(0, 1210).at(3), '1210 usable');
    assert.equal(world.update(0, 1088).at(4), '1210 jump');
    assert.equal(world.update(0, 1089).at(5), '1089 usable');
    const cheap = new World(1, 3);
    assert.equal(cheap.update(0, 4).at(1), '4 usable');
    assert.equal(cheap.update(0, 6).at(2), '4 jump');
    assert.equal(cheap.update(0, 3).at(3), '3 usable');
  });

  it('without a reference price, any price is taken', () => {
    assert.equal(new World(1, 0).update(0, 12_345).at(0), '12345 usable');
  });

  it('a jump is taken when the new level has lasted, by an update that comes later', () => {
    const world = new World(1, 1000);
    assert.equal(world.update(0, 1500).at(1), '1000 jump');
    assert.equal(world.update(0, 1520).at(5.999), '1000 jump');
    // No further update: one wrong trade is never confirmed.
    assert.equal(world.at(9), '1000 jump');
    assert.equal(world.update(0, 1530).at(9.5), '1530 usable');
  });

  it('a jump that goes on elsewhere, or comes back, begins anew', () => {
    const world = new World(1, 1000);
    world.update(0, 1500).at(1);
    assert.equal(world.update(0, 1700).at(4), '1000 jump');
    assert.equal(world.update(0, 1700).at(6), '1000 jump');
    assert.equal(world.update(0, 1000).at(7), '1000 usable');
    assert.equal(world.update(0, 1700).at(8), '1000 jump');
    assert.equal(world.update(0, 1700).at(12.9), '1000 jump');
    assert.equal(world.update(0, 1700).at(13), '1700 usable');
  });

  it('a jump that another source contradicts is not taken, however long it lasts', () => {
    const world = new World(2, 1000);
    for (let second = 1; second < 60; second++)
      assert.equal(world.update(0, 1500).update(1, 1000).at(second), '1000 jump usable', `second ${second}`);
    // The other one ends: the time of confirmation begins.
    for (let second = 60; second < 64; second++)
      assert.equal(world.update(0, 1500).update(1, 1000, NotLive).at(second), '1000 jump not-live', `second ${second}`);
    assert.equal(world.update(0, 1500).at(64), '1500 usable not-live');
    assert.equal(world.update(1, 1000).at(65), '1500 usable jump');
  });

  it('is the same as by the definition, and reaches every condition', () => {
    const seen = new Set<string>();
    const price = fc.oneof(
      { weight: 6, arbitrary: fc.integer({ min: 9, max: 12 }) },
      { weight: 3, arbitrary: fc.integer({ min: 15, max: 18 }) },
    );
    const update = fc.record({
      source: fc.nat(2),
      condition: fc.constantFrom(Usable, Usable, Usable, Usable, Usable, NotLive, NoPrice, OutOfRange, Missing),
      price,
    });
    const step = fc.record({
      waitUs: fc.constantFrom(0, 1, SECOND, 2 * SECOND, 5 * SECOND, 10 * SECOND, 10 * SECOND + 1),
      updates: fc.array(update, { maxLength: 3 }),
      /** The operator sets the reference price; 0 = does not. */
      set: fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 20),
    });
    const same = fc.property(
      fc.array(step, { minLength: 1, maxLength: 40 }),
      fc.constantFrom<number>(0, 10),
      fc.constantFrom(0, 0, 2 * SECOND),
      (steps, base, delayUs) => {
        const choice = new ReferenceChoice(3, LIMITS, 0);
        const naive = new NaiveReference(LIMITS, 0);
        const readings: SourceReading[] = Array.from({ length: 3 }, () => ({ condition: Missing, price: 0, stamp: 0 }));
        let engine: number = base;
        let arrivesUs = 0;
        let nowUs = 0;
        for (const { waitUs, updates, set } of steps) {
          nowUs += waitUs;
          for (const { source, ...reading } of updates) Object.assign(readings[source], reading, { stamp: readings[source].stamp + 1 });
          if (set !== 0) engine = set;
          choice.look(readings, engine, nowUs);
          naive.look({ nowUs, base: engine, readings });
          assert.deepEqual(
            choice.sources.map(({ condition }) => condition),
            naive.conditions(),
          );
          assert.deepEqual([choice.chosen, choice.usableUs, choice.isStale(nowUs)], [naive.chosen(), naive.usableUs(), naive.isStale()]);
          for (const { condition } of choice.sources) seen.add(conditionName(condition));
          if (choice.isStale(nowUs)) seen.add('stale');
          if (choice.price !== 0 && Math.abs(choice.price - engine) > Math.max(1, engine / 10) && engine !== 0) seen.add('confirmed');
          // The engine has the price after a while.
          if (choice.price !== 0 && choice.price !== engine && nowUs >= arrivesUs) {
            engine = choice.price;
            arrivesUs = nowUs + delayUs;
          }
        }
      },
    );
    fc.assert(same, { numRuns: times(300, 1000) });
    const wanted = ['usable', 'missing', 'not-live', 'no-price', 'out-of-range', 'old', 'jump', 'stale', 'confirmed'];
    assert.deepEqual(
      wanted.filter((word) => !seen.has(word)),
      [],
    );
  });
});

describe('outside prices in ticks', () => {
  it('are the nearest tick, the higher one in the middle', () => {
    const rows: [price: number, decimals: number, mantissa: number, tickDecimals: number, ticks: number][] = [
      [6_000_049, 2, 1, 1, 600_005],
      [6_000_050, 2, 1, 1, 600_005],
      [6_000_044, 2, 1, 1, 600_004],
      [60_000, 0, 5, 2, 1_200_000],
      [4, 3, 1, 2, 0],
      [5, 3, 1, 2, 1],
      [9_007_199_254_740_991, 8, 1, 2, 9_007_199_255],
      [1, 0, 25, 4, 400],
      [123_456_789, 18, 1, 12, 123],
    ];
    for (const [price, decimals, mantissa, tickDecimals, ticks] of rows)
      assert.equal(new TickScale(mantissa, tickDecimals).nearest(price, decimals), ticks, `${price}e-${decimals}`);
  });

  it('of a middle are exact where the sum of two prices is not a double', () => {
    const [bid, ask] = [2 ** 53 - 3, 2 ** 53 - 2];
    assert.equal(new TickScale(1, 0).middle(bid, ask, 0), 2 ** 53 - 2);
    assert.equal(new TickScale(1, 2).middle(49_997, 50_008, 2), 50_003);
    assert.equal(new TickScale(5, 2).middle(49_997, 50_008, 2), 10_001);
  });

  it('follow the units of the instrument when they change', () => {
    const scale = new TickScale(1, 2);
    assert.equal(scale.nearest(500, 1), 5000);
    assert.equal(scale.nearest(500, 2), 500);
    assert.equal(scale.nearest(500, 1), 5000);
  });

  it('are within half a tick of the exact price', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 1n, max: 2n ** 53n - 1n }),
        fc.bigInt({ min: 1n, max: 2n ** 53n - 1n }),
        fc.nat(12),
        fc.integer({ min: 1, max: 10_000 }),
        fc.nat(12),
        (one, other, decimals, mantissa, tickDecimals) => {
          const ticks = new TickScale(mantissa, tickDecimals).middle(Number(one), Number(other), decimals);
          fc.pre(Number.isSafeInteger(ticks));
          // All in units of 10^-(decimals + tickDecimals), times 2.
          const exact = (one + other) * 10n ** BigInt(tickDecimals);
          const off = exact - 2n * BigInt(ticks) * BigInt(mantissa) * 10n ** BigInt(decimals);
          const half = BigInt(mantissa) * 10n ** BigInt(decimals);
          assert.ok(off >= -half && off < half);
        },
      ),
    );
  });
});
