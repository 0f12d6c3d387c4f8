/** Mass cancels of groups: docs/ADMIN.md, "Cancelling the orders of a group". */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Code } from '../engine/codes.ts';
import { resolveLimits } from '../engine/limits.ts';
import { CANCELS_PER_COMMAND } from '../engine/machine/mass-cancels.ts';
import { stateHash } from '../engine/machine/state-rows.ts';
import { ReportKind } from '../engine/wire/layout.ts';
import { Harness, parseCommand, runLedger, SMALL_LIMITS, tidyLedger } from './support/exchange-fixture.ts';
import { copyOf, follow } from './support/snapshot-at-any.ts';

/** Accounts 1 and 2 of group 7, account 3 of none. */
const GROUP = `
    set 1 Group 7
      > 0 Accepted
    set 2 Group 7
      > 0 Accepted`;
const ORDERS = `${GROUP}
    1 new 1 buy 1 @ 500
      > 1 Accepted 1 1@500 leaves 1
    2 new 1 buy 1 @ 502
      > 2 Accepted 1 1@502 leaves 1
    2 new 2 sell 1 @ 600
      > 2 Accepted 2 1@600 leaves 1
    1 new 2 buy 1 stop 700
      > 1 Accepted 2 1@0 leaves 1 stop 700
    3 new 1 buy 1 @ 501
      > 3 Accepted 1 1@501 leaves 1`;

/** @param perCommand orders that one command cancels */
function ledger(name: string, perCommand: number, text: string): void {
  it(name, () => {
    const harness = new Harness().setUp(3);
    harness.exchange.massCancels.perCommand = perCommand;
    assert.equal(runLedger(harness, text), tidyLedger(text));
  });
}

describe('a mass cancel of a group', () => {
  ledger(
    'cancels what its accounts have: the book in its order, then stops; the answer has the number',
    100,
    `${ORDERS}
    cancel-group 7
      > 2 Cancelled 1 1@502 leaves 0 CANCELLED_BY_OPERATOR
      > 1 Cancelled 1 1@500 leaves 0 CANCELLED_BY_OPERATOR
      > 2 Cancelled 2 1@600 leaves 0 CANCELLED_BY_OPERATOR
      > 1 Cancelled 2 1@0 leaves 0 stop 700 CANCELLED_BY_OPERATOR
      > 0 Accepted 4@0
    cancel-group 7
      > 0 Accepted`,
  );
  ledger(
    'of a side, or of a symbol, leaves the others',
    100,
    `${ORDERS}
    cancel-group 7 sell
      > 2 Cancelled 2 1@600 leaves 0 CANCELLED_BY_OPERATOR
      > 0 Accepted 1@0
    cancel-group 7 of 2
      > 0 Rejected UNKNOWN_SYMBOL
    cancel-group 0
      > 0 Rejected BAD_PARAMETER
    cancel-group 7 buy of 1
      > 2 Cancelled 1 1@502 leaves 0 CANCELLED_BY_OPERATOR
      > 1 Cancelled 1 1@500 leaves 0 CANCELLED_BY_OPERATOR
      > 1 Cancelled 2 1@0 leaves 0 stop 700 CANCELLED_BY_OPERATOR
      > 0 Accepted 3@0`,
  );
  ledger(
    'goes on before each command; what it names does not trade, and what is entered meanwhile stays',
    1,
    `${ORDERS}
    cancel-group 7
      > 2 Cancelled 1 1@502 leaves 0 CANCELLED_BY_OPERATOR
      > 0 Accepted 4@0
    2 new 3 buy 1 @ 400
      > 1 Cancelled 1 1@500 leaves 0 CANCELLED_BY_OPERATOR
      > 2 Accepted 3 1@400 leaves 1
    3 new 2 buy 1 @ 700
      > 2 Cancelled 2 1@600 leaves 0 CANCELLED_BY_OPERATOR
      > 3 Accepted 2 1@700 leaves 1
    3 new 3 sell 1 @ 700
      > 1 Cancelled 2 1@0 leaves 0 stop 700 CANCELLED_BY_OPERATOR
      > 3 Accepted 3 1@700 leaves 1
      > 3 Fill 2 1@700 leaves 0 maker
      > 3 Fill 3 1@700 leaves 0 taker
    tick`,
  );
  ledger(
    'is of the accounts that are in the group: one that leaves keeps what is left, one that comes loses what it had',
    1,
    `${ORDERS}
    cancel-group 7
      > 2 Cancelled 1 1@502 leaves 0 CANCELLED_BY_OPERATOR
      > 0 Accepted 4@0
    set 3 Group 7
      > 1 Cancelled 1 1@500 leaves 0 CANCELLED_BY_OPERATOR
      > 0 Accepted
    set 1 Group 0
      > 3 Cancelled 1 1@501 leaves 0 CANCELLED_BY_OPERATOR
      > 0 Accepted
    tick
      > 2 Cancelled 2 1@600 leaves 0 CANCELLED_BY_OPERATOR
    tick
    1 cancel 2
      > 1 Cancelled 2 1@0 leaves 0 stop 700 CANCELLED_BY_CLIENT`,
  );
  ledger(
    'begun before one of its accounts, has the orders that both name, and the other way round',
    1,
    `${ORDERS}
    cancel-group 7 buy
      > 2 Cancelled 1 1@502 leaves 0 CANCELLED_BY_OPERATOR
      > 0 Accepted 3@0
    2 mass-cancel
      > 1 Cancelled 1 1@500 leaves 0 CANCELLED_BY_OPERATOR
      > 2 MassCancelled 1 later 0
      > 2 Cancelled 2 1@600 leaves 0 CANCELLED_BY_MASS_CANCEL
    tick
      > 1 Cancelled 2 1@0 leaves 0 stop 700 CANCELLED_BY_OPERATOR
    1 new 3 buy 1 @ 300
      > 1 Accepted 3 1@300 leaves 1
    1 new 4 buy 1 @ 299
      > 1 Accepted 4 1@299 leaves 1
    2 new 3 buy 1 @ 298
      > 2 Accepted 3 1@298 leaves 1
    1 mass-cancel
      > 1 MassCancelled 2 later 1
      > 1 Cancelled 3 1@300 leaves 0 CANCELLED_BY_MASS_CANCEL
    cancel-group 7
      > 1 Cancelled 4 1@299 leaves 0 CANCELLED_BY_MASS_CANCEL
      > 2 Cancelled 3 1@298 leaves 0 CANCELLED_BY_OPERATOR
      > 0 Accepted 1@0`,
  );
  it('needs rules 5', () => {
    const [answer] = new Harness(SMALL_LIMITS, 4).setUp(1).do(parseCommand('cancel-group 7')).reports;
    assert.deepEqual([answer.kind, answer.code], [ReportKind.Rejected, Code.UNKNOWN_KIND]);
  });
  it('cancels 512 orders of 3,000 with its command, reports how many follow, and continues the same from a snapshot', () => {
    const harness = new Harness(resolveLimits({ ...SMALL_LIMITS, orders: 4096 })).setUp(3);
    for (const account of [1, 2, 3]) harness.must(parseCommand(`set ${account} Group 7`));
    for (let i = 1; i <= 3000; i++) harness.must(parseCommand(`${1 + (i % 3)} new ${i} buy 1 @ ${1 + ((i * 7919) % 500)}`));
    const { reports } = harness.do(parseCommand('cancel-group 7'));
    const answer = reports.at(-1);
    assert.deepEqual([answer?.quantity, answer?.leaves, reports.length], [3000, 3000 - CANCELS_PER_COMMAND, CANCELS_PER_COMMAND + 1]);
    const copy = copyOf(harness.exchange);
    for (const left of [2, 3, 4, 5, 6, 7].map((slices) => Math.max(0, 3000 - slices * CANCELS_PER_COMMAND))) {
      harness.do(parseCommand('tick'));
      follow(copy, harness.exchange, 'tick');
      assert.equal(harness.exchange.slab.count, left);
      assert.equal(stateHash(copy), stateHash(harness.exchange));
    }
  });
});
