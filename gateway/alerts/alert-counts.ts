import { AlertError } from './alert-error.ts';
import { MAX_ALERTS, MAX_ALERTS_PER_ACCOUNT } from './limits.ts';

/** How many alerts accounts have, those that are being set included. */
export class AlertCounts {
  readonly #counts = new Map<number, number>();
  #total = 0;

  /** @throws AlertError ALERT_LIMIT */
  demandRoom(account: number): void {
    const own = this.#counts.get(account) ?? 0;
    if (own >= MAX_ALERTS_PER_ACCOUNT)
      throw new AlertError('ALERT_LIMIT', `the account has ${own} alerts, the most it may have: delete one`);
    if (this.#total >= MAX_ALERTS)
      throw new AlertError('ALERT_LIMIT', `all accounts together have ${MAX_ALERTS} alerts, the most there may be`);
  }

  add(account: number, by: 1 | -1): void {
    this.#total += by;
    const count = (this.#counts.get(account) ?? 0) + by;
    if (count === 0) this.#counts.delete(account);
    else this.#counts.set(account, count);
  }
}
