/** Texts of the command line, without an exchange. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from '../gateway/config/config.ts';
import { counted } from '../gateway/tools/cli/counted.ts';
import { describe, exitCodeOf } from '../gateway/tools/cli/exit.ts';
import { bookText } from '../gateway/tools/cli/market.ts';

test('one is in the singular', () => {
  assert.deepEqual(
    [0, 1, 2, 1024].map((value) => counted(value, 'order')),
    ['0 orders', '1 order', '2 orders', '1,024 orders'],
  );
});

test('a book has no last price before the first trade', () => {
  const book = { symbol: 'BTC-USD', phase: 'continuous', bids: [], asks: [] };
  assert.match(bookText({ ...book, lastPrice: '0.00', lastPriceTicks: 0 }), /^BTC-USD {2}continuous, last -\n/);
  assert.match(bookText({ ...book, lastPrice: '0.01', lastPriceTicks: 1 }), /, last 0\.01\n/);
});

test('a problem of the configuration begins with the flag or the variable that it is about', () => {
  const textOf = (flags: Record<string, string>, env: Record<string, string> = {}): string => {
    try {
      loadConfig({ flags, env });
    } catch (error) {
      assert.equal(exitCodeOf(error), 2);
      return describe(error);
    }
    return assert.fail('the configuration was accepted');
  };
  assert.match(textOf({ config: 'none.yaml' }), /^--config none\.yaml: cannot be read \(ENOENT\)/);
  assert.match(textOf({}, { OPENBELL_CONFIG: 'none.yaml' }), /^OPENBELL_CONFIG=none\.yaml: cannot be read \(ENOENT\)/);
  assert.match(textOf({ simulate: 'mirror' }), /^--simulate must be true, false or mirror=SOURCE/);
  assert.match(textOf({ simulate: 'mirror=absent' }), /^--simulate mirror=absent: neither a feed nor a file/);
});
