import { CSV_COLUMNS, type CsvColumn } from '../../feeds/files/quotes-csv.ts';
import type { FeedSource } from '../../feeds/lines/feed-source.ts';
import { type AnySource, type FileSource, FORMAT_NAMES } from '../../feeds/lines/file-source.ts';
import { venueNames } from '../../feeds/venues/index.ts';
import { readName, URL_NAME } from './config-asset.ts';
import type { Place } from './config-place.ts';

/** Keys of a source that is a venue, and of one that is a file. */
export const VENUE_KEYS = ['venue', 'depth', 'stale-after', 'ws-url', 'http-url'] as const;
export const FILE_KEYS = ['file', 'format', 'speed', 'at-end', 'columns', 'instrument'] as const;
export const COLUMN_KEYS: readonly string[] = Object.keys(CSV_COLUMNS).map((column) => keyOfColumn(column as CsvColumn));
export const FEED_KEYS = ['name', 'instruments', ...VENUE_KEYS, ...FILE_KEYS] as const;
type FeedFields = Partial<Record<(typeof FEED_KEYS)[number], Place>>;

const MAX_SOURCES = 64;
/** In the place of a feed's name in paths: the consolidated books, and the instruments of all feeds. */
const LISTS: readonly string[] = ['books', 'instruments'];
/** Where a portfolio is valued, they name a price of the venue in the place of a feed. */
const WORDS_OF_PRICES: readonly string[] = ['venue', 'last', 'mid', 'reference'];
/** As many as a line of an adapter can hold. */
const MAX_INSTRUMENTS = 4096;
const MAX_DEPTH = 100_000;
const MAX_STALE_AFTER_S = 86_400;
const MAX_SPEED = 1_000_000;
const CSV_FORMAT = 'csv';

/** Reads the section `feeds`. Notes problems. */
export function readFeeds(place: Place | undefined): AnySource[] {
  const sources = new Map<string, AnySource>();
  const items = place?.items() ?? [];
  if (items.length > MAX_SOURCES) place?.fail(`has ${items.length} sources; at most ${MAX_SOURCES} are possible`);
  for (const item of items.slice(0, MAX_SOURCES)) {
    const source = readFeed(item);
    if (source === undefined) continue;
    if (sources.has(source.name)) item.fail(`feed name ${source.name} is used twice; choose another`);
    else if (LISTS.includes(source.name)) item.fail(`feed name ${source.name} is taken by GET /v1/feeds/${source.name}; choose another`);
    else if (WORDS_OF_PRICES.includes(source.name))
      item.fail(`feed name ${source.name} is the word for a price of the venue; choose another`);
    else sources.set(source.name, source);
  }
  return [...sources.values()];
}

function readFeed(place: Place): AnySource | undefined {
  const fields = place.fields(FEED_KEYS);
  if (fields === undefined) return undefined;
  const other = fields.file === undefined ? FILE_KEYS : VENUE_KEYS;
  for (const key of other)
    if (fields[key] !== undefined)
      return fields[key].failKey(
        fields.file === undefined ? 'belongs to a file; give file in place of venue' : 'belongs to a venue, and this source is a file',
      );
  return fields.file === undefined ? readVenue(place, fields) : readFile(place, fields.file, fields);
}

function readVenue(place: Place, fields: FeedFields): FeedSource | undefined {
  const name = readName(place, fields.name, URL_NAME);
  const venue =
    fields.venue === undefined ? place.missing('venue', `give one of ${venueNames().join(', ')}`) : fields.venue.oneOf(venueNames());
  const instruments =
    fields.instruments === undefined
      ? place.missing('instruments', 'give a list of names as the venue writes them')
      : readInstruments(fields.instruments);
  const depth = fields.depth?.whole(1, MAX_DEPTH);
  const staleAfterSeconds = fields['stale-after']?.whole(1, MAX_STALE_AFTER_S);
  const webSocketUrl = readUrl(fields['ws-url'], ['wss:', 'ws:']);
  const httpUrl = readUrl(fields['http-url'], ['https:', 'http:']);
  if (name === undefined || venue === undefined || instruments === undefined) return undefined;
  return {
    name,
    venue,
    instruments,
    ...(depth !== undefined && { depth }),
    ...(staleAfterSeconds !== undefined && { staleAfterSeconds }),
    ...(webSocketUrl !== undefined && { webSocketUrl }),
    ...(httpUrl !== undefined && { httpUrl }),
  };
}

function readFile(place: Place, file: Place, fields: FeedFields): FileSource | undefined {
  const name = readName(place, fields.name, URL_NAME);
  const path = file.text();
  const instruments =
    fields.instruments === undefined
      ? place.missing('instruments', 'give a list of names as the file writes them')
      : readInstruments(fields.instruments);
  // Names of columns are those of CSV.
  const format = fields.format === undefined ? fields.columns && CSV_FORMAT : fields.format.oneOf(FORMAT_NAMES);
  if (fields.columns !== undefined && format !== CSV_FORMAT) return fields.columns.failKey(`belongs to the format ${CSV_FORMAT}`);
  const speed = readSpeed(fields.speed);
  const atEnd = fields['at-end'] === undefined ? 'end' : fields['at-end'].oneOf(['loop', 'end'] as const);
  const columns = readColumns(fields.columns);
  const instrument = fields.instrument === undefined ? undefined : readInstrument(fields.instrument);
  if (name === undefined || path === undefined || instruments === undefined || speed === undefined || atEnd === undefined) return undefined;
  if (path === '') return file.fail('is empty; give the path of a file');
  return {
    name,
    file: { path },
    instruments,
    speed,
    atEnd,
    ...(format !== undefined && { format }),
    ...(columns !== undefined && { columns }),
    ...(instrument !== undefined && { instrument }),
  };
}

/** Times the recorded speed; `max` is infinite. */
function readSpeed(field: Place | undefined): number | undefined {
  if (field === undefined) return 1;
  const text = field.text();
  if (text === undefined || text === 'max') return text && Number.POSITIVE_INFINITY;
  const speed = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && speed > 0 && speed <= MAX_SPEED) return speed;
  return field.fail(`must be max, or a number above 0 and up to ${MAX_SPEED}: times the recorded speed, not ${text}`);
}

function readColumns(field: Place | undefined): FileSource['columns'] {
  if (field === undefined) return undefined;
  const known = Object.keys(CSV_COLUMNS) as CsvColumn[];
  const columns: Partial<Record<CsvColumn, string>> = {};
  for (const [column, place] of Object.entries(field.fields(known.map(keyOfColumn)) ?? {})) {
    const name = place?.text();
    const found = known.find((each) => keyOfColumn(each) === column);
    if (name !== undefined && found !== undefined) columns[found] = name;
  }
  return columns;
}

/** `bidQuantity` is `bid-quantity` in the file. */
function keyOfColumn(column: CsvColumn): string {
  return column.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function readInstrument(place: Place): string | undefined {
  const name = place.text();
  if (name === undefined || INSTRUMENT.test(name)) return name;
  return place.fail(`must be 1 to 64 printable characters without spaces or commas, not ${JSON.stringify(name)}`);
}

function readInstruments(place: Place): string[] | undefined {
  const names = new Set<string>();
  const items = place.items();
  if (place.isList && items.length === 0) return place.fail('has no instruments; give at least one');
  for (const item of items) {
    const name = readInstrument(item);
    if (name === undefined) continue;
    if (names.has(name)) item.fail(`${name} is given twice; give it once`);
    else names.add(name);
  }
  if (names.size > MAX_INSTRUMENTS) return place.fail(`has ${names.size} instruments; at most ${MAX_INSTRUMENTS} fit one source`);
  return names.size === 0 ? undefined : [...names];
}

/** What a name of a venue's instrument may be. */
export const INSTRUMENT = /^[!-+\--~]{1,64}$/;

function readUrl(field: Place | undefined, schemes: readonly string[]): string | undefined {
  const text = field?.text();
  if (field === undefined || text === undefined) return undefined;
  const problem = urlProblem(text, schemes);
  return problem === undefined ? text : field.fail(problem);
}

/** What is wrong with the base of addresses; adapters add paths and parameters to it. */
export function urlProblem(text: string, schemes: readonly string[]): string | undefined {
  const example = `such as ${schemes[0]}//feeds.example:9000`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !schemes.includes(url.protocol))
    return `must be an address that begins with ${schemes.map((scheme) => `${scheme}//`).join(' or ')}, ${example}`;
  if (url.username !== '' || url.password !== '') return `must not hold a user name or password, ${example}`;
  if (url.search !== '' || url.hash !== '' || text.endsWith('/')) return `must have no parameters and no slash at its end, ${example}`;
  return undefined;
}
