import { BookSide, faultCode, stateName } from '../../../feeds/feed.ts';
import { type ConsolidatedReader, Crossing } from '../../../feeds/rings/consolidated-table.ts';
import { decimalText } from '../../../feeds/text/decimal.ts';
import type { FeedBook, FeedBookLevel } from '../../client/query-types.ts';
import { LongList } from '../json/json-pieces.ts';
import { FEED_BOOK, FEED_BOOKS } from '../json/schemas/feeds.ts';
import { HttpError } from './http-error.ts';
import { get, type Route } from './route.ts';

const CROSSINGS = { [Crossing.None]: 'none', [Crossing.Locked]: 'locked', [Crossing.Crossed]: 'crossed' } as const;

/** The queries of consolidated books: the names of all, and one. Before the query of one feed, whose pattern fits the first, too. */
export function feedBookRoutes(books: readonly ConsolidatedReader[]): Route[] {
  return [
    get({
      path: '/v1/feeds/books',
      summary: 'The consolidated books.',
      action: 'market:read',
      answer: FEED_BOOKS,
      handle: () => ({ pieces: new LongList(books.map(({ spec }) => spec)) }),
    }),
    get({
      path: '/v1/feeds/books/:name',
      summary: 'A consolidated book, with the source of each level.',
      action: 'market:read',
      answer: FEED_BOOK,
      handle: ({ params }) => {
        const book = books.find(({ spec }) => spec.name === params.name);
        if (book === undefined) throw unknownBook(params.name, books);
        return { json: bookView(book) };
      },
    }),
  ];
}

function unknownBook(name: string, books: readonly ConsolidatedReader[]): HttpError {
  const known = books.map(({ spec }) => spec.name).join(', ') || 'none';
  return new HttpError(404, 0, 'UNKNOWN_FEED_BOOK', `there is no consolidated book ${name}; there are: ${known}`);
}

function bookView(book: ConsolidatedReader): FeedBook {
  book.read();
  const { spec, timeUs, leftOut, crossing, bids, asks } = book;
  return {
    name: spec.name,
    crossing: CROSSINGS[crossing],
    timeUs,
    leftOut,
    sources: spec.sources.map(({ feed, instrument }, source) => {
      const fault = book.fault(source);
      return {
        feed,
        instrument,
        state: stateName(book.state(source)),
        ...(fault !== 0 && { fault: faultCode(fault) }),
        sinceUs: book.stateTimeUs(source),
      };
    }),
    bids: Array.from({ length: bids }, (_, level) => levelView(book, BookSide.Bid, level)),
    asks: Array.from({ length: asks }, (_, level) => levelView(book, BookSide.Ask, level)),
  };
}

function levelView(book: ConsolidatedReader, side: BookSide, level: number): FeedBookLevel {
  const { priceDecimals, quantityDecimals } = book;
  const quantity = (units: number | bigint) => decimalText(units, quantityDecimals, quantityDecimals);
  let total = 0n;
  const sources = book.spec.sources.flatMap(({ feed, instrument }, source) => {
    const units = book.quantity(side, level, source);
    total += BigInt(units);
    return units === 0 ? [] : [{ feed, instrument, quantity: quantity(units) }];
  });
  return { price: decimalText(book.price(side, level), priceDecimals, priceDecimals), quantity: quantity(total), sources };
}
