import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CoinbaseAdapter } from '../feeds/venues/coinbase.ts';
import { VenueLedger } from './support/venue-ledger.ts';

type Update = [side: 'bid' | 'offer', price: string, quantity: string];

const TIME = '2026-08-09T21:05:48.228568804Z';

function ledger(instruments = ['BTC-USD']): VenueLedger<CoinbaseAdapter> {
  return new VenueLedger((options, line, sink) => new CoinbaseAdapter(options, line, sink), { instruments });
}

function message(sequence: number, channel: string, ...events: unknown[]): unknown {
  return { channel, client_id: '', timestamp: TIME, sequence_num: sequence, events };
}

function levels(type: string, ...updates: Update[]): unknown {
  const rows = updates.map(([side, price, quantity]) => ({ side, event_time: TIME, price_level: price, new_quantity: quantity }));
  return { type, product_id: 'BTC-USD', updates: rows };
}

/** A line whose book is live; its next message has number 2. */
function live(): VenueLedger<CoinbaseAdapter> {
  const coinbase = ledger();
  coinbase.open();
  coinbase.frame(message(0, 'subscriptions', { subscriptions: { level2: ['BTC-USD'] } }));
  const snapshot = levels('snapshot', ['bid', '99.5', '2'], ['bid', '99', '1'], ['offer', '100.5', '3']);
  assert.deepEqual(coinbase.frame(message(1, 'l2_data', snapshot)), ['BTC-USD book 99.5x2 99.0x1 | 100.5x3', 'BTC-USD live']);
  return coinbase;
}

test('all channels are subscribed, heartbeats first', () => {
  const coinbase = ledger(['BTC-USD', 'ETH-USD']);
  assert.deepEqual(coinbase.open(), [
    'send {"type":"subscribe","product_ids":["BTC-USD","ETH-USD"],"channel":"heartbeats"}',
    'send {"type":"subscribe","product_ids":["BTC-USD","ETH-USD"],"channel":"level2"}',
    'send {"type":"subscribe","product_ids":["BTC-USD","ETH-USD"],"channel":"market_trades"}',
    'send {"type":"subscribe","product_ids":["BTC-USD","ETH-USD"],"channel":"ticker"}',
  ]);
});

test('a snapshot, then absolute quantities', () => {
  const coinbase = live();
  assert.deepEqual(coinbase.frame(message(2, 'l2_data', levels('update', ['bid', '99.5', '0'], ['offer', '100.25', '0.5']))), [
    'BTC-USD book 99.00x1.0 | 100.25x0.5 100.50x3.0',
  ]);
  const two = [levels('update', ['bid', '99.75', '1']), levels('update', ['bid', '99.75', '2'])];
  assert.deepEqual(coinbase.frame(message(3, 'l2_data', ...two)), [
    'BTC-USD book 99.75x1.0 99.00x1.0 | 100.25x0.5 100.50x3.0',
    'BTC-USD book 99.75x2.0 99.00x1.0 | 100.25x0.5 100.50x3.0',
  ]);
  assert.equal(coinbase.adapter.instruments[0].updates, 3);
  assert.deepEqual(coinbase.frame(message(4, 'l2_data', levels('snapshot', ['bid', '98', '1']))), ['BTC-USD book 98.00x1.0 | ']);
});

test('messages are numbered over all channels, those that are not read included', () => {
  const coinbase = live();
  for (const [number, channel] of ['heartbeats', 'candles', 'status', 'subscriptions'].entries()) {
    assert.deepEqual(coinbase.frame(message(2 + number, channel, {})), []);
  }
  assert.deepEqual(coinbase.frame(message(7, 'candles', {})), [
    'line fault SEQUENCE_GAP',
    'BTC-USD stale SEQUENCE_GAP',
    'reconnect SEQUENCE_GAP',
  ]);
});

test('behind a gap no book is trusted before its next snapshot', () => {
  const coinbase = live();
  assert.deepEqual(coinbase.frame(message(3, 'l2_data', levels('update', ['bid', '99', '2']))), [
    'line fault SEQUENCE_GAP',
    'BTC-USD stale SEQUENCE_GAP',
    'reconnect SEQUENCE_GAP',
    'BTC-USD fault NO_SNAPSHOT',
  ]);
  assert.deepEqual(coinbase.close(), []);
  coinbase.open();
  assert.deepEqual(coinbase.frame(message(0, 'l2_data', levels('update', ['bid', '99', '2']))), ['BTC-USD fault NO_SNAPSHOT']);
  assert.deepEqual(coinbase.frame(message(1, 'l2_data', levels('snapshot', ['bid', '99', '2']))), [
    'BTC-USD book 99.0x2 | ',
    'BTC-USD live',
  ]);
});

test('a message that comes twice is counted and not read', () => {
  const coinbase = live();
  coinbase.frame(message(2, 'l2_data', levels('update', ['bid', '99', '2'])));
  assert.deepEqual(coinbase.frame(message(1, 'l2_data', levels('snapshot'))), ['line fault SEQUENCE_BACK']);
  assert.deepEqual(coinbase.frame(message(2, 'l2_data', levels('update', ['bid', '99', '7']))), ['line fault SEQUENCE_BACK']);
});

test('trades come newest first and state the side of the maker; those of the snapshot are old', () => {
  const coinbase = ledger([]);
  coinbase.open();
  const trade = (id: string, side: string): unknown => ({
    product_id: 'ETH-USD',
    trade_id: id,
    price: '1919.41',
    size: '0.5',
    time: TIME,
    side,
  });
  assert.deepEqual(coinbase.frame(message(0, 'market_trades', { type: 'snapshot', trades: [trade('2', 'BUY'), trade('1', 'BUY')] })), []);
  assert.deepEqual(coinbase.frame(message(1, 'market_trades', { type: 'update', trades: [trade('4', 'BUY'), trade('3', 'SELL')] })), [
    'ETH-USD syncing',
    'ETH-USD trade buy 1919.41x0.5 #3',
    'ETH-USD trade sell 1919.41x0.5 #4',
  ]);
});

test('the ticker gives quotes; without sides it gives none', () => {
  const coinbase = live();
  const ticker = { type: 'ticker', product_id: 'BTC-USD', price: '99.6' };
  const best = { best_bid: '99.5', best_ask: '100.5', best_bid_quantity: '2', best_ask_quantity: '3' };
  assert.deepEqual(coinbase.frame(message(2, 'ticker', { type: 'update', tickers: [{ ...ticker, ...best }] })), [
    'BTC-USD quote 99.5x2 | 100.5x3',
  ]);
  assert.deepEqual(coinbase.frame(message(3, 'ticker_batch', { type: 'update', tickers: [ticker] })), []);
});

test('a line without heartbeats is opened again', () => {
  const coinbase = live();
  assert.deepEqual(coinbase.pass(15), []);
  assert.deepEqual(coinbase.pass(1), ['line fault SILENT', 'BTC-USD stale SILENT', 'reconnect SILENT']);
  assert.deepEqual(coinbase.pass(5), []);
});

test('what the venue refuses or invents is counted', () => {
  const table: [name: string, frame: unknown, lines: string[]][] = [
    ['a refused subscription', { type: 'error', message: 'authentication failure' }, ['line fault REFUSED']],
    ['an unknown channel', message(2, 'weather'), ['line fault UNKNOWN_MESSAGE']],
    ['no channel', {}, ['line fault UNKNOWN_MESSAGE']],
    ['no number', { channel: 'heartbeats', events: [] }, ['line fault MISSING_FIELD']],
    ['no events', { channel: 'l2_data', sequence_num: 2 }, ['line fault MISSING_FIELD']],
    ['an event that is none', message(2, 'l2_data', 7), ['line fault MISSING_FIELD']],
    ['no product', message(2, 'l2_data', { type: 'update', updates: [] }), ['line fault MISSING_FIELD']],
    ['another product', message(2, 'l2_data', { type: 'update', product_id: 'X', updates: [] }), ['line fault UNKNOWN_INSTRUMENT']],
    [
      'another type',
      message(2, 'l2_data', { type: 'x', product_id: 'BTC-USD', updates: [] }),
      ['line fault MISSING_FIELD', 'BTC-USD stale MISSING_FIELD', 'reconnect MISSING_FIELD'],
    ],
    [
      'no updates',
      message(2, 'l2_data', { type: 'update', product_id: 'BTC-USD' }),
      ['line fault MISSING_FIELD', 'BTC-USD stale MISSING_FIELD', 'reconnect MISSING_FIELD'],
    ],
    ['no trades', message(2, 'market_trades', { type: 'update' }), ['line fault MISSING_FIELD']],
    [
      'a trade without a size',
      message(2, 'market_trades', { trades: [{ product_id: 'BTC-USD', price: '1' }] }),
      ['BTC-USD fault MISSING_FIELD'],
    ],
    ['no JSON', 'hello', ['line fault MALFORMED', 'BTC-USD stale MALFORMED', 'reconnect MALFORMED']],
  ];
  for (const [name, frame, lines] of table) assert.deepEqual(live().frame(frame), lines, name);
});

test('an update without a side, price or quantity makes the books stale; numbers that do not fit are counted', () => {
  const good = { side: 'offer', price_level: '101', new_quantity: '1' };
  const event = (update: unknown): unknown => ({ type: 'update', product_id: 'BTC-USD', updates: [update, good] });
  for (const update of ['x', { ...good, side: 'mid' }, { side: 'bid', price_level: '1' }]) {
    const lines = ['line fault MISSING_FIELD', 'BTC-USD stale MISSING_FIELD', 'reconnect MISSING_FIELD'];
    assert.deepEqual(live().frame(message(2, 'l2_data', event(update))), lines);
  }
  assert.deepEqual(live().frame(message(2, 'l2_data', event({ ...good, price_level: '-1' }))), [
    'BTC-USD fault NUMBER_NEGATIVE',
    'BTC-USD book 99.5x2 99.0x1 | 100.5x3 101.0x1',
  ]);
});
