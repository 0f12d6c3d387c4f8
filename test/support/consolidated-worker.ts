/** The other thread of the tests of consolidated books: writes one book at full speed until it is stopped. */
import { workerData } from 'node:worker_threads';
import { ConsolidatedBook } from '../../feeds/books/consolidated-book.ts';
import { BookSide, FeedFault, FeedState } from '../../feeds/feed.ts';
import type { ConsolidatedHandle } from '../../feeds/rings/consolidated-table.ts';

export interface BookWriterData {
  readonly handle: ConsolidatedHandle;
  /** [0]: publications so far, at least; [1]: raised to stop. */
  readonly control: Int32Array;
}

if (workerData !== null) {
  const { handle, control } = workerData as BookWriterData;
  const book = new ConsolidatedBook(handle, FeedFault.None, 0);
  const { levels, sources } = handle.spec;
  for (let source = 0; source < sources.length; source++) book.status(source, FeedState.Live, FeedFault.None, 0);
  for (let value = 1; Atomics.load(control, 1) === 0; value++) {
    // Every quantity of a publication has the same value.
    for (let source = 0; source < sources.length; source++) {
      for (let level = 0; level < levels; level++) {
        book.level(source, BookSide.Bid, 1000 - level, value);
        book.level(source, BookSide.Ask, 1001 + level, value);
      }
      book.bookEnd(source);
    }
    book.publish(value);
    if (value % 256 === 0) Atomics.store(control, 0, value);
  }
}
