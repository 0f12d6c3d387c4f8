import { OWNER_ACCOUNT } from '../book/order-slab.ts';
import { Code } from '../codes.ts';
import { AccountParam, GROUPS, LimitParam, MAX_ACCOUNT_RATE } from '../params.ts';
import { ControlBit } from '../rules/control-bits.ts';
import type { QtyLots } from '../units.ts';
import { KillScope, SelfTradeMode } from '../wire/layout.ts';
import type { MassCancels } from './mass-cancels.ts';
import type { OperatorCancel } from './operator-cancel.ts';
import type { MachineState } from './state.ts';

const { Suspended: SUSPENDED, Limited: LIMITED } = ControlBit;
/** Value of AccountParam.Suspended. */
const SUSPEND_AND_CANCEL = 2;

/**
 * The operator's controls: parameters of accounts, and kill switches. What a
 * command cancels is a result of the OperatorCancel. Owned by the engine thread.
 */
export class ControlCommands {
  readonly #state: MachineState;
  readonly #cancel: OperatorCancel;
  readonly #massCancels: MassCancels;

  constructor(state: MachineState, cancel: OperatorCancel, massCancels: MassCancels) {
    this.#state = state;
    this.#cancel = cancel;
    this.#massCancels = massCancels;
  }

  setAccount(account: number, parameter: number, value: number): Code {
    const { accounts, kills, rules, feeTiers, order } = this.#state;
    this.#cancel.begin(Code.OK);
    if (!accounts.exists(account)) return Code.UNKNOWN_ACCOUNT;
    if (parameter === AccountParam.Suspended && value >= 0 && value <= (rules < 4 ? 1 : SUSPEND_AND_CANCEL)) {
      accounts.controls[account] = value === 0 ? accounts.controls[account] & ~SUSPENDED : accounts.controls[account] | SUSPENDED;
      if (value === SUSPEND_AND_CANCEL) this.#cancel.sweep(Code.CANCELLED_SUSPENDED, account, 0, 0);
    } else if (parameter === AccountParam.MaxOpenOrders && value >= 0 && value < 2 ** 32) accounts.maxOpenOrders[account] = value;
    else if (rules < 4) return Code.BAD_PARAMETER;
    else if (parameter === AccountParam.SelfTradeMode && value >= 0 && value <= SelfTradeMode.Decrement)
      accounts.selfTradeMode[account] = value;
    else if (parameter === AccountParam.Group && value >= 0 && value < GROUPS) {
      accounts.group[account] = value;
      kills.watch(account);
      this.#cancel.forgetScan();
      this.#massCancels.forgetScans();
    } else if (parameter === AccountParam.FeeTier && rules >= 6) return feeTiers.give(order.symbol, account, value);
    else return value >= 0 && value <= MAX_ACCOUNT_RATE ? this.#setRate(account, parameter, value) : Code.BAD_PARAMETER;
    return Code.OK;
  }

  #setRate(account: number, parameter: number, value: number): Code {
    const { accounts, throttles, orderToTrade, risks, timeUs } = this.#state;
    if (parameter === AccountParam.CommandsPerSecond) throttles.set(account, value, accounts.commandBurst[account], timeUs);
    else if (parameter === AccountParam.CommandBurst) throttles.set(account, accounts.commandsPerSecond[account], value, timeUs);
    else if (parameter === AccountParam.OrderToTrade) {
      if (value !== 0) risks.track();
      orderToTrade.set(account, value);
    } else return Code.BAD_PARAMETER;
    return Code.OK;
  }

  /**
   * Switches on (1) or off (0). Once it is on, new orders and amends are rejected, and what rests is cancelled, up to the most of one command.
   * The same command again goes on with it.
   */
  killSwitch(scope: number, on: number): Code {
    const { order, kills, rules } = this.#state;
    this.#cancel.begin(Code.OK);
    if (rules < 4) return Code.UNKNOWN_KIND;
    const { account, symbol, tag: group } = order;
    const code = this.#scope(scope, account, group, symbol);
    if (code !== Code.OK) return code;
    if (on !== 0 && on !== 1) return Code.BAD_PARAMETER;
    // All but the one that the scope names are 0.
    kills.set(scope, account + group + symbol, on);
    if (on === 1) this.#cancel.sweep(Code.CANCELLED_KILL_SWITCH, account, group, symbol);
    return Code.OK;
  }

  /** Sets a limit of the account in the symbol of the order. The first one begins to follow the pair, with position 0 and what rests now. */
  setLimit(parameter: number, lots: QtyLots): Code {
    const { order, accounts, books, risks, rules } = this.#state;
    const { account, symbol } = order;
    const { positionLimits: limits, controls } = accounts;
    if (rules < 4) return Code.UNKNOWN_KIND;
    if (!accounts.exists(account)) return Code.UNKNOWN_ACCOUNT;
    if (books[symbol] === undefined) return Code.UNKNOWN_SYMBOL;
    if (parameter > LimitParam.MaxExposure || lots < 0) return Code.BAD_PARAMETER;
    let entry = limits.find(account, symbol);
    if (entry === -1) {
      if (lots === 0) return Code.OK;
      entry = limits.add(account, symbol);
      if (entry === -1) return Code.CAPACITY;
      controls[account] |= LIMITED;
      risks.track();
      this.#noteOpen(account, symbol);
    }
    limits.setMax(entry, parameter, lots);
    if (lots === 0 && !limits.has(account)) controls[account] &= ~LIMITED;
    return Code.OK;
  }

  #noteOpen(account: number, symbol: number): void {
    const { slab, accounts } = this.#state;
    for (let slot = 0, left = accounts.openOrders[account]; left > 0; slot++) {
      if ((slab.ownerAt[slot] & OWNER_ACCOUNT) !== account) continue;
      left--;
      if (slab.symbol(slot) === symbol) accounts.positionLimits.changeOpen(account, symbol, slab.side(slot), slab.total(slot));
    }
  }

  #scope(scope: number, account: number, group: number, symbol: number): Code {
    if (scope !== KillScope.Account && account !== 0) return Code.BAD_PARAMETER;
    if (scope !== KillScope.Group && group !== 0) return Code.BAD_PARAMETER;
    if (scope !== KillScope.Symbol && symbol !== 0) return Code.BAD_PARAMETER;
    switch (scope) {
      case KillScope.Account:
        return this.#state.accounts.exists(account) ? Code.OK : Code.UNKNOWN_ACCOUNT;
      case KillScope.Group:
        return group !== 0 && group < GROUPS ? Code.OK : Code.BAD_PARAMETER;
      case KillScope.Symbol:
        return this.#state.books[symbol] === undefined ? Code.UNKNOWN_SYMBOL : Code.OK;
      case KillScope.Venue:
        return Code.OK;
      default:
        return Code.BAD_PARAMETER;
    }
  }
}
