import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { OrderSlab } from '../engine/book/order-slab.ts';
import { CARRY_BITS, FeeSchedules, MAX_SCHEDULES, NO_CARRY } from '../engine/rules/fee-schedules.ts';
import { buyReserve, carryAfter, feeOn } from '../engine/rules/fees.ts';
import { carryOf, newFeeAccount, payFee, reservedFee } from './support/naive-fees.ts';

const LIMIT = 2 ** 53;
const MILLION = 1_000_000;

/** In exact arithmetic; BigInt division rounds towards zero. */
function exactFee(notional: number, ppm: number): number {
  return Number((BigInt(notional) * BigInt(ppm)) / 1_000_000n);
}

describe('fees rounded by fill, before rules 4', () => {
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
        assert.equal(feeOn(n, p, NO_CARRY), exactFee(n, p));
        assert.equal(feeOn(n, -p, NO_CARRY), 0 - exactFee(n, p));
        if (n < LIMIT / 2) assert.equal(buyReserve(n, p, NO_CARRY), n + exactFee(n, p));
      }),
      { numRuns: 20_000 },
    );
  });

  it('are exact at the highest product that takes one division', () => {
    for (let below = 0; below < 2_000_000; below += 499) {
      const n = LIMIT - 1 - below;
      assert.equal(feeOn(n, 1, NO_CARRY), exactFee(n, 1));
    }
    for (let units = 9_007_199_254; units > 9_007_190_000; units--)
      for (const off of [-1, 0, 1]) assert.equal(feeOn(units * MILLION + off, 1, NO_CARRY), exactFee(units * MILLION + off, 1));
    // One below a whole number of fee units, on both sides of the limit: a product that was rounded up would be one unit too much.
    for (const [rate, residue] of [
      [3, 333_333],
      [999_999, 1],
    ])
      for (let step = -500; step < 5000; step++) {
        const n = (Math.floor(LIMIT / rate / MILLION) + step) * MILLION + residue;
        assert.equal(feeOn(n, rate, NO_CARRY), exactFee(n, rate));
        assert.equal(buyReserve(n, rate, NO_CARRY), n + exactFee(n, rate));
      }
  });
});

describe('fees rounded by order', () => {
  const rate = fc.oneof(fc.constantFrom(0, 1, -1, 500, MILLION, -MILLION), fc.integer({ min: -MILLION, max: MILLION }));
  const notional = fc.oneof(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 1, max: 2 ** 50 }));

  it('the fills of an order pay the fee of the whole, rounded up, whatever their sizes and rates', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(notional, rate), { minLength: 1, maxLength: 20 }), (fills) => {
        const naive = newFeeAccount(0, 0, true);
        let carry = 0;
        for (const [n, ppm] of fills) {
          const fee = feeOn(n, ppm, carry);
          carry = carryAfter(n, ppm, carry, fee);
          assert.equal(fee, payFee(naive, n, ppm));
          assert.equal(carry, carryOf(naive));
          assert.ok(carry >= 0 && carry < MILLION);
          assert.ok(!Object.is(fee, -0));
        }
      }),
      { numRuns: 20_000 },
    );
  });

  it('no fill costs more than the reservation that it releases', () => {
    const order = fc.record({ price: fc.integer({ min: 1, max: 3000 }), ppm: fc.integer({ min: 0, max: MILLION }) });
    const fills = fc.array(fc.record({ lots: fc.integer({ min: 1, max: 50 }), better: fc.nat(3), less: fc.nat(MILLION) }), {
      minLength: 1,
    });
    fc.assert(
      fc.property(order, fills, ({ price, ppm }, parts) => {
        const naive = newFeeAccount(0, ppm, true);
        let open = parts.reduce((sum, { lots }) => sum + lots, 0);
        let carry = 0;
        let held = buyReserve(price * open, ppm, carry);
        for (const { lots, better, less } of parts) {
          assert.equal(held, price * open + reservedFee(naive, price * open));
          const cost = Math.max(price - better, 1) * lots;
          const fee = feeOn(cost, ppm - less, carry);
          payFee(naive, cost, ppm - less);
          carry = carryAfter(cost, ppm - less, carry, fee);
          open -= lots;
          const after = buyReserve(price * open, ppm, carry);
          assert.ok(cost + fee <= held - after, `${cost} + ${fee} of ${held} - ${after}`);
          held = after;
        }
        assert.equal(held, 0);
      }),
      { numRuns: 5000 },
    );
  });
});

it('fee schedules: equal rates have one number, and a number is given again when no order and no symbol has it', () => {
  const slab = new OrderSlab(4);
  const schedules = new FeeSchedules(3, slab);
  assert.equal(schedules.find(0, 0), 0);
  assert.ok(schedules.setSymbol(1, -10, 20, false) && schedules.setSymbol(2, -10, 20, false));
  assert.equal(schedules.ofSymbol[1], schedules.ofSymbol[2]);
  const slot = slab.acquire(1);
  slab.setLevel(slot, 1);
  slab.setFees(slot, schedules.find(1, 1) << CARRY_BITS);
  for (let ppm = 2; ppm < 2 * MAX_SCHEDULES; ppm++) assert.ok(schedules.setSymbol(1, ppm, ppm, false));
  assert.equal(schedules.makerPpm[schedules.ofSymbol[2]], -10);
  assert.equal(schedules.makerPpm[slab.fees(slot) >>> CARRY_BITS], 1);
  assert.equal(schedules.find(1, 1), slab.fees(slot) >>> CARRY_BITS);
});
