import { FOLLOWS_PER_COMMAND } from '../../engine/machine/triggers.ts';
import { Side } from '../../engine/wire/layout.ts';

/** What a trailing stop has besides the terms of a stop. */
export interface NaiveTrail {
  /** Ticks; or parts per million, below 0. */
  offset: number;
  /** Distance of its limit from its stop price; 0 = it becomes a market order. */
  distance: number;
  /** 0 = none. */
  activation: number;
  /** Best price since it follows; 0 = it waits for its activation price. */
  extreme: number;
  /** Those with which it was sent. */
  instructions: number;
  /** Of a child that is live: it trails when the others of its side may follow. */
  begins?: boolean;
}

interface TrailOrder {
  side: number;
  price: number;
  stop: { price: number; trigger: number; trail?: NaiveTrail | undefined };
}

/** The stop price at an offset from an extreme. */
export function trailed(side: number, extreme: number, offset: number): number {
  const distance = offset > 0 ? offset : Math.ceil((extreme * -offset) / 1e6);
  return side === Side.Buy ? extreme + distance : extreme - distance;
}

/** Sets the stop price of a trailing stop, and its limit, from what it follows or its activation price. */
export function reprice(o: TrailOrder): void {
  const { trail } = o.stop;
  if (trail === undefined) return;
  o.stop.price = trailed(o.side, trail.extreme || trail.activation, trail.offset);
  if (trail.distance > 0) o.price = o.side === Side.Buy ? o.stop.price + trail.distance : o.stop.price - trail.distance;
}

/** Of a child: it has no stop price before it is live, or that at its activation price. */
export function awaitParent(o: TrailOrder & { stop: { unit: number } }): void {
  const { stop } = o;
  if (stop.trail === undefined) return;
  if (stop.trail.extreme > 0) stop.trail.activation = 0;
  stop.trail.extreme = 0;
  delete stop.trail.begins;
  stop.unit = 0;
  if (stop.trail.activation > 0) return reprice(o);
  stop.price = 0;
  o.price = 0;
}

/** Whether a price is at the activation price or beyond it: the other way than the stop price. */
export function activates(side: number, price: number, activation: number): boolean {
  return price > 0 && (activation === 0 || (side === Side.Buy ? price <= activation : price >= activation));
}

const NUMBERS = [0, 1, 2, 3, 4, 5, 6, 7];

/** Follows the prices of a command: every order looks at every price. */
export class NaiveTrails<Order extends TrailOrder> {
  /** Steps that one command takes: a group becomes one with another, an order becomes active. */
  perCommand = FOLLOWS_PER_COMMAND;
  /** Of these, what the current command may still take. */
  left = FOLLOWS_PER_COMMAND;
  /** Prices that orders have not followed yet, by number; see numberOf. */
  readonly #seen = NUMBERS.map((): number[] => []);
  /** Sides of which the last command did not follow all. */
  readonly #unfinished = new Set<number>();

  #changed = false;

  saw(prices: readonly number[], triggers: readonly number[]): void {
    for (const number of NUMBERS) if (triggers.includes((number >> 1) & 1)) this.#seen[number].push(...prices);
  }

  /** Whether orders of a side have not followed a price yet. */
  isBehind(side: number, pending: readonly Order[]): boolean {
    return pending.some((o) => trails(o) && o.side === side && this.#seen[numberOf(o)].length > 0);
  }

  /** Whether it has changed a stop price since it was asked last. */
  changed(): boolean {
    const changed = this.#changed;
    this.#changed = false;
    return changed;
  }

  /** Returns the stops in order of time: those that begin to follow are the last. @param stands sides of which stops are due */
  follow(pending: Order[], stands: readonly boolean[]): Order[] {
    const before = pending.map(({ stop }) => stop.trail?.extreme);
    const followed = this.#follow(pending, stands);
    this.#changed ||= pending.some(({ stop }, i) => stop.trail?.extreme !== before[i]);
    return followed;
  }

  #follow(pending: Order[], stands: readonly boolean[]): Order[] {
    const all = [...pending];
    this.#unfinished.clear();
    for (const number of NUMBERS) {
      const prices = this.#seen[number];
      const mine = all.filter((o) => trails(o) && numberOf(o) === number);
      if (stands[number >> 2]) continue;
      if (mine.length === 0) prices.length = 0;
      if (prices.length === 0) continue;
      if (this.#followAll(mine, prices, all)) prices.length = 0;
      else this.#unfinished.add(number >> 2);
      for (const o of mine) reprice(o);
    }
    return all;
  }

  /** The next of those that begin to trail does so, from the better of its price and the present one. Returns false if the command has no steps left. */
  begin(o: Order, price: number): boolean {
    const { trail } = o.stop;
    if (trail === undefined || this.left === 0) return false;
    this.left--;
    const before = trail.extreme;
    if (activates(o.side, price, before || trail.activation)) trail.extreme = price;
    delete trail.begins;
    this.#changed ||= trail.extreme !== before;
    reprice(o);
    return true;
  }

  /** Returns false if the command has no steps left, though there may be nothing to do. */
  #followAll(mine: readonly Order[], prices: readonly number[], all: Order[]): boolean {
    const { side } = mine[0];
    const best = side === Side.Buy ? Math.min(...prices) : Math.max(...prices);
    const steps = Math.min(this.left, this.#groupsBehind(mine, best));
    if (this.left === 0) return false;
    this.left -= steps;
    const reached = this.#extremes(mine, side)
      .reverse()
      .filter((extreme) => !isBetter(side, extreme, best));
    const isDone = steps === this.#groupsBehind(mine, best);
    const to = isDone ? best : reached[steps];
    for (const { stop } of mine)
      if (stop.trail && stop.trail.extreme > 0 && !isBetter(side, stop.trail.extreme, to)) stop.trail.extreme = to;
    if (!isDone) return false;
    const woken = mine.filter(({ stop }) => stop.trail?.extreme === 0 && activates(side, best, stop.trail.activation));
    for (const o of inOrderOfActivation(woken).slice(0, this.left)) {
      if (o.stop.trail) o.stop.trail.extreme = best;
      all.push(...all.splice(all.indexOf(o), 1));
      this.left--;
    }
    return this.left > 0;
  }

  /** How many groups become one with another when the price is `best`: all that it reaches, but for one. */
  #groupsBehind(mine: readonly Order[], best: number): number {
    const extremes = this.#extremes(mine, mine[0].side).filter((extreme) => !isBetter(mine[0].side, extreme, best));
    return Math.max(0, extremes.length - 1);
  }

  /** Of the orders that follow, the best one first. */
  #extremes(mine: readonly Order[], side: number): number[] {
    const extremes = [...new Set(mine.map(({ stop }) => stop.trail?.extreme ?? 0))].filter((extreme) => extreme > 0);
    return extremes.sort((a, b) => (side === Side.Buy ? a - b : b - a));
  }

  /** Whether the last command did not follow all prices of a side that does not stand. */
  isUnfinished(side: number): boolean {
    return this.#unfinished.has(side);
  }

  /** The rare states that there are. */
  states(pending: readonly Order[], stands: readonly boolean[]): string[] {
    const follow = pending.filter((o) => trails(o) && (o.stop.trail?.extreme ?? 0) > 0);
    const states: string[] = [];
    if (pending.some((o) => o.stop.trail?.begins)) states.push('a trailing child stands');
    if (follow.some(({ stop }) => (stop.trail?.activation ?? 0) > 0)) states.push('trail activated');
    if (new Set(follow.map((o) => `${numberOf(o)}/${o.stop.trail?.extreme}`)).size < follow.length) states.push('trail in one group');
    if (follow.some((o) => stands[o.side] && this.#seen[numberOf(o)].length > 0)) states.push('trail stands');
    if (follow.some((o) => this.#unfinished.has(o.side))) states.push('trail follows in parts');
    if (pending.some((o) => o.stop.trail?.extreme === 0 && this.#unfinished.has(o.side))) states.push('trails become active in parts');
    return states;
  }

  /** Extremes of the orders that follow, and the best price that they have not followed yet. */
  rows(pending: readonly Order[], symbol: number): number[][] {
    const rows: number[][] = [];
    for (const number of NUMBERS) {
      const side = number >> 2;
      const mine = pending.filter((o) => trails(o) && numberOf(o) === number);
      rows.push(...this.#extremes(mine, side).map((extreme) => [29, symbol, number, extreme]));
      const prices = this.#seen[number];
      if (mine.length > 0 && prices.length > 0)
        rows.push([29, symbol, number, side === Side.Buy ? Math.min(...prices) : Math.max(...prices), 1]);
    }
    return rows;
  }
}

function trails({ stop: { trail } }: TrailOrder): boolean {
  return trail !== undefined && trail.begins !== true;
}

/** Side, trigger and unit of the offset. */
export function numberOf({ side, stop }: TrailOrder): number {
  return (side * 2 + stop.trigger) * 2 + Number((stop.trail?.offset ?? 0) < 0);
}

/** A buy follows low prices. */
function isBetter(side: number, one: number, other: number): boolean {
  return side === Side.Buy ? one < other : one > other;
}

/** A buy waits for a low price: the highest activation price is reached first. */
export function inOrderOfActivation<Order extends TrailOrder>(orders: readonly Order[]): Order[] {
  const key = ({ side, stop }: Order): number => (side === Side.Buy ? -1 : 1) * (stop.trail?.activation ?? 0);
  return [...orders].sort((a, b) => numberOf(a) - numberOf(b) || key(a) - key(b));
}
