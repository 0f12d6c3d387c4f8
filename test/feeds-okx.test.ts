import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import { OkxAdapter } from '../feeds/venues/okx.ts';
import { FeedRecorder } from './support/feed-recorder.ts';

const encoder = new TextEncoder();
const NAME = 'BTC-USDT';
const INSTRUMENTS = '/api/v5/public/instruments?instType=SPOT';

interface Message {
  readonly asks?: readonly (readonly string[])[];
  readonly bids?: readonly (readonly string[])[];
  readonly sequence?: readonly [previous: number, sequence: number];
  readonly checksum?: number;
}

/** A line on one instrument. */
class Desk {
  readonly sink = new FeedRecorder();
  readonly line: OkxAdapter;

  constructor() {
    this.line = new OkxAdapter({ instruments: [NAME] }, this.sink, this.sink);
    this.line.opened(0);
    this.sink.take();
  }

  frame(text: string, nowUs = 1): string[] {
    this.line.frame(encoder.encode(text), nowUs);
    return this.sink.take();
  }

  book(action: string, { asks = [], bids = [], sequence, checksum }: Message): string[] {
    const [prevSeqId, seqId] = sequence ?? [];
    const data = [{ asks, bids, ts: '1652459225393', checksum, prevSeqId, seqId }];
    return this.frame(JSON.stringify({ arg: { channel: 'books', instId: NAME }, action, data }));
  }

  synced(sequence?: readonly [number, number]): this {
    this.book('snapshot', { asks: [['30243.5', '1.44679', '0', '6']], bids: [['30242', '2', '0', '1']], sequence });
    return this;
  }
}

const RESUBSCRIBED = [
  'send {"op":"unsubscribe","args":[{"channel":"books","instId":"BTC-USDT"}]}',
  'send {"op":"subscribe","args":[{"channel":"books","instId":"BTC-USDT"}]}',
];

test('a line subscribes, and asks for the decimals of the kinds of instruments that it has', () => {
  const sink = new FeedRecorder();
  const line = new OkxAdapter({ instruments: [NAME, 'BTC-USD-SWAP', 'BTC-USD-220527'], httpUrl: 'http://h' }, sink, sink);
  sink.take();
  line.opened(0);
  const [spot, swap, futures, subscription, ...rest] = sink.take();
  assert.deepEqual(
    [spot, swap, futures],
    ['SPOT', 'SWAP', 'FUTURES'].map((type) => `fetch http://h/api/v5/public/instruments?instType=${type}`),
  );
  assert.match(subscription, /^send {"op":"subscribe","args":\[{"channel":"books","instId":"BTC-USDT"},/);
  assert.deepEqual(rest, []);
  line.answer(
    `http://h${INSTRUMENTS}`,
    encoder.encode(`{"code":"0","data":[{"instId":"${NAME}","tickSz":"0.1","lotSz":"0.00000001"},{"instId":"X"},3],"msg":""}`),
    0,
  );
  assert.deepEqual(sink.take(), ['scale BTC-USDT 1 8']);
  line.answer(`http://h${INSTRUMENTS}`, encoder.encode('{"code":"0","data":['), 0);
  line.answer('http://h/else', encoder.encode('{'), 0);
  assert.deepEqual(sink.take(), [], 'a page that came already, and another address');
  line.answer('http://h/api/v5/public/instruments?instType=SWAP', encoder.encode('{"code":"0","data":['), 0);
  assert.deepEqual(sink.take(), ['fault * LIST_FAILED']);
});

test('a snapshot, updates, and the signed checksum over both sides in turn', () => {
  const desk = new Desk();
  // Fewer bids than asks: the asks go on alone.
  const checksum = crc32('30242:2:30243.5:1.44679:30244:0.07') | 0;
  assert.ok(checksum < 0, 'a checksum with a sign');
  assert.deepEqual(
    desk.book('snapshot', {
      asks: [
        ['30243.5', '1.44679', '0', '6'],
        ['30244', '0.07', '0', '1'],
      ],
      bids: [['30242', '2', '0', '1']],
      checksum,
    }),
    [
      'scale BTC-USDT 1 5',
      'clear BTC-USDT',
      'bid BTC-USDT 30242.0 x 2.00000',
      'ask BTC-USDT 30243.5 x 1.44679',
      'ask BTC-USDT 30244.0 x 0.07000',
      'end BTC-USDT 1652459225393000',
      'status BTC-USDT live',
    ],
  );
  assert.deepEqual(desk.book('update', { asks: [['30243.5', '0', '0', '0']], checksum: crc32('30242:2:30244:0.07') | 0 }), [
    'ask BTC-USDT 30243.5 x 0.00000',
    'end BTC-USDT 1652459225393000',
  ]);
  assert.deepEqual(desk.book('update', { bids: [['30241', '1', '0', '1']], checksum: 1 }).slice(2), [
    'fault BTC-USDT CHECKSUM_WRONG',
    'status BTC-USDT stale CHECKSUM_WRONG',
    ...RESUBSCRIBED,
  ]);
  assert.deepEqual(desk.book('update', { bids: [['30241', '1', '0', '1']] }), ['fault BTC-USDT NO_SNAPSHOT']);
  const [feed] = desk.line.instruments;
  assert.deepEqual([feed.updates, feed.checks, feed.failed], [2, 3, 1]);
  assert.equal(desk.synced().line.instruments[0].live, true);
});

test('each message names the one before it', () => {
  const desk = new Desk().synced([-1, 10]);
  const end = 'end BTC-USDT 1652459225393000';
  const table: readonly [number, number, string[]][] = [
    // prevSeqId, seqId
    [10, 15, [end]],
    [15, 15, [end]], // nothing changed for a minute
    [10, 15, ['fault BTC-USDT SEQUENCE_BACK']], // twice
    [15, 3, [end]], // after maintenance
    [3, 5, [end]],
    [6, 9, ['fault BTC-USDT SEQUENCE_GAP', 'status BTC-USDT stale SEQUENCE_GAP', ...RESUBSCRIBED]],
    [9, 12, ['fault BTC-USDT NO_SNAPSHOT']],
  ];
  for (const [previous, sequence, expected] of table) {
    assert.deepEqual(desk.book('update', { sequence: [previous, sequence] }), expected, `${previous} ${sequence}`);
  }
  desk.synced([-1, 100]);
  assert.deepEqual(desk.book('update', { sequence: [100, 101] }), [end]);
  assert.equal(desk.book('update', {})[0], 'fault BTC-USDT SEQUENCE_GAP', 'without numbers, where there were some');
});

test('trades and tickers, also of a market with one side', () => {
  const desk = new Desk();
  const trade = { instId: NAME, tradeId: '338476307', px: '30236', sz: '0.0002', side: 'buy', ts: '1652459224818' };
  assert.deepEqual(
    desk.frame(JSON.stringify({ arg: { channel: 'trades', instId: NAME }, data: [trade, { ...trade, side: 'sell', tradeId: 'x' }] })),
    [
      'scale BTC-USDT 0 4',
      'trade BTC-USDT buy 30236 x 0.0002 at 1652459224818000 id 338476307',
      'trade BTC-USDT sell 30236 x 0.0002 at 1652459224818000 id 0',
    ],
  );
  const ticker = { instId: NAME, last: '1', bidPx: '30228.6', bidSz: '0.2', askPx: '30228.7', askSz: '1.5', ts: '1652459224956' };
  const quote = (fields: object): string[] =>
    desk.frame(JSON.stringify({ arg: { channel: 'tickers', instId: NAME }, data: [{ ...ticker, ...fields }] }));
  assert.deepEqual(quote({}), ['scale BTC-USDT 1 4', 'quote BTC-USDT 30228.6 x 0.2000 / 30228.7 x 1.5000 at 1652459224956000']);
  assert.deepEqual(quote({ askPx: '', askSz: '' }), ['quote BTC-USDT 30228.6 x 0.2000 / 0.0 x 0.0000 at 1652459224956000']);
});

test('messages about the line, and messages that lack something', () => {
  const desk = new Desk();
  const table: readonly [string, string[]][] = [
    ['pong', []],
    ['{"event":"subscribe","arg":{"channel":"books","instId":"BTC-USDT"}}', []],
    ['{"event":"channel-conn-count","channel":"books","connCount":"1"}', []],
    ['{"event":"error","code":"60018","msg":"Wrong URL or channel doesn\'t exist."}', ['fault * REFUSED']],
    ['{"event":"else"}', ['fault * UNKNOWN_MESSAGE']],
    ['{}', ['fault * UNKNOWN_MESSAGE']],
    ['{"arg":{"channel":"books5","instId":"BTC-USDT"},"data":[]}', ['fault * UNKNOWN_MESSAGE']],
    ['{"arg":{"channel":"books"},"data":[]}', ['fault * MISSING_FIELD']],
    ['{"arg":{"channel":"books","instId":"X"},"data":[]}', ['fault * UNKNOWN_INSTRUMENT']],
    ['{"arg":{"channel":"books","instId":"BTC-USDT"}}', ['fault BTC-USDT MISSING_FIELD']],
    [
      '{"arg":{"channel":"trades","instId":"BTC-USDT"},"data":[{"px":"1"},7]}',
      ['fault BTC-USDT MISSING_FIELD', 'fault BTC-USDT MISSING_FIELD'],
    ],
    ['{"arg":{"channel":"tickers","instId":"BTC-USDT"},"data":[{}]}', ['fault BTC-USDT MISSING_FIELD']],
    ['{"arg":{"channel":"books","instId":"BTC-USDT"},"data":[{"asks":[],"bids":[]}]}', ['fault BTC-USDT MISSING_FIELD', ...RESUBSCRIBED]],
    [
      '{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"snapshot","data":[{"asks":[["1"]],"bids":[]}]}',
      ['fault BTC-USDT MISSING_FIELD', ...RESUBSCRIBED],
    ],
    [
      '{"event":"notice","code":"64008","msg":"The connection will soon be closed for a service upgrade."}',
      ['fault * VENUE_DOWN', 'reconnect VENUE_DOWN'],
    ],
  ];
  for (const [text, expected] of table) assert.deepEqual(desk.frame(text), expected, text);
  assert.deepEqual(new Desk().frame('ponG'), ['fault * MALFORMED', 'reconnect MALFORMED']);
});

test('the line is pinged, a missing snapshot is asked for again, silence ends the line', () => {
  const desk = new Desk();
  const at = (seconds: number): string[] => {
    desk.line.tick(seconds * 1e6);
    return desk.sink.take();
  };
  assert.deepEqual(at(1), []);
  assert.deepEqual(at(20), ['send ping']);
  desk.frame('pong', 21e6);
  assert.deepEqual(at(30), []);
  assert.deepEqual(at(32), ['fault BTC-USDT NO_SNAPSHOT', ...RESUBSCRIBED]);
  desk.synced();
  assert.deepEqual(at(41), ['send ping']);
  assert.deepEqual(at(47), ['fault * SILENT', 'status BTC-USDT stale SILENT', 'reconnect SILENT']);
});

test('a line that has subscribed as often as the venue allows is opened again, once, and may subscribe again', () => {
  const desk = new Desk();
  const gap = () => desk.synced([5, 5]).book('update', { sequence: [6, 7] });
  // One message when it was opened; two for each gap.
  for (let sent = 1; sent + 2 <= 400; sent += 2) assert.deepEqual(gap().slice(-2), RESUBSCRIBED);
  const last = gap();
  assert.deepEqual([last.at(-1), last.some((line) => line.startsWith('send'))], ['reconnect NONE', false]);
  assert.deepEqual(gap(), [], 'nothing more is read of it');
  desk.line.closed(2);
  desk.line.opened(3);
  desk.sink.take();
  assert.deepEqual(gap().slice(-2), RESUBSCRIBED);
});
