import type { OrderSlab } from '../book/order-slab.ts';
import type { Money, QtyLots } from '../units.ts';
import { Side } from '../wire/layout.ts';
import type { Accounts } from './accounts.ts';
import { buyReserve } from './fees.ts';
import type { RiskModel } from './risk-model.ts';
import type { Symbols } from './symbols.ts';

const { Buy } = Side;

/**
 * Cash: a resting buy holds back its cost at the limit price and the highest
 * fee that it can be charged, a sell its lots. Held amounts are kept with the
 * orders, because each takes divisions to work out. Owned by the engine thread.
 */
export class CashModel implements RiskModel {
  readonly #accounts: Accounts;
  readonly #symbols: Symbols;
  readonly #slab: OrderSlab;

  constructor(accounts: Accounts, symbols: Symbols, slab: OrderSlab) {
    this.#accounts = accounts;
    this.#symbols = symbols;
    this.#slab = slab;
  }

  payAt(account: number, symbol: number, side: number): number {
    const symbols = this.#symbols;
    return account * this.#accounts.assets + (side === Buy ? symbols.quoteAsset[symbol] : symbols.baseAsset[symbol]);
  }

  need(symbol: number, side: number, notional: Money, quantity: QtyLots): Money {
    const symbols = this.#symbols;
    return side === Buy ? buyReserve(notional, symbols.reserveFeePpm[symbol]) : quantity * symbols.basePerLot[symbol];
  }

  held(slot: number): Money {
    return this.#slab.held(slot);
  }

  amountOf(slot: number, open: QtyLots): Money {
    const slab = this.#slab;
    const symbols = this.#symbols;
    const symbol = slab.symbol(slot);
    if (slab.side(slot) !== Buy) return open * symbols.basePerLot[symbol];
    return buyReserve(slab.price(slot) * open * symbols.quotePerTickLot[symbol], symbols.reserveFeePpm[symbol]);
  }

  hold(slot: number, amount: Money): void {
    this.#slab.setHeld(slot, amount);
    this.#accounts.hold(this.#balanceAt(slot), amount);
  }

  release(slot: number): void {
    this.#accounts.release(this.#balanceAt(slot), this.#slab.held(slot));
  }

  noteLoaded(slot: number): void {
    this.#slab.setHeld(slot, this.amountOf(slot, this.#slab.open(slot)));
  }

  settleResting(slot: number, cost: Money, fee: Money, quantity: QtyLots): void {
    const slab = this.#slab;
    const accounts = this.#accounts;
    const symbols = this.#symbols;
    const symbol = slab.symbol(slot);
    const at = slab.account(slot) * accounts.assets;
    const base = at + symbols.baseAsset[symbol];
    const quote = at + symbols.quoteAsset[symbol];
    const lots = quantity * symbols.basePerLot[symbol];
    if (slab.side(slot) === Buy) {
      const open = slab.open(slot);
      const held = open === quantity ? 0 : this.amountOf(slot, open - quantity);
      const freed = slab.held(slot) - held;
      slab.setHeld(slot, held);
      accounts.release(quote, freed);
      accounts.debit(quote, cost + fee);
      accounts.credit(base, lots);
    } else {
      slab.setHeld(slot, slab.held(slot) - lots);
      accounts.debitReserved(base, lots);
      accounts.credit(quote, cost - fee);
    }
  }

  settleIncoming(account: number, symbol: number, side: number, cost: Money, fee: Money, quantity: QtyLots): void {
    const accounts = this.#accounts;
    const symbols = this.#symbols;
    const at = account * accounts.assets;
    const base = at + symbols.baseAsset[symbol];
    const quote = at + symbols.quoteAsset[symbol];
    const lots = quantity * symbols.basePerLot[symbol];
    if (side === Buy) {
      accounts.debit(quote, cost + fee);
      accounts.credit(base, lots);
    } else {
      accounts.debit(base, lots);
      accounts.credit(quote, cost - fee);
    }
  }

  #balanceAt(slot: number): number {
    const slab = this.#slab;
    return this.payAt(slab.account(slot), slab.symbol(slot), slab.side(slot));
  }
}
