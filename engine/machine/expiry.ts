import { Code } from '../codes.ts';
import type { RestingOrders } from './resting-orders.ts';
import type { MachineState } from './state.ts';

/** Orders that expire with one command at most, so that many ends at one time delay no other command by more than about a millisecond. */
export const EXPIRIES_PER_COMMAND = 512;

/**
 * Cancels the orders whose end has come, before the command that is stamped at
 * or after it: the oldest end first, then by order id. If more are due than one
 * command cancels, the others follow with the next commands or ticks; see
 * DueEnds. Owned by the engine thread.
 */
export class Expiry {
  readonly #state: MachineState;
  readonly #resting: RestingOrders;

  constructor(state: MachineState, resting: RestingOrders) {
    this.#state = state;
    this.#resting = resting;
  }

  /** Cancels what is due, up to the bound. Returns true if more is due. */
  run(): boolean {
    const { expiries, timeUs } = this.#state;
    for (let n = 0; n < EXPIRIES_PER_COMMAND && expiries.earliestUs <= timeUs; n++) this.#expire();
    return expiries.earliestUs <= timeUs;
  }

  /** Cancels all that is due. */
  runAll(): void {
    const { expiries, timeUs } = this.#state;
    while (expiries.earliestUs <= timeUs) this.#expire();
  }

  isDue(slot: number): boolean {
    const { slab, expiries, timeUs } = this.#state;
    return slab.fees(slot) < 0 && expiries.timeOf(slot) <= timeUs;
  }

  #expire(): void {
    const { expiries, slab } = this.#state;
    const slot = expiries.first;
    this.#resting.cancel(slot, Code.EXPIRED, slab.tag(slot));
  }
}
