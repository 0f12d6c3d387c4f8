import {
  type CircuitBreakerPolicy,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  ExponentialBackoff,
  handleWhen,
  type IBackoff,
} from 'cockatiel';
import { FeedFault } from '../feed.ts';
import { LineFault } from './line-fault.ts';

export interface BreakerOptions {
  /** Failures in a row that open it. */
  readonly failures: number;
  /** How long it stays open, ms: at first, and at most. Doubles with each failed trial, with jitter. */
  readonly openMs: number;
  readonly maxOpenMs: number;
}

export const DEFAULT_BREAKER: BreakerOptions = { failures: 5, openMs: 2_000, maxOpenMs: 60_000 };

/** A call that was given up by its caller. It says nothing about the address. */
export class GivenUp extends Error {}

const COUNTED = handleWhen((error) => !(error instanceof GivenUp));

/** cockatiel measures by the wall clock, which may go back; with this wait, its own time is always over. */
const NO_WAIT_OF_ITS_OWN = -Number.MAX_VALUE;

/**
 * A circuit breaker around what one address answers. After some failures in a row,
 * it answers at once with `CIRCUIT_OPEN`, without a request, until a time
 * is over. Then one trial decides. Times are monotonic.
 */
export class Breaker {
  /** How often it opened. */
  opened = 0;
  /** Calls that it answered. */
  refused = 0;
  readonly #address: string;
  readonly #options: BreakerOptions;
  readonly #policy: CircuitBreakerPolicy;
  #wait: IBackoff<unknown> | undefined;
  #openUntil = 0;

  /** @param address what the calls reach, for texts */
  constructor(address: string, options: BreakerOptions = DEFAULT_BREAKER) {
    this.#address = address;
    this.#options = options;
    this.#policy = circuitBreaker(COUNTED, { breaker: new ConsecutiveBreaker(options.failures), halfOpenAfter: NO_WAIT_OF_ITS_OWN });
    this.#policy.onBreak(() => this.#open());
    this.#policy.onReset(() => {
      this.#wait = undefined;
    });
  }

  /** Ms until the next call may reach the address; 0 when one may now. */
  get waitMs(): number {
    return this.#policy.state === CircuitState.Open ? Math.max(0, this.#openUntil - performance.now()) : 0;
  }

  /** @throws LineFault `CIRCUIT_OPEN` without a call of `work`, or what `work` throws */
  async call<T>(work: () => Promise<T>): Promise<T> {
    const trial = this.#policy.state === CircuitState.HalfOpen;
    if (trial || this.waitMs > 0) {
      this.refused++;
      throw new LineFault(
        FeedFault.CircuitOpen,
        `${this.#address} failed ${this.#options.failures} times or more in a row; ${trial ? 'a trial is under way' : `the next trial is in ${Math.ceil(this.waitMs)} ms`}`,
      );
    }
    return await this.#policy.execute(work);
  }

  #open(): void {
    this.opened++;
    const { openMs, maxOpenMs } = this.#options;
    this.#wait = this.#wait?.next(undefined) ?? new ExponentialBackoff({ initialDelay: openMs, maxDelay: maxOpenMs }).next();
    this.#openUntil = performance.now() + this.#wait.duration;
  }
}

/** One breaker per host, for all sources of a process that use it. */
export class Breakers {
  readonly #options: BreakerOptions;
  readonly #byHost = new Map<string, Breaker>();

  constructor(options: BreakerOptions = DEFAULT_BREAKER) {
    this.#options = options;
  }

  /** @param url of any scheme */
  of(url: string): Breaker {
    const { host } = new URL(url);
    let breaker = this.#byHost.get(host);
    if (breaker === undefined) {
      breaker = new Breaker(host, this.#options);
      this.#byHost.set(host, breaker);
    }
    return breaker;
  }
}
