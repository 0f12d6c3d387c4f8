import type { FeedLine, FeedSink } from '../feed.ts';
import { VENUES, venueOfCapture } from '../venues/index.ts';
import type { VenueLine } from '../venues/venue-line.ts';
import { CaptureError, type CaptureEvent, type SortedCapture } from './captures.ts';

/** A capture answers nothing: what the venue answered to the recorded session is in it. */
const NO_LINE: FeedLine = {
  send: () => undefined,
  fetch: () => undefined,
  reconnect: () => undefined,
};

const TICK_US = 1e6;

/**
 * Gives a capture to its venue's adapter, in the order of time, at the recorded times. All connections go to one
 * adapter: a connection that begins after all others have ended is a new one of the same line.
 */
export class CaptureReplay {
  readonly adapter: VenueLine;
  readonly #events: readonly CaptureEvent[];
  /** The time of the last event of each connection. */
  readonly #ends = new Map<string, number>();
  #open = false;
  #endUs = 0;
  #tickUs = 0;

  /** @param path for messages @throws CaptureError CAPTURE_HEADER if the venue is unknown */
  constructor(path: string, capture: SortedCapture, sink: FeedSink) {
    this.#events = capture.events;
    const first = capture.events.find(({ kind }) => kind === 'connect');
    const address = first?.kind === 'connect' ? first.address : '';
    const venue = venueOfCapture(capture.header.exchange, address);
    if (venue === undefined) {
      const known = VENUES.map(({ name }) => name).join(', ');
      throw new CaptureError('CAPTURE_HEADER', path, 1, `is of ${capture.header.exchange}, which has no adapter; there are ${known}`);
    }
    this.adapter = venue.create({ instruments: [] }, NO_LINE, sink);
    for (const event of capture.events) if (event.kind !== 'http') this.#ends.set(event.conn, event.timeUs);
  }

  /** Plays all of it. Frames go out as the bytes that they had on the wire. */
  run(): void {
    const encoder = new TextEncoder();
    for (const event of this.#events) {
      this.#tick(event.timeUs);
      if (event.kind === 'http') this.adapter.answer(event.url, encoder.encode(event.data), event.timeUs);
      else if (event.kind === 'connect') this.#connect(event.conn, event.timeUs);
      else if (event.kind === 'recv') {
        if (!this.#open) this.#connect(event.conn, event.timeUs);
        this.adapter.frame(encoder.encode(event.data), event.timeUs);
      }
    }
  }

  #connect(conn: string, timeUs: number): void {
    if (this.#open && timeUs > this.#endUs) {
      this.adapter.closed(timeUs);
      this.#open = false;
    }
    this.#endUs = Math.max(this.#endUs, this.#ends.get(conn) ?? 0);
    if (!this.#open) this.adapter.opened(timeUs);
    this.#open = true;
  }

  #tick(timeUs: number): void {
    if (timeUs - this.#tickUs < TICK_US) return;
    this.#tickUs = timeUs;
    this.adapter.tick(timeUs);
  }
}
