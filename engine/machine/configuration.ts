import { CAPACITIES, type Capacities, CapacityError, NewerRulesError, RULES } from '../limits.ts';
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
  readonly kinds = [RowKind.Configuration];
  /** True if rules and capacities were logged. Otherwise the log is of an older release, or there is no log. */
  logged = false;
  readonly #state: MachineState;

  constructor(state: MachineState) {
    this.#state = state;
  }

  /**
   * Applies the rules and capacities in the command in `slot`.
   * @throws NewerRulesError @throws CapacityError if this start has smaller capacities
   */
  apply(bytes: Uint8Array, words: Int32Array, slot: number): void {
    this.#set(bytes[slot * Command.bytes + Command.parameter], configuredCapacities(words, slot));
  }

  /**
   * Selects rules 1, for commands that were written before rules were logged.
   * @param capacities the capacities in force then, if they are known: the first logged ones
   */
  beginUnlogged(capacities?: Capacities): void {
    this.#state.setRules(1);
    if (capacities !== undefined) this.#enforce(capacities);
  }

  /** True if a start with these capacities must log them. */
  differsFrom(capacities: Capacities): boolean {
    const state = this.#state;
    return !this.logged || state.rules !== RULES || CAPACITIES.some((name) => capacities[name] !== state.capacities[name]);
  }

  save(out: RowWriter): void {
    const { rules, capacities } = this.#state;
    if (this.logged) out.row(RowKind.Configuration, rules, ...CAPACITIES.map((name) => capacities[name]));
    // An embedded exchange without a log has the capacities of its memory.
    else if (rules !== 1) out.row(RowKind.Configuration, rules);
  }

  load(r: Float64Array, at: number): void {
    const rules = r[at + 1];
    const capacities = Object.fromEntries(CAPACITIES.map((name, i) => [name, r[at + 2 + i]])) as Capacities;
    if (capacities.orders !== 0) this.#set(rules, capacities);
    else this.#state.setRules(rules);
  }

  #set(rules: number, capacities: Capacities): void {
    if (rules > RULES) throw new NewerRulesError(rules, this.#state.seq);
    this.#enforce(capacities);
    this.logged = true;
    this.#state.setRules(rules);
  }

  #enforce(capacities: Capacities): void {
    const state = this.#state;
    if (CAPACITIES.some((name) => capacities[name] > state.limits[name])) throw new CapacityError(capacities, state.limits);
    Object.assign(state.capacities, capacities);
    state.pages.limit = capacities.pages;
    state.clientOrderIds.setWindow(capacities.rememberedOrders);
    state.idempotencyKeys.setWindow(capacities.rememberedKeys);
  }
}

/** The capacities that the Configure command in `slot` names. */
export function configuredCapacities(words: Int32Array, slot: number): Capacities {
  const w = slot * WORDS;
  return {
    orders: getI64(words, w + Command.clientOrderId / 4),
    pages: getI64(words, w + Command.orderId / 4),
    accounts: words[w + Command.account / 4] >>> 0,
    assets: words[w + Command.tag / 4] >>> 0,
    symbols: words[w + Command.symbol / 4] >>> 0,
    rememberedOrders: getI64(words, w + Command.price / 4),
    rememberedKeys: getI64(words, w + Command.quantity / 4),
  };
}

/** Creates the command that puts the rules of this build and `capacities` in force. */
export function configureCommand(capacities: Capacities): CommandFields {
  const { orders, pages, accounts, assets, symbols, rememberedOrders, rememberedKeys } = capacities;
  return {
    kind: CommandKind.Configure,
    parameter: RULES,
    clientOrderId: orders,
    orderId: pages,
    account: accounts,
    tag: assets,
    symbol: symbols,
    price: rememberedOrders,
    quantity: rememberedKeys,
  };
}
