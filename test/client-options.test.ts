import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect, DecimalError, type PlaceOrder, SymbolUnits } from '../gateway/client/index.ts';
import { client } from './support/admin-exchange.ts';

const ORDER: PlaceOrder = { symbol: 'SOL-USD', side: 'buy', quantity: '1', price: '150.000' };

test('an option that the client does not know is an error, not ignored', async () => {
  const { orders, market } = client;
  const target = { symbol: 'SOL-USD', orderId: 1 };
  const unknown: [name: string, send: () => Promise<unknown>][] = [
    ['port', () => connect({ port: 1 } as object)],
    ['tokens', () => connect({ httpPort: 1, tokens: 'x' } as object)],
    ['postonly', () => orders.place({ ...ORDER, postonly: true } as PlaceOrder)],
    ['tif', () => orders.place({ ...ORDER, tif: 'ioc' } as PlaceOrder)],
    ['limit', () => orders.place({ symbol: 'SOL-USD', side: 'buy', quantity: '1', limit: '1' } as PlaceOrder)],
    ['quantity', () => orders.cancel({ ...target, quantity: '0.5' } as typeof target)],
    [
      'side',
      () => orders.amend({ ...target, price: '1', quantity: '1', side: 'sell' } as typeof target & { price: string; quantity: string }),
    ],
    ['onitem', () => market.trades('SOL-USD', { onitem: () => undefined } as object)],
    ['__proto__', () => orders.place(JSON.parse('{"symbol":"SOL-USD","side":"buy","quantity":"1","__proto__":{"price":"1"}}'))],
  ];
  for (const [name, send] of unknown)
    await assert.rejects(send, ({ code, message }: { code: string; message: string }) => {
      assert.equal(code, 'BAD_OPTION', name);
      assert.ok(message.includes(` has no option ${JSON.stringify(name)}: use some of `), message);
      return true;
    });
});

test('terms that contradict each other, or are none, are rejected', async () => {
  const place = (terms: object) => client.orders.place({ ...ORDER, ...terms });
  await assert.rejects(place({ timeInForce: 'post-only', postOnly: false }), { code: 'ILLEGAL_COMBINATION' });
  await assert.rejects(place({ postOnly: 'no' }), { code: 'BAD_ENUM' });
  await assert.rejects(place({ side: 'hold' }), { code: 'BAD_ENUM' });
  await assert.rejects(place({ reprice: true }), { code: 'ILLEGAL_COMBINATION', message: /^limit and reprice / });
  // All-or-none is no term, by whatever name.
  for (const timeInForce of ['aon', 'all-or-none']) await assert.rejects(place({ timeInForce }), { code: 'BAD_ENUM' });
  for (const option of ['allOrNone', 'aon']) await assert.rejects(place({ [option]: true }), { code: 'BAD_OPTION' });
  for (const terms of [
    { timeInForce: 'post-only', postOnly: true },
    { timeInForce: 'post-only', postOnly: undefined },
    { postOnly: true },
  ]) {
    const placed = await place(terms);
    assert.deepEqual([placed.kind, placed.timeInForce], ['accepted', 'post-only']);
    assert.equal((await client.orders.cancel(placed)).kind, 'cancelled', 'a report names its order');
  }
});

test('a number stands for its shortest text, however small or large', () => {
  const units = new SymbolUnits({ id: 1, name: 'X-Y', tickSize: '0.00000001', lotSize: '0.000000000001' });
  const cases: [value: number, lots: number][] = [
    [1e-7, 100_000],
    [1.25e-10, 125],
    [1e-12, 1],
    [0.1, 100_000_000_000],
    [1.5, 1_500_000_000_000],
  ];
  for (const [value, lots] of cases) assert.equal(units.lots(value), lots, String(value));
  assert.equal(units.ticks(1e-8), 1);
  assert.equal(new SymbolUnits({ id: 1, name: 'X-Y', tickSize: '1', lotSize: '100000000000000' }).lots(5e21), 50_000_000);
  for (const value of [1e-13, 0.1 + 0.2 + 1e-13, -1, -1e-7, Number.NaN, Number.POSITIVE_INFINITY, 1e300])
    assert.throws(() => units.lots(value), DecimalError, String(value));
});
