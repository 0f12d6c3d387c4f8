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

  note(account: number, cost: number, timeUs: number): void {
    if (this.table !== 0) this.#fills.push({ table: this.table, account, day: Math.floor(timeUs / DAY_US), cost });
  }

  /** The tier of an account; undefined: the symbol's rates. */
  of(account: number, timeUs: number): Tier | undefined {
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
      ]);
  }

  #volumeRows(table: number, account: number): number[][] {
    const its = this.#fills.filter((f) => f.table === table && f.account === account);
    const last = Math.max(...its.map(({ day }) => day));
    const days = [...new Set(its.map(({ day }) => day))].filter((day) => day >= last - 30).sort((a, b) => a - b);
    return days.map((day) => [30, table, account, day, its.filter((f) => f.day === day).reduce((sum, { cost }) => sum + cost, 0)]);
  }
}
