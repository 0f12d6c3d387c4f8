import type { SymbolParamName } from '../params.ts';
import type { Money, PriceTicks, QtyLots, TimeUs } from '../units.ts';
import type { SelfTradeName } from '../wire/names.ts';

/** What the directory says of assets, symbols and accounts. */

export interface AssetInfo {
  readonly id: number;
  readonly name: string;
  /** Its smallest unit is 10^-decimals. */
  readonly decimals: number;
}

export interface SymbolInfo {
  readonly id: number;
  readonly name: string;
  readonly baseAsset: AssetInfo;
  readonly quoteAsset: AssetInfo;
  /** A tick is tickMantissa x 10^-tickDecimals of the quote asset. */
  readonly tickMantissa: number;
  readonly tickDecimals: number;
  /** A lot is lotMantissa x 10^-lotDecimals of the base asset. */
  readonly lotMantissa: number;
  readonly lotDecimals: number;
  /** Quote units of one tick times one lot; base units of one lot. */
  readonly quotePerTickLot: number;
  readonly basePerLot: number;
  /** A Phase of the wire schema. */
  readonly phase: number;
  /** A SubPhase of the wire schema. */
  readonly subPhase: number;
  /** Time of the last boundary of its calendar that was applied, µs since the epoch; 0 = none. */
  readonly boundaryUs: number;
  /** Its kill switch is on. */
  readonly killed: boolean;
  readonly params: Readonly<Record<SymbolParamName, number>>;
  /** Middle of the static band, ticks; 0 = none. */
  readonly staticPrice: number;
  /** Earliest end of its volatility interruption, microseconds since the epoch; 0 = there is none. */
  readonly interruptedUntilUs: number;
  readonly lastPrice: PriceTicks;
  readonly referencePrice: PriceTicks;
  /** Number of the last trade. */
  readonly tradeId: number;
}

/** Defined accounts, and kill switches that are on. */
export interface DirectoryCounts {
  accounts: number;
  killedAccounts: number;
  killedGroups: number;
  killedSymbols: number;
  venueKilled: boolean;
}

export interface BalanceInfo {
  readonly asset: AssetInfo;
  readonly available: Money;
  readonly reserved: Money;
}

/** Balances at one moment. */
export interface AccountBalances {
  readonly balances: readonly BalanceInfo[];
  /** Number of the account's last report at that moment. */
  readonly lastReportNo: number;
}

export interface AccountInfo {
  readonly id: number;
  readonly name: string;
  readonly suspended: boolean;
  /** Its own kill switch is on. */
  readonly killed: boolean;
  /** The kill switches that are on and concern it: `account` is its own, `symbols` has ids. */
  readonly killSwitches: {
    readonly account: boolean;
    readonly group: boolean;
    readonly venue: boolean;
    readonly symbols: readonly number[];
  };
  /** 0 = none. */
  readonly group: number;
  /** 0 = no limit; burst 0 = as many as in a second. */
  readonly commandsPerSecond: number;
  readonly commandBurst: number;
  readonly orderToTrade: number;
  /** Mode of its orders that do not name one. */
  readonly selfTrade: SelfTradeName;
  readonly maxOpenOrders: number;
  readonly openOrders: number;
  readonly positionLimits: readonly PositionLimitInfo[];
  /** Market-maker protection, if it has one. */
  readonly protection?: {
    readonly windowUs: TimeUs;
    readonly fills: number;
    readonly lots: QtyLots;
    readonly netLots: QtyLots;
    readonly triggered: boolean;
  };
  readonly feeTiers: readonly AccountTierInfo[];
  readonly lastReportNo: number;
  readonly balances: readonly BalanceInfo[];
}

/** A fee tier table: volumes in the asset's smallest unit, rates in millionths. */
export interface FeeTableInfo {
  readonly table: number;
  readonly asset: AssetInfo;
  readonly tiers: readonly { readonly volume: Money; readonly makerPpm: number; readonly takerPpm: number }[];
}

/** The fee tier of an account: the one that the operator gave, or the one that its last order of a day in a symbol of the table found. */
export interface AccountTierInfo {
  readonly table: number;
  /** Id. */
  readonly asset: number;
  readonly tier: number;
  /** The operator gave it. */
  readonly given: boolean;
  /** Of the 30 days before `day`, in the asset's smallest unit. */
  readonly volume: Money;
  /** Days since the epoch; 0 = it has not been found since the table or the tier was set. */
  readonly day: number;
}

/** Limits of an account in a symbol, and what they limit, lots; see PositionLimits. */
export interface PositionLimitInfo {
  /** Id. */
  readonly symbol: number;
  /** 0 = no limit. */
  readonly maxPosition: QtyLots;
  readonly maxExposure: QtyLots;
  /** Below 0: sold. */
  readonly position: QtyLots;
  readonly openBuys: QtyLots;
  readonly openSells: QtyLots;
}

/** The kill switches that are on. */
export interface KillSwitchesInfo {
  readonly venue: boolean;
  /** Ids. */
  readonly groups: readonly number[];
  readonly symbols: readonly number[];
  readonly accounts: readonly number[];
}
