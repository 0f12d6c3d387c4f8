import { unitsToDecimal } from '../../engine/decimal.ts';
import type { CommandFields } from '../../engine/machine/command.ts';
import {
  AccountParam,
  DEFAULT_MAX_OPEN_ORDERS,
  ReferenceSourceId,
  SYMBOL_PARAM_DEFAULTS,
  SymbolParam,
  type SymbolParamName,
} from '../../engine/params.ts';
import type { Directory } from '../../engine/threads/directory.ts';
import type { SymbolInfo } from '../../engine/threads/directory-info.ts';
import type { FeeTableConfig, FeeTierConfig } from '../config/config-fee-tiers.ts';
import type { AccountConfig, VenueConfig } from '../config/config-file.ts';
import type { SymbolConfig } from '../config/config-symbol.ts';
import type { ConfiguredValue } from './configured-values.ts';
import { changeFeeTable } from './fee-tables.ts';
import type { Beginning } from './genesis-marker.ts';
import { paramText, percentText } from './param-text.ts';
import type { ValuePolicy } from './value-policy.ts';
import {
  defineAccount,
  defineAsset,
  defineSymbol,
  deposit,
  giveFeeTier,
  parameterWord,
  paramOrder,
  setAccount,
  setPhase,
  setSymbol,
} from './venue-commands.ts';

/** A value of the venue that a start changes, or leaves although its file has another one. Texts are as in the file. */
export interface ValueChange {
  /** Such as `symbol BTC-USD`. */
  readonly item: string;
  /** Such as `fees.taker`. */
  readonly key: string;
  readonly now: string;
  readonly file: string;
}

/** A command of a start. */
export interface Step {
  readonly fields: CommandFields;
  /** For messages: `fees.taker of symbol BTC-USD`. */
  readonly what: string;
  /** A reject is a tolerable difference, not an error. */
  readonly optional?: boolean;
  /** Key of the value in the record of configured values. */
  readonly key?: string;
}

/** What a start will do to the venue. */
export interface VenuePlan {
  /** Each needs the definitions of the one before; within one, the order of submission is the order of execution. */
  readonly stages: readonly (readonly Step[])[];
  /** New items, such as `symbol BTC-USD`. */
  readonly defined: readonly string[];
  /** Values of known items. */
  readonly changed: readonly ValueChange[];
  /** Values that operators set while the exchange ran, and that stay although the file has others. */
  readonly kept: readonly ValueChange[];
  /** The file's values for the record of configured values; undefined: the default, which is not recorded. */
  readonly values: ReadonlyMap<string, ConfiguredValue | undefined>;
}

/** What a plan is compared with. */
export type Planned = Pick<Directory, 'asset' | 'symbol' | 'account' | 'feeTables'>;

/** The fee tier of an account that has the one by volume, in the record of configured values. */
const BY_VOLUME = -1;
const NO_TIERS = '[]';
/** Parameters that the configuration only begins with: prices follow the trades, and sessions end one after the other. */
const FIRST_ONLY: ReadonlySet<SymbolParamName> = new Set(['ReferencePrice', 'SessionEnd']);

/**
 * What a configuration changes in a venue. Pure: it reads the directory and sends nothing.
 * @param beginning what an interrupted start was about to define: it counts as new
 */
export function planVenue(venue: VenueConfig, directory: Planned, beginning: Beginning, policy: ValuePolicy): VenuePlan {
  const plan = new Plan(beginning, policy);
  return {
    stages: [
      venue.assets.flatMap((asset) => plan.asset(asset, directory)),
      venue.feeTables.flatMap((table) => plan.feeTable(table, directory)),
      venue.symbols.flatMap((symbol) => plan.symbol(symbol, directory.symbol(symbol.id))),
      venue.accounts.flatMap((account) => plan.account(account, directory)),
    ],
    defined: plan.defined,
    changed: plan.changed,
    kept: plan.kept,
    values: plan.values,
  };
}

/** The parameters of a known symbol that a start sets. */
export function paramsToSet(symbol: SymbolConfig, now: SymbolConfig['params'], policy: ValuePolicy): SymbolConfig['params'] {
  return Object.fromEntries(
    Object.entries(symbol.params).filter(([name, value]) => {
      const param = name as SymbolParamName;
      if (FIRST_ONLY.has(param)) return false;
      const fallback = SYMBOL_PARAM_DEFAULTS[SymbolParam[param]];
      return policy.decide(paramKey(symbol.id, param), value, now[param] ?? fallback, fallback) === 'set';
    }),
  );
}

class Plan {
  readonly defined: string[] = [];
  readonly changed: ValueChange[] = [];
  readonly kept: ValueChange[] = [];
  readonly values = new Map<string, ConfiguredValue | undefined>();
  readonly #policy: ValuePolicy;
  readonly #symbols: ReadonlySet<number>;
  readonly #accounts: ReadonlySet<number>;

  constructor({ symbols, accounts }: Beginning, policy: ValuePolicy) {
    this.#policy = policy;
    // A venue may define very many accounts.
    this.#symbols = new Set(symbols);
    this.#accounts = new Set(accounts);
  }

  asset(asset: VenueConfig['assets'][number], directory: Planned): Step[] {
    const item = `asset ${asset.name}`;
    if (directory.asset(asset.id) !== undefined) return [];
    this.defined.push(item);
    return [{ what: item, fields: defineAsset(asset) }];
  }

  feeTable({ table, asset, tiers }: FeeTableConfig, directory: Planned): Step[] {
    const item = `fee table ${table}`;
    const known = directory.feeTables().find((each) => each.table === table);
    const [key, file, now] = [`fee-table ${table}`, tiersKey(tiers), tiersKey(known?.tiers ?? [])];
    const text = (list: readonly FeeTierConfig[]) => list.map((tier) => tierText(tier, asset.decimals)).join(', ') || 'none';
    const change = { item, key: 'tiers', now: text(known?.tiers ?? []), file: text(tiers) };
    if (known === undefined) this.#note(key, file, NO_TIERS);
    else if (!this.#sets(key, file, now, NO_TIERS, change)) return [];
    if (known === undefined) this.defined.push(item);
    return changeFeeTable(table, asset.id, known?.tiers ?? [], tiers).map((fields) => ({
      what: item,
      fields,
      optional: known !== undefined,
      key,
    }));
  }

  symbol(symbol: SymbolConfig, known: SymbolInfo | undefined): Step[] {
    const item = `symbol ${symbol.name}`;
    const steps: Step[] = [];
    const isNew = this.#symbols.has(symbol.id) || known === undefined;
    if (known === undefined) steps.push({ what: item, fields: defineSymbol(symbol) });
    if (isNew) this.defined.push(item);
    // A source that was taken out of the configuration moves the price no more.
    const followsTrades = symbol.reference === undefined && known?.params.ReferenceSource === ReferenceSourceId.Outside;
    const params = followsTrades ? { ...symbol.params, ReferenceSource: ReferenceSourceId.Trades } : symbol.params;
    for (const name of paramOrder(params, known?.params)) {
      const value = params[name];
      if (value === undefined || (FIRST_ONLY.has(name) && !isNew)) continue;
      const [key, fallback] = [paramKey(symbol.id, name), SYMBOL_PARAM_DEFAULTS[SymbolParam[name]]];
      const now = known?.params[name] ?? fallback;
      const text = (units: number): string => paramText(name, units, symbol);
      const word = parameterWord(name);
      const step = { what: `${word} of ${item}`, fields: setSymbol(symbol.id, name, value), optional: !isNew, key };
      if (isNew) {
        this.#note(key, value, fallback);
        if (value !== known?.params[name]) steps.push(step);
      } else if (this.#sets(key, value, now, fallback, { item, key: word, now: text(now), file: text(value) })) steps.push(step);
    }
    if (isNew) steps.push({ what: item, fields: setPhase(symbol.id, symbol.phase) });
    return steps;
  }

  account(account: AccountConfig, directory: Planned): Step[] {
    const item = `account ${account.id}`;
    const known = directory.account(account.id);
    const steps: Step[] = [];
    const isNew = this.#accounts.has(account.id) || known === undefined;
    if (known === undefined) steps.push({ what: item, fields: defineAccount(account) });
    if (isNew) this.defined.push(item);
    for (const { asset, amount } of isNew ? account.deposits : []) {
      if (known?.balances.some((balance) => balance.asset.id === asset.id)) continue;
      steps.push({ what: `deposit of ${asset.name} to account ${account.id}`, fields: deposit(account.id, asset.id, amount) });
    }
    const set = (
      word: string,
      value: number,
      now: number | undefined,
      fallback: number,
      fields: CommandFields,
      text: (value: number) => string,
    ): void => {
      const key = `account ${account.id} ${word}`;
      const step = { what: `${word} of ${item}`, fields, optional: !isNew, key };
      if (isNew) {
        this.#note(key, value, fallback);
        if (value !== now) steps.push(step);
        return;
      }
      const change = { item, key: word, now: text(now ?? fallback), file: text(value) };
      if (this.#sets(key, value, now ?? fallback, fallback, change)) steps.push(step);
    };
    const { maxOpenOrders } = account;
    const limit = setAccount(account.id, AccountParam.MaxOpenOrders, maxOpenOrders);
    set('max-open-orders', maxOpenOrders, known?.maxOpenOrders, DEFAULT_MAX_OPEN_ORDERS, limit, String);
    for (const { table, tier } of account.feeTiers) {
      const current = known?.feeTiers.find((each) => each.table === table);
      const now = current?.given === true ? current.tier : BY_VOLUME;
      const text = (value: number): string => (value === BY_VOLUME ? 'by volume' : `tier ${value}`);
      set(`fee-tiers.${table}`, tier, now, BY_VOLUME, giveFeeTier(account.id, table, tier), text);
    }
    // The file can suspend an account; only the operator lifts that.
    if (account.suspended) {
      const text = (value: number): string => String(value === 1);
      set('suspended', 1, known?.suspended ? 1 : 0, 0, setAccount(account.id, AccountParam.Suspended, 1), text);
    }
    return steps;
  }

  /** Notes the file's value, and whether it takes effect. */
  #sets(key: string, file: ConfiguredValue, now: ConfiguredValue, fallback: ConfiguredValue, change: ValueChange): boolean {
    const decision = this.#policy.decide(key, file, now, fallback);
    // A default that the file need not even name: the operator's value is no contradiction of it.
    const isNamed = file !== fallback || this.#policy.before(key, fallback) !== fallback;
    if (decision === 'set') this.changed.push(change);
    else if (decision === 'keep' && isNamed) this.kept.push(change);
    this.#note(key, file, fallback);
    return decision === 'set';
  }

  #note(key: string, value: ConfiguredValue, fallback: ConfiguredValue): void {
    if (value !== fallback) this.values.set(key, value);
    else if (this.#policy.before(key, fallback) !== fallback) this.values.set(key, undefined);
  }
}

function paramKey(symbol: number, name: SymbolParamName): string {
  return `symbol ${symbol} ${parameterWord(name)}`;
}

function tiersKey(tiers: readonly FeeTierConfig[]): string {
  return JSON.stringify(tiers.map(({ volume, makerPpm, takerPpm }) => [volume, makerPpm, takerPpm]));
}

function tierText({ volume, makerPpm, takerPpm }: FeeTierConfig, decimals: number): string {
  return `from ${unitsToDecimal(volume, 1, decimals)} ${percentText(makerPpm)}/${percentText(takerPpm)}`;
}
