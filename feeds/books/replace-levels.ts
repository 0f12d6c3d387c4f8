import type { FeedSink } from '../feed.ts';
import type { BookLevels } from './venue-book.ts';

/**
 * Makes a side have exactly the given levels, best first, and writes only what changed to the sink. Two rows of a file
 * that states whole books differ in few levels.
 * @param count of the levels at the beginning of `prices` and `quantities`; quantities above 0
 * @param priceDecimals of the units, as every level is written
 */
export function replaceLevels(
  sink: Pick<FeedSink, 'level'>,
  instrument: number,
  levels: BookLevels,
  prices: Float64Array,
  quantities: Float64Array,
  count: number,
  priceDecimals: number,
): void {
  const { side } = levels;
  for (let depth = 0; depth < count; depth++) {
    const price = prices[depth];
    while (depth < levels.length && levels.isBetter(levels.price(depth), price)) {
      const gone = levels.price(depth);
      levels.set(gone, 0, 0, 0);
      sink.level(instrument, side, gone, 0);
    }
    if (depth < levels.length && levels.price(depth) === price && levels.quantity(depth) === quantities[depth]) continue;
    levels.set(price, quantities[depth], priceDecimals, 0);
    sink.level(instrument, side, price, quantities[depth]);
  }
  while (levels.length > count) {
    const gone = levels.price(levels.length - 1);
    levels.dropWorst();
    sink.level(instrument, side, gone, 0);
  }
}

/** True if levels are sorted, best first, without two of one price. {@link replaceLevels} needs it. */
export function areSorted(levels: BookLevels, prices: Float64Array, count: number): boolean {
  for (let depth = 1; depth < count; depth++) if (!levels.isBetter(prices[depth - 1], prices[depth])) return false;
  return true;
}
