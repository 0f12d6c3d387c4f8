import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { SymbolInfo } from '../engine/threads/directory-info.ts';
import { Position } from '../feeds/analysis/average-cost.ts';
import { decimalOf, rounded, unitsWith } from '../gateway/portfolio/exact-decimal.ts';
import { instrumentKey, venueMarks } from '../gateway/portfolio/marks.ts';
import { AssetTotals, positionMoney, positionView } from '../gateway/portfolio/portfolio-view.ts';

/** A tick of 0.05, a lot of 0.002, and quote units of 10^-6: 100 units for a tick times a lot. */
const symbol = {
  id: 1,
  name: 'BTC-USD',
  quoteAsset: { id: 1, name: 'USD', decimals: 6 },
  tickMantissa: 5,
  tickDecimals: 2,
  lotMantissa: 2,
  lotDecimals: 3,
  quotePerTickLot: 100,
  lastPrice: 0,
  referencePrice: 0,
} as unknown as SymbolInfo;

/** `+10@100` buys 10 lots at 100 ticks, `-` sells; `f` is the fee. */
function positionOf(ledger: string): Position {
  const position = new Position();
  for (const [i, text] of ledger.split(' ').entries()) {
    const [, side, quantity, price, fee = '0'] = /^([+-])(\d+)@(\d+)(?:f(-?\d+))?$/.exec(text) as RegExpExecArray;
    position.fill(i + 1, i + 1, i + 1, side === '+', Number(price), Number(quantity), Number(fee));
  }
  return position;
}

const mark = (text: string) => {
  const [whole, fraction = ''] = text.split('.');
  return { price: { units: BigInt(whole + fraction), decimals: fraction.length }, kind: 'last' as const };
};

for (const [ledger, at, expected] of [
  // 10 lots are 0.020; 100 ticks are 5.00: they cost 0.10.
  ['+10@100', '5.00', { position: '0.020', averagePrice: '5.000000', cost: '0.100000', value: '0.100000', unrealised: '0.000000' }],
  ['+10@100', '6.00', { value: '0.120000', unrealised: '0.020000', realised: '0.000000', profit: '0.020000' }],
  ['-10@100', '6.00', { position: '-0.020', cost: '0.100000', value: '-0.120000', unrealised: '-0.020000' }],
  ['+10@100f7 -4@110f-2', '5.00', { realised: '0.004000', fees: '0.000005', unrealised: '0.000000', profit: '0.003995' }],
  ['+2@10 +1@11', '1', { averagePrice: '0.516667', boughtQuantity: '0.006', boughtValue: '0.003100', soldValue: '0.000000' }],
  ['+10@100 -10@101', undefined, { position: '0.000', averagePrice: undefined, value: '0.000000', profit: '0.001000' }],
  ['+10@100', undefined, { mark: undefined, value: undefined, unrealised: undefined, profit: undefined, realised: '0.000000' }],
  // A mark between two ticks, with a value between two units: rounded, halves away from zero.
  ['+1@1', '5.00025', { mark: '5.00025', value: '0.010001', unrealised: '0.009901' }],
  ['-1@1', '5.00025', { value: '-0.010001', unrealised: '-0.009901' }],
] as const)
  test(`a position as JSON: ${ledger} at ${at}`, () => {
    const position = positionOf(ledger);
    const its = at === undefined ? undefined : mark(at);
    const view: Record<string, unknown> = { ...positionView(symbol, position, its, positionMoney(symbol, position, its)) };
    for (const [name, value] of Object.entries(expected)) assert.equal(view[name], value, name);
  });

test('totals are sums by quote asset, and count what has no mark', () => {
  const totals = new AssetTotals();
  const other = { ...symbol, quoteAsset: { id: 2, name: 'EUR', decimals: 2 } };
  const add = (of: SymbolInfo, ledger: string, at?: string) =>
    totals.add(positionMoney(of, positionOf(ledger), at === undefined ? undefined : mark(at)));
  add(symbol, '+10@100f3', '6.00');
  add(symbol, '-10@100 +10@90f-1', '6.00');
  add(symbol, '+10@100 -5@102');
  add(other, '+1@1', '6.00');
  assert.deepEqual(totals.views(), [
    {
      ...{ asset: 'USD', value: '0.120000', unrealised: '0.020000', realised: '0.011000', fees: '0.000002', profit: '0.030998' },
      unmarked: 1,
    },
    { asset: 'EUR', value: '0.01', unrealised: '-0.99', realised: '0.00', fees: '0.00', profit: '-0.99' },
  ]);
});

test('marks of the venue: last trade, reference, middle; the first that there is', () => {
  const book = (bid: number, ask: number) => () => ({ bestBid: () => bid, bestAsk: () => ask }) as never;
  const text = (name: Parameters<typeof venueMarks>[0], last: number, reference: number, bid: number, ask: number) => {
    const found = venueMarks(name, book(bid, ask))({ ...symbol, lastPrice: last, referencePrice: reference });
    return found && `${found.kind} ${decimalOf(found.price)}`;
  };
  assert.equal(text('venue', 100, 99, 97, 98), 'last 5.00');
  assert.equal(text('venue', 0, 99, 97, 98), 'reference 4.95');
  assert.equal(text('venue', 0, 0, 97, 99), 'mid 4.90');
  assert.equal(text('mid', 100, 99, 97, 98), 'mid 4.875', 'half a tick');
  assert.equal(text('mid', 100, 99, 0, 98), undefined, 'one side alone is no middle');
  assert.equal(text('last', 0, 99, 97, 98), undefined);
  assert.equal(text('reference', 100, 0, 97, 98), undefined);
  assert.equal(venueMarks('venue', () => undefined)(symbol), undefined);
});

test('instruments of a source by the name of a symbol', () => {
  for (const name of ['BTC-USD', 'BTC/USD', 'btcusd', 'XBT/USD', 'btc_usd']) assert.equal(instrumentKey(name), 'BTCUSD');
  for (const name of ['BTCUSDT', 'TXBTUSD', 'BTC-EUR']) assert.notEqual(instrumentKey(name), 'BTCUSD');
});

test('decimals: rounding and text', () => {
  assert.deepEqual([rounded(5n, 2n), rounded(-5n, 2n), rounded(4n, 3n), rounded(-4n, 3n)], [3n, -3n, 1n, -1n]);
  assert.deepEqual([decimalOf({ units: -5n, decimals: 3 }), decimalOf({ units: 120n, decimals: 0 })], ['-0.005', '120']);
  fc.assert(
    fc.property(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), fc.nat(12), fc.nat(12), (units, from, to) => {
      const there = unitsWith({ units, decimals: from }, to);
      if (to >= from) assert.equal(there, units * 10n ** BigInt(to - from));
      else {
        const error = there * 10n ** BigInt(from - to) - units;
        assert.ok(2n * (error < 0n ? -error : error) <= 10n ** BigInt(from - to));
      }
    }),
  );
});
