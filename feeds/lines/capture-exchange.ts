import type { FeedSink } from '../feed.ts';
import { VENUES, venueOfCapture } from '../venues/index.ts';
import type { FeedSource } from './feed-source.ts';

const NO_LINE = { send: () => undefined, fetch: () => undefined, reconnect: () => undefined };

/**
 * What the header of a capture names: the exchange, if that and the address lead back to the venue, else the venue
 * (as for a source with an address of its own).
 * @param sink receives the instruments
 */
export function captureExchange(source: FeedSource, sink: FeedSink): string {
  const venue = VENUES.find(({ name }) => name === source.venue);
  if (venue === undefined) return source.venue;
  const { address } = venue.create(source, NO_LINE, sink);
  return venueOfCapture(venue.exchange, address) === venue ? venue.exchange : venue.name;
}
