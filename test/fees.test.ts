import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { buyReserve, feeOn } from '../engine/rules/fees.ts';

const LIMIT = 2 ** 53;
const MILLION = 1_000_000;

/** In exact arithmetic; BigInt division rounds towards zero. */
function exactFee(notional: number, ppm: number): number {
  return Number((BigInt(notional) * BigInt(ppm)) / 1_000_000n);
}

describe('fees', () => {
  const ppm = fc.integer({ min: 0, max: MILLION });
  const notional = fc.oneof(
    fc.integer({ min: 0, max: 10_000 }),
    fc.maxSafeInteger().map(Math.abs),
    // Where the product stands just below or above a whole number of fee units, up to the limit of exact products.
    fc
      .tuple(fc.integer({ min: 1, max: 9_007_199_254 }), fc.integer({ min: -2, max: 2 }))
      .map(([units, off]) => Math.max(0, units * MILLION + off)),
  );

  it('are exact for any notional and rate', () => {
    fc.assert(
      fc.property(notional, ppm, (n, p) => {
        assert.equal(feeOn(n, p), exactFee(n, p));
        assert.equal(feeOn(n, -p), 0 - exactFee(n, p));
        if (n < LIMIT / 2) assert.equal(buyReserve(n, p), n + exactFee(n, p));
      }),
      { numRuns: 20_000 },
    );
  });

  it('are exact at the highest product that takes one division', () => {
    for (let below = 0; below < 2_000_000; below += 499) {
      const n = LIMIT - 1 - below;
      assert.equal(feeOn(n, 1), exactFee(n, 1));
    }
    for (let units = 9_007_199_254; units > 9_007_190_000; units--)
      for (const off of [-1, 0, 1]) assert.equal(feeOn(units * MILLION + off, 1), exactFee(units * MILLION + off, 1));
    // One below a whole number of fee units, on both sides of the limit: a product that was rounded up would be one unit too much.
    for (const [rate, residue] of [
      [3, 333_333],
      [999_999, 1],
    ])
      for (let step = -500; step < 5000; step++) {
        const n = (Math.floor(LIMIT / rate / MILLION) + step) * MILLION + residue;
        assert.equal(feeOn(n, rate), exactFee(n, rate));
        assert.equal(buyReserve(n, rate), n + exactFee(n, rate));
      }
  });
});
