import type { InstrumentFeed } from '../books/instrument-feed.ts';
import { type BookSide, FeedFault } from '../feed.ts';
import type { JsonScanner } from '../text/json-scanner.ts';

/**
 * Reads `[["0.3521","672"], ...]` into a book: price and quantity, and whatever stands behind them. Numbers that do not
 * fit are counted at the instrument.
 * @param position of the list, in a text that the scanner has read to its end
 * @returns false if it is no list, or an entry has no price and quantity: the book is not what the venue has then
 */
export function readLevels(scanner: JsonScanner, position: number, instrument: InstrumentFeed, side: BookSide): boolean {
  scanner.resume(position);
  let complete = scanner.array();
  if (!complete) instrument.fault(FeedFault.MissingField);
  while (scanner.next()) {
    let inside = scanner.array() && scanner.next();
    const priced = inside && scanner.value();
    const { from, to } = scanner;
    inside = inside && scanner.next();
    if (priced && inside && scanner.value()) instrument.level(side, scanner.bytes, from, to, scanner.from, scanner.to);
    else {
      instrument.fault(FeedFault.MissingField);
      complete = false;
    }
    if (inside) scanner.leave();
  }
  return complete;
}
