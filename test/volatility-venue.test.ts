/** A volatility interruption of a running exchange, over HTTP, client and command line; and phases of many symbols. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { resolveLimits } from '../engine/limits.ts';
import { verifyDataDirectory } from '../engine/threads/verify.ts';
import { demoExchange } from './support/demo-exchange.ts';
import { until } from './support/until.ts';

describe('over HTTP, client and command line', { timeout: 300_000 }, () => {
  const venue = demoExchange();

  const symbol = async (): Promise<Record<string, unknown>> => (await venue.ask('/v1/symbols/BTC-USD')).json;

  it('an order that would leave the band waits in an auction, which ends by itself at a random time', async () => {
    const volatility = { dynamicBand: '1%', duration: 1, randomEnd: 1, wideBand: '50%', extension: 60 };
    const set = await venue.ask('/v1/symbols/BTC-USD/parameters', { 'reference-price': '50000', volatility });
    assert.deepEqual(set.json.volatility, {
      staticBand: '0.0000%',
      dynamicBand: '1.0000%',
      duration: 1,
      wideBand: '50.0000%',
      extension: 60,
      randomEnd: 1,
      profile: 'auction',
      staticPrice: '0.00',
      staticPriceTicks: 0,
      interruptedUntil: null,
    });
    const statuses: { subPhase?: string; earliestEndMs: number }[] = [];
    const market = await venue.client.market.status('BTC-USD');
    void (async () => {
      for await (const status of market) statuses.push(status);
    })();
    await venue.client.orders.place({ symbol: 'BTC-USD', side: 'sell', quantity: '0.5', price: '50501.00' });
    const waits = await venue.client.orders.place({ symbol: 'BTC-USD', side: 'buy', quantity: '0.5', price: '50501.00' });
    assert.equal(waits.kind, 'accepted');
    const now = await symbol();
    assert.deepEqual([now.phase, now.subPhase], ['auction', 'volatility-auction']);
    const { interruptedUntil } = now.volatility as { interruptedUntil: string };
    assert.ok(Math.abs(Date.parse(interruptedUntil) - Date.now()) < 60_000, interruptedUntil);
    const metrics = await (await fetch(`http://127.0.0.1:${venue.ports.http}/metrics`)).text();
    assert.match(metrics, /openbell_symbols_interrupted(\{[^}]*\})? 1/);
    await until(async () => (await symbol()).phase === 'continuous', 'the auction ends');
    assert.equal((await symbol()).lastPrice, '50501.00');
    await until(() => statuses.some(({ earliestEndMs }) => earliestEndMs === 1000), 'the status has the end');
    assert.ok(statuses.some(({ subPhase }) => subPhase === 'volatility-auction'));
  });

  it('one action sets the phase of several symbols, or of all', async () => {
    const halt = await venue.openbell('phase', 'halted', 'BTC-USD', 'ETH-USD');
    assert.deepEqual([halt.code, halt.stdout, halt.stderr], [0, 'halted: 2 symbols\n', '']);
    assert.equal((await symbol()).phase, 'halted');
    await venue.client.admin.setPhase('all', 'auction', 'pre-open');
    assert.equal((await symbol()).subPhase, 'pre-open');
    await venue.client.orders.place({ symbol: 'BTC-USD', side: 'sell', quantity: '0.5', price: '50000.00' });
    const crosses = await venue.client.orders.place({ symbol: 'BTC-USD', side: 'buy', quantity: '0.5', price: '50000.00' });
    const partly = await venue.openbell('phase', 'continuous', '--all');
    assert.equal(partly.code, 1);
    assert.match(partly.stderr, /BOOK_CROSSED: .* \(BTC-USD\); the phase is set for ETH-USD, /);
    const { json: refused } = await venue.ask('/v1/phases', { symbols: ['BTC-USD'], phase: 'continuous' });
    assert.deepEqual([refused.set, refused.refused], [[], [{ symbol: 'BTC-USD', code: 506, name: 'BOOK_CROSSED' }]]);
    await venue.client.orders.cancel({ symbol: 'BTC-USD', orderId: crosses.orderId });
    const all = await venue.openbell('phase', 'continuous', '--all', '--json');
    assert.deepEqual(JSON.parse(all.stdout).phase, 'continuous');
    assert.equal((await venue.openbell('phase', 'halted')).code, 2);
    assert.equal((await venue.openbell('phase', 'halted', 'NONE')).code, 1);
    const wrong = await venue.ask('/v1/phases', { symbols: [], phase: 'halted' });
    assert.deepEqual([wrong.status, wrong.json.name], [400, 'BAD_PARAMETER']);
  });

  it('a replay of the log gives the same state', async () => {
    await venue.client.close();
    await venue.running.stop();
    const { imbalances } = verifyDataDirectory(venue.data, { limits: resolveLimits(), fromSnapshot: false });
    assert.deepEqual(imbalances, []);
  });
});
