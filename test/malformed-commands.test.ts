/** Commands in the ring that no verified frame has: docs/CODES.md, MALFORMED_COMMAND. A program that embeds the engine may write them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { codeName } from '../engine/codes.ts';
import { encodeCommand } from '../engine/machine/command.ts';
import { stateHash } from '../engine/machine/state-rows.ts';
import { encodeExtension } from '../engine/wire/command-extension.ts';
import { CommandKind, Instruction, LinkKind, OrderType, TimeInForce } from '../engine/wire/layout.ts';
import { linkWord } from '../engine/wire/list-link.ts';
import {
  describe as describeReport,
  Harness,
  type LongCommandFields,
  parseCommand,
  SMALL_LIMITS,
  SYMBOL,
} from './support/exchange-fixture.ts';
import { times } from './support/long-runs.ts';
import { copyOf } from './support/snapshot-at-any.ts';

const order = { kind: CommandKind.New, symbol: SYMBOL, account: 1, clientOrderId: 1, price: 100, quantity: 10 };
const { OneCancelsOther, OneUpdatesOther } = LinkKind;
const linked = (kind: LinkKind, leg: number, legs = 2) => ({ extension: { link: linkWord(kind, leg, legs) } });

describe('a command of another form is rejected with a code, and changes nothing', () => {
  const rows: [what: string, expected: string, fields: LongCommandFields][] = [
    ['a third side', '1 Rejected 1 10@100 MALFORMED_COMMAND', { ...order, side: 2 }],
    ['an unknown time in force', '1 Rejected 1 10@100 MALFORMED_COMMAND', { ...order, timeInForce: 99 }],
    ['an end without an extension', '1 Rejected 1 10@100 MALFORMED_COMMAND', { ...order, timeInForce: TimeInForce.GoodTillDate }],
    ['an auction without an extension', '1 Rejected 1 10@100 MALFORMED_COMMAND', { ...order, timeInForce: TimeInForce.AtTheOpen }],
    ['an announced extension that is missing', '1 Rejected 1 10@100 MALFORMED_COMMAND', { ...order, parameter: 1 }],
    ['the same of an amend', '1 AmendRejected 1 10@100 MALFORMED_COMMAND', { ...order, kind: CommandKind.Amend, parameter: 1 }],
    ['of an unknown account', '0 Rejected UNKNOWN_ACCOUNT 10@100', { ...order, account: 9, side: 2 }],
    ['an unknown order type', '1 Rejected 1 10@100 MALFORMED_COMMAND', { ...order, extension: { orderType: 200 } }],
    ['an unknown instruction', '1 Rejected 1 10@100 MALFORMED_COMMAND', { ...order, extension: { instructions: 2 ** 20 } }],
    ['an unknown self-trade mode', '1 Rejected 1 10@100 MALFORMED_COMMAND', { ...order, extension: { selfTradeMode: 6 } }],
    ['market and good-till-cancel', '1 Rejected 1 10@100 MALFORMED_COMMAND', { ...order, extension: { orderType: OrderType.Market } }],
    [
      'iceberg and hidden',
      '1 Rejected 1 10@100 MALFORMED_COMMAND',
      { ...order, extension: { displayedQuantity: 2, instructions: Instruction.Hidden } },
    ],
    ['a stop without a stop price', '1 Rejected 1 10@100 MALFORMED_COMMAND', { ...order, extension: { orderType: OrderType.StopLimit } }],
    ['a trailing stop without an offset', '1 Rejected 1 10@0 MALFORMED_COMMAND', { ...order, price: 0, extension: { orderType: 4 } }],
    ['the second half of a list alone', '1 Rejected 1 10@100 BAD_LIST', { ...order, ...linked(OneCancelsOther, 2) }],
    ['an order beyond its list', '1 Rejected 1 10@100 BAD_LIST', { ...order, ...linked(OneCancelsOther, 3) }],
    ['a list of 200', '1 Rejected 1 10@100 BAD_LIST', { ...order, ...linked(OneCancelsOther, 1, 200) }],
    ['a quote until the end of the day', '1 Rejected 0 10@100 MALFORMED_COMMAND', { ...order, kind: CommandKind.Quote, timeInForce: 5 }],
    ['a quote that does something unknown', '1 Rejected 0 10@100 MALFORMED_COMMAND', { ...order, kind: CommandKind.Quote, side: 3 }],
  ];
  for (const [what, expected, fields] of rows) {
    it(what, () => {
      const harness = new Harness().setUp(2);
      const { reports } = harness.do(fields);
      const text = reports.map(describeReport).map((line) => line.replace(' bid ', ' 0 ').replace(' leaves 0', ''));
      assert.deepEqual(text, [expected]);
      assert.equal(harness.exchange.slab.count, 0);
      // The id is free.
      if (fields.kind === CommandKind.New && fields.account === 1) assert.equal(codeName(harness.do(order).reports[0].code), 'OK');
    });
  }

  const pairs: [what: string, one: LongCommandFields, other: LongCommandFields][] = [
    ['of two accounts', {}, { account: 2 }],
    ['of two symbols', {}, { symbol: SYMBOL + 1 }],
    ['of one client order id', {}, { clientOrderId: 1 }],
    ['of two limit orders on one side', {}, { side: 0 }],
    ['of two kinds', {}, linked(OneUpdatesOther, 2)],
    ['with a market order', {}, { timeInForce: 1, price: 0, extension: { ...linked(OneCancelsOther, 2).extension, orderType: 1 } }],
  ].map(([what, one, other]) => [what as string, one as LongCommandFields, other as LongCommandFields]);
  for (const [what, one, other] of pairs) {
    it(`a list ${what}`, () => {
      const harness = new Harness().setUp(2);
      const first = harness.do({ ...order, ...linked(OneCancelsOther, 1), ...one });
      const { reports } = harness.do({ ...order, clientOrderId: 2, side: 1, price: 110, ...linked(OneCancelsOther, 2), ...other });
      const all = [...first.reports, ...reports];
      assert.ok(all.length > 0 && all.every(({ code }) => codeName(code) === 'BAD_LIST'), all.map(describeReport).join());
      assert.equal(harness.exchange.slab.count, 0);
    });
  }

  it('before rules 6, a log of such commands is replayed as it was', () => {
    const old = new Harness(SMALL_LIMITS, 5).setUp(1);
    assert.equal(codeName(old.do({ ...order, timeInForce: 99 }).reports[0].code), 'EXPIRY_PAST');
    assert.throws(() => old.do({ ...order, clientOrderId: 2, parameter: 1 }), /needs an extension/);
  });
});

it('whatever is in the ring, the engine gives codes, conserves money, and goes on from a snapshot', () => {
  const huge = fc.constantFrom(0, 1, 2 ** 31, 2 ** 32, 2 ** 52, 2 ** 53 - 1, 2 ** 53, 2 ** 62, -1, -100);
  const near = (number: fc.Arbitrary<number>) => fc.oneof({ weight: 8, arbitrary: number }, { weight: 1, arbitrary: huge });
  const byte = (most: number) => fc.oneof({ weight: 11, arbitrary: fc.nat(most) }, { weight: 1, arbitrary: fc.nat(255) });
  const price = near(fc.integer({ min: 95, max: 105 }));
  const lots = near(fc.integer({ min: 1, max: 20 }));
  const link = fc
    .record({ kind: fc.nat(4), leg: fc.integer({ min: 1, max: 3 }), legs: fc.integer({ min: 2, max: 3 }) })
    .map(({ kind, leg, legs }) => linkWord(kind as LinkKind, leg, legs));
  const sometimes = (number: fc.Arbitrary<number>) => fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: number });
  const extension = fc.record({
    orderType: byte(5),
    selfTradeMode: sometimes(byte(5)),
    trigger: sometimes(byte(1)),
    instructions: sometimes(fc.nat(4095)),
    link: sometimes(fc.oneof(link, fc.nat(2 ** 24))),
    stopPrice: sometimes(price),
    displayedQuantity: sometimes(lots),
    minQuantity: sometimes(lots),
    expiryUs: sometimes(huge),
  });
  const kind = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(1, 1, 1, 1, 2, 3, 5, 6, 6, 7) },
    { weight: 3, arbitrary: fc.integer({ min: 16, max: 40 }) },
    { weight: 1, arbitrary: fc.nat(255) },
  );
  const engines: readonly number[] = [CommandKind.Extension, CommandKind.Configure, CommandKind.StateDigest];
  const command = fc.record({
    kind: kind.filter((each) => !engines.includes(each)),
    side: byte(1),
    timeInForce: byte(8),
    parameter: fc.oneof(fc.constantFrom(0, 1, 1), fc.nat(255)),
    symbol: fc.constantFrom(SYMBOL, SYMBOL, SYMBOL, SYMBOL, 0, 2, 2 ** 31),
    account: fc.constantFrom(1, 2, 3, 1, 2, 3, 0, 9, 2 ** 31),
    tag: fc.constantFrom(0, 1, 7, 2 ** 31),
    clientOrderId: near(fc.integer({ min: 1, max: 80 })),
    orderId: sometimes(near(fc.nat(60))),
    price,
    quantity: near(fc.nat(20)),
  });
  const slot = fc.oneof(
    { weight: 2, arbitrary: fc.tuple(fc.option(extension), fc.option(command, { freq: 20 })) },
    { weight: 1, arbitrary: fc.constant([null, { ...parseCommand('phase continuous') }] as const) },
  );
  fc.assert(
    fc.property(fc.array(slot, { minLength: 40, maxLength: 150, size: 'max' }), (slots) => {
      const { exchange } = new Harness().setUp(3);
      const bytes = new Uint8Array(64);
      const words = new Int32Array(bytes.buffer);
      for (const [before, fields] of slots) {
        const timeUs = exchange.timeUs + 1000;
        for (const [record, encode] of [
          [before, encodeExtension],
          [fields, encodeCommand],
        ] as const) {
          if (record === null) continue;
          bytes.fill(0);
          encode(bytes, words, 0, { ...record, seq: exchange.seq + 1, timeUs } as never);
          exchange.apply(bytes, words, 0);
        }
      }
      assert.equal(stateHash(copyOf(exchange)), stateHash(exchange));
    }),
    { numRuns: times(60, 500) },
  );
});
