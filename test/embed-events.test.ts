/** Events of an embedded exchange, and what answers them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { OrderResult } from '../engine/index.ts';
import { open, order, S, throws } from './support/embedded.ts';

describe('events of an embedded exchange', () => {
  it('are called back with names and text, and only while there is a callback', () => {
    const exchange = open();
    const seen: string[] = [];
    const remove = [
      exchange.on('trade', (trade) => seen.push(`trade ${trade.quantity}@${trade.price} ${trade.aggressor} ${trade.tradeId}`)),
      exchange.on('book', (change) => seen.push(`${change.action} ${change.orderId} ${change.quantity}@${change.price}`)),
      exchange.on('phase', (event) => seen.push(`${event.symbol} ${event.phase} ${event.subPhase}`)),
      exchange.on('report', (report) => seen.push(`${report.account} ${report.kind} ${report.leaves}`)),
    ];
    exchange.place(order('bob', 'sell', '1', '100.00'));
    exchange.place(order('alice', 'buy', '0.4', '100.00'));
    exchange.setPhase('BTC-USD', 'auction', 'pre-open');
    assert.deepEqual(seen, [
      'bob accepted 1.00',
      'add 1 1.00@100.00',
      'alice accepted 0.40',
      'bob fill 0.60',
      'alice fill 0.00',
      'trade 0.40@100.00 buy 1',
      'trade 1 0.40@100.00',
      ' accepted 0.00',
      'BTC-USD auction pre-open',
    ]);
    for (const end of remove) end();
    exchange.place(order('carol', 'buy', '0.4', '90.00'));
    assert.equal(seen.length, 9);
    throws(() => exchange.on('fill' as never, () => undefined), 'BAD_ENUM');
  });

  it('come whole, also when a command writes more than the rings hold', () => {
    const exchange = open();
    for (let i = 0; i < 3000; i++) exchange.place({ account: 'bob', symbol: 1, side: 'sell', quantity: 1, price: 10_000 + (i % 50) });
    let [reports, trades] = [0, 0];
    const last = new Map<string, number>();
    exchange.on('report', ({ kind, account, reportNo }) => {
      assert.equal(reportNo, (last.get(account) ?? reportNo - 1) + 1, account);
      last.set(account, reportNo);
      if (kind === 'fill' && account === 'alice') reports++;
    });
    exchange.on('trade', ({ tradeId }) => assert.equal(tradeId, ++trades));
    const sweep = exchange.place({ account: 'alice', symbol: 1, side: 'buy', quantity: 2900, price: 11_000 });
    assert.deepEqual([sweep.fills.length, sweep.filledLots, reports, trades], [2900, 2900, 2900, 2900]);
    assert.equal(exchange.place({ account: 'alice', symbol: 1, side: 'buy', quantity: 200, price: 11_000 }).fills.length, 100);
    assert.equal(exchange.bestAskTicks('BTC-USD'), 0);
  });

  it('are answered with orders afterwards, not from within', () => {
    const exchange = open();
    const stop = exchange.on('trade', () => exchange.place(order('carol', 'buy', '1', '90.00')));
    exchange.place(order('bob', 'sell', '1', '100.00'));
    throws(() => exchange.place(order('alice', 'buy', '0.1', '100.00')), 'IN_CALLBACK');
    assert.equal(exchange.balance('alice', 'BTC').available, '1000.1000', 'the command was carried out');
    stop();
    exchange.on('trade', ({ tradeId }) =>
      exchange.afterwards(() => exchange.place({ ...order('carol', 'buy', '1', '90.00'), clientOrderId: tradeId })),
    );
    exchange.place(order('alice', 'buy', '0.1', '100.00'));
    assert.equal(exchange.openOrders('carol')[0].clientOrderId, 2);
    let called = false;
    exchange.afterwards(() => {
      called = true;
    });
    assert.equal(called, true);
  });

  it('answered with an order leave the result of the first one as it is', () => {
    const exchange = open();
    exchange.place(order('bob', 'sell', '1', '100.00'));
    const later: OrderResult[] = [];
    exchange.on('trade', () =>
      exchange.afterwards(() => later.push(exchange.place({ ...order('carol', 'buy', '2', '90.00'), clientOrderId: 9 }))),
    );
    const first = exchange.place({ ...order('alice', 'buy', '0.1', '100.00'), clientOrderId: 8 });
    assert.deepEqual([first.clientOrderId, first.status, first.fills.length, first.leavesLots], [8, 'filled', 1, 0]);
    assert.deepEqual([later[0].clientOrderId, later[0].status, later[0].fills.length, later[0].leavesLots], [9, 'open', 0, 200]);
  });

  it('that fail do not stop the others', () => {
    const exchange = open();
    let [seen, after] = [0, 0];
    exchange.on('report', () => {
      throw new Error('mine');
    });
    exchange.on('report', () => seen++);
    exchange.on('report', () => exchange.afterwards(() => after++));
    assert.throws(() => exchange.place(order('bob', 'sell', '1', '100.00')), /mine/);
    assert.deepEqual([seen, after, exchange.openOrders('bob').length], [1, 1, 1]);
  });
});

describe('what waits for the end of a command', () => {
  const LINKS = 20_000;

  it('goes on for any number of links', () => {
    const exchange = open();
    let links = 0;
    exchange.on('report', ({ kind }) => {
      if (kind === 'rejected' && links < LINKS)
        exchange.afterwards(() => {
          links++;
          exchange.place({ account: 1, symbol: 1, side: 'buy', quantity: 1, price: 2 ** 30 });
        });
    });
    exchange.place({ account: 1, symbol: 1, side: 'buy', quantity: 1, price: 2 ** 30 });
    assert.equal(links, LINKS);
    let steps = 0;
    const step = (): void => {
      if (++steps < LINKS) exchange.afterwards(step);
    };
    exchange.afterwards(step);
    assert.equal(steps, LINKS);
  });

  it('is called to the last one if one of them throws, and the first error comes out', () => {
    const exchange = open();
    const called: number[] = [];
    const stop = exchange.on('report', () => {
      for (const id of [1, 2, 3])
        exchange.afterwards(() => {
          called.push(id);
          if (id < 3) throw new Error(`mine ${id}`);
        });
    });
    assert.throws(() => exchange.place(order('alice', 'buy', '1', '90.00')), /mine 1/);
    assert.deepEqual(called, [1, 2, 3]);
    stop();
    exchange.place(order('alice', 'buy', '1', '90.00'));
    assert.equal(called.length, 3);
  });

  it('happens at its own time, and moves the time only forward', () => {
    const exchange = open();
    const seen: number[] = [];
    exchange.place({ ...order('alice', 'buy', '1', '90.00'), expiresUs: 5 * S });
    exchange.on('report', ({ kind }) => {
      if (kind === 'cancelled')
        exchange.afterwards(() => {
          seen.push(exchange.nowUs);
          exchange.advanceTo(20 * S);
        });
    });
    exchange.advanceTo(10 * S);
    assert.deepEqual([seen, exchange.nowUs], [[5 * S], 20 * S]);
  });
});
