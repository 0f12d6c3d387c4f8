import type {
  CommandKindName,
  OrderTypeName,
  PegName,
  ReportKindName,
  SelfTradeName,
  SideName,
  TimeInForceName,
  TriggerName,
} from '../../engine/wire/names.ts';

import type { OpenbellError } from './errors.ts';

/** An Ed25519 key that the exchange knows, docs/SECURITY.md. */
export interface ApiKey {
  readonly id: string;
  /** PEM (PKCS #8). The key never leaves the client; it only signs challenges. */
  readonly privateKey: string;
}

/** Credentials: one of them, or none where authentication is off. */
export interface Credentials {
  /** A token; it is used until it expires. */
  readonly token?: string;
  /** Returns a valid token; called for each connection. */
  readonly tokenProvider?: () => string | Promise<string>;
  readonly apiKey?: ApiKey;
}

/** PEM texts. Without `ca`, the CAs that Node trusts. */
export interface ClientTls {
  /** CA certificates for the exchange's certificate. */
  readonly ca?: string | Uint8Array;
  /** Client certificate, for an exchange that requires one, and its key. */
  readonly cert?: string | Uint8Array;
  readonly key?: string | Uint8Array;
}

/** Address of an exchange, and credentials. */
export interface ConnectOptions extends Credentials {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Host names of market data and of the HTTP port where they differ, as behind a mesh gateway. Default: `host`. */
  readonly wsHost?: string;
  readonly httpHost?: string;
  /** Shard of the venue, for a gateway in front of several. Default: the gateway's choice. */
  readonly shard?: number;
  /** Default 7401. */
  readonly grpcPort?: number;
  /** Default 7402. */
  readonly wsPort?: number;
  /** Default 7403. */
  readonly httpPort?: number;
  /** TLS on all ports. Default: none. */
  readonly tls?: ClientTls | undefined;
  /** Account for order entry; without it only market data is available. */
  readonly account?: number;
  /** Number of the last report seen; the session receives the reports after it. Default: only new reports. */
  readonly lastReport?: number;
  /**
   * Seconds, 0 to 3600: when the session has been gone that long, the exchange cancels the orders that it entered; also after `close`.
   * Default: orders stay.
   */
  readonly cancelOnDisconnect?: number;
  /**
   * Number of the session, 1 (default) to 127, with `cancelOnDisconnect`. Sessions of the account with one number count as one: their orders are
   * cancelled when the last of them is gone.
   */
  readonly sessionNumber?: number;
  /** Reconnect when the connection is lost. Default true. */
  readonly reconnect?: boolean;
  /**
   * When the exchange no longer has reports that the session received, because it continues from an older copy of its
   * data: `throw` (default) ends the session with BAD_RANGE or REPORTS_LOST; `resync` continues after the last report
   * in common, and the event `resync` says what is in doubt.
   */
  readonly onLoss?: 'throw' | 'resync';
  /** The symbols, instead of reading them from the HTTP port. */
  readonly symbols?: readonly SymbolDefinition[];
}

/** A symbol, as `/v1/symbols` gives it; there may be more fields. */
export interface SymbolDefinition {
  readonly id: number;
  readonly name: string;
  /** Decimal text of one tick, in the quote asset, such as "0.01". */
  readonly tickSize: string;
  /** Decimal text of one lot, in the base asset. */
  readonly lotSize: string;
  /** Decimals of the quote asset, used for fees. */
  readonly quoteDecimals?: number;
}

export type { OrderTypeName, PegName, ReportKindName, SelfTradeName, SideName, TimeInForceName, TriggerName };

/** A decimal number as text, or a number, which stands for its shortest text: 0.1, not 0.1 + 0.2. */
export type Decimal = string | number;

export interface PlaceOrder {
  /** Name or id. */
  readonly symbol: string | number;
  readonly side: SideName;
  readonly quantity: Decimal;
  /** Left out for a market order, for a stop that becomes one, and for a trailing stop. */
  readonly price?: Decimal;
  /**
   * Default limit; market when the time in force implies it, or with neither price nor time in force. With `stopPrice`: stop-limit, or stop without a price. With
   * `trailOffset` or `trailPpm`: trailing-stop, or trailing-stop-limit with `limitOffset`.
   * A stop waits outside the book until its trigger, and is a market order then; a stop-limit is a limit order then.
   */
  readonly type?: OrderTypeName;
  /** Default gtc, or market without a price. `market` is short for type market with ioc, `post-only` for gtc with `postOnly`. `day` ends with the session of the symbol. `at-the-open` and `at-the-close`, of type limit or market, take part in that auction only; they need an exchange that supports wire schema 2. */
  readonly timeInForce?: TimeInForceName;
  /** End of the order: a time, or microseconds since the Unix epoch. Time in force gtd, which is then the default. Needs an exchange that supports wire schema 2. */
  readonly expires?: Date | number;
  /** Self-trade prevention. Default: that of the account. Needs an exchange that supports wire schema 2. */
  readonly selfTrade?: SelfTradeName;
  /** The price at or beyond which a stop triggers: at or above it for a buy, at or below it for a sell. Needs an exchange that supports wire schema 2. */
  readonly stopPrice?: Decimal;
  /** Trailing stop: how far its stop price is from the best trigger price since its activation, in the quote asset. Needs an exchange that supports wire schema 2. */
  readonly trailOffset?: Decimal;
  /** The same in parts per million of that price, 1 to 999,999; instead of `trailOffset`. */
  readonly trailPpm?: number;
  /** A trailing stop follows from this price on: at or above it for a sell, at or below it for a buy. Default: at once. */
  readonly activationPrice?: Decimal;
  /** Trailing-stop-limit: distance of the limit from the stop price; above it for a buy, below it for a sell. */
  readonly limitOffset?: Decimal;
  /** Trailing stops: the account gets a report `stop-price-changed` when the stop price has changed. Default false. */
  readonly reportTrail?: boolean;
  /** What triggers a stop: the price of the last trade (default), or the reference price of the symbol. */
  readonly trigger?: TriggerName;
  /** A stop whose condition holds already triggers at once. Otherwise it is rejected with STOP_WOULD_TRIGGER. */
  readonly triggerNow?: boolean;
  /** Rejected if it would trade on arrival, or cancelled if a stop-limit would trade when it triggers; gtc, day and gtd only. */
  readonly postOnly?: boolean;
  /** With a post-only order: where it would be rejected, or cancelled when it triggers, it rests one step of the price behind the other side; its reports have that price. Needs an exchange that supports wire schema 2. */
  readonly reprice?: boolean;
  /** Minimum quantity that must trade on arrival, else the order is cancelled; ioc only. Needs an exchange that supports wire schema 2. */
  readonly minQuantity?: Decimal;
  /** Market data shows nothing of the order; it trades behind all that is displayed at its price. gtc, day and gtd limit orders only, also post-only; a stop-limit is hidden when it rests. Needs an exchange that supports wire schema 2. */
  readonly hidden?: boolean;
  /** Iceberg: what the order displays at a time; gtc, day and gtd limit and stop-limit orders only. Needs an exchange that supports wire schema 2. */
  readonly displayedQuantity?: Decimal;
  /**
   * Pegged order: it follows the best price of its own side (`primary`), of the other side (`market`) or the middle of both, up to `price`, and never trades on arrival. gtc, day
   * and gtd only. Its reports have its present price, 0 while it is parked. Needs an exchange that supports wire schema 2.
   */
  readonly peg?: PegName;
  /** Pegged order: distance from what it follows, in the quote asset: away from the other side, below 0 towards it. Default 0; a market peg needs one. */
  readonly pegOffset?: Decimal;
  /** Unique per account, from 1, growing. Default: made from the clock. */
  readonly clientOrderId?: number;
}

/** An order of a list. It has the side and the quantity of the list, unless it names its own. */
export type ListedOrder = Omit<
  PlaceOrder,
  'symbol' | 'side' | 'quantity' | 'minQuantity' | 'triggerNow' | 'reprice' | 'peg' | 'pegOffset'
> &
  Partial<Pick<PlaceOrder, 'side' | 'quantity'>>;

/** Two orders that are linked with each other, see docs/TRADING-RULES.md. Needs an exchange that supports wire schema 2. */
export interface LinkedOrders {
  /** Name or id. */
  readonly symbol: string | number;
  readonly side?: SideName;
  readonly quantity?: Decimal;
  readonly orders: readonly [ListedOrder, ListedOrder];
}

/** An order whose fills others wait for. It may also be immediate-or-cancel, fill-or-kill or a market order; from rules 7 on also a stop of any type, an iceberg, hidden, or with reprice. */
export type ParentOrder = ListedOrder & Pick<PlaceOrder, 'minQuantity' | 'triggerNow' | 'reprice'>;

/** A parent and the order that waits for its fills, see docs/TRADING-RULES.md. Needs an exchange that supports wire schema 2. */
export interface TriggeringOrders {
  /** Name or id. */
  readonly symbol: string | number;
  readonly side?: SideName;
  readonly quantity?: Decimal;
  readonly orders: readonly [ParentOrder, ListedOrder];
}

/** A parent, and the orders that end its position. Needs an exchange that supports wire schema 2. */
export interface BracketOrders {
  /** Name or id. */
  readonly symbol: string | number;
  /** Of the parent. */
  readonly side: SideName;
  /** Of each order. */
  readonly quantity: Decimal;
  readonly parent: Omit<ParentOrder, 'side' | 'quantity'>;
  /** A limit order. */
  readonly takeProfit: Omit<ListedOrder, 'side' | 'quantity'>;
  /** A stop, or a stop-limit; or a trailing one, from rules 7 on. */
  readonly stopLoss: Omit<ListedOrder, 'side' | 'quantity'>;
}

/** One side of a quote. */
export interface QuoteSide {
  readonly price: Decimal;
  /** What is to be open, whatever has traded meanwhile. */
  readonly quantity: Decimal;
}

/** Both sides of the account's quote in a symbol, which replace those before. A side that is left out is cancelled. */
export interface PlaceQuote {
  /** Name or id. */
  readonly symbol: string | number;
  readonly bid?: QuoteSide;
  readonly ask?: QuoteSide;
  /** The quote is rejected if a side would trade on arrival. Default false. */
  readonly postOnly?: boolean;
}

export interface QuoteAnswer {
  readonly bid: ReportView;
  readonly ask: ReportView;
}

/** Most that the quotes of an account may trade in a window; without any: no protection. Lots are those of each symbol, added up. */
export interface QuoteProtection {
  /** Milliseconds, 1 to a day. */
  readonly windowMs?: number;
  readonly fills?: number;
  readonly lots?: number;
  /** Bought less sold, or sold less bought. */
  readonly netLots?: number;
}

/** Names an order by either id. An order of another symbol is UNKNOWN_ORDER. */
export interface OrderTarget {
  readonly symbol: string | number;
  /** From 1, also as the text that queries give. */
  readonly orderId?: number | string;
  /** The same. */
  readonly clientOrderId?: number | string;
}

/** The orders that `cancelAll` cancels. */
export interface CancelAll {
  /** Name or id. Default: all symbols. */
  readonly symbol?: string | number;
  /** Default: both sides. */
  readonly side?: SideName;
}

export interface AmendOrder extends OrderTarget {
  /** Left out for a stop that becomes a market order. Of a pegged order: its limit. */
  readonly price?: Decimal;
  /** The new stop price of a stop that waits. Without it, a stop-limit keeps its own. STOP_PRICE: the order does not wait any more. */
  readonly stopPrice?: Decimal;
  /** What an iceberg displays at a time from now on. DISPLAYED_QUANTITY: the order is no iceberg. */
  readonly displayedQuantity?: Decimal;
  /** Trailing stop that waits: its new offset, one of both. A trailing-stop without another change gives its own. */
  readonly trailOffset?: Decimal;
  readonly trailPpm?: number;
  /** Trailing stop that does not follow yet. */
  readonly activationPrice?: Decimal;
  /** Trailing-stop-limit, instead of the price. */
  readonly limitOffset?: Decimal;
  /** The new open quantity. */
  readonly quantity: Decimal;
}

/** An execution report. Decimal text next to the exact integers of the wire. */
export interface ReportView {
  /** Numbered per account, without gaps. */
  readonly reportNo: number;
  readonly kind: ReportKindName;
  /** Name of the result code; OK on success. */
  readonly code: string;
  /** Name, or the id as text when the client does not know the symbol. */
  readonly symbol: string;
  readonly symbolId: number;
  readonly account: number;
  readonly side: SideName;
  readonly timeInForce: TimeInForceName;
  readonly orderId: number;
  /** 0: a quote. */
  readonly clientOrderId: number;
  readonly tag: number;
  /** Fill: the trade's price, else the order's limit; of a pegged order its present price, 0 while it is parked. */
  readonly price: string;
  readonly quantity: string;
  /** Open after it. */
  readonly leaves: string;
  /** Filled so far. */
  readonly filled: string;
  /** Fill: in the quote asset, negative for a rebate; in its smallest unit when the client does not know its decimals. */
  readonly fee: string;
  readonly priceTicks: number;
  readonly quantityLots: number;
  readonly leavesLots: number;
  readonly filledLots: number;
  readonly feeUnits: number;
  /** Of a stop that waits, at present, and when it triggers; else undefined. */
  readonly stopPrice: string | undefined;
  readonly stopPriceTicks: number | undefined;
  readonly trigger: TriggerName | undefined;
  readonly tradeId: number;
  readonly contraOrderId: number;
  /** THROTTLED and ORDER_TO_TRADE: the time from which the command would pass if the account sent nothing else, microseconds since the Unix epoch; else 0. */
  readonly retryUs: number;
  /** Fill: the resting side. */
  readonly maker: boolean;
  /** The client order id was used before, by an order with the same terms: the report has the present state of that order, or its reject. */
  readonly duplicate: boolean;
  readonly keptPriority: boolean;
  readonly auction: boolean;
  /** Traded in an auction with an order of the same account or group. */
  readonly selfTrade: boolean;
  /** Accepted, amended, cancelled: a pegged order. */
  readonly pegged: boolean;
  /** Sequence of the command that caused it. */
  readonly seq: number;
  /** Microseconds since the Unix epoch. */
  readonly timeUs: number;
}

export interface DropCopyOptions {
  /** Account ids, 1 to 1024 of them. */
  readonly accounts: readonly number[];
  /** By account: the number of the last report seen; the reports after it are sent, 0: all. Accounts without one begin with new reports. */
  readonly after?: Readonly<Record<number, number>>;
  /** Called when the connection was lost, and is made again. */
  readonly onLost?: (error: OpenbellError) => void;
}

/** The exchange continues from an older copy of its data, and the session with it: `onLoss: 'resync'`. */
export interface ResyncView {
  /** Number of the last report that both have. The reports after it come again, with other content. */
  readonly lastReport: number;
  /** False: it may be an earlier one, because the session remembers no more (4096 reports, or an hour). Then query everything. */
  readonly exact: boolean;
  /** Reports that the session received and that no longer hold, oldest first. */
  readonly lost: readonly ReportView[];
  /** The orders that these reports are about. */
  readonly inDoubt: readonly OrderInDoubt[];
}

/** An order of which the exchange has lost a report. */
export interface OrderInDoubt {
  readonly symbol: string;
  readonly orderId: number;
  readonly clientOrderId: number;
  /** Its acceptance was lost: the exchange does not have the order, and its order id may name another one. False: it has the order in an earlier state. */
  readonly gone: boolean;
  /** The last of its lost reports. */
  readonly report: ReportView;
}

/** A command that was not sequenced. */
export interface RefusalView {
  readonly code: string;
  readonly kind: CommandKindName;
  readonly symbolId: number;
  readonly clientOrderId: number;
  readonly orderId: number;
  readonly tag: number;
  /** Position in its frame; undefined when the whole frame was rejected. */
  readonly index: number | undefined;
}
