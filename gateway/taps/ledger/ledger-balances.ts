import { Side } from '../../../engine/wire/layout.ts';
import type { ReportView } from '../../../engine/wire/report-view.ts';
import type { HistoryStore } from '../history/store.ts';
import { storedPositions, unpackPositions } from '../positions/position-queries.ts';
import { positionBase } from '../positions/position-store.ts';
import { type LedgerMark, movesBefore, openingOf } from './ledger-store.ts';

const NEWEST = Number.MAX_SAFE_INTEGER;

/** What one lot and one tick of a symbol are worth, which never changes. */
export interface SymbolUnits {
  readonly baseAsset: number;
  readonly quoteAsset: number;
  /** Smallest units of the base asset. */
  readonly basePerLot: number;
  /** Of the quote asset. */
  readonly quotePerTickLot: number;
}

/** By symbol. */
export type Units = ReadonlyMap<number, SymbolUnits>;

/** What a fill changes, in smallest units: both legs without the fee, and the fee. Amounts below 0 are paid. */
export interface Settled extends SymbolUnits {
  readonly base: number;
  readonly quote: number;
  /** Not 0 only if one is charged, below 0, or a rebate paid. */
  readonly fee: number;
}

export function settledBy({ symbol, side, price, quantity, fee }: ReportView, units: Units): Settled {
  const its = units.get(symbol);
  if (its === undefined) throw new Error(`the history has fills of symbol ${symbol}, which is not defined`);
  const lots = quantity * its.basePerLot;
  const cost = price * quantity * its.quotePerTickLot;
  const buys = side === Side.Buy;
  return { ...its, base: buys ? lots : -lots, quote: buys ? -cost : cost, fee: 0 - fee };
}

/**
 * Balances of an account, by asset, after all that the store has. Undefined: not known, because an earlier release wrote a part of the store, or
 * fills were removed before they were counted.
 * @throws DamagedHistoryError
 */
export function newestBalances(store: HistoryStore, account: number, mark: LedgerMark, units: Units): Map<number, number> | undefined {
  const opening = openingOf(store, account);
  if (!mark.opened || positionBase(store, account).lostTo !== opening.reportNo) return undefined;
  const sums = new Map<number, bigint>();
  const add = (asset: number, amount: bigint): void => void sums.set(asset, (sums.get(asset) ?? 0n) + amount);
  for (const [asset, balance] of opening.balances) add(asset, BigInt(balance));
  for (const { asset, amount } of movesBefore(store, account, NEWEST)) add(asset, BigInt(amount));
  for (const { symbol, position } of unpackPositions(storedPositions(store, { account, after: 0, limit: NEWEST }))) {
    const its = units.get(symbol);
    if (its === undefined) throw new Error(`the history has positions in symbol ${symbol}, which is not defined`);
    const { position: lots, boughtNotional, soldNotional, fees } = position.sums();
    add(its.baseAsset, lots * BigInt(its.basePerLot));
    add(its.quoteAsset, (soldNotional - boughtNotional) * BigInt(its.quotePerTickLot) - fees);
  }
  return new Map(Array.from(sums, ([asset, sum]) => [asset, Number(sum)]));
}
