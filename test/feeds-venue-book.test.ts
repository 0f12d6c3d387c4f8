import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { InstrumentFeed } from '../feeds/books/instrument-feed.ts';
import { LevelChange, VenueBook } from '../feeds/books/venue-book.ts';
import { BookSide, FeedFault, FeedState, TakerSide } from '../feeds/feed.ts';
import { decimalText } from '../feeds/text/decimal.ts';
import { FeedRecorder } from './support/feed-recorder.ts';

const encoder = new TextEncoder();

/** A feed of one instrument that is written to with text. */
class Desk {
  readonly sink = new FeedRecorder();
  readonly feed: InstrumentFeed;

  constructor(capacity?: number) {
    this.feed = new InstrumentFeed('X', this.sink, capacity);
    this.sink.take();
  }

  /** `bid 10.5 x 3`, separated by commas. */
  levels(text: string): this {
    for (const [, side, price, quantity] of text.matchAll(/(bid|ask) (\S+) x ([^,]*)/g)) {
      const bytes = encoder.encode(price + quantity);
      this.feed.level(side === 'bid' ? BookSide.Bid : BookSide.Ask, bytes, 0, price.length, price.length, bytes.length);
    }
    return this;
  }

  snapshot(text: string): string[] {
    this.feed.beginSnapshot();
    this.levels(text).feed.endSnapshot(1);
    return this.sink.take();
  }

  update(text: string, depth = 100): string[] {
    this.levels(text);
    this.feed.truncate(depth);
    this.feed.endUpdate(2);
    return this.sink.take();
  }

  trade(price: string, quantity: string): string[] {
    const bytes = encoder.encode(price + quantity);
    this.feed.trade(bytes, 0, price.length, price.length, bytes.length, TakerSide.Buy, 3, 7);
    return this.sink.take();
  }
}

/** The venue's text of a side, best first. */
function texts(book: VenueBook, side: BookSide): string[] {
  const levels = book.side(side);
  return Array.from({ length: levels.length }, (_, depth) => {
    const price = decimalText(levels.price(depth), book.priceDecimals, levels.writtenPriceDecimals(depth));
    const decimals = book.quantityDecimals - levels.coarseness(depth);
    return `${price} x ${decimalText(levels.storedQuantity(depth), decimals, levels.writtenQuantityDecimals(depth))}`;
  });
}

test('a snapshot, then updates: the sink gets levels in one unit, the text stays', () => {
  const desk = new Desk();
  assert.deepEqual(desk.snapshot('bid 30228.7 x 1, bid 30230 x 0.50, ask 30243.5 x 1.44679'), [
    'scale X 1 5',
    'clear X',
    'bid X 30230.0 x 0.50000',
    'bid X 30228.7 x 1.00000',
    'ask X 30243.5 x 1.44679',
    'end X 1',
    'status X live',
  ]);
  assert.deepEqual(desk.update('bid 30230 x 0, ask 30243.50 x 2, ask 30250 x 0'), [
    'bid X 30230.0 x 0.00000',
    'ask X 30243.5 x 2.00000',
    'end X 2',
  ]);
  assert.deepEqual(texts(desk.feed.book, BookSide.Bid), ['30228.7 x 1']);
  assert.deepEqual(texts(desk.feed.book, BookSide.Ask), ['30243.50 x 2']);
  assert.equal(desk.feed.updates, 1);
});

test('a number with more decimals changes the unit, and the book is written again', () => {
  const desk = new Desk();
  desk.snapshot('bid 10 x 1, ask 11 x 2');
  assert.deepEqual(desk.update('bid 9.5 x 1'), ['scale X 1 0', 'clear X', 'bid X 10.0 x 1', 'bid X 9.5 x 1', 'ask X 11.0 x 2', 'end X 2']);
  assert.deepEqual(desk.trade('10', '0.25'), [
    'scale X 1 2',
    'clear X',
    'bid X 10.0 x 1.00',
    'bid X 9.5 x 1.00',
    'ask X 11.0 x 2.00',
    'end X 0',
    'trade X buy 10.0 x 0.25 at 3 id 7',
  ]);
  assert.deepEqual(texts(desk.feed.book, BookSide.Bid), ['10 x 1', '9.5 x 1']);
});

test('levels beyond the depth are dropped, worst first', () => {
  const desk = new Desk();
  desk.snapshot('bid 3 x 1, bid 2 x 1, ask 5 x 1, ask 6 x 1');
  assert.deepEqual(desk.update('bid 4 x 1, ask 5 x 2', 2), ['bid X 4 x 1', 'ask X 5 x 2', 'bid X 2 x 0', 'end X 2']);
});

test('a full side keeps its best levels', () => {
  const desk = new Desk(2);
  desk.snapshot('bid 3 x 1, bid 2 x 1');
  assert.deepEqual(desk.update('bid 1 x 1'), ['fault X BOOK_FULL', 'end X 2']);
  assert.deepEqual(desk.update('bid 4 x 1'), ['fault X BOOK_FULL', 'bid X 2 x 0', 'bid X 4 x 1', 'end X 2']);
  assert.deepEqual(texts(desk.feed.book, BookSide.Bid), ['4 x 1', '3 x 1']);
});

test('numbers that do not fit are counted, and no level keeps a quantity that is not known', () => {
  const desk = new Desk();
  desk.snapshot('bid 10 x 1, bid 9 x 1, ask 11 x 0.00000001');
  assert.deepEqual(desk.update('bid 10 x 90071993'), ['bid X 10 x 0.00000000', 'fault X NUMBER_TOO_LARGE', 'end X 2']);
  assert.deepEqual(texts(desk.feed.book, BookSide.Bid), ['10 x 90071993', '9 x 1'], 'the book has it');
  assert.deepEqual(desk.update('bid 10 x 0'), ['bid X 10 x 0.00000000', 'end X 2']);
  assert.deepEqual(desk.update('bid 9 x -1'), ['bid X 9 x 0.00000000', 'fault X NUMBER_NEGATIVE', 'end X 2']);
  assert.deepEqual(desk.update('bid x1 x 1'), ['fault X NUMBER_MALFORMED', 'end X 2']);
  assert.deepEqual(desk.update('bid 1e5 x 1'), ['fault X NUMBER_MALFORMED', 'end X 2']);
  assert.deepEqual(desk.trade('0.00', '1'), ['fault X NUMBER_MALFORMED'], '0 stands for no price');
});

test('a crossed book is stale until an update mends it', () => {
  const desk = new Desk();
  desk.snapshot('bid 10 x 1, ask 11 x 1');
  assert.deepEqual(desk.update('bid 11 x 1'), ['bid X 11 x 1', 'end X 2', 'fault X CROSSED', 'status X stale CROSSED']);
  assert.deepEqual(desk.update('ask 11 x 0'), ['ask X 11 x 0', 'end X 2', 'status X live']);
  assert.equal(desk.feed.crossed, 1);
  assert.deepEqual(desk.snapshot('bid 2 x 1, ask 1 x 1').slice(-2), ['fault X CROSSED', 'status X stale CROSSED']);
  assert.equal(desk.feed.state, FeedState.Stale);
});

test('an update from more than a second before the last one is counted, once, and applied', () => {
  const desk = new Desk();
  const at = (timeUs: number): string[] => {
    desk.feed.endUpdate(timeUs);
    return desk.sink.take();
  };
  desk.snapshot('bid 10 x 1');
  assert.deepEqual(at(5_000_000), ['end X 5000000']);
  assert.deepEqual(at(4_000_000), ['end X 4000000'], 'servers of a venue differ');
  assert.deepEqual(at(2_999_999), ['fault X CLOCK_BACK', 'end X 2999999']);
  assert.deepEqual(at(3_000_000), ['end X 3000000'], 'its clock goes on from there');
  assert.deepEqual(at(0), ['end X 0'], 'without a time');
  assert.deepEqual(at(1_000_000), ['fault X CLOCK_BACK', 'end X 1000000']);
  assert.deepEqual(desk.snapshot('bid 10 x 1').at(-1), 'end X 1', 'a snapshot begins anew');
});

test('a quote has the units of the book, and may lack a side', () => {
  const desk = new Desk();
  const bytes = encoder.encode('10.5 2');
  desk.feed.quoteBid(bytes, 0, 4, 5, 6);
  desk.feed.quoteAsk(bytes, 0, 0, 0, 0, 9);
  assert.deepEqual(desk.sink.take(), ['scale X 1 0', 'quote X 10.5 x 2 / 0.0 x 0 at 9']);
});

interface Change {
  readonly side: BookSide;
  readonly price: number;
  readonly quantity: number;
}

const changes = fc.array(
  fc.record({ side: fc.constantFrom(BookSide.Bid, BookSide.Ask), price: fc.nat(60), quantity: fc.oneof(fc.constant(0), fc.nat(5)) }),
  { maxLength: 300 },
);

test('property: the book is a map of prices, sorted', () => {
  fc.assert(
    fc.property(changes, fc.integer({ min: 1, max: 40 }), (all: readonly Change[], depth) => {
      const book = new VenueBook();
      const naive = [new Map<number, number>(), new Map<number, number>()];
      for (const { side, price, quantity } of all) {
        const levels = book.side(side);
        const before = naive[side].has(price);
        const expected = before
          ? quantity === 0
            ? LevelChange.Removed
            : LevelChange.Changed
          : quantity === 0
            ? LevelChange.None
            : LevelChange.Added;
        assert.equal(levels.set(price, quantity, 0, 0), expected);
        if (quantity === 0) naive[side].delete(price);
        else naive[side].set(price, quantity);
        const sorted = [...naive[side]].sort(([a], [b]) => (side === BookSide.Bid ? b - a : a - b)).slice(0, depth);
        while (levels.length > depth) levels.dropWorst();
        naive[side] = new Map(sorted);
        assert.deepEqual(
          Array.from({ length: levels.length }, (_, i) => [levels.price(i), levels.quantity(i)]),
          sorted,
        );
        assert.equal(
          levels.find(price),
          sorted.findIndex(([at]) => at === price),
        );
      }
      const [bids, asks] = naive.map((side) => [...side.keys()]);
      assert.equal(book.crossed, bids.length > 0 && asks.length > 0 && bids[0] >= asks[0]);
    }),
  );
});

test('a book whose prices move far stays sorted', () => {
  const { bids } = new VenueBook();
  const twin: number[] = [];
  // Up by 1,000 levels, then down below where it began; each end is taken off and put on.
  const steps = [...Array(1000).fill(1), ...Array(2000).fill(-1)] as number[];
  let low = 5000;
  for (let price = low; price < low + 40; price++) twin.push(price);
  for (const price of twin) bids.set(price, price, 0, 0);
  for (const step of steps) {
    const [gone, come] = step === 1 ? [low, low + 40] : [low + 39, low - 1];
    bids.set(gone, 0, 0, 0);
    bids.set(come, come, 0, 0);
    low += step;
    assert.equal(bids.length, 40);
    for (const depth of [0, 1, 20, 39]) {
      assert.deepEqual([bids.price(depth), bids.quantity(depth)], [low + 39 - depth, low + 39 - depth]);
      assert.equal(bids.find(low + 39 - depth), depth);
    }
  }
});

test('a snapshot of many levels, best or worst first, moves few of them', (context) => {
  const LEVELS = 5_000;
  const { copyWithin } = Float64Array.prototype;
  let moved = 0;
  context.after(() => Object.assign(Float64Array.prototype, { copyWithin }));
  Float64Array.prototype.copyWithin = function (this: Float64Array, to: number, from: number, end = this.length) {
    moved += end - from;
    return copyWithin.call(this, to, from, end);
  };
  for (const first of [0, LEVELS]) {
    for (const side of [BookSide.Bid, BookSide.Ask]) {
      moved = 0;
      const levels = new VenueBook().side(side);
      for (let i = 0; i < LEVELS; i++) levels.set(Math.abs(first - i) + 1, 1, 0, 0);
      assert.equal(levels.length, LEVELS);
      // In two columns. All levels moved for each new one would be 25 million.
      assert.ok(moved < 40 * LEVELS, `${moved} moves`);
    }
  }
});

test('a refused trade or quote with more decimals does not leave the sink with other units than the book', () => {
  const desk = new Desk();
  desk.snapshot('bid 5 x 1');
  desk.trade('0', '0.000001');
  assert.deepEqual(desk.sink.book('X', BookSide.Bid), ['5 x 1.000000']);
  const bytes = encoder.encode('5.25x');
  assert.equal(desk.feed.quoteBid(bytes, 0, 4, 0, 1), FeedFault.None);
  assert.equal(desk.feed.quoteAsk(bytes, 4, 5, 0, 1, 3), FeedFault.NumberMalformed);
  assert.deepEqual(desk.sink.book('X', BookSide.Bid), ['5.00 x 1.000000']);
});

test('property: the sink has the book that the feed has, whatever comes', () => {
  const number = fc.oneof(fc.constantFrom('0', '0.00', '1', '1.5', '-1', 'x', '9007199254740991', '0.000001'), fc.nat(99).map(String));
  const steps = fc.array(fc.tuple(fc.constantFrom('bid', 'ask'), fc.nat(30), fc.constantFrom('', '.5', '.25', '.000'), number, fc.nat(9)), {
    maxLength: 120,
  });
  fc.assert(
    fc.property(steps, (all) => {
      const desk = new Desk(8);
      desk.snapshot('bid 5 x 1, ask 20 x 1');
      for (const [side, price, fraction, quantity, kind] of all) {
        const level = `${side} ${price}${fraction} x ${quantity}`;
        if (kind === 0) desk.snapshot(level);
        else if (kind === 1) desk.trade(`${price}${fraction}`, quantity);
        else desk.update(level, 6);
        const { book } = desk.feed;
        for (const one of [BookSide.Bid, BookSide.Ask]) {
          const levels = book.side(one);
          const own: string[] = [];
          for (let depth = 0; depth < levels.length; depth++) {
            const text = decimalText(levels.price(depth), book.priceDecimals, book.priceDecimals);
            const quantity = decimalText(levels.quantity(depth), book.quantityDecimals, book.quantityDecimals);
            if (levels.quantity(depth) !== 0) own.push(`${text} x ${quantity}`);
          }
          assert.deepEqual(desk.sink.book('X', one), own);
        }
      }
    }),
  );
});

test('property: the text of every level stays as it was written, whatever its size', () => {
  const number = fc.tuple(fc.bigInt(1n, 2n ** 53n - 1n), fc.nat(18)).map(([units, decimals]) => {
    const digits = String(units).padStart(decimals + 1, '0');
    return decimals === 0 ? digits : `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
  });
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(fc.nat(99), number), { selector: ([price]) => price, maxLength: 20 }), (levels) => {
      const desk = new Desk();
      desk.snapshot('');
      for (const [price, quantity] of levels) desk.update(`bid ${price} x ${quantity}`);
      const sorted = levels.toSorted(([a], [b]) => b - a).map(([price, quantity]) => `${price} x ${quantity}`);
      assert.deepEqual(texts(desk.feed.book, BookSide.Bid), sorted);
    }),
  );
});
