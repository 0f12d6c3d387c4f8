import type { AdapterFactory } from '../feed.ts';

/** An outside venue that openbell reads. */
export interface Venue {
  /** As configuration, status and metrics name it: `kraken`. */
  readonly name: string;
  /** For lists. */
  readonly title: string;
  readonly create: AdapterFactory;
  /** `exchange` in the header of captures, in upper case: `KRAKEN`. */
  readonly exchange: string;
  /** Which addresses belong to it, where several adapters share an `exchange`. */
  readonly address?: RegExp;
}

/** In the order of their names. */
export const VENUES: readonly Venue[] = [];

/** The venue of a line in a capture. @param exchange of the header, or a venue's name @param address of the connection */
export function venueOfCapture(exchange: string, address: string): Venue | undefined {
  const named = VENUES.find(({ name }) => name === exchange);
  return named ?? VENUES.find((venue) => venue.exchange === exchange.toUpperCase() && (venue.address?.test(address) ?? true));
}
