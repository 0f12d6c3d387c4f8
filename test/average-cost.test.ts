import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Position } from '../feeds/analysis/average-cost.ts';
import { type NaiveFill, naivePosition } from './support/naive-position.ts';

function positionOf(fills: readonly NaiveFill[]): Position {
  const position = new Position();
  for (const [i, { isBuy, price, quantity, fee }] of fills.entries())
    assert.ok(position.fill(i + 1, 100 + i, 1e15 + i, isBuy, price, quantity, fee));
  return position;
}

/** `+10@100` buys 10 lots at 100 ticks, `-` sells; a number behind `f` is the fee. */
function read(ledger: string): NaiveFill[] {
  return ledger.split(' ').map((text) => {
    const [, side, quantity, price, fee = '0'] = /^([+-])(\d+)@(\d+)(?:f(-?\d+))?$/.exec(text) as RegExpExecArray;
    return { isBuy: side === '+', price: Number(price), quantity: Number(quantity), fee: Number(fee) };
  });
}

for (const [ledger, position, cost, realised, fees] of [
  ['+10@100', 10n, 1000n, 0n, 0n],
  ['+10@100 +10@110', 20n, 2100n, 0n, 0n],
  ['+10@100 +10@110 -5@120', 15n, 1575n, 75n, 0n],
  ['+10@100 -10@90', 0n, 0n, -100n, 0n],
  // Beyond the position: it closes, and a short one opens at the price of the fill.
  ['+10@100 -15@120', -5n, 600n, 200n, 0n],
  ['-10@100', -10n, 1000n, 0n, 0n],
  ['-10@100 +4@90', -6n, 600n, 40n, 0n],
  ['-10@100 +12@90', 2n, 180n, 100n, 0n],
  // An average that is not a whole number of ticks: a part of the cost is rounded, halves up, and the rest keeps the difference.
  ['+1@1 +1@2 -1@2', 1n, 1n, 0n, 0n],
  ['+1@1 +1@2 -1@2 -1@2', 0n, 0n, 1n, 0n],
  ['+2@10 +1@11 -1@10', 2n, 21n, 0n, 0n],
  ['+2@10 +1@11 -1@10 -1@10', 1n, 10n, -1n, 0n],
  // Products that a double cannot hold, of numbers that it can.
  ['+354249632223152@1 +25188760517426@2 -374416779893322@3', 5021612847256n, 5354969212455n, 723978155634417n, 0n],
  // Fees and rebates stand apart.
  ['+10@100f7 -10@100f-3', 0n, 0n, 0n, 4n],
  ['-1@5f-2', -1n, 5n, 0n, -2n],
] as const)
  test(`average cost: ${ledger}`, () => {
    const fills = read(ledger);
    const sums = positionOf(fills).sums();
    assert.deepEqual([sums.position, sums.cost, sums.realised, sums.fees], [position, cost, realised, fees]);
    assert.deepEqual(sums, naivePosition(fills));
  });

const LIMIT = Number.MAX_SAFE_INTEGER;
const size = (bits: number, bitsToo: number) => fc.integer({ min: 2 ** bits, max: Math.min(2 ** bitsToo, LIMIT) });
/** Quantities and prices of all sizes: the notional of a fill is below 2^53, as the engine sees to. */
const fill = fc
  .record({
    isBuy: fc.boolean(),
    quantity: fc.oneof(size(0, 3), size(0, 31), size(36, 49), size(51, 53)),
    price: fc.oneof(size(0, 3), size(0, 53)),
    fee: fc.oneof(fc.integer({ min: -9, max: 9 }), fc.integer({ min: -LIMIT, max: LIMIT })),
  })
  .map(({ price, ...rest }): NaiveFill => ({ ...rest, price: 1 + (price % Math.max(1, Math.floor(LIMIT / rest.quantity))) }));

test('average cost: the same as its definition, for numbers of any size', () => {
  let closed = 0;
  let wide = 0;
  fc.assert(
    fc.property(fc.array(fill, { minLength: 1, maxLength: 40 }), (fills) => {
      const sums = positionOf(fills).sums();
      assert.deepEqual(sums, naivePosition(fills));
      if (sums.realised !== 0n) closed++;
      if (sums.cost > BigInt(LIMIT) || sums.position > BigInt(LIMIT)) wide++;
    }),
    { numRuns: 2000 },
  );
  assert.ok(closed > 0 && wide > 0, 'positions were closed, and some passed 2^53');
});

test('average cost: a position of usual size is the same as its definition after each fill', () => {
  const usual = fc.record({
    isBuy: fc.boolean(),
    price: fc.integer({ min: 5_900_000, max: 6_100_000 }),
    quantity: fc.integer({ min: 1, max: 1_000_000 }),
    fee: fc.integer({ min: -1000, max: 100_000 }),
  });
  fc.assert(
    fc.property(fc.array(usual, { minLength: 1, maxLength: 60 }), (fills) => {
      for (let count = 1; count <= fills.length; count += 7)
        assert.deepEqual(positionOf(fills.slice(0, count)).sums(), naivePosition(fills.slice(0, count)));
    }),
    { numRuns: 200 },
  );
});

test('average cost: a report that comes again is ignored, and a copy of the state continues', () => {
  const fills = read('+10@100 -3@107 -20@93f2 +5@90');
  const position = positionOf(fills.slice(0, 2));
  assert.equal(position.fill(2, 1, 1, true, 1, 1, 0), false);
  const copy = new Position(position.state.slice());
  for (const [i, { isBuy, price, quantity, fee }] of fills.slice(2).entries()) copy.fill(i + 3, 9, 9, isBuy, price, quantity, fee);
  assert.deepEqual(copy.sums(), naivePosition(fills));
  assert.deepEqual([copy.reportNo, copy.seq], [4, 9]);
});
