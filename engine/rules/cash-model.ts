import { ORDER_DOUBLES_SHIFT, ORDER_WORDS_SHIFT, OrderDouble, type OrderSlab, OrderWord } from '../book/order-slab.ts';
import type { Money, QtyLots } from '../units.ts';
import { Side } from '../wire/layout.ts';
import type { Accounts } from './accounts.ts';
import { CARRY_BITS, CARRY_MASK, type FeeSchedules, SCHEDULE_MASK } from './fee-schedules.ts';
import { buyReserve } from './fees.ts';
import type { OrderRequest } from './order-request.ts';
import type { RiskModel } from './risk-model.ts';
import type { Symbols } from './symbols.ts';

const { Buy } = Side;
// Module constants: V8 folds them, but loads an imported constant each time.
const TO_DOUBLES = ORDER_DOUBLES_SHIFT;
const TO_WORDS = ORDER_WORDS_SHIFT;
const { open: OPEN, held: HELD } = OrderDouble;
const { account: ACCOUNT, terms: TERMS } = OrderWord;
const TO_SCHEDULE = CARRY_BITS;
const SCHEDULE = SCHEDULE_MASK;
const CARRY = CARRY_MASK;

/**
 * Cash: an open buy reserves its cost at the limit price and the highest fee
 * that it can be charged; a sell reserves its lots. Reserved amounts are stored
 * with the orders, because computing one takes divisions. Owned by the engine
 * thread.
 */
export class CashModel implements RiskModel {
  readonly #accounts: Accounts;
  readonly #symbols: Symbols;
  readonly #schedules: FeeSchedules;
  readonly #slab: OrderSlab;

  constructor(accounts: Accounts, symbols: Symbols, schedules: FeeSchedules, slab: OrderSlab) {
    this.#accounts = accounts;
    this.#symbols = symbols;
    this.#schedules = schedules;
    this.#slab = slab;
  }

  need(order: OrderRequest): void {
    const symbols = this.#symbols;
    const { symbol } = order;
    const balances = order.account * this.#accounts.balanceRow;
    if (order.side === Buy) {
      order.payAt = balances + (symbols.quoteAsset[symbol] << 1);
      order.needed = buyReserve(order.notional, this.#schedules.reservePpm[order.feeSchedule], order.feeCarry);
    } else {
      order.payAt = balances + (symbols.baseAsset[symbol] << 1);
      order.needed = order.quantity * symbols.basePerLot[symbol];
    }
  }

  held(slot: number): Money {
    return this.#slab.held(slot);
  }

  /** The amount that the order in `slot` would reserve with `open` lots open. */
  #amountOf(slot: number, open: QtyLots): Money {
    const slab = this.#slab;
    const symbols = this.#symbols;
    const symbol = slab.symbol(slot);
    if (slab.side(slot) !== Buy) return open * symbols.basePerLot[symbol];
    const fees = slab.fees(slot);
    const notional = slab.limit(slot) * open * symbols.quotePerTickLot[symbol];
    return buyReserve(notional, this.#schedules.reservePpm[(fees >>> TO_SCHEDULE) & SCHEDULE], fees & CARRY);
  }

  amountOf(slot: number, open: QtyLots, unit: Money): Money {
    const slab = this.#slab;
    if (slab.side(slot) !== Buy) return open * this.#symbols.basePerLot[slab.symbol(slot)];
    const fees = slab.fees(slot);
    return buyReserve(unit * open, this.#schedules.reservePpm[(fees >>> TO_SCHEDULE) & SCHEDULE], fees & CARRY);
  }

  share(slot: number, _open: QtyLots, amount: Money): void {
    const slab = this.#slab;
    const symbols = this.#symbols;
    const accounts = this.#accounts;
    const symbol = slab.symbol(slot);
    const asset = slab.side(slot) === Buy ? symbols.quoteAsset[symbol] : symbols.baseAsset[symbol];
    const { doubles } = slab;
    const [at, held] = [accounts.balanceAt(slab.account(slot), asset), (slot << TO_DOUBLES) | HELD];
    accounts.release(at, doubles, held);
    slab.setHeld(slot, amount);
    accounts.hold(at, doubles, held);
  }

  hold(slot: number, order: OrderRequest): void {
    const { doubles } = this.#slab;
    const record = slot << TO_DOUBLES;
    const open = doubles[record | OPEN];
    doubles[record | HELD] = open === order.quantity ? order.needed : this.#amountOf(slot, open);
    this.#accounts.hold(order.payAt, doubles, record + HELD);
  }

  rehold(slot: number, order: OrderRequest, _before: QtyLots): void {
    const { doubles } = this.#slab;
    const held = (slot << TO_DOUBLES) | HELD;
    const open = doubles[(slot << TO_DOUBLES) | OPEN];
    const amount = open === order.quantity ? order.needed : this.#amountOf(slot, open);
    // The difference, which may be below 0.
    doubles[held] = amount - doubles[held];
    this.#accounts.hold(order.payAt, doubles, held);
    doubles[held] = amount;
  }

  release(slot: number): void {
    const symbols = this.#symbols;
    const accounts = this.#accounts;
    const { words, doubles } = this.#slab;
    const record = slot << TO_WORDS;
    const terms = words[record | TERMS];
    const symbol = terms & 0xffff;
    const asset = (terms & 0x10000) === 0 ? symbols.quoteAsset[symbol] : symbols.baseAsset[symbol];
    accounts.release(accounts.balanceAt(words[record | ACCOUNT], asset), doubles, (slot << TO_DOUBLES) | HELD);
  }

  reduce(slot: number, open: QtyLots): void {
    const slab = this.#slab;
    const symbols = this.#symbols;
    const symbol = slab.symbol(slot);
    const asset = slab.side(slot) === Buy ? symbols.quoteAsset[symbol] : symbols.baseAsset[symbol];
    const held = this.#amountOf(slot, open);
    this.#accounts.free(this.#accounts.balanceAt(slab.account(slot), asset), slab.held(slot) - held);
    slab.setHeld(slot, held);
  }

  noteLoaded(slot: number): void {
    this.#slab.setHeld(slot, this.#amountOf(slot, this.#slab.total(slot)));
  }

  settleResting(slot: number, cost: Money, fee: Money, quantity: QtyLots): void {
    const slab = this.#slab;
    const accounts = this.#accounts;
    const symbols = this.#symbols;
    const symbol = slab.symbol(slot);
    const at = accounts.balanceAt(slab.account(slot), 0);
    const base = at + symbols.baseAsset[symbol] * 2;
    const quote = at + symbols.quoteAsset[symbol] * 2;
    const lots = quantity * symbols.basePerLot[symbol];
    if (slab.side(slot) === Buy) {
      const open = slab.total(slot);
      const held = open === quantity ? 0 : this.#amountOf(slot, open - quantity);
      const freed = slab.held(slot) - held;
      slab.setHeld(slot, held);
      accounts.free(quote, freed);
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
    const at = accounts.balanceAt(account, 0);
    const base = at + symbols.baseAsset[symbol] * 2;
    const quote = at + symbols.quoteAsset[symbol] * 2;
    const lots = quantity * symbols.basePerLot[symbol];
    if (side === Buy) {
      accounts.debit(quote, cost + fee);
      accounts.credit(base, lots);
    } else {
      accounts.debit(base, lots);
      accounts.credit(quote, cost - fee);
    }
  }
}
