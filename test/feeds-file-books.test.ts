import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { fileBooks } from '../feeds/files/file-books.ts';
import { FILE_FORMATS, formatOf } from '../feeds/files/file-formats.ts';
import { CSV_COLUMNS } from '../feeds/files/quotes-csv.ts';
import { ItchEncoder } from './support/itch-encoder.ts';
import { missing, sharedData } from './support/shared-data.ts';

const folder = mkdtempSync(join(tmpdir(), 'openbell-file-books-'));
after(() => rmSync(folder, { recursive: true }));

const cli = join(import.meta.dirname, '..', 'dist', 'gateway', 'cli.js');
const lobster = sharedData('lobster', 'AAPL_message_10.csv');

const DATABENTO =
  'ts_recv,ts_event,rtype,publisher_id,instrument_id,action,side,price,size,channel_id,order_id,flags,ts_in_delta,sequence,symbol';

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

function itch(): Buffer {
  const encoder = new ItchEncoder();
  encoder.directory(7, 0, 'MSFT');
  encoder.directory(8, 0, 'AAPL');
  encoder.add(8, 1000, 1n, 'B', 100, 'AAPL', 1_234_500);
  encoder.add(8, 1000, 2n, 'S', 50, 'AAPL', 1_235_000);
  encoder.add(8, 1000, 3n, 'S', 50, 'AAPL', 1_236_000);
  encoder.executed(8, 2000, 2n, 20, 1n);
  return encoder.bytes();
}

test('the format shows in the name and the first bytes', async () => {
  const table: [name: string, content: string | Uint8Array, format: string][] = [
    ['a.bin', itch(), 'itch'],
    ['b.gz', gzipSync(itch()), 'itch'],
    ['X_message_1.csv', '1,1,1,1,1,1\n', 'lobster'],
    ['c.csv', `${DATABENTO}\n`, 'databento'],
    ['d.csv.gz', gzipSync(`${DATABENTO}\n`), 'databento'],
    ['e.csv', 'time,price,size\n', 'csv'],
    ['f.txt', '\u{feff}"time";"bid";"bid_size";"ask";"ask_size"\r\n', 'csv'],
  ];
  for (const [name, content, format] of table) assert.equal((await formatOf(file(name, content))).name, format, name);
  await assert.rejects(formatOf(file('g.csv', 'a,b\n1,2\n')), {
    code: 'FORMAT_UNKNOWN',
    message: /none of the known formats.*its format, one of capture, log, lobster, databento, csv, itch$/,
  });
  await assert.rejects(formatOf(file('h', '')), { code: 'FORMAT_UNKNOWN' });
  await assert.rejects(formatOf(join(folder, 'none')), { code: 'FILE_UNREADABLE' });
});

test('books of a file', async () => {
  const { format, records, books, faults, truncated } = await fileBooks(file('day.itch', itch()), 1);
  assert.deepEqual([format, records, truncated], ['itch', 6, undefined]);
  assert.deepEqual(books, [
    {
      instrument: 'AAPL',
      bids: [['123.4500', '100']],
      asks: [['123.5000', '30']],
      updates: 4,
      checks: 0,
      failed: 0,
      crossed: 0,
      trades: 1,
      quotes: 0,
    },
    { instrument: 'MSFT', bids: [], asks: [], updates: 0, checks: 0, failed: 0, crossed: 0, trades: 0, quotes: 0 },
  ]);
  assert.deepEqual([...faults], []);
});

test('a file that is cut or damaged: what it has, and why it ends', async () => {
  const cut = await fileBooks(file('cut.itch', itch().subarray(0, itch().length - 1)), 1);
  assert.deepEqual([cut.truncated?.code, [...cut.faults], cut.records], ['FILE_TRUNCATED', [], 5]);
  const rows = Array.from({ length: 20_000 }, (_, i) => `${i},${1 + ((i * 7919) % 10007)},1`).join('\n');
  const whole = gzipSync(`time,price,size\n${rows}\n`);
  const { books, truncated, records } = await fileBooks(file('cut.csv.gz', whole.subarray(0, whole.length >> 1)), 1);
  assert.equal(truncated?.code, 'FILE_TRUNCATED');
  assert.ok(records > 5000 && books[0].trades === records, `${records} records`);
  assert.equal(books[0].instrument, 'cut');
  await assert.rejects(fileBooks(file('no.csv', 'a,b\n'), 1, 'csv'), { code: 'CSV_COLUMNS', message: /no\.csv: the header has neither/ });
});

test('a file that gives nothing is an error, and says why', async () => {
  const wrong = `${DATABENTO}\n1,1,0,1,1,A,B,x,1,0,1,128,0,1,AAPL\n1,1,0,1,1,A,B,1,y,0,2,128,0,2,AAPL\n`;
  const stocks = new ItchEncoder();
  stocks.directory(7, 0, 'MSFT');
  stocks.directory(8, 0, 'AAPL');
  const quiet = Buffer.concat([stocks.bytes(), Buffer.from([0, 2, 0x3f, 0])]);
  const table: [name: string, content: string | Uint8Array, format: string, code: string | undefined, faults: [string, number][]][] = [
    ['empty.itch', '', 'itch', 'FILE_EMPTY', []],
    ['empty.itch.gz', gzipSync(''), 'itch', 'FILE_EMPTY', []],
    ['text.itch', 'no message of ITCH', 'itch', 'FILE_TRUNCATED', [['MALFORMED', 1]]],
    ['X_message_2.csv', '', 'lobster', 'FILE_EMPTY', []],
    ['X_message_3.csv', 'a,b,c,d,e,f\n1,9,1,1,1,1\n', 'lobster', 'FILE_MALFORMED', [['MALFORMED', 2]]],
    ['empty.csv', '', 'csv', 'FILE_EMPTY', []],
    ['empty.csv', '\n', 'databento', 'FILE_EMPTY', []],
    [
      'wrong.csv',
      'price,size\nx,1\n1,y\n,3\n7\n',
      'csv',
      'FILE_MALFORMED',
      [
        ['NUMBER_MALFORMED', 2],
        ['MISSING_FIELD', 2],
      ],
    ],
    ['wrong.csv', wrong, 'databento', 'FILE_MALFORMED', [['NUMBER_MALFORMED', 2]]],
    ['one.csv', 'price,size\nx,1\n1,2\n', 'csv', undefined, [['NUMBER_MALFORMED', 1]]],
    ['quiet.itch', quiet, 'itch', undefined, [['UNKNOWN_MESSAGE', 1]]],
    ['header.csv', 'price,size\n', 'csv', undefined, []],
    ['header.csv', `${DATABENTO}\n`, 'databento', undefined, []],
  ];
  for (const [name, content, format, code, faults] of table) {
    const read = await fileBooks(file(name, content), 1, format);
    assert.deepEqual([read.truncated?.code, [...read.faults].sort()], [code, faults.sort()], `${name} as ${format}`);
  }
});

test('the command prints them, and its names are the ones of the formats', async () => {
  const run = promisify(execFile);
  const path = file('cli.csv', 'p,q,when\n10.5,3,1\n11,1,2\n');
  const flags = ['--format', 'csv', '--columns', 'price=p,quantity=q,time=when', '--instrument', 'BTC-USD', '--json'];
  const { stdout } = await run(process.execPath, [cli, 'feeds', 'books', path, ...flags]);
  assert.deepEqual(JSON.parse(stdout), {
    instrument: 'BTC-USD',
    bids: [],
    asks: [],
    updates: 0,
    checks: 0,
    failed: 0,
    crossed: 0,
    trades: 2,
    quotes: 0,
  });
  const text = await run(process.execPath, [cli, 'feeds', 'books', file('cli.itch', itch())]);
  assert.match(
    text.stdout,
    /AAPL +4 updates, 0 checksums, 0 wrong, 0 times crossed, 1 trades, 0 quotes\n.*\n *100 +123\.4500 +123\.5000 +30 *\n/,
  );
  await assert.rejects(run(process.execPath, [cli, 'feeds', 'books', file('what', 'x')]), (error: { code: number; stderr: string }) => {
    assert.match(error.stderr, /FORMAT_UNKNOWN|none of the known formats/);
    return error.code !== 0;
  });
  await assert.rejects(run(process.execPath, [cli, 'feeds', 'books', path, '--columns', 'x=y']), /COLUMN one of time, instrument/);
  await assert.rejects(
    run(process.execPath, [cli, 'feeds', 'books', file('cli-empty.itch', ''), '--format', 'itch']),
    /FILE_EMPTY|has nothing to read/,
  );
  const source = readFileSync(join(import.meta.dirname, '..', 'gateway', 'tools', 'cli', 'feeds-books.ts'), 'utf8');
  for (const name of [...FILE_FORMATS.map((format) => format.name), ...Object.keys(CSV_COLUMNS)]) {
    assert.ok(source.includes(`'${name}'`), name);
  }
});

test('control characters of a file do not reach the terminal', async () => {
  const run = promisify(execFile);
  const named = await run(process.execPath, [cli, 'feeds', 'books', file('named.csv', 'symbol,price,quantity\nA\u001b[31mB,1,2\n')]);
  assert.match(named.stdout, /^A\\u001b\[31mB {2}/);
  const headed = [cli, 'feeds', 'books', file('headed.csv', 'pr\u001b[31mice,x\n1,2\n'), '--format', 'databento'];
  await assert.rejects(run(process.execPath, headed), ({ stderr }: { stderr: string }) => {
    assert.match(stderr, /CSV_HEADER/);
    assert.ok(!stderr.includes('\u001b'), JSON.stringify(stderr));
    return true;
  });
});

test('AAPL of LOBSTER: every state is right', { skip: missing(lobster) }, async () => {
  const { books, faults } = await fileBooks(lobster, 1);
  assert.deepEqual(books, [
    {
      instrument: 'AAPL',
      bids: [['585.3500', '18']],
      asks: [['585.7100', '100']],
      updates: 999,
      checks: 999,
      failed: 0,
      crossed: 0,
      trades: 159,
      quotes: 0,
    },
  ]);
  assert.deepEqual([...faults], []);
});
