import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../feeds/simulator/prng.ts';

test('produces the published numbers of xoshiro128**', () => {
  const prng = Prng.fromState(1, 2, 3, 4);
  const published = [11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804];
  assert.deepEqual(
    published.map(() => prng.u32()),
    published,
  );
});

test('the same seed gives the same numbers, another seed different ones', () => {
  const draw = (seed: number): number[] =>
    Array.from(
      { length: 8 },
      (
        (prng) => () =>
          prng.u32()
      )(new Prng(seed)),
    );
  assert.deepEqual(draw(7), draw(7));
  const seeds = [0, 1, 2, 7, 2 ** 32, 2 ** 32 + 7, Number.MAX_SAFE_INTEGER];
  assert.equal(new Set(seeds.map((seed) => draw(seed).join())).size, seeds.length);
  for (const wrong of [-1, 0.5, 2 ** 53, Number.NaN]) assert.throws(() => new Prng(wrong), RangeError);
  assert.throws(() => Prng.fromState(0, 0, 0, 0), RangeError);
});

test('values stay in their range and are evenly distributed', () => {
  const prng = new Prng(42);
  const counts = new Array<number>(10).fill(0);
  for (let i = 0; i < 100_000; i++) counts[prng.below(10)]++;
  for (const count of counts) assert.ok(Math.abs(count - 10_000) < 500, `${counts}`);
  for (let i = 0; i < 1000; i++) {
    assert.ok([3, 4, 5].includes(prng.between(3, 5)));
    assert.equal(prng.below(1), 0);
    assert.ok(prng.geometric(1, 5) <= 5);
  }
  let failures = 0;
  for (let i = 0; i < 20_000; i++) failures += prng.geometric(2, 1000);
  assert.ok(Math.abs(failures / 20_000 - 3) < 0.2, `mean ${failures / 20_000}`);
});
