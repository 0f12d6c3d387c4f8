import type { Money, QtyLots } from '../units.ts';
import type { OrderRequest } from './order-request.ts';
import type { Symbols } from './symbols.ts';

/**
 * How the money behind orders is held and settled. A symbol's parameter
 * `RiskModel` picks one. Owned by the engine thread.
 */
export interface RiskModel {
  /**
   * Sets `order.payAt`, where in the accounts' columns the balance is that the order pays from, and `order.needed`, what it needs
   * if it trades, or rests, for its `notional`. They stand in the order because V8 boxes doubles that calls pass and return.
   */
  need(order: OrderRequest): void;
  /** What the resting order in `slot` holds back. */
  held(slot: number): Money;
  /** Holds back what `order` needs, which was checked and came to rest in `slot`, maybe after trades. */
  hold(slot: number, order: OrderRequest): void;
  /** Gives back all that the order in `slot` holds. */
  release(slot: number): void;
  /** Notes what an order holds back that was loaded together with its account's balances. */
  noteLoaded(slot: number): void;
  /** Pays a fill of a resting order out of what it holds; called before its `open` falls by `quantity`. */
  settleResting(slot: number, cost: Money, fee: Money, quantity: QtyLots): void;
  /** Pays a fill of an incoming order out of its account's available balance. */
  settleIncoming(account: number, symbol: number, side: number, cost: Money, fee: Money, quantity: QtyLots): void;
}

/** The models by {@link RiskModelId}, and which one a symbol uses. */
export class RiskModels {
  readonly #symbols: Symbols;
  readonly #models: readonly RiskModel[];

  constructor(symbols: Symbols, models: readonly RiskModel[]) {
    this.#symbols = symbols;
    this.#models = models;
  }

  of(symbol: number): RiskModel {
    return this.#models[this.#symbols.riskModel[symbol]];
  }
}
