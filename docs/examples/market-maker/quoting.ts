/** What to quote: numbers in, numbers out. Prices in ticks, quantities in lots. */

export interface Level {
  readonly price: number;
  readonly quantity: number;
}

export interface Quote {
  readonly bid: Level | undefined;
  readonly ask: Level | undefined;
}

export interface QuoteSettings {
  /** Distance of each side from the reference without a position, ticks, from 1. */
  readonly halfSpread: number;
  /** Of each side, lots, from 1. */
  readonly size: number;
  /** Position, long or short, at which the side that would add to it is no longer quoted, lots, from 1. */
  readonly maxPosition: number;
  /** How far the reference moves against a position of `maxPosition`, ticks. 0: not at all. */
  readonly skew: number;
}

export const NO_QUOTE: Quote = { bid: undefined, ask: undefined };

/**
 * The middle of the best prices of others, ticks, rounded down; undefined if others have orders on fewer than two sides.
 * @param bids best first; `own` is part of one of them
 */
export function referenceOf(bids: readonly Level[], asks: readonly Level[], own: Quote): number | undefined {
  const bid = bestOfOthers(bids, own.bid);
  const ask = bestOfOthers(asks, own.ask);
  return bid === undefined || ask === undefined ? undefined : Math.floor((bid + ask) / 2);
}

function bestOfOthers(levels: readonly Level[], own: Level | undefined): number | undefined {
  return levels.find(({ price, quantity }) => price !== own?.price || quantity > own.quantity)?.price;
}

/**
 * Both sides around the reference, moved against the position: with a long position, both are lower.
 * @param position lots, negative if short
 */
export function quoteAround(reference: number, position: number, { halfSpread, size, maxPosition, skew }: QuoteSettings): Quote {
  const middle = reference - Math.round((skew * position) / maxPosition);
  const buys = Math.min(size, maxPosition - position);
  const sells = Math.min(size, maxPosition + position);
  return {
    bid: buys > 0 && middle > halfSpread ? { price: middle - halfSpread, quantity: buys } : undefined,
    ask: sells > 0 ? { price: Math.max(middle + halfSpread, 1), quantity: sells } : undefined,
  };
}

export function isSame(a: Quote, b: Quote): boolean {
  return isSameLevel(a.bid, b.bid) && isSameLevel(a.ask, b.ask);
}

function isSameLevel(a: Level | undefined, b: Level | undefined): boolean {
  return a?.price === b?.price && a?.quantity === b?.quantity;
}
