/** Texts with untrusted content become requests, and commands, or a coded refusal with what could be read of them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Code, codeName } from '../engine/codes.ts';
import { decimalToUnits, unitsToDecimal } from '../engine/decimal.ts';
import { getI64 } from '../engine/units.ts';
import { checkCommand, checkLongCommand } from '../engine/wire/check-command.ts';
import { CommandBatch, CommandFrameReader } from '../engine/wire/frames.ts';
import {
  Command,
  CommandExtension,
  CommandKind,
  Instruction,
  OrderType,
  QuoteAction,
  Side,
  TimeInForce,
  Trigger,
} from '../engine/wire/layout.ts';
import { SymbolUnits } from '../gateway/client/symbols.ts';
import { MAX_REQUESTS, readRequests } from '../gateway/endpoints/json/order-requests.ts';
import { addCommand, isCommand, SLOTS_OF_REQUEST } from '../gateway/endpoints/json/request-commands.ts';
import { RequestError } from '../gateway/endpoints/json/request-error.ts';

const BTC = new SymbolUnits({ id: 7, name: 'BTC-USD', tickSize: '0.01', lotSize: '0.001' });

function unitsOf(name: string): SymbolUnits {
  if (name === 'BTC-USD') return BTC;
  throw new RequestError(Code.UNKNOWN_SYMBOL, 'UNKNOWN_SYMBOL', `there is no symbol ${name}`);
}

/** What becomes of the requests of a text: fields of each command, or `NAME: text` of a refusal. */
function outcomes(message: unknown): unknown[] {
  const text = typeof message === 'string' ? message : JSON.stringify(message);
  const batch = new CommandBatch(MAX_REQUESTS * SLOTS_OF_REQUEST);
  const refused: string[] = [];
  for (const { asked, request, error } of readRequests(text)) {
    try {
      if (error !== undefined) throw error;
      if (isCommand(request)) addCommand(batch, request, unitsOf);
      else refused.push(`query ${request.op}`);
    } catch (fault) {
      assert.ok(fault instanceof RequestError, String(fault));
      assert.equal(codeName(fault.code as Code), fault.name);
      refused.push(`${asked.tag ?? '-'} ${fault.name}: ${fault.message}`);
    }
  }
  return batch.count === 0 ? refused : [...commandsOf(batch), ...refused];
}

/** Reads the commands of a batch as the intake does, which finds no fault in them. */
function commandsOf(batch: CommandBatch): object[] {
  const reader = new CommandFrameReader();
  assert.equal(reader.open(batch.bytes()), Code.OK);
  const words = new Int32Array((2 * Command.bytes) / 4);
  const u8 = new Uint8Array(words.buffer);
  const commands: object[] = [];
  for (let index = 0, extension = 0; index < reader.count; index++) {
    reader.copy(index, words, 1);
    const long = u8[Command.bytes + Command.parameter] !== 0;
    if (long) reader.copyExtension(extension++, words, 0);
    const fault = long ? checkLongCommand(u8, words, 0, 1, 1) : checkCommand(u8, words, 1, 1);
    assert.equal(codeName(fault), 'OK');
    reader.copy(index, words, 1);
    const at = Command.bytes / 4;
    const i64 = (offset: number) => getI64(words, offset / 4);
    commands.push({
      kind: u8[Command.bytes + Command.kind],
      symbol: words[at + Command.symbol / 4],
      side: u8[Command.bytes + Command.side],
      tif: u8[Command.bytes + Command.timeInForce],
      tag: words[at + Command.tag / 4] >>> 0,
      ids: [i64(Command.bytes + Command.clientOrderId), i64(Command.bytes + Command.orderId)],
      price: i64(Command.bytes + Command.price),
      quantity: i64(Command.bytes + Command.quantity),
      ...(long && {
        type: u8[CommandExtension.orderType],
        instructions: words[CommandExtension.instructions / 4],
        trigger: u8[CommandExtension.trigger],
        stop: i64(CommandExtension.stopPrice),
        displayed: i64(CommandExtension.displayedQuantity),
        least: i64(CommandExtension.minQuantity),
        link: words[CommandExtension.link / 4],
      }),
    });
  }
  return commands;
}

const PLACE = { op: 'place', symbol: 'BTC-USD', side: 'buy', orderQty: '0.5', price: '100.00', clOrdId: '5' };
const COMMAND = {
  kind: CommandKind.New,
  symbol: 7,
  side: Side.Buy,
  tif: TimeInForce.GoodTillCancel,
  tag: 0,
  ids: [5, 0],
  price: 10_000,
  quantity: 500,
};
const LONG = { type: OrderType.Limit, instructions: 0, trigger: 0, stop: 0, displayed: 0, least: 0, link: 0 };
const PROTECTION = { kind: CommandKind.Quote, symbol: 0, side: QuoteAction.Protection, tif: 0, tag: 0, ids: [0, 0], price: 0, quantity: 0 };
const ID_ALONE = { symbol: 0, side: 0, price: 0, quantity: 0 };

describe('commands of requests', () => {
  const rows: [what: string, message: unknown, commands: object[]][] = [
    ['an order', PLACE, [COMMAND]],
    ['numbers that are exact', { ...PLACE, orderQty: 0.5, price: 100, clOrdId: 5 }, [COMMAND]],
    ['a tag', { ...PLACE, tag: 4_294_967_295 }, [{ ...COMMAND, tag: 4_294_967_295 }]],
    ['a market order', { ...PLACE, price: undefined }, [{ ...COMMAND, tif: TimeInForce.Market, price: 0 }]],
    ['post-only', { ...PLACE, postOnly: true }, [{ ...COMMAND, tif: TimeInForce.PostOnly }]],
    [
      'a stop',
      { ...PLACE, price: undefined, stopPx: '90', trigger: 'reference' },
      [
        {
          ...COMMAND,
          price: 0,
          ...LONG,
          type: OrderType.Stop,
          trigger: Trigger.ReferencePrice,
          stop: 9000,
        },
      ],
    ],
    ['an iceberg', { ...PLACE, displayQty: '0.1' }, [{ ...COMMAND, ...LONG, displayed: 100 }]],
    ['a hidden order', { ...PLACE, hidden: true }, [{ ...COMMAND, ...LONG, instructions: Instruction.Hidden }]],
    [
      'a minimum',
      { ...PLACE, timeInForce: 'ioc', minQty: '0.2' },
      [{ ...COMMAND, tif: TimeInForce.ImmediateOrCancel, ...LONG, least: 200 }],
    ],
    [
      'an amend',
      { op: 'amend', tag: 2, clOrdId: '5', symbol: 'BTC-USD', leavesQty: '0.4', price: '101' },
      [{ ...COMMAND, kind: CommandKind.Amend, tag: 2, price: 10_100, quantity: 400 }],
    ],
    [
      'an amend of a stop',
      { op: 'amend', orderId: 9, symbol: 'BTC-USD', leavesQty: '0.4', stopPx: '91' },
      [{ ...COMMAND, kind: CommandKind.Amend, ids: [0, 9], price: 0, quantity: 400, ...LONG, stop: 9100 }],
    ],
    ['a cancel', { op: 'cancel', orderId: '9', tag: 3 }, [{ ...COMMAND, ...ID_ALONE, kind: CommandKind.Cancel, ids: [0, 9], tag: 3 }]],
    [
      'a cancel with the symbol',
      { op: 'cancel', clOrdId: 5, symbol: 'BTC-USD' },
      [{ ...COMMAND, ...ID_ALONE, kind: CommandKind.Cancel, symbol: 7 }],
    ],
    ['cancel-all', { op: 'cancel-all' }, [{ ...COMMAND, ...ID_ALONE, kind: CommandKind.MassCancel, ids: [0, 0] }]],
    [
      'cancel-all of a side',
      { op: 'cancel-all', symbol: 'BTC-USD', side: 'sell' },
      [{ ...COMMAND, ...ID_ALONE, symbol: 7, kind: CommandKind.MassCancel, ids: [0, 0], quantity: 2 }],
    ],
    [
      'cancel-after',
      { op: 'cancel-after', timeoutMs: 1000 },
      [{ ...COMMAND, ...ID_ALONE, kind: CommandKind.CancelAfter, ids: [0, 0], quantity: 1_000_000 }],
    ],
    ['cancel-after off', { op: 'cancel-after', timeoutMs: 0 }, [{ ...COMMAND, ...ID_ALONE, kind: CommandKind.CancelAfter, ids: [0, 0] }]],
    [
      'a quote',
      { op: 'quote', symbol: 'BTC-USD', bidPx: '99', bidSize: '1', offerPx: '101', offerSize: '2', postOnly: true },
      [{ ...COMMAND, kind: CommandKind.Quote, tif: TimeInForce.PostOnly, ids: [10_100, 2000], price: 9900, quantity: 1000 }],
    ],
    [
      'a protection',
      { op: 'quote-protection', windowMs: 5000, fills: 20, lots: 30, netLots: 10, tag: 4 },
      [{ ...COMMAND, ...PROTECTION, ids: [20, 30], price: 10, quantity: 5_000_000, tag: 4 }],
    ],
    ['no protection', { op: 'quote-protection', windowMs: 0 }, [{ ...COMMAND, ...PROTECTION }]],
    ['a reset of the protection', { op: 'quote-protection', reset: true }, [{ ...COMMAND, ...PROTECTION, side: QuoteAction.Reset }]],
    [
      'an oco list',
      {
        ...{ op: 'place-list', kind: 'oco', tag: 6, symbol: 'BTC-USD', side: 'sell', orderQty: '1' },
        orders: [
          { clOrdId: '1', price: '110' },
          { clOrdId: '2', stopPx: '90' },
        ],
      },
      [
        { ...COMMAND, side: Side.Sell, tag: 6, ids: [1, 0], price: 11_000, quantity: 1000, ...LONG, link: 0x02_01_01 },
        {
          ...{ ...COMMAND, side: Side.Sell, tag: 6, ids: [2, 0], price: 0, quantity: 1000 },
          ...{ ...LONG, type: OrderType.Stop, stop: 9000, link: 0x02_02_01 },
        },
      ],
    ],
    [
      'a bracket, whose second and third order are on the other side',
      {
        ...{ op: 'place-list', kind: 'bracket', symbol: 'BTC-USD', side: 'buy', orderQty: '1' },
        orders: [
          { clOrdId: '1', price: '100' },
          { clOrdId: '2', price: '110' },
          { clOrdId: '3', stopPx: '90', price: '89' },
        ],
      },
      [
        { ...COMMAND, ids: [1, 0], quantity: 1000, ...LONG, link: 0x03_01_04 },
        { ...COMMAND, side: Side.Sell, ids: [2, 0], price: 11_000, quantity: 1000, ...LONG, link: 0x03_02_04 },
        {
          ...{ ...COMMAND, side: Side.Sell, ids: [3, 0], price: 8900, quantity: 1000, ...LONG },
          ...{ type: OrderType.StopLimit, stop: 9000, link: 0x03_03_04 },
        },
      ],
    ],
    ['several', [PLACE, { op: 'cancel', clOrdId: 5 }], [COMMAND, { ...COMMAND, ...ID_ALONE, kind: CommandKind.Cancel }]],
  ];
  for (const [what, message, commands] of rows) it(what, () => assert.deepEqual(outcomes(message), commands));

  it('an order without an id gets one from the clock, and another each time', () => {
    const [first, second] = outcomes([
      { ...PLACE, clOrdId: undefined },
      { ...PLACE, clOrdId: undefined },
    ]) as { ids: [number, number] }[];
    assert.ok(first.ids[0] > 1.7e15 && second.ids[0] > first.ids[0]);
  });

  it('amounts are those of the text, exactly', () => {
    const ticks = fc.integer({ min: 1, max: 1e9 });
    fc.assert(
      fc.property(ticks, ticks, fc.boolean(), fc.boolean(), (price, lots, priceAsNumber, lotsAsNumber) => {
        const [priceText, lotsText] = [unitsToDecimal(price, 1, 2), unitsToDecimal(lots, 1, 3)];
        const body = {
          ...PLACE,
          price: priceAsNumber ? Number(priceText) : priceText,
          orderQty: lotsAsNumber ? Number(lotsText) : lotsText,
        };
        assert.deepEqual(outcomes(body), [{ ...COMMAND, price, quantity: lots }]);
        assert.equal(decimalToUnits(priceText, 1, 2), price);
      }),
    );
  });
});

describe('refusals', () => {
  const ORDERS = { op: 'place-list', kind: 'oto', symbol: 'BTC-USD', side: 'buy', orderQty: '1' };
  const BRACKET = { ...ORDERS, kind: 'bracket' };
  const FIRST = { clOrdId: '1', price: '100' };
  const SECOND = { clOrdId: '2', price: '110' };
  const THIRD = { clOrdId: '3', stopPx: '90' };
  const rows: [what: string, message: unknown, refusals: RegExp[]][] = [
    ['no JSON', '{"op":', [/^- MALFORMED_FRAME: it is not JSON/]],
    ['nothing', '', [/^- MALFORMED_FRAME: it is not JSON/]],
    ['no object', '5', [/^- MALFORMED_FRAME: a request is a JSON object with an op$/]],
    ['null', 'null', [/^- MALFORMED_FRAME: a request is/]],
    [
      'a list with a client order id twice',
      { ...ORDERS, tag: 4, orders: [{ ...FIRST }, { ...FIRST, price: '110' }] },
      [/^4 BAD_LIST: orders: they do not fit together: each of them must have a client order id of its own$/],
    ],
    [
      'a bracket with a child on the side of its parent',
      { ...BRACKET, tag: 4, orders: [FIRST, { ...SECOND, side: 'buy' }, THIRD] },
      [/^4 BAD_LIST: .*: the take-profit and the stop-loss must be on the other side than the parent$/],
    ],
    [
      'a bracket whose take-profit is below its entry',
      { ...BRACKET, orders: [FIRST, { ...SECOND, price: '99' }, THIRD] },
      [/^- BAD_LIST: .*: the price of the take-profit must be better than the entry/],
    ],
    ['an empty list', '[]', [/^- MALFORMED_FRAME: a list has 1 to 32 requests, not 0$/]],
    ['a list of too many', JSON.stringify(Array(33).fill({ op: 'ping' })), [/a list has 1 to 32 requests, not 33$/]],
    ['a list in a list', [[PLACE]], [/^- MALFORMED_FRAME: a request is/]],
    ['no op', { tag: 4 }, [/^4 MALFORMED_FRAME: op is missing/]],
    ['an op of another type', { tag: 4, op: 1 }, [/^4 MALFORMED_FRAME: op is missing/]],
    ['an unknown op', { tag: 4, op: 'buy' }, [/^4 UNKNOWN_KIND: there is no op buy; use one of place, /]],
    ['an op of every object', { tag: 4, op: 'constructor' }, [/^4 UNKNOWN_KIND/]],
    ['the op __proto__', '{"tag":4,"op":"__proto__"}', [/^4 UNKNOWN_KIND/]],
    ['an unknown key', { ...PLACE, tag: 4, quantity: 1 }, [/^4 BAD_PARAMETER: quantity: unknown key; use one of op, tag, /]],
    ['the key __proto__', '{"op":"ping","tag":4,"__proto__":{"op":"place"}}', [/^4 BAD_PARAMETER: __proto__: unknown key/]],
    ['the key constructor', { op: 'ping', tag: 4, constructor: 1 }, [/^4 BAD_PARAMETER: constructor: unknown key/]],
    ['a key twice', '{"op":"ping","tag":1,"tag":2}', [/^- MALFORMED_FRAME: tag: is given a second time/]],
    ['the key op twice', '{"op":"ping","op":"place"}', [/^- MALFORMED_FRAME: op: is given a second time/]],
    ['an amend without a quantity', { op: 'amend', clOrdId: 1, price: '1' }, [/leavesQty: is missing; it must be decimal text/]],
    ['a tag that is none', { op: 'ping', tag: -1 }, [/^- BAD_PARAMETER: tag: must be a whole number from 0 to 4294967295$/]],
    ['a tag that is text', { op: 'ping', tag: '1' }, [/^- BAD_PARAMETER: tag/]],
    [
      'wrong types',
      { ...PLACE, side: 1, orderQty: [], price: {} },
      [/side: must be one of buy, sell.*orderQty: must be decimal text.*price: must be decimal/],
    ],
    [
      'an inexact amount',
      '{"op":"place","symbol":"BTC-USD","side":"buy","orderQty":0.1000000000000000055,"price":1}',
      [/orderQty: a JSON number cannot hold this exactly; write it as text: "0.1000000000000000055"/],
    ],
    ['a huge amount', `{"op":"place","symbol":"BTC-USD","side":"buy","orderQty":1e999,"price":1}`, [/orderQty: must be decimal/]],
    ['a long amount', { ...PLACE, orderQty: '9'.repeat(5000) }, [/BAD_RANGE/]],
    ['an amount below a lot', { ...PLACE, tag: 4, orderQty: '0.0001' }, [/^4 BAD_RANGE/]],
    ['a negative amount', { ...PLACE, orderQty: '-1' }, [/orderQty: must be decimal/]],
    ['an id above 2^53', { ...PLACE, clOrdId: '9999999999999999' }, [/BAD_PARAMETER: clOrdId must be a whole number from 1/]],
    ['an id that is not whole', { ...PLACE, clOrdId: 1.5 }, [/clOrdId: must be a whole number/]],
    ['an unknown symbol', { ...PLACE, tag: 4, symbol: 'DOGE' }, [/^4 UNKNOWN_SYMBOL/]],
    ['a symbol of every object', { ...PLACE, symbol: 'toString' }, [/UNKNOWN_SYMBOL/]],
    ['terms that exclude each other', { ...PLACE, tag: 4, timeInForce: 'ioc', postOnly: true }, [/^4 ILLEGAL_COMBINATION/]],
    ['a limit order without a price', { ...PLACE, ordType: 'limit', price: undefined }, [/BAD_RANGE: a limit gtc order needs a price/]],
    ['terms are named as here', { ...PLACE, ordType: 'stop', price: undefined }, [/needs a stopPx/]],
    ['an amend without an order', { op: 'amend', symbol: 'BTC-USD', leavesQty: 1, price: 1 }, [/BAD_PARAMETER: name the order/]],
    ['an amend without a price looks for the order', { op: 'amend', clOrdId: 1, symbol: 'BTC-USD', leavesQty: 1 }, [/^query amend$/]],
    ['a cancel with both ids', { op: 'cancel', tag: 4, clOrdId: 1, orderId: 2 }, [/^4 BAD_PARAMETER: name the order/]],
    ['a cancel-after without a time', { op: 'cancel-after' }, [/timeoutMs: must be a whole number from 1000 to 86400000, or 0/]],
    [
      'a cancel-after that is too short',
      { op: 'cancel-after', timeoutMs: 999 },
      [/timeoutMs: must be a whole number from 1000 to 86400000, or 0/],
    ],
    ['a protection without a window', { op: 'quote-protection', fills: 3 }, [/BAD_PARAMETER: windowMs and reset/]],
    ['a reset with a limit', { op: 'quote-protection', reset: true, fills: 3 }, [/BAD_PARAMETER: windowMs and reset/]],
    ['a reset with a window', { op: 'quote-protection', reset: true, windowMs: 5 }, [/BAD_PARAMETER: windowMs and reset/]],
    [
      'a window of more than a day',
      { op: 'quote-protection', windowMs: 86_400_001, fills: 1 },
      [/BAD_PARAMETER: windowMs: must be a whole number from 1 to 86400000, or 0/],
    ],
    ['a side of a quote without a price', { op: 'quote', symbol: 'BTC-USD', bidSize: 1 }, [/BAD_PARAMETER: bidPx and bidSize/]],
    ['a list of one', { ...ORDERS, orders: [{ price: 1 }] }, [/orders: must have two orders, a bracket three/]],
    [
      'a list of three that is no bracket',
      { ...ORDERS, orders: [{ price: 1 }, { price: 1 }, { price: 1 }] },
      [/orders: oto has 2 of them, not 3/],
    ],
    ['a list without a side', { ...ORDERS, side: undefined, orders: [{ price: 1 }, { price: 1 }] }, [/orders\[0\].side: is missing/]],
    [
      'a list without a quantity',
      { ...ORDERS, orderQty: undefined, orders: [{ price: 1 }, { price: 1 }] },
      [/orders\[0\].orderQty: is missing/],
    ],
    ['deep nesting', '['.repeat(8000), [/nested deeper than 4/]],
    ['deep objects', `${'{"op":'.repeat(2000)}1${'}'.repeat(2000)}`, [/nested deeper than 4/]],
    ['10,000 keys', JSON.stringify(Object.fromEntries([...Array(10_000).keys()].map((i) => [`k${i}`, 0]))), [/more than 512 values/]],
    ['10,000 values', JSON.stringify(Array(10_000).fill(0)), [/more than 512 values/]],
    ['500 keys', JSON.stringify({ op: 'ping', ...Object.fromEntries([...Array(500).keys()].map((i) => [`k${i}`, 0])) }), [/unknown key/]],
  ];
  for (const [what, message, refusals] of rows)
    it(what, () => {
      const found = outcomes(message);
      assert.equal(found.length, refusals.length, JSON.stringify(found).slice(0, 500));
      for (const [i, refusal] of refusals.entries()) assert.match(String(found[i]), refusal);
    });

  it('concern one request of a list: the others are done', () => {
    const found = outcomes([{ op: 'x', tag: 1 }, PLACE, { ...PLACE, tag: 3, symbol: 'X' }, { op: 'ping' }]);
    assert.deepEqual(found[0], COMMAND);
    assert.match(String(found[1]), /^1 UNKNOWN_KIND/);
    assert.match(String(found[2]), /^3 UNKNOWN_SYMBOL/);
    assert.equal(found[3], 'query ping');
  });

  it('a list of orders is added whole or not at all', () => {
    const list = {
      ...ORDERS,
      kind: 'oco',
      orders: [
        { clOrdId: 1, price: 1 },
        { clOrdId: 2, price: 1, timeInForce: 'ioc' },
      ],
    };
    assert.deepEqual(
      outcomes([PLACE, list, { ...PLACE, clOrdId: 6 }]).map((each) => (typeof each === 'string' ? each.split(':')[0] : 'command')),
      ['command', 'command', '- ILLEGAL_COMBINATION'],
    );
  });

  it('any text is read without an error', () => {
    const json = fc.json({ maxDepth: 6 });
    const near = fc.record(
      {
        op: fc.constantFrom('place', 'cancel', 'quote', 'place-list'),
        symbol: fc.constantFrom('BTC-USD', 'X'),
        side: fc.anything(),
        orderQty: fc.anything(),
        price: fc.anything(),
        clOrdId: fc.anything(),
        orders: fc.anything(),
      },
      { requiredKeys: ['op'] },
    );
    const text = fc.oneof(
      fc.string(),
      json,
      near.map((value) => JSON.stringify(value, (_key, each) => (typeof each === 'bigint' ? `${each}` : each))),
    );
    fc.assert(fc.property(text, (message) => void outcomes(message)));
  });
});
