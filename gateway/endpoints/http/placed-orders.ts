/** Orders that are remembered; then the oldest are forgotten. Some 2 MiB. */
const MOST = 16_384;

/** Order ids of orders that were placed here, by client order id: who amends one of these by that id need not wait for a search. I/O thread. */
export class PlacedOrders {
  readonly #most: number;
  readonly #orderIds = new Map<string, number>();

  constructor(most = MOST) {
    this.#most = most;
  }

  note(account: number, clientOrderId: number, orderId: number): void {
    const key = `${account} ${clientOrderId}`;
    this.#orderIds.delete(key);
    this.#orderIds.set(key, orderId);
    for (const oldest of this.#orderIds.keys()) {
      if (this.#orderIds.size <= this.#most) return;
      this.#orderIds.delete(oldest);
    }
  }

  /** Undefined: it was not placed here, or has been forgotten. */
  orderIdOf(account: number, clientOrderId: number): number | undefined {
    return this.#orderIds.get(`${account} ${clientOrderId}`);
  }
}
