import type { Allocate } from '../allocate.ts';
import type { Accounts } from './accounts.ts';
import { ControlBit } from './control-bits.ts';
import type { OrderRequest } from './order-request.ts';

/** A command, in the unit of the levels: millionths, so that a microsecond adds a whole number. */
const COMMAND = 1_000_000;

/**
 * Token buckets of the accounts that have a limit of commands per second, filled
 * by the stamped time of the commands. A bucket holds at most the burst. New
 * orders and amends need a whole command in it and take it. Cancels take what is
 * there, up to one, and never wait. Integer arithmetic. Owned by the engine thread.
 */
export class Throttles {
  readonly #accounts: Accounts;
  /** Millionths of commands in the bucket, and the time at which it was filled last, µs. */
  readonly #level: Float64Array;
  readonly #filledUs: Float64Array;

  constructor(accounts: Accounts, allocate: Allocate) {
    this.#accounts = accounts;
    this.#level = new Float64Array(allocate(accounts.capacity * 8));
    this.#filledUs = new Float64Array(allocate(accounts.capacity * 8));
  }

  /** Sets the limits. A bucket that exists keeps its level, up to the new burst; a new one is full. @param burst 0 = one second's commands */
  set(account: number, perSecond: number, burst: number, nowUs: number): void {
    const { commandsPerSecond, commandBurst, controls } = this.#accounts;
    const exists = commandsPerSecond[account] !== 0;
    if (exists) this.#fill(account, nowUs);
    commandsPerSecond[account] = perSecond;
    commandBurst[account] = burst;
    if (perSecond === 0) controls[account] &= ~ControlBit.Throttled;
    else controls[account] |= ControlBit.Throttled;
    const most = perSecond === 0 ? 0 : this.#most(account);
    this.#level[account] = exists ? Math.min(this.#level[account], most) : most;
    this.#filledUs[account] = perSecond === 0 ? 0 : nowUs;
  }

  /** True if the order passes. Otherwise `order.retryUs` is the time from which it would. */
  check(order: OrderRequest, nowUs: number): boolean {
    const { account } = order;
    this.#fill(account, nowUs);
    const missing = COMMAND - this.#level[account];
    if (missing <= 0) return true;
    order.retryUs = nowUs + Math.ceil(missing / this.#accounts.commandsPerSecond[account]);
    return false;
  }

  /** Takes a command out of the bucket, or what is there. */
  take(account: number, nowUs: number): void {
    this.#fill(account, nowUs);
    this.#level[account] = Math.max(0, this.#level[account] - COMMAND);
  }

  /** For rows. */
  levelOf(account: number): number {
    return this.#level[account];
  }

  filledUsOf(account: number): number {
    return this.#filledUs[account];
  }

  restore(account: number, level: number, filledUs: number): void {
    this.#level[account] = level;
    this.#filledUs[account] = filledUs;
  }

  #fill(account: number, nowUs: number): void {
    const more = Math.max(0, nowUs - this.#filledUs[account]) * this.#accounts.commandsPerSecond[account];
    this.#level[account] = Math.min(this.#most(account), this.#level[account] + more);
    this.#filledUs[account] = nowUs;
  }

  #most(account: number): number {
    const { commandsPerSecond, commandBurst } = this.#accounts;
    return (commandBurst[account] || commandsPerSecond[account]) * COMMAND;
  }
}
