/** Half of what the gRPC port holds: the other half stays for those who are known. */
const MAX_NEWCOMERS = 2048;
/** As many as a listen backlog holds: what clients behind one address open at once after a restart. */
const MAX_PER_NETWORK = 512;

export interface NewcomerLimits {
  /** How long a connection may take until somebody is let in on it. ms */
  readonly timeoutMs: number;
  /** Connections of all together. */
  readonly most?: number;
  /** Connections of one IPv4 address, or one IPv6 network of 64 bits. */
  readonly mostPerNetwork?: number;
}

/**
 * Connections of a port on which nobody was let in yet. Who shows nothing can
 * be held neither to a session's limit nor to an account's, so he is held to
 * these, and has a time to change that. I/O thread.
 */
export class Newcomers {
  /** Cut since the start: the time was up, or there were too many. */
  late = 0;
  crowded = 0;
  /** Whose connections are not counted: a proxy brings those of all its clients. */
  readonly trusts: (address: string) => boolean;
  readonly #limits: Required<NewcomerLimits>;
  /** By network, in the order in which they came; each with what ends its time. */
  readonly #waiting = new Map<string, Set<NodeJS.Timeout>>();
  #count = 0;

  constructor(limits: NewcomerLimits, trusts: (address: string) => boolean) {
    this.#limits = { most: MAX_NEWCOMERS, mostPerNetwork: MAX_PER_NETWORK, ...limits };
    this.trusts = trusts;
  }

  /**
   * A connection came.
   * @param cut ends it when its time is up
   * @returns what to call, once or more often, when somebody was let in on it or it is gone; undefined: there is no room for it
   */
  enter(address: string, cut: () => void): (() => void) | undefined {
    const network = networkOf(address);
    const there = this.#waiting.get(network) ?? new Set();
    if (this.#count >= this.#limits.most || there.size >= this.#limits.mostPerNetwork) {
      this.crowded++;
      return undefined;
    }
    const timer = setTimeout(() => {
      this.#forget(network, timer);
      this.late++;
      cut();
    }, this.#limits.timeoutMs).unref();
    this.#waiting.set(network, there.add(timer));
    this.#count++;
    return () => this.#forget(network, timer);
  }

  /** For those who cannot tell which of an address's connections it was. */
  leave(address: string): void {
    const network = networkOf(address);
    for (const oldest of this.#waiting.get(network) ?? []) return this.#forget(network, oldest);
  }

  #forget(network: string, timer: NodeJS.Timeout): void {
    const there = this.#waiting.get(network);
    if (!there?.delete(timer)) return;
    clearTimeout(timer);
    this.#count--;
    if (there.size === 0) this.#waiting.delete(network);
  }
}

/** The first four groups of an IPv6 address, fewer where `::` stands among them: whoever has one address of such a network has all. */
function networkOf(address: string): string {
  return address.split('::', 1)[0].split(':', 4).join(':');
}
