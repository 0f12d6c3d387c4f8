import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { InvariantError } from '../engine/assert.ts';
import { RecordingBook } from './support/recording-book.ts';

/**
 * Each case is a ledger: one line per event, then the resulting book.
 *   B|S id price x quantity [ioc]   order     cancel id     reduce id quantity
 * Expected trades: maker taker price quantity. Queues: best first, then oldest.
 */
interface Ledger {
  readonly rule: string;
  readonly steps: string;
  readonly trades?: string;
  readonly bids?: string;
  readonly asks?: string;
}

const LEDGERS: Ledger[] = [
  { rule: 'an order that does not cross rests', steps: 'B 1 100 x 5; S 2 101 x 4', bids: '1@100 x 5', asks: '2@101 x 4' },
  { rule: 'trades print at the resting price', steps: 'S 1 100 x 5; B 2 105 x 5', trades: '1 2 100 5' },
  { rule: 'a buyer meets the lowest ask first', steps: 'S 1 102 x 1; S 2 101 x 1; B 3 102 x 2', trades: '2 3 101 1; 1 3 102 1' },
  { rule: 'a seller meets the highest bid first', steps: 'B 1 99 x 1; B 2 100 x 1; S 3 99 x 2', trades: '2 3 100 1; 1 3 99 1' },
  {
    rule: 'at one price the oldest trades first',
    steps: 'S 1 100 x 2; S 2 100 x 2; B 3 100 x 3',
    trades: '1 3 100 2; 2 3 100 1',
    asks: '2@100 x 1',
  },
  { rule: 'what is left of a limit order rests', steps: 'S 1 100 x 2; B 2 100 x 5', trades: '1 2 100 2', bids: '2@100 x 3' },
  { rule: 'what is left of an IOC does not', steps: 'S 1 100 x 2; B 2 100 x 5 ioc', trades: '1 2 100 2' },
  {
    rule: 'trading stops at the limit',
    steps: 'S 1 100 x 1; S 2 102 x 1; B 3 101 x 2',
    trades: '1 3 100 1',
    bids: '3@101 x 1',
    asks: '2@102 x 1',
  },
  {
    rule: 'a partial fill keeps its place',
    steps: 'S 1 100 x 5; S 2 100 x 5; B 3 100 x 2; B 4 100 x 4',
    trades: '1 3 100 2; 1 4 100 3; 2 4 100 1',
    asks: '2@100 x 4',
  },
  {
    rule: 'a reduced order keeps its place',
    steps: 'S 1 100 x 5; S 2 100 x 5; reduce 1 1; B 3 100 x 2',
    trades: '1 3 100 1; 2 3 100 1',
    asks: '2@100 x 4',
  },
  { rule: 'cancel at the head', steps: 'B 1 100 x 1; B 2 100 x 2; B 3 100 x 3; cancel 1', bids: '2@100 x 2; 3@100 x 3' },
  { rule: 'cancel in the middle', steps: 'B 1 100 x 1; B 2 100 x 2; B 3 100 x 3; cancel 2', bids: '1@100 x 1; 3@100 x 3' },
  { rule: 'cancel at the tail', steps: 'B 1 100 x 1; B 2 100 x 2; cancel 2; B 3 100 x 3', bids: '1@100 x 1; 3@100 x 3' },
  { rule: 'the last cancel uncovers the next price', steps: 'B 1 100 x 1; B 2 37 x 2; cancel 1', bids: '2@37 x 2' },
  {
    rule: 'prices a page apart',
    steps: 'S 1 64 x 1; S 2 63 x 1; S 3 128 x 1; S 4 127 x 1',
    asks: '2@63 x 1; 1@64 x 1; 4@127 x 1; 3@128 x 1',
  },
  {
    rule: 'the lowest and the highest price',
    steps: 'B 1 1 x 1; S 2 1000 x 1; S 3 1 x 2; B 4 1000 x 2',
    trades: '1 3 1 1; 3 4 1 1; 2 4 1000 1',
  },
  { rule: 'a level that emptied fills anew', steps: 'S 1 100 x 1; B 2 100 x 1; S 3 100 x 2', trades: '1 2 100 1', asks: '3@100 x 2' },
  {
    rule: 'large quantities are exact',
    steps: 'S 1 100 x 4503599627370495; B 2 100 x 4503599627370494',
    trades: '1 2 100 4503599627370494',
    asks: '1@100 x 1',
  },
];

function list(lines: string | undefined): string[] {
  return lines === undefined ? [] : lines.split('; ');
}

function play(book: RecordingBook, steps: string, collect = false): void {
  for (const step of list(steps)) {
    const [word, id, price, , quantity, ioc] = step.split(' ');
    if (word === 'cancel') assert.ok(book.cancel(Number(id)), step);
    else if (word === 'reduce') book.reduce(Number(id), Number(price));
    else book.enter(Number(id), word === 'B' ? 0 : 1, Number(price), Number(quantity), { ioc: ioc === 'ioc', collect });
    book.audit(collect);
  }
}

describe('book rules', () => {
  for (const { rule, steps, trades, bids, asks } of LEDGERS) {
    it(rule, () => {
      const book = new RecordingBook();
      play(book, steps);
      assert.deepEqual(
        book.trades.map((trade) => trade.join(' ')),
        list(trades),
      );
      assert.deepEqual(book.queue(0), list(bids));
      assert.deepEqual(book.queue(1), list(asks));
    });
  }
});

describe('book queries', () => {
  const asks = 'S 1 100 x 2; S 2 100 x 1; S 3 102 x 5';
  const cases: [side: 0 | 1, limit: number, quantity: number, fillable: boolean, swept: number, notional: number][] = [
    [0, 99, 1, false, 0, 0],
    [0, 100, 3, true, 3, 300],
    [0, 101, 4, false, 3, 300],
    [0, 102, 4, true, 4, 402],
    [0, 1000, 8, true, 8, 810],
    [0, 1000, 9, false, 8, 810],
    [1, 1, 1, false, 0, 0],
  ];
  for (const [side, limit, quantity, fillable, swept, notional] of cases) {
    it(`side ${side}, ${quantity} up to ${limit}: fillable ${fillable}, sweeps ${swept} for ${notional}`, () => {
      const real = new RecordingBook();
      play(real, asks);
      assert.equal(real.book.fillable(side, limit, quantity), fillable);
      real.book.sweep(side, limit, quantity);
      assert.deepEqual([real.book.sweptQuantity, real.book.sweptNotional], [swept, notional]);
      assert.deepEqual(real.queue(1), ['1@100 x 2', '2@100 x 1', '3@102 x 5']);
    });
  }

  it('levels answer queries for prices with and without orders', () => {
    const real = new RecordingBook();
    play(real, 'B 1 100 x 2; B 2 100 x 3; B 3 99 x 1');
    assert.deepEqual([real.book.levelQuantity(0, 100), real.book.levelOrders(0, 100)], [5, 2]);
    assert.deepEqual([real.book.levelQuantity(0, 98), real.book.levelOrders(0, 98)], [0, 0]);
    assert.deepEqual([real.book.levelQuantity(1, 100), real.book.levelOrders(1, 0)], [0, 0]);
    assert.deepEqual([real.book.bestBid(), real.book.bestAsk()], [100, 0]);
  });
});

describe('book capacity', () => {
  it('a full slab has no slot, and has one again after a release', () => {
    const book = new RecordingBook({ orders: 2 });
    play(book, 'B 1 100 x 1; B 2 100 x 1');
    assert.equal(book.enter(3, 0, 100, 1), 1);
    book.cancel(1);
    assert.equal(book.enter(3, 0, 100, 1), 0);
    assert.deepEqual(book.queue(0), ['2@100 x 1', '3@100 x 1']);
    book.audit();
  });

  it('without a free level page, an order is rejected and the book unchanged; the last order of a page frees it', () => {
    const book = new RecordingBook({ pages: 2 });
    play(book, 'B 1 10 x 1; B 2 11 x 1; S 3 200 x 1');
    assert.equal(book.enter(4, 0, 100, 1), 1);
    assert.equal(book.enter(5, 1, 100, 1), 1);
    assert.deepEqual([book.queue(0), book.queue(1)], [['2@11 x 1', '1@10 x 1'], ['3@200 x 1']]);
    book.audit();
    book.cancel(1);
    assert.equal(book.enter(4, 0, 100, 1), 1, 'order 2 still needs the page');
    book.cancel(2);
    assert.equal(book.enter(4, 0, 100, 1), 0);
    book.audit();
  });

  it('a ladder of 2^26 prices finds its neighbours across every height of the pyramid', () => {
    const book = new RecordingBook({ maxPrice: 2 ** 26 });
    const prices = [1, 2, 31, 32, 63, 64, 1023, 1024, 32767, 32768, 2 ** 20 - 1, 2 ** 20, 2 ** 25, 2 ** 26 - 1, 2 ** 26];
    const { asks, bids } = book.book;
    prices.forEach((price, index) => {
      book.enter(index + 1, 1, price, 1, { collect: true });
      book.enter(index + 101, 0, price, 1, { collect: true });
    });
    const walked: number[] = [];
    for (let key = asks.next(0); key !== asks.none; key = asks.next(key + 1)) walked.push(key);
    assert.deepEqual(walked, prices);
    const back: number[] = [];
    for (let key = bids.previous(bids.none - 1); key !== -1; key = bids.previous(key - 1)) back.push(key ^ bids.flip);
    assert.deepEqual(back, prices);
    prices.forEach((price, index) => {
      assert.equal(book.book.bestAsk(), price);
      book.cancel(index + 1);
    });
    assert.equal(book.book.bestAsk(), 0);
  });

  it('misuse is an invariant error', () => {
    const book = new RecordingBook();
    play(book, 'B 1 100 x 3');
    const slot = book.slab.find(1);
    assert.throws(() => book.slab.release(slot), InvariantError);
    assert.throws(() => book.reduce(1, 0), InvariantError);
    assert.throws(() => book.reduce(1, 4), InvariantError);
    book.book.remove(slot);
    assert.throws(() => book.book.remove(slot), InvariantError);
  });
});

interface Auction {
  readonly rule: string;
  readonly orders: string;
  readonly reference?: number;
  readonly step?: number;
  /** price, volume, surplus, surplus side */
  readonly indicates: [number, number, number, number];
  readonly trades?: string;
}

const AUCTIONS: Auction[] = [
  { rule: 'nothing crosses: no price', orders: 'B 1 99 x 5; S 2 100 x 5', indicates: [0, 0, 0, 0] },
  { rule: 'one side only: no price', orders: 'B 1 99 x 5', indicates: [0, 0, 0, 0] },
  {
    rule: 'largest volume',
    orders: 'B 1 102 x 3; B 2 100 x 4; S 3 98 x 2; S 4 100 x 5',
    indicates: [100, 7, 0, 0],
    trades: '1 3 100 2; 1 4 100 1; 2 4 100 4',
  },
  { rule: 'then the smallest surplus', orders: 'B 1 102 x 5; S 2 98 x 3; S 3 101 x 1', indicates: [102, 4, 1, 0] },
  { rule: 'surplus all on the buy side: the highest price', orders: 'B 1 105 x 5; S 2 100 x 3', reference: 101, indicates: [105, 3, 2, 0] },
  { rule: 'surplus all on the sell side: the lowest price', orders: 'B 1 105 x 3; S 2 100 x 5', reference: 104, indicates: [100, 3, 2, 1] },
  {
    rule: 'balanced: nearest the reference, inside',
    orders: 'B 1 105 x 5; S 2 100 x 5',
    reference: 103,
    indicates: [103, 5, 0, 0],
    trades: '1 2 103 5',
  },
  { rule: 'balanced: nearest the reference, below', orders: 'B 1 105 x 5; S 2 100 x 5', reference: 90, indicates: [100, 5, 0, 0] },
  { rule: 'balanced: nearest the reference, above', orders: 'B 1 105 x 5; S 2 100 x 5', reference: 900, indicates: [105, 5, 0, 0] },
  { rule: 'balanced, no reference: the lowest', orders: 'B 1 105 x 5; S 2 100 x 5', indicates: [100, 5, 0, 0] },
  // 100: demand 6, supply 4. 101: demand 4, supply 6. Same volume, same surplus, one on each side.
  {
    rule: 'surplus on both sides: nearest the reference, low',
    orders: 'B 1 105 x 4; B 2 100 x 2; S 3 95 x 4; S 4 101 x 2',
    reference: 99,
    indicates: [99, 4, 2, 0],
  },
  {
    rule: 'surplus on both sides: nearest the reference, high',
    orders: 'B 1 105 x 4; B 2 100 x 2; S 3 95 x 4; S 4 101 x 2',
    reference: 104,
    indicates: [104, 4, 2, 1],
  },
  { rule: 'price steps: the nearest multiple', orders: 'B 1 110 x 5; S 2 100 x 5', reference: 103, step: 5, indicates: [105, 5, 0, 0] },
  { rule: 'price steps, halfway: the higher', orders: 'B 1 108 x 5; S 2 100 x 5', reference: 102, step: 4, indicates: [104, 5, 0, 0] },
  {
    rule: 'price then time on both sides',
    orders: 'B 1 100 x 2; B 2 101 x 2; B 3 101 x 2; S 4 100 x 3; S 5 99 x 2',
    indicates: [100, 5, 1, 0],
    trades: '2 5 100 2; 3 4 100 2; 1 4 100 1',
  },
];

describe('call auction', () => {
  for (const { rule, orders, reference = 0, step = 1, indicates, trades } of AUCTIONS) {
    it(rule, () => {
      const real = new RecordingBook();
      real.book.priceStep = step;
      play(real, orders, true);
      real.book.indicate(reference);
      const { indicativePrice, indicativeVolume, indicativeSurplus, indicativeSurplusSide } = real.book;
      assert.deepEqual([indicativePrice, indicativeVolume, indicativeSurplus, indicativeSurplusSide], indicates);
      real.book.uncross(reference);
      real.audit();
      assert.equal(
        real.trades.reduce((sum, trade) => sum + trade[3], 0),
        indicates[1],
      );
      if (trades !== undefined) {
        assert.deepEqual(
          real.trades.map((trade) => trade.join(' ')),
          list(trades),
        );
      }
    });
  }

  it('follows cancels, reductions and a price that runs up and down', () => {
    const real = new RecordingBook();
    play(real, 'B 1 100 x 5; S 2 90 x 5', true);
    const price = (reference: number): number => {
      real.book.indicate(reference);
      real.audit(true);
      return real.book.indicativePrice;
    };
    assert.equal(price(95), 95);
    play(real, 'B 3 120 x 50', true);
    assert.equal(price(95), 120);
    play(real, 'S 4 80 x 500', true);
    assert.equal(price(95), 80);
    play(real, 'reduce 4 1; reduce 3 1', true);
    assert.equal(price(95), 95);
    play(real, 'cancel 1; cancel 2', true);
    assert.equal(price(95), 95);
    play(real, 'cancel 3', true);
    assert.equal(price(95), 0);
  });
});
