import { networkOf } from '../../network-of.ts';

/** Connections of all readers without credentials, and of one address (IPv6: of one 64-bit network). */
const MOST = 1024;
const MOST_PER_NETWORK = 16;

/** Counts the readers of market data without credentials by address, and bounds them. I/O thread. */
export class PublicReaders {
  readonly #byNetwork = new Map<string, number>();
  readonly #most: number;
  readonly #mostPerNetwork: number;
  #count = 0;

  constructor(most: number = MOST, mostPerNetwork: number = MOST_PER_NETWORK) {
    this.#most = most;
    this.#mostPerNetwork = mostPerNetwork;
  }

  get count(): number {
    return this.#count;
  }

  /** @returns a function to call once when the connection has closed; undefined: a limit is reached */
  enter(address: string): (() => void) | undefined {
    const network = networkOf(address);
    const own = this.#byNetwork.get(network) ?? 0;
    if (this.#count >= this.#most || own >= this.#mostPerNetwork) return undefined;
    this.#count++;
    this.#byNetwork.set(network, own + 1);
    return () => this.#leave(network);
  }

  #leave(network: string): void {
    const own = this.#byNetwork.get(network) ?? 0;
    this.#count--;
    if (own > 1) this.#byNetwork.set(network, own - 1);
    else this.#byNetwork.delete(network);
  }
}
