import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BitstampAdapter } from '../feeds/venues/bitstamp.ts';
import { VenueLedger } from './support/venue-ledger.ts';

const URL_BTC = 'https://www.bitstamp.net/api/v2/order_book/btcusd/';
const SECOND = 1_700_000_000_000_000;

type Levels = [price: string, quantity: string][];

function ledger(instruments = ['btcusd']): VenueLedger<BitstampAdapter> {
  return new VenueLedger((options, line, sink) => new BitstampAdapter(options, line, sink), { instruments });
}

/** A line that is subscribed and waits for its snapshot. */
function subscribed(): VenueLedger<BitstampAdapter> {
  const bitstamp = ledger();
  bitstamp.open();
  assert.deepEqual(bitstamp.frame(succeeded('diff_order_book_btcusd')), [`get ${URL_BTC}`]);
  return bitstamp;
}

function succeeded(channel: string): unknown {
  return { event: 'bts:subscription_succeeded', channel, data: {} };
}

function change(us: number, bids: Levels, asks: Levels = []): unknown {
  const data = { timestamp: '1700000000', microtimestamp: String(SECOND + us), bids, asks };
  return { data, channel: 'diff_order_book_btcusd', event: 'data' };
}

function snapshot(us: number, bids: Levels, asks: Levels): unknown {
  return { timestamp: '1700000000', microtimestamp: String(SECOND + us), bids, asks };
}

test('the snapshot is fetched once the changes are subscribed', () => {
  const bitstamp = ledger(['btcusd', 'ethusd']);
  assert.deepEqual(bitstamp.open(), [
    'send {"event":"bts:subscribe","data":{"channel":"diff_order_book_btcusd"}}',
    'send {"event":"bts:subscribe","data":{"channel":"diff_order_book_ethusd"}}',
    'send {"event":"bts:subscribe","data":{"channel":"live_trades_btcusd"}}',
    'send {"event":"bts:subscribe","data":{"channel":"live_trades_ethusd"}}',
  ]);
  assert.deepEqual(bitstamp.frame(succeeded('live_trades_btcusd')), []);
  assert.deepEqual(bitstamp.frame(succeeded('diff_order_book_btcusd')), [`get ${URL_BTC}`]);
  assert.deepEqual(bitstamp.pass(5), []);
});

test('changes up to the time of the snapshot are dropped, younger ones are applied', () => {
  const bitstamp = subscribed();
  bitstamp.frame(change(1, [['99', '1']]));
  bitstamp.frame(change(5, [['99', '2']]));
  bitstamp.frame(change(6, [['99', '3']]));
  assert.deepEqual(bitstamp.answer(URL_BTC, snapshot(5, [['99', '2']], [['101', '4']])), [
    'btcusd book 99x2 | 101x4',
    'btcusd live',
    'btcusd book 99x3 | 101x4',
  ]);
  assert.deepEqual(bitstamp.frame(change(7, [['99', '0']], [['100.5', '0.25']])), ['btcusd book  | 100.5x0.25 101.0x4.00']);
  assert.equal(bitstamp.adapter.instruments[0].updates, 2);
});

test('a snapshot older than the first change is fetched again', () => {
  const bitstamp = subscribed();
  bitstamp.frame(change(6, [['99', '3']]));
  assert.deepEqual(bitstamp.answer(URL_BTC, snapshot(5, [['99', '2']], [])), ['btcusd fault SNAPSHOT_TOO_OLD']);
  assert.deepEqual(bitstamp.pass(1), [`get ${URL_BTC}`]);
  assert.deepEqual(bitstamp.answer(URL_BTC, snapshot(6, [['99', '3']], [])), ['btcusd book 99x3 | ', 'btcusd live']);
});

test('a change older than the one before is counted and not applied', () => {
  const bitstamp = subscribed();
  bitstamp.answer(URL_BTC, snapshot(5, [['99', '2']], []));
  bitstamp.frame(change(8, [['99', '3']]));
  assert.deepEqual(bitstamp.frame(change(7, [['99', '4']])), ['btcusd fault SEQUENCE_BACK']);
  assert.deepEqual(bitstamp.frame(change(8, [['99', '5']])), ['btcusd book 99x5 | ']);
});

test('a crossed book gets a new snapshot, since nothing else shows a lost change', () => {
  const bitstamp = subscribed();
  bitstamp.answer(URL_BTC, snapshot(5, [['99', '2']], [['101', '4']]));
  assert.deepEqual(bitstamp.frame(change(6, [['101', '1']])), [
    'btcusd book 101x1 99x2 | 101x4',
    'btcusd fault CROSSED',
    'btcusd stale CROSSED',
    `get ${URL_BTC}`,
  ]);
  assert.deepEqual(bitstamp.frame(change(7, [['98', '1']])), []);
  assert.deepEqual(bitstamp.answer(URL_BTC, snapshot(6, [['99', '2']], [['102', '4']])), ['btcusd fault SNAPSHOT_TOO_OLD']);
  bitstamp.pass(1);
  assert.deepEqual(bitstamp.answer(URL_BTC, snapshot(8, [['99', '2']], [['102', '4']])), ['btcusd book 99x2 | 102x4', 'btcusd live']);
});

test('a change that cannot be read gets a new snapshot, as its levels are missing', () => {
  const bitstamp = subscribed();
  bitstamp.answer(URL_BTC, snapshot(5, [['99', '2']], []));
  const broken = { event: 'data', channel: 'diff_order_book_btcusd', data: { bids: [] } };
  assert.deepEqual(bitstamp.frame(broken), ['btcusd fault MISSING_FIELD', 'btcusd stale MISSING_FIELD', `get ${URL_BTC}`]);
});

test('trades have the side of the taker and the exact text of their numbers', () => {
  const bitstamp = ledger([]);
  bitstamp.open();
  const data = {
    id: 216000477,
    amount: 0.0792,
    amount_str: '0.07920000',
    price: 3805.44,
    price_str: '3805.44',
    microtimestamp: '1641343699596000',
  };
  const trade = (type: number): unknown => ({ data: { ...data, type }, channel: 'live_trades_ethusd', event: 'trade' });
  assert.deepEqual(bitstamp.frame(trade(0)), ['ethusd syncing', 'ethusd trade buy 3805.44x0.0792 #216000477']);
  assert.deepEqual(bitstamp.frame(trade(1)), ['ethusd trade sell 3805.44x0.0792 #216000477']);
});

test('a heartbeat is asked for every 20 s, and a line without an answer is opened again', () => {
  const bitstamp = ledger();
  bitstamp.open();
  assert.deepEqual(bitstamp.pass(19), []);
  assert.deepEqual(bitstamp.pass(1), ['send {"event":"bts:heartbeat"}']);
  assert.deepEqual(bitstamp.frame({ event: 'bts:heartbeat', channel: '', data: { status: 'success' } }), []);
  assert.deepEqual(bitstamp.pass(60), [
    'send {"event":"bts:heartbeat"}',
    'send {"event":"bts:heartbeat"}',
    'send {"event":"bts:heartbeat"}',
  ]);
  assert.deepEqual(bitstamp.pass(1), ['line fault SILENT', 'reconnect SILENT']);
});

test('what the venue refuses, ends or invents is counted', () => {
  const table: [name: string, frame: unknown, lines: string[]][] = [
    [
      'a move to another server',
      { event: 'bts:request_reconnect', channel: '', data: '' },
      ['line fault VENUE_DOWN', 'reconnect VENUE_DOWN'],
    ],
    [
      'a refused channel',
      { event: 'bts:error', channel: '', data: { code: 4001, message: 'Bad subscription string.' } },
      ['line fault REFUSED'],
    ],
    ['an unknown event', { event: 'bts:news' }, ['line fault UNKNOWN_MESSAGE']],
    ['no event', {}, ['line fault UNKNOWN_MESSAGE']],
    ['a change without a channel', { event: 'data', data: {} }, ['line fault MISSING_FIELD']],
    ['a change of another channel', { event: 'data', channel: 'order_book_btcusd', data: {} }, ['line fault MISSING_FIELD']],
    ['an unknown instrument', { event: 'data', channel: 'diff_order_book_x', data: {} }, ['line fault UNKNOWN_INSTRUMENT']],
    ['a change without data', { event: 'data', channel: 'diff_order_book_btcusd' }, ['btcusd fault MISSING_FIELD']],
    [
      'a change without a time',
      { event: 'data', channel: 'diff_order_book_btcusd', data: { bids: [], asks: [] } },
      ['btcusd fault MISSING_FIELD'],
    ],
    [
      'a trade without a price',
      { event: 'trade', channel: 'live_trades_btcusd', data: { amount_str: '1' } },
      ['btcusd fault MISSING_FIELD'],
    ],
    ['no JSON', '{"event":', ['line fault MALFORMED', 'reconnect MALFORMED']],
  ];
  for (const [name, frame, lines] of table) {
    const bitstamp = ledger();
    bitstamp.open();
    assert.deepEqual(bitstamp.frame(frame), lines, name);
  }
});

test('a snapshot that cannot be used is fetched again', () => {
  for (const [body, fault] of [
    ['oops', 'MALFORMED'],
    [{ bids: [], asks: [] }, 'MISSING_FIELD'],
    [{ microtimestamp: '5', bids: [] }, 'MISSING_FIELD'],
  ]) {
    const bitstamp = subscribed();
    assert.deepEqual(bitstamp.answer(URL_BTC, body), [`btcusd fault ${fault}`]);
    assert.deepEqual(bitstamp.pass(1), [`get ${URL_BTC}`]);
  }
});
