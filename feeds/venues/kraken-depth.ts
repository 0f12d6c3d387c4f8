import type { VenueBook } from '../books/venue-book.ts';

const DEPTHS = [10, 25, 100, 500, 1000];
const DEFAULT_DEPTH = 100;

/** The depth to subscribe: the least that Kraken offers and that has at least these levels, or the largest. */
export function bookDepth(wanted: number = DEFAULT_DEPTH): number {
  return DEPTHS.find((depth) => depth >= wanted) ?? DEPTHS[DEPTHS.length - 1];
}

/** The depth that a snapshot shows: the least that has room for its levels. Where none was subscribed, as in a capture without the answer. */
export function depthOf(book: VenueBook): number {
  return bookDepth(Math.max(book.bids.length, book.asks.length));
}
