import { Code } from '../../../engine/codes.ts';
import { BURST, type CallerLimit, type CallerLimits } from '../../caller-limits.ts';
import type { LimitCounters } from '../../limit-counters.ts';
import { Rates } from '../../rate.ts';
import { HttpError } from './http-error.ts';

/** What a caller may send: requests at once, those that are left, and how fast they come back. */
export interface RateState {
  readonly burst: number;
  readonly left: number;
  readonly perSecond: number;
}

/** Names of the limits, and of the counters of what they reject. */
export interface LimitNames {
  readonly rate: 'http-rate' | 'grpc-rate';
  readonly concurrency: CallerLimit;
  readonly total: CallerLimit;
  readonly endpoint: 'http' | 'grpc';
}
const HTTP_LIMITS: LimitNames = { rate: 'http-rate', concurrency: 'http-concurrency', total: 'http-total', endpoint: 'http' };
/** Of operations that come over gRPC. */
export const GRPC_LIMITS: LimitNames = { rate: 'grpc-rate', concurrency: 'grpc-concurrency', total: 'grpc-total', endpoint: 'grpc' };

/**
 * Bounds the requests of authenticated callers, until their answers are sent: so an answer that is not read
 * holds its own caller's share of memory, and no more. I/O thread.
 */
export class RequestLimits {
  readonly #limits: CallerLimits;
  readonly #names: LimitNames;
  readonly #rates: Rates;
  readonly #counters: LimitCounters;
  readonly #open = new Map<string, number>();
  #count = 0;

  constructor(counters: LimitCounters, limits: CallerLimits, names: LimitNames = HTTP_LIMITS) {
    this.#limits = limits;
    this.#names = names;
    this.#rates = new Rates(limits[names.rate], limits[names.rate] * BURST[names.rate]);
    this.#counters = counters;
  }

  /**
   * Registers a request.
   * @param caller subject, or address where authentication is off
   * @returns to be called once, when its answer is sent or its connection has ended
   * @throws HttpError 429 when the caller has reached a limit, 503 when all callers together have
   */
  enter(caller: string): () => void {
    const { rate, concurrency, total } = this.#names;
    const mostPerCaller = this.#limits[concurrency];
    const most = this.#limits[total];
    const own = this.#open.get(caller) ?? 0;
    if (!this.#rates.take(caller)) throw this.#reject(429, 'rate', rate, 'you send too many requests per second: send them more slowly');
    if (own >= mostPerCaller)
      throw this.#reject(
        429,
        'concurrency',
        concurrency,
        `you have ${own} requests without an answer, the most that one caller may have: wait for one`,
      );
    if (this.#count >= most) throw this.#reject(503, 'total', total, `${most} requests are being answered: try again in a moment`);
    this.#open.set(caller, own + 1);
    this.#count++;
    return () => this.#leave(caller);
  }

  /** The rate of a caller. */
  state(caller: string): RateState {
    const perSecond = this.#limits[this.#names.rate];
    return { burst: perSecond * BURST[this.#names.rate], left: this.#rates.left(caller), perSecond };
  }

  #leave(caller: string): void {
    const own = (this.#open.get(caller) ?? 1) - 1;
    if (own === 0) this.#open.delete(caller);
    else this.#open.set(caller, own);
    this.#count--;
  }

  #reject(status: number, counter: string, name: CallerLimit, message: string): HttpError {
    this.#counters.note(this.#names.endpoint, counter);
    const limit = { name, most: this.#limits[name] };
    return new HttpError(status, Code.BUSY, status === 429 ? 'TOO_MANY_REQUESTS' : 'BUSY', message, { limit });
  }
}
