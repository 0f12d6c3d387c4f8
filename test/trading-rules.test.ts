/** The examples of docs/TRADING-RULES.md. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { Code, codeName } from '../engine/codes.ts';
import { feeOn } from '../engine/rules/fees.ts';
import { CommandKind } from '../engine/wire/layout.ts';
import { BTC, Harness, parseCommand, runLedger, tidyLedger, USD } from './support/exchange-fixture.ts';

const text = readFileSync(new URL('../docs/TRADING-RULES.md', import.meta.url), 'utf8');

describe('the auction price', () => {
  const rows = [...text.matchAll(/^\| ((?:buy|sell)[^|]*) \| (\d+) \| (\d+), (\d+) \|/gm)];
  it('has examples', () => assert.equal(rows.length, 5));
  for (const [, orders, reference, price, volume] of rows) {
    it(`${orders}, reference price ${reference}: ${volume} at ${price}`, () => {
      const harness = new Harness().setUp(2);
      harness.setParam('ReferencePrice', Number(reference));
      harness.do(parseCommand('phase auction'));
      for (const [i, order] of orders.split(/[;,] /).entries()) harness.do(parseCommand(`${1 + (i % 2)} new ${i + 1} ${order}`));
      const report = harness.do({ ...parseCommand('uncross') }).reports.at(-1);
      assert.deepEqual([report?.price, report?.quantity], [Number(price), Number(volume)]);
    });
  }
});

it('a fee is rounded towards zero', () => {
  assert.equal(feeOn(3_999_999, 500), 1999);
  assert.equal(feeOn(3_999_999, -500), -1999);
});

describe('what a market order needs', () => {
  it('a buy pays for what it would trade now, in full or not at all', () => {
    const harness = new Harness().setUp(2, { TakerFeePpm: 10_000 }, { usd: 1000, btc: 100 });
    runLedger(harness, '2 new 1 sell 5 @ 100\n2 new 2 sell 5 @ 110');
    const [rejected] = harness.do(parseCommand('1 new 1 buy 10 mkt')).reports;
    assert.equal(codeName(rejected.code), 'INSUFFICIENT_FUNDS');
    // 5 x 100 + 4 x 110 = 940, and 1 % of it.
    assert.equal(harness.do(parseCommand('1 new 2 buy 9 mkt')).reports[0].code, Code.OK);
    // One lot is left in the book; the rest of the quantity needs no funds.
    assert.equal(codeName(harness.do(parseCommand('1 new 3 buy 50 mkt')).reports[0].code), 'INSUFFICIENT_FUNDS');
    harness.must({ kind: CommandKind.Deposit, account: 1, symbol: USD, quantity: 61 });
    assert.equal(harness.do(parseCommand('1 new 5 buy 50 mkt')).reports[0].code, Code.OK);
  });

  it('a sell needs its whole quantity', () => {
    const harness = new Harness().setUp(2, {}, { usd: 10_000, btc: 10 });
    harness.do(parseCommand('1 new 1 buy 1 @ 100'));
    assert.equal(codeName(harness.do(parseCommand('2 new 1 sell 11 mkt')).reports[0].code), 'INSUFFICIENT_FUNDS');
    assert.equal(harness.do(parseCommand('2 new 2 sell 10 mkt')).reports[0].code, Code.OK);
  });
});

it('an account trades with itself and pays both fees', () => {
  const harness = new Harness().setUp(1, { TakerFeePpm: 10_000, MakerFeePpm: 5000 }, { usd: 100_000, btc: 100 });
  const ledger = `1 new 1 sell 10 @ 500
    > 1 Accepted 1 10@500 leaves 10
    1 new 2 buy 10 @ 500
    > 1 Accepted 2 10@500 leaves 10
    > 1 Fill 1 10@500 leaves 0 fee 25 maker
    > 1 Fill 2 10@500 leaves 0 fee 50 taker`;
  assert.equal(runLedger(harness, ledger), tidyLedger(ledger));
  assert.deepEqual([harness.balance(1, USD).available, harness.balance(1, BTC).available], [99_925, 100]);
});

describe('links between pages', () => {
  for (const page of ['TRADING-RULES', 'CODES', 'ORDER-ENTRY', 'JOURNAL']) {
    it(`${page}.md: each names a heading that exists`, () => {
      const content = readFileSync(new URL(`../docs/${page}.md`, import.meta.url), 'utf8');
      for (const [, file, anchor] of content.matchAll(/\]\(([A-Z-]+\.md)?#([a-z-]+)\)/g)) {
        const target = file === undefined ? content : readFileSync(new URL(`../docs/${file}`, import.meta.url), 'utf8');
        const anchors = [...target.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
          heading
            .toLowerCase()
            .replace(/[^a-z0-9 -]/g, '')
            .replaceAll(' ', '-'),
        );
        assert.ok(anchors.includes(anchor), `${file}#${anchor}`);
      }
    });
  }
});
