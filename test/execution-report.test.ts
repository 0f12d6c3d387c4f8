/** Reports in JSON have the values of the FlatBuffers, in the shape of their schema. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Code } from '../engine/codes.ts';
import type { SymbolInfo } from '../engine/threads/directory-info.ts';
import { FlatReader } from '../engine/wire/flat.ts';
import { CommandBatch } from '../engine/wire/frames.ts';
import { CommandKind, Refusal, Report, ReportKind, TimeInForce } from '../engine/wire/layout.ts';
import { ReportFlag } from '../engine/wire/names.ts';
import { RefusalList } from '../engine/wire/report-frames.ts';
import { ReportView } from '../engine/wire/report-view.ts';
import { viewWords } from '../gateway/client/report-view.ts';
import { SymbolCatalog } from '../gateway/client/symbols.ts';
import { BalanceFeed } from '../gateway/endpoints/json/balance-feed.ts';
import { executionReport } from '../gateway/endpoints/json/execution-report.ts';
import { refusedCommands } from '../gateway/endpoints/json/refused-message.ts';
import { BALANCES_MESSAGE, EXECUTION_REPORT, REFUSED } from '../gateway/endpoints/json/schemas/order-messages.ts';
import { type ReportFields, writeReport } from './support/report-source.ts';

/** Ticks of 0.05, lots of 0.001. */
const SYMBOL = {
  id: 1,
  name: 'BTC-USD',
  quoteAsset: { id: 1, name: 'USD', decimals: 6 },
  tickMantissa: 5,
  tickDecimals: 2,
  lotMantissa: 1,
  lotDecimals: 3,
} as SymbolInfo;
const SYMBOLS = { symbol: (id: number) => (id === 1 ? SYMBOL : undefined), asset: () => undefined };
const CATALOG = new SymbolCatalog([{ id: 1, name: 'BTC-USD', tickSize: '0.05', lotSize: '0.001', quoteDecimals: 6 }]);
const NO_LIMIT = () => undefined;

const words = new Int32Array(Report.bytes / 4);
const view = new ReportView();

function reportOf(fields: ReportFields): ReportView {
  words.fill(0);
  writeReport(new Uint8Array(words.buffer), words, 0, {
    symbol: 1,
    account: 3,
    reportNo: 8,
    seq: 20,
    timeUs: 1_700_000_000_123_456,
    ...fields,
  });
  return view.wrap(words, 0);
}

/** As it arrives; its shape is checked. */
function sent(fields: ReportFields) {
  const text = JSON.stringify(executionReport(reportOf(fields), SYMBOLS, NO_LIMIT));
  return EXECUTION_REPORT.parse(JSON.parse(text));
}

const { Accepted, Rejected, Fill, Cancelled, Amended, CancelRejected, AmendRejected, Triggered, MassCancelled, CancelAfterSet } =
  ReportKind;
const ORDER = { orderId: 9, clientOrderId: 5, side: 1 };

describe('execution reports in JSON', () => {
  type Row = [what: string, fields: ReportFields, expected: Record<string, unknown>];
  const rows: Row[] = [
    [
      'accepted',
      { kind: Accepted, ...ORDER, price: 2000, quantity: 500, leaves: 500, tag: 7 },
      {
        execType: 'new',
        ordStatus: 'new',
        orderId: '9',
        clOrdId: '5',
        side: 'sell',
        price: '100.00',
        orderQty: '0.500',
        leavesQty: '0.500',
        tag: 7,
      },
    ],
    [
      'a market order',
      { kind: Accepted, ...ORDER, quantity: 500, leaves: 500, timeInForce: 3 },
      { price: undefined, timeInForce: 'market' },
    ],
    [
      'a stop',
      { kind: Accepted, ...ORDER, stopPrice: 1800, trigger: 1, quantity: 1, leaves: 1 },
      { ordStatus: 'pending', stopPx: '90.00', trigger: 'reference' },
    ],
    ['at the close', { kind: Accepted, ...ORDER, timeInForce: TimeInForce.AtTheClose, quantity: 1, leaves: 1 }, { ordStatus: 'pending' }],
    [
      'a parked peg',
      { kind: Accepted, ...ORDER, flags: ReportFlag.Pegged, quantity: 1, leaves: 1 },
      { ordStatus: 'pending', pegged: true },
    ],
    [
      'sent again, rests',
      { kind: Accepted, ...ORDER, flags: ReportFlag.Duplicate, quantity: 5, leaves: 2, filled: 3 },
      { ordStatus: 'partially-filled', duplicate: true },
    ],
    ['sent again, was filled', { kind: Accepted, ...ORDER, flags: ReportFlag.Duplicate, quantity: 5, filled: 5 }, { ordStatus: 'filled' }],
    [
      'sent again, was canceled',
      { kind: Accepted, ...ORDER, flags: ReportFlag.Duplicate, quantity: 5, filled: 3 },
      { ordStatus: 'canceled' },
    ],
    [
      'a fill in part',
      {
        kind: Fill,
        ...ORDER,
        price: 2001,
        quantity: 100,
        leaves: 400,
        filled: 100,
        fee: -7,
        tradeId: 3,
        contraOrderId: 4,
        flags: ReportFlag.Maker,
      },
      {
        ...{
          execType: 'trade',
          ordStatus: 'partially-filled',
          price: undefined,
          lastPx: '100.05',
          lastQty: '0.100',
          cumQty: '0.100',
          leavesQty: '0.400',
        },
        ...{ orderQty: '0.500', fee: '-0.000007', feeCurrency: 'USD', tradeId: '3', contraOrderId: '4', liquidity: 'maker' },
      },
    ],
    [
      'a last fill',
      { kind: Fill, ...ORDER, price: 2001, quantity: 500, filled: 500 },
      { ordStatus: 'filled', liquidity: 'taker', contraOrderId: undefined },
    ],
    [
      'a fill in an auction',
      { kind: Fill, ...ORDER, quantity: 1, flags: ReportFlag.Auction | ReportFlag.SelfTrade },
      { liquidity: 'auction', selfTrade: true },
    ],
    ['a fill of a quote', { kind: Fill, orderId: 9, quantity: 1, leaves: 1 }, { clOrdId: undefined }],
    [
      'canceled',
      { kind: Cancelled, ...ORDER, price: 2000, quantity: 400, filled: 100, code: Code.CANCELLED_BY_CLIENT },
      {
        execType: 'canceled',
        ordStatus: 'canceled',
        canceledQty: '0.400',
        orderQty: '0.500',
        leavesQty: '0.000',
        cumQty: '0.100',
        name: 'CANCELLED_BY_CLIENT',
      },
    ],
    ['expired', { kind: Cancelled, ...ORDER, quantity: 1, code: Code.EXPIRED }, { execType: 'expired', ordStatus: 'expired' }],
    [
      'rejected',
      { kind: Rejected, clientOrderId: 5, price: 2000, quantity: 500, code: Code.THROTTLED, retryUs: 1_700_000_000_200_000 },
      {
        execType: 'rejected',
        ordStatus: 'rejected',
        orderId: undefined,
        code: 206,
        name: 'THROTTLED',
        retryUs: 1_700_000_000_200_000,
        leavesQty: '0.000',
      },
    ],
    [
      'amended',
      { kind: Amended, ...ORDER, price: 2020, leaves: 300, filled: 100, flags: ReportFlag.KeptPriority },
      { execType: 'replaced', ordStatus: 'partially-filled', price: '101.00', orderQty: '0.400', keptPriority: true },
    ],
    ['triggered', { kind: Triggered, ...ORDER, stopPrice: 1800, quantity: 5, leaves: 5 }, { execType: 'triggered', ordStatus: 'new' }],
    [
      'a cancel that did nothing',
      { kind: CancelRejected, clientOrderId: 5, code: Code.UNKNOWN_ORDER },
      { execType: 'cancel-rejected', ordStatus: undefined, clOrdId: '5', name: 'UNKNOWN_ORDER', side: undefined },
    ],
    [
      'an amend that did nothing',
      { kind: AmendRejected, orderId: 9, code: Code.TICK },
      { execType: 'replace-rejected', orderId: '9', name: 'TICK' },
    ],
    [
      'a mass cancel',
      { kind: MassCancelled, symbol: 0, quantity: 2000, leaves: 976 },
      { execType: 'mass-canceled', totalAffectedOrders: 2000, later: 976, symbol: undefined },
    ],
    [
      "a dead man's switch",
      { kind: CancelAfterSet, symbol: 0, quantity: 1_700_000_005_000_000 },
      { execType: 'cancel-after-set', cancelTimeUs: 1_700_000_005_000_000 },
    ],
    [
      'a side of a quote is left out, and had no order',
      { kind: Cancelled, side: 1, code: Code.CANCELLED_BY_CLIENT, tag: 7 },
      {
        ...{ execType: 'canceled', symbol: 'BTC-USD', side: 'sell', tag: 7, name: 'CANCELLED_BY_CLIENT' },
        ...{ ordStatus: undefined, timeInForce: undefined, orderId: undefined },
        ...{ orderQty: undefined, cumQty: undefined, leavesQty: undefined, canceledQty: undefined },
      },
    ],
    [
      'a protection is set',
      { kind: Accepted, symbol: 0, quantity: 5_000_000, price: 3, tag: 7 },
      { execType: 'quote-protection-set', windowUs: 5_000_000, ordStatus: undefined, side: undefined, tag: 7 },
    ],
    [
      'a symbol that is not known',
      { kind: Rejected, clientOrderId: 5, symbol: 99, quantity: 5, code: Code.UNKNOWN_SYMBOL },
      { symbol: undefined, orderQty: undefined },
    ],
    [
      'its number and time',
      { kind: Accepted, ...ORDER },
      { reportNo: 8, execId: '8', seq: 20, transactTimeUs: 1_700_000_000_123_456, transactTime: '2023-11-14T22:13:20.123Z' },
    ],
  ];
  for (const [what, fields, expected] of rows)
    it(what, () => {
      const found = sent(fields) as Record<string, unknown>;
      assert.deepEqual(Object.fromEntries(Object.keys(expected).map((key) => [key, found[key]])), expected);
    });

  it('have the values of the typed client, whatever they are', () => {
    const count = fc.nat(2 ** 40);
    const fields = fc.record({
      ...{
        kind: fc.constantFrom(Accepted, Rejected, Fill, Cancelled, Amended, Triggered),
        side: fc.nat(1),
        timeInForce: fc.nat(8),
        flags: fc.nat(63),
      },
      ...{
        code: fc.constantFrom(0, 203, 206, 308, 450),
        tag: fc.nat(),
        stopPrice: fc.nat(),
        trigger: fc.nat(1),
        reportNo: fc.integer({ min: 1, max: 2 ** 50 }),
      },
      ...{
        orderId: fc.integer({ min: 1, max: 2 ** 50 }),
        clientOrderId: count,
        price: count,
        quantity: count,
        leaves: count,
        filled: count,
        tradeId: count,
        contraOrderId: count,
      },
      ...{ fee: fc.integer({ min: -(2 ** 45), max: 2 ** 45 }), retryUs: count, seq: count },
    });
    fc.assert(
      fc.property(fields, (each) => {
        const json = sent(each);
        const flat = viewWords(reportOf(each), CATALOG);
        const { kind } = each;
        const ids = { orderId: json.orderId ?? '0', clOrdId: json.clOrdId ?? '0', tag: json.tag ?? 0, seq: json.seq, execId: json.execId };
        assert.deepEqual(ids, {
          orderId: `${flat.orderId}`,
          clOrdId: `${flat.clientOrderId}`,
          tag: flat.tag,
          seq: flat.seq,
          execId: `${flat.reportNo}`,
        });
        assert.deepEqual(
          [json.symbol, json.side, json.timeInForce, json.reportNo],
          [flat.symbol, flat.side, flat.timeInForce, flat.reportNo],
        );
        assert.deepEqual(
          [json.name ?? 'OK', json.stopPx, json.trigger, json.retryUs ?? 0],
          [flat.code, flat.stopPrice, flat.trigger, flat.retryUs],
        );
        assert.equal(kind === Fill ? json.lastPx : (json.price ?? '0.00'), flat.price);
        assert.equal(json.cumQty, flat.filled);
        if (kind !== Rejected) assert.equal(json.leavesQty, flat.leaves);
        if (kind === Fill)
          assert.deepEqual(
            [json.lastQty, json.fee, json.tradeId, json.contraOrderId ?? '0'],
            [flat.quantity, flat.fee, `${flat.tradeId}`, `${flat.contraOrderId}`],
          );
        if (kind === Accepted || kind === Rejected) assert.equal(json.orderQty, flat.quantity);
        if (kind === Cancelled) assert.equal(json.canceledQty, flat.quantity);
        const flags = [json.pegged ?? false, json.keptPriority ?? false, json.duplicate ?? false];
        assert.deepEqual(flags, [flat.pegged, flat.keptPriority, flat.duplicate]);
      }),
    );
  });
});

describe('refused commands in JSON', () => {
  const refused = (add: (batch: CommandBatch) => void, code: Code, made?: ReadonlySet<number>) => {
    const batch = new CommandBatch(4);
    add(batch);
    const list = new RefusalList();
    const flat = new FlatReader();
    const bytes = batch.bytes();
    assert.ok(flat.open(bytes));
    assert.ok(flat.vector(1, 64));
    list.add(code, flat, flat.vectorAt, 0);
    const limitOf = (its: Code) => (its === Code.MASS_CANCEL_RATE ? { name: 'massCancels', most: 5 } : undefined);
    const [message] = refusedCommands(list, 3, limitOf, made);
    assert.equal(Refusal.bytes, 32);
    return REFUSED.parse(JSON.parse(JSON.stringify(message)));
  };

  it('name the request by its op, tag and ids, and say why', () => {
    const busy = { kind: 'refused', tag: 7, code: 120, name: 'BUSY', text: 'the exchange cannot take it now: send it again in a moment' };
    assert.deepEqual(
      refused((batch) => batch.place(1, 0, 0, 10, 1, 5, 7), Code.BUSY),
      { op: 'place', clOrdId: '5', ...busy },
    );
    assert.deepEqual(
      refused((batch) => batch.place(1, 0, 0, 10, 1, 5, 7), Code.BUSY, new Set([5])),
      { op: 'place', ...busy },
      'an id that was made for it is not named',
    );
    assert.deepEqual(
      refused((batch) => batch.amend(1, 0, 9, 10, 1, 7), Code.BUSY),
      { op: 'amend', orderId: '9', ...busy },
    );
    assert.deepEqual(
      refused((batch) => batch.cancel(1, 5, 9, 7), Code.BUSY),
      { op: 'cancel', clOrdId: '5', orderId: '9', ...busy },
    );
    assert.deepEqual(
      refused((batch) => batch.cancelAfter(0, 7), Code.BUSY),
      { op: 'cancel-after', ...busy },
    );
    assert.deepEqual(
      refused((batch) => batch.quote(1, 9, 1, 11, 1, false, 7), Code.BUSY),
      { op: 'quote', ...busy },
    );
    assert.equal(CommandKind.MassCancel > 0, true);
  });

  it('name the limit that was broken', () => {
    const { op, name, limit } = refused((batch) => batch.massCancel(), Code.MASS_CANCEL_RATE);
    assert.deepEqual([op, name, limit], ['cancel-all', 'MASS_CANCEL_RATE', { name: 'massCancels', most: 5 }]);
  });
});

describe('balances', () => {
  const ASSETS = [1, 2, 3].map((id) => ({ id, name: `A${id}`, decimals: 2 }));

  it('whatever changes and whenever a client reads, it has the balances as of a report that it has', () => {
    /** New balances with a report, or the client reads up to a report. */
    const step = fc.oneof(fc.record({ asset: fc.nat(2), available: fc.nat(3), reserved: fc.nat(2) }), fc.record({ reads: fc.nat(3) }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const now = new Map<number, { available: number; reserved: number }>();
        /** By report number: all balances then. */
        const history = [''];
        const text = (all: Map<number, { available: number; reserved: number }>) =>
          JSON.stringify([...all].filter(([, { available, reserved }]) => available + reserved > 0).sort(([a], [b]) => a - b));
        history[0] = text(now);
        const feed = new BalanceFeed(3, {
          balances: () => ({
            lastReportNo: history.length - 1,
            balances: [...now]
              .filter(([, { available, reserved }]) => available + reserved > 0)
              .map(([id, { available, reserved }]) => ({ asset: ASSETS[id], available: available as never, reserved: reserved as never })),
          }),
        });
        const client = new Map<number, { available: number; reserved: number }>();
        let has = 0;
        const read = () => {
          for (let message = feed.take(has); message !== undefined; message = feed.take(has)) {
            const { lastReportNo, balances } = BALANCES_MESSAGE.parse(JSON.parse(JSON.stringify(message)));
            for (const { asset, total, available, reserved } of balances) {
              assert.equal(Number(total).toFixed(2), (Number(available) + Number(reserved)).toFixed(2));
              client.set(Number(asset.slice(1)) - 1, {
                available: Math.round(Number(available) * 100),
                reserved: Math.round(Number(reserved) * 100),
              });
            }
            assert.ok(lastReportNo <= has, 'they are not ahead of its reports');
            assert.equal(text(client), history[lastReportNo]);
          }
        };
        for (const each of steps) {
          if ('reads' in each) {
            has = Math.min(history.length - 1, has + each.reads);
          } else {
            now.set(each.asset, each);
            now.set(each.asset, { available: each.available, reserved: each.reserved });
            history.push(text(now));
            feed.change();
          }
          read();
        }
        has = history.length - 1;
        read();
        assert.equal(text(client), text(now), 'in the end it has them all');
      }),
    );
  });

  it('are sent at once, also where there are none, and then only when they change', () => {
    const feed = new BalanceFeed(3, { balances: () => ({ lastReportNo: 4, balances: [] }) });
    assert.deepEqual(feed.take(4), { kind: 'balances', lastReportNo: 4, balances: [] });
    feed.change();
    assert.equal(feed.take(4), undefined);
  });
});
