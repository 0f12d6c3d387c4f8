/** The examples of docs/TRADING-RULES.md. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { Code, codeName } from '../engine/codes.ts';
import { CommandKind, ReportKind } from '../engine/wire/layout.ts';
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

describe('fees are rounded by order, in favour of the venue', () => {
  const paid = (rates: Record<string, number>, orders: readonly string[]): [number, number] => {
    const harness = new Harness().setUp(2, rates, { usd: 10_000_000, btc: 10_000 });
    const fees = [0, 0, 0];
    for (const order of orders)
      for (const { kind, account, fee } of harness.do(parseCommand(order)).reports) if (kind === ReportKind.Fill) fees[account] += fee;
    return [fees[1], fees[2]];
  };
  const ones = (count: number, text: (i: number) => string): string[] => Array.from({ length: count }, (_, i) => text(i + 1));

  it('1,000 fills of 1 pay what one fill of 1,000 pays', () => {
    const rates = { TakerFeePpm: 500, MakerFeePpm: 300 };
    const oneFill = paid(rates, ['1 new 1 buy 1000 @ 1999', '2 new 1 sell 1000 @ 1999']);
    const small = ones(1000, (i) => `1 new ${i} buy 1 @ 1999`);
    // 999.5 and 599.7, rounded up.
    assert.deepEqual(oneFill, [600, 1000]);
    assert.equal(paid(rates, [...small, '2 new 1 sell 1000 @ 1999'])[1], 1000);
    assert.equal(paid(rates, ['1 new 1 buy 1000 @ 1999', ...ones(1000, (i) => `2 new ${i} sell 1 @ 1999`)])[0], 600);
    // Orders of their own are rounded up one by one.
    assert.equal(paid(rates, ['1 new 1 buy 1000 @ 1999', ...ones(1000, (i) => `2 new ${i} sell 1 @ 1999`)])[1], 1000);
  });

  it('a rebate is rounded down, and is that of the whole', () => {
    const rates = { TakerFeePpm: 500, MakerFeePpm: -500 };
    assert.deepEqual(paid(rates, ['1 new 1 buy 3 @ 999', '2 new 1 sell 3 @ 999']), [-1, 2]);
    assert.deepEqual(paid(rates, ['1 new 1 buy 3 @ 999', ...ones(3, (i) => `2 new ${i} sell 1 @ 999`)]), [-1, 3]);
  });
});

describe('the fees of a live symbol', () => {
  it('change for the orders that are accepted from then on', () => {
    const harness = new Harness().setUp(2, { TakerFeePpm: 20_000, MakerFeePpm: 10_000 }, { usd: 100_000, btc: 1000 });
    const fees = (order: string): number[] =>
      harness
        .do(parseCommand(order))
        .reports.filter(({ kind }) => kind === ReportKind.Fill)
        .map(({ fee }) => fee);
    harness.do(parseCommand('1 new 1 buy 30 @ 100'));
    harness.setParam('MakerFeePpm', 0);
    harness.setParam('TakerFeePpm', 50_000);
    harness.do(parseCommand('1 new 2 buy 10 @ 100'));
    // The first maker has the old rate, its aggressor the new one.
    assert.deepEqual(fees('2 new 1 sell 10 @ 100'), [10, 50]);
    harness.do(parseCommand('1 amend 1 20 @ 99'));
    assert.deepEqual(fees('2 new 2 sell 10 @ 100'), [0, 50]);
    assert.deepEqual(fees('2 new 3 sell 10 @ 99'), [10, 50], 'an amended order keeps its rates');
  });

  it('a rebate is at most what the taker pays', () => {
    const harness = new Harness().setUp(2, { TakerFeePpm: 20_000, MakerFeePpm: -20_000 }, { usd: 100_000, btc: 1000 });
    harness.do(parseCommand('1 new 1 buy 30 @ 100'));
    harness.setParam('MakerFeePpm', 0);
    harness.setParam('TakerFeePpm', 0);
    const { reports } = harness.do(parseCommand('2 new 1 sell 30 @ 100'));
    assert.deepEqual(
      reports.map(({ fee }) => fee),
      [0, 0, 0],
    );
    assert.equal(harness.exchange.accounts.fees[USD], 0);
  });
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
    harness.must({ kind: CommandKind.Deposit, account: 1, symbol: USD, quantity: 62 });
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
