import type { Socket } from 'node:net';
import { networkOf } from '../network-of.ts';

/** Half of the gRPC port's limit; the other half is reserved for authenticated connections. */
const MAX_CONNECTIONS = 2048;
/** As many as a listen backlog holds: clients behind one address may connect at once after a restart. */
const MAX_PER_NETWORK = 512;

export interface PreAuthLimits {
  /** Time limit for authentication, ms. */
  readonly timeoutMs: number;
  /** Maximum connections in total. Default 2048. */
  readonly most?: number;
  /** Maximum connections of one IPv4 address, or one IPv6 network of 64 bits. Default 512. */
  readonly mostPerNetwork?: number;
  /**
   * Which connection is cut when a limit is reached. `newest`, the default: the new connection. `oldest`: the oldest one of
   * the same network or, at the total limit, of the network with the most connections. So a flood displaces its own
   * connections, and a client that sends its request at once is answered.
   */
  readonly givesWay?: 'newest' | 'oldest';
}

interface Waiting {
  readonly timer: NodeJS.Timeout;
  readonly cut: () => void;
}

/**
 * The limit of a port's unauthenticated connections. Session and account
 * limits do not apply to them yet, so they have their own, and a time limit for
 * authentication. I/O thread.
 */
export class PreAuthLimit {
  /** Connections cut since the start because of the time limit. */
  late = 0;
  /** Connections cut since the start because there were too many. */
  crowded = 0;
  /** Addresses whose connections are not counted: a proxy carries those of all its clients. */
  readonly trusts: (address: string) => boolean;
  readonly #limits: Required<PreAuthLimits>;
  /** By network, oldest first. */
  readonly #waiting = new Map<string, Set<Waiting>>();
  #count = 0;

  constructor(limits: PreAuthLimits, trusts: (address: string) => boolean) {
    this.#limits = { most: MAX_CONNECTIONS, mostPerNetwork: MAX_PER_NETWORK, givesWay: 'newest', ...limits };
    this.trusts = trusts;
  }

  /** Unauthenticated connections now. */
  get count(): number {
    return this.#count;
  }

  /**
   * Registers a new connection.
   * @param cut ends it; called at the time limit, or when another connection displaces it
   * @returns a function to call, at least once, when it is authenticated or closed; undefined: a limit is reached
   */
  enter(address: string, cut: () => void): (() => void) | undefined {
    const network = networkOf(address);
    if (!this.#makeRoom(network)) {
      this.crowded++;
      return undefined;
    }
    const timer = setTimeout(() => {
      this.#forget(network, waiting);
      this.late++;
      cut();
    }, this.#limits.timeoutMs).unref();
    const waiting: Waiting = { timer, cut };
    this.#waiting.set(network, (this.#waiting.get(network) ?? new Set<Waiting>()).add(waiting));
    this.#count++;
    return () => this.#forget(network, waiting);
  }

  /** Releases one connection of the address, for callers that do not know which: the oldest. */
  leave(address: string): void {
    const network = networkOf(address);
    for (const oldest of this.#waiting.get(network) ?? []) return this.#forget(network, oldest);
  }

  #makeRoom(network: string): boolean {
    const { most, mostPerNetwork, givesWay } = this.#limits;
    const own = this.#waiting.get(network)?.size ?? 0;
    if (own < mostPerNetwork && this.#count < most) return true;
    if (givesWay === 'newest') return false;
    this.#displace(own >= mostPerNetwork ? network : this.#largest());
    return true;
  }

  #displace(network: string): void {
    for (const oldest of this.#waiting.get(network) ?? []) {
      this.#forget(network, oldest);
      this.crowded++;
      return oldest.cut();
    }
  }

  #largest(): string {
    let largest = '';
    let size = 0;
    for (const [network, { size: own }] of this.#waiting) {
      if (own <= size) continue;
      largest = network;
      size = own;
    }
    return largest;
  }

  #forget(network: string, waiting: Waiting): void {
    const there = this.#waiting.get(network);
    if (!there?.delete(waiting)) return;
    clearTimeout(waiting.timer);
    this.#count--;
    if (there.size === 0) this.#waiting.delete(network);
  }
}

/** Key of an open connection of a port: its remote address and port. With TLS, a request has another socket object than its connection. */
export function connectionKey({ remoteAddress, remotePort }: Pick<Socket, 'remoteAddress' | 'remotePort'>): string {
  return `${remoteAddress} ${remotePort}`;
}
