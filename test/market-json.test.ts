import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { Code } from '../engine/codes.ts';
import { unitsToDecimal } from '../engine/decimal.ts';
import { putI64 } from '../engine/units.ts';
import { decimalFields, JsonBytes } from '../engine/wire/json-bytes.ts';
import { Channel, FrameKind, MarketOp, Side, Trade } from '../engine/wire/layout.ts';
import { type FrameHead, STRUCT_BYTES, StructList } from '../engine/wire/market-frames.ts';
import { DECIMAL_JSON, jsonFrame } from '../engine/wire/market-json.ts';
import { notionalText } from '../feeds/analysis/vwap.ts';
import { readJsonRequest } from '../gateway/market/formats/json-request.ts';
import { MARKET_REQUEST, RAW_MARKET_REQUEST } from '../gateway/market/formats/market-requests.ts';

const SCALE = { tickMantissa: 5, tickDecimals: 2, lotMantissa: 1, lotDecimals: 8 };
const HEAD: FrameHead = { kind: FrameKind.Snapshot, channel: 0, symbol: 1, code: 0, tag: 3, firstNo: 41, timeUs: 1_700_000_000_000_000 };

function read(head: FrameHead, structs?: StructList): unknown {
  const out = new JsonBytes();
  jsonFrame(out, DECIMAL_JSON, head, { name: 'S1', scale: SCALE }, structs);
  return JSON.parse(Buffer.from(out.written).toString('latin1'));
}

it('decimal text is exact for every unit and number', () => {
  const fields = decimalFields([
    ['price', 0, 'price'],
    ['quantity', 8, 'quantity'],
    ['sum', 16, 'money'],
    ['id', 8, 'id'],
    ['share', 0, 'percent'],
  ]);
  const words = new Int32Array(8);
  const out = new JsonBytes(1);
  const integer = fc.oneof(
    fc.maxSafeNat(),
    fc.integer({ min: 0, max: 52 }).map((bits) => 2 ** bits - 1),
    fc.nat(1000),
  );
  const mantissa = fc.oneof(
    fc.constant(1),
    fc.integer({ min: 1, max: 2 ** 49 }),
    fc.nat(1000).map((value) => value + 1),
  );
  const decimals = fc.integer({ min: 0, max: 18 });
  fc.assert(
    fc.property(integer, fc.boolean(), integer, mantissa, decimals, mantissa, decimals, (price, negative, quantity, tick, td, lot, ld) => {
      const ticks = negative ? -price : price;
      const [low, high] = [Math.min(quantity, 2 ** 52 - 1), price];
      for (const [word, value] of [ticks, quantity, low, high].entries()) putI64(words, 2 * word, value);
      out.clear();
      out.struct(fields, words, 0, { tickMantissa: tick, tickDecimals: td, lotMantissa: lot, lotDecimals: ld });
      assert.deepEqual(JSON.parse(Buffer.from(out.written).toString()), {
        price: unitsToDecimal(ticks, tick, td),
        quantity: unitsToDecimal(quantity, lot, ld),
        sum: notionalText(low, high, BigInt(tick) * BigInt(lot), td + ld),
        id: String(quantity),
        share: unitsToDecimal(ticks, 1, 4),
      });
    }),
  );
});

it('frames of the subprotocol json have camel case, decimal text, ids as text, and no aggressor in an auction', () => {
  const list = new StructList(STRUCT_BYTES[Channel.Trades]);
  for (const auction of [0, 1]) {
    const at = list.add();
    list.words[at] = Side.Sell | (auction << 8);
    putI64(list.words, at + Trade.tradeId / 4, 7 + auction);
    putI64(list.words, at + Trade.price / 4, 1001);
    putI64(list.words, at + Trade.quantity / 4, 150_000_000);
    putI64(list.words, at + Trade.buyOrderId / 4, 2 ** 53 - 1);
  }
  const common = { price: '50.05', quantity: '1.50000000', buyOrderId: '9007199254740991', sellOrderId: '0', seq: 0, timeUs: 0 };
  assert.deepEqual(read({ ...HEAD, channel: Channel.Trades }, list), {
    ...{ kind: 'snapshot', channel: 'trades', symbol: 'S1', firstNo: 41, timeUs: 1_700_000_000_000_000 },
    trades: [
      { auction: false, tradeId: '7', ...common, aggressor: 'sell' },
      { auction: true, tradeId: '8', ...common },
    ],
  });
  assert.deepEqual(read({ ...HEAD, kind: FrameKind.Subscribed, channel: Channel.Book10 }), {
    ...{ kind: 'subscribed', channel: 'book', depth: 10, symbol: 'S1', tag: 3, timeUs: 1_700_000_000_000_000 },
  });
  assert.deepEqual(read({ ...HEAD, kind: FrameKind.Refused, channel: -1, code: Code.BAD_ENUM, text: 'a "reason"' }), {
    ...{ kind: 'refused', channel: '?', symbol: 'S1', code: Code.BAD_ENUM, name: 'BAD_ENUM', text: 'a "reason"' },
    ...{ tag: 3, timeUs: 1_700_000_000_000_000 },
  });
  assert.deepEqual(read({ ...HEAD, kind: FrameKind.Time }), {
    ...{ kind: 'time', tag: 3, timeUs: 1_700_000_000_000_000, time: '2023-11-14T22:13:20.000Z' },
  });
});

it('requests in JSON', () => {
  const parse = (value: unknown, schema: typeof MARKET_REQUEST | typeof RAW_MARKET_REQUEST = MARKET_REQUEST) =>
    readJsonRequest(schema, Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)));
  const topic = { channel: 'book', symbol: 'S1' };
  const right: [unknown, object][] = [
    [
      { op: 'subscribe', channel: 'book-l3', symbol: 'S1', tag: 1 },
      { op: MarketOp.Subscribe, channel: Channel.BookL3, symbol: 'S1', tag: 1 },
    ],
    [
      { op: 'subscribe', ...topic, depth: 10 },
      { op: MarketOp.Subscribe, channel: Channel.Book10 },
    ],
    [
      { op: 'unsubscribe', ...topic, depth: 50 },
      { op: MarketOp.Unsubscribe, channel: Channel.Book50 },
    ],
    [
      { op: 'subscribe', channel: 'trades', symbol: 7, last: 100 },
      { channel: Channel.Trades, symbol: 7, last: 100 },
    ],
    [
      { op: 'resnapshot', channel: 'bbo', symbol: '*' },
      { op: MarketOp.Resnapshot, symbol: '*', last: 0 },
    ],
    [{ op: 'ping' }, { op: MarketOp.Ping, channel: 0, symbol: 0, tag: 0 }],
    [
      { op: 'time', tag: 2 },
      { op: MarketOp.Time, tag: 2 },
    ],
  ];
  for (const [value, expected] of right) assert.partialDeepStrictEqual(parse(value), { code: Code.OK, ...expected }, JSON.stringify(value));
  const wrong: [unknown, Code, object?][] = [
    ['', Code.MALFORMED_FRAME, { channel: -1, symbol: -1 }],
    ['{"op":', Code.MALFORMED_FRAME],
    ['[]', Code.MALFORMED_FRAME],
    ['null', Code.MALFORMED_FRAME],
    [{ op: 'order', channel: 'bbo', symbol: 'S1', tag: 5 }, Code.UNKNOWN_KIND, { channel: Channel.Bbo, symbol: 'S1', tag: 5 }],
    [{ op: '__proto__' }, Code.UNKNOWN_KIND],
    [{ op: 'subscribe' }, Code.BAD_ENUM],
    [{ op: 'subscribe', channel: '__proto__' }, Code.BAD_ENUM],
    [{ op: 'subscribe', channel: 'book-10', symbol: 'S1' }, Code.BAD_ENUM],
    [{ op: 'subscribe', channel: 'book', symbol: {} }, Code.BAD_RANGE, { channel: Channel.Book, symbol: -1 }],
    [{ op: 'subscribe', channel: 'book', symbol: -1 }, Code.BAD_RANGE],
    [{ op: 'subscribe', ...topic, tag: 1.5 }, Code.BAD_RANGE, { tag: 0 }],
    [{ op: 'subscribe', ...topic, tag: 2 ** 32 }, Code.BAD_RANGE],
    [{ op: 'subscribe', channel: 'book' }, Code.BAD_RANGE],
    [{ op: 'subscribe', channel: 'book', symbol: null }, Code.BAD_RANGE],
    [{ op: 'subscribe', channel: 'book', symbols: 'S1' }, Code.MALFORMED_FRAME],
    [{ op: 'subscribe', ...topic, depth: 7 }, Code.BAD_RANGE],
    [{ op: 'subscribe', ...topic, depth: 0 }, Code.BAD_RANGE],
    [{ op: 'subscribe', channel: 'bbo', symbol: 'S1', depth: 10 }, Code.BAD_RANGE, { channel: Channel.Bbo }],
    [{ op: 'subscribe', ...topic, last: 10 }, Code.BAD_RANGE],
    [{ op: 'subscribe', channel: 'trades', symbol: 'S1', last: 101 }, Code.BAD_RANGE],
    [{ op: 'resnapshot', channel: 'trades', symbol: 'S1', last: 1 }, Code.MALFORMED_FRAME],
    [{ op: 'ping', channel: 'book' }, Code.MALFORMED_FRAME],
    ['{"op":"subscribe","channel":"book","symbol":"S1","symbol":"*"}', Code.MALFORMED_FRAME],
    ['{"op":"ping","\\u006fp":"subscribe"}', Code.MALFORMED_FRAME],
    [{ op: 'ping', schema_version: 1 }, Code.MALFORMED_FRAME],
  ];
  for (const [value, code, expected = {}] of wrong) {
    const ask = parse(value);
    assert.partialDeepStrictEqual(ask, { code, ...expected }, JSON.stringify(value));
    assert.ok(ask.text.length > 10, JSON.stringify(value));
  }
  assert.equal(parse({ op: 'subscribe', ...topic, symbols: 'S1' }).text, 'symbols: unknown key');
  assert.equal(parse({ op: 'ping', [`\u0122"\n${'x'.repeat(100)}`]: 1 }).text, `?"?${'x'.repeat(29)}: unknown key`);
  assert.equal(readJsonRequest(MARKET_REQUEST, Uint8Array.of(0x22, 0xff, 0x22)).code, Code.MALFORMED_FRAME);
  assert.equal(parse({ op: 'ping', schema_version: 1 }, RAW_MARKET_REQUEST).code, Code.OK);
  assert.equal(parse({ op: 'ping', schema_version: 3 }, RAW_MARKET_REQUEST).code, Code.WRONG_SCHEMA_VERSION);
});
