import assert from 'node:assert/strict';
import { test } from 'node:test';
import { csvTimeUs } from '../feeds/files/csv-time.ts';
import { QuotesCsv, type QuotesCsvOptions } from '../feeds/files/quotes-csv.ts';
import { CsvReader } from '../feeds/text/csv-reader.ts';
import { FeedRecorder } from './support/feed-recorder.ts';

function read(text: string, options: QuotesCsvOptions = { instrument: 'X' }): FeedRecorder {
  const sink = new FeedRecorder();
  const reader: CsvReader = new CsvReader({ row: (row) => source.row(row) });
  const source = new QuotesCsv(sink, reader, options);
  reader.push(Buffer.from(text));
  reader.end();
  return sink;
}

/** Without what is written when an instrument is met. */
function told(text: string, options?: QuotesCsvOptions): string[] {
  return read(text, options).lines.filter((line) => !line.startsWith('status'));
}

test('trades: common headers', () => {
  const table: [text: string, lines: string[]][] = [
    [
      'timestamp,symbol,side,price,amount\n1718582343,BTC-USD,buy,60000.5,0.01\n',
      ['scale BTC-USD 1 2', 'trade BTC-USD buy 60000.5 x 0.01 at 1718582343000000 id 0'],
    ],
    [
      'id,price,qty,quote_qty,time,is_buyer_maker\n7,1.50,2,3,1718582343502,True\n',
      ['scale X 1 0', 'trade X sell 1.5 x 2 at 1718582343502000 id 7'],
    ],
    ['Time;Px;Size;Aggressor\n2024-06-17 00:00:00;10;3;S\n', ['scale X 0 0', 'trade X sell 10 x 3 at 1718582400000000 id 0']],
    ['price\tquantity\n10\t3\n', ['scale X 0 0', 'trade X 10 x 3 at 0 id 0']],
    ['price,size,side\n10,3,?\n', ['scale X 0 0', 'trade X 10 x 3 at 0 id 0']],
    ['price,size,trade_id\n10,3,9007199254740992\n', ['scale X 0 0', 'trade X 10 x 3 at 0 id 0']],
  ];
  for (const [text, lines] of table) assert.deepEqual(told(text), lines, text);
});

test('quotes, and quotes beside trades', () => {
  assert.deepEqual(told('ts,bid,bid_size,ask,ask_size\n1,9.5,10,9.75,20\n1,,,9.75,20\n'), [
    'scale X 2 0',
    'quote X 9.50 x 10 / 9.75 x 20 at 1000000',
    'quote X 0.00 x 0 / 9.75 x 20 at 1000000',
  ]);
  const both = 'ts,price,size,bid,bid_size,ask,ask_size\n1,9.6,1,9.5,10,9.7,20\n2,,,9.6,10,9.7,20\n';
  assert.deepEqual(told(both), [
    'scale X 1 0',
    'trade X 9.6 x 1 at 1000000 id 0',
    'quote X 9.5 x 10 / 9.7 x 20 at 1000000',
    'quote X 9.6 x 10 / 9.7 x 20 at 2000000',
  ]);
});

test('more decimals make the units smaller', () => {
  assert.deepEqual(told('price,size\n10,3\n10.25,0.5\n10.5,1\n'), [
    'scale X 0 0',
    'trade X 10 x 3 at 0 id 0',
    'scale X 2 1',
    'trade X 10.25 x 0.5 at 0 id 0',
    'trade X 10.50 x 1.0 at 0 id 0',
  ]);
});

test('columns by configuration', () => {
  assert.deepEqual(told('p,q,when\n10,3,1\n', { instrument: 'Y', columns: { price: 'P', quantity: 'q', time: 'when' } }), [
    'scale Y 0 0',
    'trade Y 10 x 3 at 1000000 id 0',
  ]);
  assert.throws(() => read('p,q\n', { instrument: 'Y', columns: { price: 'x' } }), { code: 'CSV_HEADER' });
  assert.throws(() => read('a,b\n'), {
    code: 'CSV_COLUMNS',
    message: /neither price and quantity nor bid.*: a, b; name them with --columns/,
  });
});

test('bad rows are counted', () => {
  const table: [row: string, fault: string][] = [
    ['10,-1', 'NUMBER_NEGATIVE'],
    ['10,x', 'NUMBER_MALFORMED'],
    ['1e5,1', 'NUMBER_MALFORMED'],
    ['9007199254740992,1', 'NUMBER_TOO_LARGE'],
    ['10', 'MISSING_FIELD'],
  ];
  for (const [row, fault] of table) assert.deepEqual([...read(`price,size\n${row}\n`).faults.keys()], [fault], row);
  assert.deepEqual([...read('symbol,price,size\n,1,1\n').faults.keys()], ['UNKNOWN_INSTRUMENT']);
});

test('times', () => {
  const table: [text: string, us: number][] = [
    ['1718582343', 1718582343000000],
    ['1718582343.5025041', 1718582343502504],
    ['1718582343502', 1718582343502000],
    ['1718582343502504', 1718582343502504],
    ['1718582343502504063', 1718582343502504],
    ['2024-06-17T00:00:00Z', 1718582400000000],
    ['2024-06-17T00:00:00.123456789', 1718582400123456],
    ['2024-06-17 00:00:00.5', 1718582400500000],
    ['2024-06-17', 0],
    ['', 0],
    ['x', 0],
    ['2024-06-17 00:00:00 and much more text than a time', 0],
  ];
  for (const [text, us] of table) assert.equal(csvTimeUs(Buffer.from(text), 0, text.length), us, text);
});
