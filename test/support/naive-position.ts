import type { PositionSums } from '../../feeds/analysis/average-cost.ts';

/** A fill of one account in one symbol: ticks, lots, units of the quote asset. */
export interface NaiveFill {
  readonly isBuy: boolean;
  readonly price: number;
  readonly quantity: number;
  /** Below 0: a rebate. */
  readonly fee: number;
}

/** Half up, for a divisor above 0 and a dividend from 0. */
const nearest = (dividend: bigint, divisor: bigint): bigint => {
  const [whole, rest] = [dividend / divisor, dividend % divisor];
  return 2n * rest >= divisor ? whole + 1n : whole;
};

/** The position after fills, by the definition of average cost: profit is computed where a fill closes something. */
export function naivePosition(allFills: readonly NaiveFill[]): PositionSums {
  let [position, cost, realised, fees] = [0n, 0n, 0n, 0n];
  const sums = { bought: 0n, sold: 0n, boughtNotional: 0n, soldNotional: 0n };
  for (const fill of allFills) {
    const [price, lots] = [BigInt(fill.price), BigInt(fill.quantity)];
    fees += BigInt(fill.fee);
    if (fill.isBuy) {
      sums.bought += lots;
      sums.boughtNotional += price * lots;
    } else {
      sums.sold += lots;
      sums.soldNotional += price * lots;
    }
    const open = position < 0n ? -position : position;
    const reduces = (position > 0n && !fill.isBuy) || (position < 0n && fill.isBuy);
    const closed = !reduces ? 0n : lots < open ? lots : open;
    if (closed > 0n) {
      const part = nearest(cost * closed, open);
      realised += position > 0n ? price * closed - part : part - price * closed;
      cost -= part;
    }
    cost += price * (lots - closed);
    position += fill.isBuy ? lots : -lots;
  }
  return { position, cost, realised, fees, ...sums };
}
