import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { test } from 'node:test';
import { captureBooks } from '../feeds/files/capture-books.ts';
import { captureLines, krakenV1, naiveBooks, okx } from './support/naive-books.ts';
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
  readonly naive: (path: string, levels: number) => NaiveBookLine[];
  readonly instruments: number;
  readonly updates: number;
  readonly checks: number;
  readonly faults?: readonly [code: string, count: number][];
  /** SHA-256 of what `openbell feeds books CAPTURE --json` prints. */
  readonly sha256: string;
}

/** Levels. */
const EVERY = 100_000;

const ROWS: readonly Row[] = [
  {
    capture: 'binance-ethusdt-20240808.jsonl.gz',
    naive: naiveBinanceLines,
    instruments: 1,
    updates: 3432,
    checks: 0,
    sha256: '08635fcca5ed3980c63d224658b3857e8f1c0e96dce9c89f1546e3ad1ccfd943',
  },
  {
    capture: 'capture-binance.jsonl.gz',
    naive: naiveBinance,
    instruments: 4,
    updates: 172,
    checks: 0,
    sha256: 'a2703c67e7326fc27582a12c0ff7e48fe03a210a4424a91aa7c93861767e0eed',
    // Orders of NKNUSDT from before its tick became larger.
    faults: [['PRECISION_WRONG', 68]],
  },
  {
    capture: 'capture-bitstamp.jsonl.gz',
    naive: naiveBitstamp,
    instruments: 10,
    updates: 615,
    checks: 0,
    // A bid of 112,716,000 with eight decimals: in the book, but not in shared memory.
    faults: [['NUMBER_TOO_LARGE', 1]],
    sha256: '7e83a875eef664d5c931e0b4274b231f7569ebfb0453245c9753d4b702ceb8fe',
  },
  {
    capture: 'capture-coinbase.jsonl.gz',
    naive: naiveCoinbase,
    instruments: 2,
    updates: 773,
    checks: 0,
    sha256: '49f03f0c5e64f5fe8af48783720a075b3863e5311172f1d62817fb109d0907bd',
  },
  {
    capture: 'capture-kraken.jsonl.gz',
    naive: (path, levels) => naiveBooks(captureLines(path), krakenV1, levels),
    instruments: 10,
    updates: 4269,
    checks: 4269,
    sha256: '2c46a66093045e7652bac8036d071290bc974107409d5ef37c3ec13144e07389',
  },
  {
    capture: 'capture-okx.jsonl.gz',
    naive: (path, levels) => naiveBooks(captureLines(path), okx, levels),
    instruments: 3,
    updates: 287,
    checks: 290,
    sha256: '4632eb68c4e7cdd9d60e5d16b173e3f4e5e7f94e8259db340853cdb84d0814d0',
  },
  {
    capture: 'coinbase-20210417.ws.gz',
    naive: naiveCoinbaseExchange,
    instruments: 10,
    updates: 9719,
    checks: 0,
    sha256: '33317dc0648e756f7f40538b0cd79070e0f12322ec171c544daffe1697a1836c',
  },
];

for (const { capture, naive, instruments, updates, checks, sha256, faults: expected = [] } of ROWS) {
  const path = sharedData('venues', capture);
  test(`${basename(path)}: books as an independent computation has them`, { skip: missing(path) }, async () => {
    const { books: deep, faults, truncated } = await captureBooks(path, EVERY);
    assert.deepEqual(deep, naive(path, EVERY));
    const books = deep.map((book) => ({ ...book, bids: book.bids.slice(0, 10), asks: book.asks.slice(0, 10) }));
    const sum = (of: (book: (typeof books)[number]) => number): number => books.reduce((total, book) => total + of(book), 0);
    const failed = sum((book) => book.failed);
    const crossed = sum((book) => book.crossed);
    assert.deepEqual(
      { instruments: books.length, updates: sum((book) => book.updates), checks: sum((book) => book.checks), failed, crossed },
      { instruments, updates, checks, failed: 0, crossed: 0 },
    );
    assert.deepEqual([...faults], expected);
    assert.equal(truncated, undefined);
    const output = books.map((book) => `${JSON.stringify(book)}\n`).join('');
    assert.equal(createHash('sha256').update(output).digest('hex'), sha256);
  });
}
