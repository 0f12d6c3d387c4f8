import { KillScope } from '../wire/layout.ts';
import type { Accounts } from './accounts.ts';
import { ControlBit } from './control-bits.ts';
import type { Symbols } from './symbols.ts';

const { Killed: KILLED, Watched: WATCHED } = ControlBit;
/** Place of the venue's switch among those of the groups. */
const VENUE = 0;

/**
 * The kill switches of accounts, groups, symbols and the venue. While one is on
 * that concerns an order, the order and its amends are rejected. Each is
 * independent: switching one off leaves the others on.
 *
 * The switches are columns of accounts and symbols. Bit Watched of an account
 * says whether one other than its own may be on for it, so that an order pays
 * for no test while all are off. Owned by the engine thread.
 */
export class KillSwitches {
  readonly #accounts: Accounts;
  readonly #symbols: Symbols;
  /** Symbols whose switch is on. */
  #symbolsKilled = 0;

  constructor(accounts: Accounts, symbols: Symbols) {
    this.#accounts = accounts;
    this.#symbols = symbols;
  }

  /** True if a switch is on for an order of the account in the symbol. @param symbol may not exist */
  concern(account: number, symbol: number): boolean {
    const { controls, group, killedGroups } = this.#accounts;
    if ((controls[account] & KILLED) !== 0) return true;
    return killedGroups[VENUE] !== 0 || killedGroups[group[account]] !== 0 || this.#symbols.killed[symbol] === 1;
  }

  /** Switches on (1) or off (0). Cold: it looks at all accounts. @param id of the account, group or symbol; 0 for the venue */
  set(scope: number, id: number, on: number): void {
    const { controls, killedGroups } = this.#accounts;
    if (scope === KillScope.Account) {
      controls[id] = on === 0 ? controls[id] & ~KILLED : controls[id] | KILLED;
      return;
    }
    if (scope === KillScope.Symbol) {
      this.#symbolsKilled += on - this.#symbols.killed[id];
      this.#symbols.killed[id] = on;
    } else killedGroups[scope === KillScope.Venue ? VENUE : id] = on;
    this.#watchAll();
  }

  /** Call it when the account was defined or its group changed. */
  watch(account: number): void {
    const { controls, group, killedGroups } = this.#accounts;
    const watched = this.#symbolsKilled > 0 || killedGroups[VENUE] !== 0 || killedGroups[group[account]] !== 0;
    controls[account] = watched ? controls[account] | WATCHED : controls[account] & ~WATCHED;
  }

  #watchAll(): void {
    for (let account = 1; account < this.#accounts.capacity; account++) if (this.#accounts.defined[account] !== 0) this.watch(account);
  }
}
