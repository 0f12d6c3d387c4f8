/** Groups and kill switches: what they reject and cancel, and how they are lifted. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { codeName } from '../engine/codes.ts';
import { CANCELS_PER_COMMAND } from '../engine/machine/operator-cancel.ts';
import { stateHash } from '../engine/machine/state-rows.ts';
import { CommandKind } from '../engine/wire/layout.ts';
import { BTC, Harness, parseCommand, runLedger, SMALL_LIMITS, tidyLedger, USD } from './support/exchange-fixture.ts';
import { copyOf, follow, sameFromAnySnapshot } from './support/snapshot-at-any.ts';

/** Accounts 1 and 2 of group 7, account 3 of none, each with a buy at 100, 101 and 99. */
const VENUE = `set 1 Group 7
  > 0 Accepted
  set 2 Group 7
  > 0 Accepted
  1 new 1 buy 5 @ 100
  > 1 Accepted 1 5@100 leaves 5
  2 new 1 buy 5 @ 101
  > 2 Accepted 1 5@101 leaves 5
  3 new 1 buy 5 @ 99
  > 3 Accepted 1 5@99 leaves 5`;

function venue(rules?: number): Harness {
  const harness = new Harness(SMALL_LIMITS, rules).setUp(3);
  for (const line of tidyLedger(VENUE).split('\n')) if (!line.startsWith('>')) harness.do(parseCommand(line));
  return harness;
}

const LEDGERS: [name: string, ledger: string][] = [
  [
    'account: its orders go, its new ones are rejected, the others trade on',
    `kill account 1 on
     > 1 Cancelled 1 5@100 leaves 0 CANCELLED_KILL_SWITCH
     > 0 Accepted 1@0
     1 new 2 buy 1 @ 98
     > 1 Rejected 2 1@98 leaves 0 KILL_SWITCH
     2 new 2 buy 1 @ 98
     > 2 Accepted 2 1@98 leaves 1
     kill account 1 off
     > 0 Accepted
     1 new 2 buy 1 @ 98
     > 1 Rejected 2 1@98 leaves 0 KILL_SWITCH again
     1 new 3 buy 1 @ 98
     > 1 Accepted 3 1@98 leaves 1`,
  ],
  [
    'group: the orders of its accounts by order id',
    `kill group 7 on
     > 1 Cancelled 1 5@100 leaves 0 CANCELLED_KILL_SWITCH
     > 2 Cancelled 1 5@101 leaves 0 CANCELLED_KILL_SWITCH
     > 0 Accepted 2@0
     2 new 2 buy 1 @ 98
     > 2 Rejected 2 1@98 leaves 0 KILL_SWITCH
     3 new 2 buy 1 @ 98
     > 3 Accepted 2 1@98 leaves 1`,
  ],
  [
    'symbol: its book in order',
    `kill symbol 1 on
     > 2 Cancelled 1 5@101 leaves 0 CANCELLED_KILL_SWITCH
     > 1 Cancelled 1 5@100 leaves 0 CANCELLED_KILL_SWITCH
     > 3 Cancelled 1 5@99 leaves 0 CANCELLED_KILL_SWITCH
     > 0 Accepted 3@0
     3 new 2 buy 1 @ 98
     > 3 Rejected 2 1@98 leaves 0 KILL_SWITCH`,
  ],
  [
    'venue',
    `kill venue on
     > 2 Cancelled 1 5@101 leaves 0 CANCELLED_KILL_SWITCH
     > 1 Cancelled 1 5@100 leaves 0 CANCELLED_KILL_SWITCH
     > 3 Cancelled 1 5@99 leaves 0 CANCELLED_KILL_SWITCH
     > 0 Accepted 3@0
     3 new 2 buy 1 @ 98
     > 3 Rejected 2 1@98 leaves 0 KILL_SWITCH
     kill venue off
     > 0 Accepted
     3 new 3 buy 1 @ 98
     > 3 Accepted 3 1@98 leaves 1`,
  ],
  [
    'a lift of one leaves the others',
    `kill venue on
     > 2 Cancelled 1 5@101 leaves 0 CANCELLED_KILL_SWITCH
     > 1 Cancelled 1 5@100 leaves 0 CANCELLED_KILL_SWITCH
     > 3 Cancelled 1 5@99 leaves 0 CANCELLED_KILL_SWITCH
     > 0 Accepted 3@0
     kill symbol 1 on
     > 0 Accepted
     kill group 7 on
     > 0 Accepted
     kill account 1 on
     > 0 Accepted
     kill venue off
     > 0 Accepted
     1 new 2 buy 1 @ 98
     > 1 Rejected 2 1@98 leaves 0 KILL_SWITCH
     kill symbol 1 off
     > 0 Accepted
     1 new 3 buy 1 @ 98
     > 1 Rejected 3 1@98 leaves 0 KILL_SWITCH
     kill account 1 off
     > 0 Accepted
     1 new 4 buy 1 @ 98
     > 1 Rejected 4 1@98 leaves 0 KILL_SWITCH
     kill group 7 off
     > 0 Accepted
     1 new 5 buy 1 @ 98
     > 1 Accepted 5 1@98 leaves 1`,
  ],
  [
    'an account that joins a group is stopped, and its order goes when the switch is sent again; cancels work',
    `kill group 9 on
     > 0 Accepted
     3 new 2 buy 1 @ 98
     > 3 Accepted 2 1@98 leaves 1
     set 3 Group 9
     > 0 Accepted
     3 amend 1 4 @ 99
     > 3 AmendRejected 1 4@99 leaves 5 KILL_SWITCH
     3 amend 1 6 @ 99
     > 3 AmendRejected 1 6@99 leaves 5 KILL_SWITCH
     3 cancel 2
     > 3 Cancelled 2 1@98 leaves 0 CANCELLED_BY_CLIENT
     kill group 9 on
     > 3 Cancelled 1 5@99 leaves 0 CANCELLED_KILL_SWITCH
     > 0 Accepted 1@0
     set 3 Group 0
     > 0 Accepted
     3 new 3 buy 1 @ 98
     > 3 Accepted 3 1@98 leaves 1`,
  ],
  [
    'a suspension is named first, and is another thing',
    `kill account 3 on
     > 3 Cancelled 1 5@99 leaves 0 CANCELLED_KILL_SWITCH
     > 0 Accepted 1@0
     set 3 Suspended 1
     > 0 Accepted
     3 new 2 buy 1 @ 98
     > 3 Rejected 2 1@98 leaves 0 ACCOUNT_SUSPENDED
     set 3 Suspended 0
     > 0 Accepted
     3 new 3 buy 1 @ 98
     > 3 Rejected 3 1@98 leaves 0 KILL_SWITCH`,
  ],
];

describe('a suspension', () => {
  const SUSPENSIONS: [name: string, ledger: string][] = [
    [
      'without cancel: what rests still trades',
      `set 1 Suspended 1
       > 0 Accepted
       1 new 2 buy 1 @ 98
       > 1 Rejected 2 1@98 leaves 0 ACCOUNT_SUSPENDED
       3 new 2 sell 6 @ 100
       > 3 Accepted 2 6@100 leaves 6
       > 2 Fill 1 5@101 leaves 0 maker
       > 3 Fill 2 5@101 leaves 1 taker
       > 1 Fill 1 1@100 leaves 4 maker
       > 3 Fill 2 1@100 leaves 0 taker`,
    ],
    [
      'with cancel: what rests is not in the next uncross',
      `phase auction
       > 0 Accepted
       1 new 2 buy 5 @ 103
       > 1 Accepted 2 5@103 leaves 5
       3 new 2 sell 5 @ 98
       > 3 Accepted 2 5@98 leaves 5
       set 1 Suspended 2
       > 1 Cancelled 1 5@100 leaves 0 CANCELLED_SUSPENDED
       > 1 Cancelled 2 5@103 leaves 0 CANCELLED_SUSPENDED
       > 0 Accepted 2@0
       uncross
       > 2 Fill 1 5@100 leaves 0 auction
       > 3 Fill 2 5@100 leaves 0 auction
       > 0 Accepted 5@100
       set 1 Suspended 2
       > 0 Accepted
       set 1 Suspended 0
       > 0 Accepted
       phase continuous
       > 0 Accepted
       1 new 3 buy 1 @ 98
       > 1 Accepted 3 1@98 leaves 1`,
    ],
  ];
  for (const [name, ledger] of SUSPENSIONS) {
    it(name, () => assert.equal(runLedger(new Harness().setUp(3), `${VENUE}\n${ledger}`), tidyLedger(`${VENUE}\n${ledger}`)));
  }

  it('before rules 4 it cannot cancel', () => {
    const harness = venue(3);
    assert.equal(codeName(harness.do(parseCommand('set 1 Suspended 2')).reports[0].code), 'BAD_PARAMETER');
    assert.equal(codeName(harness.do(parseCommand('1 new 9 buy 1 @ 98')).reports[0].code), 'OK');
  });
});

describe('kill switches', () => {
  for (const [name, ledger] of LEDGERS) {
    it(name, () => {
      const harness = new Harness().setUp(3);
      assert.equal(runLedger(harness, `${VENUE}\n${ledger}`), tidyLedger(`${VENUE}\n${ledger}`));
      for (const asset of [USD, BTC]) assert.equal(harness.exchange.accounts.imbalance(asset), 0);
    });
  }

  for (const [name, ledger] of LEDGERS) {
    it(`${name}: the same from a snapshot at any command`, () => sameFromAnySnapshot(new Harness().setUp(3), `${VENUE}\n${ledger}`));
  }

  it('when all are lifted, an order pays for one test again', () => {
    const harness = venue();
    const scopes = ['venue', 'symbol 1', 'group 9'];
    for (const line of scopes.flatMap((scope) => [`kill ${scope} on`, `kill ${scope} on`])) harness.do(parseCommand(line));
    assert.notEqual(harness.exchange.accounts.controls[3], 0);
    for (const scope of scopes) harness.do(parseCommand(`kill ${scope} off`));
    assert.equal(harness.exchange.accounts.controls[3], 0);
  });

  it('an account that is defined while the venue is stopped is stopped', () => {
    const harness = venue();
    harness.do(parseCommand('kill venue on'));
    harness.must({ kind: CommandKind.DefineAccount, account: 9, name: 'late' });
    assert.equal(codeName(harness.do(parseCommand('9 new 1 buy 1 @ 98')).reports[0].code), 'KILL_SWITCH');
  });

  const rejects: [line: string, fields: object, code: string][] = [
    ['kill account 9 on', {}, 'UNKNOWN_ACCOUNT'],
    ['kill account 0 on', {}, 'UNKNOWN_ACCOUNT'],
    ['kill symbol 7 on', {}, 'UNKNOWN_SYMBOL'],
    ['kill group 0 on', {}, 'BAD_PARAMETER'],
    ['kill group 65536 on', {}, 'BAD_PARAMETER'],
    ['kill venue on', { account: 1 }, 'BAD_PARAMETER'],
    ['kill account 1 on', { symbol: 1 }, 'BAD_PARAMETER'],
    ['kill symbol 1 on', { tag: 7 }, 'BAD_PARAMETER'],
    ['kill venue on', { parameter: 4 }, 'BAD_PARAMETER'],
    ['kill venue on', { quantity: 2 }, 'BAD_PARAMETER'],
    ['set 1 Group 65536', {}, 'BAD_PARAMETER'],
    ['set 1 Suspended 3', {}, 'BAD_PARAMETER'],
    ['set 9 Group 1', {}, 'UNKNOWN_ACCOUNT'],
  ];
  for (const [line, fields, code] of rejects) {
    it(`${line} ${JSON.stringify(fields)}: ${code}, and nothing changes`, () => {
      const harness = venue();
      const { reports } = harness.do({ ...parseCommand(line), ...fields });
      assert.deepEqual([reports.length, codeName(reports[0].code), harness.exchange.slab.count], [1, code, 3]);
      assert.equal(codeName(harness.do(parseCommand('1 new 9 buy 1 @ 98')).reports[0].code), 'OK');
    });
  }

  it('rules 3 have neither', () => {
    const harness = venue(3);
    assert.equal(codeName(harness.do(parseCommand('set 1 Group 7')).reports[0].code), 'BAD_PARAMETER');
    assert.equal(codeName(harness.do(parseCommand('kill venue on')).reports[0].code), 'UNKNOWN_KIND');
    assert.equal(harness.exchange.slab.count, 3);
  });

  for (const scope of ['account 1', 'group 7', 'symbol 1', 'venue']) {
    it(`${scope}: one command cancels ${CANCELS_PER_COMMAND} at most and blocks new orders at once; groups may change meanwhile`, () => {
      const harness = new Harness({ ...SMALL_LIMITS, orders: 2 ** 14, rememberedOrders: 2 ** 14 }).setUp(3);
      runLedger(harness, 'set 1 Group 7\nset 2 Group 8');
      const orders = CANCELS_PER_COMMAND + 10;
      for (let id = 1; id <= 20; id++) harness.do(parseCommand(`2 new ${id} buy 1 @ ${1 + (id % 50)}`));
      for (let id = 1; id <= orders; id++) harness.do(parseCommand(`1 new ${id} buy 1 @ ${1 + (id % 50)}`));
      const first = harness.do(parseCommand(`kill ${scope} on`)).reports.at(-1);
      assert.deepEqual([first?.quantity, first?.leaves], [CANCELS_PER_COMMAND, 1]);
      assert.equal(codeName(harness.do(parseCommand('1 new 9999 buy 1 @ 98')).reports[0].code), 'KILL_SWITCH');
      harness.must(parseCommand('set 2 Group 7'));
      const copy = copyOf(harness.exchange);
      const left = harness.exchange.slab.count - (scope === 'account 1' ? 20 : 0);
      const { reports } = harness.do(parseCommand(`kill ${scope} on`));
      const answer = reports.pop();
      assert.deepEqual([answer?.quantity, answer?.leaves, reports.length], [left, 0, left]);
      // As in an exchange that has not seen the command before: by order id, also of an account that has come to the group since.
      const ids = reports.map(({ orderId }) => orderId);
      if (/account|group/.test(scope))
        assert.deepEqual(
          ids,
          ids.toSorted((x, y) => x - y),
        );
      follow(copy, harness.exchange, `kill ${scope} on`);
      assert.equal(stateHash(copy), stateHash(harness.exchange));
    });
  }
});
