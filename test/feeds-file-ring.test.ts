import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import { gzipSync } from 'node:zlib';
import { captureBooks } from '../feeds/files/capture-books.ts';
import { fileBooks } from '../feeds/files/file-books.ts';
import type { FileSource } from '../feeds/lines/file-source.ts';
import { demoCapture } from '../feeds/simulator/demo-capture.ts';
import { Feeds } from '../feeds/worker/feeds.ts';
import { ItchEncoder } from './support/itch-encoder.ts';
import { unpackOldData } from './support/old-data.ts';
import type { RingBook, RingBooks, RingBooksData } from './support/ring-books-worker.ts';
import { missing, sharedData } from './support/shared-data.ts';

const folder = mkdtempSync(join(tmpdir(), 'openbell-file-ring-'));
after(() => rmSync(folder, { recursive: true }));

const LEVELS = 1000;

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** Two stocks with orders that come, trade, shrink, are replaced and go. */
function itch(): Buffer {
  const encoder = new ItchEncoder();
  encoder.directory(7, 0, 'MSFT');
  encoder.directory(8, 0, 'AAPL');
  for (let i = 1; i <= 3000; i++) {
    const [locate, stock] = i % 3 === 0 ? [7, 'MSFT'] : [8, 'AAPL'];
    const isBuy = i % 2 === 0;
    const price = isBuy ? 1_000_000 - (i % 97) * 100 : 1_000_100 + (i % 89) * 100;
    encoder.add(locate, i * 1000, BigInt(i), isBuy ? 'B' : 'S', 10 + (i % 50), stock, price);
    if (i % 5 === 0) encoder.executed(locate, i * 1000 + 1, BigInt(i), 5, BigInt(i));
  }
  return encoder.bytes();
}

const COLUMNS =
  'ts_recv,ts_event,rtype,publisher_id,instrument_id,action,side,price,size,channel_id,order_id,flags,ts_in_delta,sequence,symbol';

function mbo(): string {
  const rows = Array.from({ length: 2000 }, (_, i) => {
    const isBuy = i % 2 === 0;
    const price = isBuy ? 100 - (i % 40) * 0.25 : 100.25 + (i % 40) * 0.25;
    const [id, action] = i % 7 === 6 ? [i - 4, 'C'] : [i, 'A'];
    return `0,${1_718_582_343_502_504_000n + BigInt(i) * 1000n},160,1,${4000 + (i % 2)},${action},${isBuy ? 'B' : 'A'},${price.toFixed(9)},${1 + (id % 9)},0,${id},128,0,${i},S${i % 2}`;
  });
  return `${[COLUMNS, ...rows].join('\n')}\n`;
}

function mbp(): string {
  const levels = Array.from({ length: 10 }, (_, i) => ['bid_px', 'ask_px', 'bid_sz', 'ask_sz'].map((name) => `${name}_0${i}`).join(','));
  const header = `ts_recv,ts_event,rtype,publisher_id,instrument_id,action,side,depth,price,size,flags,ts_in_delta,sequence,${levels.join(',')},symbol`;
  const rows = Array.from({ length: 500 }, (_, i) => {
    const sides = Array.from(
      { length: 10 },
      (_, depth) => `${100 - depth - (i % 3)}.5,${101 + depth + (i % 5)}.25,${1 + ((i + depth) % 7)},${2 + ((i * depth) % 5)}`,
    );
    const action = i % 10 === 0 ? 'T' : 'A';
    return `0,2024-06-17T00:${String(Math.floor(i / 60)).padStart(2, '0')}:${String(i % 60).padStart(2, '0')}.000000000Z,10,1,7,${action},B,0,101.25,3,128,0,${i},${sides.join(',')},ESM4`;
  });
  return `${[header, ...rows].join('\n')}\n`;
}

function csv(columns: string, row: (i: number) => string): string {
  return `${[columns, ...Array.from({ length: 3000 }, (_, i) => row(i))].join('\n')}\n`;
}

/** The books of the source as the command prints them. */
async function commandBooks({ file: { path }, format, columns, instrument }: FileSource): Promise<RingBook[]> {
  if (format === 'capture') {
    const { books } = await captureBooks(path, LEVELS);
    return books.map(({ instrument, bids, asks }) => ({ instrument, bids, asks, updates: 0, crossed: 0, trades: 0, quotes: 0 }));
  }
  const { books } = await fileBooks(path, LEVELS, format, { ...(columns && { columns }), ...(instrument && { instrument }) });
  return books.map(({ checks: _, failed: __, ...book }) => book);
}

/** The books of all sources from the records of the ring, read on another thread while the feed thread plays the files. */
async function ringBooks(sources: readonly FileSource[], speed: number): Promise<RingBooks & { notes: string[] }> {
  const notes: string[] = [];
  const feeds = new Feeds({
    sources: sources.map((source) => ({ ...source, speed })),
    records: 2 ** 18,
    onNote: (_, fault, text) => fault !== 0 && notes.push(text),
  });
  const data: RingBooksData = { handles: feeds.handles, sources: sources.length, levels: LEVELS };
  const reader = new Worker(new URL('./support/ring-books-worker.ts', import.meta.url), { workerData: data });
  const [answer] = (await once(reader, 'message')) as [RingBooks];
  await feeds.stop();
  return { ...answer, notes };
}

const source = (name: string, path: string, more: Partial<FileSource> = {}): FileSource => ({
  name,
  file: { path },
  instruments: [],
  speed: 1,
  atEnd: 'end',
  ...more,
});

function generated(): FileSource[] {
  return [
    source('itch', file('day.itch', itch())),
    source('itch-packed', file('day.itch.gz', gzipSync(itch()))),
    source('itch-one', file('one.itch', itch()), { instruments: ['MSFT'] }),
    source('mbo', file('mbo.csv', mbo())),
    source('mbp', file('mbp.csv.gz', gzipSync(mbp()))),
    source(
      'trades',
      file(
        'BTC-USD.csv',
        csv('time,price,size,side', (i) => `${1_700_000_000 + i}.5,${100 + (i % 13)}.${i % 10},0.${1 + (i % 9)},buy`),
      ),
    ),
    source(
      'quotes',
      file(
        'quotes.csv',
        csv('t;s;b;bs;a;as', (i) => `${1_700_000_000 + i};A;${100 + (i % 3)};1;${104 + (i % 3)};2`),
      ),
      {
        format: 'csv',
        columns: { time: 't', instrument: 's', bid: 'b', bidQuantity: 'bs', ask: 'a', askQuantity: 'as' },
      },
    ),
    source('log', unpackOldData(mkdtempSync(join(folder, 'data-')), 'data-5')),
  ];
}

describe('files through the ring', { timeout: 300_000 }, () => {
  it('the books are those of the command, for each format, all at once, as fast as they can be read', async () => {
    const sources = generated();
    const { books, states, missed, torn, notes } = await ringBooks(sources, Number.POSITIVE_INFINITY);
    assert.deepEqual([missed, torn, notes], [0, 0, []]);
    assert.deepEqual(
      states,
      sources.map(() => 'ended'),
    );
    for (const [i, of] of sources.entries()) {
      const wanted = (await commandBooks(of)).filter(
        ({ instrument }) => of.instruments.length === 0 || of.instruments.includes(instrument),
      );
      assert.deepEqual(books[i], wanted, of.name);
      assert.ok(
        wanted.some(({ updates, trades, quotes }) => updates + trades + quotes > 0),
        of.name,
      );
    }
  });

  it('and at a multiple of the recorded speed', async () => {
    const path = file('paced.itch', itch());
    // 3 ms of the file in some 0.3 s.
    const { books } = await ringBooks([source('paced', path)], 0.01);
    assert.deepEqual(books[0], await commandBooks(source('paced', path)));
  });

  it('the shipped capture', async () => {
    const { path } = demoCapture();
    const of = source('demo', path, { format: 'capture' });
    const { books } = await ringBooks([of], Number.POSITIVE_INFINITY);
    const plain = ({ instrument, bids, asks }: RingBook) => [instrument, bids.map(numbers), asks.map(numbers)];
    assert.deepEqual(books[0].map(plain), (await commandBooks(of)).map(plain));
  });

  const lobster = sharedData('lobster', 'AAPL_message_10.csv');
  it('a recorded day of LOBSTER, with its book file and without', { skip: missing(lobster) }, async () => {
    const alone = join(folder, 'AAPL_2012-06-21_message_10.csv');
    copyFileSync(lobster, alone);
    const { books } = await ringBooks([source('both', lobster), source('alone', alone)], Number.POSITIVE_INFINITY);
    assert.deepEqual(books, [await commandBooks(source('both', lobster)), await commandBooks(source('alone', alone))]);
    assert.equal(books[0][0].updates, 999);
  });

  const directory = sharedData('venues', 'nasdaq-itch50-directory.itch');
  const kraken = sharedData('venues', 'capture-kraken.jsonl.gz');
  it('recorded files of venues', { skip: missing(directory, kraken) }, async () => {
    const recorded = [source('nasdaq', directory), source('kraken', kraken, { format: 'capture' })];
    const { books } = await ringBooks(recorded, Number.POSITIVE_INFINITY);
    assert.deepEqual(books[0], await commandBooks(recorded[0]));
    assert.ok(books[0].length > 100);
    const plain = ({ instrument, bids, asks }: RingBook) => [instrument, bids.map(numbers), asks.map(numbers)];
    assert.deepEqual(books[1].map(plain), (await commandBooks(recorded[1])).map(plain));
  });
});

/** A venue writes as many decimals as it likes; the ring has the numbers. */
function numbers([price, quantity]: readonly [string, string]): readonly [number, number] {
  return [Number(price), Number(quantity)];
}
