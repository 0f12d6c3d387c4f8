import type { AnySource } from '../../feeds/lines/file-source.ts';
import {
  type BookSource,
  type BookSpec,
  DEFAULT_BOOK_LEVELS,
  MAX_BOOK_LEVELS,
  MAX_BOOK_SOURCES,
} from '../../feeds/rings/consolidated-table.ts';
import { readName, URL_NAME } from './config-asset.ts';
import type { Place } from './config-place.ts';

export const FEED_BOOK_KEYS = ['name', 'sources', 'levels'] as const;

const MAX_BOOKS = 64;
const EXAMPLE = 'kraken:BTC/USD';

/** Reads the section `feed-books`. Notes problems. @param feeds the sources that books may name */
export function readFeedBooks(place: Place | undefined, feeds: readonly AnySource[]): BookSpec[] {
  const books = new Map<string, BookSpec>();
  /** By source and instrument: the book that has it. */
  const taken = new Map<string, string>();
  const items = place?.items() ?? [];
  if (items.length > MAX_BOOKS) place?.fail(`has ${items.length} books; at most ${MAX_BOOKS} are possible`);
  for (const item of items.slice(0, MAX_BOOKS)) {
    const book = readBook(item, feeds, taken);
    if (book === undefined) continue;
    if (books.has(book.name)) item.fail(`book name ${book.name} is used twice; choose another`);
    else books.set(book.name, book);
  }
  return [...books.values()];
}

function readBook(place: Place, feeds: readonly AnySource[], taken: Map<string, string>): BookSpec | undefined {
  const fields = place.fields(FEED_BOOK_KEYS);
  if (fields === undefined) return undefined;
  const name = readName(place, fields.name, URL_NAME);
  const levels = fields.levels === undefined ? DEFAULT_BOOK_LEVELS : fields.levels.whole(1, MAX_BOOK_LEVELS);
  if (fields.sources === undefined) return place.missing('sources', `give a list of instruments of feeds, such as ${EXAMPLE}`);
  const items = fields.sources.items();
  if (fields.sources.isList && items.length === 0) return fields.sources.fail('has no instruments; give at least one');
  if (items.length > MAX_BOOK_SOURCES)
    return fields.sources.fail(`has ${items.length} instruments; at most ${MAX_BOOK_SOURCES} fit one book`);
  const sources = items.flatMap((item) => readSource(item, feeds, taken, name ?? '') ?? []);
  if (name === undefined || levels === undefined || sources.length < items.length || sources.length === 0) return undefined;
  return { name, levels, sources };
}

function readSource(place: Place, feeds: readonly AnySource[], taken: Map<string, string>, book: string): BookSource | undefined {
  const text = place.text();
  if (text === undefined) return undefined;
  // A name may have colons, and so may an instrument.
  const named = feeds.filter(({ name }) => text.startsWith(`${name}:`));
  const feed = named.find(({ name, instruments }) => instruments.includes(text.slice(name.length + 1)));
  if (feed === undefined) {
    if (!text.includes(':')) return place.fail(`must be a feed and one of its instruments, such as ${EXAMPLE}, not ${text}`);
    const [known] = named;
    if (known === undefined)
      return place.fail(`names no feed; define it under feeds or use one of ${feeds.map(({ name }) => name).join(', ') || 'none'}`);
    return place.fail(`feed ${known.name} has no instrument ${text.slice(known.name.length + 1)}; add it there`);
  }
  const other = taken.get(text);
  if (other !== undefined) return place.fail(`${text} is in book ${other} already; an instrument of a feed fits one book`);
  taken.set(text, book);
  return { feed: feed.name, instrument: text.slice(feed.name.length + 1) };
}
