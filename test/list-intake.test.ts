/** Lists in order entry: taken as a whole, or refused as a whole. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Code } from '../engine/codes.ts';
import { CommandBatch, type LongOrder } from '../engine/wire/frames.ts';
import { LinkKind, OrderType, Side, TimeInForce } from '../engine/wire/layout.ts';
import { linkWord } from '../engine/wire/list-link.ts';
import { Bench } from './support/intake-bench.ts';

const { OneCancelsOther: OCO, OneUpdatesOther: OUO } = LinkKind;
const limit: LongOrder = {
  symbol: 1,
  side: Side.Sell,
  orderType: OrderType.Limit,
  timeInForce: TimeInForce.GoodTillCancel,
  price: 520,
  quantity: 5,
  clientOrderId: 1,
};
const stop: LongOrder = { ...limit, orderType: OrderType.Stop, price: 0, stopPrice: 480, clientOrderId: 2 };

function frame(kind: LinkKind, orders: [LongOrder, LongOrder], change?: (batch: CommandBatch, bytes: Uint8Array) => void): Uint8Array {
  const batch = new CommandBatch(16);
  batch.place(1, Side.Buy, TimeInForce.GoodTillCancel, 7, 8, 100);
  batch.placeList(kind, orders);
  const bytes = batch.bytes().slice();
  change?.(batch, bytes);
  return bytes;
}

/** Position of the `link` of an extension in the frame. */
const linkAt = (bytes: Uint8Array, extension: number): number => bytes.length - (2 - extension) * 64 + 12;

describe('a list', () => {
  it('is in the log without a gap: extension and order, extension and order; its answers have the last seq', () => {
    const bench = new Bench(16);
    assert.equal(bench.take(frame(OCO, [limit, stop])), Code.OK);
    assert.deepEqual(bench.codes(), []);
    assert.deepEqual(bench.read(), [
      '1: 1 0 0 0, account 42',
      '2: 4 0 0 0, min 0, 0',
      '3: 1 1 0 1, account 42',
      '4: 4 2 0 0, min 0, 0',
      '5: 1 1 0 1, account 42',
    ]);
    assert.deepEqual([...bench.intake.seqs.subarray(0, bench.intake.taken)], [1, 5, 5]);
  });

  const bad: [string, LinkKind, LongOrder, LongOrder][] = [
    ['of two symbols', OCO, limit, { ...stop, symbol: 2 }],
    ['with one client order id', OCO, limit, { ...stop, clientOrderId: 1 }],
    ['of two limit orders of one side', OCO, limit, { ...limit, price: 530, clientOrderId: 2 }],
    ['of limit orders that would trade with each other', OCO, limit, { ...limit, side: Side.Buy, price: 520, clientOrderId: 2 }],
    ['of two sides, one updates other', OUO, limit, { ...stop, side: Side.Buy, stopPrice: 530 }],
    ['of two quantities, one updates other', OUO, limit, { ...stop, quantity: 4 }],
    ['of two limit orders, one updates other', OUO, limit, { ...limit, price: 530, clientOrderId: 2 }],
  ];
  for (const [what, kind, one, other] of bad) {
    it(`${what} is refused as a whole`, () => {
      const bench = new Bench(16);
      assert.equal(bench.take(frame(kind, [one, other])), Code.OK);
      assert.deepEqual(bench.codes(), ['1 BAD_LIST', '2 BAD_LIST']);
      assert.deepEqual(bench.read(), ['1: 1 0 0 0, account 42']);
    });
  }

  const broken: [string, string[], (view: DataView, bytes: Uint8Array) => void][] = [
    ['an order in error', ['1 LIST_REJECTED', '2 BAD_RANGE'], (view, bytes) => view.setBigUint64(linkAt(bytes, 1) + 20, 0n, true)],
    ['only its first order', ['1 BAD_LIST'], (view, bytes) => view.setUint32(linkAt(bytes, 1), 0, true)],
    [
      'its orders the other way round',
      ['1 BAD_LIST', '2 BAD_LIST'],
      (view, bytes) => {
        view.setUint32(linkAt(bytes, 0), linkWord(OCO, 2, 2), true);
        view.setUint32(linkAt(bytes, 1), linkWord(OCO, 1, 2), true);
      },
    ],
    [
      'an unknown kind',
      ['1 UNSUPPORTED_TERM', '2 BAD_LIST'],
      (view, bytes) => view.setUint32(linkAt(bytes, 0), 9 | (1 << 8) | (2 << 16), true),
    ],
    ['three orders', ['1 UNSUPPORTED_TERM', '2 BAD_LIST'], (view, bytes) => view.setUint32(linkAt(bytes, 0), linkWord(OCO, 1, 3), true)],
  ];
  for (const [what, codes, change] of broken) {
    it(`with ${what} is refused`, () => {
      const bench = new Bench(16);
      assert.equal(bench.take(frame(OCO, [limit, stop], (_, bytes) => change(new DataView(bytes.buffer), bytes))), Code.OK);
      assert.deepEqual(bench.codes(), codes);
    });
  }

  it('is taken in full or not at all when the ring is full, and so is what follows', () => {
    const bench = new Bench(4);
    const batch = new CommandBatch(16);
    batch.place(1, Side.Buy, TimeInForce.GoodTillCancel, 7, 8, 100);
    batch.placeList(OCO, [limit, stop]);
    batch.place(1, Side.Buy, TimeInForce.GoodTillCancel, 7, 8, 101);
    assert.equal(bench.take(batch.bytes().slice()), Code.OK);
    assert.deepEqual(bench.codes(), ['1 BUSY', '2 BUSY', '3 BUSY']);
    assert.deepEqual(bench.read(), ['1: 1 0 0 0, account 42']);
    assert.equal(bench.take(frame(OCO, [limit, stop])), Code.OK);
    assert.deepEqual(bench.codes(), ['1 BUSY', '2 BUSY']);
    assert.equal(bench.free(), 3);
  });

  it('does not fit into a batch in part, and its orders are checked there', () => {
    const small = new CommandBatch(5);
    small.place(1, Side.Buy, TimeInForce.GoodTillCancel, 7, 8, 100);
    small.place(1, Side.Buy, TimeInForce.GoodTillCancel, 7, 8, 101);
    assert.throws(() => small.placeList(OCO, [limit, stop]), /a list counts as 4/);
    const batch = new CommandBatch(8);
    assert.throws(
      () => batch.placeList(OCO, [limit, { ...limit, timeInForce: TimeInForce.ImmediateOrCancel }]),
      /ioc and linked cannot be combined/,
    );
    assert.deepEqual([batch.count, batch.version], [0, 1]);
  });
});
