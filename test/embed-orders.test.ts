/** Orders of an embedded exchange: each operation, and its result. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Code } from '../engine/codes.ts';
import { type EmbeddedExchange, FIRST_OWN_ID, OrderResult, type PlaceOrder } from '../engine/index.ts';
import { open, order, S, throws } from './support/embedded.ts';

describe('orders of an embedded exchange', () => {
  it('rest, trade and leave, with results in text and integers', () => {
    const exchange = open();
    const rested = exchange.place(order('bob', 'sell', '1', '100.00'));
    assert.deepEqual(
      [rested.accepted, rested.status, rested.leaves, rested.leavesLots, rested.symbol],
      [true, 'open', '1.00', 100, 'BTC-USD'],
    );
    assert.equal(rested.clientOrderId >= FIRST_OWN_ID, true);
    const taker = exchange.place(order('alice', 'buy', '0.4', '101.00'));
    assert.deepEqual([taker.status, taker.filled, taker.fills.length], ['filled', '0.40', 1]);
    const [fill] = taker.fills;
    assert.deepEqual(
      [fill.price, fill.quantity, fill.fee, fill.maker, fill.contraOrderId],
      ['100.00', '0.40', '0.0000', false, rested.orderId],
    );
    const market = exchange.place(order('alice', 'buy', '1'));
    assert.deepEqual([market.status, market.filled, market.cancelled], ['cancelled', '0.60', '0.40']);
    assert.equal(exchange.order({ account: 'bob', orderId: rested.orderId }), undefined);
    assert.equal(exchange.balance('alice', 'BTC').available, '1001.0000');
    assert.equal(exchange.symbol('BTC-USD').lastPrice, '100.00');
  });

  it('take integers as ticks and lots, ids as names, and reuse a result', () => {
    const exchange = open();
    const into = new OrderResult();
    const result = exchange.place({ account: 2, symbol: 1, side: 'sell', quantity: 50, price: 10_000, clientOrderId: 7, tag: 9 }, into);
    assert.equal(result, into);
    assert.deepEqual([into.orderId, into.clientOrderId, into.leavesLots], [1, 7, 50]);
    exchange.place({ account: 1, symbol: 1, side: 'buy', quantity: 20, price: 10_000, timeInForce: 'ioc' }, into);
    assert.deepEqual([into.orderId, into.filledLots, into.fills.length], [2, 20, 1]);
    exchange.cancel({ account: 2, clientOrderId: 7 }, into);
    assert.deepEqual([into.accepted, into.cancelledLots, into.fills.length], [true, 30, 0]);
  });

  it('have results that show nothing of the command before, new or reused', () => {
    const calls: readonly ((exchange: EmbeddedExchange, into?: OrderResult) => OrderResult)[] = [
      (exchange, into) => exchange.place({ ...order('bob', 'sell', '1', '100.00'), clientOrderId: 1 }, into),
      (exchange, into) => exchange.place({ ...order('alice', 'buy', '2', '100.00'), timeInForce: 'ioc', clientOrderId: 2 }, into),
      (exchange, into) => exchange.place({ ...order('alice', 'buy', '1', '99.00'), clientOrderId: 3 }, into),
      (exchange, into) => exchange.place({ ...order('alice', 'buy', '1', '99.00'), clientOrderId: 3 }, into),
      (exchange, into) => exchange.amend({ account: 'alice', clientOrderId: 3, quantity: '0.5' }, into),
      (exchange, into) => exchange.cancel({ account: 'alice', clientOrderId: 3 }, into),
      (exchange, into) => exchange.cancel({ account: 'alice', clientOrderId: 3 }, into),
      (exchange, into) => exchange.place({ ...order('alice', 'buy', '0', '99.00'), clientOrderId: 4 }, into),
      (exchange, into) => exchange.place({ ...order('alice', 'buy', '1', '99.00'), clientOrderId: 5 }, into),
    ];
    const rows = ({ accepted, reason, duplicate, keptPriority, leavesLots, filledLots, cancelledLots, cancelCode, fills }: OrderResult) =>
      [accepted, reason, duplicate, keptPriority, leavesLots, filledLots, cancelledLots, cancelCode, fills.length].join(' ');
    const expected = [
      'true OK false false 100 0 0 0 0',
      `true OK false false 0 100 100 ${Code.CANCELLED_REMAINDER} 1`,
      'true OK false false 100 0 0 0 0',
      'true OK true false 100 0 0 0 0',
      'true OK false true 50 0 0 0 0',
      `true OK false false 0 0 50 ${Code.CANCELLED_BY_CLIENT} 0`,
      'false UNKNOWN_ORDER false false 0 0 0 0 0',
      'false BAD_RANGE false false 0 0 0 0 0',
      'true OK false false 100 0 0 0 0',
    ];
    const fresh = open();
    assert.deepEqual(calls.map((call) => call(fresh)).map(rows), expected);
    const [reusing, into] = [open(), new OrderResult()];
    assert.deepEqual(
      calls.map((call) => rows(call(reusing, into))),
      expected,
    );
  });

  it('are rejected with a code, and nothing changes', () => {
    const exchange = open();
    const rows: readonly (readonly [Partial<PlaceOrder>, keyof typeof Code])[] = [
      [{ price: '0' }, 'BAD_RANGE'],
      [{ quantity: '0' }, 'BAD_RANGE'],
      [{ price: '99999999' }, 'PRICE_RANGE'],
      [{ quantity: '900000' }, 'INSUFFICIENT_FUNDS'],
      [{ timeInForce: 'fok' }, 'FOK_NOT_FILLABLE'],
      [{ timeInForce: 'day' }, 'NO_SESSION'],
      [{ timeInForce: 'fok', postOnly: true }, 'ILLEGAL_COMBINATION'],
      [{ hidden: true, displayedQuantity: '0.5' }, 'ILLEGAL_COMBINATION'],
      [{ expiresUs: 1, timeInForce: 'gtc' }, 'BAD_RANGE'],
      [{ account: 12 }, 'UNKNOWN_ACCOUNT'],
    ];
    const before = exchange.account('alice').balances;
    for (const [terms, code] of rows) {
      const result = exchange.place({ ...order('alice', 'buy', '1', '100.00'), ...terms });
      assert.deepEqual([result.accepted, result.reason, result.code, result.status], [false, code, Code[code], 'rejected'], code);
      assert.ok(result.text.length > 3);
    }
    assert.deepEqual(exchange.account('alice').balances, before);
    assert.equal(exchange.openOrders('alice').length, 0);
    assert.equal(exchange.cancel({ account: 'alice', orderId: 99 }).reason, 'UNKNOWN_ORDER');
    assert.equal(exchange.cancel({ account: 'alice', clientOrderId: 99 }).reason, 'UNKNOWN_ORDER');
    assert.equal(exchange.amend({ account: 'alice', orderId: 99, price: 1, quantity: 1 }).reason, 'UNKNOWN_ORDER');
    assert.equal(exchange.amend({ account: 'alice', orderId: 99, price: '1.00', quantity: '1' }).reason, 'UNKNOWN_ORDER');
    assert.equal(exchange.cancel({ account: 'alice' }).reason, 'BAD_RANGE');
  });

  it('are not sent if the call is written wrongly', () => {
    const exchange = open();
    const { seq } = exchange.machine;
    const place = (terms: object) => () => exchange.place({ ...order('alice', 'buy', '1', '100.00'), ...terms });
    throws(place({ symbol: 'ETH-USD' }), 'UNKNOWN_SYMBOL');
    throws(place({ account: 'mallory' }), 'UNKNOWN_ACCOUNT');
    throws(place({ account: -1 }), 'UNKNOWN_ACCOUNT');
    throws(place({ side: 'bid' }), 'BAD_ENUM');
    throws(place({ type: 'limits' }), 'BAD_ENUM');
    throws(place({ timeInForce: 'forever' }), 'BAD_ENUM');
    throws(place({ price: '1e3' }), 'DECIMAL_MALFORMED');
    throws(place({ price: '100.001' }), 'DECIMAL_NOT_A_MULTIPLE');
    throws(place({ quantity: '90071992547409930' }), 'DECIMAL_TOO_LARGE');
    throws(place({ price: 100.5 }), 'BAD_RANGE');
    throws(place({ quantity: -1 }), 'BAD_RANGE');
    throws(place({ clientOrderId: FIRST_OWN_ID }), 'BAD_RANGE');
    throws(place({ tag: 2 ** 32 }), 'BAD_RANGE');
    throws(place({ pegOffset: '0.01' }), 'BAD_RANGE');
    throws(place({ trailOffset: '1.00' }), 'BAD_RANGE');
    throws(place({ trigger: 'reference' }), 'BAD_RANGE');
    throws(place({ displayedQuantity: '0' }), 'BAD_RANGE');
    throws(place({ peg: 'best' }), 'BAD_ENUM');
    throws(() => exchange.amend({ account: 'alice', orderId: 1.5 }), 'BAD_RANGE');
    throws(() => exchange.deposit('alice', 'EUR', '1'), 'UNKNOWN_ASSET');
    throws(() => exchange.setPhase('BTC-USD', 'open' as never), 'BAD_ENUM');
    throws(() => exchange.setSymbol('BTC-USD', { makerFee: 1 } as never), 'BAD_OPTION');
    assert.equal(exchange.machine.seq, seq);
  });

  it('of several symbols are in the book that each one names', () => {
    const exchange = open();
    const first = order('alice', 'buy', '1', '100.00');
    assert.equal(exchange.place(first).symbol, 'BTC-USD');
    exchange.defineSymbol({ name: 'BTC-ALT', base: 'BTC', quote: 'USD', tickSize: '0.1', lotSize: '0.1' });
    for (const symbol of ['BTC-ALT', 'BTC-USD', 'BTC-ALT']) {
      const { symbol: named, leaves } = exchange.place({ ...first, symbol });
      assert.deepEqual([named, leaves], [symbol, symbol === 'BTC-ALT' ? '1.0' : '1.00']);
    }
    for (const symbol of ['BTC-XXX', undefined, '']) throws(() => exchange.place({ ...first, symbol: symbol as never }), 'UNKNOWN_SYMBOL');
    assert.equal(exchange.place({ ...first, symbol: 1 }).symbol, 'BTC-USD');
    assert.equal(exchange.place({ ...first, symbol: 'BTC-ALT' }).symbol, 'BTC-ALT');
  });

  it('have one client order id once', () => {
    const exchange = open();
    const first = exchange.place({ ...order('alice', 'buy', '1', '100.00'), clientOrderId: 5 });
    const again = exchange.place({ ...order('alice', 'buy', '1', '100.00'), clientOrderId: 5 });
    assert.deepEqual([again.accepted, again.duplicate, again.orderId], [true, true, first.orderId]);
    assert.equal(exchange.place({ ...order('alice', 'buy', '2', '100.00'), clientOrderId: 5 }).reason, 'CLIENT_ORDER_ID_REUSED');
  });

  it('have every term: each kind waits, rests or trades as it says', () => {
    const exchange = open({ random: () => 0 });
    exchange.place(order('bob', 'sell', '5', '100.00'));
    exchange.place(order('bob', 'buy', '5', '99.00'));
    exchange.place(order('carol', 'buy', '1', '100.00'));
    const rows: readonly (readonly [Partial<PlaceOrder>, string])[] = [
      [{ price: '98.00', postOnly: true }, 'open'],
      [{ price: '100.00', timeInForce: 'post-only' }, 'rejected'],
      [{ price: '100.00', postOnly: true, reprice: true }, 'open'],
      [{ price: '98.00', hidden: true }, 'open'],
      [{ price: '98.00', displayedQuantity: '0.1' }, 'open'],
      [{ price: '98.00', expiresUs: 5 * S }, 'open'],
      [{ price: '101.00', timeInForce: 'ioc', minQuantity: '0.5' }, 'filled'],
      [{ stopPrice: '105.00' }, 'open'],
      [{ stopPrice: '105.00', price: '106.00', trigger: 'reference' }, 'open'],
      [{ stopPrice: '90.00' }, 'rejected'],
      [{ trailOffset: '2.00' }, 'open'],
      [{ trailPpm: 20_000, limitOffset: '1.00', activationPrice: '95.00', reportTrail: true }, 'open'],
      [{ price: '99.50', peg: 'primary', pegOffset: '0.10' }, 'open'],
      [{ price: '99.50', peg: 'market', pegOffset: 100 }, 'open'],
      [{ price: '99.50', peg: 'primary', pegOffset: '-0.10' }, 'open'],
      [{ price: '98.00', timeInForce: 'at-the-close' }, 'open'],
      [{ price: '98.00', selfTrade: 'cancel-both' }, 'open'],
      [{ type: 'market' }, 'filled'],
      [{ type: 'market', timeInForce: 'fok' }, 'filled'],
    ];
    for (const [terms, status] of rows)
      assert.equal(exchange.place({ ...order('alice', 'buy', '1'), ...terms }).status, status, JSON.stringify(terms));
    const open_ = exchange.openOrders('alice');
    assert.equal(open_.length, rows.filter(([, status]) => status === 'open').length);
    assert.equal(open_.filter(({ waits }) => waits).length, 5);
    // Market data shows no hidden order: 98.00 has the others.
    const level = exchange.book('BTC-USD').bids.find(({ price }) => price === '98.00');
    assert.deepEqual([level?.orders, level?.quantity], [4, '3.10']);
  });

  it('are amended: what is left out stays', () => {
    const exchange = open();
    const { orderId } = exchange.place(order('alice', 'buy', '2', '100.00'));
    const target = { account: 'alice', orderId };
    assert.equal(exchange.amend({ ...target, quantity: '1' }).keptPriority, true);
    assert.deepEqual([exchange.order(target)?.price, exchange.order(target)?.leaves], ['100.00', '1.00']);
    assert.equal(exchange.amend({ ...target, price: '99.00' }).leaves, '1.00');
    const stop = exchange.place({ ...order('alice', 'sell', '2'), stopPrice: '90.00', triggerNow: true });
    assert.equal(exchange.amend({ account: 'alice', orderId: stop.orderId, quantity: '1' }).accepted, true);
    assert.equal(exchange.amend({ account: 'alice', orderId: stop.orderId, stopPrice: '91.00' }).accepted, true);
    const waiting = exchange.order({ account: 'alice', orderId: stop.orderId });
    assert.deepEqual([waiting?.stopPrice, waiting?.leaves], ['91.00', '1.00']);
    exchange.place(order('bob', 'sell', '1', '99.00'));
    const trail = exchange.place({ ...order('alice', 'sell', '2'), trailOffset: '2.00', limitOffset: '1.00' });
    assert.equal(exchange.amend({ account: 'alice', orderId: trail.orderId, quantity: '1' }).leaves, '1.00');
    assert.equal(exchange.amend({ account: 'alice', orderId: trail.orderId, trailPpm: 30_000 }).accepted, true);
    const iceberg = exchange.place({ ...order('alice', 'buy', '2', '50.00'), displayedQuantity: '0.5' });
    assert.equal(exchange.amend({ account: 'alice', orderId: iceberg.orderId, displayedQuantity: '0.2' }).accepted, true);
    assert.equal(exchange.amend({ account: 'alice', orderId: iceberg.orderId, stopPrice: '1.00' }).reason, 'STOP_PRICE');
  });

  it('come in lists: all or none', () => {
    const exchange = open();
    exchange.place(order('bob', 'sell', '5', '100.00'));
    const bracket = exchange.placeList({
      account: 'alice',
      symbol: 'BTC-USD',
      link: 'bracket',
      side: 'buy',
      quantity: '1',
      orders: [{ price: '100.00' }, { price: '110.00' }, { stopPrice: '90.00' }],
    });
    assert.deepEqual([bracket.accepted, bracket.reason], [true, 'OK']);
    assert.deepEqual(
      bracket.orders.map(({ status }) => status),
      ['filled', 'open', 'open'],
    );
    const profit = { account: 'alice', orderId: bracket.orders[1].orderId };
    assert.deepEqual([exchange.order(profit)?.side, exchange.order(profit)?.waits], ['sell', false]);
    const wrong = exchange.placeList({
      account: 'alice',
      symbol: 'BTC-USD',
      link: 'oco',
      side: 'buy',
      quantity: '1',
      orders: [{ price: '90.00' }, { price: '80.00' }],
    });
    assert.deepEqual([wrong.accepted, wrong.reason, wrong.orders[0].reason], [false, 'BAD_LIST', 'BAD_LIST']);
    const poor = exchange.placeList({
      account: 'alice',
      symbol: 'BTC-USD',
      link: 'oco',
      quantity: '900000',
      orders: [
        { side: 'buy', price: '90.00' },
        { side: 'buy', stopPrice: '120.00' },
      ],
    });
    assert.equal(poor.accepted, false);
    assert.notEqual(poor.reason, 'LIST_REJECTED');
    throws(() => exchange.placeList({ account: 'alice', symbol: 'BTC-USD', link: 'oto', orders: [] }), 'BAD_RANGE');
  });

  it('are quoted on both sides, in place', () => {
    const exchange = open();
    const quote = (bid: string, ask: string) =>
      exchange.quote({ account: 'alice', symbol: 'BTC-USD', bid: { price: bid, quantity: '1' }, ask: { price: ask, quantity: '1' } });
    const first = quote('99.00', '101.00');
    assert.deepEqual([first.accepted, first.bid.leaves, first.ask.leaves], [true, '1.00', '1.00']);
    exchange.place(order('bob', 'sell', '1', '99.50'));
    const second = quote('99.50', '101.00');
    assert.deepEqual([second.bid.orderId, second.bid.status, second.bid.fills[0].price], [first.bid.orderId, 'filled', '99.50']);
    assert.equal(second.ask.keptPriority, true);
    assert.deepEqual([quote('101.00', '100.00').reason, exchange.openOrders('alice').length], ['QUOTE_CROSSED', 1]);
    const off = exchange.quote({ account: 'alice', symbol: 'BTC-USD' });
    assert.deepEqual([off.accepted, off.ask.cancelled, exchange.openOrders('alice').length], [true, '1.00', 0]);
    assert.equal(exchange.protectQuotes('alice', { windowUs: S, fills: 1 }).accepted, true);
    quote('99.00', '101.00');
    for (const price of ['99.00', '98.00']) exchange.place(order('bob', 'sell', '0.1', price));
    assert.equal(quote('99.00', '101.00').reason, 'PROTECTION_TRIGGERED');
    assert.equal(exchange.resetProtection('alice').accepted, true);
    assert.equal(quote('99.00', '101.00').accepted, true);
  });

  it('are cancelled many at once, to the last one', () => {
    const exchange = open();
    for (let i = 0; i < 1500; i++)
      exchange.place({ account: 'alice', symbol: 1, side: i % 2 === 0 ? 'buy' : 'sell', quantity: 1, price: i % 2 === 0 ? 9000 : 11_000 });
    assert.deepEqual(exchange.massCancel({ account: 'alice', side: 'buy' }), { accepted: true, code: 0, reason: 'OK', count: 750 });
    assert.equal(exchange.openOrders('alice').length, 750);
    assert.equal(exchange.cancelOrders({ symbol: 'BTC-USD' }).count, 750);
    assert.equal(exchange.openOrders('alice').length, 0);
    throws(() => exchange.massCancel({ account: 9 }), 'UNKNOWN_ACCOUNT');
  });
});
