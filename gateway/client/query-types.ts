import type { LinkName, PegName, PhaseName, SelfTradeName, SubPhaseName, TriggerName } from '../../engine/wire/names.ts';
import type { CandleInterval } from '../../feeds/analysis/candles.ts';
import type { IndicatorValue } from '../../feeds/analysis/indicators/indicator-series.ts';
import type { FeedStateName } from '../../feeds/feed.ts';
import type { InstrumentStatusName } from '../../feeds/instrument-terms.ts';
import type { ReportKindName, SideName, TimeInForceName } from './types.ts';

/** Questions and answers of {@link QueryClient}. */

/** An order, by either id. */
export type OrderToExplain = (
  | { readonly orderId: number | string /** Report number: `next` of the page before. */; readonly from?: number }
  | { readonly clientOrderId: number | string /** Report number: where a search that found nothing continues. */; readonly before?: number }
) & {
  /** Default: the account of the connection. */
  readonly account?: number;
  /** Steps of a page, at most 1000. Default 100. */
  readonly limit?: number;
};

/** What happened to an order. Prices and quantities are decimal text, next to the exact ticks and lots. */
export interface OrderStep {
  /** `accepted`, `fill`, `filled`, `amended`, `cancelled`, `rejected` ...: docs/ADMIN.md lists them. A later release may have more. */
  readonly step: string;
  /** In plain words. */
  readonly text: string;
  /** ISO 8601, UTC. */
  readonly time: string;
  /** Microseconds since the Unix epoch. */
  readonly timeUs: number;
  /** Sequence of the command that caused it. */
  readonly seq: number;
  readonly reportNo: number;
  readonly kind: ReportKindName;
  /** Number and name of the result code. */
  readonly code: number;
  readonly codeName: string;
  readonly price: string;
  readonly priceTicks: number;
  readonly quantity: string;
  readonly quantityLots: number;
  /** Open and filled after it; left out if the step changed nothing and is the first of its page. */
  readonly leaves?: string;
  readonly leavesLots?: number;
  readonly filled?: string;
  readonly filledLots?: number;
  /** Of a stop that waits, and of `triggered`. */
  readonly stopPrice?: string;
  readonly stopPriceTicks?: number;
  /** Fills only. */
  readonly fee?: string;
  readonly feeUnits?: number;
  readonly tradeId?: number;
  readonly contraOrderId?: number;
  readonly maker?: boolean;
  readonly auction?: boolean;
  /** Amends only. */
  readonly keptPriority?: boolean;
  /** Accepted, amended, cancelled: it is a pegged order. */
  readonly pegged?: boolean;
}

/** Where an order stands that rests. */
export interface RestingOrder extends ChildView {
  /** Of a parent: its children that are open. */
  readonly childOrderIds?: readonly number[];
  /** A market order of an auction: its `price` is the worst one that it can get. */
  readonly type?: 'market';
  readonly linked?: LinkView;
  readonly price: string;
  readonly priceTicks: number;
  readonly leaves: string;
  readonly leavesLots: number;
  /** Of an iceberg: what it displays at a time; while it rests also now, and its id in market data. */
  readonly displayedQuantity?: string;
  readonly displayedQuantityLots?: number;
  readonly displayedNow?: string;
  readonly displayedNowLots?: number;
  readonly publicOrderId?: number;
  readonly phase: PhaseName;
  /** Of a pegged order, whose `price` is its present one, 0 while it is parked: outside the book. */
  readonly peg?: PegName;
  /** From what it follows: away from the other side, below 0 towards it. */
  readonly pegOffset?: string;
  readonly pegOffsetTicks?: number;
  readonly limitPrice?: string;
  readonly limitPriceTicks?: number;
  readonly parked?: boolean;
  readonly subPhase?: SubPhaseName;
  /** Earliest end of the volatility interruption of the symbol. */
  readonly interruptedUntil?: string;
  /** Market data shows nothing of it, so its place is not known. */
  readonly hidden?: boolean;
  /** Orders of the same price that trade before it. Left out for a hidden order, as `better` and `exact`. */
  readonly before?: { readonly orders: number; readonly quantity: string; readonly quantityLots: number };
  /** Levels of its side with a better price. */
  readonly better?: { readonly levels: number; readonly orders: number; readonly quantity: string; readonly quantityLots: number };
  /** False: there is more before it than was counted. */
  readonly exact?: boolean;
  readonly reserved?: { readonly asset: string; readonly amount: string; readonly amountUnits: number };
  /** Its end, if it has one, microseconds since the Unix epoch. */
  readonly endUs?: number;
  /** The self-trade mode that it names. */
  readonly selfTrade?: SelfTradeName;
  /** Number of the session whose end cancels it. */
  readonly session?: number;
  /** The last command that the book includes. */
  readonly seq: number;
}

/** An open order that is outside the book: a stop, an order at the open or at the close, or one of which nothing is live before its parent is filled. */
export interface WaitingOrder extends ChildView {
  readonly for: 'trigger' | 'auction' | 'parent';
  readonly childOrderIds?: readonly number[];
  /** A market order of an auction. */
  readonly type?: 'market';
  readonly leaves: string;
  readonly leavesLots: number;
  /** Its limit, or the worst price of a market order of an auction; left out of a stop that becomes a market order. */
  readonly price?: string;
  readonly priceTicks?: number;
  /** Of a stop that becomes an iceberg. */
  readonly displayedQuantity?: string;
  readonly displayedQuantityLots?: number;
  readonly hidden?: boolean;
  /** Of a stop: its present stop price, and the price that triggers it. */
  readonly stopPrice?: string;
  readonly stopPriceTicks?: number;
  readonly trigger?: TriggerName;
  readonly triggerPrice?: string;
  /** Of a trailing stop; without an activation price it follows already. */
  readonly trailOffset?: string;
  readonly trailPpm?: number;
  readonly activationPrice?: string;
  readonly limitOffset?: string;
  readonly phase: PhaseName;
  readonly subPhase?: SubPhaseName;
  readonly interruptedUntil?: string;
  readonly reserved?: RestingOrder['reserved'];
  readonly endUs?: number;
  readonly selfTrade?: SelfTradeName;
  readonly session?: number;
}

/** How an open order is linked with another one. */
export interface LinkView {
  /** oco: one cancels the other; ouo: one updates the other. */
  readonly kind: Extract<LinkName, 'oco' | 'ouo'>;
  /** The other order. */
  readonly orderId: number;
}

/** What of an order waits for fills of another one, its parent. */
export interface ChildView {
  readonly parentOrderId?: number;
  /** What may become live; it is part of what is open. */
  readonly toCome?: string;
  readonly toComeLots?: number;
}

/** The life of one order: docs/ADMIN.md. A later page without a step has only `account`, `orderId`, `steps` and `next`. */
export interface ExplainedOrder {
  readonly account: number;
  /** 0: it was rejected. */
  readonly orderId: number;
  readonly clientOrderId?: number;
  readonly symbol?: string;
  readonly side?: SideName;
  readonly timeInForce?: TimeInForceName;
  /** Left out if the page does not show it. */
  readonly status?: 'open' | 'pending' | 'waiting' | 'filled' | 'cancelled' | 'rejected';
  /** Oldest first. */
  readonly steps: readonly OrderStep[];
  /** Further steps are at `from: next`, with the order id; 0 = there are none. */
  readonly next: number;
  /** The beginning is no longer kept: number of the account's last report that is gone. */
  readonly lost?: number;
  /** The history lacks reports that were there when the question came. */
  readonly behind?: true;
  readonly resting?: RestingOrder;
  readonly waiting?: WaitingOrder;
  /** While the order is open: how it is linked, and the other order. */
  readonly linked?: LinkView;
}

/** Which candles of a symbol. */
export interface CandlesToRead {
  readonly symbol: string;
  /** Default 1m. */
  readonly interval?: CandleInterval;
  /** Begin of the first one: microseconds since the Unix epoch, or a Date. Without it: the last ones. */
  readonly from?: number | Date;
  /** They begin before it. */
  readonly to?: number | Date;
  /** At most 1000. Default 100. */
  readonly limit?: number;
  /** Also those without a trade: the last close, volume 0. */
  readonly empty?: boolean;
}

/** A candle of the history. Prices and volumes are decimal text, next to the exact ticks and lots. */
export interface CandleJson {
  readonly startUs: number;
  /** ISO 8601, UTC. */
  readonly start: string;
  /** Nothing is added to it any more. */
  readonly closed: boolean;
  readonly open: string;
  readonly high: string;
  readonly low: string;
  readonly close: string;
  readonly volume: string;
  /** What buyers and what sellers took; the rest traded in auctions. */
  readonly buyVolume: string;
  readonly sellVolume: string;
  /** Volume-weighted average price; left out without volume. */
  readonly vwap?: string;
  /** Sum of price times quantity, exact. */
  readonly notional: string;
  readonly trades: number;
  readonly openTicks: number;
  readonly highTicks: number;
  readonly lowTicks: number;
  readonly closeTicks: number;
  readonly volumeLots: number;
  readonly buyVolumeLots: number;
  readonly sellVolumeLots: number;
  /** Left out without a trade, as the next two. */
  readonly firstTradeId?: string;
  readonly lastTradeId?: string;
  readonly seq?: number;
  /** Trades that are not in volume and vwap, because a sum would have passed its limit. */
  readonly uncounted?: number;
}

export interface CandlePage {
  readonly symbol: string;
  readonly interval: CandleInterval;
  /** Oldest first. */
  readonly candles: readonly CandleJson[];
  /** `from` of the next page; 0: there is none. */
  readonly next: number;
  /** The history lacks trades that were there when the question came. */
  readonly behind?: true;
}

/** Which book. */
export interface BookToRead {
  readonly symbol: string;
  /** Levels of each side, at most 5000. Default 20. */
  readonly depth?: number;
}

/** A level of a book: decimal text, next to the exact ticks and lots. */
export interface BookLevelJson {
  readonly price: string;
  readonly quantity: string;
  readonly orders: number;
  readonly priceTicks: number;
  readonly quantityLots: number;
}

export interface BookJson {
  readonly symbol: string;
  readonly phase: PhaseName;
  readonly subPhase?: Exclude<SubPhaseName, 'none'>;
  /** Of the last trade; 0: there was none. */
  readonly lastPrice: string;
  readonly lastPriceTicks: number;
  /** Best first. */
  readonly bids: readonly BookLevelJson[];
  readonly asks: readonly BookLevelJson[];
}

/** Which trades of a symbol. */
export interface TradesToRead {
  readonly symbol: string;
  /** Only those with a higher id, oldest first: `next` of the page before. */
  readonly after?: string;
  /** Only those with a lower id: `next` of the page before. */
  readonly before?: string;
  /** From this time on, oldest first: microseconds since the Unix epoch, or a Date. */
  readonly from?: number | Date;
  /** Before it. */
  readonly to?: number | Date;
  /** At most 1000. Default 100. */
  readonly limit?: number;
}

/** A trade. Decimal text, next to the exact ticks and lots. */
export interface TradeJson {
  readonly tradeId: string;
  readonly price: string;
  readonly priceTicks: number;
  readonly quantity: string;
  readonly quantityLots: number;
  /** Left out for a trade of an auction. */
  readonly aggressor?: SideName;
  readonly auction: boolean;
  readonly buyOrderId: string;
  readonly sellOrderId: string;
  readonly seq: number;
  /** Microseconds since the Unix epoch. */
  readonly timeUs: number;
}

export interface TradePage {
  readonly trades: readonly TradeJson[];
  /** Of the next page: `before`, or, of trades that are oldest first, `after`; "0": there is none. */
  readonly next: string;
  /** Number of the last trade that is no longer kept. */
  readonly lost?: number;
}

/** What a symbol traded in the last 24 hours, in whole minutes. Prices and quantities are decimal text. */
export interface TickerJson {
  readonly symbol: string;
  /** Begin of the first minute, microseconds since the Unix epoch. */
  readonly openTimeUs: number;
  /** Time of the last event that is included. */
  readonly timeUs: number;
  /** Without a trade in the time, the four prices are that of the last trade before it; 0 without any. */
  readonly open: string;
  readonly high: string;
  readonly low: string;
  readonly last: string;
  /** `last` - `open`. */
  readonly change: string;
  /** `change` / `open` in percent. */
  readonly changePercent: string;
  readonly volume: string;
  /** Sum of price times quantity, in the quote asset. */
  readonly quoteVolume: string;
  readonly trades: number;
  readonly lastTradeId: string;
  /** Quantity 0: there is no order on that side. */
  readonly bidPrice: string;
  readonly bidQuantity: string;
  readonly askPrice: string;
  readonly askQuantity: string;
  readonly seq: number;
}

/** A time of the exchange. */
export interface TimeJson {
  /** Microseconds since the Unix epoch. */
  readonly timeUs: number;
  /** ISO 8601, UTC. */
  readonly time: string;
}

/** A consolidated book of outside markets: the best prices over several sources. */
export interface FeedBook {
  readonly name: string;
  /** The best bid equals the best ask (`locked`), or is above it (`crossed`): between venues both occur. */
  readonly crossing: 'none' | 'locked' | 'crossed';
  /** When a message changed what the book shows, last: microseconds since the Unix epoch. */
  readonly timeUs: number;
  /** Levels that were left out until now, because they need 2^53 units or more. */
  readonly leftOut: number;
  readonly sources: readonly FeedBookSource[];
  /** Best first. */
  readonly bids: readonly FeedBookLevel[];
  readonly asks: readonly FeedBookLevel[];
}

/** An instrument of a feed, as its venue's list of instruments describes it. */
export interface FeedInstrument {
  readonly feed: string;
  /** As the venue writes it. */
  readonly instrument: string;
  /** By the list. `unknown`: no list was read yet. */
  readonly status: InstrumentStatusName;
  /** Of its book in the feed. */
  readonly state: FeedStateName;
  /** What led to the state: docs/FEEDS.md. */
  readonly fault?: string;
  readonly base?: string;
  readonly quote?: string;
  /** Smallest step of a price, and of a quantity, as decimal text. */
  readonly tick?: string;
  readonly lot?: string;
  /** Most decimals of a price, and of a quantity. */
  readonly priceDecimals?: number;
  readonly quantityDecimals?: number;
}

/** An instrument of a feed in a consolidated book. Its levels are in the book only while it is `live`. */
export interface FeedBookSource {
  readonly feed: string;
  /** As the venue writes it. */
  readonly instrument: string;
  readonly state: FeedStateName;
  /** What led to the state: docs/FEEDS.md. */
  readonly fault?: string;
  readonly sinceUs: number;
}

/** A price of a consolidated book. Numbers are decimal text. */
export interface FeedBookLevel {
  readonly price: string;
  /** Of all sources. */
  readonly quantity: string;
  /** Those that have something at this price. */
  readonly sources: readonly { readonly feed: string; readonly instrument: string; readonly quantity: string }[];
}

/** Which candles of an outside market. */
export interface FeedCandlesToRead extends Omit<CandlesToRead, 'symbol' | 'empty'> {
  /** Name of the source in the configuration of the exchange. */
  readonly source: string;
  /** As the venue writes it. */
  readonly instrument: string;
}

/** A candle from the trades of an outside market, in the venue's own units. */
export interface FeedCandleJson
  extends Pick<CandleJson, 'startUs' | 'start' | 'closed' | 'open' | 'high' | 'low' | 'close' | 'volume' | 'buyVolume' | 'sellVolume'>,
    Pick<CandleJson, 'vwap' | 'notional' | 'trades' | 'uncounted'> {
  /** The connection was not open all the time, and no numbers of trades show that none is missing. */
  readonly incomplete?: true;
}

export interface FeedCandlePage {
  readonly feed: string;
  readonly instrument: string;
  readonly interval: CandleInterval;
  /** Oldest first. */
  readonly candles: readonly FeedCandleJson[];
  /** `from` of the next page; 0: there is none. */
  readonly next: number;
  /** Trades of the source, of all instruments, that are missing in candles: too late, without a time, with one in the future, or sent again. */
  readonly leftOut: { readonly late: number; readonly untimed: number; readonly ahead: number; readonly repeated: number };
}

/** Which bars of a symbol, and which indicators over them. */
export interface IndicatorsToRead extends Omit<CandlesToRead, 'empty'> {
  /** Such as `['rsi:14', 'macd:12:26:9']`; docs/ANALYSIS.md lists them. At most 16. */
  readonly indicators: readonly string[];
}

/** Which bars of an outside market, and which indicators over them. */
export interface FeedIndicatorsToRead extends FeedCandlesToRead, Pick<IndicatorsToRead, 'indicators'> {}

/** A bar of an answer. */
export interface IndicatorBarJson {
  readonly startUs: number;
  /** ISO 8601, UTC. */
  readonly start: string;
  readonly closed: boolean;
  readonly close: string;
  /** By the text of the indicator; those with several values have an object. null: there are too few bars. */
  readonly values: Readonly<Record<string, IndicatorValue>>;
}

export interface IndicatorPage {
  readonly symbol: string;
  readonly interval: CandleInterval;
  readonly indicators: readonly string[];
  /** Oldest first. */
  readonly bars: readonly IndicatorBarJson[];
  /** `from` of the next page; 0: there is none. */
  readonly next: number;
  readonly behind?: true;
}

export interface FeedIndicatorPage extends Omit<IndicatorPage, 'symbol' | 'bars' | 'behind'> {
  readonly feed: string;
  readonly instrument: string;
  /** Oldest first. */
  readonly bars: readonly (IndicatorBarJson & Pick<FeedCandleJson, 'incomplete'>)[];
}
