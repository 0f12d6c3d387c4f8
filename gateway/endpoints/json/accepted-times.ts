import type { ReportHub } from '../../sessions/report-hub.ts';
import { type History, HistoryBusyError } from '../../taps/history/history.ts';
import { DamagedHistoryError } from '../../taps/history/run-format.ts';
import type { Asker } from './asker.ts';

/** Orders whose times are remembered: some 4 MB. */
const REMEMBERED = 65_536;

/**
 * When open orders were accepted. The engine's state does not have it: the reports of their acceptances do, old ones in the history,
 * those that it does not have yet in the memory of the report hub. A time never changes, so those that were found are remembered. I/O thread.
 */
export class AcceptedTimes {
  readonly #history: Pick<History, 'acceptanceTimes'>;
  readonly #hub: Pick<ReportHub, 'acceptedInSteps'>;
  readonly #remembered: number;
  /** By order id, which is unique in the exchange. */
  readonly #known = new Map<number, number>();

  constructor(history: Pick<History, 'acceptanceTimes'>, hub: Pick<ReportHub, 'acceptedInSteps'>, remembered = REMEMBERED) {
    this.#history = history;
    this.#hub = hub;
    this.#remembered = remembered;
  }

  /**
   * Times by order id, microseconds since the Unix epoch. An order is left out if the report of its acceptance is no longer kept, if it may not be
   * shown yet, or if the history takes no queries and the report is not one of the last ones of the exchange.
   */
  async of(account: number, orders: Iterable<{ readonly orderId: number }>, asker: Asker): Promise<Map<number, number>> {
    const { found, missing } = this.#recall(orders);
    if (missing.size === 0) return found;
    const newest = await this.#fromHistory(account, missing, found, asker.caller);
    return this.#fromHub(account, missing, found, newest, asker);
  }

  /** The same without a query of the history: of orders that {@link of} found before, and of those whose acceptance is one of the last reports. */
  async recent(
    account: number,
    orders: Iterable<{ readonly orderId: number }>,
    asker: Pick<Asker, 'inSlices'>,
  ): Promise<Map<number, number>> {
    const { found, missing } = this.#recall(orders);
    return this.#fromHub(account, missing, found, 0, asker);
  }

  #recall(orders: Iterable<{ readonly orderId: number }>) {
    const found = new Map<number, number>();
    const missing = new Set<number>();
    for (const { orderId } of orders) {
      const time = this.#known.get(orderId);
      if (time === undefined) missing.add(orderId);
      else found.set(orderId, time);
    }
    return { found, missing };
  }

  /** @returns number of the account's newest report in the history; 0: it is not known */
  async #fromHistory(account: number, missing: Set<number>, found: Map<number, number>, caller: string): Promise<number> {
    const orderIds = Float64Array.from(missing).sort();
    try {
      const { times, newest } = await this.#history.acceptanceTimes(account, orderIds, caller);
      for (const [i, time] of times.entries()) if (time !== 0) this.#take(orderIds[i], time, missing, found);
      return newest;
    } catch (error) {
      if (error instanceof HistoryBusyError || error instanceof DamagedHistoryError) return 0;
      throw error;
    }
  }

  async #fromHub(account: number, missing: Set<number>, found: Map<number, number>, after: number, { inSlices }: Pick<Asker, 'inSlices'>) {
    if (missing.size === 0) return found;
    const times = await inSlices(this.#hub.acceptedInSteps(account, missing, after));
    for (const [id, time] of times) this.#take(id, time, missing, found);
    return found;
  }

  #take(id: number, time: number, missing: Set<number>, found: Map<number, number>): void {
    missing.delete(id);
    found.set(id, time);
    const known = this.#known;
    known.set(id, time);
    for (const oldest of known.keys()) {
      if (known.size <= this.#remembered) break;
      known.delete(oldest);
    }
  }
}
