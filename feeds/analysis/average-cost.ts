import { addProduct, WIDE_BASE, wideValue } from './wide-sum.ts';

/**
 * Index of each field of a position's state. All are integers. Fields with a low and a high word are sums that may pass 2^53, see
 * wide-sum.ts: `XLow` is followed by its high word. Notionals and the cost are in ticks times lots, fees in units of the quote asset.
 */
export const PositionField = {
  /** Number of the account's last report that is included, and the sequence and time (microseconds) of its command. 0: none. */
  reportNo: 0,
  seq: 1,
  timeUs: 2,
  fills: 3,
  boughtLow: 4,
  soldLow: 6,
  boughtNotionalLow: 8,
  soldNotionalLow: 10,
  feesLow: 12,
  /** Rebates, as a positive sum. */
  rebatesLow: 14,
  /** What the open position cost (long) or brought in (short), without fees; not negative. */
  costLow: 16,
} as const;
export const POSITION_FIELDS = 18;

const { reportNo, seq, timeUs, fills, boughtLow, soldLow, boughtNotionalLow, soldNotionalLow, feesLow, rebatesLow, costLow } =
  PositionField;
const costHigh = costLow + 1;

/** Below it, sums of a few terms are exact. */
const EXACT = 2 ** 50;

/** What a position comes to, exactly. Cold. */
export interface PositionSums {
  /** Lots; below 0: short. */
  readonly position: bigint;
  readonly bought: bigint;
  readonly sold: bigint;
  /** Ticks times lots. */
  readonly boughtNotional: bigint;
  readonly soldNotional: bigint;
  /** Of the open position, ticks times lots, not negative. */
  readonly cost: bigint;
  /** Profit of what was closed, before fees, ticks times lots. */
  readonly realised: bigint;
  /** Fees less rebates, units of the quote asset. */
  readonly fees: bigint;
}

/**
 * The position of one account in one symbol, by average cost, from the account's fills. A pure state machine.
 *
 * A fill that enlarges the position adds its notional to the cost. A fill that reduces it by a part takes the same part of the cost, rounded
 * to the nearest tick times lot, halves up; what is left is the cost of the rest, so that nothing is lost. A fill beyond the position closes
 * it, and opens one on the other side at its own price. Profit is realised when a position is reduced: it is the difference between the
 * notional of the fill and the cost that it takes. So, at any time, realised profit = sold - bought + cost of a long position (less
 * that of a short one), and only the cost is kept.
 *
 * All state is in `state`, so a copy of it continues exactly where this object stands. One thread owns the object. Numbers beyond 2^50 take
 * a slower path, with the same results. The notional of a fill is below 2^53, so the sums have room for 2^52 fills.
 */
export class Position {
  readonly state: Float64Array;

  /** @param state of {@link POSITION_FIELDS} numbers; default: no fill yet */
  constructor(state: Float64Array = new Float64Array(POSITION_FIELDS)) {
    this.state = state;
  }

  /** Number of the last report that is included. */
  get reportNo(): number {
    return this.state[reportNo];
  }

  /** Sequence of its command. */
  get seq(): number {
    return this.state[seq];
  }

  /** Its time, microseconds since the Unix epoch. */
  get timeUs(): number {
    return this.state[timeUs];
  }

  get fills(): number {
    return this.state[fills];
  }

  /**
   * Adds a fill, in order of the account's reports.
   * @param no the report's number; one that is not above the last one is ignored
   * @param isBuy side @param price ticks, from 1 @param quantity lots, from 1 @param fee units of the quote asset; negative: a rebate
   * @returns false: it was included already
   */
  fill(no: number, ofSeq: number, ofTimeUs: number, isBuy: boolean, price: number, quantity: number, fee: number): boolean {
    const { state } = this;
    if (no <= state[reportNo]) return false;
    this.#trade((state[boughtLow + 1] - state[soldLow + 1]) * WIDE_BASE + (state[boughtLow] - state[soldLow]), isBuy, price, quantity);
    addProduct(state, isBuy ? boughtLow : soldLow, quantity, 1);
    addProduct(state, isBuy ? boughtNotionalLow : soldNotionalLow, price, quantity);
    if (fee >= 0) addProduct(state, feesLow, fee, 1);
    else addProduct(state, rebatesLow, -fee, 1);
    state[reportNo] = no;
    state[seq] = ofSeq;
    state[timeUs] = ofTimeUs;
    state[fills]++;
    return true;
  }

  /** Cold. */
  sums(): PositionSums {
    const wide = (low: number): bigint => wideValue(this.state[low], this.state[low + 1]);
    const [bought, sold, cost] = [wide(boughtLow), wide(soldLow), wide(costLow)];
    const [boughtNotional, soldNotional] = [wide(boughtNotionalLow), wide(soldNotionalLow)];
    const position = bought - sold;
    const realised = soldNotional - boughtNotional + (position < 0n ? -cost : cost);
    return { position, bought, sold, boughtNotional, soldNotional, cost, realised, fees: wide(feesLow) - wide(rebatesLow) };
  }

  /** Changes the cost. @param position before the fill, lots; rounded above 2^53, where it is only compared with what a fill can have */
  #trade(position: number, isBuy: boolean, price: number, quantity: number): void {
    const { state } = this;
    const open = Math.abs(position);
    if (open === 0 || position > 0 === isBuy) {
      addProduct(state, costLow, price, quantity);
    } else if (quantity >= open) {
      state[costLow] = state[costHigh] = 0;
      addProduct(state, costLow, price, quantity - open);
    } else {
      const cost = state[costLow];
      const odd = cost % open;
      // The whole ticks of the average, and the rest of the cost, which is below the open lots, are taken apart: both stay exact.
      const part = odd * quantity;
      if (state[costHigh] !== 0 || cost >= EXACT || open >= EXACT || part >= EXACT) return this.#tradeWide(isBuy, price, quantity);
      state[costLow] = cost - ((cost - odd) / open) * quantity - Math.floor((2 * part + open) / (2 * open));
    }
  }

  /** The same for numbers of any size. Rare. */
  #tradeWide(isBuy: boolean, price: number, quantity: number): void {
    const { position, cost } = this.sums();
    const [open, lots, notional] = [position < 0n ? -position : position, BigInt(quantity), BigInt(price) * BigInt(quantity)];
    if (open === 0n || position > 0n === isBuy) this.#setCost(cost + notional);
    else if (lots >= open) this.#setCost(BigInt(price) * (lots - open));
    else this.#setCost(cost - (2n * cost * lots + open) / (2n * open));
  }

  #setCost(cost: bigint): void {
    const base = BigInt(WIDE_BASE);
    this.state[costLow] = Number(cost % base);
    this.state[costHigh] = Number(cost / base);
  }
}
