import { TRIGGERS_PER_COMMAND } from '../../engine/machine/state.ts';
import { Side, Trigger } from '../../engine/wire/layout.ts';
import { inOrderOfActivation, type NaiveTrail, NaiveTrails, numberOf } from './naive-trails.ts';

/** What an order that waits for its trigger has besides its terms. */
export interface NaiveStop {
  side: number;
  /** Its limit; 0 = it becomes a market order. */
  price: number;
  /** `unit`: what a lot of it costs at the worst price that it holds back. */
  stop: { price: number; trigger: number; unit: number; trail?: NaiveTrail | undefined };
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
  readonly trails = new NaiveTrails<Order>();
  perCommand = TRIGGERS_PER_COMMAND;
  /** Triggers that the current command may still cause. */
  left = TRIGGERS_PER_COMMAND;
  /** No stop triggers before. */
  fromUs = 0;

  /** The prices of one order's trades, in sequence, or one price that was set. */
  swept(prices: readonly number[], triggers: readonly number[]): void {
    if (this.pending.some(({ stop }) => stop.trail)) this.trails.saw(prices, triggers);
    const sides = [Side.Buy, Side.Sell].map((side) => ({
      side,
      first: prices.findIndex((price) => triggers.some((trigger) => this.#isNew(side, trigger, price))),
      farthest: side === Side.Buy ? Math.max(...prices) : Math.min(...prices),
    }));
    const crossed = sides.filter(({ first }) => first !== -1).sort((a, b) => a.first - b.first);
    for (const { side, farthest } of crossed) this.cross(side, farthest, triggers);
  }

  cross(side: number, price: number, triggers: readonly number[]): void {
    this.#endEmpty();
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
    this.#endEmpty();
    const farthest = this.#farthest(side, trigger);
    return (price !== 0 && reaches(side, price, stopPrice)) || (farthest !== undefined && reaches(side, farthest, stopPrice));
  }

  /** Takes the stop whose turn it is. */
  next(): Order | undefined {
    for (; this.waves.length > 0; this.waves.shift()) {
      const [{ side, upTo }] = this.waves;
      const due = this.#dueOf(side, upTo);
      if (due.length > 0) return this.#first(due, side);
    }
    return undefined;
  }

  /** Whether stops wait for their turn. */
  get hasDue(): boolean {
    return this.waves.some(({ side, upTo }) => this.#dueOf(side, upTo).length > 0);
  }

  /** Trailing stops follow; what they reach thereby is due. */
  follow(priceOf: (trigger: number) => number): void {
    const stands = [this.isDue(Side.Buy), this.isDue(Side.Sell)];
    this.pending = this.trails.follow(this.pending, stands);
    for (const side of [Side.Buy, Side.Sell].filter((each) => !stands[each] && !this.trails.isUnfinished(each)))
      for (const trigger of [Trigger.LastTrade, Trigger.ReferencePrice]) {
        const price = priceOf(trigger);
        if (price > 0 && this.#isNew(side, trigger, price)) this.cross(side, price, [trigger]);
      }
    for (const side of [Side.Buy, Side.Sell]) this.#begin(side, priceOf);
  }

  #begin(side: number, priceOf: (trigger: number) => number): void {
    const beginning = this.#beginning(side);
    if (beginning.length === 0 || this.isDue(side) || this.trails.isBehind(side, this.pending)) return;
    for (const o of beginning) {
      if (!this.trails.begin(o, priceOf(o.stop.trigger))) break;
      this.pending = [...this.pending.filter((other) => other !== o), o];
    }
    for (const trigger of [Trigger.LastTrade, Trigger.ReferencePrice]) {
      const price = priceOf(trigger);
      if (price > 0 && this.#isNew(side, trigger, price)) this.cross(side, price, [trigger]);
    }
  }

  /** By stop price or activation price, then time. */
  #beginning(side: number): Order[] {
    const key = ({ stop: { price, trail } }: Order): number => (trail?.extreme === 0 ? trail.activation : price);
    const sign = side === Side.Buy ? 1 : -1;
    return this.pending.filter((o) => o.side === side && o.stop.trail?.begins).sort((a, b) => sign * (key(a) - key(b)));
  }

  states(): string[] {
    return this.trails.states(this.pending, [this.isDue(Side.Buy), this.isDue(Side.Sell)]);
  }

  /** Waves of which all have had their turn, or are cancelled, are over. */
  #endEmpty(): void {
    this.waves = this.waves.filter(({ side, upTo }) => this.#dueOf(side, upTo).length > 0);
  }

  #dueOf(side: number, upTo: readonly (number | undefined)[]): Order[] {
    return this.#live.filter((o) => {
      const limit = upTo[o.stop.trigger];
      return o.side === side && limit !== undefined && reaches(side, limit, o.stop.price);
    });
  }

  isDue(side: number): boolean {
    this.#endEmpty();
    return this.waves.some((wave) => wave.side === side);
  }

  /** Whether new trailing stops of a side, and those that are amended, must come later. */
  stands(side: number, rules: number): boolean {
    return this.isDue(side) || (rules >= 6 && this.trails.isBehind(side, this.pending));
  }

  /** Those that have a stop price by which they can trigger. */
  get #live(): Order[] {
    return this.pending.filter(({ stop }) => stop.trail?.extreme !== 0 && stop.trail?.begins !== true);
  }

  /** By stop price, then time; but of trailing stops with one extreme, the smallest offset is first. */
  #first(orders: readonly Order[], side: number): Order {
    const sameGroup = (a: Order, b: Order): boolean =>
      a.stop.trail !== undefined && a.stop.trail.extreme === b.stop.trail?.extreme && numberOf(a) === numberOf(b);
    const size = ({ stop }: Order): number => Math.abs(stop.trail?.offset ?? 0);
    const leads = (o: Order): boolean =>
      !orders.some((other, i) => sameGroup(o, other) && (size(other) < size(o) || (size(other) === size(o) && i < orders.indexOf(o))));
    const first = orders.filter(leads).sort((a, b) => (side === Side.Buy ? a.stop.price - b.stop.price : b.stop.price - a.stop.price));
    return first[0];
  }

  /** The stops of a side in the order in which they would trigger, then those that do not follow yet. */
  queue(side: number): Order[] {
    const live = this.#live.filter((o) => o.side === side);
    const queue: Order[] = [];
    while (live.length > 0) queue.push(...live.splice(live.indexOf(this.#first(live, side)), 1));
    const waiting = this.pending.filter((o) => o.side === side && o.stop.trail?.extreme === 0 && !o.stop.trail.begins);
    return [...queue, ...inOrderOfActivation(waiting), ...this.#beginning(side)];
  }

  #farthest(side: number, trigger: number): number | undefined {
    return this.waves.filter((wave) => wave.side === side && wave.upTo[trigger] !== undefined).at(-1)?.upTo[trigger];
  }

  #isNew(side: number, trigger: number, price: number): boolean {
    if (!this.#live.some((o) => o.side === side && o.stop.trigger === trigger && reaches(side, price, o.stop.price))) return false;
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
