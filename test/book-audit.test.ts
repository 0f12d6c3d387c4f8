/** The audit of a book, which many tests rely on, finds what is wrong in the prices of a side. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PriceLadder } from '../engine/book/price-ladder.ts';
import { Harness, parseCommand, SYMBOL } from './support/exchange-fixture.ts';
import { audit } from './support/shares-fixture.ts';

describe('the audit of a book', () => {
  const FAR = 64 * 100;
  const faults: [string, (asks: PriceLadder) => void, RegExp][] = [
    ['a price that is marked in a page without levels', (asks) => mark(asks, FAR), /page 100 has orders and no levels/],
    ['a price that is marked and has no order', (asks) => mark(asks, 501), /key 501 has 0 orders, its bit does not match/],
    ['an order whose price is not marked', (asks) => mark(asks, 502), /key 502 has 1 orders, its bit does not match/],
    [
      'a best price that is not the best',
      (asks) => {
        asks.best = 502;
      },
      /best key is 502, should be 500/,
    ],
    [
      'a second best price that is not the second best',
      (asks) => {
        asks.second = 503;
      },
      /second key is 503, should be 502/,
    ],
    [
      'a mark that is missing one height up',
      (asks) => {
        asks.bits[asks.starts[1]] = 0;
      },
      /height 1 has a wrong bit/,
    ],
  ];
  for (const [name, fault, found] of faults)
    it(`finds ${name}`, () => {
      const harness = new Harness().setUp(2);
      for (const line of ['1 new 1 sell 1 @ 500', '1 new 2 sell 1 @ 502', '1 new 3 buy 1 @ 490']) harness.do(parseCommand(line));
      audit(harness);
      const book = harness.exchange.books[SYMBOL];
      assert.ok(book);
      fault(book.asks);
      assert.throws(() => audit(harness), found);
    });
});

/** Changes the bit of a price, and those above it if they have to change. */
function mark({ bits, starts }: PriceLadder, key: number): void {
  bits[key >>> 5] ^= 1 << (key & 31);
  const page = key >>> 6;
  let marked = (bits[2 * page] | bits[2 * page + 1]) !== 0;
  for (let height = 1, at = page; height < starts.length; height++, at >>>= 5) {
    const word = starts[height] + (at >>> 5);
    if (marked) bits[word] |= 1 << (at & 31);
    else bits[word] &= ~(1 << (at & 31));
    marked = bits[word] !== 0;
  }
}
