import type { Money, QtyLots } from '../units.ts';
import type { OrderRequest } from './order-request.ts';
import type { Symbols } from './symbols.ts';

/**
 * Reserves and settles the money of orders. A symbol's parameter `RiskModel`
 * selects the model. Owned by the engine thread.
 */
export interface RiskModel {
  /**
   * Sets `order.payAt`, the index of the balance that the order pays from, and `order.needed`, the amount that it needs to trade or
   * rest for its `notional`. Both are fields of the order because V8 boxes doubles that calls pass and return.
   */
  need(order: OrderRequest): void;
  /** The amount reserved for the resting order in `slot`. */
  held(slot: number): Money;
  /** Reserves the amount for `order`, which was checked and now rests in `slot`, possibly after trades. */
  hold(slot: number, order: OrderRequest): void;
  /** {@link release} and {@link hold} in one step, of an order that was amended and has not traded meanwhile. @param before its open quantity, in lots, before the amend */
  rehold(slot: number, order: OrderRequest, before: QtyLots): void;
  /** Releases the reservation of the order in `slot`. */
  release(slot: number): void;
  /** Frees what the order in `slot` no longer needs when its open quantity falls to `open`; called before that. */
  reduce(slot: number, open: QtyLots): void;
  /** The amount that the order in `slot` reserves alone with `open` lots open. @param unit notional of a lot at the price that it pays at most */
  amountOf(slot: number, open: QtyLots, unit: Money): Money;
  /**
   * Sets the reserved amount of the order in `slot`, which shares its reservation with another one. Its open quantity is going to be
   * `open`. The caller sees to it that both together reserve what they may need.
   */
  share(slot: number, open: QtyLots, amount: Money): void;
  /** Restores the reserved amount of an order that was loaded together with its account's balances. */
  noteLoaded(slot: number): void;
  /** Pays a fill of a resting order out of its reservation; called before its `open` falls by `quantity`. */
  settleResting(slot: number, cost: Money, fee: Money, quantity: QtyLots): void;
  /** Pays a fill of an incoming order out of its account's available balance. */
  settleIncoming(account: number, symbol: number, side: number, cost: Money, fee: Money, quantity: QtyLots): void;
}

/** The models by {@link RiskModelId}, and the model of each symbol. */
export class RiskModels {
  readonly #symbols: Symbols;
  readonly #tracked: readonly RiskModel[];
  #models: readonly RiskModel[];

  /** @param tracked the same models, which also follow accounts with limits that depend on their fills */
  constructor(symbols: Symbols, models: readonly RiskModel[], tracked: readonly RiskModel[]) {
    this.#symbols = symbols;
    this.#models = models;
    this.#tracked = tracked;
  }

  /** Uses the tracked models from now on. Call it before an account gets such a limit. */
  track(): void {
    this.#models = this.#tracked;
  }

  of(symbol: number): RiskModel {
    return this.#models[this.#symbols.riskModel[symbol]];
  }
}
