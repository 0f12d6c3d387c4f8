import { MOST_ORDERS_MET } from '../../engine/rules/self-trade.ts';
import { SelfTradeMode } from '../../engine/wire/layout.ts';
import { type NaiveIceberg, partsInTurn } from './naive-icebergs.ts';
import type { ProtectionTrial } from './naive-protections.ts';

interface Order {
  id: number;
  hidden?: boolean;
  iceberg?: NaiveIceberg;
  account: number;
  side: number;
  price: number;
  open: number;
  /** SelfTradeMode that it was sent with. */
  selfTrade: number;
}

/** Self-trade prevention of the naive exchange: which orders are of one owner, and what an order would trade. */
export class NaiveSelfTrade {
  /** Orders, and parts of them, that an order meets at most. */
  mostMet = MOST_ORDERS_MET;
  /** SelfTradeMode of accounts. */
  modes = new Map<number, number>();
  readonly #groups: ReadonlyMap<number, number>;

  constructor(groups: ReadonlyMap<number, number>) {
    this.#groups = groups;
  }

  own(a: Pick<Order, 'account'>, b: Pick<Order, 'account'>): boolean {
    const group = this.#groups.get(a.account) ?? 0;
    return a.account === b.account || (group !== 0 && this.#groups.get(b.account) === group);
  }

  /** The mode that counts; None without prevention. */
  mode(o: Order): number {
    return o.selfTrade || this.modes.get(o.account) || SelfTradeMode.None;
  }

  /** The lots that `o` would trade with orders in their sequence, and their cost. */
  trades<O extends Order>(o: Order, reach: readonly O[], trial: ProtectionTrial<O>): { lots: number; cost: number } {
    const mode = this.mode(o);
    let [left, lots, cost, met] = [o.open, 0, 0, 0];
    for (const price of new Set(reach.map((maker) => maker.price))) {
      const gone = new Set<Order>();
      for (const { order: maker, lots: part } of partsInTurn(reach.filter((order) => order.price === price))) {
        if (gone.has(maker) || trial.isPulled(maker)) continue;
        if (mode !== SelfTradeMode.None) met++;
        if (met > this.mostMet) return { lots, cost };
        const own = mode !== SelfTradeMode.None && this.own(o, maker);
        if (own) gone.add(maker);
        if (own && (mode === SelfTradeMode.CancelNewest || mode === SelfTradeMode.CancelBoth)) return { lots, cost };
        if (own && mode === SelfTradeMode.CancelOldest) continue;
        const take = Math.min(left, own ? maker.open : part);
        left -= take;
        if (own) continue;
        if (take > 0) met += trial.fill(maker, take);
        lots += take;
        cost += take * maker.price;
      }
    }
    return { lots, cost };
  }

  rows(account: number): number[][] {
    const mode = this.modes.get(account) ?? 0;
    return mode === 0 ? [] : [[19, account, 2, mode]];
  }
}
