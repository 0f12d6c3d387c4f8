import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import type { OrderRow } from '../feeds/files/order-flow-csv.ts';
import { replayFiles } from '../gateway/tools/cli/replay-files.ts';
import { type MergedRow, mergeByTime } from '../gateway/tools/cli/replay-merge.ts';

/** A file of rows at these times; the line is the row's place. */
function fileOf(times: readonly number[], onEnd: () => void = () => undefined): AsyncGenerator<OrderRow> {
  return (async function* () {
    try {
      for (const [line, timeMs] of times.entries()) yield { op: 'cancel', line, timeMs, orderId: 1 } as const;
    } finally {
      onEnd();
    }
  })();
}

async function merged(files: readonly AsyncIterable<OrderRow>[]): Promise<string[]> {
  const rows: string[] = [];
  for await (const { index, row } of mergeByTime(files)) rows.push(`${row.timeMs} ${index} ${row.line}`);
  return rows;
}

it('rows come in the order of time, then of the files, then of their file', async () => {
  assert.deepEqual(await merged([fileOf([1, 5, 5]), fileOf([]), fileOf([0, 1, 5, 9])]), [
    '0 2 0',
    '1 0 0',
    '1 2 1',
    '5 0 1',
    '5 0 2',
    '5 2 2',
    '9 2 3',
  ]);
  assert.deepEqual(await merged([]), []);
  const times = fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 20 }).map((list) => list.sort((a, b) => a - b));
  await fc.assert(
    fc.asyncProperty(fc.array(times, { maxLength: 5 }), async (files) => {
      const all = files.flatMap((file, index) => file.map((timeMs, line) => ({ timeMs, text: `${timeMs} ${index} ${line}` })));
      const naive = all.sort((a, b) => a.timeMs - b.timeMs).map(({ text }) => text);
      assert.deepEqual(await merged(files.map((file) => fileOf(file))), naive);
    }),
  );
});

it('all files are closed when the reader ends early, and when one of them fails', async () => {
  let ended = 0;
  const files = () => [fileOf([1, 2, 3], () => ended++), fileOf([1, 2, 3], () => ended++)];
  for await (const { row } of mergeByTime(files())) if (row.timeMs === 2) break;
  assert.equal(ended, 2);
  const failing = (async function* (): AsyncGenerator<OrderRow> {
    yield { op: 'cancel', line: 0, timeMs: 2, orderId: 1 };
    throw new Error('damaged');
  })();
  const seen: MergedRow[] = [];
  await assert.rejects(async () => {
    for await (const row of mergeByTime([...files(), failing])) seen.push(row);
  }, /damaged/);
  assert.equal(ended, 4);
  assert.equal(seen.length, 5, 'up to the row behind which the file is damaged');
});

it('which trades and which symbol belong to which file is certain, or refused', () => {
  const files: [paths: string, trades: string, symbols: string, expected: string | RegExp][] = [
    ['a', '', '', 'a - -'],
    ['a', 't', 'S', 'a t S'],
    ['a b', '', '', 'a - -,b - -'],
    ['a b', 't none', 'S T', 'a t S,b - T'],
    ['a b', 't', '', /--expect is given once for 2 files of orders: give it once for each file, in their order; none for one/],
    ['a', 't u', '', /--expect is given 2 times for 1 file of orders/],
    ['a b', '', 'S', /--symbol is given once for 2 files of orders/],
    ['a b', '', 'S S', /--symbol names a symbol twice/],
  ];
  const list = (text: string): string[] => text.split(' ').filter((word) => word !== '');
  for (const [paths, trades, symbols, expected] of files) {
    const read = () => replayFiles(list(paths), list(trades), list(symbols));
    if (expected instanceof RegExp) assert.throws(read, expected);
    else assert.equal(String(read().map(({ path, trades = '-', symbol = '-' }) => `${path} ${trades} ${symbol}`)), expected);
  }
});
