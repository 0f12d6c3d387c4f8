import { Code } from '../codes.ts';
import { unitsToDecimal } from '../decimal.ts';
import type { MachineState } from '../machine/state.ts';
import { nameAt } from '../rules/accounts.ts';
import { badRange, refuse } from './embed-error.ts';
import { SymbolUnits } from './symbol-units.ts';

/** Assets, symbols and accounts of a state by name and by id. Read from the state, so that a restored one has them, too. */
export class EmbeddedNames {
  readonly #state: MachineState;
  readonly #assets = new Map<string, number>();
  readonly #accounts = new Map<string, number>();
  readonly #symbols = new Map<string, SymbolUnits>();
  readonly #symbolsById: (SymbolUnits | undefined)[] = [];
  readonly #accountNames: string[] = [''];
  /**
   * The symbol that was named last, and the caller's string: a program often names one for long, and comparing a string with itself costs
   * less than a look-up.
   */
  #lastName = '';
  #lastNamed: SymbolUnits | undefined;

  constructor(state: MachineState) {
    this.#state = state;
  }

  /** Reads all definitions of the state. */
  readAll(): void {
    const { accounts, symbols } = this.#state;
    for (let id = 1; id < accounts.assets; id++) if (accounts.assetDefined[id] !== 0) this.readAsset(id);
    for (let id = 1; id < symbols.capacity; id++) if (symbols.defined[id] !== 0) this.readSymbol(id);
    for (let id = 1; id < accounts.capacity; id++) if (accounts.defined[id] !== 0) this.readAccount(id);
  }

  readAsset(id: number): void {
    this.#assets.set(nameAt(this.#state.accounts.assetNames, id), id);
  }

  readSymbol(id: number): void {
    const { accounts, symbols } = this.#state;
    const [base, quote] = [symbols.baseAsset[id], symbols.quoteAsset[id]];
    const units = new SymbolUnits({
      id,
      name: nameAt(symbols.names, id),
      base: nameAt(accounts.assetNames, base),
      quote: nameAt(accounts.assetNames, quote),
      tick: { mantissa: symbols.tickMantissa[id], decimals: symbols.tickDecimals[id] },
      lot: { mantissa: symbols.lotMantissa[id], decimals: symbols.lotDecimals[id] },
      quoteDecimals: accounts.assetDecimals[quote],
    });
    while (this.#symbolsById.length <= id) this.#symbolsById.push(undefined);
    this.#symbolsById[id] = units;
    this.#lastNamed = undefined;
    this.#symbols.set(units.name, units);
  }

  readAccount(id: number): void {
    const name = nameAt(this.#state.accounts.names, id);
    while (this.#accountNames.length <= id) this.#accountNames.push('');
    this.#accountNames[id] = name;
    this.#accounts.set(internalized(name), id);
  }

  symbols(): readonly string[] {
    return [...this.#symbols.keys()];
  }

  assets(): readonly string[] {
    return [...this.#assets.keys()];
  }

  isAccount(name: string): boolean {
    return this.#accounts.has(name);
  }

  accounts(): readonly string[] {
    return [...this.#accounts.keys()];
  }

  /** @throws EmbedError UNKNOWN_SYMBOL */
  symbol(symbol: string | number): SymbolUnits {
    if (typeof symbol === 'string' && symbol === this.#lastName && this.#lastNamed !== undefined) return this.#lastNamed;
    const found = typeof symbol === 'number' ? this.#symbolsById[symbol] : this.#symbols.get(symbol);
    if (typeof symbol === 'string' && found !== undefined) {
      this.#lastName = symbol;
      this.#lastNamed = found;
    }
    return found ?? refuse(Code.UNKNOWN_SYMBOL, `there is no symbol ${symbol}; there are: ${list(this.symbols())}`);
  }

  /** Id of an asset. @throws EmbedError UNKNOWN_ASSET */
  asset(asset: string | number): number {
    const { accounts } = this.#state;
    const id = typeof asset === 'number' ? asset : this.#assets.get(asset);
    if (id !== undefined && id > 0 && id < accounts.assets && accounts.assetDefined[id] !== 0) return id;
    refuse(Code.UNKNOWN_ASSET, `there is no asset ${asset}; there are: ${list(this.assets())}`);
  }

  /** Id of a defined account. @throws EmbedError UNKNOWN_ACCOUNT */
  account(account: string | number): number {
    const id = this.sender(account);
    return this.#state.accounts.exists(id) ? id : this.#unknownAccount(account);
  }

  /** Id of the account of a command. A number may be that of no account: the exchange finds that, and rejects the command. @throws EmbedError UNKNOWN_ACCOUNT */
  sender(account: string | number): number {
    if (typeof account !== 'number') return this.#accounts.get(account) ?? this.#unknownAccount(account);
    return account >>> 0 === account && account !== 0 ? account : this.#unknownAccount(account);
  }

  #unknownAccount(account: string | number): never {
    refuse(Code.UNKNOWN_ACCOUNT, `there is no account ${account}; there are: ${list(this.accounts())}`);
  }

  assetName(id: number): string {
    return nameAt(this.#state.accounts.assetNames, id);
  }

  accountName(id: number): string {
    return this.#accountNames[id] ?? '';
  }

  symbolName(id: number): string {
    return this.#symbolsById[id]?.name ?? '';
  }

  /** Ticks as decimal text; those of an unknown symbol as they are. */
  price(symbol: number, ticks: number): string {
    return this.#symbolsById[symbol]?.price(ticks) ?? String(ticks);
  }

  quantity(symbol: number, lots: number): string {
    return this.#symbolsById[symbol]?.quantity(lots) ?? String(lots);
  }

  money(symbol: number, units: number): string {
    return this.#symbolsById[symbol]?.money(units) ?? String(units);
  }

  /** An amount of an asset as decimal text. @param asset id */
  amount(asset: number, units: number): string {
    return unitsToDecimal(units, 1, this.#state.accounts.assetDecimals[asset]);
  }
}

/** The string that literals and property names of the same text are: a map finds it without comparing characters. */
function internalized(text: string): string {
  return Object.keys({ [text]: true })[0];
}

const MOST_LISTED = 10;

function list(names: readonly string[]): string {
  if (names.length === 0) return 'none';
  const shown = names.slice(0, MOST_LISTED).join(', ');
  return names.length > MOST_LISTED ? `${shown} and ${names.length - MOST_LISTED} more` : shown;
}

/** Checks the name of a definition: 1 to 16 printable ASCII characters without a space. @throws EmbedError */
export function checkName(what: string, name: string): void {
  if (typeof name !== 'string' || !/^[\x21-\x7e]{1,16}$/.test(name))
    badRange(`the name of the ${what} has 1 to 16 printable ASCII characters without a space, not ${JSON.stringify(name)}`);
}
