import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import type { LevelView, TradeView } from '../gateway/client/market-decode.ts';
import { type LadderInput, ladder, screen } from '../gateway/tools/cli/ladder-view.ts';

const level = (side: 'buy' | 'sell', price: number, quantity: number, orders = 1): LevelView => ({ side, price, quantity, orders, seq: 1 });
const trade = (price: number, quantity: number, aggressor: 'buy' | 'sell', auction = false): TradeView => ({
  aggressor,
  auction,
  tradeId: 1,
  price,
  quantity,
  buyOrderId: 1,
  sellOrderId: 2,
  seq: 1,
  timeUs: 1_700_000_000_123_000,
});

const INPUT: LadderInput = {
  symbol: 'BTC-USD',
  price: (ticks) => (ticks / 100).toFixed(2),
  quantity: (lots) => (lots / 10).toFixed(1),
  bids: [level('buy', 10_000, 40, 2), level('buy', 9_990, 20)],
  asks: [level('sell', 10_050, 10), level('sell', 10_100, 80, 12), level('sell', 10_200, 5)],
  trades: [trade(10_050, 3, 'buy'), trade(10_000, 7, 'sell'), trade(10_020, 9, 'buy', true)],
  inStep: true,
  depth: 2,
  width: 120,
  colour: false,
};

test('asks above bids, the spread between them, trades next to them', () => {
  assert.deepEqual(ladder(INPUT), [
    'BTC-USD',
    '',
    ' price  quantity  orders                             last trades',
    '101.00       8.0      12  ████████████████████████   22:13:20.123  ▲ 100.50 × 0.3',
    '100.50       1.0       1  ███                        22:13:20.123  ▼ 100.00 × 0.7',
    '── spread 0.50  last 100.50                          22:13:20.123  = 100.20 × 0.9',
    '100.00       4.0       2  ████████████',
    ' 99.90       2.0       1  ██████',
  ]);
});

test('a narrow terminal shows no trades, a thin book keeps its lines', () => {
  const narrow = ladder({ ...INPUT, width: 60, bids: [], trades: [] });
  assert.equal(narrow.length, ladder(INPUT).length);
  assert.equal(narrow[5], '── one side only');
  assert.ok(narrow.every((line) => !line.includes('last trades')));
  assert.equal(
    ladder({ ...INPUT, bids: [], asks: [], trades: [] })[5]
      .trim()
      .slice(0, 20),
    '── the book is empty',
  );
});

test('shows when it waits, and the indicative result of an auction', () => {
  const status = {
    phase: 'auction',
    earliestEndMs: 0,
    surplusSide: 'sell',
    indicativePrice: 10_020,
    indicativeVolume: 30,
    surplus: 5,
    referencePrice: 0,
    lastPrice: 0,
    seq: 1,
    timeUs: 1,
  } as const;
  assert.equal(
    ladder({ ...INPUT, status, inStep: false })[0],
    'BTC-USD  auction  would trade 3.0 @ 100.20, sell surplus 0.5  connecting …',
  );
  assert.match(ladder({ ...INPUT, status: { ...status, indicativePrice: 0 } })[0], /nothing would trade/);
  const interrupted = { ...status, subPhase: 'volatility-auction', timeUs: 1.7e15, earliestEndMs: 120_000 } as const;
  assert.match(
    ladder({ ...INPUT, status: interrupted })[0],
    /^BTC-USD {2}volatility-auction {2}until 22:15:20\.000 or later {2}would trade/,
  );
  const crossed = ladder({ ...INPUT, bids: [level('buy', 10_100, 1)] });
  assert.match(crossed[5], /spread -0.50/);
});

test('colours change nothing but colours', () => {
  const coloured = ladder({ ...INPUT, colour: true });
  assert.ok(coloured.some((line) => line.includes('\x1b[31m')));
  assert.deepEqual(
    coloured.map((line) => stripVTControlCharacters(line).trimEnd()),
    ladder(INPUT).map((line) => line.trimEnd()),
  );
});

const DEEP: LadderInput = {
  ...INPUT,
  bids: Array.from({ length: 50 }, (_, i) => level('buy', 5_900_000 - i, 123_456 + i, 7)),
  asks: Array.from({ length: 50 }, (_, i) => level('sell', 5_900_100 + i, 123_456 + i, 7)),
  trades: Array.from({ length: 50 }, () => trade(5_900_000, 123_456, 'buy')),
  depth: 10,
};

test('the screen fits the terminal: title and best prices are never scrolled away', () => {
  for (const [width, rows] of [
    [80, 24],
    [60, 24],
    [30, 10],
    [200, 60],
    [80, 8],
  ]) {
    for (const colour of [false, true]) {
      const lines = screen({ ...DEEP, width, rows, colour }).map(stripVTControlCharacters);
      assert.ok(lines.length <= rows, `${lines.length} lines in ${rows}`);
      assert.ok(
        lines.every((line) => line.length <= width),
        `${width} columns`,
      );
      assert.match(lines[0], /^BTC-USD/);
      const at = lines.findIndex((line) => line.startsWith('── spread'));
      assert.ok(lines[at - 1].includes('59001.00') && lines[at + 1].includes('59000.00'));
      assert.equal(lines.at(-1), 'q leaves');
    }
  }
  const usual = screen({ ...DEEP, width: 80, rows: 24 });
  assert.deepEqual([usual.length, usual.some((line) => line.includes('▲ 59000.00 × 12345.6'))], [24, true]);
});
