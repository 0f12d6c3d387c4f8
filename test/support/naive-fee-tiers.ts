import { Code } from '../../engine/codes.ts';
import { USD } from './exchange-fixture.ts';

const DAY_US = 86_400_000_000;

interface Tier {
  volume: number;
  maker: number;
  taker: number;
}

/** Fee tier tables, and every fill that counts for one. */
export class NaiveFeeTiers {
  /** The symbol's table, 0 = none. */
  table = 0;
  readonly tables = new Map<number, Tier[]>();
  /** By table and account: the tier that the operator gave. */
  readonly #given = new Map<string, number>();
  readonly #fills: { table: number; account: number; day: number; cost: number }[] = [];

  set(table: number, asset: number, tier: number, volume: number, maker: number, taker: number): number {
    const tiers = this.tables.get(table) ?? [];
    if (asset !== USD || table < 1 || table > 8 || tier < 1 || tier > 15 || tier > tiers.length + 1) return Code.BAD_PARAMETER;
    const wanted = [...tiers];
    if (volume === 0) wanted.length = tier - 1;
    else wanted[tier - 1] = { volume, maker, taker };
    if (volume !== 0 && (maker + taker < 0 || wanted.some((each, i) => i > 0 && each.volume <= wanted[i - 1].volume)))
      return Code.BAD_PARAMETER;
    this.tables.set(table, wanted);
    return Code.OK;
  }

  /** The symbol names a table, or none. */
  use(table: number): number {
    if (table !== 0 && !this.tables.has(table)) return Code.BAD_PARAMETER;
    this.table = table;
    return Code.OK;
  }

  /** @param given tier + 1; 0 = by volume */
  give(table: number, account: number, given: number): number {
    const tiers = this.tables.get(table);
    if (table < 1 || table > 8 || (given !== 0 && given > (tiers?.length ?? -1) + 1)) return Code.BAD_PARAMETER;
    if (given === 0) this.#given.delete(`${table}/${account}`);
    else this.#given.set(`${table}/${account}`, given - 1);
    return Code.OK;
  }

  isGiven(account: number): boolean {
    return this.#given.has(`${this.table}/${account}`);
  }

  note(account: number, cost: number, timeUs: number): void {
    if (this.table !== 0) this.#fills.push({ table: this.table, account, day: Math.floor(timeUs / DAY_US), cost });
  }

  /** The tier of an account; undefined: the symbol's rates. */
  of(account: number, timeUs: number): Tier | undefined {
    const given = this.#given.get(`${this.table}/${account}`);
    if (given !== undefined) return (this.tables.get(this.table) ?? []).slice(0, given).at(-1);
    const today = Math.floor(timeUs / DAY_US);
    const counted = this.#fills.filter((f) => f.table === this.table && f.account === account && f.day < today && f.day >= today - 30);
    const volume = counted.reduce((sum, { cost }) => sum + cost, 0);
    return (this.tables.get(this.table) ?? []).filter((tier) => tier.volume <= volume).at(-1);
  }

  rows(accounts: readonly number[]): number[][] {
    return [...this.tables.entries()]
      .sort(([a], [b]) => a - b)
      .flatMap(([table, tiers]) => [
        [41, table, USD, 0],
        ...tiers.map(({ volume, maker, taker }, i) => [41, table, USD, i + 1, volume, maker, taker]),
        ...accounts.flatMap((account) => this.#volumeRows(table, account)),
        ...accounts.filter((account) => this.#given.has(`${table}/${account}`)).map((account) => this.#givenRow(table, account)),
      ]);
  }

  #givenRow(table: number, account: number): number[] {
    return [57, table, account, this.#given.get(`${table}/${account}`) ?? -1];
  }

  #volumeRows(table: number, account: number): number[][] {
    const its = this.#fills.filter((f) => f.table === table && f.account === account);
    const last = Math.max(...its.map(({ day }) => day));
    const days = [...new Set(its.map(({ day }) => day))].filter((day) => day >= last - 30).sort((a, b) => a - b);
    return days.map((day) => [30, table, account, day, its.filter((f) => f.day === day).reduce((sum, { cost }) => sum + cost, 0)]);
  }
}
