import { type OrderSlab, TRAILING } from '../book/order-slab.ts';
import type { TrailGroups } from '../book/trail-groups.ts';
import { MILLION, SYMBOL_PARAMS, SymbolParam } from '../params.ts';
import type { PriceTicks } from '../units.ts';
import { Side } from '../wire/layout.ts';
import type { Symbols } from './symbols.ts';

const { TickStep } = SymbolParam;
const { Buy } = Side;

/**
 * The stop price at `offset` from an extreme, rounded to the tick away from the market: down for a sell, up for a buy. It may be outside the
 * range of prices.
 * @param offset ticks; below 0: parts per million of the extreme
 */
export function trailedPrice(side: number, extreme: PriceTicks, offset: number, step: PriceTicks): PriceTicks {
  const distance = offset > 0 ? offset : Math.ceil((extreme * -offset) / MILLION);
  return side === Buy ? Math.ceil((extreme + distance) / step) * step : Math.floor((extreme - distance) / step) * step;
}

/** The limit of a stop-limit whose limit follows its stop price. */
export function trailedLimit(side: number, stopPrice: PriceTicks, distance: PriceTicks): PriceTicks {
  return side === Buy ? stopPrice + distance : stopPrice - distance;
}

/** The present prices of pending stops, from columns that are shared: for the engine, and for the views of orders. Any thread. */
export class StopPrices {
  readonly #slab: OrderSlab;
  readonly #groups: TrailGroups;
  readonly #symbols: Symbols;

  constructor(slab: OrderSlab, groups: TrailGroups, symbols: Symbols) {
    this.#slab = slab;
    this.#groups = groups;
    this.#symbols = symbols;
  }

  isTrailing(slot: number): boolean {
    return (this.#slab.sideBits(slot) & TRAILING) !== 0;
  }

  /** Of a trailing stop, 0 = it follows: the price from which on it does. */
  activationPrice(slot: number): PriceTicks {
    return this.#groups.group[slot] === 0 ? this.#slab.next(slot) : 0;
  }

  /** The stop price of a pending stop; of one that does not follow yet, that at its activation price; of a child that is not live and has none, 0. */
  stopPrice(slot: number): PriceTicks {
    const slab = this.#slab;
    if (!this.isTrailing(slot)) return slab.next(slot);
    const extreme = this.#groups.extremeOf(slot) || slab.next(slot);
    if (extreme === 0) return 0;
    return trailedPrice(slab.side(slot), extreme, slab.prev(slot), this.#symbols.params[slab.symbol(slot) * SYMBOL_PARAMS + TickStep]);
  }

  /** The limit of a pending stop at its stop price; 0 = it becomes a market order, or has no stop price yet. */
  limit(slot: number): PriceTicks {
    const slab = this.#slab;
    const price = slab.price(slot);
    if (price === 0 || !this.isTrailing(slot)) return price;
    const stopPrice = this.stopPrice(slot);
    return stopPrice === 0 ? 0 : trailedLimit(slab.side(slot), stopPrice, price);
  }
}
