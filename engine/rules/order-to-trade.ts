import type { Allocate } from '../allocate.ts';
import type { Accounts } from './accounts.ts';
import { ControlBit } from './control-bits.ts';
import type { OrderRequest } from './order-request.ts';

/** The window: the present step of ten seconds of stamped time, and the five before it. */
export const STEPS = 6;
export const STEP_US = 10_000_000;
/** New orders and amends in a window that every account may send. */
export const FREE_ORDERS = 100;

/**
 * Order-to-trade ratios: an account that has a limit N may send N new orders and
 * amends for each of its fills in the window, and {@link FREE_ORDERS} in any case.
 * Steps begin at multiples of ten seconds since the epoch. Owned by the engine thread.
 */
export class OrderToTrade {
  readonly #accounts: Accounts;
  /** Number of the last step of an account in which something was counted or checked. */
  readonly #step: Float64Array;
  /** By `account * STEPS + step % STEPS`. */
  readonly #orders: Uint32Array;
  readonly #fills: Uint32Array;

  constructor(accounts: Accounts, allocate: Allocate) {
    this.#accounts = accounts;
    this.#step = new Float64Array(allocate(accounts.capacity * 8));
    this.#orders = new Uint32Array(allocate(accounts.capacity * STEPS * 4));
    this.#fills = new Uint32Array(allocate(accounts.capacity * STEPS * 4));
  }

  /** Sets the limit; 0 = none, and forgets what was counted. */
  set(account: number, limit: number): void {
    const { orderToTrade, controls } = this.#accounts;
    orderToTrade[account] = limit;
    if (limit !== 0) {
      controls[account] |= ControlBit.OrderToTrade;
      return;
    }
    controls[account] &= ~ControlBit.OrderToTrade;
    this.#step[account] = 0;
    this.#orders.fill(0, account * STEPS, (account + 1) * STEPS);
    this.#fills.fill(0, account * STEPS, (account + 1) * STEPS);
  }

  /** True if the order passes. Otherwise `order.retryUs` is the time from which it would, if nothing happens meanwhile. */
  check(order: OrderRequest, nowUs: number): boolean {
    const { account } = order;
    this.#roll(account, nowUs);
    if (this.#passes(account, STEPS)) return true;
    let kept = STEPS - 1;
    while (!this.#passes(account, kept)) kept--;
    order.retryUs = (this.#step[account] + STEPS - kept) * STEP_US;
    return false;
  }

  /** Counts a new order or an amend. */
  countOrder(account: number, nowUs: number): void {
    this.#roll(account, nowUs);
    this.#orders[account * STEPS + (this.#step[account] % STEPS)]++;
  }

  countFill(account: number, nowUs: number): void {
    this.#roll(account, nowUs);
    this.#fills[account * STEPS + (this.#step[account] % STEPS)]++;
  }

  /** Calls `row` with each step in which something was counted: its number, orders and fills. Cold. */
  eachStep(account: number, row: (step: number, orders: number, fills: number) => void): void {
    const last = this.#step[account];
    for (let step = Math.max(0, last - STEPS + 1); step <= last; step++) {
      const at = account * STEPS + (step % STEPS);
      if (this.#orders[at] !== 0 || this.#fills[at] !== 0) row(step, this.#orders[at], this.#fills[at]);
    }
  }

  /** Steps are restored in their order. */
  restore(account: number, step: number, orders: number, fills: number): void {
    const at = account * STEPS + (step % STEPS);
    this.#step[account] = step;
    this.#orders[at] = orders;
    this.#fills[at] = fills;
  }

  /** Whether one more order passes with what was counted in the last `kept` steps. Without any, it does. */
  #passes(account: number, kept: number): boolean {
    const last = this.#step[account];
    let orders = 1;
    let fills = 0;
    for (let step = Math.max(0, last - kept + 1); step <= last; step++) {
      orders += this.#orders[account * STEPS + (step % STEPS)];
      fills += this.#fills[account * STEPS + (step % STEPS)];
    }
    return orders <= Math.max(FREE_ORDERS, fills * this.#accounts.orderToTrade[account]);
  }

  /** Moves the window on, and empties the steps that it enters. */
  #roll(account: number, nowUs: number): void {
    const now = Math.floor(nowUs / STEP_US);
    const last = this.#step[account];
    if (now <= last) return;
    for (let step = Math.max(last + 1, now - STEPS + 1); step <= now; step++) {
      this.#orders[account * STEPS + (step % STEPS)] = 0;
      this.#fills[account * STEPS + (step % STEPS)] = 0;
    }
    this.#step[account] = now;
  }
}
