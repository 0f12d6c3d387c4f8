import { Code, codeName } from '../codes.ts';
import type { CommandFields } from '../machine/command.ts';
import { LimitParam, SymbolParam } from '../params.ts';
import { CommandKind, KillScope, SubPhase } from '../wire/layout.ts';
import { PHASE_NAMES, type PhaseName, SUB_PHASE_NAMES } from '../wire/names.ts';
import { AdminAnswer, actionOf } from './admin-answer.ts';
import type { CommandRunner } from './command-runner.ts';
import { badName, badRange, EmbedError } from './embed-error.ts';
import { checkName, type EmbeddedNames } from './embedded-names.ts';
import { EmbeddedViews } from './embedded-views.ts';
import type { ActionResult, MassCancelResult, TransferResult, UncrossResult } from './order-result.ts';
import {
  ACCOUNT_SETTINGS,
  type AccountSettings,
  accountCommands,
  checkNames,
  SYMBOL_SETTINGS,
  type SymbolSettings,
  symbolCommands,
} from './settings.ts';
import { type Amount, countOf, type Price, type Quantity, unitFrom, unitsOf } from './symbol-units.ts';

/** Each uncross lets 256 orders or more enter or end before it. */
const MOST_UNCROSSES = 16_384;
/** Cancels that one command leaves to the next one are far fewer than this many commands. */
const MOST_SWEEPS = 65_536;
const SETTABLE_SUB_PHASES = SUB_PHASE_NAMES.slice(0, SubPhase.ClosingAuction + 1);

export interface AssetDefinition {
  /** 1 to 16 printable ASCII characters without a space, as all names. */
  readonly name: string;
  /** Its smallest unit is 10^-decimals. */
  readonly decimals: number;
  /** Default: the next one that is free, from 1; of symbols and accounts, too. */
  readonly id?: number;
}

export interface SymbolDefinition extends SymbolSettings {
  readonly name: string;
  /** What is traded, and what it is paid with: names of assets. */
  readonly base: string;
  readonly quote: string;
  /** Decimal text of one tick in the quote asset, and of one lot in the base asset. */
  readonly tickSize: string;
  readonly lotSize: string;
  /** Default: continuous. */
  readonly phase?: PhaseName;
  readonly id?: number;
}

export interface AccountDefinition extends AccountSettings {
  readonly name: string;
  /** By name of the asset. */
  readonly deposits?: Readonly<Record<string, Amount>>;
  readonly id?: number;
}

/** Limits of an account in a symbol; 0 = none. What is left out stays as it is. */
export interface PositionLimits {
  /** Largest position, bought or sold, that the account can reach. */
  readonly maxPosition?: Quantity;
  /** Most that rests, buys and sells together. */
  readonly maxExposure?: Quantity;
}

/** What a kill switch concerns: one of them. */
export type KillTarget =
  | { readonly account: string | number }
  | { readonly group: number }
  | { readonly symbol: string | number }
  | { readonly venue: true };

/** The auctions that can be set: `pre-open` collects orders, and nothing is indicated or traded. */
export type SettableSubPhase = 'none' | 'pre-open' | 'opening-auction' | 'closing-auction';

/** What the operator of an exchange does. Definitions and settings throw when the exchange rejects them; the rest are results with codes. */
export class OperatorActions extends EmbeddedViews {
  protected readonly runner: CommandRunner;

  constructor(runner: CommandRunner, names: EmbeddedNames) {
    super(runner, names);
    this.runner = runner;
  }

  /** @returns its id @throws EmbedError ALREADY_DEFINED, CAPACITY, BAD_PARAMETER, as the other definitions */
  defineAsset({ name, decimals, id = this.#free(this.machine.accounts.assetDefined) }: AssetDefinition): number {
    checkName('asset', name);
    this.#must(`asset ${name}`, { kind: CommandKind.DefineAsset, symbol: id, tag: decimals, name });
    this.names.readAsset(id);
    return id;
  }

  /** Defines a symbol, sets what is given, and then its phase. @returns its id @throws EmbedError; if a setting is wrong, the symbol stays halted */
  defineSymbol(definition: SymbolDefinition): number {
    const {
      name,
      base,
      quote,
      tickSize,
      lotSize,
      phase = 'continuous',
      id = this.#free(this.machine.symbols.defined),
      ...settings
    } = definition;
    checkName('symbol', name);
    checkNames('symbol', settings, SYMBOL_SETTINGS);
    const [tick, lot] = [unitFrom(tickSize, 'tickSize'), unitFrom(lotSize, 'lotSize')];
    this.#must(`symbol ${name}`, {
      kind: CommandKind.DefineSymbol,
      symbol: id,
      account: this.names.asset(base),
      tag: this.names.asset(quote),
      side: tick.decimals,
      timeInForce: lot.decimals,
      clientOrderId: tick.mantissa,
      orderId: lot.mantissa,
      name,
    });
    this.names.readSymbol(id);
    this.setSymbol(id, settings);
    this.#must(`phase of ${name}`, { kind: CommandKind.SetPhase, symbol: id, parameter: phaseNumber(phase) });
    return id;
  }

  /** @returns its id @throws EmbedError; if a setting or a deposit is wrong, the account stays without it */
  defineAccount(definition: AccountDefinition): number {
    const { name, deposits = {}, id = this.#free(this.machine.accounts.defined), ...settings } = definition;
    checkName('account', name);
    checkNames('account', settings, ACCOUNT_SETTINGS);
    // The state machine allows several accounts of one name, which calls by name could not tell apart.
    if (this.names.isAccount(name)) throw rejected(`account ${name}`, Code.ALREADY_DEFINED);
    this.#must(`account ${name}`, { kind: CommandKind.DefineAccount, account: id, name });
    this.names.readAccount(id);
    this.setAccount(id, settings);
    for (const [asset, amount] of Object.entries(deposits)) {
      const { code } = this.deposit(id, asset, amount);
      if (code !== Code.OK) throw rejected(`the deposit of ${asset}`, code);
    }
    return id;
  }

  /** Changes parameters of a symbol. @throws EmbedError BAD_PARAMETER, BOOK_NOT_EMPTY; what comes before stays set */
  setSymbol(symbol: string | number, settings: SymbolSettings): void {
    const units = this.names.symbol(symbol);
    checkNames('symbol', settings, SYMBOL_SETTINGS);
    const taker = this.machine.symbols.param(units.id, SymbolParam.TakerFeePpm);
    for (const command of symbolCommands(settings, units, taker)) this.#must(`a setting of ${units.name}`, command);
  }

  /** Changes parameters of an account. @throws EmbedError BAD_PARAMETER */
  setAccount(account: string | number, settings: AccountSettings): void {
    const id = this.names.account(account);
    checkNames('account', settings, ACCOUNT_SETTINGS);
    for (const command of accountCommands(settings, id)) this.#must(`a setting of ${this.names.accountName(id)}`, command);
  }

  /** @throws EmbedError BAD_PARAMETER */
  setLimits(account: string | number, symbol: string | number, limits: PositionLimits): void {
    const units = this.names.symbol(symbol);
    checkNames('limit', limits, ['maxPosition', 'maxExposure']);
    const command = { kind: CommandKind.SetLimit, account: this.names.account(account), symbol: units.id };
    const set = (parameter: LimitParam, value: Quantity | undefined): void => {
      if (value !== undefined) this.#must(`a limit in ${units.name}`, { ...command, parameter, quantity: units.lots(value) });
    };
    set(LimitParam.MaxPosition, limits.maxPosition);
    set(LimitParam.MaxExposure, limits.maxExposure);
  }

  /** The reference price of a symbol whose `referenceSource` is `outside`. */
  setReference(symbol: string | number, price: Price): ActionResult {
    const units = this.names.symbol(symbol);
    return actionOf(this.#submit({ kind: CommandKind.SetReference, symbol: units.id, quantity: units.ticks(price) }).code);
  }

  /** BOOK_CROSSED: an auction must be uncrossed before continuous trading. @param subPhase kind of an auction */
  setPhase(symbol: string | number, phase: PhaseName, subPhase: SettableSubPhase = 'none'): ActionResult {
    const side = SETTABLE_SUB_PHASES.indexOf(subPhase);
    if (side === -1) badName('sub-phase', subPhase, SETTABLE_SUB_PHASES);
    const fields = { kind: CommandKind.SetPhase, symbol: this.names.symbol(symbol).id, parameter: phaseNumber(phase), side };
    return actionOf(this.#whenReady(fields).code);
  }

  /** Ends an auction: trades all that can trade at one price. The phase stays. */
  uncross(symbol: string | number): UncrossResult {
    const units = this.names.symbol(symbol);
    const { code, price, quantity } = this.#whenReady({ kind: CommandKind.Uncross, symbol: units.id });
    return { ...actionOf(code), priceTicks: price, volumeLots: quantity, price: units.price(price), volume: units.quantity(quantity) };
  }

  /** @param key of the caller, below 2^53: a repeat of the request with it does nothing */
  deposit(account: string | number, asset: string | number, amount: Amount, key = 0): TransferResult {
    return this.#move(CommandKind.Deposit, account, asset, amount, key);
  }

  /** Only what is available. @param key as of a deposit */
  withdraw(account: string | number, asset: string | number, amount: Amount, key = 0): TransferResult {
    return this.#move(CommandKind.Withdraw, account, asset, amount, key);
  }

  /** On: new orders and amends are rejected, and what rests is cancelled. */
  kill(target: KillTarget, on: boolean): MassCancelResult {
    const quantity = Number(on);
    return this.#sweep({ kind: CommandKind.KillSwitch, ...this.#killFields(target), quantity });
  }

  /** The operator's cancel of all orders of an account, of a symbol, or of an account in a symbol. */
  cancelOrders(selection: { readonly account?: string | number; readonly symbol?: string | number }): MassCancelResult {
    const { account, symbol } = selection;
    if (account === undefined && symbol === undefined) badRange('name the account, the symbol, or both');
    return this.#sweep({
      kind: CommandKind.CancelOrders,
      account: account === undefined ? 0 : this.names.account(account),
      symbol: symbol === undefined ? 0 : this.names.symbol(symbol).id,
    });
  }

  #killFields(target: KillTarget): Omit<CommandFields, 'kind'> {
    if ('account' in target) return { parameter: KillScope.Account, account: this.names.account(target.account) };
    if ('group' in target) return { parameter: KillScope.Group, tag: countOf(target.group, 'group') };
    if ('symbol' in target) return { parameter: KillScope.Symbol, symbol: this.names.symbol(target.symbol).id };
    if (target.venue !== true) badRange('name the account, the group or the symbol, or give venue: true');
    return { parameter: KillScope.Venue };
  }

  #move(kind: CommandKind, account: string | number, asset: string | number, amount: Amount, key: number): TransferResult {
    const id = this.names.asset(asset);
    const quantity = unitsOf(amount, { mantissa: 1, decimals: this.machine.accounts.assetDecimals[id] }, 'amount');
    const fields = { kind, account: this.names.account(account), symbol: id, quantity, orderId: countOf(key, 'key') };
    const { code, repeated } = this.#submit(fields);
    return { ...actionOf(code), repeated };
  }

  /** Sends a command again while it waits for orders that enter an auction, or end. */
  #whenReady(fields: CommandFields): AdminAnswer {
    let answer = this.#submit(fields);
    for (let sent = 1; answer.code === Code.UNCROSS_WAITS && sent < MOST_UNCROSSES; sent++) answer = this.#submit(fields);
    return answer;
  }

  /** Sends a command again while it leaves orders that it cancels. */
  #sweep(fields: CommandFields): MassCancelResult {
    let answer = this.#submit(fields);
    let count = answer.quantity;
    for (let sent = 1; answer.code === Code.OK && answer.leaves !== 0 && sent < MOST_SWEEPS; sent++) {
      answer = this.#submit(fields);
      count += answer.quantity;
    }
    return { ...actionOf(answer.code), count };
  }

  #must(what: string, fields: CommandFields): void {
    const { code } = this.#submit(fields);
    if (code !== Code.OK) throw rejected(what, code);
  }

  #submit(fields: CommandFields): AdminAnswer {
    const answer = new AdminAnswer();
    this.runner.submit(fields, answer);
    return answer;
  }

  /** The first id that is not in use. The exchange rejects one beyond its capacity. */
  #free(defined: Uint8Array): number {
    const id = defined.indexOf(0, 1);
    return id === -1 ? defined.length : id;
  }
}

/** What to do about the codes of definitions and settings. */
const ADVICE: Readonly<Partial<Record<number, string>>> = {
  [Code.BAD_PARAMETER]:
    'a value is out of its range. A lot must be a whole number of smallest units of the base asset, and a tick times a lot of the quote asset: give the asset more decimals',
  [Code.CAPACITY]: 'there is no room for another one: raise it in the option limits',
  [Code.ALREADY_DEFINED]: 'the name or the id is taken',
  [Code.BOOK_NOT_EMPTY]: 'this can change only while the book is empty',
};

function rejected(what: string, code: Code): EmbedError {
  return new EmbedError(codeName(code), `${what} was rejected: ${ADVICE[code] ?? 'see docs/CODES.md'}`, code);
}

function phaseNumber(phase: PhaseName): number {
  const number = PHASE_NAMES.indexOf(phase);
  return number === -1 ? badName('phase', phase, PHASE_NAMES) : number;
}
