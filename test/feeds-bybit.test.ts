import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import fc from 'fast-check';
import { BybitAdapter } from '../feeds/venues/bybit.ts';
import { venueOfCapture } from '../feeds/venues/index.ts';
import { type BybitFrame, BybitMarket, BybitTwin } from './support/bybit-frames.ts';
import { VenueLedger } from './support/venue-ledger.ts';

type Levels = [price: string, quantity: string][];

function ledger(instruments = ['BTCUSDT'], depth = 50): VenueLedger<BybitAdapter> {
  return new VenueLedger((options, line, sink) => new BybitAdapter('spot', options, line, sink), { instruments, depth });
}

function book(type: 'snapshot' | 'delta', u: number, b: Levels, a: Levels = []): unknown {
  return { topic: 'orderbook.50.BTCUSDT', type, ts: 1_672_304_484_978, data: { s: 'BTCUSDT', b, a, u, seq: 7_961_638_724 }, cts: 1 };
}

/** A line whose book is live at update 10. */
function live(): VenueLedger<BybitAdapter> {
  const bybit = ledger();
  bybit.open();
  assert.deepEqual(bybit.frame(book('snapshot', 10, [['16493.50', '0.006']], [['16611.00', '0.029']])), [
    'BTCUSDT book 16493.5x0.006 | 16611.0x0.029',
    'BTCUSDT live',
  ]);
  return bybit;
}

test('topics are subscribed in requests of ten', () => {
  const names = Array.from({ length: 6 }, (_, i) => `S${i}`);
  assert.deepEqual(ledger(names).open(), [
    'send {"op":"subscribe","args":["orderbook.50.S0","orderbook.50.S1","orderbook.50.S2","orderbook.50.S3","orderbook.50.S4","orderbook.50.S5","publicTrade.S0","publicTrade.S1","publicTrade.S2","publicTrade.S3"]}',
    'send {"op":"subscribe","args":["publicTrade.S4","publicTrade.S5"]}',
  ]);
  assert.match(ledger(['X'], 51).open()[0], /orderbook\.200\.X/);
  assert.match(ledger(['X'], 5000).open()[0], /orderbook\.1000\.X/);
});

test('each category has an address, and a recording of it finds its adapter', () => {
  for (const name of ['bybit', 'bybit-linear', 'bybit-inverse']) {
    const address = `wss://stream.bybit.com/v5/public/${name.split('-')[1] ?? 'spot'}`;
    const venue = venueOfCapture('BYBIT', address);
    const line = new VenueLedger((options, own, sink) => venue?.create(options, own, sink) as BybitAdapter);
    assert.deepEqual([venue?.name, line.adapter.venue, line.adapter.address], [name, name, address]);
  }
});

test('a snapshot, then deltas with rising numbers', () => {
  const bybit = live();
  assert.deepEqual(
    bybit.frame(
      book('delta', 11, [
        ['16493.50', '0'],
        ['16490.00', '1'],
      ]),
    ),
    ['BTCUSDT book 16490.0x1.000 | 16611.0x0.029'],
  );
  assert.deepEqual(bybit.frame(book('delta', 12, [], [['16612', '2']])), ['BTCUSDT book 16490.0x1.000 | 16611.0x0.029 16612.0x2.000']);
  assert.equal(bybit.adapter.instruments[0].updates, 2);
});

test('a jump makes the book stale; the topic is subscribed again, and deltas are ignored until its snapshot', () => {
  const bybit = live();
  assert.deepEqual(bybit.frame(book('delta', 12, [['16490.00', '1']])), [
    'BTCUSDT fault SEQUENCE_GAP',
    'BTCUSDT stale SEQUENCE_GAP',
    'send {"op":"unsubscribe","args":["orderbook.50.BTCUSDT"]}',
    'send {"op":"subscribe","args":["orderbook.50.BTCUSDT"]}',
  ]);
  assert.deepEqual(bybit.frame(book('delta', 13, [['16490.00', '1']])), ['BTCUSDT fault NO_SNAPSHOT']);
  assert.deepEqual(bybit.frame(book('snapshot', 20, [['16490.00', '2']])), ['BTCUSDT book 16490.0x2.000 | ', 'BTCUSDT live']);
  assert.deepEqual(bybit.frame(book('delta', 21, [['16490.00', '3']])), ['BTCUSDT book 16490.0x3.000 | ']);
});

test('a delta that comes twice is counted and not applied', () => {
  const bybit = live();
  assert.deepEqual(bybit.frame(book('delta', 10, [['1', '1']])), ['BTCUSDT fault SEQUENCE_BACK']);
  assert.deepEqual(bybit.frame(book('delta', 11, [['1', '1']])).length, 1);
});

test('a snapshot on the way, or update 1, replaces the book', () => {
  const bybit = live();
  assert.deepEqual(bybit.frame(book('snapshot', 500, [['16000', '1']])), ['BTCUSDT book 16000.0x1.000 | ']);
  assert.deepEqual(bybit.frame(book('delta', 1, [['15000', '1']])), ['BTCUSDT book 15000.0x1.000 | ']);
  assert.deepEqual(bybit.frame(book('delta', 2, [], [['15001', '1']])), ['BTCUSDT book 15000.0x1.000 | 15001.0x1.000']);
});

test('trades have the side of the taker', () => {
  const bybit = ledger([]);
  bybit.open();
  const trade = { T: 1_672_304_486_865, s: 'BTCUSDT', S: 'Buy', v: '0.001', p: '16578.50', L: 'PlusTick', i: '20f43950-d8dd', BT: false };
  const data = [trade, { ...trade, S: 'Sell', i: '2100000000007764263' }, { ...trade, S: 'Sell', i: '77' }];
  assert.deepEqual(bybit.frame({ topic: 'publicTrade.BTCUSDT', type: 'snapshot', ts: 1, data }), [
    'BTCUSDT syncing',
    'BTCUSDT trade buy 16578.5x0.001 #0',
    'BTCUSDT trade sell 16578.5x0.001 #0',
    'BTCUSDT trade sell 16578.5x0.001 #77',
  ]);
});

test('the line is pinged every 20 s, and opened again when nothing comes', () => {
  const bybit = live();
  assert.deepEqual(bybit.pass(20), ['send {"op":"ping"}']);
  assert.deepEqual(bybit.frame({ success: true, ret_msg: 'pong', conn_id: 'x', op: 'ping' }), []);
  assert.deepEqual(bybit.frame({ op: 'pong', args: ['1'] }), []);
  assert.equal(bybit.pass(60).length, 3);
  assert.deepEqual(bybit.pass(1), ['line fault SILENT', 'BTCUSDT stale SILENT', 'reconnect SILENT']);
});

test('what the venue refuses or invents is counted', () => {
  const table: [name: string, frame: unknown, lines: string[]][] = [
    ['an accepted request', { success: true, ret_msg: 'subscribe', op: 'subscribe' }, []],
    ['a refused request', { success: false, ret_msg: 'error:handler not found', op: 'subscribe' }, ['line fault REFUSED']],
    ['an unknown operation', { op: 'auth', success: true }, ['line fault UNKNOWN_MESSAGE']],
    ['an unknown topic', { topic: 'weather.BTCUSDT', data: {} }, ['line fault UNKNOWN_MESSAGE']],
    ['a topic without an instrument', { topic: 'orderbook.50', type: 'delta', data: {} }, ['line fault UNKNOWN_INSTRUMENT']],
    ['another instrument', { topic: 'orderbook.50.X', type: 'delta', data: {} }, ['line fault UNKNOWN_INSTRUMENT']],
    ['another type', { topic: 'orderbook.50.BTCUSDT', type: 'x', data: { u: 11, b: [], a: [] } }, ['BTCUSDT fault MISSING_FIELD']],
    ['no number', { topic: 'orderbook.50.BTCUSDT', type: 'delta', data: { b: [], a: [] } }, ['BTCUSDT fault MISSING_FIELD']],
    ['no side', { topic: 'orderbook.50.BTCUSDT', type: 'delta', data: { u: 11, b: [] } }, ['BTCUSDT fault MISSING_FIELD']],
    [
      'a trade that is none',
      { topic: 'publicTrade.BTCUSDT', data: [1, {}] },
      ['BTCUSDT fault MISSING_FIELD', 'BTCUSDT fault MISSING_FIELD'],
    ],
    ['trades that are no list', { topic: 'publicTrade.BTCUSDT', data: {} }, ['BTCUSDT fault MISSING_FIELD']],
    ['no JSON', '{', ['line fault MALFORMED', 'BTCUSDT stale MALFORMED', 'reconnect MALFORMED']],
  ];
  for (const [name, frame, lines] of table) assert.deepEqual(live().frame(frame), lines, name);
});

test('a generated market with lost, repeated and swapped frames and restarts gives the book of the twin', () => {
  let gaps = 0;
  let back = 0;
  let restarts = 0;
  const step = fc.oneof(
    { weight: 20, arbitrary: fc.constant('pass') },
    ...['lose', 'repeat', 'swap', 'restart', 'snapshot', 'trade'].map((kind) => ({ weight: 1, arbitrary: fc.constant(kind) })),
  );
  fc.assert(
    fc.property(fc.nat(1e6), fc.array(step, { minLength: 50, maxLength: 200 }), (seed, steps) => {
      const market = new BybitMarket('BTCUSDT', seed);
      const twin = new BybitTwin();
      const bybit = ledger();
      bybit.open();
      const pass = (frame: BybitFrame): void => {
        const gapsBefore = twin.gaps;
        twin.receive(frame);
        const lines = bybit.frame(frame.text);
        // The new subscription is answered by a snapshot.
        const again = lines.some((line) => line.startsWith('send {"op":"subscribe"'));
        assert.equal(again, twin.gaps > gapsBefore);
        if (again) pass(market.snapshot());
      };
      pass(market.snapshot());
      for (const kind of steps) {
        if (kind === 'trade') pass(market.trade());
        else if (kind === 'snapshot') pass(market.snapshot());
        else if (kind === 'restart') {
          pass(market.snapshot(true));
          restarts++;
        } else if (kind === 'lose') market.delta();
        else if (kind === 'repeat') {
          const frame = market.delta();
          pass(frame);
          pass(frame);
        } else if (kind === 'swap') {
          const [first, second] = [market.delta(), market.delta()];
          pass(second);
          pass(first);
        } else pass(market.delta());
      }
      const [instrument] = bybit.adapter.instruments;
      const { bids, asks, updates, crossed } = twin.book.line('BTCUSDT', 1000);
      const side = (levels: readonly (readonly [string, string])[]): [number, number][] => levels.map(([p, q]) => [Number(p), Number(q)]);
      assert.deepEqual(levelsOf(bybit, 'bids'), side(bids));
      assert.deepEqual(levelsOf(bybit, 'asks'), side(asks));
      assert.deepEqual([instrument.updates, instrument.crossed], [updates, crossed]);
      assert.equal(bybit.faults.get('SEQUENCE_GAP') ?? 0, twin.gaps);
      assert.equal(bybit.faults.get('SEQUENCE_BACK') ?? 0, twin.back);
      assert.equal(bybit.faults.get('NO_SNAPSHOT') ?? 0, twin.early);
      gaps += twin.gaps;
      back += twin.back;
    }),
    { numRuns: 100 },
  );
  assert.ok(gaps > 50 && back > 50 && restarts > 50, `${gaps} gaps, ${back} repeated, ${restarts} restarts`);
});

/** Levels that the sink has, best first. */
function levelsOf(bybit: VenueLedger<BybitAdapter>, side: 'bids' | 'asks'): [number, number][] {
  const [bids, asks] = bybit.book('BTCUSDT').split(' | ');
  const text = side === 'bids' ? bids : asks;
  return text === '' ? [] : text.split(' ').map((level) => level.split('x').map(Number) as [number, number]);
}

describe('a line that answers pings and sends no data', () => {
  const PONG = { success: true, ret_msg: 'pong', op: 'ping' };
  const quiet = ['line fault SILENT', 'BTCUSDT stale SILENT', 'reconnect SILENT'];

  /** A live line that is stale after a while; `pongs` lets so many seconds pass, with a pong in each. */
  function open(staleAfterSeconds?: number) {
    const bybit: VenueLedger<BybitAdapter> = new VenueLedger((options, line, sink) => new BybitAdapter('spot', options, line, sink), {
      instruments: ['BTCUSDT'],
      depth: 50,
      ...(staleAfterSeconds !== undefined && { staleAfterSeconds }),
    });
    bybit.open();
    bybit.frame(book('snapshot', 10, [['99.5', '2']]));
    const pongs = (seconds: number): string[] =>
      Array.from({ length: seconds }, () => [...bybit.pass(1), ...bybit.frame(PONG)])
        .flat()
        .filter((line) => !line.startsWith('send'));
    return { bybit, pongs };
  }

  it('is stale and opened again after the time of the configuration', () => {
    const { bybit, pongs } = open(30);
    assert.deepEqual(pongs(30), []);
    assert.deepEqual(pongs(2), quiet);
    bybit.close();
    bybit.open();
    assert.deepEqual(pongs(30), [], 'the time begins anew with the connection');
    assert.deepEqual(
      pongs(2),
      quiet.filter((line) => !line.includes('stale')),
    );
  });

  it('is stale after five minutes by default', () => {
    const { pongs } = open();
    assert.deepEqual(pongs(300), []);
    assert.deepEqual(pongs(2), quiet);
  });

  it('an instrument that stops while another goes on is counted and stale, until it has an update again', () => {
    const bybit = new VenueLedger((options, line, sink) => new BybitAdapter('spot', options, line, sink), {
      instruments: ['BTCUSDT', 'ETHUSDT'],
      staleAfterSeconds: 30,
    });
    const update = (name: string, type: string, u: number) =>
      bybit.frame({ topic: `orderbook.200.${name}`, type, ts: 1, data: { s: name, b: [['99.5', String(u)]], a: [], u, seq: u } });
    bybit.open();
    update('BTCUSDT', 'snapshot', 10);
    update('ETHUSDT', 'snapshot', 10);
    const lines: string[] = [];
    for (let second = 1; second <= 310; second++) {
      lines.push(...bybit.pass(1).filter((line) => !line.startsWith('send')));
      update('ETHUSDT', 'delta', 10 + second);
      if (second === 300) assert.deepEqual(lines, []);
    }
    assert.deepEqual(lines, ['BTCUSDT fault SILENT', 'BTCUSDT stale SILENT'], 'once, and the line stays');
    assert.equal(update('BTCUSDT', 'delta', 11).at(-1), 'BTCUSDT live');
  });

  it('a change or a trade is data', () => {
    const { bybit, pongs } = open(30);
    assert.deepEqual(pongs(25), []);
    bybit.frame(book('delta', 11, [['99.5', '3']]));
    assert.deepEqual(pongs(25), []);
    const trade = { T: 1, s: 'BTCUSDT', S: 'Buy', v: '1', p: '10', i: '3' };
    bybit.frame({ topic: 'publicTrade.BTCUSDT', type: 'snapshot', ts: 1, data: [trade] });
    assert.deepEqual(pongs(25), []);
    assert.deepEqual(pongs(10), quiet);
  });
});
