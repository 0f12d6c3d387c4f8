/** What an order has paid in fees, in exact arithmetic. Rates in millionths of the notional. */
export interface FeeAccount {
  readonly maker: number;
  readonly taker: number;
  /** False before rules 4: each fill is rounded towards zero. */
  readonly whole: boolean;
  /** Millionths of a unit that its fills cost, and units that they paid. */
  exact: bigint;
  paid: bigint;
}

const MILLION = 1_000_000n;

export function newFeeAccount(maker: number, taker: number, whole: boolean): FeeAccount {
  return { maker, taker, whole, exact: 0n, paid: 0n };
}

/** The fee of a fill: what is missing of the fee of all fills so far, rounded up. */
export function payFee(account: FeeAccount, notional: number, ppm: number): number {
  const cost = BigInt(notional) * BigInt(ppm);
  if (!account.whole) return Number(cost / MILLION);
  account.exact += cost;
  const fee = roundUp(account.exact) - account.paid;
  account.paid += fee;
  return Number(fee);
}

/** The highest fee that a notional can still cost the order. */
export function reservedFee(account: FeeAccount, notional: number): number {
  const cost = BigInt(notional) * BigInt(Math.max(account.maker, account.taker, 0));
  return Number(account.whole ? roundUp(account.exact + cost) - account.paid : cost / MILLION);
}

/** Millionths that were paid in advance. */
export function carryOf({ exact, paid }: FeeAccount): number {
  return Number(paid * MILLION - exact);
}

function roundUp(millionths: bigint): bigint {
  const down = millionths / MILLION;
  return millionths > down * MILLION ? down + 1n : down;
}
