import { Code } from '../codes.ts';
import { FEE_TABLES, MILLION, SYMBOL_PARAMS, SymbolParam, TIERS_PER_TABLE } from '../params.ts';
import { LIMIT_53, type Money, type TimeUs } from '../units.ts';
import { type FeeSchedules, TIERED } from './fee-schedules.ts';
import type { FeeTables } from './fee-tables.ts';
import type { Symbols } from './symbols.ts';

const { FeeTierTable: FEE_TIER_TABLE } = SymbolParam;
const PARAMS = SYMBOL_PARAMS;
const DAY_US = 86_400_000_000;
/** Complete days whose volume counts. */
export const VOLUME_DAYS = 30;
/** Those, and the present day. */
const BUCKETS = VOLUME_DAYS + 1;

/** The volumes that one table compares. */
interface Volumes {
  /** By account: the last day with volume, days since the epoch. */
  readonly lastDay: Float64Array;
  /** By `account * BUCKETS + day % BUCKETS`. */
  readonly ofDay: Float64Array;
}

/**
 * Fee tiers by volume. A table belongs to an asset, and the symbols of that quote
 * asset may name it. The volume of an account is the notional of its fills in those
 * symbols, as maker, as taker and in auctions, on the 30 UTC days before the present
 * one. So its tier changes at midnight only, or when the operator changes the
 * table, and is found once per account and day. Tier 0 has the fees of the symbol;
 * tier n has the n-th volume of the table and its rates. New orders have the tier
 * of their account; open orders keep their rates. The operator may give an account
 * a tier, which holds instead of that by volume until it is taken back.
 *
 * A table takes 31 buckets per account, from its definition on. Owned by the engine thread.
 */
export class FeeTiers {
  readonly tables: FeeTables;
  readonly #schedules: FeeSchedules;
  readonly #symbols: Symbols;
  readonly #accounts: number;
  readonly #volumes: (Volumes | undefined)[] = [];

  /** @param accounts ids are below it */
  constructor(tables: FeeTables, schedules: FeeSchedules, symbols: Symbols, accounts: number) {
    this.tables = tables;
    this.#schedules = schedules;
    this.#symbols = symbols;
    this.#accounts = accounts;
  }

  /**
   * Sets a tier of a table, or with volume 0 removes it and the ones above it. Volumes rise with the tiers.
   * @param tier from 1, at most one more than the table has
   */
  set(table: number, asset: number, tier: number, volume: Money, makerPpm: number, takerPpm: number): Code {
    const tables = this.tables;
    if (table < 1 || table > FEE_TABLES || tier < 1 || tier > TIERS_PER_TABLE || tier > tables.count[table] + 1) return Code.BAD_PARAMETER;
    if (tables.asset[table] !== 0 && tables.asset[table] !== asset) return Code.BAD_PARAMETER;
    if (volume === 0) tables.count[table] = Math.min(tables.count[table], tier - 1);
    else {
      const at = table * TIERS_PER_TABLE + tier - 1;
      const inRange = takerPpm >= 0 && takerPpm <= MILLION && makerPpm <= MILLION && makerPpm + takerPpm >= 0;
      const isAbove = tier === 1 || volume > tables.volume[at - 1];
      const isBelow = tier >= tables.count[table] || volume < tables.volume[at + 1];
      if (!inRange || !isAbove || !isBelow) return Code.BAD_PARAMETER;
      const schedule = this.#schedules.find(makerPpm, takerPpm);
      if (schedule === -1) return Code.CAPACITY;
      this.#schedules.ofTiers[at] = schedule;
      tables.volume[at] = volume;
      tables.makerPpm[at] = makerPpm;
      tables.takerPpm[at] = takerPpm;
      tables.count[table] = Math.max(tables.count[table], tier);
    }
    this.define(table, asset);
    return Code.OK;
  }

  /** Gives an account a tier of a table that is defined, plus 1; 0 takes it back. It is kept also while the table has fewer tiers: then its highest one holds. */
  give(table: number, account: number, given: number): Code {
    const tables = this.tables;
    if (table < 1 || table > FEE_TABLES || given < 0) return Code.BAD_PARAMETER;
    if (given !== 0 && (tables.asset[table] === 0 || given > tables.count[table] + 1)) return Code.BAD_PARAMETER;
    const at = table * this.#accounts + account;
    tables.givenTier[at] = given;
    tables.knownDay[at] = 0;
    return Code.OK;
  }

  /** Gives a table its asset. What was known of the tiers of accounts may be wrong. */
  define(table: number, asset: number): void {
    this.tables.asset[table] = asset;
    this.tables.knownDay.fill(0, table * this.#accounts, (table + 1) * this.#accounts);
    this.#volumes[table] ??= { lastDay: new Float64Array(this.#accounts), ofDay: new Float64Array(this.#accounts * BUCKETS) };
  }

  /** The fee schedule of a new order, of a symbol with or without a table; 0 if there is no such symbol. */
  ofNew(symbol: number, account: number, timeUs: TimeUs): number {
    if (symbol >= this.#symbols.capacity) return 0;
    const schedule = this.#schedules.ofSymbol[symbol];
    return schedule < TIERED ? schedule : this.scheduleOf(symbol, account, timeUs);
  }

  /** The same of a symbol with a table. */
  scheduleOf(symbol: number, account: number, timeUs: TimeUs): number {
    const table = this.#symbols.params[symbol * PARAMS + FEE_TIER_TABLE];
    const tier = this.tierOf(table, account, timeUs);
    return tier === 0 ? this.#schedules.baseOf(symbol) : this.#schedules.ofTiers[table * TIERS_PER_TABLE + tier - 1];
  }

  tierOf(table: number, account: number, timeUs: TimeUs): number {
    const { count, volume: from, givenTier, knownTier, knownVolume, knownDay } = this.tables;
    const at = table * this.#accounts + account;
    const today = dayOf(timeUs);
    if (knownDay[at] === today) return knownTier[at];
    const volume = this.volumeOf(table, account, timeUs);
    const given = givenTier[at];
    let tier = given === 0 ? 0 : Math.min(given - 1, count[table]);
    while (given === 0 && tier < count[table] && volume >= from[table * TIERS_PER_TABLE + tier]) tier++;
    knownTier[at] = tier;
    knownVolume[at] = volume;
    knownDay[at] = today;
    return tier;
  }

  /** The volume of the account that counts, in units of the table's asset. */
  volumeOf(table: number, account: number, timeUs: TimeUs): Money {
    const volumes = this.#volumes[table];
    if (volumes === undefined) return 0;
    const { lastDay, ofDay } = volumes;
    const last = lastDay[account];
    const today = dayOf(timeUs);
    let sum = 0;
    for (let day = Math.max(0, last - VOLUME_DAYS, today - VOLUME_DAYS); day <= Math.min(last, today - 1); day++)
      sum = saturate(sum + ofDay[account * BUCKETS + (day % BUCKETS)]);
    return sum;
  }

  /** Counts a fill. */
  countFill(symbol: number, account: number, cost: Money, timeUs: TimeUs): void {
    const table = this.#symbols.params[symbol * PARAMS + FEE_TIER_TABLE];
    if (table !== 0) this.add(table, account, cost, dayOf(timeUs));
  }

  /** Adds volume on a day to a table that is defined. Days do not fall. */
  add(table: number, account: number, volume: Money, day: number): void {
    const { lastDay, ofDay } = this.#volumes[table] as Volumes;
    const first = account * BUCKETS;
    const last = lastDay[account];
    if (day > last) {
      for (let empty = Math.max(last + 1, day - VOLUME_DAYS); empty <= day; empty++) ofDay[first + (empty % BUCKETS)] = 0;
      lastDay[account] = day;
    }
    const at = first + (lastDay[account] % BUCKETS);
    ofDay[at] = saturate(ofDay[at] + volume);
  }

  /** The days of an account that have volume and may still count, the oldest first. */
  eachDay(table: number, account: number, visit: (day: number, volume: Money) => void): void {
    const volumes = this.#volumes[table];
    if (volumes === undefined || volumes.lastDay[account] === 0) return;
    const last = volumes.lastDay[account];
    for (let day = Math.max(0, last - VOLUME_DAYS); day <= last; day++) {
      const volume = volumes.ofDay[account * BUCKETS + (day % BUCKETS)];
      if (volume !== 0) visit(day, volume);
    }
  }
}

function dayOf(timeUs: TimeUs): number {
  return Math.floor(timeUs / DAY_US);
}

/** Sums stay exact: beyond the exact range, they are the highest volume. */
function saturate(sum: Money): Money {
  return Math.min(sum, LIMIT_53 - 1);
}
