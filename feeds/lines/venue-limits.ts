import type { SendRate } from './send-pace.ts';

/** What a venue allows, and how its connections behave. docs/FEEDS.md names the sources. */
export interface VenueLimits {
  /** Messages to the venue on one connection. */
  readonly sends: SendRate;
  /** Requests over HTTP. */
  readonly requests: SendRate;
  /** The connection is replaced at this age, before the venue cuts it, ms. */
  readonly maxAgeMs: number;
  /** How long the connection that replaces it is open beside it, for adapters that can be taken over, ms. */
  readonly overlapMs: number;
  /** Without any byte, pings and pongs included, the connection counts as dead, ms. */
  readonly silentMs: number;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Below the limits of all venues here. */
const COMMON: VenueLimits = {
  sends: { messages: 5, perMs: SECOND },
  requests: { messages: 5, perMs: SECOND },
  maxAgeMs: Number.POSITIVE_INFINITY,
  overlapMs: 5 * SECOND,
  silentMs: 30 * SECOND,
};

/** By the name of {@link VenueAdapter.venue}; a venue that is not here has the common ones. */
const LIMITS: Readonly<Record<string, Partial<VenueLimits>>> = {
  // 5 messages a second in, with pings and pongs: one is left for those. Cut after 24 hours. Depth of 5,000 levels weighs 250 of 6,000 a minute.
  binance: { sends: { messages: 4, perMs: SECOND }, requests: { messages: 20, perMs: MINUTE }, maxAgeMs: 23.5 * HOUR, silentMs: MINUTE },
  // 3 new connections a second, and 480 subscriptions an hour on one, which the adapter keeps; lists of instruments: 20 in 2 s.
  okx: { sends: { messages: 2, perMs: SECOND }, requests: { messages: 2, perMs: SECOND } },
  // 400 requests a second and 10,000 in ten minutes; 8,000 in older documents. It asks for a new connection after 90 days at most.
  bitstamp: { requests: { messages: 10, perMs: SECOND } },
};

/** @param venue `binance-us` has the limits of `binance` */
export function limitsOfVenue(venue: string): VenueLimits {
  return { ...COMMON, ...(LIMITS[venue] ?? LIMITS[venue.split('-')[0]]) };
}
