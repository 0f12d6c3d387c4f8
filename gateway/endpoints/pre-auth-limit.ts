import type { Socket } from 'node:net';

/** Half of what the gRPC port holds: the other half stays for authenticated connections. */
const MAX_CONNECTIONS = 2048;
/** As many as a listen backlog holds: what clients behind one address open at once after a restart. */
const MAX_PER_NETWORK = 512;

export interface PreAuthLimits {
  /** How long a connection may stay unauthenticated. ms */
  readonly timeoutMs: number;
  /** Connections of all together. Default 2048. */
  readonly most?: number;
  /** Connections of one IPv4 address, or one IPv6 network of 64 bits. Default 512. */
  readonly mostPerNetwork?: number;
  /**
   * What gives way when a limit is reached. `newest`, the default: the connection that comes. `oldest`: the oldest one of
   * the same network, or, when all together are too many, of the network with the most. So a flood displaces its own
   * connections, and one that asks at once is answered.
   */
  readonly givesWay?: 'newest' | 'oldest';
}

interface Waiting {
  readonly timer: NodeJS.Timeout;
  readonly cut: () => void;
}

/**
 * The limit of a port's unauthenticated connections. Neither a session's nor an
 * account's limit can hold for them yet, so they have these, and a time to
 * authenticate. I/O thread.
 */
export class PreAuthLimit {
  /** Cut since the start: the time was up. */
  late = 0;
  /** Cut since the start: there were too many. */
  crowded = 0;
  /** Addresses whose connections are not counted: a proxy brings those of all its clients. */
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
   * A connection came.
   * @param cut ends it; called when its time is up, or when it gives way to another
   * @returns what to call, once or more often, when it is authenticated or gone; undefined: there is no room for it
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

  /** One connection of the address is authenticated or gone, for callers that do not know which: counts as the oldest. */
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

/** Tells an open connection of a port from the others, by its remote address and port: with TLS, requests come with another socket object than the connection did. */
export function connectionKey({ remoteAddress, remotePort }: Pick<Socket, 'remoteAddress' | 'remotePort'>): string {
  return `${remoteAddress} ${remotePort}`;
}

/** The first four groups of an IPv6 address, fewer where `::` stands among them: a host with one address of such a network has all. */
function networkOf(address: string): string {
  return address.split('::', 1)[0].split(':', 4).join(':');
}
