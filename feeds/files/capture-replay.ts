import type { FeedLine, FeedSink } from '../feed.ts';
import { VENUES, type Venue, venueOfCapture } from '../venues/index.ts';
import type { VenueLine } from '../venues/venue-line.ts';
import { CapturePlayer } from './capture-player.ts';
import { CaptureError, type CaptureEvent, type CaptureFile, type CaptureHeader, readCapture, type SortedCapture } from './captures.ts';

/** A capture answers nothing: what the venue answered to the recorded session is in it. */
export const CAPTURED_LINE: FeedLine = {
  send: () => undefined,
  fetch: () => undefined,
  reconnect: () => undefined,
};

/**
 * Reads a capture until its venue and a first message are known, so that a start need not read all of it.
 * @throws CaptureError if it cannot be read, is no capture of a venue that has an adapter, or holds no messages
 */
export async function checkCapture(file: CaptureFile): Promise<void> {
  let header: CaptureHeader | undefined;
  let connect: CaptureEvent | undefined;
  let hasMessage = false;
  try {
    for await (const line of readCapture(file)) {
      if (line.kind === 'header') header = line;
      else if (line.kind === 'connect') connect ??= line;
      else hasMessage ||= line.kind !== 'send';
      if (connect !== undefined && hasMessage) break;
    }
  } catch (error) {
    if (!(error instanceof CaptureError) || error.code !== 'CAPTURE_TRUNCATED' || !hasMessage) throw error;
  }
  if (!hasMessage || header === undefined) throw new CaptureError('CAPTURE_EMPTY', file.path, 0, 'holds no messages of a venue');
  capturedVenue(file.path, { header, events: connect === undefined ? [] : [connect] });
}

/** The venue that a capture was recorded from. @param path for messages @throws CaptureError CAPTURE_HEADER if it has no adapter */
export function capturedVenue(path: string, { header, events }: Pick<SortedCapture, 'header' | 'events'>): Venue {
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
