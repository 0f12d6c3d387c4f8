import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { SymbolUnits } from '../gateway/client/symbols.ts';
import { type ExpectedTrade, ReplayCheck } from '../gateway/tools/cli/replay-check.ts';
import { asInFile, milliText } from '../gateway/tools/cli/replay-venue.ts';
import { type CliResult, ExchangeProcess, openbell } from './support/exchange-process.ts';
import { missing, sharedData } from './support/shared-data.ts';

const folder = mkdtempSync(join(tmpdir(), 'openbell-replay-'));
let exchange: ExchangeProcess;

before(async () => {
  exchange = await ExchangeProcess.start(join(folder, 'data'), ['--durability', 'fast']);
});
after(async () => {
  await exchange.end('SIGTERM');
  rmSync(folder, { recursive: true });
});

const ORDERS = `time_ms,op,side_or_phase,order_id,price_milli,quantity
0,phase,auction,,,
0,new,S,10,51200,100
1,new,B,11,51300,60
2,new,B,12,51200,20
3,uncross,,,51200,80
4,phase,continuous,,,
5,new,B,7,51200,50
6,new,S,3,51100,10
7,new,S,4,51300,10
8,cancel,S,4,,
9,phase,auction,,,
9,uncross,,,0,0
9,phase,closed,,,
`;
const TRADES = `phase,buy_order_id,sell_order_id,price_milli,quantity
auction,11,10,51200,60
auction,12,10,51200,20
continuous,7,10,51200,20
continuous,7,3,51200,10
`;

function replay(orders: string, trades: string | undefined, ...more: string[]): Promise<CliResult> {
  const ordersPath = join(folder, 'day.orders.csv');
  const tradesPath = join(folder, 'day.trades.csv');
  writeFileSync(ordersPath, orders);
  if (trades !== undefined) writeFileSync(tradesPath, trades);
  return openbell(['replay', ordersPath, ...(trades === undefined ? [] : ['--expect', tradesPath]), ...exchange.flags, ...more]);
}

test('a day is reproduced exactly, in any batch size and at any speed', async () => {
  for (const more of [[], ['--batch', '1', '--speed', '10x', '--symbol', 'DAY-1']]) {
    const { code, stdout, stderr } = await replay(ORDERS, TRADES, '--json', ...more);
    assert.equal(code, 0, stdout + stderr);
    const { symbol, orders, cancels, continuousTrades, auctions, differences, latencyUs } = JSON.parse(stdout);
    assert.deepEqual(
      { symbol, orders, cancels, continuousTrades, auctions, differences },
      { symbol: more.length === 0 ? 'SSE-day' : 'DAY-1', orders: 6, cancels: 1, continuousTrades: 2, auctions: 2, differences: 0 },
    );
    assert.ok(latencyUs.p50 > 0 && latencyUs.max >= latencyUs.p99);
  }
});

test('a difference gives exit code 1 and is shown, also without expected trades', async () => {
  const differing = await replay(
    // The order 10 was filled before the cancel.
    ORDERS.replace('uncross,,,51200,80', 'uncross,,,51200,90').replace('cancel,S,4', 'cancel,S,10'),
    undefined,
  );
  assert.equal(differing.code, 1, differing.stderr);
  assert.match(differing.stdout, /orders line 6: the auction ended at 80@51200, expected 90@51200/);
  assert.match(differing.stdout, /cancel of 10 was rejected: /);
  const trades = await replay(ORDERS, TRADES.replace('7,10,51200,20', '7,10,51200,21'), '--json');
  assert.equal(trades.code, 1, trades.stderr);
  assert.deepEqual(JSON.parse(trades.stdout).shown, ['expected trades line 4: buy 7 sell 10 21@51200, but came buy 7 sell 10 20@51200']);
});

test('every row is checked before the first order: the error names file and line, and nothing was defined or sent', async () => {
  const symbols = async (): Promise<string> => (await openbell(['book', 'NONE-SUCH', ...exchange.flags])).stderr;
  const before = await symbols();
  const cases: [text: string, orders: string, trades: string | undefined, message: RegExp][] = [
    [
      'a price between ticks',
      ORDERS.replace('7,new,S,4,51300', '7,new,S,4,51305'),
      TRADES,
      /orders\.csv:10: price_milli 51305 .* tick 0\.01 /,
    ],
    ['an auction between ticks', ORDERS.replace('uncross,,,0,0', 'uncross,,,51301,0'), TRADES, /orders\.csv:13: price_milli 51301 /],
    ['a trade between ticks', ORDERS, TRADES.replace('7,3,51200', '7,3,51201'), /trades\.csv:5: price_milli 51201 /],
    ['a price beyond all', ORDERS.replace('7,new,S,4,51300', '7,new,S,4,9007199254740993'), undefined, /orders\.csv:10: price_milli/],
  ];
  for (const [text, orders, trades, message] of cases) {
    const { code, stdout, stderr } = await replay(orders, trades);
    assert.deepEqual([code, stdout], [1, ''], text);
    assert.match(stderr, message, text);
  }
  assert.equal(await symbols(), before, 'no symbol was defined');
});

test('a replay that ends early says how far it came, and closes the symbol', async () => {
  // An auction cannot end in continuous trading.
  const early = await replay(ORDERS.replace('9,phase,auction,,,\n', ''), undefined, '--symbol', 'HALF');
  assert.equal(early.code, 1);
  assert.match(early.stderr, /^openbell: the replay ended early, after 6 orders and 1 cancel: WRONG_PHASE: .*; HALF is closed now/);
  const { stdout } = await openbell(['book', 'HALF', '--json', ...exchange.flags]);
  assert.equal(JSON.parse(stdout).phase, 'closed');
});

/** Writes files of orders; @returns their paths. */
function written(files: Readonly<Record<string, string>>): string[] {
  return Object.entries(files).map(([name, text]) => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  });
}

test('several days are sent in the order of their times, and each is compared with its own trades', async () => {
  // A trade in turn, each further apart than rows of two files may be.
  const day = (offset: number): string => {
    const rows = [0, 1, 2].flatMap((i) => {
      const at = (2 * i + offset) * 20_000;
      return [`${at},new,S,${2 * i + 1},51200,10`, `${at},new,B,${2 * i + 2},51200,10`];
    });
    return ['time_ms,op,side_or_phase,order_id,price_milli,quantity', '0,phase,continuous,,,', ...rows, '200000,phase,closed,,,', ''].join(
      '\n',
    );
  };
  const trades = `phase,buy_order_id,sell_order_id,price_milli,quantity
${[0, 1, 2].map((i) => `continuous,${2 * i + 2},${2 * i + 1},51200,10`).join('\n')}
`;
  const [a, b, c, aTrades, cTrades] = written({
    'a.orders.csv': day(0),
    'b.orders.csv': day(1),
    'c.orders.csv': ORDERS,
    'a.trades.csv': trades,
    'c.trades.csv': TRADES.replace('7,10,51200,20', '7,10,51200,21'),
  });
  const expect = ['--expect', aTrades, '--expect', 'none', '--expect', cTrades];
  const { code, stdout, stderr } = await openbell(['replay', a, b, c, ...expect, '--json', ...exchange.flags]);
  assert.equal(code, 1, stdout + stderr);
  const { files, total } = JSON.parse(stdout);
  assert.deepEqual(
    // biome-ignore lint/suspicious/noExplicitAny: JSON of the command
    files.map(({ file, symbol, orders, continuousTrades, compared, differences }: any) => ({
      file,
      symbol,
      orders,
      continuousTrades,
      compared,
      differences,
    })),
    [
      { file: a, symbol: 'SSE-a', orders: 6, continuousTrades: 3, compared: true, differences: 0 },
      { file: b, symbol: 'SSE-b', orders: 6, continuousTrades: 3, compared: false, differences: 0 },
      { file: c, symbol: 'SSE-c', orders: 6, continuousTrades: 2, compared: true, differences: 1 },
    ],
  );
  assert.deepEqual(
    [total.orders, total.cancels, total.continuousTrades, total.auctions, total.compared, total.differences],
    [18, 1, 8, 2, false, 1],
  );
  const seqs = await Promise.all([0, 1].map((index) => tradeSeqs(files[index].account, 3)));
  const inOrder = seqs.flatMap((list, file) => list.map((seq) => ({ seq, file }))).sort((one, other) => one.seq - other.seq);
  assert.deepEqual(
    inOrder.map(({ file }) => file),
    [0, 1, 0, 1, 0, 1],
  );
});

/** Sequence numbers of the trades of an account, once the history has so many. */
async function tradeSeqs(account: number, trades: number): Promise<number[]> {
  for (;;) {
    const response = await fetch(`http://127.0.0.1:${exchange.ports.http}/v1/accounts/${account}/trades`);
    const answer = (await response.json()) as { trades: { seq: number }[] };
    const seqs = new Set(answer.trades.map(({ seq }) => seq));
    if (seqs.size === trades) return [...seqs];
    await sleep(50);
  }
}

test('all symbols of a replay that ends early are closed', async () => {
  const [a, b] = written({ 'a.orders.csv': ORDERS, 'b.orders.csv': ORDERS.replace('9,phase,auction,,,\n', '') });
  const { code, stderr } = await openbell(['replay', a, b, '--symbol', 'WHOLE', '--symbol', 'PART', ...exchange.flags]);
  assert.equal(code, 1, stderr);
  assert.match(stderr, /the replay ended early, after .*: WRONG_PHASE: .*; WHOLE, PART are closed now, with the orders that rest in them/);
});

/** Two auctions around three continuous trades, as they are printed. */
const PRINTED: ExpectedTrade[] = [
  { line: 2, phase: 'auction', buyOrderId: 11, sellOrderId: 10, price: 5120, quantity: 60 },
  { line: 3, phase: 'auction', buyOrderId: 12, sellOrderId: 10, price: 5120, quantity: 20 },
  { line: 4, phase: 'continuous', buyOrderId: 7, sellOrderId: 10, price: 5120, quantity: 20 },
  { line: 5, phase: 'continuous', buyOrderId: 7, sellOrderId: 3, price: 5120, quantity: 10 },
  { line: 6, phase: 'continuous', buyOrderId: 7, sellOrderId: 4, price: 5130, quantity: 5 },
  { line: 7, phase: 'auction', buyOrderId: 20, sellOrderId: 21, price: 5100, quantity: 7 },
];

const CENTS = new SymbolUnits({ id: 1, name: 'DAY', tickSize: '0.01', lotSize: '1' });
const TEXTS = { trade: (lots: number, ticks: number) => asInFile(CENTS, lots, ticks), price: (ticks: number) => milliText(CENTS, ticks) };

/** Passes trades to the check as if the exchange had reported them, auction by auction. */
function differences(expected: readonly ExpectedTrade[], came: readonly ExpectedTrade[]): string[] {
  const check = new ReplayCheck(expected, TEXTS);
  let auction: ExpectedTrade[] = [];
  for (const [i, trade] of came.entries()) {
    if (trade.phase === 'continuous') check.onContinuousTrade(trade);
    else auction.push(trade);
    if (auction.length === 0 || came[i + 1]?.phase === 'auction') continue;
    const volume = auction.reduce((sum, { quantity }) => sum + quantity, 0);
    check.onAuction(auction[0].price, volume, auction);
    auction = [];
  }
  check.finish();
  assert.equal(check.differences >= check.shown.length, true);
  return check.shown;
}

test('each kind of difference between trades is found', () => {
  const but = (index: number, change: Partial<ExpectedTrade>): ExpectedTrade[] =>
    PRINTED.map((trade, i) => (i === index ? { ...trade, ...change } : trade));
  const without = (...indexes: number[]): ExpectedTrade[] => PRINTED.filter((_, i) => !indexes.includes(i));
  assert.deepEqual(differences(PRINTED, PRINTED), []);
  const reordered = [PRINTED[1], PRINTED[0], ...PRINTED.slice(2)];
  assert.deepEqual(differences(PRINTED, reordered), [], 'how an auction pairs is the venue’s own');
  const repaired = PRINTED.map((trade, i) => (i === 0 ? { ...trade, quantity: 50 } : i === 1 ? { ...trade, quantity: 30 } : trade));
  const table: [came: ExpectedTrade[], shown: RegExp][] = [
    [but(2, { quantity: 21 }), /^expected trades line 4: buy 7 sell 10 20@51200, but came buy 7 sell 10 21@51200$/],
    [but(2, { price: 5121 }), /^expected trades line 4/],
    [but(3, { sellOrderId: 4 }), /^expected trades line 5: buy 7 sell 3 10@51200, but came buy 7 sell 4/],
    [but(3, { buyOrderId: 8 }), /^expected trades line 5/],
    [without(4), /line 6: buy 7 sell 4 5@51300 did not come/],
    [without(5), /line 7: buy 20 sell 21 7@51000 did not come/],
    [without(2, 3, 4), /line 4: .* did not come/],
    [[...PRINTED.slice(0, 5), { ...PRINTED[4], quantity: 1 }, PRINTED[5]], /^continuous trade 4: buy 7 sell 4 1@51300 was not expected$/],
    [[...PRINTED, { ...PRINTED[4] }], /was not expected/],
    [repaired, /order B11 received 50 lots, expected 60/],
    [without(1), /order B12 received 0 lots, expected 20/],
    [but(5, { price: 5101 }), /line 7: price 51000, but auction 2 was at 51010/],
  ];
  for (const [came, shown] of table) {
    const found = differences(PRINTED, came);
    assert.ok(
      found.some((detail) => shown.test(detail)),
      `${shown} in ${JSON.stringify(found)}`,
    );
  }
});

test('input that cannot be replayed is reported before anything is sent', async () => {
  const wrong = await replay(ORDERS.replace('9,phase,closed', '9,phase,lunch'), TRADES);
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /day\.orders\.csv:14: phase "lunch"/);
  const resting = await replay(ORDERS, TRADES, '--symbol', 'DAY-1');
  assert.equal(resting.code, 1);
  assert.match(resting.stderr, /orders rest in DAY-1/);
  for (const more of [
    ['--speed', 'fast'],
    ['--speed', '0x'],
    ['--batch', '0'],
    ['--batch', '9999'],
  ]) {
    assert.equal((await replay(ORDERS, TRADES, ...more)).code, 2, more.join(' '));
  }
  const unreachable = await openbell(['replay', join(folder, 'day.orders.csv'), '--http-port', '1']);
  assert.equal(unreachable.code, 3, unreachable.stderr);
});

const day = sharedData('sse', '605580.orders.csv.gz');
const printed = sharedData('sse', '605580.trades.csv.gz');

test('a recorded day of the Shanghai Stock Exchange is reproduced exactly', { skip: missing(day, printed) }, async () => {
  const { code, stdout, stderr } = await openbell(['replay', day, '--expect', printed, '--json', ...exchange.flags]);
  assert.equal(code, 0, stdout + stderr);
  const { symbol, continuousTrades, auctions, differences } = JSON.parse(stdout);
  assert.deepEqual(
    { symbol, continuousTrades, auctions, differences },
    { symbol: 'SSE-605580', continuousTrades: 16_393, auctions: 2, differences: 0 },
  );
});
