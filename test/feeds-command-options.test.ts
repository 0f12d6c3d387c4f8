import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Command } from 'commander';
import { noBookProblem } from '../gateway/tools/cli/feeds-record.ts';
import { feedsTailCommand } from '../gateway/tools/cli/feeds-tail.ts';

test('tail does not end after 0 records, and knows the kinds of records', () => {
  const feeds = new Command('feeds').exitOverride().configureOutput({ writeErr: () => undefined });
  feedsTailCommand(feeds);
  for (const [option, value, problem] of [
    ['--count', '0', /whole number from 1 to/],
    ['--count', '-1', /whole number/],
    ['--only', 'levels', /must be some of clear, level/],
  ] as const)
    assert.throws(() => feeds.parse(['tail', 'outside', option, value], { from: 'user' }), problem, value);
});

test('a recording without a live book at its end names the instruments', () => {
  const instruments = Array.from({ length: 12 }, (_, i) => `X${i + 1}`);
  assert.equal(noBookProblem({ name: 'btc', instruments }, 1), undefined);
  assert.equal(
    noBookProblem({ name: 'btc', instruments: ['A', 'B'] }, 0),
    'btc: 0 of 2 books were live at the end: A, B; the file may hold no book of them',
  );
  assert.match(noBookProblem({ name: 'btc', instruments }, 0) ?? '', /: 0 of 12 books .*: X1, .*, X10 and 2 more; /);
});
