import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BinanceAdapter } from '../feeds/venues/binance.ts';
import { BINANCE_COINM, BINANCE_SPOT, BINANCE_US, BINANCE_USDM, type BinanceMarket } from '../feeds/venues/binance-markets.ts';
import { VenueLedger } from './support/venue-ledger.ts';

const URL_BTC = 'https://api.binance.com/api/v3/depth?symbol=BTCUSDT&limit=1000';
const URL_USDM = 'https://fapi.binance.com/fapi/v1/depth?symbol=BTCUSDT&limit=1000';

type Levels = [price: string, quantity: string][];

function ledger(market: BinanceMarket = BINANCE_SPOT, instruments = ['BTCUSDT']): VenueLedger<BinanceAdapter> {
  return new VenueLedger((options, line, sink) => new BinanceAdapter(market, options, line, sink), { instruments });
}

function change(U: number, u: number, b: Levels, a: Levels = [], pu?: number): unknown {
  const data = { e: 'depthUpdate', E: 1_700_000_000_001, s: 'BTCUSDT', U, u, ...(pu !== undefined && { pu }), b, a };
  return { stream: 'btcusdt@depth@100ms', data };
}

function snapshot(lastUpdateId: number, bids: Levels, asks: Levels): unknown {
  return { lastUpdateId, bids, asks };
}

test('spot: changes wait for the snapshot; those that it includes are dropped, the first one straddles it, the others follow', () => {
  const binance = ledger();
  assert.deepEqual(binance.open(), [`get ${URL_BTC}`]);
  assert.deepEqual(binance.frame(change(98, 99, [['99.00', '7.0']])), []);
  assert.deepEqual(binance.frame(change(100, 102, [['99.00', '8.0']])), []);
  assert.deepEqual(binance.frame(change(103, 103, [], [['101.00', '4.0']])), []);
  assert.deepEqual(binance.answer(URL_BTC, snapshot(101, [['99.00', '5.0']], [['101.00', '6.0']])), [
    'BTCUSDT book 99x5 | 101x6',
    'BTCUSDT live',
    'BTCUSDT book 99x8 | 101x6',
    'BTCUSDT book 99x8 | 101x4',
  ]);
  assert.deepEqual(binance.frame(change(104, 110, [['98.50', '1.25']])), ['BTCUSDT book 99.0x8.00 98.5x1.25 | 101.0x4.00']);
  assert.deepEqual(binance.frame(change(111, 111, [['99.00', '0.0']])), ['BTCUSDT book 98.5x1.25 | 101.0x4.00']);
  assert.equal(binance.adapter.instruments[0].updates, 4);
});

test('spot: a snapshot older than the first change is fetched again, later and later', () => {
  const binance = ledger();
  binance.open();
  binance.frame(change(100, 102, [['99', '8']]));
  assert.deepEqual(binance.answer(URL_BTC, snapshot(98, [['99', '5']], [])), ['BTCUSDT fault SNAPSHOT_TOO_OLD']);
  assert.deepEqual(binance.pass(1), [`get ${URL_BTC}`]);
  assert.deepEqual(binance.answer(URL_BTC, snapshot(98, [['99', '5']], [])), ['BTCUSDT fault SNAPSHOT_TOO_OLD']);
  assert.deepEqual(binance.pass(1), [`get ${URL_BTC}`]);
  assert.deepEqual(binance.fail(URL_BTC, 503), ['line fault HTTP_FAILED']);
  assert.deepEqual(binance.pass(1), []);
  assert.deepEqual(binance.pass(1), [`get ${URL_BTC}`]);
  assert.deepEqual(binance.answer(URL_BTC, snapshot(99, [['99', '5']], [])), [
    'BTCUSDT book 99x5 | ',
    'BTCUSDT live',
    'BTCUSDT book 99x8 | ',
  ]);
});

test('spot: too many requests make the next one wait for a minute', () => {
  const binance = ledger();
  binance.open();
  binance.fail(URL_BTC, 429);
  assert.deepEqual(binance.pass(59), []);
  assert.deepEqual(binance.pass(1), [`get ${URL_BTC}`]);
});

test('spot: a gap makes the book stale and fetches a snapshot, and changes wait for it', () => {
  const binance = ledger();
  binance.open();
  binance.answer(URL_BTC, snapshot(100, [['99', '5']], [['101', '6']]));
  assert.deepEqual(binance.frame(change(101, 101, [['99', '4']])), ['BTCUSDT book 99x4 | 101x6']);
  assert.deepEqual(binance.frame(change(103, 104, [['99', '3']])), [
    'BTCUSDT fault SEQUENCE_GAP',
    'BTCUSDT stale SEQUENCE_GAP',
    `get ${URL_BTC}`,
  ]);
  assert.deepEqual(binance.frame(change(105, 105, [['98', '2']])), []);
  assert.deepEqual(binance.answer(URL_BTC, snapshot(104, [['99', '3']], [['101', '6']])), [
    'BTCUSDT book 99x3 | 101x6',
    'BTCUSDT live',
    'BTCUSDT book 99x3 98x2 | 101x6',
  ]);
});

test('spot: the change behind the gap waits, too, so that a snapshot from just before it is enough', () => {
  const binance = ledger();
  binance.open();
  binance.answer(URL_BTC, snapshot(100, [['99', '5']], []));
  binance.frame(change(103, 104, [['99', '3']]));
  assert.deepEqual(binance.answer(URL_BTC, snapshot(102, [['98', '1']], [])), [
    'BTCUSDT book 98x1 | ',
    'BTCUSDT live',
    'BTCUSDT book 99x3 98x1 | ',
  ]);
});

test('spot: a change that comes twice is counted and changes nothing', () => {
  const binance = ledger();
  binance.open();
  binance.answer(URL_BTC, snapshot(100, [['99', '5']], []));
  binance.frame(change(101, 102, [['99', '4']]));
  assert.deepEqual(binance.frame(change(101, 102, [['99', '4']])), ['BTCUSDT fault SEQUENCE_BACK']);
  assert.deepEqual(binance.frame(change(103, 103, [['99', '3']])), ['BTCUSDT book 99x3 | ']);
});

test('spot: a first change that begins behind the snapshot by more than one is a gap', () => {
  const binance = ledger();
  binance.open();
  binance.answer(URL_BTC, snapshot(100, [['99', '5']], []));
  assert.deepEqual(binance.frame(change(102, 103, [['99', '4']])).slice(0, 1), ['BTCUSDT fault SEQUENCE_GAP']);
});

test('futures: the first change contains the snapshot, each further one is linked by pu, whatever the numbers between', () => {
  const usdm = ledger(BINANCE_USDM);
  assert.deepEqual(usdm.open(), [`get ${URL_USDM}`]);
  assert.deepEqual(usdm.frame(change(80, 89, [['99', '1']], [], 79)), []);
  assert.deepEqual(usdm.frame(change(95, 105, [['99', '2']], [], 89)), []);
  assert.deepEqual(usdm.answer(URL_USDM, snapshot(100, [['99', '5']], [])), [
    'BTCUSDT book 99x5 | ',
    'BTCUSDT live',
    'BTCUSDT book 99x2 | ',
  ]);
  assert.deepEqual(usdm.frame(change(130, 140, [['99', '3']], [], 105)), ['BTCUSDT book 99x3 | ']);
  assert.deepEqual(usdm.frame(change(141, 150, [['99', '4']], [], 139)), [
    'BTCUSDT fault SEQUENCE_GAP',
    'BTCUSDT stale SEQUENCE_GAP',
    `get ${URL_USDM}`,
  ]);
});

test('futures: a change that ends with the snapshot is applied; the one behind it is linked to it', () => {
  const usdm = ledger(BINANCE_USDM);
  usdm.open();
  usdm.frame(change(95, 100, [['99', '5']], [], 90));
  usdm.frame(change(120, 121, [['99', '6']], [], 100));
  assert.deepEqual(usdm.answer(URL_USDM, snapshot(100, [['99', '5']], [])).slice(1), [
    'BTCUSDT live',
    'BTCUSDT book 99x5 | ',
    'BTCUSDT book 99x6 | ',
  ]);
});

test('futures: a snapshot older than the first change is fetched again', () => {
  const usdm = ledger(BINANCE_USDM);
  usdm.open();
  usdm.frame(change(110, 120, [['99', '6']], [], 105));
  assert.deepEqual(usdm.answer(URL_USDM, snapshot(100, [['99', '5']], [])), ['BTCUSDT fault SNAPSHOT_TOO_OLD']);
});

test('trades, aggregate trades and quotes, combined or raw', () => {
  const binance = ledger(BINANCE_SPOT, []);
  binance.open();
  const trade = {
    e: 'trade',
    E: 2,
    s: 'BTCUSDT',
    t: 12345,
    p: '0.00100000',
    q: '100.00',
    b: 88,
    a: 50,
    T: 1_700_000_000_000,
    m: true,
    M: true,
  };
  assert.deepEqual(binance.frame({ stream: 'btcusdt@trade', data: trade }), ['BTCUSDT syncing', 'BTCUSDT trade sell 0.001x100 #12345']);
  const joined = { e: 'aggTrade', E: 2, s: 'BTCUSDT', a: 77, p: '0.0015', q: '5', f: 100, l: 105, T: 3, m: false, M: true };
  assert.deepEqual(binance.frame(joined), ['BTCUSDT trade buy 0.0015x5 #77']);
  assert.deepEqual(binance.frame({ ...joined, a: 78, m: null }), ['BTCUSDT trade unknown 0.0015x5 #78']);
  const quote = { u: 400900217, s: 'BTCUSDT', b: '25.35190000', B: '31.21000000', a: '25.36520000', A: '40.66000000' };
  assert.deepEqual(binance.frame({ stream: 'btcusdt@bookTicker', data: quote }), ['BTCUSDT quote 25.3519x31.21 | 25.3652x40.66']);
  assert.deepEqual(binance.frame({ e: 'bookTicker', ...quote, T: 5, E: 6 }), ['BTCUSDT quote 25.3519x31.21 | 25.3652x40.66']);
  assert.deepEqual(binance.frame({ e: 'kline', E: 1, s: 'BTCUSDT', k: { t: 1 } }), []);
});

test('what the venue refuses, ends or invents is counted', () => {
  const table: [name: string, frame: unknown, lines: string[]][] = [
    ['the server goes down', { e: 'serverShutdown', E: 1 }, ['line fault VENUE_DOWN', 'reconnect VENUE_DOWN']],
    ['a refused request', { error: { code: 2, msg: 'Invalid request' }, id: 1 }, ['line fault REFUSED']],
    ['an accepted request', { result: null, id: 1 }, []],
    ['an unknown event', { e: 'news', E: 1 }, ['line fault UNKNOWN_MESSAGE']],
    ['an object without an event', { hello: 1 }, ['line fault UNKNOWN_MESSAGE']],
    ['an instrument that was not subscribed', { e: 'trade', s: 'ETHUSDT', p: '1', q: '1', m: true }, ['line fault UNKNOWN_INSTRUMENT']],
    ['no instrument', { e: 'trade', p: '1', q: '1', m: true }, ['line fault MISSING_FIELD']],
    ['a trade without a price', { e: 'trade', s: 'BTCUSDT', q: '1', m: true }, ['BTCUSDT fault MISSING_FIELD']],
    ['a change without its number', { e: 'depthUpdate', s: 'BTCUSDT', U: 1, b: [], a: [] }, ['BTCUSDT fault MISSING_FIELD']],
    ['a number as text', { e: 'depthUpdate', s: 'BTCUSDT', U: 'x', u: 2, b: [], a: [] }, ['BTCUSDT fault MISSING_FIELD']],
    ['a change without a side', { e: 'depthUpdate', s: 'BTCUSDT', U: 1, u: 2, b: [] }, ['BTCUSDT fault MISSING_FIELD']],
    ['a negative price', { e: 'trade', s: 'BTCUSDT', p: '-1', q: '1', m: true }, ['BTCUSDT fault NUMBER_NEGATIVE']],
    ['text that is no JSON', '{"e":"trade"', ['line fault MALFORMED', 'reconnect MALFORMED']],
    ['an array', '[]', ['line fault MALFORMED', 'reconnect MALFORMED']],
    ['no text', '', ['line fault MALFORMED', 'reconnect MALFORMED']],
  ];
  for (const [name, frame, lines] of table) {
    const binance = ledger();
    binance.open();
    assert.deepEqual(binance.frame(frame), lines, name);
  }
});

test('numbers that do not fit are counted, the other levels are kept', () => {
  const binance = ledger();
  binance.open();
  const bids: Levels = [
    ['99', '5'],
    ['97', '-1'],
    ['abc', '1'],
    ['96', '99999999999999999'],
    ['95', '1'],
  ];
  assert.deepEqual(binance.answer(URL_BTC, snapshot(100, bids, [['101', '6']])), [
    'BTCUSDT fault NUMBER_NEGATIVE',
    'BTCUSDT fault NUMBER_MALFORMED',
    'BTCUSDT fault NUMBER_TOO_LARGE',
    'BTCUSDT book 99x5 95x1 | 101x6',
    'BTCUSDT live',
  ]);
});

test('a level without price and quantity makes the book stale, and a snapshot is fetched', () => {
  for (const level of [['98'], [], 'x', [['98'], '1'], { price: '98' }]) {
    const binance = ledger();
    binance.open();
    const bids = [['99', '5'], level, ['97', '1']] as Levels;
    assert.deepEqual(binance.answer(URL_BTC, snapshot(100, bids, [])), ['BTCUSDT fault MISSING_FIELD'], JSON.stringify(level));
    assert.deepEqual(binance.pass(1), [`get ${URL_BTC}`]);
    binance.answer(URL_BTC, snapshot(100, [['99', '5']], []));
    assert.deepEqual(binance.frame(change(101, 101, bids)), [
      'BTCUSDT fault MISSING_FIELD',
      'BTCUSDT stale MISSING_FIELD',
      `get ${URL_BTC}`,
    ]);
    assert.deepEqual(binance.frame(change(102, 102, [['97', '2']])), []);
    assert.deepEqual(binance.answer(URL_BTC, snapshot(101, [['97', '1']], [])), [
      'BTCUSDT book 97x1 | ',
      'BTCUSDT live',
      'BTCUSDT book 97x2 | ',
    ]);
  }
});

test('a snapshot that cannot be used is fetched again', () => {
  const table: [body: unknown, fault: string][] = [
    ['<html>', 'MALFORMED'],
    [{ code: -1121, msg: 'Invalid symbol.' }, 'MISSING_FIELD'],
    [{ lastUpdateId: 5, bids: [] }, 'MISSING_FIELD'],
    ['{"lastUpdateId":5,"bids":[', 'MALFORMED'],
  ];
  for (const [body, fault] of table) {
    const binance = ledger();
    binance.open();
    assert.deepEqual(binance.answer(URL_BTC, body), [`BTCUSDT fault ${fault}`]);
    assert.deepEqual(binance.pass(1), [`get ${URL_BTC}`]);
  }
});

test('a crossed book is counted and stale until a change mends it', () => {
  const binance = ledger();
  binance.open();
  binance.answer(URL_BTC, snapshot(100, [['99', '5']], [['101', '6']]));
  assert.deepEqual(binance.frame(change(101, 101, [['101', '1']])), [
    'BTCUSDT book 101x1 99x5 | 101x6',
    'BTCUSDT fault CROSSED',
    'BTCUSDT stale CROSSED',
  ]);
  assert.deepEqual(
    binance.frame(
      change(
        102,
        102,
        [],
        [
          ['101', '0'],
          ['102', '1'],
        ],
      ),
    ),
    ['BTCUSDT book 101x1 99x5 | 102x1', 'BTCUSDT live'],
  );
  assert.equal(binance.adapter.instruments[0].crossed, 1);
});

test('a cut makes the book stale; the new connection fetches a snapshot, and changes from before are forgotten', () => {
  const binance = ledger();
  binance.open();
  binance.frame(change(100, 102, [['99', '8']]));
  assert.deepEqual(binance.close(), []);
  assert.deepEqual(binance.open(), [`get ${URL_BTC}`]);
  assert.deepEqual(binance.answer(URL_BTC, snapshot(101, [['99', '5']], [])), ['BTCUSDT book 99x5 | ', 'BTCUSDT live']);
  assert.deepEqual(binance.close(), ['BTCUSDT stale CLOSED']);
  assert.deepEqual(binance.pass(5), []);
});

test('addresses of the markets, and those of a configuration', () => {
  const streams = 'btcusdt@depth@100ms/btcusdt@trade/btcusdt@bookTicker';
  assert.equal(ledger().adapter.address, `wss://stream.binance.com:9443/stream?streams=${streams}`);
  assert.equal(ledger(BINANCE_US).adapter.address, `wss://stream.binance.us:9443/stream?streams=${streams}`);
  assert.equal(ledger(BINANCE_USDM).adapter.address, `wss://fstream.binance.com/stream?streams=${streams.replace('@trade', '@aggTrade')}`);
  assert.match(ledger(BINANCE_COINM).adapter.address, /^wss:\/\/dstream\.binance\.com\/stream\?/);
  const own = { instruments: ['A'], depth: 200, webSocketUrl: 'ws://127.0.0.1:1', httpUrl: 'http://127.0.0.1:2' };
  const local = new VenueLedger((options, line, sink) => new BinanceAdapter(BINANCE_SPOT, options, line, sink), own);
  assert.equal(local.adapter.address, 'ws://127.0.0.1:1/stream?streams=a@depth@100ms/a@trade/a@bookTicker');
  assert.deepEqual(local.open(), ['get http://127.0.0.1:2/api/v3/depth?symbol=A&limit=500']);
  const many = Array.from({ length: 342 }, (_, i) => `S${i}`);
  assert.throws(() => ledger(BINANCE_SPOT, many), /342 instruments on a line of binance; give at most 341/);
});

test('an end that the venue announces replaces the connection where the line can, and else opens it again', () => {
  const shutdown = { e: 'serverShutdown', E: 1 };
  const plain = ledger();
  plain.open();
  assert.deepEqual(plain.frame(shutdown), ['line fault VENUE_DOWN', 'reconnect VENUE_DOWN']);
  const able = Object.assign(ledger(), { replace: () => true });
  able.open();
  able.answer(URL_BTC, snapshot(100, [['99', '5']], [['101', '6']]));
  assert.deepEqual(able.frame(shutdown), ['line fault VENUE_DOWN']);
  able.adapter.takeOver();
  assert.deepEqual(able.frame(change(100, 101, [['99', '4']])), ['BTCUSDT book 99x4 | 101x6'], 'the book was never stale');
});
