import { Side, Trigger } from '../../engine/wire/layout.ts';

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

/** Whether a price is at the activation price or beyond it: the other way than the stop price. */
export function activates(side: number, price: number, activation: number): boolean {
  return price > 0 && (activation === 0 || (side === Side.Buy ? price <= activation : price >= activation));
}

/** Follows the prices of a command: every order looks at every price. */
export class NaiveTrails<Order extends TrailOrder> {
  /** Prices by Trigger that an order of the side has not followed yet. */
  readonly #seen = [Side.Buy, Side.Sell].map(() => [Trigger.LastTrade, Trigger.ReferencePrice].map((): number[] => []));

  #changed = false;

  saw(prices: readonly number[], triggers: readonly number[]): void {
    for (const bySide of this.#seen) for (const trigger of triggers) bySide[trigger].push(...prices);
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
    for (const number of [0, 1, 2, 3, 4, 5, 6, 7]) {
      const [side, trigger] = [number >> 2, (number >> 1) & 1];
      const prices = this.#seen[side][trigger];
      if (stands[side] || prices.length === 0) continue;
      const best = side === Side.Buy ? Math.min(...prices) : Math.max(...prices);
      const mine = all.filter((o) => o.stop.trail && numberOf(o) === number);
      for (const { stop } of mine)
        if (stop.trail && stop.trail.extreme > 0)
          stop.trail.extreme = side === Side.Buy ? Math.min(stop.trail.extreme, best) : Math.max(stop.trail.extreme, best);
      const woken = inOrderOfActivation(
        mine.filter(({ stop }) => stop.trail?.extreme === 0 && activates(side, best, stop.trail.activation)),
      );
      for (const o of woken) {
        if (o.stop.trail) o.stop.trail.extreme = best;
        all.push(...all.splice(all.indexOf(o), 1));
      }
      for (const o of mine) reprice(o);
    }
    for (const side of [Side.Buy, Side.Sell]) if (!stands[side]) for (const prices of this.#seen[side]) prices.length = 0;
    return all;
  }

  /** The rare states that there are. */
  states(pending: readonly Order[], stands: readonly boolean[]): string[] {
    const follow = pending.filter(({ stop }) => stop.trail !== undefined && stop.trail.extreme > 0);
    const states: string[] = [];
    if (follow.some(({ stop }) => (stop.trail?.activation ?? 0) > 0)) states.push('trail activated');
    if (new Set(follow.map((o) => `${numberOf(o)}/${o.stop.trail?.extreme}`)).size < follow.length) states.push('trail in one group');
    if (follow.some((o) => stands[o.side] && this.#seen[o.side][o.stop.trigger].length > 0)) states.push('trail stands');
    return states;
  }

  /** Extremes of the orders that follow, and the best price that they have not followed yet. */
  rows(pending: readonly Order[], symbol: number): number[][] {
    const rows: number[][] = [];
    for (const number of [0, 1, 2, 3, 4, 5, 6, 7]) {
      const side = number >> 2;
      const mine = pending.filter((o) => o.stop.trail && numberOf(o) === number);
      const extremes = [...new Set(mine.map(({ stop }) => stop.trail?.extreme ?? 0))].filter((extreme) => extreme > 0);
      extremes.sort((a, b) => (side === Side.Buy ? a - b : b - a));
      rows.push(...extremes.map((extreme) => [29, symbol, number, extreme]));
      const prices = this.#seen[side][(number >> 1) & 1];
      if (mine.length > 0 && prices.length > 0)
        rows.push([29, symbol, number, side === Side.Buy ? Math.min(...prices) : Math.max(...prices), 1]);
    }
    return rows;
  }
}

/** Side, trigger and unit of the offset. */
export function numberOf({ side, stop }: TrailOrder): number {
  return (side * 2 + stop.trigger) * 2 + Number((stop.trail?.offset ?? 0) < 0);
}

/** A buy waits for a low price: the highest activation price is reached first. */
export function inOrderOfActivation<Order extends TrailOrder>(orders: readonly Order[]): Order[] {
  const key = ({ side, stop }: Order): number => (side === Side.Buy ? -1 : 1) * (stop.trail?.activation ?? 0);
  return [...orders].sort((a, b) => numberOf(a) - numberOf(b) || key(a) - key(b));
}
