import { wideValue } from './wide-sum.ts';

/** Decimal places of a volume-weighted average price beyond those of the tick. */
const MORE_PLACES = 4;

/**
 * The volume-weighted average price as decimal text, rounded half up to four places more than the tick has; '' without volume.
 * @param notionalLow `notionalHigh` too: sum of ticks times lots, see wide-sum.ts
 * @param mantissa of the tick, `mantissa * 10^-decimals`
 */
export function vwapText(notionalLow: number, notionalHigh: number, volume: number, mantissa: number, decimals: number): string {
  if (volume === 0) return '';
  const places = decimals + MORE_PLACES;
  const lots = BigInt(volume);
  const scaled = wideValue(notionalLow, notionalHigh) * BigInt(mantissa) * 10n ** BigInt(MORE_PLACES);
  const digits = String((2n * scaled + lots) / (2n * lots)).padStart(places + 1, '0');
  return `${digits.slice(0, -places)}.${digits.slice(-places)}`;
}

/**
 * A sum of ticks times lots as exact decimal text.
 * @param mantissa of the product of a tick and a lot, `mantissa * 10^-decimals`
 */
export function notionalText(notionalLow: number, notionalHigh: number, mantissa: bigint, decimals: number): string {
  const digits = String(wideValue(notionalLow, notionalHigh) * mantissa).padStart(decimals + 1, '0');
  return decimals === 0 ? digits : `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}
