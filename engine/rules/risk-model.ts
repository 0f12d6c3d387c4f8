import type { Money, QtyLots } from '../units.ts';
import type { Symbols } from './symbols.ts';

/**
 * How the money behind orders is held and settled. A symbol's parameter
 * `RiskModel` picks one. Owned by the engine thread.
 */
export interface RiskModel {
  /** Where in the accounts' columns the balance is that an order pays from. */
  payAt(account: number, symbol: number, side: number): number;
  /** What an order needs if it trades, or rests, for `notional`. */
  need(symbol: number, side: number, notional: Money, quantity: QtyLots): Money;
  /** What the resting order in `slot` holds back. */
  held(slot: number): Money;
  /** What the order in `slot` would hold back with `open` lots open. */
  amountOf(slot: number, open: QtyLots): Money;
  /** Holds `amount` back for an order that comes to rest. */
  hold(slot: number, amount: Money): void;
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
