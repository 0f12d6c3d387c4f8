/** The exchange as calls of a program: each operation, its result, its events, its time. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Code } from '../engine/codes.ts';
import {
  createExchange,
  type EmbeddedExchange,
  EmbedError,
  type EmbedOptions,
  FIRST_OWN_ID,
  OrderResult,
  type PlaceOrder,
  type ReportCopy,
  restoreExchange,
} from '../engine/index.ts';

const S = 1_000_000;
const LIMITS = { orders: 4096, pages: 512, accounts: 16, assets: 8, symbols: 8, rememberedOrders: 4096, rememberedKeys: 64 };

function open(options: Partial<EmbedOptions> = {}): EmbeddedExchange {
  return createExchange({
    limits: LIMITS,
    assets: [
      { name: 'USD', decimals: 4 },
      { name: 'BTC', decimals: 4 },
    ],
    symbols: [{ name: 'BTC-USD', base: 'BTC', quote: 'USD', tickSize: '0.01', lotSize: '0.01' }],
    accounts: ['alice', 'bob', 'carol'].map((name) => ({ name, deposits: { USD: '1000000', BTC: '1000' } })),
    ...options,
  });
}

const order = (account: string, side: 'buy' | 'sell', quantity: string, price?: string): PlaceOrder => ({
  account,
  symbol: 'BTC-USD',
  side,
  quantity,
  ...(price !== undefined && { price }),
});

const throws = (call: () => unknown, code: string): void => {
  assert.throws(call, (error) => error instanceof EmbedError && error.code === code && error.message.length > 10, code);
};

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

describe('the operator of an embedded exchange', () => {
  it('moves money, once per key, and never more than there is', () => {
    const exchange = open();
    assert.equal(exchange.deposit('alice', 'USD', '5.0000', 77).repeated, false);
    assert.equal(exchange.deposit('alice', 'USD', '5.0000', 77).repeated, true);
    assert.equal(exchange.balance('alice', 'USD').available, '1000005.0000');
    assert.equal(exchange.withdraw('alice', 'USD', '1000006').reason, 'INSUFFICIENT_FUNDS');
    assert.equal(exchange.withdraw('alice', 'USD', 50_000).accepted, true);
    assert.equal(exchange.balance('alice', 'USD').available, '1000000.0000');
  });

  it('holds auctions', () => {
    const exchange = open();
    assert.equal(exchange.setPhase('BTC-USD', 'auction', 'opening-auction').accepted, true);
    exchange.place(order('alice', 'buy', '2', '101.00'));
    exchange.place(order('bob', 'sell', '1', '99.00'));
    assert.deepEqual([exchange.auction('BTC-USD')?.volume, exchange.auction('BTC-USD')?.surplusSide], ['1.00', 'buy']);
    assert.equal(exchange.setPhase('BTC-USD', 'continuous').reason, 'BOOK_CROSSED');
    const { accepted, price, volume } = exchange.uncross('BTC-USD');
    assert.deepEqual([accepted, price, volume], [true, '101.00', '1.00']);
    assert.equal(exchange.setPhase('BTC-USD', 'continuous').accepted, true);
    assert.deepEqual([exchange.auction('BTC-USD'), exchange.uncross('BTC-USD').reason], [undefined, 'WRONG_PHASE']);
    assert.equal(exchange.book('BTC-USD', 1).bids[0].quantity, '1.00');
  });

  it('sets limits, fees and switches', () => {
    const exchange = open();
    exchange.setSymbol('BTC-USD', { takerFeePpm: 1000, makerFeePpm: -500, minQuantity: '0.10', priceBandPpm: 0 });
    exchange.setSymbol('BTC-USD', { takerFeePpm: 100, makerFeePpm: -100 });
    exchange.setAccount('bob', { maxOpenOrders: 1, selfTrade: 'cancel-newest' });
    exchange.setLimits('carol', 'BTC-USD', { maxPosition: '1' });
    assert.equal(exchange.place(order('bob', 'sell', '0.01', '100.00')).reason, 'QUANTITY_MIN');
    exchange.place(order('bob', 'sell', '1', '100.00'));
    assert.equal(exchange.place(order('bob', 'sell', '1', '101.00')).reason, 'OPEN_ORDER_LIMIT');
    assert.equal(exchange.place(order('carol', 'buy', '2', '90.00')).reason, 'POSITION_LIMIT');
    assert.equal(exchange.place(order('alice', 'buy', '0.5', '100.00')).fills[0].fee, '0.0050');
    // A misspelt target must not become the venue.
    for (const target of [{}, { acount: 'bob' }, { venue: false }]) {
      assert.throws(() => exchange.kill(target as never, true), { code: 'BAD_RANGE' });
    }
    assert.deepEqual(exchange.kill({ account: 'bob' }, true), { accepted: true, code: 0, reason: 'OK', count: 1 });
    assert.equal(exchange.place(order('bob', 'sell', '1', '101.00')).reason, 'KILL_SWITCH');
    assert.equal(exchange.kill({ account: 'bob' }, false).accepted, true);
    assert.equal(exchange.setReference('BTC-USD', '100.00').reason, 'BAD_PARAMETER');
    exchange.setSymbol('BTC-USD', { referenceSource: 'outside' });
    assert.equal(exchange.setReference('BTC-USD', '123.00').accepted, true);
    assert.equal(exchange.symbol('BTC-USD').referencePrice, '123.00');
  });

  it('defines assets, symbols and accounts by name, and says what is wrong', () => {
    const exchange = open();
    assert.equal(exchange.defineAsset({ name: 'ETH', decimals: 4 }), 3);
    assert.equal(
      exchange.defineSymbol({ name: 'ETH-USD', base: 'ETH', quote: 'USD', tickSize: '0.05', lotSize: '0.01', phase: 'halted' }),
      2,
    );
    assert.equal(exchange.defineAccount({ name: 'dave', id: 9, deposits: { ETH: '3' } }), 9);
    assert.deepEqual(exchange.symbolNames, ['BTC-USD', 'ETH-USD']);
    assert.equal(
      exchange.place({ account: 'dave', symbol: 'ETH-USD', side: 'sell', quantity: '1', price: '2000.05' }).reason,
      'SYMBOL_HALTED',
    );
    throws(() => exchange.defineAccount({ name: 'dave' }), 'ALREADY_DEFINED');
    throws(() => exchange.defineAsset({ name: 'a name', decimals: 2 }), 'BAD_RANGE');
    throws(() => exchange.defineSymbol({ name: 'X', base: 'ETH', quote: 'USD', tickSize: '0.001', lotSize: '0.01' }), 'BAD_PARAMETER');
    throws(() => exchange.defineSymbol({ name: 'X', base: 'ETH', quote: 'USD', tickSize: '0.0', lotSize: '0.01' }), 'BAD_RANGE');
    throws(() => exchange.defineAsset({ name: 'Z', decimals: 2, id: 99 }), 'CAPACITY');
    throws(() => createExchange({ limits: { orders: 0 } }), 'BAD_OPTION');
    throws(() => createExchange({ clocks: () => 0 } as never), 'BAD_OPTION');
  });
});

describe('the time of an embedded exchange', () => {
  it("is the caller's: what is due happens at its own time", () => {
    const exchange = open({ startUs: 10 * S });
    const seen: ReportCopy[] = [];
    exchange.on('report', (report) => seen.push(report.copy()));
    exchange.place({ ...order('alice', 'buy', '1', '100.00'), expiresUs: 12 * S });
    exchange.place(order('bob', 'buy', '1', '100.00'));
    assert.equal(exchange.cancelAfter('bob', 5 * S).accepted, true);
    exchange.advanceTo(60 * S);
    assert.deepEqual(
      seen.map(({ kind, account, timeUs, reason }) => [kind, account, timeUs / S, reason]),
      [
        ['accepted', 'alice', 10, 'OK'],
        ['accepted', 'bob', 10, 'OK'],
        ['cancel-after-set', 'bob', 10, 'OK'],
        ['cancelled', 'alice', 12, 'EXPIRED'],
        ['mass-cancelled', 'bob', 15, 'CANCELLED_AFTER'],
        ['cancelled', 'bob', 15, 'CANCELLED_AFTER'],
      ],
    );
    assert.equal(exchange.nowUs, 60 * S);
    throws(() => exchange.advanceTo(59 * S), 'TIME_BACK');
    throws(() => exchange.advanceTo(Number.NaN), 'TIME_BACK');
  });

  it('can be read from a clock before each command', () => {
    let nowUs = 5 * S;
    const exchange = open({ clock: () => nowUs });
    const { orderId } = exchange.place({ ...order('alice', 'buy', '1', '100.00'), expiresUs: 7 * S });
    nowUs = 8 * S;
    assert.equal(exchange.cancel({ account: 'alice', orderId }).reason, 'UNKNOWN_ORDER');
    nowUs = 6 * S;
    exchange.place(order('bob', 'buy', '1', '100.00'));
    assert.equal(exchange.nowUs, 8 * S);
  });

  it('passes for throttles, and a cascade of stops goes on after its pause', () => {
    const exchange = open({ startUs: S });
    exchange.setAccount('carol', { commandsPerSecond: 1, commandBurst: 1 });
    assert.equal(exchange.place(order('carol', 'buy', '1', '1.00')).accepted, true);
    const early = exchange.place(order('carol', 'buy', '1', '1.00'));
    assert.deepEqual([early.reason, early.retryUs], ['THROTTLED', 2 * S]);
    exchange.advanceTo(early.retryUs);
    assert.equal(exchange.place(order('carol', 'buy', '1', '1.00')).accepted, true);
    exchange.place(order('bob', 'buy', '100', '50.00'));
    for (let i = 0; i < 100; i++)
      exchange.place({ account: 'alice', symbol: 1, side: 'sell', quantity: 1, stopPrice: 5000, triggerNow: false });
    assert.equal(exchange.account('alice').openOrders, 100);
    exchange.place(order('bob', 'sell', '0.01', '50.00'));
    const left = exchange.account('alice').openOrders;
    assert.ok(left > 0 && left < 100, `${left} wait for the pause`);
    exchange.advanceTo(exchange.nowUs + S);
    assert.equal(exchange.account('alice').openOrders, 0);
  });
});

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

describe('the state of an embedded exchange', () => {
  it('is saved and restored whole: both go on alike', () => {
    const exchange = open({ startUs: 3 * S });
    exchange.place(order('bob', 'sell', '1', '100.00'));
    exchange.place({ ...order('alice', 'buy', '1', '98.00'), expiresUs: 9 * S });
    exchange.place({ ...order('alice', 'sell', '1'), stopPrice: '90.00', triggerNow: true });
    const restored = restoreExchange(exchange.snapshot(), { limits: LIMITS });
    assert.equal(restored.stateHash(), exchange.stateHash());
    assert.deepEqual(
      [restored.nowUs, restored.symbolNames, restored.account('alice')],
      [exchange.nowUs, ['BTC-USD'], exchange.account('alice')],
    );
    for (const each of [exchange, restored]) {
      each.place(order('carol', 'buy', '0.5', '100.00'));
      each.advanceTo(20 * S);
    }
    assert.equal(restored.stateHash(), exchange.stateHash());
    assert.deepEqual(restored.openOrders('alice'), exchange.openOrders('alice'));
  });

  it('is not restored from something else', () => {
    const bytes = open().snapshot();
    const damaged = bytes.slice();
    damaged[damaged.length - 3] ^= 1;
    throws(() => restoreExchange(damaged, { limits: LIMITS }), 'SNAPSHOT_INVALID');
    throws(() => restoreExchange(bytes.subarray(0, 60), { limits: LIMITS }), 'SNAPSHOT_INVALID');
    throws(() => restoreExchange(new Uint8Array(5)), 'SNAPSHOT_INVALID');
    throws(() => restoreExchange(bytes, { limits: { ...LIMITS, accounts: 2 } }), 'SNAPSHOT_INVALID');
    const newer = bytes.slice();
    newer[8] = 2;
    throws(() => restoreExchange(newer, { limits: LIMITS }), 'SNAPSHOT_INVALID');
  });
});
