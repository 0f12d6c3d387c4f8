import type { Socket } from 'node:net';
import { peerOf } from '../../tls/peer-certificate.ts';
import { connectionKey, type PreAuthLimit } from '../pre-auth-limit.ts';

/** Authenticated connections at once. */
const MAX_ADMITTED = 256;

/**
 * Connections of the HTTP port, in two pools with separate limits: unauthenticated ones, whose limit displaces the oldest, and
 * authenticated ones. A probe or a scrape needs no credentials; it enters the
 * first pool as the newest and is answered before it is the oldest. I/O thread.
 */
export class HttpConnections {
  readonly #limit: PreAuthLimit;
  readonly #maxAdmitted: number;
  /** By {@link connectionKey}. */
  readonly #unauthenticated = new Map<string, { readonly socket: Socket; readonly leave: () => void }>();
  readonly #admitted = new Set<string>();

  constructor(limit: PreAuthLimit, maxAdmitted: number = MAX_ADMITTED) {
    this.#limit = limit;
    this.#maxAdmitted = maxAdmitted;
  }

  /** A connection was accepted; with TLS, before its handshake. */
  enter(socket: Socket): void {
    const { address } = peerOf(socket);
    // The peer has already disconnected.
    if (address === '') return close(socket);
    const key = connectionKey(socket);
    socket.once('close', () => this.#forget(key));
    if (this.#limit.trusts(address) && this.#admitted.size < this.#maxAdmitted) {
      this.#admitted.add(key);
      return;
    }
    const leave = this.#limit.enter(address, () => socket.destroy());
    if (leave !== undefined) this.#unauthenticated.set(key, { socket, leave });
    else close(socket);
  }

  /** Moves a connection with an authenticated request to the second pool. False: that pool is full. */
  admit(socket: Socket): boolean {
    const key = connectionKey(socket);
    const waiting = this.#unauthenticated.get(key);
    if (waiting === undefined) return true;
    if (this.#admitted.size >= this.#maxAdmitted) return false;
    waiting.leave();
    this.#unauthenticated.delete(key);
    this.#admitted.add(key);
    return true;
  }

  /** Whether the connection may stay open after an answer. */
  isAdmitted(socket: Socket): boolean {
    return this.#admitted.has(connectionKey(socket));
  }

  /** Cuts all unauthenticated connections, also those in a TLS handshake. */
  cutUnauthenticated(): void {
    for (const { socket } of this.#unauthenticated.values()) socket.destroy();
  }

  #forget(key: string): void {
    this.#unauthenticated.get(key)?.leave();
    this.#unauthenticated.delete(key);
    this.#admitted.delete(key);
  }
}

/** Deferred, because the library's own listener fails on a destroyed socket. */
function close(socket: Socket): void {
  process.nextTick(() => socket.destroy());
}
