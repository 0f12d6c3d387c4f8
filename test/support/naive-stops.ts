import { TRIGGERS_PER_COMMAND } from '../../engine/machine/triggers.ts';
import { Side, Trigger } from '../../engine/wire/layout.ts';

/** What an order that waits for its trigger has besides its terms. */
export interface NaiveStop {
  side: number;
  /** `unit`: what a lot of it costs at the worst price that it holds back. */
  stop: { price: number; trigger: number; unit: number };
}

interface Wave {
  side: number;
  /** Stops up to these prices are due, by Trigger. */
  upTo: (number | undefined)[];
}

/** Which stops are due, and in which order: arrays in order of time, searched from the start. */
export class NaiveStops<Order extends NaiveStop> {
  pending: Order[] = [];
  waves: Wave[] = [];
  /** Triggers that the current command may still cause. */
  left = TRIGGERS_PER_COMMAND;

  /** The prices of one order's trades, in sequence, or one price that was set. */
  swept(prices: readonly number[], triggers: readonly number[]): void {
    const sides = [Side.Buy, Side.Sell].map((side) => ({
      side,
      first: prices.findIndex((price) => triggers.some((trigger) => this.#isNew(side, trigger, price))),
      farthest: side === Side.Buy ? Math.max(...prices) : Math.min(...prices),
    }));
    const crossed = sides.filter(({ first }) => first !== -1).sort((a, b) => a.first - b.first);
    for (const { side, farthest } of crossed) this.cross(side, farthest, triggers);
  }

  cross(side: number, price: number, triggers: readonly number[]): void {
    const before = [Trigger.LastTrade, Trigger.ReferencePrice].map((trigger) => this.#farthest(side, trigger));
    const after = before.map((old, trigger) => (triggers.includes(trigger) && this.#isNew(side, trigger, price) ? price : old));
    if (after.every((value, trigger) => value === before[trigger])) return;
    const last = this.waves.at(-1);
    // A wave that is under way must not get a stop that would come before one that it has already.
    const inOrder = after.every(
      (value, i) => value === before[i] || before[1 - i] === undefined || this.#beyond(side, before[1 - i], before[i]),
    );
    if (last?.side === side && inOrder) last.upTo = after;
    else this.waves.push({ side, upTo: after });
  }

  /** Whether a stop of these terms has been reached. */
  holds(side: number, trigger: number, stopPrice: number, price: number): boolean {
    const farthest = this.#farthest(side, trigger);
    return (price !== 0 && reaches(side, price, stopPrice)) || (farthest !== undefined && reaches(side, farthest, stopPrice));
  }

  /** Takes the stop whose turn it is. */
  next(): Order | undefined {
    for (; this.waves.length > 0; this.waves.shift()) {
      const [wave] = this.waves;
      const due = this.#due(wave);
      due.sort((a, b) => (wave.side === Side.Buy ? a.stop.price - b.stop.price : b.stop.price - a.stop.price));
      if (due.length > 0) return due[0];
    }
    return undefined;
  }

  /** Whether stops wait for their turn. */
  get hasDue(): boolean {
    return this.waves.some((wave) => this.#due(wave).length > 0);
  }

  #due({ side, upTo }: Wave): Order[] {
    return this.pending.filter((o) => {
      const limit = upTo[o.stop.trigger];
      return o.side === side && limit !== undefined && reaches(side, limit, o.stop.price);
    });
  }

  /** The stops of a side in the order in which they would trigger. */
  queue(side: number): Order[] {
    return this.pending
      .filter((o) => o.side === side)
      .sort((a, b) => (side === Side.Buy ? a.stop.price - b.stop.price : b.stop.price - a.stop.price));
  }

  #farthest(side: number, trigger: number): number | undefined {
    return this.waves.filter((wave) => wave.side === side && wave.upTo[trigger] !== undefined).at(-1)?.upTo[trigger];
  }

  #isNew(side: number, trigger: number, price: number): boolean {
    if (!this.pending.some((o) => o.side === side && o.stop.trigger === trigger && reaches(side, price, o.stop.price))) return false;
    const farthest = this.#farthest(side, trigger);
    return farthest === undefined || !reaches(side, farthest, price);
  }

  /** Whether `mine` is at `other` or beyond it. */
  #beyond(side: number, other: number | undefined, mine: number | undefined): boolean {
    return other === undefined || (mine !== undefined && reaches(side, mine, other));
  }
}

/** Whether a price at `price` triggers a stop at `stopPrice`. */
function reaches(side: number, price: number, stopPrice: number): boolean {
  return side === Side.Buy ? price >= stopPrice : price <= stopPrice;
}
