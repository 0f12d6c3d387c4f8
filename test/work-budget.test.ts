import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WorkBudget, WorkBudgets } from '../gateway/work-budget.ts';

test('a budget of work: a burst, then a share of the time, in portions', () => {
  const budget = new WorkBudget({ share: 0.1, burstMs: 5 }, 0);
  assert.equal(budget.waitMs(0), 0);
  budget.spend(4.9, 0);
  assert.equal(budget.waitMs(0), 0, 'what is left may be used');
  budget.spend(0.6, 0);
  // From -0.5 ms to a portion of 0.2 ms, at a tenth of a millisecond each millisecond.
  assert.ok(Math.abs(budget.waitMs(0) - 7) < 1e-9);
  assert.ok(budget.waitMs(6) > 0, 'it waits for a whole portion');
  assert.equal(budget.waitMs(7.001), 0);
  budget.spend(0.1, 7.001);
  assert.equal(budget.waitMs(7.001), 0);
  budget.spend(100, 8);
  assert.ok(budget.waitMs(500) > 0, 'what was used beyond it is paid back');
  assert.equal(budget.waitMs(1100), 0);
  budget.spend(4, 1e6);
  assert.equal(budget.waitMs(1e6), 0, 'a burst is not more than a burst');
  budget.spend(1.1, 1e6);
  assert.ok(budget.waitMs(1e6) > 0);
});

test('an owner that leaves and comes back has the same budget; memory is bounded', () => {
  const budgets = new WorkBudgets({ share: 0.1, burstMs: 5 });
  const a = budgets.of('a');
  assert.equal(budgets.of('a'), a);
  assert.notEqual(budgets.of('b'), a);
  for (let i = 0; i < 4095; i++) budgets.of(i);
  assert.notEqual(budgets.of('a'), a, 'the one that came longest ago is forgotten');
});
