/** A reader of the feeds' ring on a thread of its own: it builds the books of one source from the records, and answers with them. */
import { parentPort, workerData } from 'node:worker_threads';
import { SinkBooks } from '../../feeds/books/sink-books.ts';
import { ALL_INSTRUMENTS, BookSide, FeedState, stateName } from '../../feeds/feed.ts';
import { type FeedRecord, RecordKind } from '../../feeds/feed-record.ts';
import { BroadcastReader } from '../../feeds/rings/broadcast-ring.ts';
import { LatestReader, LatestValues } from '../../feeds/rings/latest-values.ts';
import type { FeedHandles } from '../../feeds/worker/feed-handles.ts';

export interface RingBooksData {
  readonly handles: FeedHandles;
  /** How many sources there are; the answer follows when all of them have ended, or are down. */
  readonly sources: number;
  readonly levels: number;
}

/** The book of an instrument, as `openbell feeds books` has it. */
export interface RingBook {
  readonly instrument: string;
  readonly bids: readonly (readonly [string, string])[];
  readonly asks: readonly (readonly [string, string])[];
  readonly updates: number;
  readonly crossed: number;
  readonly trades: number;
  readonly quotes: number;
}

export interface RingBooks {
  /** By source. */
  readonly books: RingBook[][];
  readonly states: string[];
  readonly missed: number;
  /** Values of the table that do not belong together: a best bid that is no number of a level. */
  readonly torn: number;
}

const WAIT_MS = 1000;

class Source {
  readonly sink = new SinkBooks();
  /** Numbers in the sink by those in the ring. */
  readonly numbers = new Map<number, number>();
  ended = false;
  state = '';

  take(record: FeedRecord, nameOf: (row: number) => string): void {
    const { instrument, kind, detail, a, b } = record;
    if (instrument === ALL_INSTRUMENTS) {
      this.state = stateName(detail as FeedState);
      this.ended = detail === FeedState.Ended || (detail === FeedState.Down && a > 0);
      return;
    }
    let number = this.numbers.get(instrument);
    if (number === undefined) {
      number = this.sink.instrument(nameOf(instrument));
      this.numbers.set(instrument, number);
    }
    if (kind === RecordKind.scale) this.sink.scale(number, a, b);
    else if (kind === RecordKind.bookClear) this.sink.bookClear(number);
    else if (kind === RecordKind.level) this.sink.level(number, detail === BookSide.Bid ? BookSide.Bid : BookSide.Ask, a, b);
    else if (kind === RecordKind.bookEnd) this.sink.bookEnd(number);
    else if (kind === RecordKind.trade) this.sink.trade(number);
    else if (kind === RecordKind.quote) this.sink.quote(number);
    else this.sink.status(number, detail as FeedState);
  }
}

function read({ handles, sources, levels }: RingBooksData): RingBooks {
  const reader = new BroadcastReader(handles.ring, { from: 'oldest' });
  const latest = new LatestReader(handles.latest);
  const values = new LatestValues();
  const of = Array.from({ length: sources }, () => new Source());
  let torn = 0;
  while (!of.every(({ ended }) => ended)) {
    const count = reader.poll();
    for (let i = 0; i < count; i++) {
      const record = reader.at(i);
      of[record.source].take(record, (row) => latest.name(row));
      if (record.instrument === ALL_INSTRUMENTS) continue;
      latest.read(record.instrument, values);
      if (values.bidQuantity === 0 ? values.bid !== 0 : values.bid === 0) torn++;
    }
    if (count === 0) reader.wait(WAIT_MS);
  }
  return {
    books: of.map(({ sink }) =>
      sink.sorted().map((book) => ({
        instrument: book.name,
        bids: book.texts(BookSide.Bid, levels),
        asks: book.texts(BookSide.Ask, levels),
        updates: book.updates,
        crossed: book.crossed,
        trades: book.trades,
        quotes: book.quotes,
      })),
    ),
    states: of.map(({ state }) => state),
    missed: reader.missedTotal,
    torn,
  };
}

if (parentPort !== null) parentPort.postMessage(read(workerData as RingBooksData));
