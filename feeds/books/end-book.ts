import type { FeedSink } from '../feed.ts';
import type { VenueBook } from './venue-book.ts';

/** Ends an update in the sink, with the best bid and ask of the book. */
export function endBook(sink: Pick<FeedSink, 'bookEnd'>, instrument: number, venueTimeUs: number, book: VenueBook): void {
  const { bids, asks } = book;
  const hasBid = bids.length > 0;
  const hasAsk = asks.length > 0;
  sink.bookEnd(
    instrument,
    venueTimeUs,
    hasBid ? bids.price(0) : 0,
    hasBid ? bids.quantity(0) : 0,
    hasAsk ? asks.price(0) : 0,
    hasAsk ? asks.quantity(0) : 0,
  );
}
