import type { WebSocket } from 'uWebSockets.js';
import { Code } from '../../../engine/codes.ts';
import type { LimitCounters } from '../../limit-counters.ts';
import { type Reject, reject } from '../../reject.ts';
import type { Admission } from '../../sessions/order-sessions.ts';
import type { PrivateSession, TextSocket } from '../json/private-session.ts';
import type { PrivateSessions } from '../json/private-sessions.ts';
import { PRIVATE_CHANNELS, type PrivateChannel } from '../json/schemas/order-messages.ts';
import type { PingLimit } from './ping-limit.ts';
import { closeCodeOf, GOING_AWAY, MAX_REASON_BYTES, TOO_LONG } from './reject-status.ts';

/** Maximum size of a message: what is read in one turn of the event loop. */
export const MAX_TEXT_BYTES = 16 * 1024;

/** The value of the query parameter `channels`: names with commas between them. Default: orders. */
export function readChannels(channels: string | undefined): readonly PrivateChannel[] | Reject {
  const names = channels === undefined ? ['orders'] : channels.split(',');
  const isKnown = (name: string): name is PrivateChannel => (PRIVATE_CHANNELS as readonly string[]).includes(name);
  if (names.every(isKnown)) return [...new Set(names)];
  return reject(Code.BAD_PARAMETER, `channels must be some of ${PRIVATE_CHANNELS.join(',')}, with commas between them`);
}

/** A JSON session on a WebSocket. */
export class PrivateSocket<User> implements TextSocket {
  readonly #ws: WebSocket<User>;
  readonly #session: PrivateSession;
  readonly #limits: LimitCounters;
  readonly #pings: PingLimit;
  #open = true;

  constructor(
    ws: WebSocket<User>,
    admission: Admission,
    channels: readonly PrivateChannel[],
    sessions: PrivateSessions,
    limits: LimitCounters,
    pings: PingLimit,
  ) {
    this.#ws = ws;
    this.#limits = limits;
    this.#pings = pings;
    this.#session = sessions.open(this, admission, channels);
  }

  onMessage(message: ArrayBuffer, isBinary: boolean): void {
    if (!this.#open) return;
    if (message.byteLength <= MAX_TEXT_BYTES) return this.#session.onMessage(new Uint8Array(message), isBinary);
    // Ended first, because a session that is cut ends its transport with another code.
    this.#open = false;
    this.#ws.end(TOO_LONG, `a message has at most ${MAX_TEXT_BYTES} bytes: send several`);
  }

  onPing(bytes: number): void {
    if (!this.#open || this.#pings.allows(bytes, this.#ws.getBufferedAmount())) return;
    this.#limits.note('ws', 'pings');
    this.#session.cut(reject(Code.BUSY, 'too many pings: send fewer, and read the answers'));
  }

  onDrain(): void {
    if (this.#open && this.#ws.getBufferedAmount() === 0) this.#session.onDrain();
  }

  onClose(): void {
    this.#open = false;
    this.#session.onClose();
  }

  send(text: string | Buffer): boolean {
    const SENT = 1;
    return !this.#open || this.#ws.send(text, false) === SENT;
  }

  buffered(): number {
    return this.#open ? this.#ws.getBufferedAmount() : 0;
  }

  end(): void {
    if (this.#open) this.#ws.end(GOING_AWAY, 'the exchange is stopping');
  }

  fail(why: Reject): void {
    if (this.#open) this.#ws.end(closeCodeOf(why), why.details.slice(0, MAX_REASON_BYTES));
  }
}
