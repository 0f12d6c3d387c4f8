import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { type LocalBook, LocalOrderBook } from '../../gateway/client/local-book.ts';
import type { BookMirror } from '../../gateway/market/book-mirror.ts';
import { ACCOUNTS, type MarketVenue } from './market-venue.ts';

/** Repeats a check until it succeeds; otherwise throws its last error. Counts turns, like `until` of raw-websocket.ts. */
export async function eventually(check: () => void, timeoutMs = 60_000): Promise<void> {
  for (let waited = 0; ; waited += 5) {
    try {
      check();
      return;
    } catch (error) {
      if (waited >= timeoutMs) throw error;
    }
    await sleep(5);
  }
}

/** A client's book has the mirror's levels, or orders in priority. */
export function sameBook(book: LocalBook | LocalOrderBook, mirror: BookMirror): void {
  assert.ok(book.inStep, 'in step');
  for (const [i, side] of (['buy', 'sell'] as const).entries()) {
    if (book instanceof LocalOrderBook) {
      const mine = book.orders(side).map(({ orderId, price, quantity }) => ({ orderId, side: i, price, quantity }));
      sameList(mine, mirror.list(i));
    } else {
      const mine = book.levels(side).map(({ price, quantity, orders }) => ({ price, quantity, orders }));
      sameList(mine, mirror.depth(i));
    }
  }
}

/** Like deepEqual, without its report of every difference, which takes seconds for a deep book: this check is repeated until it succeeds. */
function sameList(mine: readonly object[], truth: readonly object[]): void {
  const at = mine.findIndex((each, i) => JSON.stringify(each) !== JSON.stringify(truth[i]));
  if (at === -1 && mine.length === truth.length) return;
  const where = at === -1 ? mine.length : at;
  assert.fail(`differ at ${where} of ${truth.length}: ${JSON.stringify(mine[where])} is not ${JSON.stringify(truth[where])}`);
}

/** The mirrors hold the orders that rest in the engine, no more and no less. Returns how many. */
export function sameAsEngine(venue: MarketVenue, symbols: number): number {
  const mirrored = new Map<number, string>();
  for (let symbol = 1; symbol <= symbols; symbol++) {
    const mirror = venue.market.book(symbol);
    assert.ok(mirror);
    for (const side of [0, 1]) {
      for (const { orderId, price, quantity } of mirror.list(side)) mirrored.set(orderId, `${symbol} ${side} ${price} ${quantity}`);
    }
  }
  const resting = new Map<number, string>();
  for (let account = 1; account <= ACCOUNTS; account++) {
    for (const { orderId, symbol, side, price, leaves } of venue.engine.directory.openOrders(account, Number.POSITIVE_INFINITY)) {
      resting.set(orderId, `${symbol} ${side} ${price} ${leaves}`);
    }
  }
  assert.deepEqual([...mirrored].sort(byId), [...resting].sort(byId));
  return resting.size;
}

function byId(a: readonly [number, string], b: readonly [number, string]): number {
  return a[0] - b[0];
}
