import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AdapterFactory } from '../feeds/feed.ts';
import { RecordKind } from '../feeds/feed-record.ts';
import { allocateBroadcast, BroadcastProducer, BroadcastReader } from '../feeds/rings/broadcast-ring.ts';
import { allocateLatest, latestWriter } from '../feeds/rings/latest-values.ts';
import { RecordPublisher } from '../feeds/rings/record-publisher.ts';
import { allocateSources, sourcesWriter } from '../feeds/rings/source-status.ts';
import { VENUES } from '../feeds/venues/index.ts';
import { PublishedAdapter } from '../feeds/worker/published-adapter.ts';
import { RecordingSink } from '../gateway/tools/cli/feed-records.ts';

const KINDS = Object.keys(RecordKind);
const NO_LINE = { send: () => undefined, fetch: () => undefined, reconnect: () => undefined };
const encoder = new TextEncoder();

function factory(name: string): AdapterFactory {
  const venue = VENUES.find((candidate) => candidate.name === name);
  assert.ok(venue !== undefined);
  return venue.create;
}

/** `kind sequence` of the records that an adapter writes for its frames; one with a `url` is an answer. */
function recordsOf(
  venue: string,
  instrument: string,
  frames: readonly { readonly url?: string; readonly [field: string]: unknown }[],
): string[] {
  const ring = allocateBroadcast({ capacity: 256 });
  const output = { ring: new BroadcastProducer(ring), latest: latestWriter(allocateLatest(4)), sources: sourcesWriter(allocateSources(1)) };
  const reader = new BroadcastReader(ring);
  const publisher = new RecordPublisher(output, venue);
  const adapter = new PublishedAdapter(factory(venue), { instruments: [instrument] }, NO_LINE, publisher);
  adapter.opened(1);
  for (const { url, ...body } of frames) {
    const bytes = encoder.encode(JSON.stringify(body));
    if (url === undefined) adapter.frame(bytes, 2);
    else adapter.answer(url, bytes, 2);
  }
  adapter.closed(3);
  const lines = Array.from({ length: reader.poll() }, (_, i) => {
    const { kind, venueSequence } = reader.at(i);
    return `${KINDS[kind - 1]} ${venueSequence}`;
  });
  // Of what each connection has: the status before the first frame, and that of the end.
  assert.deepEqual([lines[0], lines.at(-1)], ['status 0', 'status 0']);
  return lines.slice(1, -1);
}

const binance = (data: object) => ({ stream: 'x', data: { s: 'BTCUSDT', E: 1, ...data } });
const bybit = (type: string, u: number) => ({
  topic: 'orderbook.200.BTCUSDT',
  type,
  ts: 1,
  data: { s: 'BTCUSDT', b: [['10', String(u)]], a: [], u, seq: 900 + u },
});
const okx = (action: string, prevSeqId: number, seqId: number) => ({
  arg: { channel: 'books', instId: 'BTC-USDT' },
  action,
  data: [{ bids: [['10', String(seqId), '0', '1']], asks: [], ts: '1', prevSeqId, seqId }],
});
const coinbase = (sequence_num: number, channel: string, event: object) => ({
  channel,
  timestamp: '2026-01-01T00:00:00Z',
  sequence_num,
  events: [event],
});
const level = (quantity: string) => ({ side: 'bid', price_level: '10', new_quantity: quantity });
const exchange = (type: string, more: object) => ({ type, product_id: 'BTC-USD', time: '2026-01-01T00:00:00Z', ...more });
const WHOLE_BOOK = ['scale', 'bookClear', 'level', 'bookEnd', 'status'];
const numbered = (kinds: readonly string[], sequence: number) => kinds.map((kind) => `${kind} ${sequence}`);

describe('the sequence of records is that of the venue', () => {
  it('Binance: the last update of a change, of a snapshot and of a quote; trades have none', () => {
    const url = 'https://api.binance.com/api/v3/depth?symbol=BTCUSDT&limit=1000';
    const frames = [
      binance({ e: 'depthUpdate', U: 5, u: 7, b: [['10', '2']], a: [] }),
      { url, lastUpdateId: 6, bids: [['10', '1']], asks: [] },
      binance({ e: 'trade', p: '10', q: '1', T: 1, t: 44, m: true }),
      binance({ u: 8, b: '10', B: '2', a: '11', A: '1' }),
    ];
    assert.deepEqual(recordsOf('binance', 'BTCUSDT', frames), [
      ...numbered(WHOLE_BOOK, 6),
      ...numbered(['level', 'bookEnd'], 7),
      'trade 0',
      'quote 8',
    ]);
  });

  it('Bybit: `u` of the book', () => {
    const trade = {
      topic: 'publicTrade.BTCUSDT',
      type: 'snapshot',
      ts: 1,
      data: [{ T: 1, s: 'BTCUSDT', S: 'Buy', v: '1', p: '10', i: '3' }],
    };
    assert.deepEqual(recordsOf('bybit', 'BTCUSDT', [bybit('snapshot', 21), bybit('delta', 22), trade]), [
      ...numbered(WHOLE_BOOK, 21),
      ...numbered(['level', 'bookEnd'], 22),
      'trade 0',
    ]);
  });

  it('Coinbase: `sequence_num` of the connection, in all channels', () => {
    const trade = { product_id: 'BTC-USD', trade_id: '9', price: '10', size: '1', time: '2026-01-01T00:00:00Z', side: 'BUY' };
    const frames = [
      coinbase(0, 'subscriptions', {}),
      coinbase(1, 'l2_data', { type: 'snapshot', product_id: 'BTC-USD', updates: [level('1')] }),
      coinbase(2, 'l2_data', { type: 'update', product_id: 'BTC-USD', updates: [level('2')] }),
      coinbase(3, 'market_trades', { type: 'update', trades: [trade] }),
    ];
    assert.deepEqual(recordsOf('coinbase', 'BTC-USD', frames), [
      ...numbered(WHOLE_BOOK, 1),
      ...numbered(['level', 'bookEnd'], 2),
      'trade 3',
    ]);
  });

  it('Coinbase Exchange: `sequence` of trades and quotes; changes of the book have none', () => {
    const frames = [
      exchange('snapshot', { bids: [['10', '1']], asks: [] }),
      exchange('match', { trade_id: 1, side: 'sell', size: '1', price: '10', sequence: 50 }),
      exchange('l2update', { changes: [['buy', '10', '2']] }),
      exchange('ticker', { best_bid: '10', best_bid_size: '2', best_ask: '11', best_ask_size: '1', sequence: 51 }),
    ];
    assert.deepEqual(recordsOf('coinbase-exchange', 'BTC-USD', frames), [
      ...numbered(WHOLE_BOOK, 0),
      'trade 50',
      ...numbered(['level', 'bookEnd'], 0),
      'quote 51',
    ]);
  });

  it('OKX: `seqId` of the book', () => {
    assert.deepEqual(recordsOf('okx', 'BTC-USDT', [okx('snapshot', -1, 30), okx('update', 30, 35)]), [
      ...numbered(WHOLE_BOOK, 30),
      ...numbered(['level', 'bookEnd'], 35),
    ]);
  });

  it('Kraken has none', () => {
    const book = { symbol: 'BTC/USD', bids: [{ price: 10, qty: 1 }], asks: [] };
    const [...records] = recordsOf('kraken', 'BTC/USD', [{ channel: 'book', type: 'snapshot', data: [book] }]);
    assert.ok(records.length > 3 && records.every((record) => record.endsWith(' 0')), records.join());
  });
});

it('records of `feeds tail` have it, too', () => {
  const records: unknown[] = [];
  const sink = new RecordingSink((record) => records.push(record));
  const adapter = factory('bybit')({ instruments: ['BTCUSDT'] }, NO_LINE, sink);
  adapter.opened(1);
  adapter.frame(encoder.encode(JSON.stringify(bybit('snapshot', 21))), 2);
  assert.deepEqual(records.slice(1, 4), [
    { kind: 'clear', instrument: 'BTCUSDT', venueSequence: 21 },
    { kind: 'level', instrument: 'BTCUSDT', side: 'bid', price: '10', quantity: '21', venueSequence: 21 },
    { kind: 'end', instrument: 'BTCUSDT', venueTimeUs: 1000, venueSequence: 21 },
  ]);
});
