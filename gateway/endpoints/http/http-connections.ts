import type { Socket } from 'node:net';
import { CALLER_LIMITS } from '../../caller-limits.ts';
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
  readonly #maxPerCaller: number;
  /** By {@link connectionKey}. */
  readonly #unauthenticated = new Map<string, { readonly socket: Socket; readonly leave: () => void }>();
  /** Callers of authenticated connections by connection; empty where a caller has no limit: a proxy's, and without authentication. */
  readonly #admitted = new Map<string, string>();
  /** Authenticated connections by caller. */
  readonly #callers = new Map<string, number>();

  /** @param maxPerCaller authenticated connections of one caller, so that one cannot take them all */
  constructor(limit: PreAuthLimit, maxAdmitted: number = MAX_ADMITTED, maxPerCaller: number = CALLER_LIMITS['http-connections']) {
    this.#limit = limit;
    this.#maxAdmitted = maxAdmitted;
    this.#maxPerCaller = maxPerCaller;
  }

  /** A connection was accepted; with TLS, before its handshake. */
  enter(socket: Socket): void {
    const { address } = peerOf(socket);
    // The peer has already disconnected.
    if (address === '') return close(socket);
    const key = connectionKey(socket);
    socket.once('close', () => this.#forget(key));
    if (this.#limit.trusts(address) && this.#admitted.size < this.#maxAdmitted) {
      this.#admitted.set(key, '');
      return;
    }
    const leave = this.#limit.enter(address, () => socket.destroy());
    if (leave !== undefined) this.#unauthenticated.set(key, { socket, leave });
    else close(socket);
  }

  /**
   * Moves a connection with an authenticated request to the second pool.
   * @param caller whose connections are limited; empty: no such limit
   * @returns the limit that it would exceed
   */
  admit(socket: Socket, caller: string): 'connections' | 'caller-connections' | undefined {
    const key = connectionKey(socket);
    const waiting = this.#unauthenticated.get(key);
    if (waiting === undefined) return undefined;
    if (this.#admitted.size >= this.#maxAdmitted) return 'connections';
    const own = this.#callers.get(caller) ?? 0;
    if (caller !== '' && own >= this.#maxPerCaller) return 'caller-connections';
    waiting.leave();
    this.#unauthenticated.delete(key);
    this.#admitted.set(key, caller);
    if (caller !== '') this.#callers.set(caller, own + 1);
    return undefined;
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
    const caller = this.#admitted.get(key) ?? '';
    this.#admitted.delete(key);
    const left = (this.#callers.get(caller) ?? 0) - 1;
    if (left > 0) this.#callers.set(caller, left);
    else this.#callers.delete(caller);
  }
}

/** Deferred, because the library's own listener fails on a destroyed socket. */
function close(socket: Socket): void {
  process.nextTick(() => socket.destroy());
}
