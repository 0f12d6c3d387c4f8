import type { OrderSlab } from '../book/order-slab.ts';
import type { Money, QtyLots } from '../units.ts';
import type { Accounts } from './accounts.ts';
import { ControlBit } from './control-bits.ts';
import type { FeeTiers } from './fee-tiers.ts';
import type { OrderRequest } from './order-request.ts';
import type { OrderToTrade } from './order-to-trade.ts';
import type { RiskModel } from './risk-model.ts';

const { OrderToTrade: RATIO, Limited: LIMITED } = ControlBit;

/**
 * A risk model that also follows the accounts whose limits or fees depend on their fills.
 * It is in use from the first such limit of any account on, so that an exchange
 * without them pays nothing. Owned by the engine thread.
 */
export class TrackedModel implements RiskModel {
  readonly #model: RiskModel;
  readonly #accounts: Accounts;
  readonly #slab: OrderSlab;
  readonly #ratios: OrderToTrade;
  readonly #tiers: FeeTiers;
  readonly #clock: { readonly timeUs: number };

  constructor(
    model: RiskModel,
    accounts: Accounts,
    slab: OrderSlab,
    ratios: OrderToTrade,
    tiers: FeeTiers,
    clock: { readonly timeUs: number },
  ) {
    this.#model = model;
    this.#accounts = accounts;
    this.#slab = slab;
    this.#ratios = ratios;
    this.#tiers = tiers;
    this.#clock = clock;
  }

  need(order: OrderRequest): void {
    this.#model.need(order);
  }

  held(slot: number): Money {
    return this.#model.held(slot);
  }

  hold(slot: number, order: OrderRequest): void {
    this.#model.hold(slot, order);
    this.#changeOpen(slot, this.#slab.total(slot));
  }

  rehold(slot: number, order: OrderRequest, before: QtyLots): void {
    this.#model.rehold(slot, order, before);
    this.#changeOpen(slot, this.#slab.total(slot) - before);
  }

  release(slot: number): void {
    this.#model.release(slot);
    this.#changeOpen(slot, -this.#slab.total(slot));
  }

  reduce(slot: number, open: QtyLots): void {
    this.#model.reduce(slot, open);
    this.#changeOpen(slot, open - this.#slab.total(slot));
  }

  amountOf(slot: number, open: QtyLots, unit: Money): Money {
    return this.#model.amountOf(slot, open, unit);
  }

  share(slot: number, open: QtyLots, amount: Money): void {
    this.#model.share(slot, open, amount);
    this.#changeOpen(slot, open - this.#slab.total(slot));
  }

  noteLoaded(slot: number): void {
    this.#model.noteLoaded(slot);
  }

  settleResting(slot: number, cost: Money, fee: Money, quantity: QtyLots): void {
    const slab = this.#slab;
    this.#model.settleResting(slot, cost, fee, quantity);
    this.#changeOpen(slot, -quantity);
    this.#filled(slab.account(slot), slab.symbol(slot), slab.side(slot), quantity, cost);
  }

  settleIncoming(account: number, symbol: number, side: number, cost: Money, fee: Money, quantity: QtyLots): void {
    this.#model.settleIncoming(account, symbol, side, cost, fee, quantity);
    this.#filled(account, symbol, side, quantity, cost);
  }

  #changeOpen(slot: number, lots: QtyLots): void {
    const slab = this.#slab;
    const account = slab.account(slot);
    const { controls, positionLimits } = this.#accounts;
    if ((controls[account] & LIMITED) !== 0) positionLimits.changeOpen(account, slab.symbol(slot), slab.side(slot), lots);
  }

  #filled(account: number, symbol: number, side: number, lots: QtyLots, cost: Money): void {
    this.#tiers.countFill(symbol, account, cost, this.#clock.timeUs);
    const { controls, positionLimits } = this.#accounts;
    const bits = controls[account];
    if ((bits & RATIO) !== 0) this.#ratios.countFill(account, this.#clock.timeUs);
    if ((bits & LIMITED) !== 0) positionLimits.trade(account, symbol, side, lots);
  }
}
