import type { Options } from './known-options.ts';
import type {
  AmendOrder,
  BracketOrders,
  CancelAll,
  LinkedOrders,
  ListedOrder,
  OrderTarget,
  PlaceOrder,
  PlaceQuote,
  QuoteProtection,
  QuoteSide,
} from './types.ts';

/** The options that each method of a session knows: others are BAD_OPTION. */

export const PLACE_OPTIONS: Options<PlaceOrder> = {
  symbol: true,
  side: true,
  quantity: true,
  price: true,
  type: true,
  timeInForce: true,
  expires: true,
  selfTrade: true,
  postOnly: true,
  reprice: true,
  hidden: true,
  minQuantity: true,
  displayedQuantity: true,
  stopPrice: true,
  trailOffset: true,
  trailPpm: true,
  activationPrice: true,
  limitOffset: true,
  reportTrail: true,
  trigger: true,
  triggerNow: true,
  peg: true,
  pegOffset: true,
  clientOrderId: true,
};
export type OrderList = Omit<LinkedOrders, 'orders'> & { readonly orders: readonly ListedOrder[] };

export const BRACKET_OPTIONS: Options<BracketOrders> = {
  symbol: true,
  side: true,
  quantity: true,
  parent: true,
  takeProfit: true,
  stopLoss: true,
};
export const LIST_OPTIONS: Options<OrderList> = { symbol: true, side: true, quantity: true, orders: true };
export const TARGET_OPTIONS: Options<OrderTarget> = { symbol: true, orderId: true, clientOrderId: true };
const TRAIL_OPTIONS = { trailOffset: true, trailPpm: true, activationPrice: true, limitOffset: true } as const;
export const AMEND_OPTIONS: Options<AmendOrder> = {
  ...TARGET_OPTIONS,
  price: true,
  quantity: true,
  stopPrice: true,
  displayedQuantity: true,
  ...TRAIL_OPTIONS,
};
export const QUOTE_OPTIONS: Options<PlaceQuote> = { symbol: true, bid: true, ask: true, postOnly: true };
export const QUOTE_SIDE_OPTIONS: Options<QuoteSide> = { price: true, quantity: true };
export const PROTECTION_OPTIONS: Options<QuoteProtection> = { windowMs: true, fills: true, lots: true, netLots: true };
export const CANCEL_ALL_OPTIONS: Options<CancelAll> = { symbol: true, side: true };
