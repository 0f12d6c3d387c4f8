import type { VenueAdapter } from '../feed.ts';
import { type CaptureEvent, frameBytes } from './captures.ts';

const TICK_US = 1e6;
const LONGEST_LEAD_US = 10e6;
/** Until a venue has answered a subscription with a snapshot, usually. */
const ANSWER_US = 200_000;

/**
 * Gives the events of a capture to an adapter, in the order of time. All connections go to the one adapter: a connection
 * that begins after all others have ended is a new one of the same line. Frames have the bytes that they had on the wire.
 */
export class CapturePlayer {
  readonly #events: readonly CaptureEvent[];
  readonly #adapter: VenueAdapter;
  /** The time of the last event of each connection. */
  readonly #ends = new Map<string, number>();
  readonly #encoder = new TextEncoder();
  #next = 0;
  #open = false;
  #endUs = 0;
  #tickUs = 0;

  /** @param events by time */
  constructor(events: readonly CaptureEvent[], adapter: VenueAdapter) {
    this.#events = events;
    this.#adapter = adapter;
    for (const event of events) if (event.kind !== 'http') this.#ends.set(event.conn, event.timeUs);
  }

  /** Time of the first event, microseconds since 1970; 0 if there is none. */
  get beginUs(): number {
    return this.#events[0]?.timeUs ?? 0;
  }

  /**
   * Time until which the recorded client was still subscribing and fetching: of what it last sent or got an answer to in the first
   * {@link LONGEST_LEAD_US}, and a moment more. What comes before it may be played at once.
   */
  get leadEndUs(): number {
    let end = this.beginUs;
    for (const { kind, timeUs } of this.#events) {
      if (timeUs > this.beginUs + LONGEST_LEAD_US) break;
      if (kind === 'send' || kind === 'http') end = timeUs + ANSWER_US;
    }
    return end;
  }

  /** Every event was played. */
  get ended(): boolean {
    return this.#next === this.#events.length;
  }

  /**
   * Plays the events up to a time of the capture, at most so many.
   * @param shiftUs is added to the times that the adapter gets, which are @param leastUs at least
   * @returns false if more of them are due
   */
  playUntil(untilUs: number, shiftUs = 0, leastUs = 0, most = Number.POSITIVE_INFINITY): boolean {
    for (let left = most; this.#next < this.#events.length && this.#events[this.#next].timeUs <= untilUs; left--) {
      if (left === 0) return false;
      const event = this.#events[this.#next++];
      this.#play(event, Math.max(event.timeUs + shiftUs, leastUs));
    }
    return true;
  }

  /** Ends the connection, and continues with the first event. @param nowUs for the adapter */
  rewind(nowUs: number): void {
    if (this.#open) this.#adapter.closed(nowUs);
    this.#open = false;
    this.#endUs = 0;
    this.#tickUs = 0;
    this.#next = 0;
  }

  #play(event: CaptureEvent, nowUs: number): void {
    if (nowUs - this.#tickUs >= TICK_US) {
      this.#tickUs = nowUs;
      this.#adapter.tick(nowUs);
    }
    if (event.kind === 'http') this.#adapter.answer(event.url, this.#encoder.encode(event.data), nowUs);
    else if (event.kind === 'connect') this.#connect(event.conn, event.timeUs, nowUs);
    else if (event.kind === 'recv') {
      if (!this.#open) this.#connect(event.conn, event.timeUs, nowUs);
      this.#adapter.frame(frameBytes(event), nowUs);
    }
  }

  #connect(conn: string, timeUs: number, nowUs: number): void {
    if (this.#open && timeUs > this.#endUs) {
      this.#adapter.closed(nowUs);
      this.#open = false;
    }
    this.#endUs = Math.max(this.#endUs, this.#ends.get(conn) ?? 0);
    if (!this.#open) this.#adapter.opened(nowUs);
    this.#open = true;
  }
}
