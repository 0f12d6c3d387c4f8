/** What to quote: numbers in, numbers out. Prices in ticks, quantities in lots. */

export interface Settings {
  /** Lots of each side. */
  readonly size: number;
  /** Lots: it buys only below it, and sells only above less it. */
  readonly maxPosition: number;
}

/** A price of each side; 0: none. */
export interface Prices {
  readonly bid: number;
  readonly ask: number;
}

/**
 * Joins the best prices of the others. Where there is room between them, it goes a tick in front. A side that would take the position beyond its limit is left out.
 * @param best of the others; a side without orders is 0
 */
export function pricesFor(best: Prices, position: number, { size, maxPosition }: Settings): Prices {
  const room = best.bid > 0 && best.ask - best.bid > 2 ? 1 : 0;
  return {
    bid: best.bid > 0 && position + size <= maxPosition ? best.bid + room : 0,
    ask: best.ask > 0 && position - size >= -maxPosition ? best.ask - room : 0,
  };
}

/** The best price of others: without the own order, if it stands alone there. */
export function othersBest(
  levels: readonly { priceTicks: number; quantityLots: number }[],
  own: { priceTicks: number; lots: number },
): number {
  const found = levels.find(({ priceTicks, quantityLots }) => priceTicks !== own.priceTicks || quantityLots > own.lots);
  return found?.priceTicks ?? 0;
}
