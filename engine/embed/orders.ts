import type { PriceTicks, QtyLots, TimeUs } from '../units.ts';
import type { LinkName, OrderTypeName, PegName, SelfTradeName, SideName, TimeInForceName, TriggerName } from '../wire/names.ts';
import type { Price, Quantity } from './symbol-units.ts';

/** What an embedding program passes to the exchange. Names of accounts and symbols may be their ids, too. */

/** The terms of an order besides whose it is. docs/TRADING-RULES.md explains each, and which cannot be combined. */
export interface OrderTerms {
  readonly side: SideName;
  readonly quantity: Quantity;
  /** Left out for a market order, for a stop that becomes one, and for a trailing stop. */
  readonly price?: Price;
  /**
   * Default: limit, or market without a price and a time in force. With `stopPrice`: stop-limit, or stop without a price. With `trailOffset` or
   * `trailPpm`: trailing-stop, or trailing-stop-limit with `limitOffset`.
   */
  readonly type?: OrderTypeName;
  /** Default: gtc; of a market order ioc; gtd with `expiresUs`. `market` and `post-only` are short for the type and for `postOnly`. */
  readonly timeInForce?: TimeInForceName;
  /** End of the order, microseconds since the Unix epoch. */
  readonly expiresUs?: TimeUs;
  /** Default: that of the account. */
  readonly selfTrade?: SelfTradeName;
  /** The price at which a stop triggers: at or above it for a buy, at or below it for a sell. */
  readonly stopPrice?: Price;
  /** What triggers a stop. Default: the last trade. */
  readonly trigger?: TriggerName;
  /** A stop whose condition holds triggers at once; otherwise it is rejected. */
  readonly triggerNow?: boolean;
  /** Trailing stop: distance of its stop price from the best trigger price. */
  readonly trailOffset?: Price;
  /** The same in parts per million, 1 to 999,999, instead of `trailOffset`. */
  readonly trailPpm?: number;
  /** A trailing stop follows from this price on. Default: at once. */
  readonly activationPrice?: Price;
  /** Trailing-stop-limit: distance of the limit from the stop price. */
  readonly limitOffset?: Price;
  /** Trailing stop: a report `stop-price-changed` when its stop price has changed. */
  readonly reportTrail?: boolean;
  /** Rejected if it would trade on arrival. */
  readonly postOnly?: boolean;
  /** With `postOnly`: it rests one step of the price behind the other side instead. */
  readonly reprice?: boolean;
  /** With ioc: it trades at least this quantity on arrival, or nothing. */
  readonly minQuantity?: Quantity;
  /** Market data shows nothing of it. */
  readonly hidden?: boolean;
  /** Iceberg: what it displays at a time. */
  readonly displayedQuantity?: Quantity;
  /** Pegged order: it follows this price, up to `price`. */
  readonly peg?: PegName;
  /** Distance from what it follows, away from the other side; below 0, as `'-0.02'` or -2, towards it. */
  readonly pegOffset?: Price;
  /** Unique per account, from 1, below 2^52. Default: made by the exchange, from 2^52 on. */
  readonly clientOrderId?: number;
  /** Free for the caller, in [0, 2^32); its reports have it. */
  readonly tag?: number;
}

export interface PlaceOrder extends OrderTerms {
  readonly account: string | number;
  readonly symbol: string | number;
}

/** An order of a list. It has the side and the quantity of the list, unless it names its own. */
export type ListedOrder = Omit<OrderTerms, 'side' | 'quantity'> & Partial<Pick<OrderTerms, 'side' | 'quantity'>>;

/**
 * Two orders that are linked (`oco`: a fill of one cancels the other; `ouo`: it reduces the other), a parent and the order that waits for its
 * fills (`oto`), or a parent, its take-profit and its stop-loss (`bracket`). All are accepted, or none is.
 */
export interface PlaceList {
  readonly account: string | number;
  readonly symbol: string | number;
  readonly link: LinkName;
  /** Of orders that name none. In a bracket, that of the parent: its children have the other one. */
  readonly side?: SideName;
  readonly quantity?: Quantity;
  readonly orders: readonly ListedOrder[];
}

/** An order by one of its ids; the exchange's own counts if both are given. */
export interface OrderTarget {
  readonly account: string | number;
  /** An order of another symbol is UNKNOWN_ORDER. Default: any. */
  readonly symbol?: string | number;
  readonly orderId?: number;
  readonly clientOrderId?: number;
  readonly tag?: number;
}

/** What is left out stays as it is. */
export interface AmendOrder extends OrderTarget {
  readonly price?: Price;
  /** The new open quantity. */
  readonly quantity?: Quantity;
  /** Of a stop that waits. */
  readonly stopPrice?: Price;
  /** Of a trailing stop that waits. */
  readonly trailOffset?: Price;
  readonly trailPpm?: number;
  readonly activationPrice?: Price;
  readonly limitOffset?: Price;
  /** Of an iceberg. */
  readonly displayedQuantity?: Quantity;
}

/** The open orders of an account that a mass cancel names. */
export interface CancelAll {
  readonly account: string | number;
  /** Default: all symbols. */
  readonly symbol?: string | number;
  /** Default: both sides. */
  readonly side?: SideName;
}

export interface QuoteSide {
  readonly price: Price;
  /** What is to be open, whatever has traded meanwhile. */
  readonly quantity: Quantity;
}

/** Both sides of the account's quote in a symbol, which replace those before; a side that is left out is cancelled. */
export interface PlaceQuote {
  readonly account: string | number;
  readonly symbol: string | number;
  readonly bid?: QuoteSide;
  readonly ask?: QuoteSide;
  /** Rejected if a side would trade on arrival. */
  readonly postOnly?: boolean;
  readonly tag?: number;
}

/** Most that the quotes of an account trade in a window; without a limit: no protection. */
export interface QuoteProtection {
  /** Microseconds, a millisecond to a day. */
  readonly windowUs?: number;
  readonly fills?: number;
  readonly lots?: QtyLots;
  /** Bought less sold, or sold less bought. */
  readonly netLots?: QtyLots;
}

/** A price level: what it displays. */
export interface BookLevel {
  readonly price: string;
  readonly quantity: string;
  readonly priceTicks: PriceTicks;
  readonly quantityLots: QtyLots;
  /** Orders that display something. */
  readonly orders: number;
}

/** What rests in a symbol, best prices first. */
export interface BookView {
  readonly symbol: string;
  readonly bids: readonly BookLevel[];
  readonly asks: readonly BookLevel[];
}
