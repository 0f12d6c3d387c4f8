/** Integers as 64 bits in words. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { getI64, getI64Even, LIMIT_53, putU53, putU53Even } from '../engine/units.ts';

describe('64-bit integers at an even word', () => {
  for (const value of [0, 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, LIMIT_53 - 1]) {
    it(`${value}: the same as at any word`, () => {
      const [any, even] = [new Int32Array(6), new Int32Array(6)];
      putU53(any, 2, value);
      putU53Even(even, 2, value);
      assert.deepEqual(even, any);
      assert.equal(getI64Even(even, 2), value);
      assert.equal(getI64(even, 2), value);
    });
  }

  it('reads integers below 0', () => {
    for (const value of [-1, -(2 ** 32), 1 - LIMIT_53]) {
      const words = new Int32Array(2);
      words[0] = value;
      words[1] = Math.floor(value / 2 ** 32);
      assert.equal(getI64Even(words, 0), value);
    }
  });
});
