import { Code } from '../../engine/codes.ts';
import { AccountParam } from '../../engine/params.ts';
import { CommandKind, KillScope, SelfTradeMode } from '../../engine/wire/layout.ts';
import { SYMBOL } from './exchange-fixture.ts';
import type { NaiveFeeTiers } from './naive-fee-tiers.ts';
import { NaivePositions } from './naive-positions.ts';
import { NaiveBuckets, NaiveRatios } from './naive-rates.ts';
import { NaiveSelfTrade } from './naive-self-trade.ts';

/** A command of the operator, with all its fields. */
export interface ControlCommand {
  kind: number;
  parameter: number;
  account: number;
  symbol: number;
  tag: number;
  quantity: number;
}

/** The answer to such a command. */
export interface ControlAnswer {
  code: number;
  /** The orders of these accounts are cancelled, with this code. */
  cancels?: { code: number; concerns: (account: number) => boolean; byBook: boolean };
}

const OK: ControlAnswer = { code: Code.OK };
const BAD: ControlAnswer = { code: Code.BAD_PARAMETER };

/** What the operator controls, by account, as sets and maps of the naive exchange. */
export class NaiveControls {
  suspended = new Set<number>();
  groups = new Map<number, number>();
  /** Switches that are on: `account/1`, `group/7`, `symbol/1`, `venue/0`. */
  killed = new Set<string>();
  /** Time of the command. */
  nowUs = 0;
  /** After a code that rejects for a time, when it would pass; else 0. */
  retryUs = 0;
  readonly positions = new NaivePositions();
  readonly selfTrade = new NaiveSelfTrade(this.groups);
  readonly #buckets = new NaiveBuckets();
  readonly #ratios = new NaiveRatios();
  readonly #accounts: readonly number[];
  readonly #rules: number;
  readonly #feeTiers: NaiveFeeTiers;

  constructor(accounts: readonly number[], rules: number, feeTiers: NaiveFeeTiers) {
    this.#feeTiers = feeTiers;
    this.#accounts = accounts;
    this.#rules = rules;
  }

  /** The code with which an order or amend of the account in the symbol is rejected. One that passes counts. */
  check(account: number, symbol: number): number {
    const code = this.standing(account, symbol);
    if (code !== Code.OK) return code;
    this.retryUs = this.#buckets.wait(account, this.nowUs);
    if (this.retryUs !== 0) return Code.THROTTLED;
    this.retryUs = this.#ratios.wait(account, this.nowUs);
    if (this.retryUs !== 0) return Code.ORDER_TO_TRADE;
    this.#buckets.take(account, this.nowUs);
    this.#ratios.count(account, this.nowUs, false);
    return Code.OK;
  }

  /** The same without the limits of commands. */
  standing(account: number, symbol: number): number {
    if (this.suspended.has(account)) return Code.ACCOUNT_SUSPENDED;
    const switches = [`account/${account}`, `group/${this.groups.get(account) ?? 0}`, `symbol/${symbol}`, 'venue/0'];
    return switches.some((name) => this.killed.has(name)) ? Code.KILL_SWITCH : Code.OK;
  }

  /** A command that is never throttled. */
  count(account: number): void {
    this.#buckets.take(account, this.nowUs);
  }

  filled(account: number): void {
    this.#ratios.count(account, this.nowUs, true);
  }

  do(f: ControlCommand): ControlAnswer {
    if (f.kind === CommandKind.SetLimit) return this.#setLimit(f);
    return f.kind === CommandKind.SetAccount ? this.#setAccount(f) : this.#kill(f);
  }

  #setLimit({ account, symbol, parameter, quantity }: ControlCommand): ControlAnswer {
    if (this.#rules < 4) return { code: Code.UNKNOWN_KIND };
    if (!this.#accounts.includes(account)) return { code: Code.UNKNOWN_ACCOUNT };
    if (symbol !== SYMBOL) return { code: Code.UNKNOWN_SYMBOL };
    if (parameter > 1) return BAD;
    this.positions.set(account, parameter, quantity);
    return OK;
  }

  #setAccount({ account, parameter, symbol: table, quantity: value }: ControlCommand): ControlAnswer {
    if (!this.#accounts.includes(account)) return { code: Code.UNKNOWN_ACCOUNT };
    if (parameter === AccountParam.Suspended) {
      if (value === 0) this.suspended.delete(account);
      else if (value > (this.#rules < 4 ? 1 : 2)) return BAD;
      else this.suspended.add(account);
      const code = Code.CANCELLED_SUSPENDED;
      if (value === 2) return { code: Code.OK, cancels: { code, concerns: (owner) => owner === account, byBook: false } };
    } else if (parameter === AccountParam.Group) {
      if (this.#rules < 4 || value >= 65_536) return BAD;
      this.groups.set(account, value);
    } else if (parameter === AccountParam.SelfTradeMode) {
      if (this.#rules < 4 || value > SelfTradeMode.Decrement) return BAD;
      this.selfTrade.modes.set(account, value);
    } else if (parameter === AccountParam.FeeTier) return { code: this.#rules < 6 ? BAD.code : this.#feeTiers.give(table, account, value) };
    else if (this.#rules < 4 || value > 1e6) return BAD;
    else if (parameter === AccountParam.CommandsPerSecond) this.#buckets.set(account, { perSecond: value }, this.nowUs);
    else if (parameter === AccountParam.CommandBurst) this.#buckets.set(account, { burst: value }, this.nowUs);
    else if (parameter === AccountParam.OrderToTrade) {
      this.#ratios.set(account, value);
    } else throw new Error(`the naive exchange has no account parameter ${parameter}`);
    return OK;
  }

  #kill({ parameter: scope, account, tag: group, symbol, quantity: on }: ControlCommand): ControlAnswer {
    if (this.#rules < 4) return { code: Code.UNKNOWN_KIND };
    const names = { [KillScope.Account]: account, [KillScope.Group]: group, [KillScope.Symbol]: symbol, [KillScope.Venue]: 0 };
    const id = names[scope as KillScope];
    if (account + group + symbol !== id) return BAD;
    if (scope === KillScope.Account && !this.#accounts.includes(id)) return { code: Code.UNKNOWN_ACCOUNT };
    if (scope === KillScope.Symbol && id !== SYMBOL) return { code: Code.UNKNOWN_SYMBOL };
    if (scope === KillScope.Group && id === 0) return BAD;
    const name = `${['account', 'group', 'symbol', 'venue'][scope]}/${id}`;
    if (on === 0) {
      this.killed.delete(name);
      return OK;
    }
    this.killed.add(name);
    const concerns = (owner: number): boolean => {
      if (scope === KillScope.Account) return owner === id;
      return scope === KillScope.Group ? this.groups.get(owner) === id : true;
    };
    const byBook = scope === KillScope.Symbol || scope === KillScope.Venue;
    return { code: Code.OK, cancels: { code: Code.CANCELLED_KILL_SWITCH, concerns, byBook } };
  }

  /** The rows of a snapshot. */
  rows(): number[][] {
    const rows: number[][] = [];
    const numbers = (scope: string): number[] =>
      [...this.killed].filter((name) => name.startsWith(scope)).map((name) => Number(name.split('/')[1]));
    for (const symbol of numbers('symbol')) rows.push([21, symbol, 1]);
    const groups = [...numbers('venue'), ...numbers('group')].sort((a, b) => a - b);
    for (const group of groups) rows.push([19, 0, 32, group]);
    for (const account of this.#accounts) {
      const group = this.groups.get(account) ?? 0;
      rows.push(...this.selfTrade.rows(account));
      if (group !== 0) rows.push([19, account, 3, group]);
      const { perSecond, burst, level, atUs } = this.#buckets.buckets.get(account) ?? { perSecond: 0, burst: 0, level: 0, atUs: 0 };
      const ratio = this.#ratios.limits.get(account) ?? 0;
      if (perSecond !== 0) rows.push([19, account, 4, perSecond]);
      if (burst !== 0) rows.push([19, account, 5, burst]);
      if (ratio !== 0) rows.push([19, account, 6, ratio]);
      if (this.killed.has(`account/${account}`)) rows.push([19, account, 32, 1]);
      if (perSecond !== 0) rows.push([19, account, 33, level, atUs]);
      if (ratio !== 0) for (const step of this.#ratios.rows(account)) rows.push([19, account, 34, ...step]);
    }
    return rows;
  }
}
