/** Limits of position and exposure of an account in a symbol. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { allocateLocal } from '../engine/allocate.ts';
import { codeName } from '../engine/codes.ts';
import { LimitParam } from '../engine/params.ts';
import { MAX_POSITION_LIMITS, PositionLimits } from '../engine/rules/position-limits.ts';
import { Side } from '../engine/wire/layout.ts';
import { Harness, parseCommand, runLedger, SMALL_LIMITS, SYMBOL, tidyLedger } from './support/exchange-fixture.ts';
import { times } from './support/long-runs.ts';
import { sameFromAnySnapshot } from './support/snapshot-at-any.ts';

const LEDGERS: [name: string, ledger: string][] = [
  [
    'position: what rests on the side counts as if it had traded',
    `limit 1 1 MaxPosition 10
     > 0 Accepted
     1 new 1 buy 6 @ 90
     > 1 Accepted 1 6@90 leaves 6
     1 new 2 buy 5 @ 90
     > 1 Rejected 2 5@90 leaves 0 POSITION_LIMIT
     1 new 3 buy 4 @ 90
     > 1 Accepted 3 4@90 leaves 4
     1 new 4 sell 10 @ 110
     > 1 Accepted 4 10@110 leaves 10
     1 new 5 sell 1 @ 110
     > 1 Rejected 5 1@110 leaves 0 POSITION_LIMIT
     1 cancel 3
     > 1 Cancelled 3 4@90 leaves 0 CANCELLED_BY_CLIENT
     1 new 6 buy 4 @ 90
     > 1 Accepted 6 4@90 leaves 4`,
  ],
  [
    'position: an amend counts with the quantity that it has then',
    `limit 1 1 MaxPosition 10
     > 0 Accepted
     1 new 1 buy 6 @ 90
     > 1 Accepted 1 6@90 leaves 6
     1 amend 1 4 @ 90
     > 1 Amended 1 4@90 leaves 4 kept
     1 amend 1 5 @ 91
     > 1 Amended 1 5@91 leaves 5
     1 new 2 buy 6 @ 90
     > 1 Rejected 2 6@90 leaves 0 POSITION_LIMIT
     1 new 3 buy 5 @ 90
     > 1 Accepted 3 5@90 leaves 5
     1 amend 1 6 @ 91
     > 1 AmendRejected 1 6@91 leaves 5 POSITION_LIMIT`,
  ],
  [
    'position: a trade moves it, in both roles; the other side has more room then',
    `limit 1 1 MaxPosition 10
     > 0 Accepted
     2 new 1 sell 6 @ 100
     > 2 Accepted 1 6@100 leaves 6
     1 new 1 buy 10 @ 100
     > 1 Accepted 1 10@100 leaves 10
     > 2 Fill 1 6@100 leaves 0 maker
     > 1 Fill 1 6@100 leaves 4 taker
     1 new 2 buy 1 @ 90
     > 1 Rejected 2 1@90 leaves 0 POSITION_LIMIT
     2 new 2 sell 3 @ 100
     > 2 Accepted 2 3@100 leaves 3
     > 1 Fill 1 3@100 leaves 1 maker
     > 2 Fill 2 3@100 leaves 0 taker
     1 new 3 sell 20 @ 110
     > 1 Rejected 3 20@110 leaves 0 POSITION_LIMIT
     1 new 4 sell 19 @ 110
     > 1 Accepted 4 19@110 leaves 19`,
  ],
  [
    'position: in an auction',
    `limit 1 1 MaxPosition 5
     > 0 Accepted
     phase auction
     > 0 Accepted
     1 new 1 buy 5 @ 100
     > 1 Accepted 1 5@100 leaves 5
     2 new 1 sell 5 @ 100
     > 2 Accepted 1 5@100 leaves 5
     uncross
     > 1 Fill 1 5@100 leaves 0 auction
     > 2 Fill 1 5@100 leaves 0 auction
     > 0 Accepted 5@100
     1 new 2 buy 1 @ 100
     > 1 Rejected 2 1@100 leaves 0 POSITION_LIMIT
     1 new 3 sell 10 @ 110
     > 1 Accepted 3 10@110 leaves 10`,
  ],
  [
    'position: immediate orders count in full, also what cannot trade',
    `limit 1 1 MaxPosition 5
     > 0 Accepted
     1 new 1 buy 6 @ 100 ioc
     > 1 Rejected 1 6@100 leaves 0 POSITION_LIMIT
     1 new 2 buy 6 mkt
     > 1 Rejected 2 6@0 leaves 0 POSITION_LIMIT`,
  ],
  [
    'position: an account beyond a lowered limit can only reduce it',
    `limit 1 1 MaxPosition 9
     > 0 Accepted
     2 new 1 sell 9 @ 100
     > 2 Accepted 1 9@100 leaves 9
     1 new 1 buy 9 @ 100
     > 1 Accepted 1 9@100 leaves 9
     > 2 Fill 1 9@100 leaves 0 maker
     > 1 Fill 1 9@100 leaves 0 taker
     limit 1 1 MaxPosition 3
     > 0 Accepted
     1 new 2 buy 1 @ 90
     > 1 Rejected 2 1@90 leaves 0 POSITION_LIMIT
     1 new 3 sell 12 @ 110
     > 1 Accepted 3 12@110 leaves 12
     1 new 4 sell 1 @ 110
     > 1 Rejected 4 1@110 leaves 0 POSITION_LIMIT`,
  ],
  [
    'exposure: the open lots of both sides; trades free it',
    `limit 1 1 MaxExposure 10
     > 0 Accepted
     1 new 1 buy 6 @ 90
     > 1 Accepted 1 6@90 leaves 6
     1 new 2 sell 5 @ 110
     > 1 Rejected 2 5@110 leaves 0 EXPOSURE_LIMIT
     1 new 3 sell 4 @ 110
     > 1 Accepted 3 4@110 leaves 4
     2 new 1 buy 1 @ 110
     > 2 Accepted 1 1@110 leaves 1
     > 1 Fill 3 1@110 leaves 3 maker
     > 2 Fill 1 1@110 leaves 0 taker
     1 new 4 sell 2 @ 110
     > 1 Rejected 4 2@110 leaves 0 EXPOSURE_LIMIT
     1 new 5 sell 1 @ 110
     > 1 Accepted 5 1@110 leaves 1`,
  ],
  [
    'amend: only what it adds is checked; a changed price and less do not',
    `limit 1 1 MaxPosition 10
     > 0 Accepted
     limit 1 1 MaxExposure 8
     > 0 Accepted
     1 new 1 buy 8 @ 90
     > 1 Accepted 1 8@90 leaves 8
     1 amend 1 9 @ 90
     > 1 AmendRejected 1 9@90 leaves 8 EXPOSURE_LIMIT
     1 amend 1 11 @ 90
     > 1 AmendRejected 1 11@90 leaves 8 POSITION_LIMIT
     limit 1 1 MaxExposure 4
     > 0 Accepted
     1 amend 1 8 @ 91
     > 1 Amended 1 8@91 leaves 8
     1 amend 1 3 @ 91
     > 1 Amended 1 3@91 leaves 3 kept
     1 amend 1 5 @ 91
     > 1 AmendRejected 1 5@91 leaves 3 EXPOSURE_LIMIT
     1 amend 1 4 @ 91
     > 1 Amended 1 4@91 leaves 4`,
  ],
  [
    'what rests when the limit comes counts, what traded before does not; without limits the position is forgotten',
    `2 new 1 sell 5 @ 100
     > 2 Accepted 1 5@100 leaves 5
     1 new 1 buy 7 @ 100
     > 1 Accepted 1 7@100 leaves 7
     > 2 Fill 1 5@100 leaves 0 maker
     > 1 Fill 1 5@100 leaves 2 taker
     limit 1 1 MaxPosition 3
     > 0 Accepted
     1 new 2 buy 2 @ 90
     > 1 Rejected 2 2@90 leaves 0 POSITION_LIMIT
     2 new 2 sell 2 @ 100
     > 2 Accepted 2 2@100 leaves 2
     > 1 Fill 1 2@100 leaves 0 maker
     > 2 Fill 2 2@100 leaves 0 taker
     1 new 3 buy 2 @ 90
     > 1 Rejected 3 2@90 leaves 0 POSITION_LIMIT
     limit 1 1 MaxPosition 0
     > 0 Accepted
     1 new 4 buy 9 @ 90
     > 1 Accepted 4 9@90 leaves 9
     1 cancel 4
     > 1 Cancelled 4 9@90 leaves 0 CANCELLED_BY_CLIENT
     limit 1 1 MaxPosition 3
     > 0 Accepted
     1 new 5 buy 3 @ 90
     > 1 Accepted 5 3@90 leaves 3`,
  ],
  [
    'a rejected order counts for the limit of commands, and keeps its answer',
    `limit 1 1 MaxPosition 3
     > 0 Accepted
     set 1 CommandsPerSecond 1
     > 0 Accepted
     1 new 1 buy 4 @ 90
     > 1 Rejected 1 4@90 leaves 0 POSITION_LIMIT
     1 new 2 buy 1 @ 90
     > 1 Rejected 2 1@90 leaves 0 THROTTLED retry +999000
     1 new 1 buy 4 @ 90
     > 1 Rejected 1 4@90 leaves 0 POSITION_LIMIT again`,
  ],
  [
    'other accounts are not concerned, and a trade with oneself changes nothing',
    `limit 1 1 MaxPosition 3
     > 0 Accepted
     2 new 1 buy 100 @ 80
     > 2 Accepted 1 100@80 leaves 100
     1 new 1 buy 3 @ 90
     > 1 Accepted 1 3@90 leaves 3
     1 new 2 sell 3 @ 90
     > 1 Accepted 2 3@90 leaves 3
     > 1 Fill 1 3@90 leaves 0 maker
     > 1 Fill 2 3@90 leaves 0 taker
     1 new 3 buy 4 @ 90
     > 1 Rejected 3 4@90 leaves 0 POSITION_LIMIT
     1 new 4 buy 3 @ 90
     > 1 Accepted 4 3@90 leaves 3`,
  ],
];

describe('limits of position and exposure', () => {
  for (const [name, ledger] of LEDGERS) {
    it(name, () => assert.equal(runLedger(new Harness().setUp(2), ledger), tidyLedger(ledger)));
    it(`${name}: the same from a snapshot at any command`, () => sameFromAnySnapshot(new Harness().setUp(2), ledger));
  }

  const rejects: [line: string, fields: object, code: string][] = [
    ['limit 9 1 MaxPosition 1', {}, 'UNKNOWN_ACCOUNT'],
    ['limit 1 7 MaxPosition 1', {}, 'UNKNOWN_SYMBOL'],
    ['limit 1 1 MaxPosition 1', { parameter: 2 }, 'BAD_PARAMETER'],
    ['limit 1 1 MaxPosition 1', { side: 1 }, 'BAD_PARAMETER'],
  ];
  for (const [line, fields, code] of rejects) {
    it(`${line} ${JSON.stringify(fields)}: ${code}`, () => {
      const { reports } = new Harness().setUp(1).do({ ...parseCommand(line), ...fields });
      assert.deepEqual([reports.length, codeName(reports[0].code)], [1, code]);
    });
  }

  it('rules 3 have none', () => {
    assert.equal(
      codeName(new Harness(SMALL_LIMITS, 3).setUp(1).do(parseCommand('limit 1 1 MaxPosition 1')).reports[0].code),
      'UNKNOWN_KIND',
    );
  });

  it('no flow of orders takes an account beyond its limits, and the sums are those of its orders', () => {
    const account = fc.integer({ min: 1, max: 2 });
    const line = fc.oneof(
      fc.record({
        account,
        side: fc.constantFrom('buy', 'sell'),
        lots: fc.integer({ min: 1, max: 15 }),
        price: fc.integer({ min: 95, max: 105 }),
        tif: fc.constantFrom('', 'ioc'),
      }),
      fc.record({ account, amend: fc.nat(5), lots: fc.integer({ min: 1, max: 15 }), price: fc.integer({ min: 95, max: 105 }) }),
      fc.record({ account, cancel: fc.nat(5) }),
      fc.constantFrom('phase auction', 'uncross', 'phase continuous'),
    );
    let fills = 0;
    const within = fc.property(fc.nat(30), fc.nat(30), fc.array(line, { maxLength: 80, size: 'max' }), (position, exposure, lines) => {
      const harness = new Harness().setUp(2);
      for (const [parameter, lots] of [
        ['MaxPosition', position],
        ['MaxExposure', exposure],
      ])
        harness.must(parseCommand(`limit 1 1 ${parameter} ${lots}`));
      const { accounts, slab } = harness.exchange;
      let bought = 0;
      for (const [i, step] of lines.entries()) {
        const text =
          typeof step === 'string'
            ? step
            : 'side' in step
              ? `${step.account} new ${i + 1} ${step.side} ${step.lots} @ ${step.price} ${step.tif}`
              : 'amend' in step
                ? `${step.account} amend ${i - step.amend} ${step.lots} @ ${step.price}`
                : `${step.account} cancel ${i - step.cancel}`;
        for (const report of harness.do(parseCommand(text)).reports) {
          if (report.account !== 1 || report.tradeId === 0) continue;
          fills++;
          bought += report.side === Side.Buy ? report.quantity : -report.quantity;
        }
        const open = [0, 0];
        for (let slot = 0; slot < slab.capacity; slot++)
          if (slab.level(slot) !== -1 && slab.account(slot) === 1) open[slab.side(slot)] += slab.open(slot);
        if (position !== 0) assert.ok(bought + open[0] <= position && open[1] - bought <= position, text);
        if (exposure !== 0) assert.ok(open[0] + open[1] <= exposure, text);
        const { positionLimits: limits } = accounts;
        const entry = limits.find(1, SYMBOL);
        if (entry !== -1)
          assert.deepEqual([limits.position[entry], limits.openBuys[entry], limits.openSells[entry]], [bought, ...open], text);
      }
    });
    fc.assert(within, { numRuns: times(60, 200) });
    assert.ok(fills > 0);
  });
});

describe('the table of pairs', () => {
  it('finds what is in it, after any additions and removals', () => {
    const step = fc.record({
      account: fc.integer({ min: 1, max: 40 }),
      symbol: fc.integer({ min: 1, max: 5 }),
      lots: fc.constantFrom(0, 0, 1, 7),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200, size: 'max' }), (steps) => {
        const limits = new PositionLimits(2 ** 20, allocateLocal);
        const expected = new Map<string, number>();
        for (const { account, symbol, lots } of steps) {
          const entry = limits.find(account, symbol);
          assert.equal(entry !== -1, expected.has(`${account}/${symbol}`));
          if (entry === -1 && lots === 0) continue;
          limits.setMax(entry === -1 ? limits.add(account, symbol) : entry, LimitParam.MaxPosition, lots);
          if (lots === 0) expected.delete(`${account}/${symbol}`);
          else expected.set(`${account}/${symbol}`, lots);
        }
        const found = limits.inOrder().map((i) => [`${limits.account[i]}/${limits.symbol[i]}`, limits.maxPosition[i]] as const);
        assert.deepEqual(new Map(found), expected);
        assert.equal(limits.account[expected.size], 0, 'where the entries end');
        for (let account = 1; account <= 40; account++)
          assert.equal(
            limits.has(account),
            [...expected.keys()].some((pair) => pair.startsWith(`${account}/`)),
          );
      }),
      { numRuns: times(50, 200) },
    );
  });

  it(`has room for ${MAX_POSITION_LIMITS} pairs, and again when one is gone`, () => {
    const limits = new PositionLimits(2 ** 20, allocateLocal);
    for (let i = 0; i < MAX_POSITION_LIMITS; i++) limits.setMax(limits.add(1 + (i >> 4), 1 + (i & 15)), LimitParam.MaxExposure, 1);
    assert.equal(limits.add(9999, 1), -1);
    limits.setMax(limits.find(7, 3), LimitParam.MaxExposure, 0);
    assert.equal(limits.find(7, 3), -1);
    assert.notEqual(limits.add(9999, 1), -1);
    assert.notEqual(limits.find(9999, 1), -1);
  });
});
