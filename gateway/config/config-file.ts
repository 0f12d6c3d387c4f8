import { DEFAULT_LIMITS, defaultShare, LARGEST_SHARE } from '../../engine/limits.ts';
import { DEFAULT_MAX_OPEN_ORDERS } from '../../engine/params.ts';
import { LIMIT_53 } from '../../engine/units.ts';
import { ANY_NAME, type AssetConfig, readAsset, readId, readName } from './config-asset.ts';
import { ConfigError, type Place } from './config-place.ts';
import { readSymbol, type SymbolConfig } from './config-symbol.ts';
import { YamlSource } from './yaml-source.ts';

export interface AccountConfig {
  readonly id: number;
  readonly name: string;
  readonly suspended: boolean;
  readonly maxOpenOrders: number;
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
}

/** Assets, symbols, accounts and capacities of a venue: one file. */
export interface VenueConfig {
  readonly simulator: SimulatorConfig | undefined;
  readonly assets: readonly AssetConfig[];
  readonly symbols: readonly SymbolConfig[];
  readonly accounts: readonly AccountConfig[];
  readonly capacities: CapacityConfig;
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

const SECTIONS = ['server', 'capacities', 'assets', 'symbols', 'accounts', 'simulator'] as const;

function readVenue(root: Partial<Record<(typeof SECTIONS)[number], Place>>): VenueConfig {
  const capacities = readCapacities(root.capacities);
  const assets = readList(root.assets, 'asset', capacities.assets, readAsset);
  const symbols = readList(root.symbols, 'symbol', capacities.symbols, (place) => readSymbol(place, assets));
  const totals = new Map<AssetConfig, number>();
  const accounts = readList(root.accounts, 'account', capacities.accounts, (place) => readAccount(place, assets, totals));
  return { assets, symbols, accounts, capacities, simulator: root.simulator && readSimulator(root.simulator, accounts) };
}

const DEFAULT_RATE = 500;

function readSimulator(place: Place, accounts: readonly AccountConfig[]): SimulatorConfig | undefined {
  const fields = place.fields(['makers', 'takers', 'rate', 'seed']);
  if (fields === undefined) return undefined;
  const ids = (key: 'makers' | 'takers') =>
    (fields[key]?.items() ?? []).flatMap((item) => {
      const id = item.whole(1, 2 ** 31 - 1);
      if (id === undefined || accounts.some((account) => account.id === id)) return id ?? [];
      return item.fail(`no account has id ${id}; define it under accounts`) ?? [];
    });
  if (fields.makers === undefined || fields.takers === undefined) return place.fail('needs makers and takers: lists of account ids');
  const makers = ids('makers');
  const takers = ids('takers');
  if (makers.length === 0 || takers.length === 0) return place.fail('needs at least one maker and one taker');
  if (makers.some((id) => takers.includes(id))) return fields.takers.fail('names an account that is a maker too; give it one role');
  const rate = fields.rate?.whole(1, 100_000) ?? DEFAULT_RATE;
  const seed = fields.seed?.whole(0, Number.MAX_SAFE_INTEGER) ?? 1;
  return { makers, takers, rate, seed };
}

const SHARE_KEYS = [
  'orders-per-account',
  'level-pages-per-account',
  'remembered-orders-per-account',
  'remembered-keys-per-account',
] as const;
type ShareKey = (typeof SHARE_KEYS)[number];
const CAPACITY_KEYS = [
  'orders',
  'accounts',
  'symbols',
  'assets',
  'level-pages',
  'remembered-orders',
  'remembered-keys',
  ...SHARE_KEYS,
] as const;

function readCapacities(place: Place | undefined): CapacityConfig {
  const fields = place?.fields(CAPACITY_KEYS) ?? {};
  const orders = fields.orders?.whole(2, 2 ** 24) ?? DEFAULT_LIMITS.orders;
  const levelPages = fields['level-pages']?.whole(2, 2 ** 20) ?? DEFAULT_LIMITS.pages;
  const rememberedOrders = fields['remembered-orders']?.whole(2, 2 ** 27) ?? DEFAULT_LIMITS.rememberedOrders;
  const rememberedKeys = fields['remembered-keys']?.whole(2, 2 ** 24) ?? DEFAULT_LIMITS.rememberedKeys;
  const share = (key: ShareKey, capacity: number): number =>
    fields[key]?.whole(1, Math.min(capacity, LARGEST_SHARE)) ?? defaultShare(capacity);
  // The engine's limits count id 0, which names nothing.
  const capacities = {
    orders,
    ordersPerAccount: share('orders-per-account', orders),
    levelPages,
    levelPagesPerAccount: share('level-pages-per-account', levelPages),
    rememberedOrders,
    rememberedOrdersPerAccount: share('remembered-orders-per-account', rememberedOrders),
    rememberedKeys,
    rememberedKeysPerAccount: share('remembered-keys-per-account', rememberedKeys),
    accounts: fields.accounts?.whole(1, 2 ** 22 - 1) ?? DEFAULT_LIMITS.accounts - 1,
    symbols: fields.symbols?.whole(1, 2 ** 16 - 1) ?? DEFAULT_LIMITS.symbols - 1,
    assets: fields.assets?.whole(1, 2 ** 16 - 1) ?? DEFAULT_LIMITS.assets - 1,
  };
  if ((capacities.accounts + 1) * (capacities.assets + 1) > 2 ** 26) {
    place?.fail('accounts x assets exceeds 67 million balances; lower one of them');
  }
  return capacities;
}

/** A list of things with unique ids and names. */
function readList<T extends { readonly id: number; readonly name: string }>(
  list: Place | undefined,
  what: string,
  capacity: number,
  read: (place: Place) => T | undefined,
): T[] {
  const things: T[] = [];
  for (const place of list?.items() ?? []) {
    const thing = read(place);
    if (thing === undefined) continue;
    if (thing.id > capacity)
      place.fail(`${what} id ${thing.id} is above capacities.${what}s, which is ${capacity}; raise it or choose a smaller id`);
    else if (things.some(({ id }) => id === thing.id)) place.fail(`${what} id ${thing.id} is used twice; choose another`);
    else if (things.some(({ name }) => name === thing.name)) place.fail(`${what} name ${thing.name} is used twice; choose another`);
    else things.push(thing);
  }
  return things;
}

export const ACCOUNT_KEYS = ['id', 'name', 'suspended', 'max-open-orders', 'deposits'] as const;

export function readAccount(place: Place, assets: readonly AssetConfig[], totals: Map<AssetConfig, number>): AccountConfig | undefined {
  const fields = place.fields(ACCOUNT_KEYS);
  if (fields === undefined) return undefined;
  const id = readId(place, fields.id);
  const name = readName(place, fields.name, ANY_NAME);
  const suspended = fields.suspended?.boolean() ?? false;
  const maxOpenOrders = fields['max-open-orders']?.whole(0, 2 ** 32 - 1) ?? DEFAULT_MAX_OPEN_ORDERS;
  const deposits: { asset: AssetConfig; amount: number }[] = [];
  for (const [assetName, deposit] of fields.deposits?.entries('deposits') ?? []) {
    const asset = assets.find((candidate) => candidate.name === assetName);
    if (asset === undefined) {
      deposit.failKey(`no asset has this name; define it under assets or use one of ${assets.map((known) => known.name).join(', ')}`);
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
  return { id, name, suspended, maxOpenOrders, deposits };
}
