import { FEE_TABLES, MILLION, TIERS_PER_TABLE } from '../../engine/params.ts';
import { PHASE_NAMES } from '../../engine/wire/names.ts';
import { FORMAT_NAMES } from '../../feeds/lines/file-source.ts';
import { MAX_BOOK_LEVELS, MAX_BOOK_SOURCES } from '../../feeds/rings/consolidated-table.ts';
import { venueNames } from '../../feeds/venues/index.ts';
import { ANY_NAME, type ASSET_KEYS, MAX_ASSET_DECIMALS, URL_NAME } from './config-asset.ts';
import { type CALENDAR_KEYS, CALENDAR_PHASES } from './config-calendar.ts';
import type { FEE_TABLE_KEYS, FEE_TIER_KEYS } from './config-fee-tiers.ts';
import type { FEED_BOOK_KEYS } from './config-feed-books.ts';
import { COLUMN_KEYS, type FEED_KEYS, FILE_KEYS, INSTRUMENT, VENUE_KEYS } from './config-feeds.ts';
import { type ACCOUNT_KEYS, CAPACITY_RANGES, keyOf, type SECTIONS, type SIMULATOR_KEYS } from './config-file.ts';
import { OPTIONS } from './config-options.ts';
import { type REFERENCE_KEYS, type REFERENCE_SOURCE_KEYS, REFERENCE_VALUES } from './config-reference.ts';
import { AUCTION_PRICES, type FEE_KEYS, type FILE_SYMBOL_KEYS, type LIMIT_KEYS, type SYMBOL_KEYS } from './config-symbol.ts';
import { VOLATILITY_PROFILES, type VolatilityKey } from './config-volatility.ts';

/** A JSON Schema, draft 7: what editors support. */
export interface JsonSchema {
  readonly [key: string]: unknown;
}

/**
 * Properties by the keys that the parser reads: a key that it has and this does not, or the other way round, does not compile. The parser
 * also checks relations between values, which the schema does not express.
 */
type Properties<Keys extends readonly string[]> = Readonly<Record<Keys[number], JsonSchema>>;

const ID_MOST = 2 ** 31 - 1;

/** The JSON Schema of configuration files. */
export function configSchema(): JsonSchema {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'openbell configuration',
    description: 'A venue and the options of its exchange: docs/CONFIGURATION.md.',
    ...mapping<typeof SECTIONS>({
      server: {
        ...object(Object.fromEntries(Object.entries(OPTIONS).map(([name, { help }]) => [name, described(SCALAR, help)]))),
        description: 'Options of the exchange, as the flags of openbell start.',
      },
      capacities: described(
        capacities(),
        'Sizes of the memory that is reserved at the start. One that is left out keeps its logged value.',
      ),
      assets: listOf(asset(), 'What is traded and paid with.'),
      calendars: described(byName(calendar()), 'Phases by local time, by name.'),
      'fee-tables': listOf(feeTable(), 'Fee tiers by the volume of 30 days.'),
      symbols: listOf(symbol(), 'Markets.'),
      accounts: listOf(account(), 'Accounts and their first deposits.'),
      feeds: listOf(feed(), 'Outside markets: docs/FEEDS.md.'),
      'feed-books': listOf(feedBook(), 'Books of one instrument over several feeds.'),
      simulator: described(simulator(), 'Participants of openbell start --simulate.'),
    }),
  };
}

/** Any value that is written without structure. */
const SCALAR: JsonSchema = { type: ['string', 'number', 'boolean'] };
const PERCENT = String.raw`^-?\d{1,3}(\.\d{1,4}0*)?%$`;
const CLOCK = String.raw`^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$`;
const DATE = String.raw`^\d{4}-\d\d-\d\d$`;

function asset(): JsonSchema {
  return mapping<typeof ASSET_KEYS>(
    {
      id: id('The log refers to the asset by it: keep it.'),
      name: name(URL_NAME),
      decimals: whole(0, MAX_ASSET_DECIMALS, 'Its smallest unit is 10^-decimals.'),
    },
    ['id', 'name', 'decimals'],
  );
}

function symbol(): JsonSchema {
  return mapping<[...typeof SYMBOL_KEYS, ...typeof FILE_SYMBOL_KEYS]>(
    {
      id: id('The log refers to the symbol by it: keep it.'),
      name: name(URL_NAME),
      base: name(URL_NAME, 'Asset that is traded.'),
      quote: name(URL_NAME, 'Asset that is paid with.'),
      tick: decimal('Unit of prices, such as 0.01.'),
      lot: decimal('Unit of quantities, such as 0.001.'),
      phase: oneOf(PHASE_NAMES, 'Phase of a new symbol, unless it has a calendar. Default continuous.'),
      calendar: name(URL_NAME, 'Name of a calendar, which gives the phases.'),
      'reference-price': decimal('First reference price.'),
      'reference-source': described({ not: {} }, 'Follows from the key reference.'),
      reference: described(reference(), 'Outside prices that set the reference price.'),
      'price-band': percent(0, 'Most that the price of an order may differ from the reference price.'),
      collar: described({ ...percent(0, ''), deprecated: true }, 'Former name of price-band.'),
      'session-end': text('End of the session of day orders, such as 2026-12-24T17:00:00Z, or none.'),
      'auction-price': oneOf(AUCTION_PRICES, 'How a call auction chooses among prices with the same volume.'),
      volatility: described(volatility(), 'Volatility interruptions.'),
      limits: described(limits(), 'Limits of orders.'),
      fees: described(fees(), 'Fees of a fill.'),
    },
    ['id', 'name', 'base', 'quote', 'tick', 'lot'],
  );
}

function limits(): JsonSchema {
  return mapping<typeof LIMIT_KEYS>({
    'max-price': decimal('Highest price.'),
    'tick-step': decimal('Prices are multiples of it.'),
    'lot-step': decimal('Quantities are multiples of it.'),
    'min-quantity': decimal('Least quantity of an order.'),
    'max-quantity': decimal('Largest quantity of an order.'),
    'min-displayed': decimal('Least quantity that an iceberg displays.'),
    'min-notional': decimal('Least price x quantity of an order, in the quote asset.'),
    'max-notional': decimal('Largest price x quantity of an order, in the quote asset.'),
  });
}

function fees(): JsonSchema {
  return mapping<typeof FEE_KEYS>({
    maker: percent(-MILLION, 'Of the order that rested; below 0 it is a rebate.'),
    taker: percent(0, 'Of the incoming order.'),
    tiers: whole(0, FEE_TABLES, 'Fee table with the tiers; 0 = none.'),
  });
}

function volatility(): JsonSchema {
  const keys: Readonly<Record<VolatilityKey, JsonSchema>> = {
    'static-band': percent(0, 'Around the price of the last auction or interruption.'),
    'dynamic-band': percent(0, 'Around the last price.'),
    duration: whole(1, 86_400, 'Seconds of the interruption.'),
    'wide-band': percent(0, 'Beyond it, the interruption is extended.'),
    extension: whole(1, 86_400, 'Seconds of the extension.'),
    'random-end': whole(0, 3600, 'The interruption ends at a random time in as many seconds after its end.'),
    profile: oneOf(VOLATILITY_PROFILES, 'How an interruption begins.'),
  };
  return object(keys);
}

function reference(): JsonSchema {
  const source = mapping<typeof REFERENCE_SOURCE_KEYS>(
    { feed: name(URL_NAME, 'Name of a feed.'), instrument: instrument(), value: oneOf(REFERENCE_VALUES, 'Which price. Default mid.') },
    ['feed', 'instrument'],
  );
  return mapping<typeof REFERENCE_KEYS>(
    {
      sources: { type: 'array', items: source, minItems: 1, maxItems: 8, description: 'The first usable one counts.' },
      'max-age': whole(1, 3600, 'Seconds after which a price is not usable.'),
      'max-rate': whole(1, 1000, 'Updates a second.'),
      'max-step': percent(1, 'Largest step of one update.'),
      'confirm-after': whole(1, 3600, 'Seconds after which a larger step is taken.'),
      'when-stale': oneOf(['keep', 'halt'], 'What happens when no source is usable.'),
      'resume-after': whole(0, 3600, 'Seconds after which such a halt ends.'),
    },
    ['sources'],
  );
}

function calendar(): JsonSchema {
  const day: JsonSchema = { type: ['object', 'null'], propertyNames: { pattern: CLOCK }, additionalProperties: oneOf(CALENDAR_PHASES) };
  const weekday = '(mon|tue|wed|thu|fri|sat|sun)';
  return mapping<typeof CALENDAR_KEYS>(
    {
      'time-zone': text('IANA name, such as Europe/Berlin.'),
      week: { type: 'object', propertyNames: { pattern: `^${weekday}(-${weekday})?$` }, additionalProperties: day, minProperties: 1 },
      'random-end': whole(0, 3600, 'An auction ends at a random time in as many seconds after its end.'),
      holidays: { type: ['array', 'null'], items: { type: 'string', pattern: DATE } },
      'special-days': { type: ['object', 'null'], propertyNames: { pattern: DATE }, additionalProperties: day },
    },
    ['time-zone', 'week'],
  );
}

function feeTable(): JsonSchema {
  const tier = mapping<typeof FEE_TIER_KEYS>(
    { volume: decimal('From which it holds.'), maker: percent(-MILLION, 'Maker fee.'), taker: percent(0, 'Taker fee.') },
    ['volume', 'maker', 'taker'],
  );
  return mapping<typeof FEE_TABLE_KEYS>(
    {
      table: whole(1, FEE_TABLES, 'Its number.'),
      asset: name(URL_NAME, 'Asset of the volumes.'),
      tiers: { type: ['array', 'null'], items: tier, maxItems: TIERS_PER_TABLE, description: 'By rising volume.' },
    },
    ['table', 'asset', 'tiers'],
  );
}

function account(): JsonSchema {
  return mapping<typeof ACCOUNT_KEYS>(
    {
      id: id('The log refers to the account by it: keep it.'),
      name: name(ANY_NAME),
      suspended: boolean('Suspends the account; the operator lifts it.'),
      'max-open-orders': whole(0, 2 ** 32 - 1, 'Default 100000.'),
      'fee-tiers': {
        type: ['object', 'null'],
        propertyNames: { pattern: `^[1-${FEE_TABLES}]$` },
        additionalProperties: whole(0, TIERS_PER_TABLE),
        description: 'Tier by fee table, whatever the volume.',
      },
      deposits: { type: ['object', 'null'], additionalProperties: decimal(), description: 'By asset; made once, when the account is new.' },
    },
    ['id', 'name'],
  );
}

function capacities(): JsonSchema {
  return object(Object.fromEntries(Object.entries(CAPACITY_RANGES).map(([key, [least, most]]) => [keyOf(key), whole(least, most)])));
}

function feed(): JsonSchema {
  const forbidden = (keys: readonly string[]): JsonSchema => ({ properties: Object.fromEntries(keys.map((key) => [key, { not: {} }])) });
  const schema = mapping<typeof FEED_KEYS>(
    {
      name: name(URL_NAME),
      instruments: {
        type: 'array',
        items: instrument(),
        minItems: 1,
        maxItems: 4096,
        description: 'As the venue or the file writes them.',
      },
      venue: oneOf(venueNames(), 'Outside venue.'),
      depth: whole(1, 100_000, 'Levels of each side.'),
      'stale-after': whole(1, 86_400, 'Seconds without a message. Default 300.'),
      'ws-url': text('Another WebSocket address.'),
      'http-url': text('Another HTTP address.'),
      file: text('Path of a capture, of a file of market data, or of a data directory.'),
      format: oneOf(FORMAT_NAMES, 'Default: by name and content.'),
      speed: {
        anyOf: [
          { type: 'number', exclusiveMinimum: 0, maximum: 1_000_000 },
          { type: 'string', pattern: String.raw`^(max|\d+(\.\d+)?)$` },
        ],
      },
      'at-end': oneOf(['loop', 'end'], 'Default end.'),
      columns: { ...object(Object.fromEntries(COLUMN_KEYS.map((key) => [key, SCALAR]))), description: 'Names of columns of a CSV file.' },
      instrument: instrument(),
    },
    ['name', 'instruments'],
  );
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
  return { ...schema, if: { required: ['file'] }, then: forbidden(VENUE_KEYS), else: { required: ['venue'], ...forbidden(FILE_KEYS) } };
}

function feedBook(): JsonSchema {
  return mapping<typeof FEED_BOOK_KEYS>(
    {
      name: name(URL_NAME),
      sources: {
        type: 'array',
        items: { type: 'string', pattern: ':' },
        minItems: 1,
        maxItems: MAX_BOOK_SOURCES,
        description: 'Such as kraken:BTC/USD.',
      },
      levels: whole(1, MAX_BOOK_LEVELS, 'Prices of each side. Default 10.'),
    },
    ['name', 'sources'],
  );
}

function simulator(): JsonSchema {
  const accounts = (description: string): JsonSchema => ({ type: 'array', items: whole(1, ID_MOST), minItems: 1, description });
  return mapping<typeof SIMULATOR_KEYS>(
    {
      makers: accounts('Ids of accounts that quote.'),
      takers: accounts('Ids of accounts that trade.'),
      rate: whole(1, 100_000, 'Commands a second. Default 500.'),
      seed: whole(0, Number.MAX_SAFE_INTEGER, 'The same seed gives the same flow.'),
      mirror: { type: ['object', 'null'], additionalProperties: instrument(), description: 'Instrument by symbol.' },
      'mirror-percent': whole(1, 100, 'Of the quantities of the source.'),
    },
    ['makers', 'takers'],
  );
}

function mapping<Keys extends readonly string[]>(properties: Properties<Keys>, required: readonly Keys[number][] = []): JsonSchema {
  return object(properties, required);
}

/** A mapping without other keys. What is optional may be empty. */
function object(properties: JsonSchema, required: readonly string[] = []): JsonSchema {
  if (required.length === 0) return { type: ['object', 'null'], properties, additionalProperties: false };
  return { type: 'object', properties, required, additionalProperties: false };
}

function byName(schema: JsonSchema): JsonSchema {
  return { type: ['object', 'null'], propertyNames: { pattern: URL_NAME.source }, additionalProperties: schema };
}

function listOf(items: JsonSchema, description: string): JsonSchema {
  return { type: ['array', 'null'], items, description };
}

function described(schema: JsonSchema, description: string): JsonSchema {
  return { ...schema, description };
}

/** The parser takes numbers with and without quotes. */
function whole(minimum: number, maximum: number, description?: string): JsonSchema {
  return { type: ['integer', 'string'], minimum, maximum, pattern: String.raw`^\d+$`, ...(description !== undefined && { description }) };
}

function id(description: string): JsonSchema {
  return whole(1, ID_MOST, description);
}

function name({ source }: RegExp, description = 'At most 16 characters.'): JsonSchema {
  return { type: ['string', 'number'], pattern: source, description };
}

function instrument(): JsonSchema {
  return { type: ['string', 'number'], pattern: INSTRUMENT.source };
}

function decimal(description?: string): JsonSchema {
  return { type: ['number', 'string'], minimum: 0, pattern: String.raw`^\d+(\.\d+)?$`, ...(description !== undefined && { description }) };
}

function percent(leastPpm: number, description: string): JsonSchema {
  return { type: 'string', pattern: leastPpm < 0 ? PERCENT : PERCENT.replace('-?', ''), description };
}

function text(description: string): JsonSchema {
  return { type: 'string', minLength: 1, description };
}

function boolean(description: string): JsonSchema {
  return { type: ['boolean', 'string'], enum: [true, false, 'true', 'false'], description };
}

function oneOf(choices: readonly string[], description?: string): JsonSchema {
  return { type: 'string', enum: [...choices], ...(description !== undefined && { description }) };
}
