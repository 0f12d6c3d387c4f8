import { unitsToDecimal } from '../../../engine/decimal.ts';
import type { Directory } from '../../../engine/threads/directory.ts';
import type { AssetInfo, SymbolInfo } from '../../../engine/threads/directory-info.ts';

/** Amounts as decimal text, and where views find the symbols of them. */

export const priceText = (symbol: SymbolInfo, ticks: number) => unitsToDecimal(ticks, symbol.tickMantissa, symbol.tickDecimals);
export const quantityText = (symbol: SymbolInfo, lots: number) => unitsToDecimal(lots, symbol.lotMantissa, symbol.lotDecimals);
export const moneyText = (asset: AssetInfo, units: number) => unitsToDecimal(units, 1, asset.decimals);

/** Where views find the symbol of an order. */
export type SymbolLookup = Pick<Directory, 'symbol' | 'asset'>;

/** Reads each symbol once: for one long answer, whose items have few symbols. */
export function eachSymbolOnce(directory: SymbolLookup): SymbolLookup {
  const known = new Map<number, SymbolInfo | undefined>();
  return {
    asset: (id) => directory.asset(id),
    symbol: (id) => {
      if (!known.has(id)) known.set(id, directory.symbol(id));
      return known.get(id);
    },
  };
}
