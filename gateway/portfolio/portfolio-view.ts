import type { AssetInfo, SymbolInfo } from '../../engine/threads/directory-info.ts';
import type { Position } from '../../feeds/analysis/average-cost.ts';
import type { PortfolioPosition, PortfolioTotal } from '../client/portfolio.ts';
import { decimalOf, rounded, unitsWith } from './exact-decimal.ts';
import type { Mark } from './marks.ts';

/** Places of an average price beyond those of the tick. */
const MORE_PLACES = 4;

/** Amounts of a position in units of its quote asset, exact; those that need a mark are undefined without one. */
export interface PositionMoney {
  readonly asset: AssetInfo;
  readonly cost: bigint;
  readonly realised: bigint;
  readonly fees: bigint;
  /** At the mark; below 0: what a short position owes. Rounded to a unit, halves away from zero. */
  readonly value: bigint | undefined;
  readonly unrealised: bigint | undefined;
}

export function positionMoney(symbol: SymbolInfo, position: Position, mark: Mark | undefined): PositionMoney {
  const { quoteAsset: asset, quotePerTickLot, lotMantissa, lotDecimals } = symbol;
  const sums = position.sums();
  const perUnit = BigInt(quotePerTickLot);
  const cost = sums.cost * perUnit;
  const money = { asset, cost, realised: sums.realised * perUnit, fees: sums.fees };
  if (sums.position === 0n) return { ...money, value: 0n, unrealised: 0n };
  if (mark === undefined) return { ...money, value: undefined, unrealised: undefined };
  const exact = { units: sums.position * BigInt(lotMantissa) * mark.price.units, decimals: lotDecimals + mark.price.decimals };
  const value = unitsWith(exact, asset.decimals);
  return { ...money, value, unrealised: value - (sums.position < 0n ? -cost : cost) };
}

/** JSON of a position: amounts are decimal text, because sums may pass 2^53. */
export function positionView(symbol: SymbolInfo, position: Position, mark: Mark | undefined, money: PositionMoney): PortfolioPosition {
  const { tickMantissa, tickDecimals, lotMantissa, lotDecimals, quotePerTickLot, quoteAsset } = symbol;
  const sums = position.sums();
  const lots = (count: bigint): string => decimalOf({ units: count * BigInt(lotMantissa), decimals: lotDecimals });
  const paid = (units: bigint): string => decimalOf({ units, decimals: quoteAsset.decimals });
  const { cost, value, realised, unrealised, fees } = money;
  const open = sums.position < 0n ? -sums.position : sums.position;
  const places = tickDecimals + MORE_PLACES;
  const average = open === 0n ? 0n : rounded(sums.cost * BigInt(tickMantissa) * 10n ** BigInt(MORE_PLACES), open);
  return {
    symbol: symbol.name,
    quote: quoteAsset.name,
    position: lots(sums.position),
    ...(open !== 0n && { averagePrice: decimalOf({ units: average, decimals: places }) }),
    cost: paid(cost),
    ...(mark !== undefined && {
      mark: decimalOf(mark.price),
      markKind: mark.kind,
      ...(mark.source !== undefined && { markSource: mark.source, markTimeUs: mark.timeUs }),
    }),
    ...(value !== undefined && { value: paid(value) }),
    ...(unrealised !== undefined && { unrealised: paid(unrealised) }),
    realised: paid(realised),
    fees: paid(fees),
    ...(unrealised !== undefined && { profit: paid(realised + unrealised - fees) }),
    boughtQuantity: lots(sums.bought),
    boughtValue: paid(sums.boughtNotional * BigInt(quotePerTickLot)),
    soldQuantity: lots(sums.sold),
    soldValue: paid(sums.soldNotional * BigInt(quotePerTickLot)),
    fills: position.fills,
    reportNo: position.reportNo,
    seq: position.seq,
    timeUs: position.timeUs,
  };
}

/** Sums of positions in one quote asset. */
export class AssetTotals {
  readonly #totals = new Map<
    number,
    { asset: AssetInfo; value: bigint; unrealised: bigint; realised: bigint; fees: bigint; unmarked: number }
  >();

  add({ asset, value, unrealised, realised, fees }: PositionMoney): void {
    const total = this.#totals.get(asset.id) ?? { asset, value: 0n, unrealised: 0n, realised: 0n, fees: 0n, unmarked: 0 };
    this.#totals.set(asset.id, total);
    total.realised += realised;
    total.fees += fees;
    if (value === undefined || unrealised === undefined) total.unmarked++;
    else {
      total.value += value;
      total.unrealised += unrealised;
    }
  }

  /** `unmarked`: open positions without a mark, whose value and unrealised profit are missing. */
  views(): PortfolioTotal[] {
    return Array.from(this.#totals.values(), ({ asset, value, unrealised, realised, fees, unmarked }) => {
      const money = (units: bigint): string => decimalOf({ units, decimals: asset.decimals });
      return {
        asset: asset.name,
        value: money(value),
        unrealised: money(unrealised),
        realised: money(realised),
        fees: money(fees),
        profit: money(realised + unrealised - fees),
        ...(unmarked > 0 && { unmarked }),
      };
    });
  }
}
