import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { BookSide } from '../feeds/feed.ts';
import { lobsterNames, readLobster } from '../feeds/files/lobster-file.ts';
import { dayOfPath } from '../feeds/files/venue-day.ts';
import { FeedRecorder } from './support/feed-recorder.ts';
import { missing, sharedData } from './support/shared-data.ts';

const folder = mkdtempSync(join(tmpdir(), 'openbell-lobster-'));
after(() => rmSync(folder, { recursive: true }));

const messages = sharedData('lobster', 'AAPL_message_10.csv');
const states = sharedData('lobster', 'AAPL_orderbook_10.csv');

function files(name: string, events: string, book?: string): string {
  const path = join(folder, `${name}_message_2.csv`);
  writeFileSync(path, events);
  if (book !== undefined) writeFileSync(join(folder, `${name}_orderbook_2.csv`), book);
  return path;
}

test('events change levels, and the book file confirms them', async () => {
  const sink = new FeedRecorder();
  const events = [
    '34200.000000001,1,1,10,1000000,1',
    '34200.5,4,1,4,1000000,1',
    '34201,2,7,5,1010000,-1',
    '34202,3,8,15,1010000,-1',
    '34203,5,0,3,1005000,-1',
    '34204,6,-1,100,1006000,-1',
    '34205,7,0,0,-1,-1',
    '34206,7,0,0,1,-1',
  ];
  const end = '1020000,7,1000000,6,1030000,9,990000,5';
  const book = [
    '1010000,20,1000000,10,1020000,7,990000,5',
    '1010000,20,1000000,6,1020000,7,990000,5',
    '1010000,15,1000000,6,1020000,7,990000,5',
    end,
    end,
    end,
    end,
    end,
  ];
  const summary = await readLobster(files('X', events.join('\n'), book.join('\n')), sink);
  assert.deepEqual([summary.instrument, summary.events, summary.malformed, summary.checks, summary.failed], ['X', 8, 0, 8, 0]);
  assert.deepEqual(sink.lines.slice(0, 2), ['scale X 4 0', 'status X live']);
  assert.deepEqual(sink.lines.slice(2), [
    'clear X',
    'ask X 101.0000 x 20',
    'ask X 102.0000 x 7',
    'bid X 100.0000 x 10',
    'bid X 99.0000 x 5',
    'bid X 100.0000 x 0',
    'end X 0',
    'bid X 100.0000 x 10',
    'end X 34200000000',
    'bid X 100.0000 x 6',
    'trade X sell 100.0000 x 4 at 34200500000 id 0',
    'end X 34200500000',
    'ask X 101.0000 x 15',
    'end X 34201000000',
    'ask X 101.0000 x 0',
    'ask X 103.0000 x 9',
    'end X 34202000000',
    'trade X buy 100.5000 x 3 at 34203000000 id 0',
    'end X 34203000000',
    'trade X 100.6000 x 100 at 34204000000 id 0',
    'end X 34204000000',
    'status X stale',
    'end X 34204000000',
    'status X live',
    'end X 34204000000',
  ]);
});

test('a wrong state is counted, and taken', async () => {
  const sink = new FeedRecorder(true);
  const book = ['1010000,20,1000000,10', '1010000,20,1000000,5', '1010000,20,1000000,4'];
  const events = '1,1,1,10,1000000,1\n2,2,1,4,1000000,1\n3,2,1,1,1000000,1\n';
  const summary = await readLobster(files('W', events, book.join('\r\n')), sink);
  assert.deepEqual([summary.checks, summary.failed], [3, 1]);
  assert.deepEqual([...sink.faults], [['CHECKSUM_WRONG', 1]]);
  assert.deepEqual(sink.book('W', BookSide.Bid), ['100.0000 x 4']);
});

test('bad rows are counted', async () => {
  /** [case, event, faults] */
  const table: [what: string, event: string, faults: string][] = [
    ['a type that is not known', '1,9,1,10,1000000,1', 'MALFORMED'],
    ['no size', '1,1,1,0,1000000,1', 'MALFORMED'],
    ['a negative size', '1,1,1,-5,1000000,1', 'MALFORMED'],
    ['a size that is no number', '1,1,1,x,1000000,1', 'MALFORMED'],
    ['a price with a point', '1,1,1,5,100.5,1', 'MALFORMED'],
    ['a direction of 0', '1,1,1,5,1000000,0', 'MALFORMED'],
    ['too few fields', '1,1,1,5', 'MALFORMED'],
    ['a type that is no number', '1,new,1,5,1000000,1', 'MALFORMED'],
    ['a cancellation of an order that is not known', '1,2,1,5,1000000,1', 'UNKNOWN_ORDER'],
  ];
  for (const [what, event, faults] of table) {
    const sink = new FeedRecorder();
    await readLobster(files(`B${table.length}${what.length}`, `${event}\n`), sink);
    assert.equal([...sink.faults.keys()].join(), faults, what);
  }
});

test('a file that is cut gives its whole rows, and its error', async () => {
  const rows = Array.from({ length: 5000 }, (_, i) => `${i},1,${i},${(i * 7919) % 1000},${1_000_000 + ((i * 104729) % 5000)},1`);
  const gzipped = gzipSync(`${rows.join('\n')}\n`);
  const path = join(folder, 'C_message_1.csv.gz');
  writeFileSync(path, gzipped.subarray(0, gzipped.length - 3000));
  const sink = new FeedRecorder();
  assert.equal((await readLobster(path, sink)).truncated?.code, 'FILE_TRUNCATED');
  assert.ok(sink.lines.filter((line) => line.startsWith('end')).length > 1000);
  assert.deepEqual([...sink.faults.keys()], ['MALFORMED'], 'rows of size 0 only');
});

test('names of files state ticker, book and day', () => {
  const table: [path: string, instrument: string | undefined, day: string][] = [
    ['AAPL_2012-06-21_34200000_57600000_message_10.csv', 'AAPL', '2012-06-21T04:00:00.000Z'],
    ['AAPL_message_10.csv.gz', 'AAPL', ''],
    ['AAPL_message.csv', 'AAPL', ''],
    ['AAPL_orderbook_10.csv', undefined, ''],
    ['12302019.NASDAQ_ITCH50.gz', undefined, '2019-12-30T05:00:00.000Z'],
    ['S071321-v50.txt.gz', undefined, '2021-07-13T04:00:00.000Z'],
    ['2019-13-45.csv', undefined, ''],
  ];
  for (const [path, instrument, day] of table) {
    assert.equal(lobsterNames(`/x/${path}`)?.instrument, instrument, path);
    assert.equal(dayOfPath(`/x/${path}`), day === '' ? 0 : Date.parse(day) * 1000, path);
  }
});

test('AAPL: ten levels after each event are the recorded ones', { skip: missing(messages, states) }, async () => {
  const sink = new FeedRecorder(true);
  const summary = await readLobster(messages, sink);
  assert.deepEqual([summary.events, summary.malformed, summary.checks, summary.failed], [999, 0, 999, 0]);
  assert.deepEqual([...sink.faults], []);
  assert.equal(sink.lines.filter((line) => line.startsWith('trade')).length, 98 + 61);

  // An event that is missing breaks the states that follow, until the file's levels are taken again.
  const path = join(folder, 'AAPL_message_10.csv');
  writeFileSync(path, readFileSync(messages, 'utf8').replace(/^(34200\.004447484,)1/m, '$15'));
  copyFileSync(states, join(folder, 'AAPL_orderbook_10.csv'));
  const broken = await readLobster(path, new FeedRecorder(true));
  assert.deepEqual([broken.checks, broken.failed], [999, 1]);
});
