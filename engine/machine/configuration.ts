import { CAPACITIES, type Capacities, CapacityError, NewerRulesError, RULES, SHARED_CAPACITY, SHARES, type Shares } from '../limits.ts';
import { RowKind, type RowWriter, type StatePart } from '../state-part.ts';
import { getI64 } from '../units.ts';
import { Command, CommandKind } from '../wire/layout.ts';
import type { CommandFields } from './command.ts';
import type { MachineState } from './state.ts';

const WORDS = Command.bytes / 4;

/**
 * The rules and capacities in the log. Everything that affects the outcome of a
 * command is itself a command, so that a replay gives the same state under any
 * configuration of the process. Owned by the engine thread.
 */
export class Configuration implements StatePart {
  readonly kinds = [RowKind.Configuration, RowKind.Shares];
  /** True if rules and capacities were logged. Otherwise the log is of an older release, or there is no log. */
  logged = false;
  /** True if the capacities in force are those of the log, also where only later commands name them. */
  known = false;
  readonly #state: MachineState;

  constructor(state: MachineState) {
    this.#state = state;
  }

  /**
   * Applies the rules and capacities in the command in `slot`.
   * @throws NewerRulesError @throws CapacityError if this start has smaller capacities
   */
  apply(bytes: Uint8Array, words: Int32Array, slot: number): void {
    this.#set(bytes[slot * Command.bytes + Command.parameter], configuredCapacities(words, slot), configuredShares(words, slot));
  }

  /**
   * Selects rules 1, for commands that were written before rules were logged.
   * @param capacities the capacities in force then, if they are known: the first logged ones
   */
  beginUnlogged(capacities?: Capacities): void {
    this.#state.setRules(1);
    this.known = capacities !== undefined;
    if (capacities !== undefined) this.#enforce(capacities);
  }

  /** True if a start with these capacities and shares must log them. */
  differsFrom(given: Capacities & Shares): boolean {
    const { rules, capacities, shares } = this.#state;
    if (!this.logged || rules !== RULES) return true;
    return CAPACITIES.some((name) => given[name] !== capacities[name]) || SHARES.some((name) => given[name] !== shares[name]);
  }

  save(out: RowWriter): void {
    const { rules, capacities, shares } = this.#state;
    if (this.logged) out.row(RowKind.Configuration, rules, ...CAPACITIES.map((name) => capacities[name]));
    // An embedded exchange without a log has the capacities of its memory.
    else if (rules !== 1) out.row(RowKind.Configuration, rules);
    if (this.logged && rules >= 3) out.row(RowKind.Shares, ...SHARES.map((name) => shares[name]));
  }

  load(r: Float64Array, at: number): void {
    const state = this.#state;
    if (r[at] === RowKind.Shares) {
      Object.assign(state.shares, loggedShares(r, at));
      state.enforce();
      return;
    }
    const rules = r[at + 1];
    const capacities = loggedCapacities(r, at);
    if (capacities !== undefined) this.#set(rules, capacities, state.shares);
    else state.setRules(rules);
  }

  #set(rules: number, capacities: Capacities, shares: Shares): void {
    if (rules > RULES) throw new NewerRulesError(rules, this.#state.seq);
    Object.assign(this.#state.shares, shares);
    this.#enforce(capacities);
    this.logged = true;
    this.known = true;
    this.#state.setRules(rules);
  }

  #enforce(capacities: Capacities): void {
    const state = this.#state;
    if (CAPACITIES.some((name) => capacities[name] > state.limits[name])) throw new CapacityError(capacities, state.limits);
    Object.assign(state.capacities, capacities);
    state.enforce();
  }
}

/** The capacities in the row of a state; undefined if the state's log has none. */
export function loggedCapacities(r: Float64Array, at: number): Capacities | undefined {
  const capacities = Object.fromEntries(CAPACITIES.map((name, i) => [name, r[at + 2 + i]])) as Capacities;
  return capacities.orders === 0 ? undefined : capacities;
}

/** The shares in their row of a state. */
export function loggedShares(r: Float64Array, at: number): Shares {
  return Object.fromEntries(SHARES.map((name, i) => [name, r[at + 1 + i]])) as Shares;
}

/** The fields, in words, whose lower half is a capacity and whose upper half is the share of it. */
const SHARE_FIELDS: Readonly<Record<keyof Shares, number>> = {
  ordersPerAccount: Command.clientOrderId / 4,
  pagesPerAccount: Command.orderId / 4,
  rememberedOrdersPerAccount: Command.price / 4,
  rememberedKeysPerAccount: Command.quantity / 4,
};

/** The version of the rules that the Configure command in `slot` puts in force. @throws NewerRulesError: its other fields may have another meaning */
export function configuredRules(words: Int32Array, slot: number): number {
  const at = slot * WORDS;
  const rules = (words[at + (Command.parameter >> 2)] >>> (8 * (Command.parameter & 3))) & 0xff;
  if (rules > RULES) throw new NewerRulesError(rules, getI64(words, at + Command.seq / 4));
  return rules;
}

/** The capacities that the Configure command in `slot` names. */
export function configuredCapacities(words: Int32Array, slot: number): Capacities {
  const w = slot * WORDS;
  return {
    orders: words[w + SHARE_FIELDS.ordersPerAccount] >>> 0,
    pages: words[w + SHARE_FIELDS.pagesPerAccount] >>> 0,
    accounts: words[w + Command.account / 4] >>> 0,
    assets: words[w + Command.tag / 4] >>> 0,
    symbols: words[w + Command.symbol / 4] >>> 0,
    rememberedOrders: words[w + SHARE_FIELDS.rememberedOrdersPerAccount] >>> 0,
    rememberedKeys: words[w + SHARE_FIELDS.rememberedKeysPerAccount] >>> 0,
  };
}

/** The shares that the Configure command in `slot` names. Commands before rules 3 name none; a share is all of its capacity then. */
export function configuredShares(words: Int32Array, slot: number): Shares {
  const capacities = configuredCapacities(words, slot);
  const shareOf = (name: keyof Shares): number => words[slot * WORDS + SHARE_FIELDS[name] + 1] || capacities[SHARED_CAPACITY[name]];
  return Object.fromEntries(SHARES.map((name) => [name, shareOf(name)])) as Shares;
}

/** Creates the command that puts the rules of this build, `capacities` and `shares` in force. */
export function configureCommand(given: Capacities & Shares): CommandFields {
  const withShare = (name: keyof Shares): number => given[SHARED_CAPACITY[name]] + given[name] * 2 ** 32;
  return {
    kind: CommandKind.Configure,
    parameter: RULES,
    clientOrderId: withShare('ordersPerAccount'),
    orderId: withShare('pagesPerAccount'),
    account: given.accounts,
    tag: given.assets,
    symbol: given.symbols,
    price: withShare('rememberedOrdersPerAccount'),
    quantity: withShare('rememberedKeysPerAccount'),
  };
}
