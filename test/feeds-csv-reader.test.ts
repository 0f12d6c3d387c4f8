import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CsvReader } from '../feeds/text/csv-reader.ts';

function read(
  text: string | Uint8Array,
  pieces: readonly number[] = [],
  separator = ',',
): { rows: string[][]; lines: number[]; skipped: number } {
  const rows: string[][] = [];
  const lines: number[] = [];
  const reader = new CsvReader({
    row: (row) => {
      rows.push(row.texts());
      lines.push(row.line);
    },
  });
  reader.separator = separator.charCodeAt(0);
  const bytes = Buffer.from(text);
  let from = 0;
  for (const size of [...pieces, bytes.length]) {
    reader.push(bytes.subarray(from, from + size));
    from += size;
  }
  reader.end();
  return { rows, lines, skipped: reader.skippedRows };
}

test('rows and fields', () => {
  const table: [text: string, rows: string[][]][] = [
    ['', []],
    ['\n\r\n\n', []],
    ['a', [['a']]],
    [
      'a,b\nc,d\n',
      [
        ['a', 'b'],
        ['c', 'd'],
      ],
    ],
    [
      'a,b\r\nc,d',
      [
        ['a', 'b'],
        ['c', 'd'],
      ],
    ],
    [',\n', [['', '']]],
    ['a,,b,\n', [['a', '', 'b', '']]],
    ['\u{feff}a,b\n', [['a', 'b']]],
    ['"a,b",c\n', [['a,b', 'c']]],
    ['"",c\n', [['', 'c']]],
    ['"a"x,c\n', [['a', 'c']]],
    ['"a,b\nc\n', [['a,b'], ['c']]],
    ['a,"b', [['a', 'b']]],
    ['é,ü\n', [['é', 'ü']]],
  ];
  for (const [text, rows] of table) assert.deepEqual(read(text).rows, rows, JSON.stringify(text));
  assert.deepEqual(read('a;b\n', [], ';').rows, [['a', 'b']]);
  assert.deepEqual(read('a\n\nb\n').lines, [1, 3]);
});

test('rows that are too long or have too many fields are skipped and counted', () => {
  const long = 'x'.repeat(70_000);
  for (const pieces of [[], [10, 65_536], new Array(100).fill(1000)]) {
    assert.deepEqual(read(`a\n${long}\nb\n`, pieces), { rows: [['a'], ['b']], lines: [1, 3], skipped: 1 });
  }
  assert.deepEqual(read(`a\n${long}`), { rows: [['a']], lines: [1], skipped: 1 });
  assert.deepEqual(read(`${','.repeat(1024)}\nb\n`), { rows: [['b']], lines: [2], skipped: 1 });
});

test('pieces of any size give the same rows as a split of the whole text', () => {
  const text = fc.array(fc.array(fc.string({ unit: fc.constantFrom('a', '1', '.', ' '), maxLength: 5 }), { minLength: 1, maxLength: 6 }));
  fc.assert(
    fc.property(text, fc.constantFrom('\n', '\r\n'), fc.array(fc.integer({ min: 1, max: 9 })), (rows, end, pieces) => {
      const expected = rows.filter((row) => row.join(',') !== '');
      assert.deepEqual(read(rows.map((row) => row.join(',') + end).join(''), pieces).rows, expected);
    }),
  );
});
