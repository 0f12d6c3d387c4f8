import type { FeedLine, FeedSink } from '../feed.ts';
import { VENUES, type Venue, venueOfCapture } from '../venues/index.ts';
import type { VenueLine } from '../venues/venue-line.ts';
import { CapturePlayer } from './capture-player.ts';
import { CaptureError, type SortedCapture } from './captures.ts';

/** A capture answers nothing: what the venue answered to the recorded session is in it. */
export const CAPTURED_LINE: FeedLine = {
  send: () => undefined,
  fetch: () => undefined,
  reconnect: () => undefined,
};

/** The venue that a capture was recorded from. @param path for messages @throws CaptureError CAPTURE_HEADER if it has no adapter */
export function capturedVenue(path: string, { header, events }: SortedCapture): Venue {
  const first = events.find(({ kind }) => kind === 'connect');
  const venue = venueOfCapture(header.exchange, first?.kind === 'connect' ? first.address : '');
  if (venue !== undefined) return venue;
  const known = VENUES.map(({ name }) => name).join(', ');
  throw new CaptureError('CAPTURE_HEADER', path, 1, `is of ${header.exchange}, which has no adapter; there are ${known}`);
}

/** Gives a capture to its venue's adapter at the recorded times, without waiting. */
export class CaptureReplay {
  readonly adapter: VenueLine;
  readonly #player: CapturePlayer;

  /** @param path for messages @throws CaptureError CAPTURE_HEADER if the venue is unknown */
  constructor(path: string, capture: SortedCapture, sink: FeedSink) {
    this.adapter = capturedVenue(path, capture).create({ instruments: [] }, CAPTURED_LINE, sink);
    this.#player = new CapturePlayer(capture.events, this.adapter);
  }

  /** Plays all of it. */
  run(): void {
    this.#player.playUntil(Number.POSITIVE_INFINITY);
  }
}
