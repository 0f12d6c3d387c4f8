import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { test } from 'node:test';
import { captureBooks } from '../feeds/files/capture-books.ts';
import { captureLines, krakenV1, type NaiveVenue, naiveBooks, okx } from './support/naive-books.ts';
import {
  type NaiveBookLine,
  naiveBinance,
  naiveBinanceLines,
  naiveBitstamp,
  naiveCoinbase,
  naiveCoinbaseExchange,
} from './support/naive-venue-books.ts';
import { missing, sharedData } from './support/shared-data.ts';

interface Row {
  readonly capture: string;
  readonly naive: NaiveVenue;
  readonly instruments: number;
  readonly updates: number;
  readonly checks: number;
  /** SHA-256 of what `openbell feeds books CAPTURE --json` prints. */
  readonly sha256: string;
}

const ROWS: readonly Row[] = [
  {
    capture: 'capture-kraken.jsonl.gz',
    naive: krakenV1,
    instruments: 10,
    updates: 4269,
    checks: 4269,
    sha256: '2c46a66093045e7652bac8036d071290bc974107409d5ef37c3ec13144e07389',
  },
  {
    capture: 'capture-okx.jsonl.gz',
    naive: okx,
    instruments: 3,
    updates: 287,
    checks: 290,
    sha256: '4632eb68c4e7cdd9d60e5d16b173e3f4e5e7f94e8259db340853cdb84d0814d0',
  },
];

/** Recordings of venues whose naive computation is in naive-venue-books.ts. */
const VENUE_ROWS: readonly [capture: string, naive: (path: string, levels: number) => NaiveBookLine[], faults: [string, number][]][] = [
  ['capture-binance.jsonl.gz', naiveBinance, []],
  // A bid of 112,716,000 at the lowest price, with eight decimals, needs more than 2^53 units.
  ['capture-bitstamp.jsonl.gz', naiveBitstamp, [['NUMBER_TOO_LARGE', 1]]],
  ['capture-coinbase.jsonl.gz', naiveCoinbase, []],
  ['coinbase-20210417.ws.gz', naiveCoinbaseExchange, []],
  ['binance-ethusdt-20240808.jsonl.gz', naiveBinanceLines, []],
];

for (const [capture, naive, expectedFaults] of VENUE_ROWS) {
  const path = sharedData('venues', capture);
  test(`${basename(path)}: books as an independent computation has them`, { skip: missing(path) }, async () => {
    const { books, faults, truncated } = await captureBooks(path, 10);
    assert.deepEqual(books, naive(path, 10));
    assert.ok(books.every(({ failed, crossed }) => failed === 0 && crossed === 0));
    assert.deepEqual([...faults], expectedFaults);
    assert.equal(truncated, undefined);
  });
}

for (const { capture, naive, instruments, updates, checks, sha256 } of ROWS) {
  const path = sharedData('venues', capture);
  test(`${basename(path)}: books as an independent computation has them`, { skip: missing(path) }, async () => {
    const { books, faults, truncated } = await captureBooks(path, 10);
    const sum = (of: (book: (typeof books)[number]) => number): number => books.reduce((total, book) => total + of(book), 0);
    const failed = sum((book) => book.failed);
    const crossed = sum((book) => book.crossed);
    assert.deepEqual(
      { instruments: books.length, updates: sum((book) => book.updates), checks: sum((book) => book.checks), failed, crossed },
      { instruments, updates, checks, failed: 0, crossed: 0 },
    );
    assert.deepEqual([...faults], []);
    assert.equal(truncated, undefined);
    assert.deepEqual(books, naiveBooks(captureLines(path), naive, 10));
    const output = books.map((book) => `${JSON.stringify(book)}\n`).join('');
    assert.equal(createHash('sha256').update(output).digest('hex'), sha256);
  });
}
