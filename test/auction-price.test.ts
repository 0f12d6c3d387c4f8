/** The price of a call auction by each rule of the symbol parameter AuctionPrice, and what a change of it does. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Code, codeName } from '../engine/codes.ts';
import type { CommandFields } from '../engine/machine/command.ts';
import { AuctionPriceId, SymbolParam } from '../engine/params.ts';
import { CommandKind } from '../engine/wire/layout.ts';
import { MarketEventKind } from '../engine/wire/market-event.ts';
import { Harness, parseCommand, SMALL_LIMITS, SYMBOL } from './support/exchange-fixture.ts';

const RULES_BY_NAME = { nearest: AuctionPriceId.Nearest, limits: AuctionPriceId.Limits, middle: AuctionPriceId.Middle };
/** Between 99 and 104 nothing is left over, and no order has a limit; at both, 5 lots are. */
const GAP = ['1 buy 10 @ 105', '1 buy 5 @ 99', '2 sell 10 @ 95', '2 sell 5 @ 104'];
const AT_OPEN = ['1 buy 10 at-open', '2 sell 10 at-open'];

interface Row {
  readonly name: string;
  readonly orders: readonly string[];
  /** Ticks; 0 = none. */
  readonly reference: number;
  /** price x volume by each rule. */
  readonly nearest: string;
  readonly limits: string;
  readonly middle: string;
  readonly tickStep?: number;
}

const ROWS: readonly Row[] = [
  {
    name: 'nothing left over between the limits',
    orders: ['1 buy 5 @ 103', '2 sell 5 @ 100'],
    reference: 101,
    nearest: '101 x 5',
    limits: '101 x 5',
    middle: '102 x 5',
  },
  {
    name: 'the same, reference price below',
    orders: ['1 buy 5 @ 103', '2 sell 5 @ 100'],
    reference: 90,
    nearest: '100 x 5',
    limits: '100 x 5',
    middle: '102 x 5',
  },
  {
    name: 'the same, without a reference price',
    orders: ['1 buy 5 @ 103', '2 sell 5 @ 100'],
    reference: 0,
    nearest: '100 x 5',
    limits: '100 x 5',
    middle: '102 x 5',
  },
  { name: 'no limit where nothing is left over', orders: GAP, reference: 101, nearest: '101 x 10', limits: '101 x 10', middle: '102 x 10' },
  { name: 'the same, reference price below', orders: GAP, reference: 90, nearest: '100 x 10', limits: '99 x 10', middle: '102 x 10' },
  { name: 'the same, reference price above', orders: GAP, reference: 110, nearest: '103 x 10', limits: '104 x 10', middle: '102 x 10' },
  { name: 'the same, without a reference price', orders: GAP, reference: 0, nearest: '100 x 10', limits: '99 x 10', middle: '102 x 10' },
  {
    name: 'a surplus of buys: the highest limit',
    orders: ['1 buy 10 @ 102', '2 sell 5 @ 100'],
    reference: 90,
    nearest: '102 x 5',
    limits: '102 x 5',
    middle: '102 x 5',
  },
  {
    name: 'a surplus of sells: the lowest limit',
    orders: ['1 buy 5 @ 102', '2 sell 10 @ 100'],
    reference: 110,
    nearest: '100 x 5',
    limits: '100 x 5',
    middle: '100 x 5',
  },
  {
    name: 'the least surplus at a limit is a surplus of buys, though less would be left over between limits',
    orders: ['1 buy 10 @ 105', '1 buy 4 @ 99', '2 sell 10 @ 95', '2 sell 5 @ 104'],
    reference: 110,
    nearest: '103 x 10',
    limits: '99 x 10',
    middle: '99 x 10',
  },
  {
    name: 'market orders alone: the reference price',
    orders: AT_OPEN,
    reference: 101,
    nearest: '101 x 10',
    limits: '101 x 10',
    middle: '101 x 10',
  },
  {
    name: 'market orders alone, without a reference price',
    orders: AT_OPEN,
    reference: 0,
    nearest: '0 x 0',
    limits: '0 x 0',
    middle: '0 x 0',
  },
  {
    name: 'market orders between limits that do not cross',
    orders: [...AT_OPEN, '1 buy 5 @ 95', '2 sell 5 @ 99'],
    reference: 100,
    nearest: '98 x 10',
    limits: '99 x 10',
    middle: '97 x 10',
  },
  {
    name: 'the middle is a multiple of the tick step',
    orders: ['1 buy 5 @ 120', '2 sell 5 @ 105'],
    reference: 0,
    tickStep: 5,
    nearest: '105 x 5',
    limits: '105 x 5',
    middle: '115 x 5',
  },
];

describe('auction price', () => {
  for (const row of ROWS)
    for (const rule of ['nearest', 'limits', 'middle'] as const)
      it(`${rule}: ${row.name}`, () => {
        const harness = new Harness().setUp(3, {
          AuctionPrice: RULES_BY_NAME[rule],
          TickStep: row.tickStep ?? 1,
          ReferencePrice: row.reference,
          PriceBandPpm: 500_000,
        });
        harness.do(parseCommand('phase opening-auction'));
        for (const [i, order] of row.orders.entries()) {
          const [report] = harness.do(parseCommand(order.replace(' ', ` new ${i + 1} `))).reports;
          assert.equal(codeName(report.code), 'OK', order);
        }
        const answer = harness.do(parseCommand('uncross')).reports.at(-1);
        assert.equal(`${answer?.price} x ${answer?.quantity}`, row[rule]);
      });

  it('a change in an auction is published at once; no other value is taken, and none before rules 7', () => {
    const set = (quantity: number): CommandFields => ({
      kind: CommandKind.SetSymbol,
      symbol: SYMBOL,
      parameter: SymbolParam.AuctionPrice,
      quantity,
    });
    const harness = new Harness().setUp();
    harness.do(parseCommand('phase auction'));
    for (const [i, order] of GAP.entries()) harness.do(parseCommand(order.replace(' ', ` new ${i + 1} `)));
    const indicated = (quantity: number): number[] =>
      harness.do(set(quantity)).events.flatMap(({ kind, price }) => (kind === MarketEventKind.Indicative ? [price] : []));
    assert.deepEqual([indicated(2), indicated(1), indicated(0)], [[102], [99], [100]]);
    const codeOf = (at: Harness, quantity: number): number => at.do(set(quantity)).reports[0].code;
    assert.equal(codeOf(harness, 3), Code.BAD_PARAMETER);
    assert.equal(codeOf(new Harness(SMALL_LIMITS, 6).setUp(), 1), Code.BAD_PARAMETER);
  });
});
