import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Answer, exchange, get, post } from './support/admin-exchange.ts';
import { until } from './support/until.ts';

const set = (body: object): Promise<Answer> => post('/v1/symbols/ETH-BTC/phase', body);

test('the operator sets the kind of an auction; queries and metrics follow', async () => {
  const { status, json } = await set({ phase: 'auction', subPhase: 'pre-open' });
  assert.deepEqual([status, json.phase, json.subPhase], [200, 'auction', 'pre-open']);
  const { json: symbol } = await get('/v1/symbols/ETH-BTC');
  assert.deepEqual([symbol.phase, symbol.subPhase], ['auction', 'pre-open']);
  const { json: book } = await get('/v1/book/ETH-BTC');
  assert.deepEqual([book.phase, book.subPhase], ['auction', 'pre-open']);
  const uncrossed = await post('/v1/symbols/ETH-BTC/uncross');
  assert.deepEqual([uncrossed.status, uncrossed.json.name], [409, 'WRONG_PHASE']);
  await until(() => exchange.marketData.book(4)?.subPhase === 1, 'the mirror follows');
  assert.equal((await set({ phase: 'auction', 'sub-phase': 'closing-auction' })).json.subPhase, 'closing-auction');
  assert.equal('subPhase' in (await set({ phase: 'continuous' })).json, false);
  assert.equal('subPhase' in (await get('/v1/symbols/ETH-BTC')).json, false);
});

test('a sub-phase that cannot be set has a message that says why', async () => {
  const rejected: readonly (readonly [object, RegExp])[] = [
    [{ phase: 'continuous', subPhase: 'pre-open' }, /subPhase: needs phase auction, not continuous/],
    [{ subPhase: 'pre-open' }, /phase: is missing/],
    [{ phase: 'auction', subPhase: 'volatility-auction' }, /must be one of pre-open, opening-auction, closing-auction/],
    [{ phase: 'auction', subPhase: 1 }, /must be text/],
  ];
  for (const [body, message] of rejected) {
    const { status, json } = await set(body);
    assert.equal(status, 400);
    assert.match(json.message, message);
  }
});
