import { Code } from '../../engine/codes.ts';
import { LimitParam } from '../../engine/params.ts';
import { Side } from '../../engine/wire/layout.ts';
import { SYMBOL } from './exchange-fixture.ts';

interface Limits {
  position: number;
  exposure: number;
  /** Lots bought and, below 0, sold since the first limit. */
  trades: number[];
}

/** An order, as far as positions go. */
interface Order {
  account: number;
  side: number;
  open: number;
}

const sum = (numbers: number[]): number => numbers.reduce((all, n) => all + n, 0);

/** Limits of position and exposure of accounts in the fixture's symbol. */
export class NaivePositions {
  readonly #limits = new Map<number, Limits>();

  set(account: number, parameter: number, lots: number): void {
    const limits = this.#limits.get(account) ?? { position: 0, exposure: 0, trades: [] };
    if (parameter === LimitParam.MaxPosition) limits.position = lots;
    else limits.exposure = lots;
    if (limits.position === 0 && limits.exposure === 0) this.#limits.delete(account);
    else this.#limits.set(account, limits);
  }

  traded(account: number, side: number, lots: number): void {
    this.#limits.get(account)?.trades.push(side === Side.Buy ? lots : -lots);
  }

  /** @param more lots that the order adds to the resting ones */
  check({ account, side }: Order, more: number, resting: readonly Order[]): number {
    const limits = this.#limits.get(account);
    if (limits === undefined || more <= 0) return Code.OK;
    const position = sum(limits.trades) * (side === Side.Buy ? 1 : -1);
    const own = resting.filter((o) => o.account === account);
    const sameSide = sum(own.filter((o) => o.side === side).map(({ open }) => open));
    if (limits.position !== 0 && position + sameSide + more > limits.position) return Code.POSITION_LIMIT;
    return limits.exposure !== 0 && sum(own.map(({ open }) => open)) + more > limits.exposure ? Code.EXPOSURE_LIMIT : Code.OK;
  }

  /** The same for both sides of a quote, which together add lots to buy and lots to sell. */
  checkBoth(account: number, moreBuys: number, moreSells: number, resting: readonly Order[]): number {
    const limits = this.#limits.get(account);
    if (limits === undefined) return Code.OK;
    const own = resting.filter((o) => o.account === account);
    const lots = (side: number): number => sum(own.filter((o) => o.side === side).map(({ open }) => open));
    const [buys, sells] = [lots(Side.Buy) + moreBuys, lots(Side.Sell) + moreSells];
    const long = moreBuys > 0 ? sum(limits.trades) + buys : 0;
    const short = moreSells > 0 ? sells - sum(limits.trades) : 0;
    if (limits.position !== 0 && Math.max(long, short) > limits.position) return Code.POSITION_LIMIT;
    return limits.exposure !== 0 && moreBuys + moreSells > 0 && buys + sells > limits.exposure ? Code.EXPOSURE_LIMIT : Code.OK;
  }

  /** The rows of a snapshot. */
  rows(resting: readonly Order[]): number[][] {
    return [...this.#limits.entries()]
      .sort(([a], [b]) => a - b)
      .map(([account, { position, exposure, trades }]) => {
        const open = [Side.Buy, Side.Sell].map((side) =>
          sum(resting.filter((o) => o.account === account && o.side === side).map((o) => o.open)),
        );
        return [20, account, SYMBOL, position, exposure, sum(trades), ...open];
      });
  }
}
