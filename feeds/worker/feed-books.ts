import { ConsolidatedBook } from '../books/consolidated-book.ts';
import { ConsolidatingSink } from '../books/consolidating-sink.ts';
import type { FeedFault } from '../feed.ts';
import type { BookSource, ConsolidatedHandle } from '../rings/consolidated-table.ts';
import type { PublishedSink, RecordPublisher } from '../rings/record-publisher.ts';

/** A consolidated book, for the thread that writes it. */
export interface WrittenBook {
  readonly sources: readonly BookSource[];
  readonly book: ConsolidatedBook;
}

/** The writing ends of books, for one thread at a time. The books are empty then, and all sources of them down. */
export function openBooks(handles: readonly ConsolidatedHandle[], fault: FeedFault, nowUs: number): WrittenBook[] {
  return handles.map((handle) => ({ sources: handle.spec.sources, book: new ConsolidatedBook(handle, fault, nowUs) }));
}

/** The sink for a source: its publisher, and before it the books that have instruments of the source. */
export function bookedSink(publisher: RecordPublisher, feed: string, books: readonly WrittenBook[]): PublishedSink {
  const instruments = books.flatMap(({ sources, book }) =>
    sources.flatMap((of, source) => (of.feed === feed ? [{ instrument: publisher.instrument(of.instrument), book, source }] : [])),
  );
  return instruments.length === 0 ? publisher : new ConsolidatingSink(publisher, instruments);
}
