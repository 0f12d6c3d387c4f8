import type { FeedSink } from '../feed.ts';
import type { BookLevels, VenueBook } from './venue-book.ts';

/**
 * Ends an update in the sink, with the best bid and ask that it has: a level whose quantity does not fit the units
 * ({@link BookLevels.quantity}) was not written to it.
 */
export function endBook(sink: Pick<FeedSink, 'bookEnd'>, instrument: number, venueTimeUs: number, book: VenueBook): void {
  const { bids, asks } = book;
  const bid = bestDepth(bids);
  const ask = bestDepth(asks);
  sink.bookEnd(
    instrument,
    venueTimeUs,
    bid === -1 ? 0 : bids.price(bid),
    bid === -1 ? 0 : bids.quantity(bid),
    ask === -1 ? 0 : asks.price(ask),
    ask === -1 ? 0 : asks.quantity(ask),
  );
}

function bestDepth(levels: BookLevels): number {
  for (let depth = 0; depth < levels.length; depth++) if (levels.quantity(depth) !== 0) return depth;
  return -1;
}
