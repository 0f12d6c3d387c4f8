import assert from 'node:assert/strict';
import { test } from 'node:test';
import { putI64 } from '../engine/units.ts';
import { Bbo, Channel, FrameKind, LevelUpdate, MarketOp, Side, Trade } from '../engine/wire/layout.ts';
import { FrameArena, MarketRequestReader, StructList } from '../engine/wire/market-frames.ts';
import { SourceLine } from '../feeds/lines/source-line.ts';
import { OpenbellAdapter } from '../feeds/venues/openbell.ts';
import { demoExchange } from './support/demo-exchange.ts';
import { eventually } from './support/market-check.ts';
import { VenueLedger } from './support/venue-ledger.ts';

const URL_SYMBOLS = 'http://127.0.0.1:7403/v1/symbols';
const SYMBOLS = [
  { id: 1, name: 'BTC-USD', tickSize: '0.01', lotSize: '0.0001', phase: 'continuous' },
  { id: 2, name: 'ETH-USD', tickSize: '0.25', lotSize: '1' },
];

const arena = new FrameArena();

type LevelRow = [side: number, price: number, quantity: number];

function frame(kind: number, channel: number, symbol: number, firstNo: number, structs?: StructList): Uint8Array {
  return arena.frame({ kind, channel, symbol, code: 0, tag: 0, firstNo, timeUs: 1_700_000_000_000_000 }, structs).slice();
}

function book(kind: number, symbol: number, firstNo: number, ...rows: LevelRow[]): Uint8Array {
  const list = new StructList(LevelUpdate.bytes);
  for (const [side, price, quantity] of rows) {
    const at = list.add();
    list.u8[at * 4 + LevelUpdate.side] = side;
    putI64(list.words, at + LevelUpdate.price / 4, price);
    putI64(list.words, at + LevelUpdate.quantity / 4, quantity);
  }
  return frame(kind, Channel.Book, symbol, firstNo, list);
}

function trades(kind: number, firstNo: number, ...rows: [id: number, aggressor: number, auction: number][]): Uint8Array {
  const list = new StructList(Trade.bytes);
  for (const [id, aggressor, auction] of rows) {
    const at = list.add();
    list.u8[at * 4 + Trade.aggressor] = aggressor;
    list.u8[at * 4 + Trade.auction] = auction;
    for (const [field, value] of [
      [Trade.tradeId, id],
      [Trade.price, 12_345],
      [Trade.quantity, 5],
      [Trade.timeUs, 7],
    ]) {
      putI64(list.words, at + field / 4, value);
    }
  }
  return frame(kind, Channel.Trades, 1, firstNo, list);
}

function bbo(...values: number[]): Uint8Array {
  const list = new StructList(Bbo.bytes);
  const at = list.add();
  for (const [i, value] of values.entries()) putI64(list.words, at + 2 * i, value);
  return frame(FrameKind.Delta, Channel.Bbo, 1, 1, list);
}

function ledger(instruments: string[] = ['BTC-USD']): VenueLedger<OpenbellAdapter> {
  return new VenueLedger((options, line, sink) => new OpenbellAdapter(options, line, sink), { instruments });
}

/** `op channel symbol` of a request that was written as hexadecimal digits. */
function request(line: string): string {
  const reader = new MarketRequestReader();
  assert.equal(reader.open(Buffer.from(line.replace('send ', ''), 'hex')), 0);
  return `${reader.op} ${reader.channel} ${reader.symbol}`;
}

/** A line whose book of BTC-USD is live at number 10. */
function live(): VenueLedger<OpenbellAdapter> {
  const upstream = ledger();
  upstream.open();
  upstream.answer(URL_SYMBOLS, SYMBOLS);
  const snapshot = book(FrameKind.Snapshot, 1, 10, [Side.Buy, 9950, 20], [Side.Sell, 10_050, 30]);
  assert.deepEqual(upstream.frame(snapshot), ['BTC-USD book 99.50x0.0020 | 100.50x0.0030', 'BTC-USD live']);
  return upstream;
}

test('symbols are fetched, then book, trades and bbo of the configured ones are subscribed, in the binary format', () => {
  const upstream = ledger();
  assert.deepEqual(upstream.open(), [`get ${URL_SYMBOLS}`]);
  const { Subscribe } = MarketOp;
  assert.deepEqual(upstream.answer(URL_SYMBOLS, SYMBOLS).map(request), [
    `${Subscribe} ${Channel.Book} 1`,
    `${Subscribe} ${Channel.Trades} 1`,
    `${Subscribe} ${Channel.Bbo} 1`,
    `${Subscribe} ${Channel.Status} 1`,
  ]);
  const all = ledger([]);
  all.open();
  const sent = all.answer(URL_SYMBOLS, SYMBOLS).filter((line) => line.startsWith('send'));
  assert.deepEqual(
    sent.map(request),
    ['0', '3', '2', '4'].flatMap((channel) => [`1 ${channel} 1`, `1 ${channel} 2`]).sort((a, b) => Number(a.at(-1)) - Number(b.at(-1))),
  );
});

test('a list of symbols that cannot be used is fetched again; a symbol that is not there is delisted', () => {
  for (const body of [
    'x',
    '{}',
    [7],
    [{ id: 1, name: 'A', tickSize: '0', lotSize: '1' }],
    [{ id: 0, name: 'A', tickSize: '1', lotSize: '1' }],
  ]) {
    const upstream = ledger();
    upstream.open();
    assert.deepEqual(upstream.answer(URL_SYMBOLS, body), ['line fault LIST_FAILED'], JSON.stringify(body));
    assert.deepEqual(upstream.pass(2), [`get ${URL_SYMBOLS}`]);
    assert.deepEqual(upstream.fail(URL_SYMBOLS, 503), ['line fault HTTP_FAILED']);
    assert.deepEqual(upstream.pass(2), [`get ${URL_SYMBOLS}`]);
  }
  const upstream = ledger(['X']);
  upstream.open();
  assert.deepEqual(upstream.answer(URL_SYMBOLS, SYMBOLS), ['X fault DELISTED', 'X delisted DELISTED']);
});

test('a snapshot, then deltas without gaps; ticks and lots become prices and quantities', () => {
  const upstream = live();
  assert.deepEqual(upstream.frame(book(FrameKind.Delta, 1, 11, [Side.Buy, 9950, 0], [Side.Buy, 9949, 1])), [
    'BTC-USD book 99.49x0.0001 | 100.50x0.0030',
  ]);
  assert.deepEqual(upstream.frame(book(FrameKind.Delta, 1, 13, [Side.Sell, 10_051, 2])), [
    'BTC-USD book 99.49x0.0001 | 100.50x0.0030 100.51x0.0002',
  ]);
  const other = ledger(['ETH-USD']);
  other.open();
  other.answer(URL_SYMBOLS, SYMBOLS);
  assert.deepEqual(other.frame(book(FrameKind.Snapshot, 2, 1, [Side.Buy, 3, 7])).slice(0, 1), ['ETH-USD book 0.75x7 | ']);
});

test('books have the number of their last update, trades and quotes their own', () => {
  const upstream = live();
  upstream.frame(book(FrameKind.Delta, 1, 11, [Side.Buy, 9949, 1], [Side.Buy, 9948, 1]));
  upstream.frame(trades(FrameKind.Snapshot, 4));
  upstream.frame(trades(FrameKind.Delta, 5, [5, Side.Buy, 0], [6, Side.Sell, 0]));
  upstream.frame(bbo(9950, 20, 0, 0));
  assert.deepEqual(upstream.sequences, [10, 12, 5, 6, 1]);
});

test('a gap makes the book stale and asks for a snapshot; deltas before it are ignored', () => {
  const upstream = live();
  const [fault, stale, send] = upstream.frame(book(FrameKind.Delta, 1, 12, [Side.Buy, 9949, 1]));
  assert.deepEqual(
    [fault, stale, request(send)],
    ['BTC-USD fault SEQUENCE_GAP', 'BTC-USD stale SEQUENCE_GAP', `${MarketOp.Resnapshot} ${Channel.Book} 1`],
  );
  assert.deepEqual(upstream.frame(book(FrameKind.Delta, 1, 13, [Side.Buy, 9949, 1])), ['BTC-USD fault NO_SNAPSHOT']);
  assert.deepEqual(upstream.frame(book(FrameKind.Snapshot, 1, 15, [Side.Buy, 9949, 2])), ['BTC-USD book 99.49x0.0002 | ', 'BTC-USD live']);
  assert.deepEqual(upstream.frame(book(FrameKind.Delta, 1, 15, [Side.Buy, 9949, 9])), [], 'it is in the snapshot');
  assert.deepEqual(upstream.frame(book(FrameKind.Delta, 1, 16, [Side.Buy, 9949, 3])), ['BTC-USD book 99.49x0.0003 | ']);
  assert.deepEqual(upstream.frame(book(FrameKind.Delta, 1, 16, [Side.Buy, 9949, 4])), ['BTC-USD fault SEQUENCE_BACK']);
});

test('trades are numbered permanently: missing and repeated ones are counted; an auction has no taker', () => {
  const upstream = live();
  assert.deepEqual(upstream.frame(trades(FrameKind.Snapshot, 4)), []);
  assert.deepEqual(upstream.frame(trades(FrameKind.Delta, 5, [5, Side.Buy, 0], [6, Side.Sell, 0], [7, Side.Sell, 1])), [
    'BTC-USD trade buy 123.45x0.0005 #5',
    'BTC-USD trade sell 123.45x0.0005 #6',
    'BTC-USD trade unknown 123.45x0.0005 #7',
  ]);
  assert.deepEqual(upstream.frame(trades(FrameKind.Delta, 7, [7, Side.Buy, 0], [9, Side.Buy, 0])), [
    'BTC-USD fault SEQUENCE_BACK',
    'BTC-USD fault SEQUENCE_GAP',
    'BTC-USD trade buy 123.45x0.0005 #9',
  ]);
});

test('quotes; a side without orders has price 0', () => {
  const upstream = live();
  assert.deepEqual(upstream.frame(bbo(9950, 20, 0, 0)), ['BTC-USD quote 99.50x0.0020 | 0.00x0.0000']);
});

test('what cannot be read or was refused is counted', () => {
  const table: [name: string, frame: Uint8Array, lines: string[]][] = [
    ['no frame', new Uint8Array(7), ['line fault MALFORMED', 'BTC-USD stale MALFORMED', 'reconnect MALFORMED']],
    ['a refusal', frame(FrameKind.Refused, Channel.Book, 1, 0), ['line fault REFUSED']],
    ['an unknown symbol', book(FrameKind.Delta, 9, 11), ['line fault UNKNOWN_INSTRUMENT']],
    ['a channel that was not subscribed', frame(FrameKind.Delta, Channel.BookL3, 1, 1), ['line fault UNKNOWN_MESSAGE']],
    ['a heartbeat', frame(FrameKind.Heartbeat, 0, 0, 1), []],
    [
      'a price of too many units',
      book(FrameKind.Delta, 1, 11, [Side.Buy, 2 ** 53 - 1, 1]),
      ['BTC-USD book 90071992547409.91x0.0001 99.50x0.0020 | 100.50x0.0030', 'BTC-USD fault CROSSED', 'BTC-USD stale CROSSED'],
    ],
  ];
  for (const [name, bytes, lines] of table) assert.deepEqual(live().frame(bytes), lines, name);
  const large = ledger(['ETH-USD']);
  large.open();
  large.answer(URL_SYMBOLS, SYMBOLS);
  assert.deepEqual(large.frame(book(FrameKind.Snapshot, 2, 1, [Side.Buy, 2 ** 53 - 1, 1])).slice(0, 1), ['ETH-USD fault NUMBER_TOO_LARGE']);
});

test('damaged frames end nothing', () => {
  const clean = book(FrameKind.Delta, 1, 11, [Side.Buy, 9949, 1], [Side.Sell, 10_051, 2]);
  for (let at = 0; at < clean.length; at++) {
    for (const value of [0, 1, 0x7f, 0xff]) {
      const upstream = live();
      upstream.frame(clean.with(at, value));
      upstream.frame(clean.subarray(0, at));
      upstream.close();
      upstream.open();
      upstream.answer(URL_SYMBOLS, SYMBOLS);
      const snapshot = book(FrameKind.Snapshot, 1, 10, [Side.Buy, 9950, 20]);
      assert.equal(upstream.frame(snapshot)[0], 'BTC-USD book 99.50x0.0020 | ');
    }
  }
});

const demo = demoExchange();

test('a running exchange is read over its ports: book, trades and quotes', async () => {
  const options = {
    instruments: ['BTC-USD'],
    webSocketUrl: `ws://127.0.0.1:${demo.ports.ws}`,
    httpUrl: `http://127.0.0.1:${demo.ports.http}`,
  };
  const sink = new VenueLedger((own, line, target) => new OpenbellAdapter(own, line, target), options);
  const line = new SourceLine({ name: 'upstream', adapter: (...parts) => new OpenbellAdapter(...parts), options, sink });
  const seen: string[] = [];
  const sees = (text: string): Promise<void> =>
    eventually(() => {
      seen.push(...sink.take());
      assert.ok(seen.includes(text), `${text}; seen: ${seen.join('; ')}`);
    });
  line.start();
  try {
    await sees('BTC-USD live');
    const { orders } = demo.client;
    const { referencePrice } = await demo.get('/v1/symbols/BTC-USD');
    const order = { symbol: 'BTC-USD', price: String(referencePrice) } as const;
    await orders.place({ ...order, side: 'buy', quantity: '0.5' });
    await orders.place({ ...order, side: 'sell', quantity: '0.2' });
    const decimals = (await demo.get('/v1/symbols/BTC-USD')).tickSize.split('.')[1]?.length ?? 0;
    const price = Number(referencePrice).toFixed(decimals);
    await eventually(() => {
      seen.push(...sink.take());
      assert.ok(
        seen.some((text) => text.startsWith(`BTC-USD trade sell ${price}x0.2`) && text.endsWith('#1')),
        seen.join('; '),
      );
      assert.match(sink.book('BTC-USD'), new RegExp(`^${price.replace('.', '\\.')}x0\\.30* \\| $`));
    });
    assert.deepEqual([...sink.faults], []);
  } finally {
    await line.stop();
  }
});
