import { FEE_TABLES, MILLION, TIERS_PER_TABLE } from '../../engine/params.ts';
import { LIMIT_53 } from '../../engine/units.ts';
import { type AssetConfig, type Assets, assetNames } from './config-asset.ts';
import type { Place } from './config-place.ts';

/** A tier: the volume from which it holds, in the asset's smallest unit, and its rates in millionths. */
export interface FeeTierConfig {
  readonly volume: number;
  readonly makerPpm: number;
  readonly takerPpm: number;
}

/** A fee tier table: tiers by rising volume, above tier 0, which has the fees of the symbol. */
export interface FeeTableConfig {
  readonly table: number;
  readonly asset: AssetConfig;
  readonly tiers: readonly FeeTierConfig[];
}

/** A tier that an account has whatever its volume. */
export interface GivenTierConfig {
  readonly table: number;
  /** 0 = the fees of the symbol. */
  readonly tier: number;
}

export const FEE_TABLE_KEYS = ['table', 'asset', 'tiers'] as const;
export const FEE_TIER_KEYS = ['volume', 'maker', 'taker'] as const;

/** Reads the section `fee-tables`. Notes problems. */
export function readFeeTables(place: Place | undefined, assets: Assets): FeeTableConfig[] {
  const tables = new Map<number, FeeTableConfig>();
  for (const item of place?.items() ?? []) {
    const table = readFeeTable(item, assets);
    if (table === undefined) continue;
    if (tables.has(table.table)) item.fail(`fee table ${table.table} is defined twice; choose another number`);
    else tables.set(table.table, table);
  }
  return [...tables.values()];
}

function readFeeTable(place: Place, assets: Assets): FeeTableConfig | undefined {
  const fields = place.fields(FEE_TABLE_KEYS);
  if (fields === undefined) return undefined;
  if (fields.table === undefined) return place.missing('table', `a number from 1 to ${FEE_TABLES}`);
  const table = fields.table.whole(1, FEE_TABLES);
  const rest = readFeeTiers(place, fields, assets);
  return table === undefined || rest === undefined ? undefined : { table, ...rest };
}

/** Reads the tiers that an account is given: a mapping of tables and tiers. Notes problems. */
export function readGivenTiers(place: Place | undefined): GivenTierConfig[] {
  return (place?.entries('fee tables and tiers') ?? []).flatMap(([key, value]) => {
    const table = Number(key);
    if (!/^[1-9]$/.test(key) || table > FEE_TABLES) return value.failKey(`fee tables have numbers from 1 to ${FEE_TABLES}`) ?? [];
    const tier = value.whole(0, TIERS_PER_TABLE);
    return tier === undefined ? [] : [{ table, tier }];
  });
}

/** Asset and tiers of a table. Notes problems. */
export function readFeeTiers(
  place: Place,
  fields: Partial<Record<'asset' | 'tiers', Place>>,
  assets: Assets,
): Omit<FeeTableConfig, 'table'> | undefined {
  if (fields.asset === undefined) return place.missing('asset');
  if (fields.tiers === undefined) return place.missing('tiers', 'a list of tiers by rising volume');
  const name = fields.asset.text();
  if (name === undefined) return undefined;
  const asset = assets.get(name);
  if (asset === undefined) return fields.asset.fail(`no asset has this name; use one of ${assetNames(assets)}`);
  const items = fields.tiers.items();
  if (items.length > TIERS_PER_TABLE) return fields.tiers.fail(`has ${items.length} tiers; at most ${TIERS_PER_TABLE}`);
  const tiers: FeeTierConfig[] = [];
  for (const item of items) {
    const tier = readTier(item, asset, tiers.at(-1)?.volume ?? 0);
    if (tier !== undefined) tiers.push(tier);
  }
  return tiers.length < items.length ? undefined : { asset, tiers };
}

function readTier(place: Place, asset: AssetConfig, above: number): FeeTierConfig | undefined {
  const fields = place.fields(FEE_TIER_KEYS);
  if (fields === undefined) return undefined;
  for (const key of FEE_TIER_KEYS) if (fields[key] === undefined) return place.missing(key);
  const volume = fields.volume?.units(1, asset.decimals);
  const makerPpm = fields.maker?.ppm(-MILLION, MILLION);
  const takerPpm = fields.taker?.ppm(0, MILLION);
  if (volume === undefined || makerPpm === undefined || takerPpm === undefined) return undefined;
  if (volume <= above || volume >= LIMIT_53) return fields.volume?.fail('must be above the volume of the tier before it, and above 0');
  if (makerPpm + takerPpm < 0) return fields.maker?.fail('the rebate exceeds the taker fee that pays for it');
  return { volume, makerPpm, takerPpm };
}
