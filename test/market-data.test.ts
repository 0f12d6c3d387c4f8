import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Prng } from '../feeds/prng.ts';
import { MarketVenue } from './support/market-venue.ts';

let venue: MarketVenue;
before(async () => {
  venue = await MarketVenue.start(2);
});
after(() => venue.stop());

test('a book follows the engine', async () => {
  const client = venue.client();
  const book = await client.book('S1');
  await venue.load(new Prng(1), 2000, 2);
  await venue.quiet();
  await client.ping();
  const mirror = venue.market.book(1);
  assert.ok(mirror);
  const plain = (levels: readonly { price: number; quantity: number; orders: number }[]) =>
    levels.map(({ price, quantity, orders }) => ({ price, quantity, orders }));
  assert.ok(book.bids.length > 3);
  assert.deepEqual(plain(book.bids), mirror.depth(0));
  assert.deepEqual(plain(book.asks), mirror.depth(1));
});
