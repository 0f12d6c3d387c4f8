import { AccountParam } from '../params.ts';
import { RowKind, type RowWriter, type StatePart } from '../state-part.ts';
import { KillScope } from '../wire/layout.ts';
import { within } from './account-rows.ts';
import type { Accounts } from './accounts.ts';
import { ControlBit } from './control-bits.ts';
import type { KillSwitches } from './kill-switches.ts';
import type { Symbols } from './symbols.ts';

const { Group } = AccountParam;
/** Items of AccountControl besides those of AccountParam: a kill switch. Account 0 has one for each group: its number is the value, 0 = the venue. */
const KILLED = 32;

/** Rows of what the operator controls, after the accounts: kill switches, and parameters of accounts that older snapshots do not have. */
export class ControlRows implements StatePart {
  readonly kinds = [RowKind.AccountControl, RowKind.SymbolControl];
  readonly #accounts: Accounts;
  readonly #symbols: Symbols;
  readonly #kills: KillSwitches;

  constructor(accounts: Accounts, symbols: Symbols, kills: KillSwitches) {
    this.#accounts = accounts;
    this.#symbols = symbols;
    this.#kills = kills;
  }

  save(out: RowWriter): void {
    const { capacity, defined, controls, group, killedGroups } = this.#accounts;
    const { killed } = this.#symbols;
    for (let symbol = 0; symbol < killed.length; symbol++) if (killed[symbol] !== 0) out.row(RowKind.SymbolControl, symbol, 1);
    for (let id = 0; id < killedGroups.length; id++) if (killedGroups[id] !== 0) out.row(RowKind.AccountControl, 0, KILLED, id);
    for (let account = 1; account < capacity; account++) {
      if (defined[account] === 0) continue;
      if (group[account] !== 0) out.row(RowKind.AccountControl, account, Group, group[account]);
      if ((controls[account] & ControlBit.Killed) !== 0) out.row(RowKind.AccountControl, account, KILLED, 1);
    }
  }

  load(r: Float64Array, at: number): void {
    const [id, item, value] = r.subarray(at + 1, at + 4);
    if (r[at] === RowKind.SymbolControl) return this.#kills.set(KillScope.Symbol, within(id, this.#symbols.capacity, 'symbols'), 1);
    const account = within(id, this.#accounts.capacity, 'accounts');
    if (item === Group) {
      this.#accounts.group[account] = value;
      this.#kills.watch(account);
    } else if (account !== 0) this.#kills.set(KillScope.Account, account, 1);
    else this.#kills.set(value === 0 ? KillScope.Venue : KillScope.Group, value, 1);
  }
}
