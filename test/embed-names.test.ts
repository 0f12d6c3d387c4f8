/** Calls of an embedded exchange that are written wrongly. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createExchange, restoreExchange } from '../engine/index.ts';
import { LIMITS, open, order, throws } from './support/embedded.ts';

describe('what is misspelt or no value of its kind', () => {
  it('is refused in every call, and nothing changes', () => {
    const exchange = open();
    const { orderId } = exchange.place(order('alice', 'buy', '1', '90.00'));
    const full = order('alice', 'buy', '1', '100.00');
    const before = [exchange.machine.seq, exchange.stateHash()];
    const target = { account: 'alice', orderId };
    const calls: readonly (() => unknown)[] = [
      () => exchange.place({ ...full, prise: '100.00' } as never),
      () => exchange.place({ ...full, postonly: true } as never),
      () => exchange.place({ ...full, orderId: undefined } as never),
      () => exchange.place({ ...full, constructor: 1 } as never),
      () => exchange.place(Object.create({ ...full, prise: '100.00' })),
      () => exchange.amend({ ...target, pricee: '80.00' } as never),
      () => exchange.amend({ ...target, price: '80.00', side: 'buy' } as never),
      () => exchange.cancel({ ...target, sybol: 'BTC-USD' } as never),
      () => exchange.cancel({ ...target, price: '1.00' } as never),
      () => exchange.massCancel({ account: 'alice', sybol: 'BTC-USD' } as never),
      () => exchange.quote({ account: 'alice', symbol: 'BTC-USD', asks: { price: 1, quantity: 1 } } as never),
      () => exchange.quote({ account: 'alice', symbol: 'BTC-USD', ask: { price: 1, quantity: 1, lots: 1 } } as never),
      () => exchange.quote({ account: 'alice', symbol: 'BTC-USD', bid: 5 } as never),
      () => exchange.protectQuotes('alice', { fill: 1 } as never),
      () => exchange.placeList({ account: 'alice', symbol: 1, link: 'oco', sides: 'buy', orders: [] } as never),
      () => exchange.placeList({ account: 'alice', symbol: 1, link: 'oco', side: 'buy', orders: 5 } as never),
      () => exchange.placeList({ ...full, link: 'oco', orders: [{}, {}] } as never),
      () =>
        exchange.placeList({
          account: 'alice',
          symbol: 1,
          link: 'oco',
          quantity: '1',
          side: 'buy',
          orders: [{ price: '80.00' }, { prise: '70.00' }],
        } as never),
      () => exchange.cancelOrders({ symbol: 'BTC-USD', acount: 'bob' } as never),
      () => exchange.kill({ acount: 'alice' } as never, true),
      () => exchange.kill({} as never, true),
      () => exchange.kill({ venue: false } as never, true),
      () => exchange.kill({ account: 'alice', symbol: 'BTC-USD' } as never, true),
      () => exchange.order({ account: 'alice', ordrId: orderId } as never),
      () => exchange.defineAsset({ name: 'ETH', decimals: 4, digits: 1 } as never),
      () => exchange.setLimits('alice', 'BTC-USD', { maxPos: '1' } as never),
      () => exchange.setAccount('alice', null as never),
      () => exchange.place(null as never),
      () => exchange.place('buy' as never),
      () => exchange.amend(undefined as never),
      () => exchange.cancel(7 as never),
      () => exchange.quote(null as never),
      () => exchange.massCancel(null as never),
      () => exchange.on('trade', 5 as never),
      () => exchange.afterwards(5 as never),
      () => createExchange(null as never),
      () => createExchange({ clock: 5 as never }),
      () => open({ clock: () => Number.NaN }),
      () => open({ random: 5 as never }),
      () => restoreExchange(exchange.snapshot(), { limits: LIMITS, accounts: [] } as never),
    ];
    for (const call of calls) throws(call, 'BAD_OPTION');
    throws(() => restoreExchange(null as never), 'SNAPSHOT_INVALID');
    throws(() => restoreExchange('bytes' as never), 'SNAPSHOT_INVALID');
    assert.deepEqual([exchange.machine.seq, exchange.stateHash()], before);
    assert.throws(
      () => exchange.place({ ...full, prise: 1 } as never),
      /^EmbedError: an order has no prise; it may have: account, symbol, side/,
    );
  });

  it('is not what is inherited, or left undefined', () => {
    const exchange = open();
    class Mine {
      account = 'alice';
      symbol = 'BTC-USD';
      side = 'buy' as const;
      quantity = '1';
      price = '90.00';
      expiresUs = undefined;
      describe(): string {
        return this.account;
      }
    }
    assert.equal(exchange.place(new Mine()).status, 'open');
    assert.equal(exchange.place(Object.create(new Mine())).status, 'open');
    assert.equal(exchange.openOrders('alice').length, 2);
  });

  it('has a text that says what is wrong', () => {
    const exchange = open();
    const { text } = exchange.place(order('alice', 'buy', '0', '100.00'));
    assert.match(text, /outside its range/);
    assert.match(exchange.place({ ...order('alice', 'buy', '1', '1.00'), timeInForce: 'fok', postOnly: true }).text, /cannot be combined/);
    assert.throws(() => createExchange({ limits: { foo: 1 } as never }), /a limit has no foo; it may have: orders, /);
    assert.throws(() => exchange.setSymbol('BTC-USD', { makerFeePpm: -100 }), /makerFeePpm of BTC-USD was rejected: .*taker's fee/);
    assert.throws(
      () => exchange.setSymbol('BTC-USD', { makerFeePpm: -100 }),
      (error) => !/lot/.test(String(error)),
    );
  });
});
