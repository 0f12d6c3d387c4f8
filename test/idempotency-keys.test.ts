import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Code } from '../engine/codes.ts';
import { RULES } from '../engine/limits.ts';
import { Exchange } from '../engine/machine/exchange.ts';
import { ReportFlag } from '../engine/machine/report-writer.ts';
import { StateLoader, saveState, stateHash } from '../engine/machine/state-rows.ts';
import { IdempotencyKeys } from '../engine/rules/idempotency-keys.ts';
import { CommandKind } from '../engine/wire/layout.ts';
import { BTC, Harness, SMALL_LIMITS, USD } from './support/exchange-fixture.ts';
import { NaiveWindows } from './support/naive-windows.ts';

const { Deposit, Withdraw } = CommandKind;

describe('deposits and withdrawals with an idempotency key', () => {
  const key = { clientOrderId: 7, orderId: 2 ** 52 };
  const first = { kind: Deposit, account: 1, symbol: USD, quantity: 100, ...key };
  const rows: [name: string, second: Parameters<Harness['do']>[0], code: Code, repeated: boolean, moved: number][] = [
    ['the same request', first, Code.OK, true, 0],
    ['another amount', { ...first, quantity: 101 }, Code.IDEMPOTENCY_KEY_REUSED, false, 0],
    ['another asset', { ...first, symbol: BTC }, Code.IDEMPOTENCY_KEY_REUSED, false, 0],
    ['the other action', { ...first, kind: Withdraw }, Code.IDEMPOTENCY_KEY_REUSED, false, 0],
    ['another account', { ...first, account: 2 }, Code.OK, false, 100],
    ['another high half', { ...first, clientOrderId: 8 }, Code.OK, false, 100],
    ['another low half', { ...first, orderId: 1 }, Code.OK, false, 100],
    ['no key', { ...first, clientOrderId: 0, orderId: 0 }, Code.OK, false, 100],
  ];
  for (const [name, second, code, repeated, moved] of rows) {
    it(name, () => {
      const harness = new Harness().setUp();
      const { seq } = harness.do(first).reports[0];
      const before = harness.exchange.accounts.deposited[USD];
      const [report] = harness.do(second).reports;
      assert.equal(report.code, code);
      assert.equal((report.flags & ReportFlag.Duplicate) !== 0, repeated);
      if (repeated) assert.equal(report.quantity, seq, 'the answer names the first command');
      assert.equal(harness.exchange.accounts.deposited[USD] - before, moved);
      assert.equal(harness.exchange.accounts.imbalance(USD), 0);
    });
  }

  it('a rejected withdrawal stays rejected under its key, also after a deposit that would cover it', () => {
    const harness = new Harness().setUp(1, {}, { usd: 10 });
    const withdraw = { kind: Withdraw, account: 1, symbol: USD, quantity: 100, ...key };
    assert.equal(harness.do(withdraw).reports[0].code, Code.INSUFFICIENT_FUNDS);
    harness.must({ kind: Deposit, account: 1, symbol: USD, quantity: 1000 });
    const [again] = harness.do(withdraw).reports;
    assert.deepEqual([again.code, again.flags & ReportFlag.Duplicate], [Code.INSUFFICIENT_FUNDS, ReportFlag.Duplicate]);
  });

  it('the latest keys are remembered, also across a snapshot; an older key counts as new', () => {
    const limits = { ...SMALL_LIMITS, rememberedKeys: 4 };
    const harness = new Harness(limits).setUp();
    const put = (low: number): boolean => {
      const [{ code, flags }] = harness.do({ ...first, clientOrderId: 0, orderId: low }).reports;
      assert.equal(code, Code.OK);
      return (flags & ReportFlag.Duplicate) !== 0;
    };
    for (let low = 1; low <= 5; low++) assert.equal(put(low), false);
    assert.equal(put(2), true);
    const copy = new Exchange(limits);
    const loader = new StateLoader(copy);
    saveState(harness.exchange, (chunk, count) => loader.load(chunk, count));
    assert.equal(stateHash(copy), stateHash(harness.exchange));
    assert.notEqual(copy.idempotencyKeys.find(1, 0, 2), -1);
    assert.equal(copy.idempotencyKeys.find(1, 0, 1), -1);
    assert.equal(put(1), false);
  });
});

it('finds and forgets keys like a list of the latest ones: of all accounts before rules 3, then of each', () => {
  const key = fc.record({ account: fc.integer({ min: 1, max: 3 }), high: fc.nat(3), low: fc.nat(6) });
  const steps = fc.array(key, { maxLength: 200, size: 'max' });
  const some = fc.integer({ min: 2, max: 9 });
  fc.assert(
    fc.property(steps, some, some, fc.constantFrom(2, RULES), (keysUsed, window, share, rules) => {
      const keys = new IdempotencyKeys(12, 4, 5, (bytes) => new ArrayBuffer(bytes));
      keys.setRules(rules, () => true);
      keys.setWindow(window, share);
      const last = new NaiveWindows<{ name: string; account: number }>(window, rules < 3 ? window : share);
      for (const [n, { account, high, low }] of keysUsed.entries()) {
        const name = `${account}/${high}/${low}`;
        const found = keys.find(account, high, low);
        assert.equal(
          found !== -1,
          last.entries.some((entry) => entry.name === name),
          name,
        );
        if (found !== -1) continue;
        keys.remember(account, high, low, 1, n, 0, n);
        last.add({ name, account: rules < 3 ? 0 : account });
      }
    }),
    { numRuns: 300 },
  );
});
