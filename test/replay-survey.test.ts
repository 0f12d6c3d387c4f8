/** What openbell replay checks before it sends anything, and what it prints: without an exchange. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { SymbolUnits } from '../gateway/client/symbols.ts';
import { speed as playSpeed } from '../gateway/tools/cli/feeds-play.ts';
import { speed } from '../gateway/tools/cli/replay.ts';
import { type Numbers, resultText } from '../gateway/tools/cli/replay-report.ts';
import { asInFile, milliText, surveyFlow } from '../gateway/tools/cli/replay-venue.ts';

const folder = mkdtempSync(join(tmpdir(), 'openbell-replay-survey-'));
after(() => rmSync(folder, { recursive: true }));

const units = new SymbolUnits({ id: 1, name: 'DAY', tickSize: '0.01', lotSize: '1' });
const HEADER = 'time_ms,op,side_or_phase,order_id,price_milli,quantity\n';

function survey(...rows: string[]) {
  const path = join(folder, 'day.csv');
  writeFileSync(path, HEADER + rows.map((row) => `${row}\n`).join(''));
  return surveyFlow(path, { units, known: undefined });
}

test('order ids and cancels are checked over the whole file', async () => {
  const table: [rows: string[], message: RegExp][] = [
    [['0,new,B,1,10500,1', '1,new,S,1,10500,1'], /day\.csv:3: order_id 1 is that of an order above/],
    [['0,new,B,1,10500,1', '1,cancel,B,1,,', '2,new,B,1,10500,1'], /day\.csv:4: order_id 1 is that of an order above/],
    [['0,new,B,1,10500,1', '1,cancel,,2,,'], /day\.csv:3: cancels order 2, which is not above it/],
    [['0,cancel,B,1,,', '1,new,B,1,10500,1'], /day\.csv:2: cancels order 1, which is not above it/],
    [['0,new,B,1,10500,1', '1,cancel,,1,,', '2,cancel,,1,,'], /day\.csv:4: cancels order 1 a second time/],
    [[], /day\.csv: has no rows below its header/],
  ];
  for (const [rows, message] of table) await assert.rejects(survey(...rows), { code: 'FLOW_ROW', message });
  const good = await survey('0,new,B,1,10500,2', '1,new,S,2,10600,3', '2,cancel,,2,,', '3,cancel,,1,,');
  assert.deepEqual(good, { rows: 4, buyMilli: 21_000, soldQuantity: 3, endsInAuction: false });
});

test('a file that ends in an auction is found', async () => {
  const ends = async (...rows: string[]) => (await survey(...rows)).endsInAuction;
  assert.equal(await ends('0,phase,auction,,,', '1,new,B,1,10500,1'), true);
  assert.equal(await ends('0,phase,continuous,,,', '1,phase,auction,,,', '2,uncross,,,0,0'), true);
  assert.equal(await ends('0,phase,auction,,,', '1,uncross,,,0,0', '1,phase,closed,,,'), false);
});

test('prices and quantities are shown as the file writes them', () => {
  assert.equal(asInFile(units, 100, 1050), '100@10500');
  assert.equal(asInFile(units, 0, 0), '0@0');
  assert.equal(milliText(units, 110), '1100');
  assert.equal(milliText(new SymbolUnits({ id: 1, name: 'FINE', tickSize: '0.0001', lotSize: '1' }), 10_001), '1000.1');
});

const NUMBERS: Numbers = {
  orders: 1,
  cancels: 1,
  continuousTrades: 1,
  auctions: 1,
  seconds: 1,
  perSecond: 2,
  latencyUs: { p50: 1, p90: 1, p99: 1, p999: 1, max: 1 },
  compared: true,
  differences: 1,
  shown: [],
};

test('one is in the singular, and without commands there are no answer times', () => {
  const [counts, results, answers, verdict] = resultText(NUMBERS).split('\n');
  assert.equal(counts, '1 order and 1 cancel in 1.00 s, 2/s');
  assert.equal(results, '1 continuous trade, 1 auction');
  assert.match(answers, /^answer time, .*: p50 1 us/);
  assert.equal(verdict, '1 difference');
  const none = resultText({ ...NUMBERS, orders: 0, cancels: 0, continuousTrades: 1200, differences: 2, shown: ['a', 'b'] });
  assert.match(none, /^0 orders and 0 cancels .*\n1,200 continuous trades, 1 auction\n2 differences, the first 2:\n {2}a\n {2}b$/);
});

test('a speed has an x or not, for replay and for feeds play', () => {
  for (const read of [speed, playSpeed]) {
    assert.equal(read('10x'), 10);
    assert.equal(read('10'), 10);
    assert.equal(read('0.5'), 0.5);
    assert.equal(read('max'), Number.POSITIVE_INFINITY);
    for (const text of ['', 'x', '0', '0x', '10xx', '-1', '1e3']) assert.throws(() => read(text), text);
  }
});
