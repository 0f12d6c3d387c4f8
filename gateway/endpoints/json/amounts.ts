import { unitsToDecimal } from '../../../engine/decimal.ts';
import type { Directory } from '../../../engine/threads/directory.ts';
import type { AssetInfo, SymbolInfo } from '../../../engine/threads/directory-info.ts';
import { SymbolUnits } from '../../client/symbols.ts';

/** Amounts as decimal text, and where views find the symbols of them. */

export const priceText = (symbol: SymbolInfo, ticks: number) => unitsToDecimal(ticks, symbol.tickMantissa, symbol.tickDecimals);
export const quantityText = (symbol: SymbolInfo, lots: number) => unitsToDecimal(lots, symbol.lotMantissa, symbol.lotDecimals);
export const moneyText = (asset: AssetInfo, units: number) => unitsToDecimal(units, 1, asset.decimals);

/** The units of a symbol's amounts, which never change. */
export function unitsOf({ id, name, tickMantissa, tickDecimals, lotMantissa, lotDecimals }: SymbolInfo): SymbolUnits {
  return new SymbolUnits({
    id,
    name,
    tickSize: unitsToDecimal(1, tickMantissa, tickDecimals),
    lotSize: unitsToDecimal(1, lotMantissa, lotDecimals),
  });
}

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
