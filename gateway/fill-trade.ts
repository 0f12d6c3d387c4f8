import { Side } from '../engine/wire/layout.ts';
import { ReportFlag } from '../engine/wire/names.ts';
import { Taker } from '../feeds/analysis/candles.ts';

/** The fill is the other one of its trade. */
export const NO_TRADE = -1;

/**
 * Each trade has two fills, and one of them counts as the trade: the taker's, in an auction the seller's, which comes second.
 * @param flags of the Fill report @param side of its order
 * @returns a {@link Taker}, or {@link NO_TRADE}
 */
export function takerOfFill(flags: number, side: number): number {
  if ((flags & ReportFlag.Auction) !== 0) return side === Side.Sell ? Taker.None : NO_TRADE;
  if ((flags & ReportFlag.Maker) !== 0) return NO_TRADE;
  return side === Side.Buy ? Taker.Buy : Taker.Sell;
}
