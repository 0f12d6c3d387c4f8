import { LIMIT_53 } from './units.ts';

/** Parameters of `SetSymbol`; the number is the command's `parameter`. Prices in ticks, quantities in lots, notional in the quote asset's smallest unit. */
export const SymbolParam = {
  /** Quantities must be multiples of it. */
  LotStep: 0,
  /** Prices must be multiples of it; can change only while the book is empty. */
  TickStep: 1,
  /** Highest price of the ladder; can change only while the book is empty. */
  MaxPrice: 2,
  MinQuantity: 3,
  MaxQuantity: 4,
  MinNotional: 5,
  MaxNotional: 6,
  /** Width of the price band: how far a buy may be above, or a sell below, the reference price, in millionths; 0 = no band. */
  PriceBandPpm: 7,
  /** Millionths of the notional, negative = rebate. Orders keep the fees with which they were accepted; before rules 4 they could change only while the book was empty. */
  MakerFeePpm: 8,
  TakerFeePpm: 9,
  /** Reference price of the price band, ticks; 0 = none. {@link ReferenceSource} says what sets it. */
  ReferencePrice: 10,
  /** The {@link RiskModelId} that reserves and settles money for the symbol; can change only while the book is empty. */
  RiskModel: 11,
  /** End of the symbol's session, at which its day orders expire: microseconds since the Unix epoch; 0 = no session. From rules 4 on. */
  SessionEnd: 12,
  /** Smallest displayed quantity of an iceberg, lots. From rules 5 on, as those that follow. */
  MinDisplayed: 13,
  /** Number of the symbol's fee tier table, 0 = none. */
  FeeTierTable: 14,
  /** Width of the static band around the last auction price, in millionths; 0 = none. */
  StaticBandPpm: 15,
  /** Width of the dynamic band around the reference price, in millionths; 0 = none. */
  DynamicBandPpm: 16,
  /** Length of a volatility auction, microseconds. */
  VolatilityUs: 17,
  /** Length of its extension, microseconds. */
  VolatilityExtensionUs: 18,
  /** Width of the band around the reference price outside of which a volatility auction does not trade before its extension, in millionths; 0 = no extension. */
  WideBandPpm: 19,
  /** A volatility auction ends at a random time in as many microseconds after its length; 0 = on time. */
  VolatilityRandomUs: 20,
  /** A {@link VolatilityProfileId}: how an interruption begins. */
  VolatilityProfile: 21,
  /** An {@link AuctionPriceId}: the price of a call auction among several with the same volume and surplus. From rules 7 on. */
  AuctionPrice: 22,
  /** A {@link ReferenceSourceId}: what sets the reference price, besides the operator. */
  ReferenceSource: 23,
} as const;
export type SymbolParam = (typeof SymbolParam)[keyof typeof SymbolParam];
export type SymbolParamName = keyof typeof SymbolParam;
export const SYMBOL_PARAMS = 24;
/** Parameters that every snapshot contains. A snapshot contains later parameters only where they differ from the default. */
export const FIRST_SYMBOL_PARAMS = 11;

/** How money for a symbol's orders is reserved and settled. */
export const RiskModelId = {
  /** Reserved in full and in advance: a buy reserves its cost and highest fee, a sell its lots. */
  Cash: 0,
} as const;

/** How a volatility interruption begins. */
export const VolatilityProfileId = {
  /** With its auction, as on Xetra. */
  Auction: 0,
  /** With a limit state, and its auction is a trading pause: limit up / limit down, as in the United States. */
  LimitUpDown: 1,
} as const;

/** How a call auction selects among prices with the same volume and surplus, where market pressure does not decide. */
export const AuctionPriceId = {
  /** The nearest to the reference price. */
  Nearest: 0,
  /** Only limits of orders have a volume and a surplus, as on Xetra; between the tied ones, the nearest to the reference price. */
  Limits: 1,
  /** The same, but the middle of the tied limits, as on the Shanghai Stock Exchange. */
  Middle: 2,
} as const;

/** What sets the reference price of a symbol. The operator can set it in any case. */
export const ReferenceSourceId = {
  /** Each trade, to its price. */
  Trades: 0,
  /** The command SetReference, with the price of an outside market. Trades leave it as it is. */
  Outside: 1,
} as const;

/** Two minutes. */
export const DEFAULT_VOLATILITY_US = 120_000_000;
/** A day. */
const LONGEST_AUCTION_US = 86_400_000_000;
/** An hour. */
const LONGEST_RANDOM_US = 3_600_000_000;

/** Highest price of any ladder. It keeps the page directory small, and a price fits 26 bits. */
export const MAX_PRICE_TICKS = 2 ** 26;
export const DEFAULT_MAX_PRICE_TICKS = 2 ** 20;
/** Fee tier tables, numbered from 1, and tiers of each above tier 0: together a small part of the fee schedules that there can be. */
export const FEE_TABLES = 8;
export const TIERS_PER_TABLE = 15;
/** Fees are at most 100 %. */
export const MILLION = 1_000_000;

export const SYMBOL_PARAM_DEFAULTS: readonly number[] = [
  1,
  1,
  DEFAULT_MAX_PRICE_TICKS,
  1,
  2 ** 40,
  0,
  LIMIT_53 - 1,
  0,
  0,
  0,
  0,
  RiskModelId.Cash,
  0,
  1,
  0,
  0,
  0,
  DEFAULT_VOLATILITY_US,
  DEFAULT_VOLATILITY_US,
  0,
  0,
  0,
  AuctionPriceId.Nearest,
  ReferenceSourceId.Trades,
];
/** Lowest and highest value of each symbol parameter. */
export const SYMBOL_PARAM_RANGES: readonly (readonly [number, number])[] = [
  [1, 2 ** 32],
  [1, 2 ** 20],
  [1, MAX_PRICE_TICKS],
  [1, LIMIT_53 - 1],
  [1, LIMIT_53 - 1],
  [0, LIMIT_53 - 1],
  [1, LIMIT_53 - 1],
  [0, MILLION],
  [-MILLION, MILLION],
  [0, MILLION],
  [0, MAX_PRICE_TICKS],
  [RiskModelId.Cash, RiskModelId.Cash],
  [0, LIMIT_53 - 1],
  [1, LIMIT_53 - 1],
  [0, FEE_TABLES],
  [0, MILLION],
  [0, MILLION],
  [1_000_000, LONGEST_AUCTION_US],
  [1_000_000, LONGEST_AUCTION_US],
  [0, MILLION],
  [0, LONGEST_RANDOM_US],
  [VolatilityProfileId.Auction, VolatilityProfileId.LimitUpDown],
  [AuctionPriceId.Nearest, AuctionPriceId.Middle],
  [ReferenceSourceId.Trades, ReferenceSourceId.Outside],
];

/** Parameters of `SetAccount`. */
export const AccountParam = {
  /** 1 = new orders and amends are rejected; cancels are accepted. 2 = the same, and what rests is cancelled (from rules 4 on): send it again while the answer says that more are left. */
  Suspended: 0,
  /** Most resting orders of the account. */
  MaxOpenOrders: 1,
  /** Self-trade prevention of the account's orders that do not name a mode: a SelfTradeMode. From rules 4 on. */
  SelfTradeMode: 2,
  /** Group of the account, 0 = none: a number that the operator gives. From rules 4 on. */
  Group: 3,
  /** Most new orders and amends per second; cancels count, too. 0 = no limit. From rules 4 on, as those that follow. */
  CommandsPerSecond: 4,
  /** Most of them at once; 0 = as many as in a second. */
  CommandBurst: 5,
  /** Most new orders and amends per fill, see OrderToTrade; 0 = no limit. */
  OrderToTrade: 6,
  /** Tier of the fee table whose number is the command's `symbol`, plus 1: it holds instead of the tier by volume. 0 = the tier by volume. From rules 6 on. */
  FeeTier: 7,
} as const;
export type AccountParam = (typeof AccountParam)[keyof typeof AccountParam];
export const DEFAULT_MAX_OPEN_ORDERS = 100_000;

/** Parameters of `SetLimit`, lots; 0 = no limit. */
export const LimitParam = {
  /** Largest position, bought or sold, that the account can reach. */
  MaxPosition: 0,
  /** Most lots of resting orders, buys and sells together. */
  MaxExposure: 1,
} as const;
export type LimitParam = (typeof LimitParam)[keyof typeof LimitParam];
/** Highest CommandsPerSecond, CommandBurst and OrderToTrade. */
export const MAX_ACCOUNT_RATE = 1_000_000;
/** Numbers of groups are below it. */
export const GROUPS = 2 ** 16;
/** The highest number for the sides of a mass cancel: only sells. */
export const MASS_CANCEL_SELLS = 2;
/** Shortest and longest time of a dead man's switch, microseconds. */
export const CANCEL_AFTER_RANGE = [1_000_000, 86_400_000_000] as const;
