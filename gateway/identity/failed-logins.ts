import { Code } from '../../engine/codes.ts';
import { BURST, CALLER_LIMITS } from '../caller-limits.ts';
import { LimitCounters } from '../limit-counters.ts';
import { networkOf } from '../network-of.ts';
import { Rates } from '../rate.ts';
import { IdentityReject } from './identity-reject.ts';

/**
 * Bounds the credentials of an address that fail. Checking a signature takes time of the thread that takes orders,
 * and of the threads that write the log: beyond the limit, tokens of the address that were not
 * verified before are not checked. I/O thread.
 */
export class FailedLogins {
  readonly #rates: Rates;
  readonly #counters: LimitCounters;

  /** @param perSecond tokens and signatures of one address, or IPv6 network of 64 bits, that may fail */
  constructor(perSecond: number = CALLER_LIMITS['wrong-credentials'], counters: LimitCounters = new LimitCounters()) {
    this.#counters = counters;
    this.#rates = new Rates(perSecond, perSecond * BURST['wrong-credentials']);
  }

  /** The reject of a caller whose address has failed too often, else undefined. */
  reject(address: string): IdentityReject | undefined {
    if (this.#rates.has(networkOf(address))) return undefined;
    this.#counters.note('any', 'wrong-credentials');
    return new IdentityReject(
      Code.BUSY,
      'too many wrong credentials came from your address: try again in a moment',
      'too many wrong credentials',
    );
  }

  note(address: string): void {
    this.#rates.take(networkOf(address));
  }
}
