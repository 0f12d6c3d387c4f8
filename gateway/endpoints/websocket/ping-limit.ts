import { Rate } from '../../rate.ts';

const PINGS_PER_SECOND = 20;
const PINGS_IN_A_BURST = 200;
/** Maximum bytes of unread answers. */
const MAX_UNREAD_BYTES = 64 * 1024;

/** Bounds the pings of one peer: how many it may send, and how many bytes of answers it may leave unread. */
export class PingLimit {
  readonly #rate = new Rate(PINGS_PER_SECOND, PINGS_IN_A_BURST);
  #unread = 0;

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
