import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { resolveLimits } from '../engine/limits.ts';
import type { Directory } from '../engine/threads/directory.ts';
import { Phase } from '../engine/wire/layout.ts';
import { MAX_SYMBOL_SERIES, VenueGauges } from '../gateway/venue/venue-gauges.ts';
import { client, data, get, post } from './support/admin-exchange.ts';
import { until } from './support/until.ts';

test('metrics name the build, and show what is in use of each capacity, the symbols, auctions and the disk', async () => {
  const scrape = async () => {
    const values = new Map<string, number>();
    for (const [, series, value] of String((await get('/metrics')).json).matchAll(/^(openbell_\S+) (\S+)$/gm))
      values.set(series, Number(value));
    return values;
  };
  const before = await scrape();
  const [build] = [...before.keys()].filter((series) => series.startsWith('openbell_build_info'));
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  assert.match(
    build,
    new RegExp(`version="${version}",node="${process.versions.node}",topology="compact",durability="durable",rules="\\d+"`),
  );
  assert.equal(before.get('openbell_capacity{resource="orders"}'), 2 ** 20);
  assert.equal(before.get('openbell_capacity_used{resource="accounts"}'), (await get('/v1/accounts')).json.length);
  assert.equal(before.get('openbell_capacity_used{resource="symbols"}'), (await get('/v1/symbols')).json.length);
  assert.ok((before.get('openbell_disk_free_bytes') ?? 0) > 0);
  assert.ok((before.get('openbell_disk_size_bytes') ?? 0) >= (before.get('openbell_disk_free_bytes') ?? 0));
  assert.equal(before.get('openbell_symbols_omitted'), 0);

  const first = await client.orders.place({ symbol: 'ETH-USD', side: 'sell', price: '3000.00', quantity: '2' });
  await client.orders.place({ symbol: 'ETH-USD', side: 'buy', price: '3000.00', quantity: '0.5' });
  await post('/v1/symbols/SOL-USD/phase', { phase: 'auction' });
  const sell = await client.orders.place({ symbol: 'SOL-USD', side: 'sell', price: '140.000', quantity: '2.5' });
  const buy = await client.orders.place({ symbol: 'SOL-USD', side: 'buy', price: '140.000', quantity: '1.5' });
  // The text is made at most once a second.
  let now = before;
  const grown = (series: string) => (now.get(series) ?? 0) - (before.get(series) ?? 0);
  await until(async () => {
    now = await scrape();
    return grown('openbell_symbol_resting_orders{symbol="SOL-USD"}') === 2;
  }, 'the orders in the auction');
  assert.equal(grown('openbell_symbol_trades_total{symbol="ETH-USD"}'), 1);
  assert.equal(grown('openbell_symbol_resting_orders{symbol="ETH-USD"}'), 1);
  assert.equal(grown('openbell_capacity_used{resource="orders"}'), 3);
  assert.equal(now.get('openbell_symbol_last_price{symbol="ETH-USD"}'), 3000);
  assert.equal(grown('openbell_symbols{phase="auction"}'), 1);
  assert.deepEqual(
    [now.get('openbell_symbol_indicative_price{symbol="SOL-USD"}'), now.get('openbell_symbol_indicative_volume{symbol="SOL-USD"}')],
    [140, 1.5],
  );
  assert.equal(now.has('openbell_symbol_indicative_price{symbol="ETH-USD"}'), false, 'only in an auction');
  for (const { symbol, orderId } of [first, sell, buy]) await client.orders.cancel({ symbol, orderId });
  await post('/v1/symbols/SOL-USD/phase', { phase: 'continuous' });
  await until(async () => {
    now = await scrape();
    return grown('openbell_capacity_used{resource="orders"}') === 0;
  }, 'the orders are gone');
});

test('series of symbols are bounded, and the others counted', () => {
  const symbol = { tickMantissa: 1, tickDecimals: 2, lotMantissa: 1, lotDecimals: 4, phase: Phase.Continuous, lastPrice: 0, tradeId: 0 };
  const symbols = Array.from({ length: 250 }, (_, i) => ({ ...symbol, id: i + 1, name: `S${i + 1}` }));
  const directory = { version: 1, symbols: () => symbols, assets: () => [], count: () => undefined } as unknown as Directory;
  const gauges = new VenueGauges(
    directory,
    () => undefined,
    () => 0,
    resolveLimits(),
    join(data, 'nowhere'),
  );
  assert.deepEqual([gauges.symbols().length, gauges.omittedSymbols()], [MAX_SYMBOL_SERIES, 150]);
  assert.equal(gauges.phases().find(({ phase }) => phase === 'continuous')?.symbols, 250);
});
