import type { InstrumentFeed } from '../books/instrument-feed.ts';
import type { BookLevels, VenueBook } from '../books/venue-book.ts';
import { type FeedFault, type FeedSink, faultCode } from '../feed.ts';
import { decimalText } from '../text/decimal.ts';
import type { VenueLine } from '../venues/venue-line.ts';
import { CaptureReplay } from './capture-replay.ts';
import { type CaptureError, readCaptureByTime } from './captures.ts';

/** The book of an instrument at the end of a capture. */
export interface CapturedBook {
  /** As the venue writes it. */
  readonly instrument: string;
  /** Price and quantity as the venue wrote them, best first. */
  readonly bids: readonly (readonly [price: string, quantity: string])[];
  readonly asks: readonly (readonly [price: string, quantity: string])[];
  /** Book updates that were applied after the snapshot. */
  readonly updates: number;
  /** Checksums of the venue that were compared. */
  readonly checks: number;
  readonly failed: number;
  /** Times that the book was crossed after an update. */
  readonly crossed: number;
}

export interface CapturedBooks {
  /** Every instrument that had a book, in the order of its name. */
  readonly books: readonly CapturedBook[];
  /** How often each fault was counted, by code; none that did not occur. */
  readonly faults: ReadonlyMap<string, number>;
  /** The file was cut short: the books are those of its whole lines. */
  readonly truncated: CaptureError | undefined;
}

/** Reads a capture through its venue's adapter. @param levels most levels of each side @throws CaptureError */
export async function captureBooks(path: string, levels: number): Promise<CapturedBooks> {
  const capture = await readCaptureByTime(path);
  const sink = new CountingSink();
  const replay = new CaptureReplay(path, capture, sink);
  replay.run();
  return { books: booksOf(replay.adapter, levels), faults: sink.faults, truncated: capture.truncated };
}

/** The books of an adapter, as they are now. @param levels most levels of each side */
export function booksOf({ instruments }: VenueLine, levels: number): CapturedBook[] {
  return instruments
    .filter(({ snapshots }) => snapshots > 0)
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((instrument) => capturedBook(instrument, levels));
}

function capturedBook(instrument: InstrumentFeed, levels: number): CapturedBook {
  const { name, book, updates, checks, failed, crossed } = instrument;
  return {
    instrument: name,
    bids: levelTexts(book.bids, book, levels),
    asks: levelTexts(book.asks, book, levels),
    updates,
    checks,
    failed,
    crossed,
  };
}

function levelTexts(levels: BookLevels, book: VenueBook, most: number): [string, string][] {
  return Array.from({ length: Math.min(levels.length, most) }, (_, depth) => [
    decimalText(levels.price(depth), book.priceDecimals, levels.writtenPriceDecimals(depth)),
    decimalText(levels.storedQuantity(depth), book.quantityDecimals - levels.coarseness(depth), levels.writtenQuantityDecimals(depth)),
  ]);
}

/** The books are read from the adapter; of what it writes, only the faults are counted. */
class CountingSink implements FeedSink {
  readonly faults = new Map<string, number>();
  readonly #names: string[] = [];

  instrument(name: string): number {
    return this.#names.push(name) - 1;
  }

  fault(_instrument: number, fault: FeedFault): void {
    const code = faultCode(fault);
    this.faults.set(code, (this.faults.get(code) ?? 0) + 1);
  }

  scale(): void {
    // The adapter's book has its own units.
  }

  sequence(): void {
    // Captures are checked by the adapter.
  }

  bookClear(): void {
    // The adapter's book has all levels.
  }

  level(): void {
    // As above.
  }

  bookEnd(): void {
    // As above.
  }

  trade(): void {
    // Not part of the book.
  }

  quote(): void {
    // Not part of the book.
  }

  status(): void {
    // At the end, only the faults matter.
  }
}
