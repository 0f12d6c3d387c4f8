import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it, type TestContext } from 'node:test';
import { ConfigError, loadConfig } from '../gateway/config/config.ts';
import { checkMirrorFile } from '../gateway/config/config-mirror.ts';
import { createLogger } from '../gateway/log.ts';
import { startExchange } from '../gateway/main.ts';
import { openbell } from './support/exchange-process.ts';
import { ItchEncoder } from './support/itch-encoder.ts';
import { unpackOldData } from './support/old-data.ts';
import { until } from './support/until.ts';

const folder = mkdtempSync(join(tmpdir(), 'openbell-file-exchange-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const HOUR_NS = 3_600_000_000_000;

/** An order on each side, and one after an hour: a market that stands still. */
function itch(stock: string): Buffer {
  const encoder = new ItchEncoder();
  encoder.directory(7, 0, stock);
  encoder.add(7, 1000, 1n, 'B', 5, stock, 1_000_000);
  encoder.add(7, 1000, 2n, 'S', 3, stock, 1_002_000);
  encoder.add(7, HOUR_NS, 3n, 'S', 3, stock, 1_005_000);
  return encoder.bytes();
}

const LOBSTER = ['34200,1,1,5,1000000,1', '34200,1,2,3,1002000,-1', '37800,1,3,3,1005000,-1'].join('\n');

const MBP = [
  'ts_event,rtype,publisher_id,instrument_id,action,side,price,size,bid_px_00,bid_sz_00,ask_px_00,ask_sz_00,symbol',
  '1700000000000000000,1,1,1,A,B,100.0,5,100.0,5,100.2,3,BTC-USD',
  '1700003600000000000,1,1,1,A,B,100.0,5,100.0,5,100.2,9,BTC-USD',
].join('\n');

const VENUE = `
assets:
  - { id: 1, name: USD, decimals: 6 }
  - { id: 2, name: BTC, decimals: 8 }
symbols:
  - { id: 1, name: BTC-USD, base: BTC, quote: USD, tick: 0.01, lot: 0.0001, reference-price: 100.00, price-band: 20%, limits: { max-price: 500000.00 }REFERENCE }
accounts:
  - { id: 6, name: taker }
  - { id: 8, name: maker }
simulator: { makers: [8], takers: [6] }
`;

async function started(t: TestContext, venue: string, simulate?: string) {
  const config = join(mkdtempSync(join(folder, 'config-')), 'venue.yaml');
  writeFileSync(config, venue);
  const flags = {
    config,
    data: mkdtempSync(join(folder, 'data-')),
    ...(simulate !== undefined && { simulate }),
    'grpc-port': '0',
    'ws-port': '0',
    'http-port': '0',
    topology: 'compact',
  };
  const exchange = await startExchange(loadConfig({ flags, env: {} }), { log: createLogger('silent') });
  t.after(() => exchange.stop());
  const { http } = exchange.ports;
  // biome-ignore lint/suspicious/noExplicitAny: JSON of an answer
  const ask = async (path: string): Promise<any> => (await fetch(`http://127.0.0.1:${http}${path}`)).json();
  const metrics = async () => (await fetch(`http://127.0.0.1:${http}/metrics`)).text();
  /** The stream of a feed, until it has this many messages. */
  const tail = async (feed: string, count: number) => {
    const socket = new WebSocket(`ws://127.0.0.1:${exchange.ports.ws}/v1/feed-tail?feed=${feed}`, 'json');
    // biome-ignore lint/suspicious/noExplicitAny: JSON of a message
    const messages: any[] = [];
    socket.onmessage = ({ data }) => void messages.push(JSON.parse(String(data)));
    await until(() => messages.length >= count, `the stream of ${feed}`);
    socket.close();
    return messages;
  };
  return { config, http, ask, metrics, tail };
}

describe('files as feeds of an exchange', { timeout: 240_000 }, () => {
  it('give latest values, books, reference prices, candles, states, counters and commands', async (t) => {
    const trades = ['0', '1', '61', '62'].map((second, i) => `${1_700_000_040 + Number(second)},${100 + i},2,buy`);
    const fills = file('fills.csv', `when,px,n,side\n${trades.join('\n')}\n${1_700_000_200},x,1,buy\n`);
    const day = file('01302020.NASDAQ_ITCH50', itch('BTC'));
    const levels = file('levels.csv', MBP);
    const reference = ', reference: { sources: [{ feed: day, instrument: BTC }], max-age: 3600, max-step: 50% }';
    const {
      config,
      http,
      ask,
      metrics,
      tail: streamOf,
    } = await started(
      t,
      `${VENUE.replace('REFERENCE', reference)}
feeds:
  - { name: day, file: ${day}, instruments: [BTC], at-end: loop }
  - { name: levels, file: ${levels}, instruments: [BTC-USD] }
  - { name: fills, file: ${fills}, instruments: [FILLS], instrument: FILLS, columns: { time: when, quantity: n }, speed: max }
  - { name: gone, file: ${join(folder, 'gone.itch')}, instruments: [X] }
feed-books: [{ name: BTC, sources: ["day:BTC", "levels:BTC-USD"] }]
`,
    );
    const feed = async (name: string) => ask(`/v1/feeds/${name}`);
    await until(async () => (await feed('fills')).state === 'ended' && (await feed('gone')).state === 'down', 'the end of two files');
    await until(async () => (await feed('day')).instruments[0].ask !== undefined, 'the orders of the day');
    await until(async () => (await feed('levels')).instruments[0].ask !== undefined, 'the levels');
    const { state, instruments } = await feed('day');
    const [{ name, state: bookState, bid, ask: offer }] = instruments;
    assert.deepEqual([state, name, bookState], ['live', 'BTC', 'live']);
    assert.deepEqual(
      [bid, offer],
      [
        { price: '100.0000', quantity: '5' },
        { price: '100.2000', quantity: '3' },
      ],
    );
    await until(async () => (await ask('/v1/symbols/BTC-USD')).referencePrice === '100.10', 'the reference price');

    const ended = await feed('fills');
    assert.deepEqual([ended.faults, ended.instruments[0].state], [{ NUMBER_MALFORMED: 1 }, 'ended']);
    const gone = await feed('gone');
    assert.deepEqual([gone.fault, gone.faults], ['FILE_UNREADABLE', { FILE_UNREADABLE: 1 }]);
    assert.match(gone.note, /^gone: FILE_UNREADABLE: .*gone\.itch: cannot be read \(ENOENT/);
    // A closed candle is shown as forming, and the next one not at all, until it is stored.
    const candlesOf = async () => (await ask('/v1/feeds/fills/candles?instrument=FILLS&interval=1m')).candles;
    await until(async () => (await candlesOf()).length === 2, 'both candles');
    const candles = await candlesOf();
    assert.deepEqual(
      candles.map((candle: Record<string, string>) => [candle.open, candle.close, candle.buyVolume]),
      [
        ['100', '101', '4'],
        ['102', '103', '4'],
      ],
    );
    const { bids, asks } = await ask('/v1/feeds/books/BTC');
    assert.deepEqual([bids[0].quantity, bids[0].sources.length, asks[0].quantity], ['10', 2, '6']);
    const views = [];
    for (const name of ['day', 'levels', 'fills', 'gone']) {
      const [{ kind, state: shown, fault, bids: bidding, asks: offered }] = await streamOf(name, 1);
      views.push([kind, name, shown, fault, bidding[0], offered[0]]);
    }
    assert.deepEqual(views, [
      ['snapshot', 'day', 'live', null, ['100.0000', '5'], ['100.2000', '3']],
      ['snapshot', 'levels', 'live', null, ['100.000000000', '5'], ['100.200000000', '3']],
      ['snapshot', 'fills', 'ended', null, undefined, undefined],
      ['snapshot', 'gone', 'down', 'FILE_UNREADABLE', undefined, undefined],
    ]);
    const text = await metrics();
    assert.match(text, /^openbell_feed_connected\{feed="gone"\} 0$/m);
    assert.match(text, /^openbell_feed_connected\{feed="day"\} 1$/m);
    assert.doesNotMatch(text, /^openbell_feed_connected\{feed="fills"\}/m);

    const at = ['--http-port', String(http)];
    const [running, here, list, tail, record, mistaken] = await Promise.all([
      openbell(['feeds', 'status', ...at]),
      openbell(['feeds', 'status', '--config', config, '--json']),
      openbell(['feeds', 'ls', '--config', config, '--json']),
      openbell(['feeds', 'tail', 'fills', '--config', config, '--only', 'trade,fault,status', '--json']),
      openbell(['feeds', 'record', 'day', '--config', config, '--out', join(folder, 'out.jsonl')]),
      openbell(['feeds', 'tail', 'day', '--config', config, '--ws-url', 'ws://127.0.0.1:1']),
    ]);
    assert.equal(running.code, 1);
    assert.match(running.stdout, /^fills +FILLS +ended$/m);
    assert.match(running.stdout, /^gone +X +down +FILE_UNREADABLE$/m);
    assert.match(running.stderr, /^openbell: gone: FILE_UNREADABLE: .*gone\.itch/m);
    const rows = here.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.deepEqual(
      // The last line is the error.
      rows.slice(0, 4).map((row) => [row.source, row.instrument, row.state]),
      [
        ['day', 'BTC', 'ended'],
        ['levels', 'BTC-USD', 'ended'],
        ['fills', 'FILLS', 'ended'],
        ['gone', 'X', 'down'],
      ],
    );
    assert.equal(here.code, 3, here.stderr);
    const { sources } = JSON.parse(list.stdout);
    assert.deepEqual(sources[2], {
      name: 'fills',
      file: { path: fills },
      instruments: ['FILLS'],
      speed: 'max',
      atEnd: 'end',
      format: 'csv',
      columns: { time: 'when', quantity: 'n' },
      instrument: 'FILLS',
    });
    const kinds = tail.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).kind);
    assert.deepEqual([tail.code, kinds.filter((kind) => kind === 'trade').length, kinds.includes('fault')], [0, 4, true]);
    assert.deepEqual([record.code, /is a file, .*, and needs not be recorded/.test(record.stderr)], [2, true]);
    assert.deepEqual([mistaken.code, /is a file; --depth, --ws-url and --http-url belong to venues/.test(mistaken.stderr)], [2, true]);
  });

  const mirrors: readonly (readonly [format: string, path: () => string])[] = [
    ['itch', () => file('BTC.itch', itch('BTC-USD'))],
    ['lobster', () => file('BTC-USD_2012-06-21_message_1.csv', LOBSTER)],
    ['databento', () => file('mbp.csv', MBP)],
  ];
  for (const [format, path] of mirrors) {
    it(`a file of ${format} is mirrored`, async (t) => {
      const { ask } = await started(t, VENUE.replace('REFERENCE', ''), `mirror=${path()}`);
      const book = async () => {
        const { bids, asks } = await ask('/v1/book/BTC-USD?depth=5');
        return [bids, asks]
          .map((side) => side.map((level: Record<string, string>) => `${level.quantity}@${level.price}`).join(' '))
          .join(' | ');
      };
      await until(async () => (await book()) === '5.0000@100.00 | 3.0000@100.20', 'the market of the file');
      assert.deepEqual(
        (await ask('/v1/feeds')).map((feed: Record<string, string>) => [feed.name, feed.state]),
        [['mirror=file', 'live']],
      );
    });
  }

  it('a log is mirrored', async (t) => {
    const data = unpackOldData(mkdtempSync(join(folder, 'log-')), 'data-5');
    const { ask } = await started(t, VENUE.replace('REFERENCE', ''), `mirror=${data}`);
    await until(async () => {
      const { bids, asks } = await ask('/v1/book/BTC-USD?depth=5');
      return bids.length + asks.length > 0;
    }, 'quotes of the log');
  });

  it('a mirror is refused at the start if it has no book, or cannot be read', async () => {
    const table: readonly (readonly [path: string, problem: RegExp])[] = [
      [file('trades.csv', 'time,price,size\n1,2,3\n'), /FILE_NO_BOOK: .*trades\.csv: a file of the format csv with levels or orders/],
      [
        file('databento-trades.csv', 'ts_event,rtype,publisher_id,instrument_id,action,side,price,size,symbol\n1,0,1,1,T,A,1.0,1,X\n'),
        /FILE_NO_BOOK: .*format databento/,
      ],
      [file('unknown', 'what'), /FORMAT_UNKNOWN: /],
      [file('empty.itch', Buffer.alloc(0)), /FORMAT_UNKNOWN: /],
      [mkdtempSync(join(folder, 'no-log-')), /LOG_EMPTY: /],
    ];
    for (const [path, problem] of table) {
      await assert.rejects(checkMirrorFile({ simulate: { mirror: path }, feeds: [] }), (error) => {
        assert.ok(error instanceof ConfigError, String(error));
        assert.match(error.message, problem);
        return true;
      });
    }
  });
});
