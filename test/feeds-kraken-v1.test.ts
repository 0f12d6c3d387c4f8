import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import { KrakenV1Adapter } from '../feeds/venues/kraken-v1.ts';
import { FeedRecorder } from './support/feed-recorder.ts';

const encoder = new TextEncoder();
const PAIRS =
  '{"error":[],"result":{"XXBTZUSD":{"altname":"XBTUSD","wsname":"XBT\\/USD","pair_decimals":1,"lot_decimals":8,"fees":[[0,0.26]]},"DARK":{"altname":"X.d"}}}';

/** A line on `XBT/USD` at depth 10. */
class Desk {
  readonly sink = new FeedRecorder();
  readonly line: KrakenV1Adapter;

  constructor(instruments: readonly string[] = ['XBT/USD']) {
    this.line = new KrakenV1Adapter({ instruments, depth: 10 }, this.sink, this.sink);
    this.line.opened(0);
    this.sink.take();
  }

  frame(text: string, nowUs = 1): string[] {
    this.line.frame(encoder.encode(text), nowUs);
    return this.sink.take();
  }

  book(payload: string): string[] {
    return this.frame(`[336,${payload},"book-10","XBT/USD"]`);
  }

  /** A snapshot of one bid and one ask. */
  synced(): this {
    this.book('{"as":[["101.0","2.00000000","1618678133.365913"]],"bs":[["100.0","1.50000000","1618678134.000001"]]}');
    return this;
  }
}

const level = (price: string, quantity: string): string => `["${price}","${quantity}","1618678135.5"]`;
const checksum = (...texts: string[]): string => `"c":"${crc32(texts.map((text) => text.replace('.', '').replace(/^0+/, '')).join(''))}"`;

test('a line subscribes, and asks for the decimals once', () => {
  const sink = new FeedRecorder();
  const line = new KrakenV1Adapter({ instruments: ['XBT/USD', 'ETH/USD'], depth: 30, httpUrl: 'http://h' }, sink, sink);
  assert.equal(line.address, 'wss://ws.kraken.com');
  const sends = [
    'send {"event":"subscribe","pair":["XBT/USD","ETH/USD"],"subscription":{"name":"book","depth":100}}',
    'send {"event":"subscribe","pair":["XBT/USD","ETH/USD"],"subscription":{"name":"trade"}}',
    'send {"event":"subscribe","pair":["XBT/USD","ETH/USD"],"subscription":{"name":"ticker"}}',
  ];
  sink.take();
  line.opened(0);
  assert.deepEqual(sink.take(), ['fetch http://h/0/public/AssetPairs', ...sends]);
  line.answer('http://h/other', encoder.encode('?'), 0);
  line.answer('http://h/0/public/AssetPairs', encoder.encode(PAIRS), 0);
  assert.deepEqual(sink.take(), ['scale XBT/USD 1 8', 'fault ETH/USD DELISTED', 'status ETH/USD delisted DELISTED']);
  line.closed(1);
  line.opened(2);
  assert.deepEqual(
    sink.take(),
    sends.map((text) => text.replace(',"ETH/USD"', '')),
    'without the pair that the list does not have',
  );
});

test('snapshot, updates with both sides, levels published again, removal', () => {
  const desk = new Desk();
  assert.deepEqual(desk.book('{"as":[["101.0","2.00000000","1618678133.365913"]],"bs":[["100.0","1.50000000","1618678134.000001"]]}'), [
    'scale XBT/USD 0 1',
    'clear XBT/USD',
    'bid XBT/USD 100 x 1.5',
    'ask XBT/USD 101 x 2.0',
    'end XBT/USD 1618678134000001',
    'status XBT/USD live',
  ]);
  assert.deepEqual(
    desk.book(
      `{"a":[${level('102.0', '1.00000000')}]},{"b":[["99.0","1.00000000","1618678136.5","r"]],${checksum('101.0', '2.00000000', '102.0', '1.00000000', '100.0', '1.50000000', '99.0', '1.00000000')}}`,
    ),
    ['ask XBT/USD 102 x 1.0', 'bid XBT/USD 99 x 1.0', 'end XBT/USD 1618678136500000'],
  );
  assert.deepEqual(
    desk.book(`{"b":[${level('100.0', '0.00000000')}],${checksum('101.0', '2.00000000', '102.0', '1.00000000', '99.0', '1.00000000')}}`),
    ['bid XBT/USD 100 x 0.0', 'end XBT/USD 1618678135500000'],
  );
  const [feed] = desk.line.instruments;
  assert.deepEqual([feed.updates, feed.checks, feed.failed, feed.crossed], [2, 2, 0, 0]);
});

test('the book is cut to the depth after each update', () => {
  const desk = new Desk();
  const bids = Array.from({ length: 10 }, (_, i) => level(`${100 - i}.0`, '1.00000000'));
  desk.book(`{"as":[],"bs":[${bids}]}`);
  const best = ['101.0', ...Array.from({ length: 9 }, (_, i) => `${100 - i}.0`)].flatMap((price) => [price, '1.00000000']);
  assert.deepEqual(desk.book(`{"b":[${level('101.0', '1.00000000')}],${checksum(...best)}}`), [
    'bid XBT/USD 101 x 1',
    'bid XBT/USD 91 x 0',
    'end XBT/USD 1618678135500000',
  ]);
});

test('a wrong checksum: the book is stale, is subscribed again, and takes no update before its snapshot', () => {
  const desk = new Desk().synced();
  assert.deepEqual(desk.book(`{"b":[${level('99.0', '1.00000000')}],"c":"1"}`), [
    'bid XBT/USD 99 x 1.0',
    'end XBT/USD 1618678135500000',
    'fault XBT/USD CHECKSUM_WRONG',
    'status XBT/USD stale CHECKSUM_WRONG',
    'send {"event":"unsubscribe","pair":["XBT/USD"],"subscription":{"name":"book","depth":10}}',
    'send {"event":"subscribe","pair":["XBT/USD"],"subscription":{"name":"book","depth":10}}',
  ]);
  assert.deepEqual(desk.book(`{"b":[${level('98.0', '1.00000000')}],"c":"1"}`), ['fault XBT/USD NO_SNAPSHOT']);
  assert.equal(desk.synced().line.instruments[0].live, true);
});

test('trades and tickers', () => {
  const desk = new Desk();
  assert.deepEqual(
    desk.frame(
      '[993,[["100.5","0.25000000","1618678142.557535","s","l",""],["100.6","1.00000000","1618678142.6","b","m",""]],"trade","XBT/USD"]',
    ),
    [
      'scale XBT/USD 1 2',
      'trade XBT/USD sell 100.5 x 0.25 at 1618678142557535 id 0',
      'trade XBT/USD buy 100.6 x 1.00 at 1618678142600000 id 0',
    ],
  );
  assert.deepEqual(desk.frame('[993,[["100.5","0.25000000","1618678142.557535","?","l",""]],"trade","XBT/USD"]'), [
    'trade XBT/USD 100.5 x 0.25 at 1618678142557535 id 0',
  ]);
  assert.deepEqual(desk.frame('[1668,{"a":["101.0",35,"35.5"],"b":["100.0",185,"185.25"],"c":["1","2"]},"ticker","XBT/USD"]'), [
    'quote XBT/USD 100.0 x 185.25 / 101.0 x 35.50 at 0',
  ]);
});

test('messages about the line', () => {
  const desk = new Desk();
  const table: readonly [string, string[]][] = [
    ['{"event":"heartbeat"}', []],
    ['{"connectionID":18239578009413566319,"event":"systemStatus","status":"online","version":"1.8.3"}', []],
    ['{"event":"systemStatus","status":"maintenance"}', ['fault * VENUE_DOWN']],
    ['{"channelID":1,"event":"subscriptionStatus","pair":"XBT/USD","status":"subscribed","subscription":{"name":"trade"}}', []],
    ['{"event":"subscriptionStatus","pair":"NO/PAIR","status":"error","errorMessage":"Currency pair not supported"}', ['fault * REFUSED']],
    ['{"event":"error","errorMessage":"Malformed request"}', ['fault * REFUSED']],
    ['{"event":"else"}', ['fault * UNKNOWN_MESSAGE']],
    ['{}', ['fault * UNKNOWN_MESSAGE']],
    ['[1,{},"ohlc-5","XBT/USD"]', ['fault * UNKNOWN_MESSAGE']],
    ['[1,{},{},{},{},{},"book-10","XBT/USD"]', ['fault * UNKNOWN_MESSAGE']],
    ['[1,{"a":[]},"book-10","ETH/USD"]', ['fault * UNKNOWN_INSTRUMENT']],
    ['[1,{"a":[]},"book-10"]', ['fault * MISSING_FIELD']],
    ['[]', ['fault * MISSING_FIELD']],
    ['[1,{"a":[["101.0","1","1"]],"c":"1"},"book-10","XBT/USD"]', ['fault XBT/USD NO_SNAPSHOT']],
    ['[1,[["1"]],"trade","XBT/USD"]', ['fault XBT/USD MISSING_FIELD']],
    ['[1,{"a":["1",2,"3"]},"ticker","XBT/USD"]', ['fault XBT/USD MISSING_FIELD']],
  ];
  for (const [text, expected] of table) assert.deepEqual(desk.frame(text), expected, text);
});

test('bad numbers in a book are counted, and a level that lacks a member loses the book', () => {
  const desk = new Desk().synced();
  assert.deepEqual(desk.book(`{"b":[${level('99.0', '-1.0')}],${checksum('101.0', '2.00000000', '100.0', '1.50000000')}}`), [
    'fault XBT/USD NUMBER_NEGATIVE',
    'end XBT/USD 1618678135500000',
  ]);
  assert.deepEqual(desk.book('{"b":[["99.0"]],"c":"1"}').slice(0, 2), [
    'fault XBT/USD MISSING_FIELD',
    'status XBT/USD stale MISSING_FIELD',
  ]);
  desk.synced();
  assert.deepEqual(desk.book(`{"b":[${level('99.0', '1.0')}]}`).at(-1), 'fault XBT/USD MISSING_FIELD', 'without a checksum');
});

test('frames that are no JSON, cut off, of other bytes or too large: the line is opened again', () => {
  for (const text of ['', 'x', '[1,{"a":[', '"text"', '{"event":', '[1,{"b":[]},"book-10","XBT/USD"]]', '['.repeat(100_000)]) {
    const desk = new Desk().synced();
    assert.deepEqual(desk.frame(text), ['fault * MALFORMED', 'status XBT/USD stale MALFORMED', 'reconnect MALFORMED'], text.slice(0, 40));
    assert.deepEqual(desk.frame('{"event":"heartbeat"'), [], 'what still comes is not read');
    desk.line.closed(2);
    desk.line.opened(3);
    assert.equal(desk.synced().line.instruments[0].live, true);
  }
  const desk = new Desk().synced();
  desk.line.frame(new Uint8Array(33 * 2 ** 20), 1);
  assert.deepEqual(desk.sink.take().at(-1), 'reconnect FRAME_TOO_LARGE');
});

test('silence and the end of the line make books stale', () => {
  const desk = new Desk().synced();
  desk.frame('{"event":"heartbeat"}', 5e6);
  desk.line.tick(14e6);
  assert.deepEqual(desk.sink.take(), []);
  desk.line.tick(16e6);
  assert.deepEqual(desk.sink.take(), ['fault * SILENT', 'status XBT/USD stale SILENT', 'reconnect SILENT']);
  desk.line.tick(18e6);
  assert.deepEqual(desk.sink.take(), [], 'once');
  const closed = new Desk().synced();
  closed.line.closed(1);
  assert.deepEqual(closed.sink.take(), ['status XBT/USD stale CLOSED']);
});

test('without instruments, every one that comes is taken', () => {
  const desk = new Desk([]);
  desk.line.answer('https://api.kraken.com/0/public/AssetPairs', encoder.encode(PAIRS), 0);
  assert.deepEqual(desk.book('{"as":[],"bs":[["100.0","1.50000000","1"]]}'), [
    'status XBT/USD syncing',
    'scale XBT/USD 1 8',
    'clear XBT/USD',
    'bid XBT/USD 100.0 x 1.50000000',
    'end XBT/USD 1000000',
    'status XBT/USD live',
  ]);
  for (const text of ['{"error":["EGeneral"]}', '[]', '{"result":']) {
    desk.line.answer('https://api.kraken.com/0/public/AssetPairs', encoder.encode(text), 0);
    assert.deepEqual(desk.sink.take(), ['fault * LIST_FAILED'], text);
  }
});
