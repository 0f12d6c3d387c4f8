import { TRAIL_REPORTS_PER_COMMAND } from '../../engine/rules/trail-reports.ts';

interface Order {
  id: number;
  stop?: { price: number };
}

/** Reports of the stop prices of trailing stops whose account asked for them: all of these orders are looked at in turn. */
export class NaiveTrailReports<O extends Order> {
  perCommand = TRAIL_REPORTS_PER_COMMAND;
  /** In the order in which they began to wait. */
  #asking: { order: O; reported: number }[] = [];
  #next: O | undefined;
  #left = 0;
  readonly #report: (order: O) => void;

  constructor(report: (order: O) => void) {
    this.#report = report;
  }

  add(order: O): void {
    this.#asking.push({ order, reported: order.stop?.price ?? 0 });
    this.#next ??= order;
  }

  /** Another report had the present stop price. */
  seen(order: O): void {
    for (const each of this.#asking) if (each.order === order) each.reported = order.stop?.price ?? 0;
  }

  remove(order: O): void {
    const at = this.#asking.findIndex((each) => each.order === order);
    if (at === -1) return;
    this.#asking.splice(at, 1);
    if (this.#next === order) this.#next = (this.#asking[at] ?? this.#asking[0])?.order;
    this.#left = Math.min(this.#left, this.#asking.length);
  }

  /** The stop price of an order has changed. */
  moved(): void {
    this.#left = this.#asking.length;
  }

  /** Reports what has changed, as far as one command goes. Returns whether more orders are to be looked at. */
  run(): boolean {
    for (let i = 0; i < this.perCommand && this.#left > 0; i++) {
      this.#left--;
      const at = this.#asking.findIndex(({ order }) => order === this.#next);
      const each = this.#asking[at];
      this.#next = this.#asking[(at + 1) % this.#asking.length].order;
      const price = each.order.stop?.price ?? 0;
      if (price === each.reported) continue;
      each.reported = price;
      this.#report(each.order);
    }
    return this.#left > 0;
  }

  rows(): number[][] {
    return this.#asking.map(({ order, reported }) => [51, order.id, reported, Number(order === this.#next)]);
  }

  turn(symbol: number): number[][] {
    return this.#left > 0 ? [[52, symbol, this.#left]] : [];
  }
}
