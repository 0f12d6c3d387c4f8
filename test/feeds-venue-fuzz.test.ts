import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MAX_FRAME_BYTES } from '../feeds/feed.ts';
import { VENUES, type Venue } from '../feeds/venues/index.ts';
import { times } from './support/long-runs.ts';
import { VenueLedger } from './support/venue-ledger.ts';

/** What a venue sends in a short session: frames, and answers with their addresses. */
type Step = readonly [frame: unknown] | readonly [url: string, answer: unknown];

const TIME = '2026-08-09T21:05:48.228568804Z';
const LEVELS = [
  ['99.5', '2'],
  ['98', '1.25'],
];
const ASKS = [['100.5', '3']];

function binance(linked: boolean): Step[] {
  const change = (U: number, u: number, pu: number, b: unknown, a: unknown): unknown => ({
    stream: 'abc@depth@100ms',
    data: { e: 'depthUpdate', E: 1_700_000_000_001, s: 'ABC', U, u, ...(linked && { pu }), b, a },
  });
  return [
    [change(100, 102, 99, [['99', '7']], [])],
    [
      linked ? 'https://x/fapi/v1/depth?symbol=ABC&limit=1000' : 'https://x/api/v3/depth?symbol=ABC&limit=1000',
      { lastUpdateId: 101, bids: LEVELS, asks: ASKS },
    ],
    [change(103, 104, 102, [['98', '0']], [['101', '4']])],
    [{ stream: 'abc@trade', data: { e: 'trade', E: 1, s: 'ABC', t: 5, p: '99.5', q: '1', T: 1_700_000_000_000, m: true } }],
    [{ u: 105, s: 'ABC', b: '99.5', B: '2', a: '100.5', A: '3' }],
    [change(105, 105, 104, [['97.25', '3']], [])],
  ];
}

const BYBIT: Step[] = [
  [{ success: true, ret_msg: 'subscribe', op: 'subscribe' }],
  [{ topic: 'orderbook.200.ABC', type: 'snapshot', ts: 1_672_304_484_978, data: { s: 'ABC', b: LEVELS, a: ASKS, u: 10, seq: 1 } }],
  [
    {
      topic: 'orderbook.200.ABC',
      type: 'delta',
      ts: 1_672_304_484_979,
      data: { s: 'ABC', b: [['98', '0']], a: [['101', '4']], u: 11, seq: 2 },
    },
  ],
  [{ topic: 'publicTrade.ABC', type: 'snapshot', ts: 1, data: [{ T: 1, s: 'ABC', S: 'Buy', v: '0.001', p: '16578.50', i: '7' }] }],
  [{ topic: 'orderbook.200.ABC', type: 'delta', ts: 1_672_304_484_979, data: { s: 'ABC', b: [['97.25', '3']], a: [], u: 12, seq: 3 } }],
];

const SESSIONS: Readonly<Record<string, Step[]>> = {
  binance: binance(false),
  'binance-us': binance(false),
  'binance-usdm': binance(true),
  'binance-coinm': binance(true),
  bitstamp: [
    [{ event: 'bts:subscription_succeeded', channel: 'diff_order_book_ABC', data: {} }],
    [{ data: { microtimestamp: '1641343691244908', bids: [['99', '7']], asks: [] }, channel: 'diff_order_book_ABC', event: 'data' }],
    ['https://www.bitstamp.net/api/v2/order_book/ABC/', { microtimestamp: '1641343691244908', bids: LEVELS, asks: ASKS }],
    [
      {
        data: { microtimestamp: '1641343691244999', bids: [['98', '0']], asks: [['101', '4']] },
        channel: 'diff_order_book_ABC',
        event: 'data',
      },
    ],
    [
      {
        data: { id: 5, amount_str: '1', price_str: '99.5', type: 0, microtimestamp: '1641343691245000' },
        channel: 'live_trades_ABC',
        event: 'trade',
      },
    ],
  ],
  bybit: BYBIT,
  'bybit-inverse': BYBIT,
  'bybit-linear': BYBIT,
  coinbase: [
    [{ channel: 'subscriptions', timestamp: TIME, sequence_num: 0, events: [{ subscriptions: {} }] }],
    [coinbase(1, 'l2_data', { type: 'snapshot', product_id: 'ABC', updates: [update('bid', '99.5', '2'), update('offer', '100.5', '3')] })],
    [
      coinbase(2, 'market_trades', {
        type: 'update',
        trades: [{ product_id: 'ABC', trade_id: '5', price: '1', size: '2', time: TIME, side: 'BUY' }],
      }),
    ],
    [coinbase(3, 'l2_data', { type: 'update', product_id: 'ABC', updates: [update('bid', '97.25', '3')] })],
    [
      coinbase(4, 'ticker', {
        type: 'update',
        tickers: [{ product_id: 'ABC', best_bid: '1', best_bid_quantity: '1', best_ask: '2', best_ask_quantity: '1' }],
      }),
    ],
  ],
  'coinbase-exchange': [
    [{ type: 'snapshot', product_id: 'ABC', bids: LEVELS, asks: ASKS }],
    [
      {
        type: 'l2update',
        product_id: 'ABC',
        changes: [
          ['buy', '98', '0'],
          ['sell', '101', '4'],
        ],
        time: TIME,
      },
    ],
    [{ type: 'match', product_id: 'ABC', trade_id: 5, side: 'sell', size: '985', price: '0.00001305', time: TIME }],
    [{ type: 'l2update', product_id: 'ABC', changes: [['buy', '97.25', '3']], time: TIME }],
  ],
};

function coinbase(sequence: number, channel: string, event: unknown): unknown {
  return { channel, timestamp: TIME, sequence_num: sequence, events: [event] };
}

function update(side: string, price: string, quantity: string): unknown {
  return { side, event_time: TIME, price_level: price, new_quantity: quantity };
}

const TESTED: readonly Venue[] = VENUES.filter(({ name }) => name in SESSIONS);

function ledger({ create }: Venue): VenueLedger {
  return new VenueLedger((options, line, sink) => create(options, line, sink), { instruments: ['ABC'] });
}

function bytesOf(value: unknown): Uint8Array {
  return new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));
}

function deliver(line: VenueLedger, step: Step, bytes = bytesOf(step[step.length - 1])): string[] {
  return step.length === 1 ? line.frame(bytes) : line.answer(step[0] as string, bytes);
}

/** A book without zeros behind the last other decimal: a damaged digit may have made the unit smaller, which it stays. */
function plain(book: string): string {
  return book.replace(/(\.\d*?)0+(?!\d)/g, '$1').replace(/\.(?!\d)/g, '');
}

/** A whole session on a new connection. */
function session(line: VenueLedger, steps: readonly Step[]): string {
  line.close();
  line.open();
  for (const step of steps) {
    if (step.length === 1) deliver(line, step);
    else for (const url of [...line.asked]) line.answer(url, step[1]);
  }
  return line.book('ABC');
}

type Damage = (bytes: Uint8Array, at: number, value: number) => Uint8Array;
const DAMAGES: readonly Damage[] = [
  (bytes, at) => bytes.subarray(0, at),
  (bytes, at, value) => bytes.with(at, value),
  (bytes, at) => Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + 1)]),
  (bytes, at, value) => Uint8Array.from([...bytes.subarray(0, at), value, ...bytes.subarray(at)]),
  (bytes, at) => Uint8Array.from([...bytes, ...bytes.subarray(at)]),
  (bytes, at) => Uint8Array.from([...bytes.subarray(at), ...bytes.subarray(0, at)]),
];

test('all venues of this test are in the list', () => {
  assert.deepEqual(TESTED.map(({ name }) => name).sort(), Object.keys(SESSIONS).sort());
});

for (const venue of TESTED) {
  const steps = SESSIONS[venue.name];

  test(`${venue.name}: damaged frames end nothing, and a new connection gives the exact book`, () => {
    const clean = plain(session(ledger(venue), steps));
    assert.match(clean, /99\.5x2.* \| 100\.5x3/);
    let faults = 0;
    const damage = fc.tuple(fc.nat(steps.length - 1), fc.nat(), fc.nat(255), fc.nat(DAMAGES.length - 1));
    fc.assert(
      fc.property(fc.array(damage, { minLength: 1, maxLength: 12 }), (damages) => {
        const line = ledger(venue);
        line.open();
        for (const [index, at, value, kind] of damages) {
          const step = steps[index];
          const bytes = bytesOf(step[step.length - 1]);
          deliver(line, step, DAMAGES[kind](bytes, at % bytes.length, value));
        }
        for (const count of line.faults.values()) faults += count;
        assert.equal(plain(session(line, steps)), clean);
      }),
      { numRuns: times(100, 2000) },
    );
    assert.ok(faults > 100, `${faults} faults`);
  });

  test(`${venue.name}: every prefix of every message, and any JSON, ends nothing`, () => {
    const line = ledger(venue);
    for (const step of steps) {
      const bytes = bytesOf(step[step.length - 1]);
      for (let at = 0; at < bytes.length; at++) {
        line.open();
        deliver(line, step, bytes.subarray(0, at));
        line.close();
      }
    }
    fc.assert(
      fc.property(fc.jsonValue(), fc.nat(steps.length - 1), fc.string(), (value, index, key) => {
        const step = steps[index];
        const whole = step[step.length - 1] as Record<string, unknown>;
        const keys = [...Object.keys(whole), key];
        line.open();
        deliver(line, step, bytesOf(value));
        for (const name of keys) deliver(line, step, bytesOf({ ...whole, [name]: value }));
        line.close();
      }),
      { numRuns: times(100, 2000) },
    );
  });

  test(`${venue.name}: a frame above the limit opens the line again, one below it is read`, () => {
    const line = ledger(venue);
    line.open();
    const huge = new Uint8Array(MAX_FRAME_BYTES + 1).fill(0x20);
    assert.deepEqual(line.frame(huge), ['line fault FRAME_TOO_LARGE', 'reconnect FRAME_TOO_LARGE']);
    line.close();
    line.open();
    const ten = new Uint8Array(10 * 2 ** 20).fill(0x20);
    ten.set(bytesOf(`{"x":"${'y'.repeat(9 * 2 ** 20)}"}`));
    assert.deepEqual(line.frame(ten), ['line fault UNKNOWN_MESSAGE']);
  });
}
