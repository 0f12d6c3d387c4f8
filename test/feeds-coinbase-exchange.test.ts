import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CoinbaseExchangeAdapter } from '../feeds/venues/coinbase-exchange.ts';
import { VenueLedger } from './support/venue-ledger.ts';

function ledger(instruments = ['BTC-USD']): VenueLedger<CoinbaseExchangeAdapter> {
  return new VenueLedger((options, line, sink) => new CoinbaseExchangeAdapter(options, line, sink), { instruments });
}

const SNAPSHOT = { type: 'snapshot', product_id: 'BTC-USD', bids: [['99.5', '2']], asks: [['100.5', '3']] };

function update(...changes: unknown[]): unknown {
  return { type: 'l2update', product_id: 'BTC-USD', changes, time: '2021-04-17T16:43:37.075687Z' };
}

test('a snapshot, then absolute quantities', () => {
  const coinbase = ledger();
  assert.deepEqual(coinbase.open(), [
    'send {"type":"subscribe","product_ids":["BTC-USD"],"channels":["heartbeat","level2_batch","matches","ticker"]}',
  ]);
  assert.deepEqual(coinbase.frame(update(['buy', '99', '1'])), ['BTC-USD fault NO_SNAPSHOT']);
  assert.deepEqual(coinbase.frame(SNAPSHOT), ['BTC-USD book 99.5x2 | 100.5x3', 'BTC-USD live']);
  assert.deepEqual(coinbase.frame(update(['buy', '99.5', '0.0'], ['buy', '99.25', '1'], ['sell', '100.5', '4'])), [
    'BTC-USD book 99.25x1 | 100.50x4',
  ]);
  assert.deepEqual(coinbase.close(), ['BTC-USD stale CLOSED']);
  coinbase.open();
  assert.deepEqual(coinbase.frame(update(['buy', '99', '1'])), ['BTC-USD fault NO_SNAPSHOT']);
});

test('a match states the side of the maker; the last match is old', () => {
  const coinbase = ledger();
  coinbase.open();
  const match = {
    trade_id: 280232,
    side: 'sell',
    size: '985',
    price: '0.00001305',
    product_id: 'BTC-USD',
    sequence: 1,
    time: '2021-04-17T16:43:37.089723Z',
  };
  assert.deepEqual(coinbase.frame({ type: 'match', ...match }), ['BTC-USD trade buy 0.00001305x985 #280232']);
  assert.deepEqual(coinbase.frame({ type: 'match', ...match, side: 'buy' }), ['BTC-USD trade sell 0.00001305x985 #280232']);
  assert.deepEqual(coinbase.frame({ type: 'last_match', ...match }), []);
});

test('the ticker gives a quote if it has quantities', () => {
  const coinbase = ledger();
  coinbase.open();
  const ticker = { type: 'ticker', product_id: 'BTC-USD', price: '99', best_bid: '98', best_ask: '100' };
  assert.deepEqual(coinbase.frame(ticker), []);
  assert.deepEqual(coinbase.frame({ ...ticker, best_bid_size: '1', best_ask_size: '2' }), ['BTC-USD quote 98x1 | 100x2']);
});

test('what the venue refuses or invents is counted', () => {
  const table: [name: string, frame: unknown, lines: string[]][] = [
    ['a refused request', { type: 'error', message: 'Failed to subscribe', reason: 'X is not a valid product' }, ['line fault REFUSED']],
    ['subscriptions', { type: 'subscriptions', channels: [] }, []],
    ['a heartbeat', { type: 'heartbeat', product_id: 'BTC-USD', sequence: 90, last_trade_id: 20 }, []],
    ['an unknown type', { type: 'weather' }, ['line fault UNKNOWN_MESSAGE']],
    ['no type', {}, ['line fault UNKNOWN_MESSAGE']],
    ['no product', { type: 'match' }, ['line fault MISSING_FIELD']],
    ['another product', { type: 'match', product_id: 'X' }, ['line fault UNKNOWN_INSTRUMENT']],
    ['a match without a price', { type: 'match', product_id: 'BTC-USD' }, ['BTC-USD fault MISSING_FIELD']],
    [
      'a snapshot without a side',
      { type: 'snapshot', product_id: 'BTC-USD', bids: [] },
      ['line fault MISSING_FIELD', 'BTC-USD stale MISSING_FIELD', 'reconnect MISSING_FIELD'],
    ],
    [
      'an update without changes',
      { type: 'l2update', product_id: 'BTC-USD' },
      ['line fault MISSING_FIELD', 'BTC-USD stale MISSING_FIELD', 'reconnect MISSING_FIELD'],
    ],
    [
      'changes that cannot be read',
      update('x', [], ['mid', '1', '1'], ['buy', '1'], ['buy', '99', '7']),
      ['line fault MISSING_FIELD', 'BTC-USD stale MISSING_FIELD', 'reconnect MISSING_FIELD'],
    ],
    ['no JSON', '[]', ['line fault MALFORMED', 'BTC-USD stale MALFORMED', 'reconnect MALFORMED']],
  ];
  for (const [name, frame, lines] of table) {
    const coinbase = ledger();
    coinbase.open();
    coinbase.frame(SNAPSHOT);
    assert.deepEqual(coinbase.frame(frame), lines, name);
  }
});
