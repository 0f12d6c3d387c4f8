import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create, equals, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { TimestampSchema } from '@bufbuild/protobuf/wkt';
import fc from 'fast-check';
import { Code, codeName } from '../engine/codes.ts';
import { unitsToDecimal } from '../engine/decimal.ts';
import type { SymbolInfo } from '../engine/threads/directory-info.ts';
import { putI64 } from '../engine/units.ts';
import { CommandBatch } from '../engine/wire/frames.ts';
import { Report, ReportKind } from '../engine/wire/layout.ts';
import { ReportView } from '../engine/wire/report-view.ts';
import { takeAny } from '../gateway/endpoints/grpc/v1/general-decoder.ts';
import { writeRefusal, writeReport } from '../gateway/endpoints/grpc/v1/report-encoder.ts';
import { RequestDecoder } from '../gateway/endpoints/grpc/v1/request-decoder.ts';
import { SymbolTable } from '../gateway/endpoints/grpc/v1/symbol-table.ts';
import {
  ExecType,
  type ExecutionReportSchema,
  SessionRequestSchema,
  SessionResponseSchema,
} from '../gateway/protobuf/generated/openbell/v1/trading_pb.ts';
import { ProtoWriter } from '../gateway/protobuf/proto-writer.ts';

const MAX = Number.MAX_SAFE_INTEGER;
const SYMBOLS = [
  { id: 7, name: 'BTC-USD', tickMantissa: 1, tickDecimals: 2, lotMantissa: 1, lotDecimals: 4, quoteAsset: { decimals: 8 } },
  { id: 8, name: 'ÖL-25', tickMantissa: 25, tickDecimals: 3, lotMantissa: 5, lotDecimals: 0, quoteAsset: { decimals: 0 } },
] as unknown as readonly SymbolInfo[];
const symbols = new SymbolTable({
  symbol: (id) => SYMBOLS.find((symbol) => symbol.id === id),
  symbolByName: (name) => SYMBOLS.find((symbol) => symbol.name === name),
});

const u53 = fc.oneof(
  fc.constant(0),
  fc.nat(1000),
  fc.integer({ min: 0, max: MAX }),
  fc.constantFrom(2 ** 28 - 1, 2 ** 28, 2 ** 31, 2 ** 32, MAX),
);
/** Seconds of a Timestamp are below 2^53 / 10^6. */
const time = fc.integer({ min: 0, max: 2 ** 52 });

interface Values {
  readonly [key: string]: number;
}
const reports = fc.record({
  kind: fc.constantFrom(...Object.values(ReportKind)),
  side: fc.nat(1),
  timeInForce: fc.nat(8),
  flags: fc.nat(63),
  code: fc.constantFrom(0, Code.INSUFFICIENT_FUNDS, Code.THROTTLED, 999),
  trigger: fc.nat(1),
  symbol: fc.constantFrom(0, 7, 8, 9),
  account: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
  tag: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  stopPrice: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 2 ** 32 - 1 })),
  reportNo: u53,
  seq: u53,
  timeUs: time,
  orderId: u53,
  clientOrderId: u53,
  price: u53,
  quantity: time,
  leaves: u53,
  filled: u53,
  fee: fc.oneof(
    u53,
    u53.map((fee) => -fee),
  ),
  tradeId: u53,
  contraOrderId: u53,
  retryUs: fc.oneof(fc.constant(0), time),
});

function wordsOf(values: Values): Int32Array {
  const words = new Int32Array(Report.bytes / 4);
  const bytes = new Uint8Array(words.buffer);
  const view = new DataView(words.buffer);
  for (const name of ['kind', 'side', 'timeInForce', 'flags', 'trigger'] as const) bytes[Report[name]] = values[name];
  view.setUint16(Report.code, values.code, true);
  for (const name of ['symbol', 'account', 'tag', 'stopPrice'] as const) view.setUint32(Report[name], values[name], true);
  for (const [name, at] of Object.entries(Report)) if (at >= Report.reportNo && name !== 'bytes') putI64(words, at / 4, values[name]);
  return words;
}

/** The report by the schema, with the general encoder's values. */
function twin(r: Values): MessageInitShape<typeof ExecutionReportSchema> {
  const symbol = SYMBOLS.find(({ id }) => id === r.symbol);
  const ticks = (value: number) => (symbol === undefined ? '' : unitsToDecimal(value, symbol.tickMantissa, symbol.tickDecimals));
  const lots = (value: number) => (symbol === undefined ? '' : unitsToDecimal(value, symbol.lotMantissa, symbol.lotDecimals));
  const money = (value: number) => (symbol === undefined ? '' : unitsToDecimal(value, 1, symbol.quoteAsset.decimals));
  const fill = r.kind === ReportKind.Fill;
  const isProtection = r.kind === ReportKind.Accepted && r.orderId === 0 && r.symbol === 0;
  const common = {
    reportNo: BigInt(r.reportNo),
    execType: (isProtection ? ExecType.QUOTE_PROTECTION_SET : r.kind) as 1,
    code: r.code,
    name: r.code === 0 ? '' : codeName(r.code),
    account: r.account,
    symbol: symbol?.name ?? '',
    tag: r.tag,
    seq: BigInt(r.seq),
    transactTime: timestamp(r.timeUs),
    ...(r.retryUs !== 0 && { retryTime: timestamp(r.retryUs) }),
  };
  if (r.kind === ReportKind.MassCancelled) return { ...common, affectedOrders: BigInt(r.quantity), laterOrders: BigInt(r.leaves) };
  if (r.kind === ReportKind.CancelAfterSet) return { ...common, ...(r.quantity !== 0 && { switchTime: timestamp(r.quantity) }) };
  if (isProtection) return { ...common, windowUs: BigInt(r.quantity) };
  // A side of a quote that was left out, and had no order.
  if (r.kind === ReportKind.Cancelled && r.orderId === 0) return { ...common, side: (r.side + 1) as 1 };
  const known = symbol !== undefined;
  return {
    ...common,
    side: (r.side + 1) as 1,
    timeInForce: (r.timeInForce + 1) as 1,
    orderId: BigInt(r.orderId),
    clOrdId: BigInt(r.clientOrderId),
    ...(!fill && { price: r.price === 0 ? '' : ticks(r.price), quantity: lots(r.quantity) }),
    leavesQty: lots(r.leaves),
    cumQty: lots(r.filled),
    ...(fill &&
      known && {
        lastPx: ticks(r.price),
        lastQty: lots(r.quantity),
        fee: money(r.fee),
        tradeId: BigInt(r.tradeId),
        contraOrderId: BigInt(r.contraOrderId),
        liquidity: (r.flags & 8 ? 3 : r.flags & 1 ? 1 : 2) as 1,
        selfTrade: (r.flags & 16) !== 0,
      }),
    ...(r.stopPrice !== 0 && known && { stopPx: ticks(r.stopPrice), trigger: (r.trigger + 1) as 1 }),
    duplicate: (r.flags & 2) !== 0,
    keptPriority: (r.flags & 4) !== 0,
    pegged: (r.flags & 32) !== 0,
  };
}

function timestamp(us: number) {
  return create(TimestampSchema, { seconds: BigInt(Math.floor(us / 1e6)), nanos: (us % 1e6) * 1000 });
}

describe('reports in protobuf', () => {
  it('have the values that the general encoder would give them', () => {
    fc.assert(
      fc.property(fc.array(reports, { maxLength: 4 }), (values) => {
        const out = new ProtoWriter(5);
        const view = new ReportView();
        for (const each of values) writeReport(out, view.wrap(wordsOf(each as unknown as Values), 0), symbols);
        const written = fromBinary(SessionResponseSchema, out.finish().subarray(5));
        const expected = create(SessionResponseSchema, { reports: values.map((each) => twin(each as unknown as Values)) });
        assert.ok(equals(SessionResponseSchema, written, expected), JSON.stringify([written, expected], text, 1));
      }),
      { numRuns: 300 },
    );
  });

  it('stay readable when there are many in one message', () => {
    const out = new ProtoWriter(0);
    const view = new ReportView();
    const [values] = fc.sample(reports, { numRuns: 1, seed: 1 });
    const words = wordsOf({ ...(values as unknown as Values), kind: ReportKind.Fill, symbol: 7 });
    for (let i = 0; i < 3000; i++) writeReport(out, view.wrap(words, 0), symbols);
    assert.equal(fromBinary(SessionResponseSchema, out.finish()).reports.length, 3000);
    out.clear();
    assert.ok(out.isEmpty);
  });

  it('refusals have code, name, text and what the command named', () => {
    const out = new ProtoWriter(0);
    writeRefusal(out, { code: Code.BUSY, tag: 7, clOrdId: MAX, orderId: 0 }, '');
    writeRefusal(out, { code: Code.BAD_RANGE, tag: 0, clOrdId: 0, orderId: 3 }, 'ö'.repeat(5000));
    const [first, second] = fromBinary(SessionResponseSchema, out.finish()).refusals;
    assert.deepEqual([first.code, first.name, first.text, first.tag, first.clOrdId], [Code.BUSY, 'BUSY', '', 7, BigInt(MAX)]);
    assert.deepEqual([second.name, second.text, second.orderId], ['BAD_RANGE', 'ö'.repeat(512), 3n]);
  });
});

const digits = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 12 }).map((all) => all.join(''));
const amount = fc.oneof(
  fc.constantFrom(
    '1',
    '0.5',
    '50000.00',
    '0',
    '0.00001',
    '1.',
    '.5',
    '-1',
    '1e3',
    '',
    '12.345',
    '0.025',
    '15',
    '99999999999999999999',
    '1.5000000',
  ),
  digits,
  fc.tuple(digits, digits).map((parts) => parts.join('.')),
);
const id = fc.oneof(fc.constantFrom(0n, 1n, BigInt(MAX), BigInt(MAX) + 1n, 2n ** 64n - 1n), fc.bigInt({ min: 1n, max: BigInt(MAX) }));
const name = fc.constantFrom('BTC-USD', 'ÖL-25', 'NONE', '');
const either = fc.oneof(
  id.map((value) => ({ case: 'orderId' as const, value })),
  id.map((value) => ({ case: 'clOrdId' as const, value })),
  fc.constant({ case: undefined }),
);
const account = fc.constantFrom(0, 1, 2);
const commands = fc.oneof(
  fc
    .record({
      account,
      clOrdId: id,
      symbol: name,
      side: fc.constantFrom(0, 1, 2, 3),
      orderQty: amount,
      price: amount,
      ordType: fc.constantFrom(0, 1, 2, 9),
      timeInForce: fc.constantFrom(0, 1, 2, 3, 4, 6, 99),
      postOnly: fc.constantFrom(false, false, true),
      hidden: fc.constantFrom(false, false, true),
    })
    .map((value) => ({ case: 'placeOrder' as const, value })),
  fc.record({ account, order: either, symbol: name }).map((value) => ({ case: 'cancelOrder' as const, value })),
  fc
    .record({ account, order: either, symbol: name, leavesQty: amount, price: amount })
    .map((value) => ({ case: 'amendOrder' as const, value })),
);
const requests = fc.record({ tag: fc.integer({ min: 0, max: 2 ** 32 - 1 }), command: commands });

describe('commands in protobuf', () => {
  const decoder = new RequestDecoder(symbols);
  const bytesOf = (request: unknown) =>
    toBinary(SessionRequestSchema, create(SessionRequestSchema, request as MessageInitShape<typeof SessionRequestSchema>));

  it('the decoder of frequent kinds makes the command that the general one makes', () => {
    let taken = 0;
    fc.assert(
      fc.property(requests, (request) => {
        const bytes = bytesOf(request);
        const [fast, general] = [new CommandBatch(4), new CommandBatch(4)];
        // Behind other bytes, as in what is read from a socket.
        const shifted = Buffer.concat([Buffer.from([1, 2, 3]), bytes, Buffer.from([0xff])]);
        if (!decoder.take(shifted, 3, bytes.length, 1, fast)) {
          assert.equal(fast.count, 0);
          return;
        }
        taken++;
        assert.equal(takeAny(bytes, 1, general, symbols), undefined);
        assert.deepEqual(fast.bytes(), general.bytes());
      }),
      { numRuns: 3000 },
    );
    assert.ok(taken > 50, `it took ${taken}`);
  });

  it('the frequent kinds are taken without the general decoder', () => {
    const order = { clOrdId: 1n, symbol: 'BTC-USD', side: 1, orderQty: '0.5', price: '50000.00' };
    const table: readonly (readonly [unknown, boolean])[] = [
      [{ case: 'placeOrder', value: order }, true],
      [{ case: 'placeOrder', value: { ...order, timeInForce: 2, ordType: 1, account: 1 } }, true],
      [{ case: 'placeOrder', value: { ...order, symbol: 'ÖL-25', orderQty: '15', price: '0.025' } }, true],
      [{ case: 'placeOrder', value: { ...order, account: 2 } }, false],
      [{ case: 'placeOrder', value: { ...order, postOnly: true } }, false],
      [{ case: 'cancelOrder', value: { symbol: 'BTC-USD', order: { case: 'orderId', value: 5n } } }, true],
      [{ case: 'amendOrder', value: { symbol: 'BTC-USD', order: { case: 'clOrdId', value: 5n }, leavesQty: '1', price: '2' } }, true],
      [{ case: 'massCancel', value: {} }, false],
    ];
    for (const [command, fast] of table)
      assert.equal(decoder.take(bytesOf({ tag: 9, command }), 0, bytesOf({ tag: 9, command }).length, 1, new CommandBatch(4)), fast);
  });

  it('no bytes make the decoder throw or read beyond the message', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 64 }), requests.map(bytesOf)), fc.nat(64), fc.nat(255), (bytes, at, value) => {
        const broken = Uint8Array.from(bytes);
        if (broken.length > 0) broken[at % broken.length] = value;
        for (const length of [broken.length, Math.max(0, broken.length - 1)]) {
          const [fast, general] = [new CommandBatch(4), new CommandBatch(4)];
          if (!decoder.take(broken, 0, length, 1, fast)) continue;
          assert.equal(takeAny(broken.subarray(0, length), 1, general, symbols), undefined);
          assert.deepEqual(fast.bytes(), general.bytes());
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('what is wrong is said, with the names of the schema', () => {
    const order = { clOrdId: 1n, symbol: 'BTC-USD', side: 1, orderQty: '0.5', price: '50000.00' };
    const place = (more: object) => ({ case: 'placeOrder', value: { ...order, ...more } });
    const table: readonly (readonly [unknown, Code, RegExp])[] = [
      [{ case: undefined }, Code.UNKNOWN_KIND, /no command/],
      [place({ symbol: 'NONE' }), Code.UNKNOWN_SYMBOL, /no symbol NONE/],
      [place({ orderQty: '0.00001' }), Code.BAD_RANGE, /not a multiple of 0.0001/],
      [place({ orderQty: '' }), Code.BAD_PARAMETER, /order_qty/],
      [place({ orderQty: 'many' }), Code.BAD_PARAMETER, /many/],
      [place({ symbol: '' }), Code.BAD_PARAMETER, /symbol must be given/],
      // Taken as left out, it would be a market order.
      [place({ price: '' }), Code.BAD_PARAMETER, /^price is empty/],
      [place({ price: undefined, trailPpm: 0 }), Code.BAD_RANGE, /trail_ppm/],
      [{ case: 'massCancel', value: { symbol: '' } }, Code.BAD_PARAMETER, /^symbol is empty/],
      [{ case: 'quote', value: { symbol: 'BTC-USD', offerPx: '', offerSize: '' } }, Code.BAD_PARAMETER, /^offer_px is empty/],
      [{ case: 'cancelAfter', value: {} }, Code.BAD_PARAMETER, /^timeout_ms must be given/],
      [{ case: 'quoteProtection', value: {} }, Code.BAD_PARAMETER, /^window_ms and reset/],
      [
        { case: 'quoteProtection', value: { windowMs: 5, fills: 2n ** 64n - 1n } },
        Code.BAD_RANGE,
        /^fills is at most \d+, not 18446744073709551615$/,
      ],
      [place({ side: 0 }), Code.BAD_PARAMETER, /side/],
      [place({ side: 7 }), Code.BAD_ENUM, /no Side 7/],
      [place({ clOrdId: 0n }), Code.BAD_PARAMETER, /cl_ord_id/],
      [place({ clOrdId: 2n ** 60n }), Code.BAD_RANGE, /cl_ord_id/],
      [place({ account: 2 }), Code.FOREIGN_ACCOUNT, /account is 2/],
      [place({ ordType: 3, price: undefined }), Code.BAD_RANGE, /stop/],
      [place({ minQty: '0', timeInForce: 2 }), Code.BAD_RANGE, /minimum quantity/],
      [{ case: 'cancelOrder', value: { symbol: 'BTC-USD' } }, Code.BAD_PARAMETER, /order_id or cl_ord_id/],
      [
        { case: 'amendOrder', value: { symbol: 'BTC-USD', order: { case: 'orderId', value: 1n }, price: '1' } },
        Code.BAD_PARAMETER,
        /leaves_qty/,
      ],
    ];
    for (const [command, code, text] of table) {
      const batch = new CommandBatch(4);
      const refused = takeAny(bytesOf({ tag: 5, command }), 1, batch, symbols);
      assert.equal(batch.count, 0);
      assert.equal(refused?.code, code, JSON.stringify(refused));
      assert.match(refused?.text ?? '', text);
    }
    // Field 60 is not in the schema: a term of a newer client must not be ignored.
    const unknown = Buffer.concat([bytesOf({ tag: 5, command: place({}) }), Buffer.from([0xe0, 0x03, 1])]);
    assert.equal(takeAny(unknown, 1, new CommandBatch(4), symbols)?.code, Code.BAD_PARAMETER);
    assert.equal(takeAny(Buffer.from([0xff]), 1, new CommandBatch(4), symbols)?.code, Code.MALFORMED_FRAME);
  });
});

function text(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}
