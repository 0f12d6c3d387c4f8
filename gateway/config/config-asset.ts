import type { Place } from './config-place.ts';

export interface AssetConfig {
  readonly id: number;
  readonly name: string;
  /** The smallest unit is 10^-decimals. */
  readonly decimals: number;
}

export const ASSET_KEYS = ['id', 'name', 'decimals'] as const;
export const MAX_ASSET_DECIMALS = 12;
/** A name on the wire: 16 bytes. */
export const ANY_NAME = /^[!-~]{1,16}$/;
/** Names of assets and symbols become parts of URLs, in which `.` and `..` are removed (RFC 3986, 5.2.4). */
export const URL_NAME = /^(?!\.{1,2}$)[A-Za-z0-9._:-]{1,16}$/;

/** Assets by name. */
export type Assets = ReadonlyMap<string, AssetConfig>;

export function assetsByName(assets: readonly AssetConfig[]): Assets {
  return new Map(assets.map((asset) => [asset.name, asset]));
}

/** For a message: the names, if they are not too many. */
export function assetNames(assets: Assets): string {
  const names = [...assets.keys()];
  return names.length <= MAX_SHOWN ? names.join(', ') : `${names.slice(0, MAX_SHOWN).join(', ')} and ${names.length - MAX_SHOWN} others`;
}

const MAX_SHOWN = 20;

/** Notes a problem and returns undefined, as the other readers do. */
export function readAsset(place: Place): AssetConfig | undefined {
  const fields = place.fields(ASSET_KEYS);
  if (fields === undefined) return undefined;
  const id = readId(place, fields.id);
  const name = readName(place, fields.name, URL_NAME);
  if (fields.decimals === undefined) return place.missing('decimals', `give 0 to ${MAX_ASSET_DECIMALS}`);
  const decimals = fields.decimals.whole(0, MAX_ASSET_DECIMALS);
  if (id === undefined || name === undefined || decimals === undefined) return undefined;
  return { id, name, decimals };
}

export function readId(place: Place, field: Place | undefined): number | undefined {
  if (field === undefined) return place.missing('id', 'give a whole number from 1, and keep it: the log knows this by its id');
  return field.whole(1, 2 ** 31 - 1);
}

export function readName(place: Place, field: Place | undefined, pattern: RegExp): string | undefined {
  if (field === undefined) return place.missing('name', 'give 1 to 16 characters');
  const name = field.text();
  if (name === undefined || pattern.test(name)) return name;
  const allowed =
    pattern === ANY_NAME ? 'printable ASCII without spaces' : 'letters, digits, dot, colon, dash and underscore, but not . or .. alone';
  return field.fail(`must be 1 to 16 characters (${allowed}), not ${JSON.stringify(name)}`);
}
