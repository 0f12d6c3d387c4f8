import type { Directory } from '../../../engine/threads/directory.ts';
import type { AssetInfo, SymbolInfo } from '../../../engine/threads/directory-info.ts';
import type { SymbolUnits } from '../../client/symbols.ts';
import { type SymbolLookup, unitsOf } from './amounts.ts';
import { symbolNamed } from './symbol-named.ts';

/**
 * Symbols as they were when they were first asked for: name, assets, tick and lot, which never change. Prices, phases and
 * parameters of them are old.
 */
export class KnownSymbols implements SymbolLookup {
  readonly #directory: Directory;
  readonly #byId = new Map<number, SymbolInfo>();
  readonly #units = new Map<string, SymbolUnits>();

  constructor(directory: Directory) {
    this.#directory = directory;
  }

  symbol(id: number): SymbolInfo | undefined {
    const known = this.#byId.get(id);
    if (known !== undefined) return known;
    const found = this.#directory.symbol(id);
    if (found !== undefined) this.#byId.set(id, found);
    return found;
  }

  asset(id: number): AssetInfo | undefined {
    return this.#directory.asset(id);
  }

  /** The units of a symbol's amounts. @throws RequestError UNKNOWN_SYMBOL */
  units(name: string): SymbolUnits {
    const known = this.#units.get(name);
    if (known !== undefined) return known;
    const units = unitsOf(symbolNamed(this.#directory, name));
    this.#units.set(name, units);
    return units;
  }
}
