import { unitsToDecimal } from '../../engine/decimal.ts';
import type { Limits } from '../../engine/limits.ts';
import type { Directory } from '../../engine/threads/directory.ts';
import type { SymbolInfo } from '../../engine/threads/directory-info.ts';
import type { AssetConfig } from '../config/config-asset.ts';
import type { VenueConfig } from '../config/config-file.ts';
import { limitProblems, type SymbolConfig } from '../config/config-symbol.ts';
import { ValuePolicy } from './value-policy.ts';
import { paramsToSet } from './venue-plan.ts';

/** The configuration contradicts what the log defined. Nothing was logged or created. */
export class VenueContradictionError extends Error {
  readonly code = 'CONFIG_CONTRADICTS_LOG';
  readonly problems: readonly string[];

  constructor(source: string, dataDir: string, problems: readonly string[]) {
    super(
      `${source} contradicts the log in ${dataDir}:\n${problems.map((problem) => `  ${problem}`).join('\n')}\n` +
        'Nothing was changed. What a log defines by id keeps its name and its scales. Correct the file, give new things new ids, or choose another directory with --data.',
    );
    this.name = 'VenueContradictionError';
    this.problems = problems;
  }
}

/** The definitions that a venue is held against. */
export type Defined = Pick<Directory, 'assets' | 'asset' | 'symbols' | 'symbol' | 'account' | 'accountIds' | 'accountExists'>;

/** Ids are below these. */
type IdLimits = Pick<Limits, 'assets' | 'symbols' | 'accounts'>;
type Definitions = Pick<VenueConfig, 'assets' | 'symbols' | 'accounts'>;

/**
 * What a venue defines otherwise than the log did: another name, or other scales, under a known id; a known name under a
 * new id; a new id above a capacity in force; limits that with those in the log exclude every order. Empty if the venue can be applied.
 * @param policy decides which limits of the file take effect
 */
export function contradictions(venue: Definitions, defined: Defined, limits: IdLimits, policy = ValuePolicy.APPLY): string[] {
  const assetIds = idsByName(defined.assets());
  const symbolIds = idsByName(defined.symbols());
  const accountIds = idsByName(defined.accountIds().flatMap((id) => defined.account(id) ?? []));
  return [
    ...venue.assets.flatMap((given) => {
      const logged = defined.asset(given.id);
      return logged === undefined ? ofNew('asset', given, assetIds, limits.assets) : ofKnown('asset', given, assetValues(logged, given));
    }),
    ...venue.symbols.flatMap((given) => {
      const logged = defined.symbol(given.id);
      return logged === undefined
        ? ofNew('symbol', given, symbolIds, limits.symbols)
        : [...ofKnown('symbol', given, symbolValues(logged, given)), ...ofLimits(logged, given, policy)];
    }),
    ...venue.accounts.flatMap((given) => {
      const logged = defined.account(given.id);
      if (logged === undefined) return ofNew('account', given, accountIds, limits.accounts);
      return ofKnown('account', given, [['name', logged.name, given.name]]);
    }),
  ];
}

/** True if the log defines all that the venue does, in the same way. */
export function holdsVenue(venue: Definitions, defined: Defined, limits: IdLimits): boolean {
  return (
    venue.assets.every(({ id }) => defined.asset(id) !== undefined) &&
    venue.symbols.every(({ id }) => defined.symbol(id) !== undefined) &&
    venue.accounts.every(({ id }) => defined.accountExists(id)) &&
    contradictions(venue, defined, limits).length === 0
  );
}

interface Named {
  readonly id: number;
  readonly name: string;
}

/** A value of a definition, as the log and as the file have it. */
type Compared = readonly [key: string, logged: string, given: string];

function assetValues(logged: AssetConfig, given: AssetConfig): Compared[] {
  return [
    ['name', logged.name, given.name],
    ['decimals', String(logged.decimals), String(given.decimals)],
  ];
}

function symbolValues(logged: SymbolInfo, given: SymbolConfig): Compared[] {
  return [
    ['name', logged.name, given.name],
    ['base', idText(logged.baseAsset), idText(given.base)],
    ['quote', idText(logged.quoteAsset), idText(given.quote)],
    ['tick', stepText(logged.tickMantissa, logged.tickDecimals), stepText(given.tickMantissa, given.tickDecimals)],
    ['lot', stepText(logged.lotMantissa, logged.lotDecimals), stepText(given.lotMantissa, given.lotDecimals)],
  ];
}

function ofKnown(what: string, { id, name }: Named, values: readonly Compared[]): string[] {
  return values.flatMap(([key, logged, given]) =>
    logged === given ? [] : [`${what} ${id} (${name}): ${key} is ${logged} in the log and ${given} in the configuration`],
  );
}

/** A file gives some limits, and the log keeps the others. */
function ofLimits(logged: SymbolInfo, given: SymbolConfig, policy: ValuePolicy): string[] {
  const tick = { mantissa: given.tickMantissa, decimals: given.tickDecimals };
  const lot = { mantissa: given.lotMantissa, decimals: given.lotDecimals };
  return limitProblems(paramsToSet(given, logged.params, policy), logged.params, tick, lot, given.quote).map(
    ({ key, problem }) => `symbol ${given.id} (${given.name}): limits.${key} ${problem}`,
  );
}

/** A new id may not take the name of another id: orders or money of one name would be in two places. */
function ofNew(what: 'asset' | 'symbol' | 'account', given: Named, ids: ReadonlyMap<string, number>, limit: number): string[] {
  const other = ids.get(given.name);
  if (other !== undefined) return [`${what} ${given.id} (${given.name}): ${given.name} has id ${other} in the log`];
  if (given.id < limit) return [];
  return [
    `${what} ${given.id} (${given.name}): the id is above the logged capacity ${what}s, ${limit - 1}; set capacities.${what}s in the configuration`,
  ];
}

function idsByName(things: readonly Named[]): Map<string, number> {
  return new Map(things.map(({ id, name }) => [name, id]));
}

/** Assets are compared by id; a name that differs is the asset's own contradiction. */
function idText({ id }: Named): string {
  return `asset ${id}`;
}

/** One text for each value: 10 x 10^-3 is 0.01. */
function stepText(mantissa: number, decimals: number): string {
  const text = unitsToDecimal(1, mantissa, decimals);
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}
