/** The operator of an embedded exchange, its time and its state. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createExchange, type ReportCopy, restoreExchange } from '../engine/index.ts';
import { LIMITS, open, order, S, throws } from './support/embedded.ts';

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
      assert.throws(() => exchange.kill(target as never, true), { code: 'BAD_OPTION' });
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
