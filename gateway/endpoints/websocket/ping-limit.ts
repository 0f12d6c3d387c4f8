import { BURST, CALLER_LIMITS } from '../../caller-limits.ts';
import { Rate } from '../../rate.ts';

/** Maximum bytes of unread answers. */
const MAX_UNREAD_BYTES = 64 * 1024;

/** Bounds the pings of one peer: how many it may send, and how many bytes of answers it may leave unread. */
export class PingLimit {
  readonly #rate: Rate;
  #unread = 0;

  constructor(perSecond: number = CALLER_LIMITS['ws-pings']) {
    this.#rate = new Rate(perSecond, perSecond * BURST['ws-pings']);
  }

  /**
   * Whether a ping may be answered; if not, the peer must be cut.
   * @param bytes of the ping
   * @param buffered bytes that wait in the socket's buffer
   */
  allows(bytes: number, buffered: number): boolean {
    if (buffered === 0) this.#unread = 0;
    this.#unread += bytes + 2;
    return this.#unread <= MAX_UNREAD_BYTES && this.#rate.take();
  }
}
