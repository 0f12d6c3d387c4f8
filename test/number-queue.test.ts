import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { NumberQueue } from '../engine/book/number-queue.ts';
import { StopWaves } from '../engine/book/stop-waves.ts';
import { SymbolSet } from '../engine/rules/symbol-set.ts';

it('a queue of numbers is first in, first out, also when it grows', () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.integer({ min: 0, max: 20 })), { maxLength: 300, size: 'max' }), (steps) => {
      const queue = new NumberQueue();
      const naive: number[] = [];
      for (const step of steps) {
        if (step === null) assert.equal(queue.shift(), naive.shift() ?? -1);
        else {
          assert.equal(queue.includes(step), naive.includes(step));
          queue.push(step);
          naive.push(step);
        }
        assert.deepEqual([queue.length, queue.first], [naive.length, naive[0] ?? -1]);
      }
      assert.deepEqual(
        naive.map((_, i) => queue.at(i)),
        naive,
      );
    }),
  );
});

it('waves of stops keep their order when they grow and when one ends', () => {
  const waves = new StopWaves();
  for (let i = 0; i < 20; i++) waves.push(i % 2, i, -i);
  waves.remove(3);
  waves.remove(0);
  waves.set(0, 7, 8);
  const found = Array.from({ length: waves.count }, (_, wave) => [waves.side(wave), waves.key(wave, 0), waves.key(wave, 1)]);
  const left = Array.from({ length: 20 }, (_, i) => [i % 2, i, -i]).filter((_, i) => i !== 3 && i !== 0);
  assert.deepEqual(found, [[1, 7, 8], ...left.slice(1)]);
  assert.deepEqual([waves.hasSide(0), waves.hasSide(1)], [true, true]);
});

it('a set of symbols has each of them once, in the order in which they came', () => {
  const set = new SymbolSet(10);
  for (const symbol of [7, 3, 7, 9, 3]) set.add(symbol);
  assert.deepEqual([set.size, set.at(0), set.at(1), set.at(2)], [3, 7, 3, 9]);
  set.clear();
  set.add(3);
  assert.deepEqual([set.size, set.at(0)], [1, 3]);
});
