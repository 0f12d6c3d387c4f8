/** What an amend may change in which phase, what keeps its place, and which check comes first. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { codeName } from '../engine/codes.ts';
import { AccountParam } from '../engine/params.ts';
import { AMEND_CHECKS, LOWER_CHECKS } from '../engine/rules/check-sequences.ts';
import { FREE_ORDERS } from '../engine/rules/order-to-trade.ts';
import { CommandKind, Phase } from '../engine/wire/layout.ts';
import { Harness, parseCommand, runLedger, SMALL_LIMITS, tidyLedger, describe as words } from './support/exchange-fixture.ts';

const TWO_BUYS = `1 new 1 buy 5 @ 100
  > 1 Accepted 1 5@100 leaves 5
  2 new 1 buy 5 @ 100
  > 2 Accepted 1 5@100 leaves 5`;

describe('an amend that changes nothing', () => {
  const rows: [name: string, rules: number, ledger: string][] = [
    [
      'rules 3: keeps its place',
      3,
      `${TWO_BUYS}
       1 amend 1 5 @ 100
       > 1 Amended 1 5@100 leaves 5 kept
       3 new 1 sell 5 @ 100
       > 3 Accepted 1 5@100 leaves 5
       > 1 Fill 1 5@100 leaves 0 maker
       > 3 Fill 1 5@100 leaves 0 taker`,
    ],
    [
      'rules 2: loses it',
      2,
      `${TWO_BUYS}
       1 amend 1 5 @ 100
       > 1 Amended 1 5@100 leaves 5
       3 new 1 sell 5 @ 100
       > 3 Accepted 1 5@100 leaves 5
       > 2 Fill 1 5@100 leaves 0 maker
       > 3 Fill 1 5@100 leaves 0 taker`,
    ],
    [
      'rules 3: after a fill, nothing is the open quantity',
      3,
      `1 new 1 buy 5 @ 100
       > 1 Accepted 1 5@100 leaves 5
       3 new 1 sell 2 @ 100
       > 3 Accepted 1 2@100 leaves 2
       > 1 Fill 1 2@100 leaves 3 maker
       > 3 Fill 1 2@100 leaves 0 taker
       2 new 1 buy 5 @ 100
       > 2 Accepted 1 5@100 leaves 5
       1 amend 1 3 @ 100
       > 1 Amended 1 3@100 leaves 3 kept
       1 amend 1 4 @ 100
       > 1 Amended 1 4@100 leaves 4
       3 new 2 sell 1 @ 100
       > 3 Accepted 2 1@100 leaves 1
       > 2 Fill 1 1@100 leaves 4 maker
       > 3 Fill 2 1@100 leaves 0 taker`,
    ],
  ];
  for (const [name, rules, ledger] of rows) {
    it(name, () => assert.equal(runLedger(new Harness(SMALL_LIMITS, rules).setUp(), ledger), tidyLedger(ledger)));
  }

  it('changes neither book nor funds, and market data shows nothing', () => {
    const harness = new Harness().setUp(1, { TakerFeePpm: 1000 });
    harness.do(parseCommand('1 new 1 buy 5 @ 100'));
    const before = harness.balance(1, 1);
    assert.deepEqual(harness.do(parseCommand('1 amend 1 5 @ 100')).events, []);
    assert.deepEqual(harness.balance(1, 1), before);
  });

  it('is accepted below the minimum quantity, which a fill can leave behind', () => {
    const harness = new Harness().setUp(3, { MinQuantity: 3 });
    runLedger(harness, '1 new 1 buy 5 @ 100\n3 new 1 sell 4 @ 100');
    const ledger = `1 amend 1 1 @ 100
      > 1 Amended 1 1@100 leaves 1 kept
      1 amend 1 1 @ 101
      > 1 AmendRejected 1 1@101 leaves 1 QUANTITY_MIN`;
    assert.equal(runLedger(harness, ledger), tidyLedger(ledger));
  });
});

/** An amend of order 1 of account 1, buy 5 @ 100 (gtc or post-only), in each phase. */
describe('an amend by phase', () => {
  const rejected = (code: string): string => `AmendRejected ${code}`;
  const rows: [amend: string, tif: string, rules: number, outcome: Readonly<Record<string, string>>][] = [
    ['5 @ 100', '', 3, { continuous: 'kept', auction: 'kept', halted: 'kept', closed: 'kept' }],
    ['4 @ 100', '', 3, { continuous: 'kept', auction: 'kept', halted: 'kept', closed: 'kept' }],
    ['5 @ 100', 'post', 3, { continuous: 'kept', auction: 'kept', halted: 'kept', closed: 'kept' }],
    ['4 @ 100', 'post', 3, { continuous: 'kept', auction: 'kept', halted: 'kept', closed: 'kept' }],
    ...['6 @ 100', '4 @ 101', '4 @ 99'].flatMap((amend): [string, string, number, Record<string, string>][] => [
      [amend, '', 3, { continuous: 'lost', auction: 'lost', halted: rejected('SYMBOL_HALTED'), closed: rejected('SYMBOL_CLOSED') }],
      [
        amend,
        'post',
        3,
        {
          continuous: 'lost',
          auction: rejected('NOT_IN_AUCTION'),
          halted: rejected('SYMBOL_HALTED'),
          closed: rejected('SYMBOL_CLOSED'),
        },
      ],
    ]),
    ['4 @ 100', '', 2, { continuous: 'kept', auction: 'kept', halted: rejected('SYMBOL_HALTED'), closed: rejected('SYMBOL_CLOSED') }],
    ['5 @ 100', '', 2, { continuous: 'lost', auction: 'lost', halted: rejected('SYMBOL_HALTED'), closed: rejected('SYMBOL_CLOSED') }],
    [
      '4 @ 100',
      'post',
      2,
      {
        continuous: 'kept',
        auction: rejected('NOT_IN_AUCTION'),
        halted: rejected('SYMBOL_HALTED'),
        closed: rejected('SYMBOL_CLOSED'),
      },
    ],
  ];
  for (const [amend, tif, rules, outcome] of rows) {
    it(`rules ${rules}: buy 5 @ 100 ${tif} to ${amend}`, () => {
      const found: Record<string, string> = {};
      for (const phase of Object.keys(outcome)) {
        const harness = new Harness(SMALL_LIMITS, rules).setUp();
        harness.do(parseCommand(`1 new 1 buy 5 @ 100 ${tif}`));
        harness.do(parseCommand(`phase ${phase}`));
        const [report] = harness.do(parseCommand(`1 amend 1 ${amend}`)).reports;
        const text = words(report);
        found[phase] = /Amended .* kept/.test(text) ? 'kept' : /Amended/.test(text) ? 'lost' : `AmendRejected ${codeName(report.code)}`;
        for (const asset of [1, 2]) assert.equal(harness.exchange.accounts.imbalance(asset), 0);
      }
      assert.deepEqual(found, outcome);
    });
  }

  it('what is lowered in a crossed auction trades with what is left, at its place', () => {
    const ledger = `1 new 1 buy 5 @ 100 post
      > 1 Accepted 1 5@100 leaves 5
      2 new 1 buy 5 @ 100
      > 2 Accepted 1 5@100 leaves 5
      phase auction
      > 0 Accepted
      3 new 1 sell 4 @ 99
      > 3 Accepted 1 4@99 leaves 4
      1 amend 1 3 @ 100
      > 1 Amended 1 3@100 leaves 3 kept
      uncross
      > 1 Fill 1 3@100 leaves 0 auction
      > 3 Fill 1 3@100 leaves 1 auction
      > 2 Fill 1 1@100 leaves 4 auction
      > 3 Fill 1 1@100 leaves 0 auction
      > 0 Accepted 4@100`;
    assert.equal(runLedger(new Harness().setUp(), ledger), tidyLedger(ledger));
  });
});

describe('the checks of an amend', () => {
  const LIMITED = {
    MaxPrice: 200,
    TickStep: 2,
    LotStep: 2,
    MinQuantity: 4,
    MaxQuantity: 40,
    MinNotional: 600,
    MaxNotional: 3000,
    ReferencePrice: 100,
    PriceBandPpm: 100_000,
  };
  /** Order 1 of account 1 is buy 10 @ 100 post-only; a sell rests at 106. */
  function venue(): Harness {
    const harness = new Harness().setUp(2, LIMITED, { usd: 2000 });
    runLedger(harness, '2 new 1 sell 10 @ 106\n1 new 1 buy 10 @ 100 post');
    return harness;
  }
  /** The group of account 1 is stopped, and its order still rests. */
  const kill = (harness: Harness): void => void runLedger(harness, 'kill group 7 on\nset 1 Group 7');
  const throttle = (harness: Harness): void => void runLedger(harness, 'set 1 CommandsPerSecond 1\n1 cancel 99');
  const tooMany = (harness: Harness): void => {
    harness.do(parseCommand('set 1 OrderToTrade 1'));
    for (let id = 100; id < 100 + FREE_ORDERS; id++) harness.do(parseCommand(`1 new ${id} buy 1 @ 1`));
  };
  const suspend = { kind: CommandKind.SetAccount, account: 1, parameter: AccountParam.Suspended, quantity: 1 };

  /** Another order is in the page of order 1, and there are no more pages, in all or for its account. */
  function full(harness: Harness, { limit, share }: { limit: number; share: number }): void {
    harness.do(parseCommand('2 new 2 buy 6 @ 100'));
    Object.assign(harness.exchange.pages, { limit, share });
  }

  // Each row breaks the check of its code and all that come later and can be broken with it.
  const rows: [code: string, amend: string, before?: (harness: Harness) => void][] = [
    ['ACCOUNT_SUSPENDED', '3 @ 0', (harness) => harness.must(suspend)],
    ['KILL_SWITCH', '3 @ 0', kill],
    ['THROTTLED', '3 @ 0', throttle],
    ['ORDER_TO_TRADE', '3 @ 0', tooMany],
    ['POSITION_LIMIT', '41 @ 0', (harness) => void runLedger(harness, 'limit 1 1 MaxPosition 40\nlimit 1 1 MaxExposure 40')],
    ['EXPOSURE_LIMIT', '41 @ 0', (harness) => void runLedger(harness, 'limit 1 1 MaxExposure 40')],
    ['SYMBOL_HALTED', '3 @ 0', (harness) => harness.phase(Phase.Halted)],
    ['SYMBOL_CLOSED', '3 @ 0', (harness) => harness.phase(Phase.Closed)],
    ['NOT_IN_AUCTION', '3 @ 0', (harness) => harness.phase(Phase.Auction)],
    ['QUANTITY_MIN', '3 @ 0'],
    ['QUANTITY_MAX', '41 @ 201'],
    ['LOT', '5 @ 201'],
    ['PRICE_RANGE', '4 @ 201'],
    ['TICK', '30 @ 151'],
    ['PRICE_BAND', '30 @ 150'],
    ['NOTIONAL_MIN', '4 @ 108'],
    ['NOTIONAL_MAX', '32 @ 106'],
    ['INSUFFICIENT_FUNDS', '20 @ 106'],
    ['POST_ONLY_WOULD_TRADE', '12 @ 106'],
    ['LEVELS_FULL', '10 @ 60', (harness) => full(harness, { limit: 2, share: 1 })],
    ['LEVEL_SHARE_FULL', '10 @ 60', (harness) => full(harness, { limit: 9, share: 1 })],
  ];
  for (const [code, amend, before] of rows) {
    it(`${amend}: ${code}, and the order is unchanged`, () => {
      const harness = venue();
      before?.(harness);
      const [report] = harness.do(parseCommand(`1 amend 1 ${amend}`)).reports;
      assert.deepEqual([words(report).split(' ')[1], codeName(report.code), report.leaves], ['AmendRejected', code, 10]);
    });
  }
  it('each code of the table has a row', () => {
    assert.deepEqual(
      AMEND_CHECKS.flat().map(codeName),
      rows.map(([code]) => code),
    );
  });

  const lower: [code: string, amend: string, before?: (harness: Harness) => void][] = [
    ['ACCOUNT_SUSPENDED', '3 @ 100', (harness) => harness.must(suspend)],
    ['KILL_SWITCH', '3 @ 100', kill],
    ['THROTTLED', '3 @ 100', throttle],
    ['ORDER_TO_TRADE', '3 @ 100', tooMany],
    ['QUANTITY_MIN', '3 @ 100'],
    ['LOT', '5 @ 100'],
    ['NOTIONAL_MIN', '4 @ 100'],
  ];
  for (const [code, amend, before] of lower) {
    it(`to less, ${amend}: ${code}, in each phase`, () => {
      for (const phase of Object.values(Phase)) {
        const harness = venue();
        harness.phase(phase);
        before?.(harness);
        const [report] = harness.do(parseCommand(`1 amend 1 ${amend}`)).reports;
        assert.deepEqual([codeName(report.code), report.leaves], [code, 10]);
      }
    });
  }
  it('each code of the table for less has a row', () => {
    assert.deepEqual(
      LOWER_CHECKS.flat().map(codeName),
      lower.map(([code]) => code),
    );
  });

  it('an order that limits and price band no longer allow can be lowered', () => {
    const harness = venue();
    harness.setParam('ReferencePrice', 50);
    harness.setParam('MaxQuantity', 6);
    const ledger = `1 amend 1 8 @ 100
      > 1 Amended 1 8@100 leaves 8 kept
      1 amend 1 12 @ 100
      > 1 AmendRejected 1 12@100 leaves 8 QUANTITY_MAX
      1 amend 1 6 @ 98
      > 1 AmendRejected 1 6@98 leaves 8 PRICE_BAND`;
    assert.equal(runLedger(harness, ledger), tidyLedger(ledger));
  });

  it('what is given up is available again', () => {
    const harness = new Harness().setUp(1, { TakerFeePpm: 1000 }, { usd: 100_000 });
    harness.do(parseCommand('1 new 1 buy 100 @ 500'));
    harness.phase(Phase.Halted);
    harness.do(parseCommand('1 amend 1 40 @ 500'));
    assert.deepEqual(harness.balance(1, 1), { available: 79_980, reserved: 20_020 });
  });

  it('changes the reservation by what the order needs more, or less', () => {
    const harness = new Harness().setUp(2, { TakerFeePpm: 1000 }, { usd: 100_000 });
    const lines: [line: string, reserved: number][] = [
      ['1 new 1 buy 100 @ 500', 50_050],
      ['1 amend 1 100 @ 400', 40_040],
      ['1 amend 1 200 @ 400', 80_080],
      ['1 amend 1 10 @ 400', 4_004],
      ['2 new 1 sell 4 @ 600', 4_004],
      // It trades 4 of 10 at 600, pays 3 for a fee of 2.4, and rests with 6.
      ['1 amend 1 10 @ 600', 3_603],
      ['1 amend 1 6 @ 500', 3_003],
      ['1 cancel 1', 0],
    ];
    for (const [line, reserved] of lines) {
      harness.do(parseCommand(line));
      assert.equal(harness.balance(1, 1).reserved, reserved, line);
      assert.equal(harness.exchange.accounts.imbalance(1), 0);
    }
    assert.deepEqual(harness.balance(1, 1), { available: 97_597, reserved: 0 });
  });

  it('docs/CODES.md lists both in the order in which they are made', () => {
    const text = readFileSync(new URL('../docs/CODES.md', import.meta.url), 'utf8');
    const section = /## Order of the checks of an amend\n([\s\S]*?)(?=\n## |$)/.exec(text)?.[1] ?? assert.fail('no section');
    const lists = section.split(/\n(?=1\. )/).slice(1);
    const listed = lists.map((list) =>
      [...list.matchAll(/^\d+\. (.*)$/gm)].map(([, line]) => [...line.matchAll(/`([A-Z_]+)`/g)].map(([, name]) => name)),
    );
    const named = (table: typeof AMEND_CHECKS): string[][] => [
      ['UNKNOWN_ACCOUNT'],
      ['UNKNOWN_ORDER'],
      ...table.map((codes) => codes.map(codeName)),
    ];
    assert.deepEqual(listed, [named(AMEND_CHECKS), named(LOWER_CHECKS)]);
  });
});
