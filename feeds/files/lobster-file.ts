import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { FeedFault, type FeedSink } from '../feed.ts';
import { endOf, type FileBytesError } from './file-bytes.ts';
import { LobsterBook } from './lobster.ts';
import { type NumberRows, numberRows } from './number-rows.ts';
import { dayOfPath } from './venue-day.ts';

const COLUMNS = 6;
/** A step: each event may change all levels that the book file has. */
const STEP_EVENTS = 512;

export interface LobsterSummary {
  readonly instrument: string;
  readonly events: number;
  /** Events of an unknown type or with numbers that are out of range. */
  readonly malformed: number;
  readonly checks: number;
  readonly failed: number;
  /** The book file, if there is one. */
  readonly bookPath: string | undefined;
  /** The end of the message file could not be read. */
  readonly truncated: FileBytesError | undefined;
}

/** `AAPL_2012-06-21_..._message_10.csv`: the ticker, and the book file beside it. */
export function lobsterNames(path: string): { instrument: string; bookPath: string | undefined } | undefined {
  const name = basename(path);
  const match = /^([^_]+)_(?:.*_)?message(?:_\d+)?\.csv(?:\.gz)?$/.exec(name);
  if (match === null) return undefined;
  const bookPath = join(dirname(path), name.replace(/message(?=(?:_\d+)?\.csv)/, 'orderbook'));
  return { instrument: match[1], bookPath: existsSync(bookPath) ? bookPath : undefined };
}

/** A message file of LOBSTER, and the book file beside it if there is one, that is read into a sink. */
export class LobsterReading {
  readonly #path: string;
  readonly #sink: FeedSink;
  readonly #dayStartUs: number;
  /** Events so far, with the one that is being read. */
  events = 0;
  /** Events of an unknown type or with numbers that are out of range. */
  malformed = 0;
  /** The sink does not want the instrument: the file is not read. */
  isUnwanted = false;

  constructor(path: string, sink: FeedSink, dayStartUs: number = dayOfPath(path)) {
    this.#path = path;
    this.#sink = sink;
    this.#dayStartUs = dayStartUs;
  }

  /** @throws FileBytesError if a file cannot be opened, or the book file ends before the message file */
  async *steps(): AsyncGenerator<void, LobsterSummary, void> {
    const path = this.#path;
    const { instrument, bookPath } = lobsterNames(path) ?? { instrument: basename(path).split(/[_.]/)[0], bookPath: undefined };
    const number = this.#sink.instrument(instrument);
    this.isUnwanted = number === -1;
    if (this.isUnwanted) return { instrument, events: 0, malformed: 0, checks: 0, failed: 0, bookPath, truncated: undefined };
    const book = new LobsterBook(this.#sink, number, this.#dayStartUs);
    const states = bookPath === undefined ? undefined : new RowCursor(numberRows(bookPath, 0, -1));
    if (states === undefined) book.begin();
    let truncated: FileBytesError | undefined;
    try {
      for await (const rows of numberRows(path, COLUMNS, 0)) {
        yield* this.#rows(rows, book, number, states);
        yield;
      }
    } catch (error) {
      truncated = endOf(error);
    } finally {
      await states?.close();
    }
    const { events, malformed } = this;
    return { instrument, events, malformed, checks: book.checks, failed: book.failed, bookPath, truncated };
  }

  async *#rows({ count, values }: NumberRows, book: LobsterBook, number: number, states: RowCursor | undefined): AsyncGenerator<void> {
    for (let row = 0; row < count; row++) {
      const at = row * COLUMNS;
      const [time, type, , size, price, direction] = values.subarray(at, at + COLUMNS);
      const state = await states?.next();
      if (this.events++ === 0 && state !== undefined) book.seed(state.values, states?.at ?? 0, state.columns, type, size, price, direction);
      if (!book.event(time, type, size, price, direction)) {
        this.malformed++;
        this.#sink.fault(number, FeedFault.Malformed);
      }
      if (state === undefined) book.endEvent();
      else book.state(state.values, states?.at ?? 0, state.columns);
      if ((row + 1) % STEP_EVENTS === 0) yield;
    }
  }
}

/** Reads both files to their end. @throws as the steps of {@link LobsterReading} */
export async function readLobster(path: string, sink: FeedSink, dayStartUs: number = dayOfPath(path)): Promise<LobsterSummary> {
  const steps = new LobsterReading(path, sink, dayStartUs).steps();
  for (;;) {
    const { done, value } = await steps.next();
    if (done === true) return value;
  }
}

/** One row after the other of batches of rows. */
class RowCursor {
  readonly #batches: AsyncGenerator<NumberRows>;
  #batch: NumberRows | undefined;
  #row = 0;
  /** Where the row begins in the values of its batch. */
  at = 0;

  constructor(batches: AsyncGenerator<NumberRows>) {
    this.#batches = batches;
  }

  /** @returns the batch of the next row, which begins at {@link at}; undefined behind the last */
  async next(): Promise<NumberRows | undefined> {
    while (this.#batch === undefined || this.#row === this.#batch.count) {
      const { done, value } = await this.#batches.next();
      if (done === true) return undefined;
      this.#batch = value;
      this.#row = 0;
    }
    this.at = this.#row++ * this.#batch.columns;
    return this.#batch;
  }

  async close(): Promise<void> {
    await this.#batches.return(undefined);
  }
}
