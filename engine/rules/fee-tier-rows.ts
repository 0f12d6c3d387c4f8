import { FEE_TABLES, TIERS_PER_TABLE } from '../params.ts';
import { RowKind, type RowWriter, type StatePart } from '../state-part.ts';
import { within } from './account-rows.ts';
import type { Accounts } from './accounts.ts';
import type { FeeTiers } from './fee-tiers.ts';
import type { RiskModels } from './risk-model.ts';

/** Rows of the fee tier tables, each followed by its tiers, the volumes that it compares and the tiers that the operator gave. Tier 0 has the asset only. */
export class FeeTierRows implements StatePart {
  readonly kinds = [RowKind.FeeTier, RowKind.FeeVolume, RowKind.GivenFeeTier];
  readonly #tiers: FeeTiers;
  readonly #accounts: Accounts;
  readonly #risks: RiskModels;

  constructor(tiers: FeeTiers, accounts: Accounts, risks: RiskModels) {
    this.#tiers = tiers;
    this.#accounts = accounts;
    this.#risks = risks;
  }

  save(out: RowWriter): void {
    const tiers = this.#tiers;
    const { asset, count, volume, makerPpm, takerPpm, givenTier } = tiers.tables;
    const { capacity } = this.#accounts;
    for (let table = 1; table <= FEE_TABLES; table++) {
      if (asset[table] === 0) continue;
      out.row(RowKind.FeeTier, table, asset[table], 0);
      for (let tier = 1; tier <= count[table]; tier++) {
        const at = table * TIERS_PER_TABLE + tier - 1;
        out.row(RowKind.FeeTier, table, asset[table], tier, volume[at], makerPpm[at], takerPpm[at]);
      }
      for (let account = 1; account < capacity; account++)
        tiers.eachDay(table, account, (day, volume) => out.row(RowKind.FeeVolume, table, account, day, volume));
      for (let account = 1; account < capacity; account++) {
        const given = givenTier[table * capacity + account];
        if (given !== 0) out.row(RowKind.GivenFeeTier, table, account, given - 1);
      }
    }
  }

  load(r: Float64Array, at: number): void {
    const [table, second, third, volume, makerPpm, takerPpm] = r.subarray(at + 1, at + 7);
    if (r[at] === RowKind.FeeVolume) return this.#tiers.add(table, within(second, this.#accounts.capacity, 'accounts'), volume, third);
    if (r[at] === RowKind.GivenFeeTier) return this.#loadGiven(table, within(second, this.#accounts.capacity, 'accounts'), third);
    this.#risks.track();
    if (third === 0) this.#tiers.define(table, second);
    else this.#tiers.set(table, second, third, volume, makerPpm, takerPpm);
  }

  /** The table may have fewer tiers now. */
  #loadGiven(table: number, account: number, tier: number): void {
    this.#tiers.tables.givenTier[table * this.#accounts.capacity + account] = tier + 1;
  }
}
