import { fail } from '../assert.ts';
import { AccountParam } from '../params.ts';
import { RowKind, type RowWriter, type StatePart } from '../state-part.ts';
import { KillScope } from '../wire/layout.ts';
import { within } from './account-rows.ts';
import type { Accounts } from './accounts.ts';
import { ControlBit } from './control-bits.ts';
import type { KillSwitches } from './kill-switches.ts';
import type { OrderToTrade } from './order-to-trade.ts';
import type { RiskModels } from './risk-model.ts';
import type { Symbols } from './symbols.ts';
import type { Throttles } from './throttles.ts';

/** Items of AccountControl besides those of AccountParam. */
const Item = {
  ...AccountParam,
  /** A kill switch. Account 0 has one for each group: its number is the value, 0 = the venue. */
  Killed: 32,
  /** Level of the bucket, time at which it was filled, see Throttles. */
  Bucket: 33,
  /** Number of a step, orders, fills, see OrderToTrade. */
  Step: 34,
} as const;

/** What the operator controls. */
export interface ControlledState {
  readonly accounts: Accounts;
  readonly symbols: Symbols;
  readonly kills: KillSwitches;
  readonly throttles: Throttles;
  readonly orderToTrade: OrderToTrade;
  readonly risks: RiskModels;
}

/** Rows of what the operator controls, after the accounts: kill switches, and parameters of accounts that older snapshots do not have. */
export class ControlRows implements StatePart {
  readonly kinds = [RowKind.AccountControl, RowKind.SymbolControl];
  readonly #state: ControlledState;

  constructor(state: ControlledState) {
    this.#state = state;
  }

  save(out: RowWriter): void {
    const { accounts, symbols } = this.#state;
    const { killedGroups } = accounts;
    const { killed } = symbols;
    for (let symbol = 0; symbol < killed.length; symbol++) if (killed[symbol] !== 0) out.row(RowKind.SymbolControl, symbol, 1);
    for (let id = killedGroups.indexOf(1); id !== -1; id = killedGroups.indexOf(1, id + 1))
      out.row(RowKind.AccountControl, 0, Item.Killed, id);
    for (let account = 1; account < accounts.capacity; account++) if (accounts.defined[account] !== 0) this.#saveAccount(out, account);
  }

  #saveAccount(out: RowWriter, account: number): void {
    const { accounts, throttles, orderToTrade } = this.#state;
    const row = (item: number, value: number, ...more: number[]): void => out.row(RowKind.AccountControl, account, item, value, ...more);
    if (accounts.selfTradeMode[account] !== 0) row(Item.SelfTradeMode, accounts.selfTradeMode[account]);
    if (accounts.group[account] !== 0) row(Item.Group, accounts.group[account]);
    if (accounts.commandsPerSecond[account] !== 0) row(Item.CommandsPerSecond, accounts.commandsPerSecond[account]);
    if (accounts.commandBurst[account] !== 0) row(Item.CommandBurst, accounts.commandBurst[account]);
    if (accounts.orderToTrade[account] !== 0) row(Item.OrderToTrade, accounts.orderToTrade[account]);
    if ((accounts.controls[account] & ControlBit.Killed) !== 0) row(Item.Killed, 1);
    if (accounts.commandsPerSecond[account] !== 0) row(Item.Bucket, throttles.levelOf(account), throttles.filledUsOf(account));
    if (accounts.orderToTrade[account] !== 0) orderToTrade.eachStep(account, (...step) => row(Item.Step, ...step));
  }

  load(r: Float64Array, at: number): void {
    const { accounts, symbols, kills, throttles, orderToTrade, risks } = this.#state;
    const [id, item, value, second, third] = r.subarray(at + 1, at + 6);
    if (r[at] === RowKind.SymbolControl) return kills.set(KillScope.Symbol, within(id, symbols.capacity, 'symbols'), 1);
    const account = within(id, accounts.capacity, 'accounts');
    switch (item) {
      case Item.SelfTradeMode:
        accounts.selfTradeMode[account] = value;
        return;
      case Item.Group:
        accounts.group[account] = value;
        return kills.watch(account);
      case Item.CommandsPerSecond:
        return throttles.set(account, value, 0, 0);
      case Item.CommandBurst:
        return throttles.set(account, accounts.commandsPerSecond[account], value, 0);
      case Item.OrderToTrade:
        risks.track();
        return orderToTrade.set(account, value);
      case Item.Bucket:
        return throttles.restore(account, value, second);
      case Item.Step:
        return orderToTrade.restore(account, value, second, third);
      case Item.Killed:
        if (account !== 0) return kills.set(KillScope.Account, account, 1);
        return kills.set(value === 0 ? KillScope.Venue : KillScope.Group, value, 1);
      default:
        fail(`the snapshot has control ${item} of account ${account}, which this release does not know`);
    }
  }
}
