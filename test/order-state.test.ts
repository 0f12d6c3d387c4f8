/** What REST says of an order is the sum of its reports: against sums that are made plainly. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Code } from '../engine/codes.ts';
import type { SymbolInfo } from '../engine/threads/directory-info.ts';
import { Report, ReportKind } from '../engine/wire/layout.ts';
import { ReportFlag } from '../engine/wire/names.ts';
import { ReportView } from '../engine/wire/report-view.ts';
import { notFound } from '../gateway/endpoints/json/order-not-found.ts';
import { OrderState } from '../gateway/endpoints/json/order-state.ts';
import { type ReportFields, writeReport } from './support/report-source.ts';

/** Ticks of 0.01, lots of 0.001. */
const SYMBOL = {
  id: 1,
  name: 'BTC-USD',
  quoteAsset: { id: 1, name: 'USD', decimals: 6 },
  tickMantissa: 1,
  tickDecimals: 2,
  lotMantissa: 1,
  lotDecimals: 3,
} as SymbolInfo;

function stateOf(reports: readonly ReportFields[]): ReturnType<OrderState['view']> {
  const state = new OrderState();
  const words = new Int32Array(Report.bytes / 4);
  for (const [i, fields] of reports.entries()) {
    words.fill(0);
    writeReport(new Uint8Array(words.buffer), words, 0, {
      symbol: 1,
      account: 1,
      orderId: 9,
      clientOrderId: 5,
      reportNo: i + 1,
      timeUs: 1e6,
      ...fields,
    });
    state.add(new ReportView().wrap(words, 0));
  }
  return state.view(1, SYMBOL, undefined);
}

const { Accepted, Rejected, Fill, Cancelled, Amended, AmendRejected, CancelRejected } = ReportKind;
const accepted = { kind: Accepted, price: 10_000, quantity: 5000, leaves: 5000 };

type Row = [what: string, reports: ReportFields[], expected: Record<string, unknown>];
const ROWS: Row[] = [
  ['accepted', [accepted], { ordStatus: 'new', price: '100.00', orderQty: '5.000', cumQty: '0.000', leavesQty: '5.000', avgPx: undefined }],
  [
    'filled in part',
    [accepted, { kind: Fill, price: 9900, quantity: 2000, leaves: 3000, filled: 2000, fee: 7 }],
    {
      ordStatus: 'partially-filled',
      price: '100.00',
      orderQty: '5.000',
      cumQty: '2.000',
      leavesQty: '3.000',
      avgPx: '99.000000',
      fees: '0.000007',
    },
  ],
  [
    'amended down, then filled',
    [
      accepted,
      { kind: Amended, price: 10_100, quantity: 1000, leaves: 1000 },
      { kind: Fill, price: 10_100, quantity: 1000, leaves: 0, filled: 1000 },
    ],
    { ordStatus: 'filled', price: '101.00', orderQty: '1.000', cumQty: '1.000', leavesQty: '0.000' },
  ],
  [
    'cancelled in part',
    [
      accepted,
      { kind: Fill, price: 10_000, quantity: 1, leaves: 4999, filled: 1 },
      { kind: Cancelled, code: Code.CANCELLED_BY_CLIENT, quantity: 4999, leaves: 0, filled: 1 },
    ],
    { ordStatus: 'canceled', name: 'CANCELLED_BY_CLIENT', orderQty: '5.000', cumQty: '0.001', leavesQty: '0.000' },
  ],
  [
    'a cancel alone has what was ordered',
    [{ kind: Cancelled, code: Code.CANCELLED_BY_CLIENT, price: 10_000, quantity: 4000, leaves: 0, filled: 1000 }],
    { ordStatus: 'canceled', orderQty: '5.000', cumQty: '1.000', leavesQty: '0.000', avgPx: undefined },
  ],
  [
    'an average without the earlier fills is none',
    [
      { kind: Amended, price: 10_100, quantity: 4000, leaves: 4000, filled: 1000 },
      { kind: Fill, price: 10_100, quantity: 4000, leaves: 0, filled: 5000, fee: 7 },
    ],
    { ordStatus: 'filled', orderQty: '5.000', cumQty: '5.000', avgPx: undefined, fees: undefined },
  ],
  ['expired', [accepted, { kind: Cancelled, code: Code.EXPIRED, quantity: 5000 }], { ordStatus: 'expired', name: 'EXPIRED' }],
  [
    'rejected',
    [{ kind: Rejected, code: Code.INSUFFICIENT_FUNDS, price: 10_000, quantity: 5000 }],
    { ordStatus: 'rejected', name: 'INSUFFICIENT_FUNDS', orderQty: '5.000', leavesQty: '0.000' },
  ],
  [
    'an amend and a cancel that were rejected change nothing',
    [
      accepted,
      { kind: AmendRejected, code: Code.UNKNOWN_ORDER, price: 1, quantity: 1 },
      { kind: CancelRejected, code: Code.UNKNOWN_ORDER },
    ],
    { ordStatus: 'new', price: '100.00', leavesQty: '5.000', lastReportNo: 3 },
  ],
  [
    'sent again after its end',
    [{ ...accepted, flags: ReportFlag.Duplicate, leaves: 0, filled: 2000 }],
    { ordStatus: 'canceled', duplicate: true, cumQty: '2.000', leavesQty: '0.000' },
  ],
  [
    'sent again when it is filled',
    [{ ...accepted, flags: ReportFlag.Duplicate, leaves: 0, filled: 5000 }],
    { ordStatus: 'filled', duplicate: true },
  ],
  ['a stop waits', [{ ...accepted, price: 0, stopPrice: 12_000 }], { ordStatus: 'pending', stopPx: '120.00', price: undefined }],
  [
    'a stop that has triggered',
    [
      { ...accepted, stopPrice: 12_000 },
      { kind: ReportKind.Triggered, price: 10_000, quantity: 5000, leaves: 5000, stopPrice: 12_000 },
    ],
    { ordStatus: 'new', stopPx: undefined },
  ],
];

for (const [what, reports, expected] of ROWS)
  test(what, () => {
    const view: Record<string, unknown> = stateOf(reports);
    for (const [key, value] of Object.entries(expected)) assert.equal(view[key], value, `${key}: ${JSON.stringify(view)}`);
  });

test('average price, quantities and fees are those of all fills', () => {
  const fill = fc.record({
    price: fc.integer({ min: 1, max: 10_000_000 }),
    quantity: fc.integer({ min: 1, max: 2 ** 40 }),
    fee: fc.integer({ min: -1e9, max: 1e9 }),
  });
  fc.assert(
    fc.property(fc.array(fill, { minLength: 1, maxLength: 20 }), fc.integer({ min: 0, max: 2 ** 40 }), (fills, rest) => {
      const total = fills.reduce((sum, { quantity }) => sum + quantity, 0);
      let filled = 0;
      const reports = fills.map(({ price, quantity, fee }) => {
        filled += quantity;
        return { kind: Fill, price, quantity, fee, filled, leaves: total + rest - filled };
      });
      const view = stateOf([{ kind: Accepted, price: 1, quantity: total + rest, leaves: total + rest }, ...reports]);
      const money = fills.reduce((sum, { price, quantity }) => sum + BigInt(price) * BigInt(quantity), 0n);
      // In units of 10^-6: the average is at most half of one away.
      const average = BigInt(view.avgPx?.replace('.', '') ?? '0');
      const error = average * BigInt(total) - money * 10_000n;
      assert.ok(2n * (error < 0n ? -error : error) <= BigInt(total), `${view.avgPx}`);
      assert.equal(view.cumQty.replace('.', '').replace(/^0+(?=\d)/, ''), String(total));
      assert.equal(view.leavesQty.replace('.', '').replace(/^0+(?=\d)/, ''), String(rest));
      assert.equal(view.ordStatus, rest === 0 ? 'filled' : 'partially-filled');
      const fees = fills.reduce((sum, { fee }) => sum + fee, 0);
      assert.equal(Number(view.fees), fees / 1e6);
    }),
  );
});

test('an order that a search did not reach is answered with the query that continues it', () => {
  const byId = notFound(3, { orderId: 9, from: 0 }, { next: 70 });
  assert.match(byId.message, /continue with GET \/v1\/accounts\/3\/orders\/9\?from=70$/);
  assert.deepEqual(byId.fields, { next: 70 });
  const byClientId = notFound(3, { clientOrderId: 5, before: 100 }, { next: 70, lost: 8 });
  assert.match(byClientId.message, /up to number 8 .* continue with GET \/v1\/accounts\/3\/orders\/by-client-order-id\/5\?before=70$/);
  assert.deepEqual(notFound(3, { orderId: 9, from: 0 }, { next: 0 }).fields, {});
});
