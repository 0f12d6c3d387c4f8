import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Code, codeName } from '../engine/codes.ts';
import { ReportFlag } from '../engine/machine/report-writer.ts';
import { stateHash } from '../engine/machine/state-rows.ts';
import { AccountWindows } from '../engine/rules/account-windows.ts';
import { CommandKind, ReportKind, Side, TimeInForce } from '../engine/wire/layout.ts';
import { Harness, describe as inWords, parseCommand, SMALL_LIMITS, SYMBOL } from './support/exchange-fixture.ts';
import { NaiveWindows } from './support/naive-windows.ts';
import { codes, copyOf } from './support/shares-fixture.ts';

describe('client order ids', () => {
  it('counters from 1, in milliseconds, in microseconds and clock x 4000 never make each other too old', () => {
    const limits = { ...SMALL_LIMITS, rememberedOrders: 16 };
    const harness = new Harness(limits).setUp(1);
    const now = Date.UTC(2026, 10, 28);
    const clients = [0, now, now * 1000, now * 4000];
    for (let n = 1; n <= 300; n++) {
      for (const first of clients) {
        assert.deepEqual(codes(harness, `1 new ${first + n} buy 1 @ 100`), ['OK'], `${first} + ${n}`);
        harness.do(parseCommand(`1 cancel ${first + n}`));
      }
    }
    for (const first of clients) assert.deepEqual(codes(harness, `1 new ${first + 1} buy 1 @ 100`), ['CLIENT_ORDER_ID_TOO_OLD']);
  });

  it('a reject is remembered with what it named, also a symbol that cannot be', () => {
    const harness = new Harness().setUp(1);
    const order = {
      kind: CommandKind.New,
      account: 1,
      clientOrderId: 2 ** 53 - 1,
      side: Side.Sell,
      timeInForce: TimeInForce.PostOnly,
      price: 7,
      quantity: 9,
    };
    for (const symbol of [7, 70_000, 2 ** 32 - 1]) {
      const fields = { ...order, clientOrderId: symbol, symbol };
      const [first] = harness.do(fields).reports;
      assert.equal(codeName(first.code), 'UNKNOWN_SYMBOL');
      const copy = copyOf(harness.exchange, SMALL_LIMITS);
      assert.equal(stateHash(copy), stateHash(harness.exchange));
      const [again] = harness.do(fields).reports;
      const { reportNo, seq, timeUs } = again;
      assert.deepEqual(again, { ...first, flags: ReportFlag.Duplicate, reportNo, seq, timeUs });
    }
  });

  it('an id that was used is never accepted for another order, whatever was remembered and forgotten', () => {
    const limits = { ...SMALL_LIMITS, rememberedOrders: 6, rememberedOrdersPerAccount: 4 };
    const id = fc
      .tuple(fc.constantFrom(1, 2, 31, 32, 33, 53), fc.integer({ min: 0, max: 5 }))
      .map(([bits, more]) => Math.min(2 ** (bits - 1) + more, 2 ** 53 - 1));
    const step = fc.record({ account: fc.integer({ min: 1, max: 4 }), id, rest: fc.boolean(), reload: fc.nat(9) });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 150, size: 'max' }), (steps) => {
        const harness = new Harness(limits).setUp(4);
        const used = new Set<string>();
        const orders = new Set<number>();
        for (const { account, id: clientOrderId, rest, reload } of steps) {
          const terms = { symbol: SYMBOL, side: Side.Buy, price: 100, quantity: 1 };
          const timeInForce = rest ? TimeInForce.GoodTillCancel : TimeInForce.ImmediateOrCancel;
          const [report] = harness.do({ kind: CommandKind.New, account, clientOrderId, timeInForce, ...terms }).reports;
          const name = `${account}/${clientOrderId}`;
          const again = (report.flags & ReportFlag.Duplicate) !== 0;
          if (report.kind === ReportKind.Accepted && !again) {
            assert.ok(!used.has(name), name);
            assert.ok(!orders.has(report.orderId));
            orders.add(report.orderId);
          } else {
            const rejected: readonly number[] = [Code.CLIENT_ORDER_ID_TOO_OLD, Code.CLIENT_ORDER_ID_REUSED];
            assert.ok(again || rejected.includes(report.code), inWords(report));
          }
          if (again) assert.ok(used.has(name));
          used.add(name);
          if (reload === 0) assert.equal(stateHash(copyOf(harness.exchange, limits)), stateHash(harness.exchange));
          if (reload > 6) harness.do({ kind: CommandKind.Cancel, account, clientOrderId });
        }
      }),
      { numRuns: 200 },
    );
  });
});

it('windows forget like a list that is counted again for each entry', () => {
  const step = fc.record({ account: fc.integer({ min: 1, max: 6 }), times: fc.integer({ min: 1, max: 60 }) });
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 60, size: 'max' }),
      fc.integer({ min: 2, max: 150 }),
      fc.integer({ min: 1, max: 150 }),
      (steps, window, share) => {
        const windows = new AccountWindows(window, 7, (bytes) => new ArrayBuffer(bytes));
        windows.share = share;
        const naive = new NaiveWindows<{ account: number; n: number }>(window, share);
        const content = new Map<number, number>();
        let n = 0;
        for (const { account, times } of steps) {
          for (let i = 0; i < times; i++) {
            const loser = windows.loser(account);
            const gone = loser === -1 ? undefined : content.get(windows.oldest(loser));
            if (loser !== -1) content.delete(windows.oldest(loser));
            if (loser !== -1 && loser !== account) windows.drop(loser);
            const index = loser === account ? windows.replace(account) : windows.add(account);
            assert.ok(index < windows.room && !content.has(index));
            content.set(index, ++n);
            assert.equal(naive.add({ account, n })?.n, gone);
          }
        }
        assert.deepEqual(
          [...windows.entries()].map((index) => content.get(index)),
          naive.byAccount().map((entry) => entry.n),
        );
        assert.equal(windows.count, naive.entries.length);
        for (let account = 1; account < 7; account++) assert.equal(windows.held(account), naive.held(account));
        windows.clear();
        assert.deepEqual([windows.count, [...windows.entries()]], [0, []]);
      },
    ),
    { numRuns: 200 },
  );
});
