/** The lists of instruments of the venues: what they say, and what becomes of instruments that they halt, end or do not have. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, test } from 'node:test';
import { readCaptureByTime } from '../feeds/files/captures.ts';
import { InstrumentStatus, type InstrumentTerms, instrumentStatusName } from '../feeds/instrument-terms.ts';
import { JsonScanner } from '../feeds/text/json-scanner.ts';
import { VENUES } from '../feeds/venues/index.ts';
import { BINANCE_LIST } from '../feeds/venues/lists/binance-list.ts';
import { BITSTAMP_LIST } from '../feeds/venues/lists/bitstamp-list.ts';
import { BYBIT_LIST } from '../feeds/venues/lists/bybit-list.ts';
import { COINBASE_EXCHANGE_LIST, COINBASE_LIST } from '../feeds/venues/lists/coinbase-list.ts';
import { KRAKEN_V1_LIST } from '../feeds/venues/lists/kraken-list.ts';
import type { ListPages } from '../feeds/venues/lists/list-format.ts';
import { OKX_LIST } from '../feeds/venues/lists/okx-list.ts';
import { OPENBELL_LIST } from '../feeds/venues/lists/openbell-list.ts';
import { VenueLedger } from './support/venue-ledger.ts';

const SHARED = process.env.OPENBELL_SHARED ?? join(import.meta.dirname, '..', '..', 'shared');
const encoder = new TextEncoder();

/** `name status base/quote tick lot decimals`, a line an instrument. */
function lines(pages: ListPages, body: unknown, url = 'http://h/list'): { next: string | undefined; listed: string[] } {
  const listed: string[] = [];
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const next = pages.read(new JsonScanner(), url, encoder.encode(text), (terms) => listed.push(line(terms)));
  return { next, listed };
}

function line({ name, status, base, quote, tick, lot, priceDecimals, quantityDecimals }: InstrumentTerms): string {
  return `${name} ${instrumentStatusName(status)} ${base}/${quote} ${tick} ${lot} ${priceDecimals} ${quantityDecimals}`;
}

const filters = [
  { filterType: 'LOT_SIZE', minQty: '1', stepSize: '1.00000000' },
  { filterType: 'OTHER', limit: 1 },
  { filterType: 'PRICE_FILTER', tickSize: '0.00010000' },
];
const binance = (more: object) => ({ symbol: 'A', baseAsset: 'NKN', quoteAsset: 'USDT', filters, ...more });
const product = { product_id: 'A', base_increment: '0.01', price_increment: '0.05', base_currency_id: 'X', quote_currency_id: 'Y' };
const spot = { symbol: 'A', baseCoin: 'B', quoteCoin: 'C', lotSizeFilter: { basePrecision: '0.000001' }, priceFilter: { tickSize: '0.5' } };
const linear = { ...spot, lotSizeFilter: { qtyStep: '10' }, status: 'Delivering' };

const LISTS: readonly (readonly [what: string, pages: ListPages, body: unknown, expected: readonly string[]])[] = [
  ...(
    [
      ['TRADING', 'trading'],
      ['BREAK', 'halted'],
      ['PENDING_TRADING', 'halted'],
      ['SETTLING', 'halted'],
      ['CLOSE', 'delisted'],
      ['NEW_WORD', 'unknown'],
    ] as const
  ).map(
    ([word, status]) =>
      [
        `binance ${word}`,
        BINANCE_LIST,
        { symbols: [binance({ status: word })] },
        [`A ${status} NKN/USDT 0.00010000 1.00000000 4 0`],
      ] as const,
  ),
  [
    'binance coin-m',
    BINANCE_LIST,
    { symbols: [binance({ contractStatus: 'DELIVERED' })] },
    ['A delisted NKN/USDT 0.00010000 1.00000000 4 0'],
  ],
  ['binance without filters', BINANCE_LIST, { symbols: [{ symbol: 'A', status: 'TRADING' }, {}, 7] }, ['A trading /   -1 -1']],
  [
    'bitstamp',
    BITSTAMP_LIST,
    [
      { url_symbol: 'btcusd', name: 'BTC/USD', base_decimals: 8, counter_decimals: 2, trading: 'Enabled' },
      { url_symbol: 'xusd', name: 'X/USD', base_decimals: 0, counter_decimals: 99, trading: 'Disabled' },
    ],
    ['btcusd trading BTC/USD 0.01 0.00000001 2 8', 'xusd halted X/USD  1 -1 0'],
  ],
  ['bybit spot', BYBIT_LIST, { result: { list: [{ ...spot, status: 'Trading' }] } }, ['A trading B/C 0.5 0.000001 1 6']],
  ['bybit contracts', BYBIT_LIST, { result: { list: [linear] } }, ['A halted B/C 0.5 10 1 0']],
  ['coinbase', COINBASE_LIST, { products: [{ ...product, status: 'online' }] }, ['A trading X/Y 0.05 0.01 2 2']],
  ['coinbase delisted', COINBASE_LIST, { products: [{ ...product, status: 'delisted' }] }, ['A delisted X/Y 0.05 0.01 2 2']],
  [
    'coinbase post only',
    COINBASE_LIST,
    { products: [{ ...product, status: 'online', post_only: true }] },
    ['A post-only X/Y 0.05 0.01 2 2'],
  ],
  ...['is_disabled', 'trading_disabled', 'cancel_only', 'auction_mode'].map(
    (name) =>
      [
        `coinbase ${name}`,
        COINBASE_LIST,
        { products: [{ ...product, status: 'online', [name]: true }] },
        ['A halted X/Y 0.05 0.01 2 2'],
      ] as const,
  ),
  [
    'coinbase exchange',
    COINBASE_EXCHANGE_LIST,
    [{ id: 'B', base_currency: 'X', quote_currency: 'Y', quote_increment: '0.01', base_increment: '0.1', status: 'offline' }],
    ['B halted X/Y 0.01 0.1 2 1'],
  ],
  [
    'kraken v1',
    KRAKEN_V1_LIST,
    {
      error: [],
      result: {
        A: { wsname: 'X/Y', pair_decimals: 1, lot_decimals: 8, tick_size: '0.5', status: 'cancel_only' },
        B: { wsname: 'Z/Y', pair_decimals: 2, lot_decimals: 3 },
        C: { pair_decimals: 2, lot_decimals: 3 },
      },
    },
    ['X/Y halted X/Y 0.5 0.00000001 1 8', 'Z/Y trading Z/Y 0.01 0.001 2 3'],
  ],
  [
    'okx',
    OKX_LIST,
    {
      code: '0',
      data: [
        { instId: 'A-B', state: 'live', tickSz: '0.1', lotSz: '0.0001', baseCcy: 'A', quoteCcy: 'B', uly: '' },
        { instId: 'A-B-SWAP', state: 'suspend', tickSz: '1', lotSz: '1', baseCcy: '', quoteCcy: '', uly: 'A-B' },
        { instId: 'C-B-230101', state: 'expired', tickSz: '1', lotSz: '1', uly: 'C-B' },
      ],
    },
    ['A-B trading A/B 0.1 0.0001 1 4', 'A-B-SWAP halted A/B 1 1 0 0', 'C-B-230101 delisted C/B 1 1 0 0'],
  ],
  [
    'openbell',
    OPENBELL_LIST,
    ['continuous', 'auction', 'halted', 'closed'].map((phase) => ({
      name: phase,
      base: 'B',
      quote: 'Q',
      phase,
      tickSize: '0.25',
      lotSize: '1',
    })),
    ['continuous trading B/Q 0.25 1 2 0', 'auction halted B/Q 0.25 1 2 0', 'halted halted B/Q 0.25 1 2 0', 'closed halted B/Q 0.25 1 2 0'],
  ],
];

for (const [what, pages, body, expected] of LISTS)
  test(`list of ${what}`, () => assert.deepEqual(lines(pages, body), { next: '', listed: expected }));

test('a list that is cut off, empty or of another form is none', () => {
  for (const pages of [BINANCE_LIST, BITSTAMP_LIST, BYBIT_LIST, COINBASE_LIST, COINBASE_EXCHANGE_LIST, KRAKEN_V1_LIST, OKX_LIST])
    for (const body of [
      '',
      '[',
      '{"symbols":[',
      '{"data":[{"instId":"A"}',
      '[]',
      '{}',
      '7',
      '{"data":[],"symbols":[],"products":[],"result":{"list":[]}}',
    ])
      assert.deepEqual(lines(pages, body), { next: undefined, listed: [] }, body);
});

test('a page with a cursor is followed by the next one', () => {
  const { next } = lines(
    BYBIT_LIST,
    { result: { list: [spot], nextPageCursor: 'a b&c' } },
    'https://h/v5/market/instruments-info?category=linear',
  );
  assert.equal(next, 'https://h/v5/market/instruments-info?category=linear&cursor=a+b%26c');
});

/** A line on Bybit, whose list has pages. */
function bybit(...instruments: string[]): VenueLedger {
  const venue = VENUES.find(({ name }) => name === 'bybit-linear');
  assert.ok(venue !== undefined);
  return new VenueLedger(venue.create, { instruments, httpUrl: 'http://h' });
}

const PAGE = 'http://h/v5/market/instruments-info?category=linear&limit=1000';
const listOf = (statuses: Readonly<Record<string, string>>, nextPageCursor = '') => ({
  result: { list: Object.entries(statuses).map(([symbol, status]) => ({ ...spot, symbol, status })), nextPageCursor },
});

/** Lets time pass until the list is fetched, while a trade of B comes every ten seconds. @returns seconds */
function untilList(line: VenueLedger): number {
  for (let second = 0; second < 2000; second++) {
    if (line.lists.length > 0) return second;
    if (second % 10 === 0) line.frame({ topic: 'publicTrade.B', data: [{ T: 1, S: 'Buy', v: '1', p: '2', i: 'x' }] });
    line.pass(1);
  }
  throw new Error('the list was not fetched');
}

describe('a line and its list', () => {
  it('what the list does not have is delisted once all pages have come; a failed page leaves the last list in force', () => {
    const line = bybit('A', 'B', 'C');
    line.open();
    assert.deepEqual(line.lists, [PAGE]);
    assert.deepEqual(line.answer(PAGE, listOf({ A: 'Trading' }, 'x')), [], 'the list goes on');
    assert.deepEqual(line.lists, [`${PAGE}&cursor=x`]);
    assert.deepEqual(line.answer(`${PAGE}&cursor=x`, listOf({ B: 'Trading' })), ['C fault DELISTED', 'C delisted DELISTED']);
    assert.ok(untilList(line) >= 900);
    assert.deepEqual(line.fail(PAGE, 500), ['line fault LIST_FAILED']);
    const soon = untilList(line);
    assert.ok(soon >= 60 && soon <= 76, `soon after a failure: ${soon}`);
    assert.deepEqual(line.answer(PAGE, 'no list'), ['line fault LIST_FAILED']);
    const later = untilList(line);
    assert.ok(later >= 120 && later <= 151, `twice as long: ${later}`);
    assert.deepEqual(line.answer(PAGE, listOf({ A: 'Trading', B: 'Trading' })), [], 'C is as it was');
  });

  it('one that is halted says so and resumes; the list is read again soon while there is one', () => {
    const line = bybit('A', 'B');
    line.open();
    line.answer(PAGE, listOf({ A: 'Trading', B: 'Trading' }));
    line.frame({ topic: 'orderbook.200.A', type: 'snapshot', data: { u: 5, b: [['1', '2']], a: [['3', '4']] } });
    const usual = untilList(line);
    assert.ok(usual >= 900 && usual <= 1126, `${usual}`);
    assert.deepEqual(line.answer(PAGE, listOf({ A: 'PreLaunch', B: 'Trading' })), ['A fault HALTED', 'A halted HALTED']);
    const soon = untilList(line);
    assert.ok(soon >= 60 && soon <= 76, `${soon}`);
    assert.deepEqual(line.answer(PAGE, listOf({ A: 'PreLaunch', B: 'Trading' })), []);
    const later = untilList(line);
    assert.ok(later >= 120 && later <= 151, `twice as long: ${later}`);
    assert.deepEqual(line.answer(PAGE, listOf({ A: 'Trading', B: 'Trading' })), ['A live'], 'its book was kept');
    assert.ok(untilList(line) >= 900);
  });

  it('one that is listed again is subscribed again, if its book was lost', () => {
    const line = bybit('A', 'B');
    line.open();
    line.answer(PAGE, listOf({ B: 'Trading' }));
    line.close();
    const sent = line.open();
    assert.deepEqual(sent, ['send {"op":"subscribe","args":["orderbook.200.B","publicTrade.B"]}'], 'without the one that is not there');
    untilList(line);
    assert.deepEqual(line.answer(PAGE, listOf({ A: 'Trading', B: 'Trading' })), [
      'A syncing',
      'send {"op":"subscribe","args":["orderbook.200.A","publicTrade.A"]}',
    ]);
  });

  it('a venue that refused a subscription for a name that it does not have gets one without it', () => {
    const venue = VENUES.find(({ name }) => name === 'coinbase-exchange');
    assert.ok(venue !== undefined);
    const line = new VenueLedger(venue.create, { instruments: ['A', 'B'], httpUrl: 'http://h' });
    line.open();
    assert.deepEqual(line.frame({ type: 'error', message: 'Failed to subscribe' }), ['line fault REFUSED']);
    const list = [{ id: 'A', status: 'online', quote_increment: '1', base_increment: '1' }];
    assert.deepEqual(line.answer('http://h/products', list), ['B fault DELISTED', 'B delisted DELISTED', 'reconnect REFUSED']);
    line.close();
    assert.match(line.open().join(), /"product_ids":\["A"\]/);
  });

  it('numbers with more decimals than the list states are counted, and taken', () => {
    const line = bybit('A');
    line.open();
    line.answer(PAGE, listOf({ A: 'Trading' }));
    const frame = { topic: 'orderbook.200.A', type: 'snapshot', data: { u: 5, b: [['1.25', '2.50']], a: [['3.50', '4']] } };
    assert.deepEqual(line.frame(frame), ['A fault PRECISION_WRONG', 'A book 1.25x2.500000 | 3.50x4.000000', 'A live']);
  });

  it('a line whose instruments do not trade is not silent for that', () => {
    const line = bybit('A');
    line.open();
    line.answer(PAGE, listOf({ B: 'Trading' }));
    for (let i = 0; i < 20; i++) {
      assert.doesNotMatch(line.pass(50).join(), /reconnect|SILENT/);
      line.frame({ op: 'pong' });
    }
  });

  it('another server that stands for the WebSocket alone is not asked, nor is the venue', () => {
    for (const venue of VENUES.filter(({ urls }) => urls.listOnly)) {
      const line = new VenueLedger(venue.create, { instruments: ['A-B'], webSocketUrl: 'ws://h' });
      line.open();
      assert.deepEqual([line.asked, line.lists], [[], []], venue.name);
    }
  });
});

/** Counts of statuses in the recorded lists, and one instrument of each. */
const RECORDED: readonly [capture: string, pages: ListPages, path: string, counts: Readonly<Record<string, number>>, one: string][] = [
  ['binance', BINANCE_LIST, '/exchangeInfo', { trading: 1262, halted: 433 }, 'NKNUSDT trading NKN/USDT 0.00010000 1.00000000 4 0'],
  ['bitstamp', BITSTAMP_LIST, '/trading-pairs-info/', { trading: 140 }, 'sgbeur trading SGB/EUR 0.00001 0.00000001 5 8'],
  ['coinbase', COINBASE_LIST, '/products', { trading: 912, delisted: 8 }, 'BTC-USD trading BTC/USD 0.01 0.00000001 2 8'],
  ['kraken', KRAKEN_V1_LIST, '/AssetPairs', { trading: 293 }, 'ADA/XBT trading ADA/XBT 0.00000001 0.00000001 8 8'],
  ['okx', OKX_LIST, 'instType=SWAP', { trading: 166 }, 'BTC-USD-SWAP trading BTC/USD 0.1 1 1 0'],
];

for (const [venue, pages, path, counts, one] of RECORDED) {
  const file = join(SHARED, 'data', 'venues', `capture-${venue}.jsonl.gz`);
  test(`the recorded list of ${venue}`, { skip: existsSync(file) ? false : `NOT TESTED: ${file} is missing` }, async () => {
    const { events } = await readCaptureByTime(file);
    const answer = events.find((event) => event.kind === 'http' && event.url.endsWith(path));
    assert.ok(answer?.kind === 'http');
    const { next, listed } = lines(pages, answer.data);
    assert.equal(next, '');
    const found: Record<string, number> = {};
    for (const text of listed) {
      const status = text.split(' ')[1];
      found[status] = (found[status] ?? 0) + 1;
    }
    assert.deepEqual(found, counts);
    assert.ok(listed.includes(one), listed[0]);
  });
}

test('statuses have names', () => {
  assert.deepEqual(Object.values(InstrumentStatus).map(instrumentStatusName), ['unknown', 'trading', 'post-only', 'halted', 'delisted']);
});
