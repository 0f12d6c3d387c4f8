import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { ConsolidatedBook } from '../feeds/books/consolidated-book.ts';
import { ConsolidatingSink } from '../feeds/books/consolidating-sink.ts';
import { BookSide, FeedFault, FeedState, TakerSide } from '../feeds/feed.ts';
import { allocateBroadcast, BroadcastProducer, BroadcastReader } from '../feeds/rings/broadcast-ring.ts';
import { allocateConsolidated, type BookSpec, ConsolidatedReader, Crossing, MAX_BOOK_SOURCES } from '../feeds/rings/consolidated-table.ts';
import { allocateLatest, latestWriter } from '../feeds/rings/latest-values.ts';
import { RecordPublisher } from '../feeds/rings/record-publisher.ts';
import { allocateSources, sourcesWriter } from '../feeds/rings/source-status.ts';
import type { BookWriterData } from './support/consolidated-worker.ts';
import { consolidatedText, NaiveConsolidated } from './support/naive-consolidated.ts';

const { Bid, Ask } = BookSide;
const { Live, Stale, Syncing, Down } = FeedState;

function spec(sources: number, levels: number): BookSpec {
  return { name: 'BTC-USD', levels, sources: Array.from({ length: sources }, (_, i) => ({ feed: `feed${i}`, instrument: 'BTC' })) };
}

function bookOf(sources: number, levels: number) {
  const handle = allocateConsolidated(spec(sources, levels));
  const book = new ConsolidatedBook(handle, FeedFault.None, 1);
  const reader = new ConsolidatedReader(handle);
  return {
    handle,
    book,
    reader,
    /** Writes one update: bids and asks as `[price, quantity]`. */
    update: (source: number, bids: readonly [number, number][], asks: readonly [number, number][]) => {
      for (const [price, quantity] of bids) book.level(source, Bid, price, quantity);
      for (const [price, quantity] of asks) book.level(source, Ask, price, quantity);
      book.bookEnd(source);
    },
    live: (source: number) => book.status(source, Live, FeedFault.None, 2),
  };
}

describe('consolidated book', () => {
  it('shows the best prices over all live sources, with the quantity of each', () => {
    const { book, reader, update, live } = bookOf(2, 2);
    assert.deepEqual(consolidatedText(reader), { bids: [], asks: [], crossing: Crossing.None });
    assert.deepEqual([reader.state(0), reader.state(1)], [Down, Down]);
    const row = [[99, 5] as [number, number], [98, 6] as [number, number], [97, 7] as [number, number]];
    update(0, row, [[101, 1]]);
    update(1, [[98, 2]], [[102, 3]]);
    book.publish(3);
    assert.deepEqual(consolidatedText(reader).bids, [], 'none is live');
    live(0);
    live(1);
    book.publish(4);
    assert.deepEqual(consolidatedText(reader), { bids: ['99 5 0', '98 6 2'], asks: ['101 1 0', '102 0 3'], crossing: Crossing.None });
    assert.deepEqual([reader.total(Bid, 1), reader.timeUs, reader.state(1), reader.stateTimeUs(1)], [8, 4, Live, 2]);
    book.status(0, Stale, FeedFault.Silent, 5);
    book.publish(6);
    assert.deepEqual(consolidatedText(reader), { bids: ['98 0 2'], asks: ['102 0 3'], crossing: Crossing.None });
    assert.deepEqual([reader.state(0), reader.fault(0), reader.stateTimeUs(0)], [Stale, FeedFault.Silent, 5]);
    live(0);
    book.publish(7);
    assert.deepEqual(consolidatedText(reader).bids, ['99 5 0', '98 6 2'], 'its levels are back with it');
    update(0, [[99, 0]], []);
    book.publish(8);
    assert.deepEqual(consolidatedText(reader).bids, ['98 6 2', '97 7 0'], 'a removal brings the next level');
  });

  it('says that the market is locked or crossed between venues', () => {
    const { book, reader, update, live } = bookOf(2, 3);
    live(0);
    live(1);
    const crossing = (bid: number): number => {
      book.bookClear(0);
      update(0, [[bid, 1]], []);
      update(1, [], [[100, 1]]);
      book.publish(3);
      return consolidatedText(reader).crossing;
    };
    assert.deepEqual([99, 100, 101, 99].map(crossing), [Crossing.None, Crossing.Locked, Crossing.Crossed, Crossing.None]);
  });

  it('is published only if what is shown may have changed', () => {
    const { book, reader, update, live } = bookOf(2, 2);
    live(0);
    live(1);
    update(
      0,
      [
        [10, 1],
        [9, 1],
        [8, 1],
      ],
      [
        [20, 1],
        [21, 1],
      ],
    );
    book.publish(3);
    const version = reader.read();
    update(
      0,
      [
        [8, 4],
        [7, 1],
      ],
      [[22, 1]],
    );
    update(1, [[1, 1]], [[50, 1]]);
    book.publish(4);
    assert.equal(reader.read(), version);
    update(0, [[9, 0]], []);
    book.publish(5);
    assert.notEqual(reader.read(), version);
    assert.deepEqual(consolidatedText(reader).bids, ['10 1 0', '8 4 0']);
  });

  it('has the units of the source with the most decimals, exactly; what does not fit is left out and counted', () => {
    const { book, reader, update, live } = bookOf(2, 3);
    live(0);
    live(1);
    book.scale(0, 1, 0);
    update(
      0,
      [
        [305, 9_007_199_254_740_991],
        [304, 12],
      ],
      [[306, 1]],
    );
    book.publish(3);
    assert.deepEqual(consolidatedText(reader).bids, ['305 9007199254740991 0', '304 12 0']);
    book.scale(1, 3, 2);
    book.bookClear(1);
    update(1, [[30_500, 250]], [[30_501, 1]]);
    book.publish(4);
    assert.deepEqual(consolidatedText(reader), { bids: ['30500 0 250', '30400 1200 0'], asks: ['30501 0 1', '30600 100 0'], crossing: 0 });
    assert.deepEqual([reader.priceDecimals, reader.quantityDecimals, reader.leftOut], [3, 2, 1]);
    update(
      0,
      [
        [305, 3],
        [304, 2 ** 50],
      ],
      [[2 ** 52, 1]],
    );
    book.publish(5);
    assert.deepEqual(consolidatedText(reader).bids, ['30500 300 250']);
    assert.equal(reader.leftOut, 3);
    update(0, [[304, 0]], [[2 ** 52, 0]]);
    assert.equal(reader.leftOut, 3, 'removals leave nothing out');
  });

  it('a source whose prices share no units with the others is left out, and comes back with a book that does', () => {
    const { book, reader, update, live } = bookOf(2, 3);
    live(0);
    live(1);
    update(0, [[2 ** 50, 1]], []);
    book.scale(1, 8, 0);
    book.bookClear(1);
    update(1, [[5, 1]], []);
    book.publish(3);
    assert.deepEqual(consolidatedText(reader).bids, [`${2 ** 50} 1 0`]);
    assert.deepEqual([reader.state(1), reader.fault(1), reader.priceDecimals], [Stale, FeedFault.NumberTooLarge, 0]);
    update(1, [[6, 1]], []);
    book.publish(4);
    assert.deepEqual(consolidatedText(reader).bids, [`${2 ** 50} 1 0`]);
    book.bookClear(0);
    update(0, [[7, 1]], []);
    book.bookClear(1);
    update(1, [[5, 1]], []);
    book.publish(5);
    assert.deepEqual(consolidatedText(reader).bids, ['700000000 1 0', '5 0 1']);
    assert.deepEqual([reader.state(1), reader.fault(1), reader.priceDecimals], [Live, FeedFault.None, 8]);
  });

  it('a source in the middle of an update is not in the book', () => {
    const { book, reader, update, live } = bookOf(2, 2);
    live(0);
    live(1);
    update(0, [[10, 1]], []);
    update(1, [[11, 1]], [[12, 1]]);
    book.publish(3);
    book.level(1, Bid, 11, 2);
    book.publish(4);
    assert.deepEqual(consolidatedText(reader), { bids: ['10 1 0'], asks: [], crossing: Crossing.None });
    assert.equal(reader.state(1), Syncing);
    book.bookEnd(1);
    book.publish(5);
    assert.deepEqual(consolidatedText(reader), { bids: ['11 0 2', '10 1 0'], asks: ['12 0 1'], crossing: Crossing.None });
    assert.equal(reader.state(1), Live);
  });

  it('a total of 2^53 units or more is -1', () => {
    const { book, reader, update, live } = bookOf(2, 2);
    for (const source of [0, 1]) {
      live(source);
      update(
        source,
        [
          [10, Number.MAX_SAFE_INTEGER],
          [9, 2 ** 52 - source],
        ],
        [],
      );
    }
    book.publish(3);
    reader.read();
    assert.deepEqual([reader.total(Bid, 0), reader.total(Bid, 1)], [-1, Number.MAX_SAFE_INTEGER]);
  });

  it('a new writer of the same memory begins with all sources down', () => {
    const { handle, book, reader, update, live } = bookOf(1, 2);
    live(0);
    update(0, [[10, 1]], []);
    book.publish(3);
    assert.equal(consolidatedText(reader).bids.length, 1);
    new ConsolidatedBook(handle, FeedFault.Closed, 9);
    assert.deepEqual(consolidatedText(reader), { bids: [], asks: [], crossing: 0 });
    assert.deepEqual([reader.state(0), reader.fault(0), reader.stateTimeUs(0), reader.timeUs], [Down, FeedFault.Closed, 9, 9]);
  });

  it('agrees with a naive book, whatever sources do', () => {
    const side = fc.constantFrom<BookSide>(Bid, Ask);
    const step = fc.record({
      op: fc.constantFrom('update', 'update', 'update', 'snapshot', 'state', 'scale', 'publish'),
      source: fc.nat(MAX_BOOK_SOURCES - 1),
      levels: fc.array(fc.tuple(side, fc.integer({ min: 1, max: 12 }), fc.oneof(fc.nat(3), fc.constant(2 ** 51))), { maxLength: 6 }),
      state: fc.constantFrom(Live, Live, Live, Stale, Syncing, Down),
      decimals: fc.tuple(fc.nat(3), fc.nat(3)),
    });
    const shape = fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 5 }));
    fc.assert(
      fc.property(shape, fc.array(step, { maxLength: 60, size: 'max' }), ([sources, levels], steps) => {
        const { book, reader } = bookOf(sources, levels);
        const naive = new NaiveConsolidated(levels, sources);
        for (let source = 0; source < sources; source++) {
          book.status(source, Live, FeedFault.None, 0);
          naive.sources[source].state = Live;
        }
        for (const { op, source: number, levels: changes, state, decimals } of steps) {
          const source = number % sources;
          const of = naive.sources[source];
          const grown = op === 'scale';
          if (op === 'state') {
            book.status(source, state, FeedFault.None, 0);
            of.state = state;
          }
          if (grown) {
            of.priceDecimals = Math.max(of.priceDecimals, decimals[0]);
            of.quantityDecimals = Math.max(of.quantityDecimals, decimals[1]);
            book.scale(source, of.priceDecimals, of.quantityDecimals);
          }
          if (op === 'snapshot' || grown) {
            book.bookClear(source);
            naive.clear(source);
          }
          if (op === 'update' || op === 'snapshot' || grown) {
            for (const [on, price, quantity] of changes) {
              book.level(source, on, price, quantity);
              naive.level(source, on, price, quantity);
            }
            book.bookEnd(source);
          }
          dropUnfit(naive);
          if (op !== 'publish') continue;
          book.publish(1);
          assert.deepEqual(consolidatedText(reader), naive.text());
        }
        book.publish(1);
        assert.deepEqual(consolidatedText(reader), naive.text());
        assert.deepEqual([reader.priceDecimals, reader.quantityDecimals], [naive.priceDecimals, naive.quantityDecimals]);
      }),
      { numRuns: 500 },
    );
  });
});

/** What did not fit in the common units once is out until the source writes it again, even where a later number fits. */
function dropUnfit(naive: NaiveConsolidated): void {
  for (const { quantityDecimals, sides } of naive.sources)
    for (const side of sides)
      for (const [price, quantity] of side)
        if (quantity * 10 ** (naive.quantityDecimals - quantityDecimals) > Number.MAX_SAFE_INTEGER) side.delete(price);
}

describe('consolidating sink', () => {
  it('keeps the books of its instruments, shows them before the records, and passes everything on', () => {
    const ring = allocateBroadcast({ capacity: 64 });
    const output = {
      ring: new BroadcastProducer(ring),
      latest: latestWriter(allocateLatest(4)),
      sources: sourcesWriter(allocateSources(1)),
    };
    const records = new BroadcastReader(ring);
    const publisher = new RecordPublisher(output, 'feed0');
    const [other, btc] = [publisher.instrument('ETH'), publisher.instrument('BTC')];
    const { book, reader } = bookOf(1, 2);
    const sink = new ConsolidatingSink(publisher, [{ instrument: btc, book, source: 0 }]);
    sink.received(50);
    for (const instrument of [other, btc, sink.instrument('SOL')]) {
      sink.scale(instrument, 1, 2);
      sink.bookClear(instrument);
      sink.level(instrument, Bid, 100 + instrument, 7);
      sink.bookEnd(instrument, 0, 100 + instrument, 7, 0, 0);
      sink.status(instrument, Live, FeedFault.None);
      sink.trade(instrument, 1, 1, TakerSide.Buy, 0, 0);
      sink.quote(instrument, 1, 1, 2, 1, 0);
    }
    assert.deepEqual(consolidatedText(reader).bids, []);
    sink.flush();
    assert.deepEqual(consolidatedText(reader).bids, ['101 7']);
    assert.deepEqual([reader.timeUs, reader.priceDecimals, reader.quantityDecimals, reader.stateTimeUs(0)], [50, 1, 2, 50]);
    assert.equal(records.poll(), 3 * 7);
  });
});

describe('consolidated book, a writer at full speed in another thread', () => {
  function isTorn(reader: ConsolidatedReader): boolean {
    const first = reader.quantity(Bid, 0, 0);
    if (reader.timeUs !== first) return true;
    for (let level = 0; level < 10; level++)
      for (let source = 0; source < 3; source++)
        if (reader.quantity(Bid, level, source) !== first || reader.quantity(Ask, level, source) !== first) return true;
    return false;
  }

  it('no read is torn', { timeout: 60_000 }, async () => {
    const handle = allocateConsolidated(spec(3, 10));
    new ConsolidatedBook(handle, FeedFault.None, 0);
    const control = new Int32Array(new SharedArrayBuffer(8));
    const workerData: BookWriterData = { handle, control };
    const worker = new Worker(new URL('./support/consolidated-worker.ts', import.meta.url), { workerData });
    while (Atomics.load(control, 0) === 0) await turn();
    const reader = new ConsolidatedReader(handle);
    let [torn, back, last] = [0, 0, 0];
    for (let reads = 0; reads < 200_000; reads++) {
      reader.read();
      if (isTorn(reader)) torn++;
      if (reader.timeUs < last) back++;
      last = reader.timeUs;
    }
    Atomics.store(control, 1, 1);
    await once(worker, 'exit');
    assert.deepEqual({ torn, back }, { torn: 0, back: 0 });
  });
});
