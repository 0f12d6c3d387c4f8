import { DEFAULT_LIMITS, defaultShare, LARGEST_SHARE } from '../../engine/limits.ts';
import { DEFAULT_MAX_OPEN_ORDERS } from '../../engine/params.ts';
import { LIMIT_53 } from '../../engine/units.ts';
import type { AnySource } from '../../feeds/lines/file-source.ts';
import type { BookSpec } from '../../feeds/rings/consolidated-table.ts';
import { ANY_NAME, type AssetConfig, type Assets, assetNames, assetsByName, readAsset, readId, readName } from './config-asset.ts';
import { type CalendarConfig, readCalendars } from './config-calendar.ts';
import { type FeeTableConfig, type GivenTierConfig, readFeeTables, readGivenTiers } from './config-fee-tiers.ts';
import { readFeedBooks } from './config-feed-books.ts';
import { INSTRUMENT, readFeeds } from './config-feeds.ts';
import { ConfigError, type Place } from './config-place.ts';
import { readSymbol, type SymbolConfig } from './config-symbol.ts';
import { YamlSource } from './yaml-source.ts';

export interface AccountConfig {
  readonly id: number;
  readonly name: string;
  readonly suspended: boolean;
  readonly maxOpenOrders: number;
  /** Fee tiers that hold instead of those by volume. */
  readonly feeTiers: readonly GivenTierConfig[];
  /** Deposit made when the account is created. `amount` in the asset's smallest unit. */
  readonly deposits: readonly { readonly asset: AssetConfig; readonly amount: number }[];
}

/** Maximum counts, fixed while the process runs. Those `PerAccount` are of one account. */
export interface CapacityConfig {
  /** Resting orders. */
  readonly orders: number;
  readonly ordersPerAccount: number;
  /** Pages of 64 prices of one side of a book. */
  readonly levelPages: number;
  readonly levelPagesPerAccount: number;
  /** Finished orders whose client order ids are remembered. */
  readonly rememberedOrders: number;
  readonly rememberedOrdersPerAccount: number;
  /** Deposits and withdrawals whose idempotency keys are remembered. */
  readonly rememberedKeys: number;
  readonly rememberedKeysPerAccount: number;
  readonly accounts: number;
  readonly symbols: number;
  readonly assets: number;
}

/** Live order flow for `--simulate`. */
export interface SimulatorConfig {
  /** Accounts that quote, and accounts that trade against the quotes. */
  readonly makers: readonly number[];
  readonly takers: readonly number[];
  /** Commands a second. */
  readonly rate: number;
  readonly seed: number;
  /** Which instrument's market a symbol has with `--simulate mirror=SOURCE`; empty: by their names. */
  readonly mirror: readonly { readonly symbol: string; readonly instrument: string }[];
  /** How much of each quantity of the source the mirror has, 1 to 100. */
  readonly mirrorPercent: number;
}

/** Assets, symbols, accounts and capacities of a venue: one file. */
export interface VenueConfig {
  readonly simulator: SimulatorConfig | undefined;
  readonly assets: readonly AssetConfig[];
  readonly calendars: readonly CalendarConfig[];
  readonly feeTables: readonly FeeTableConfig[];
  readonly symbols: readonly SymbolConfig[];
  readonly accounts: readonly AccountConfig[];
  /** Outside markets. */
  readonly feeds: readonly AnySource[];
  /** Consolidated books of their instruments. */
  readonly feedBooks: readonly BookSpec[];
  /** With defaults for those that the file does not give. */
  readonly capacities: CapacityConfig;
  /** Capacities that the file gives. The others stay as they are in the log. */
  readonly givenCapacities: Partial<CapacityConfig>;
}

export interface ConfigFile {
  readonly venue: VenueConfig;
  /** Values of the `server` section, by option name, as text; checked with the flags. */
  readonly server: Readonly<Record<string, Place | undefined>>;
  readonly problems: string[];
}

/**
 * Reads a configuration file and adds its problems to `problems`. If there are
 * any, the values must not be used.
 * @param serverKeys keys that the `server` section may have
 * @throws ConfigError when the file is not YAML
 */
export function readConfigFile(file: string, text: string, serverKeys: readonly string[]): ConfigFile {
  const source = new YamlSource(file, text);
  // After a syntax error the tree is unreliable, and so would be further messages.
  if (source.problems.length > 0) throw new ConfigError(source.problems);
  const root = source.root.fields(SECTIONS) ?? {};
  const server = root.server?.fields(serverKeys) ?? {};
  return { venue: readVenue(root), server, problems: source.problems };
}

export const SECTIONS = [
  'server',
  'capacities',
  'assets',
  'calendars',
  'fee-tables',
  'symbols',
  'accounts',
  'feeds',
  'feed-books',
  'simulator',
] as const;

function readVenue(root: Partial<Record<(typeof SECTIONS)[number], Place>>): VenueConfig {
  const { capacities, givenCapacities } = readCapacities(root.capacities);
  const assets = readList(root.assets, 'asset', capacities.assets, readAsset);
  const named = assetsByName(assets);
  const calendars = readCalendars(root.calendars);
  const feeds = readFeeds(root.feeds);
  const feeTables = readFeeTables(root['fee-tables'], named);
  const symbols = readList(root.symbols, 'symbol', capacities.symbols, (place) => readSymbol(place, named, { calendars, feeds }));
  const totals = new Map<AssetConfig, number>();
  const accounts = readList(root.accounts, 'account', capacities.accounts, (place) => readAccount(place, named, totals));
  const simulator = root.simulator && readSimulator(root.simulator, accounts, symbols);
  return {
    assets,
    calendars: [...calendars.values()].filter((calendar) => calendar !== undefined),
    feeTables,
    symbols,
    accounts,
    feeds,
    feedBooks: readFeedBooks(root['feed-books'], feeds),
    capacities,
    givenCapacities,
    simulator,
  };
}

export const SIMULATOR_KEYS = ['makers', 'takers', 'rate', 'seed', 'mirror', 'mirror-percent'] as const;
const DEFAULT_RATE = 500;

function readSimulator(place: Place, accounts: readonly AccountConfig[], symbols: readonly SymbolConfig[]): SimulatorConfig | undefined {
  const fields = place.fields(SIMULATOR_KEYS);
  if (fields === undefined) return undefined;
  const known = new Set(accounts.map(({ id }) => id));
  const ids = (key: 'makers' | 'takers') =>
    (fields[key]?.items() ?? []).flatMap((item) => {
      const id = item.whole(1, 2 ** 31 - 1);
      if (id === undefined || known.has(id)) return id ?? [];
      return item.fail(`no account has id ${id}; define it under accounts`) ?? [];
    });
  if (fields.makers === undefined || fields.takers === undefined) return place.fail('needs makers and takers: lists of account ids');
  const makers = ids('makers');
  const takers = ids('takers');
  if (makers.length === 0 || takers.length === 0) return place.fail('needs at least one maker and one taker');
  if (new Set([...makers, ...takers]).size < new Set(makers).size + new Set(takers).size)
    return fields.takers.fail('names an account that is a maker too; give it one role');
  const rate = fields.rate?.whole(1, 100_000) ?? DEFAULT_RATE;
  const seed = fields.seed?.whole(0, Number.MAX_SAFE_INTEGER) ?? 1;
  const mirror = (fields.mirror?.entries('instruments by symbol') ?? []).flatMap(([symbol, item]) => {
    if (!symbols.some(({ name }) => name === symbol)) return item.failKey('no symbol has this name; define it under symbols') ?? [];
    const instrument = item.text();
    if (instrument === undefined || INSTRUMENT.test(instrument)) return instrument === undefined ? [] : { symbol, instrument };
    return item.fail(`must be 1 to 64 printable characters without spaces or commas, not ${JSON.stringify(instrument)}`) ?? [];
  });
  const mirrorPercent = fields['mirror-percent']?.whole(1, 100) ?? 100;
  return { makers, takers, rate, seed, mirror, mirrorPercent };
}

/** Range of each capacity. A share is at most the capacity that it is of, if the file gives that, too. */
export const CAPACITY_RANGES: Readonly<Record<keyof CapacityConfig, readonly [number, number]>> = {
  orders: [2, 2 ** 24],
  ordersPerAccount: [1, LARGEST_SHARE],
  levelPages: [2, 2 ** 20],
  levelPagesPerAccount: [1, LARGEST_SHARE],
  rememberedOrders: [2, 2 ** 27],
  rememberedOrdersPerAccount: [1, LARGEST_SHARE],
  rememberedKeys: [2, 2 ** 24],
  rememberedKeysPerAccount: [1, LARGEST_SHARE],
  accounts: [1, 2 ** 22 - 1],
  symbols: [1, 2 ** 16 - 1],
  assets: [1, 2 ** 16 - 1],
};
const SHARES = ['orders', 'levelPages', 'rememberedOrders', 'rememberedKeys'] as const;

/** `levelPages` is `level-pages` in the file. */
export function keyOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function readCapacities(place: Place | undefined): Pick<VenueConfig, 'capacities' | 'givenCapacities'> {
  const names = Object.keys(CAPACITY_RANGES) as (keyof CapacityConfig)[];
  const fields = place?.fields(names.map(keyOf)) ?? {};
  const given: { -readonly [Name in keyof CapacityConfig]?: number } = {};
  for (const name of names) {
    const [least, most] = CAPACITY_RANGES[name];
    const whole = given[name.replace('PerAccount', '') as keyof CapacityConfig];
    const value = fields[keyOf(name)]?.whole(least, Math.min(most, whole ?? most));
    if (value !== undefined) given[name] = value;
  }
  // The engine's limits count id 0, which names nothing.
  const { orders, pages, accounts, symbols, assets, rememberedOrders, rememberedKeys } = DEFAULT_LIMITS;
  const totals = {
    orders,
    levelPages: pages,
    rememberedOrders,
    rememberedKeys,
    accounts: accounts - 1,
    symbols: symbols - 1,
    assets: assets - 1,
    ...given,
  };
  const shares = Object.fromEntries(SHARES.map((name) => [`${name}PerAccount`, defaultShare(totals[name])]));
  const capacities = { ...shares, ...totals } as CapacityConfig;
  if ((capacities.accounts + 1) * (capacities.assets + 1) > 2 ** 26) {
    place?.fail('accounts x assets exceeds 67 million balances; lower one of them');
  }
  return { capacities, givenCapacities: given };
}

/** A list of things with unique ids and names. */
function readList<T extends { readonly id: number; readonly name: string }>(
  list: Place | undefined,
  what: string,
  capacity: number,
  read: (place: Place) => T | undefined,
): T[] {
  const things: T[] = [];
  const ids = new Set<number>();
  const names = new Set<string>();
  for (const place of list?.items() ?? []) {
    const thing = read(place);
    if (thing === undefined) continue;
    if (thing.id > capacity)
      place.fail(`${what} id ${thing.id} is above capacities.${what}s, which is ${capacity}; raise it or choose a smaller id`);
    else if (ids.has(thing.id)) place.fail(`${what} id ${thing.id} is used twice; choose another`);
    else if (names.has(thing.name)) place.fail(`${what} name ${thing.name} is used twice; choose another`);
    else {
      ids.add(thing.id);
      names.add(thing.name);
      things.push(thing);
    }
  }
  return things;
}

export const ACCOUNT_KEYS = ['id', 'name', 'suspended', 'max-open-orders', 'fee-tiers', 'deposits'] as const;

export function readAccount(place: Place, assets: Assets, totals: Map<AssetConfig, number>): AccountConfig | undefined {
  const fields = place.fields(ACCOUNT_KEYS);
  if (fields === undefined) return undefined;
  const id = readId(place, fields.id);
  const name = readName(place, fields.name, ANY_NAME);
  const suspended = fields.suspended?.boolean() ?? false;
  const maxOpenOrders = fields['max-open-orders']?.whole(0, 2 ** 32 - 1) ?? DEFAULT_MAX_OPEN_ORDERS;
  const feeTiers = readGivenTiers(fields['fee-tiers']);
  const deposits: { asset: AssetConfig; amount: number }[] = [];
  for (const [assetName, deposit] of fields.deposits?.entries('deposits') ?? []) {
    const asset = assets.get(assetName);
    if (asset === undefined) {
      deposit.failKey(`no asset has this name; define it under assets or use one of ${assetNames(assets)}`);
      continue;
    }
    const amount = deposit.units(1, asset.decimals);
    if (amount === undefined) continue;
    const total = (totals.get(asset) ?? 0) + amount;
    totals.set(asset, total);
    if (total >= LIMIT_53)
      deposit.fail(`all deposits of ${assetName} together reach 2^53 smallest units; deposit less or give the asset fewer decimals`);
    else if (amount > 0) deposits.push({ asset, amount });
  }
  if (id === undefined || name === undefined) return undefined;
  return { id, name, suspended, maxOpenOrders, feeTiers, deposits };
}
