import { networkOf } from '../../network-of.ts';

/** How long the next connections of a network wait after one was cut, ms. */
const PAUSE_MS = 1000;
/** Between two connections that have waited, ms: the first may be cut, and then the others wait on. */
const SPACING_MS = 10;

interface Pause {
  /** ms of the monotonic clock. */
  until: number;
  /** In their order. */
  readonly queue: Set<() => void>;
}

/**
 * Networks whose connections were cut because of a limit. A limit per connection is no limit if the next connection is
 * served at once: so the next ones wait, unread, and are served one by one. I/O thread.
 */
export class CutNetworks {
  readonly #pauses = new Map<string, Pause>();
  readonly #pauseMs: number;

  constructor(pauseMs: number = PAUSE_MS) {
    this.#pauseMs = pauseMs;
  }

  /** A connection of this address was cut. */
  cut(address: string): void {
    const network = networkOf(address);
    const until = performance.now() + this.#pauseMs;
    const pause = this.#pauses.get(network);
    if (pause !== undefined) {
      pause.until = until;
      return;
    }
    this.#pauses.set(network, { until, queue: new Set() });
    this.#later(network, this.#pauseMs);
  }

  /**
   * Calls `serve` later, if the network waits.
   * @returns a function that withdraws it; undefined: the network does not wait
   */
  wait(address: string, serve: () => void): (() => void) | undefined {
    const pause = this.#pauses.get(networkOf(address));
    pause?.queue.add(serve);
    return pause && (() => pause.queue.delete(serve));
  }

  #later(network: string, ms: number): void {
    setTimeout(() => this.#next(network), ms).unref();
  }

  #next(network: string): void {
    const pause = this.#pauses.get(network) as Pause;
    const rest = pause.until - performance.now();
    if (rest > 0) return this.#later(network, rest);
    for (const serve of pause.queue) {
      pause.queue.delete(serve);
      serve();
      return this.#later(network, SPACING_MS);
    }
    this.#pauses.delete(network);
  }
}
