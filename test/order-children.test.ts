/** One-triggers-other: what the fills and the end of a parent do to the order that waits for them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ledgerOf } from './support/children-ledger.ts';

const ledger = ledgerOf(it);

describe('one triggers other', () => {
  ledger(
    'each fill of the parent makes as many lots live; an order that grows loses its place',
    `
    oto: 1 new 1 buy 5 @ 500 & 1 new 2 sell 5 @ 520
      > 1 Accepted 1 5@500 leaves 5
      > 1 Accepted 2 5@520 leaves 5
    2 new 1 sell 2 @ 500
      > 2 Accepted 1 2@500 leaves 2
      > 1 Fill 1 2@500 leaves 3 maker
      > 2 Fill 1 2@500 leaves 0 taker
      > 1 Amended 2 2@520 leaves 5 PARENT_FILLED
    3 new 1 sell 1 @ 520
      > 3 Accepted 1 1@520 leaves 1
    2 new 2 sell 1 @ 500
      > 2 Accepted 2 1@500 leaves 1
      > 1 Fill 1 1@500 leaves 2 maker
      > 2 Fill 2 1@500 leaves 0 taker
      > 1 Amended 2 1@520 leaves 5 PARENT_FILLED
    4 new 1 buy 3 @ 520
      > 4 Accepted 1 3@520 leaves 3
      > 3 Fill 1 1@520 leaves 0 maker
      > 4 Fill 1 1@520 leaves 2 taker
      > 1 Fill 2 2@520 leaves 3 maker
      > 4 Fill 1 2@520 leaves 0 taker`,
  );
  assert.ok(true);
});
