import { type Code, codeName } from './codes.ts';

/**
 * What each code of an order's report means, in plain words: the column "What it means" of docs/CODES.md without its
 * markup and references, which a test compares. A new code from 200 to 499 is a row here and a row there.
 */
const TEXTS: Readonly<Partial<Record<keyof typeof Code, string>>> = {
  UNKNOWN_ACCOUNT: 'There is no such account.',
  ACCOUNT_SUSPENDED: 'The operator suspended the account: no new orders, no amends. Cancels are accepted.',
  OPEN_ORDER_LIMIT: 'The account already has the maximum number of open orders, or 1,024 live sides of quotes.',
  INSUFFICIENT_FUNDS: 'The highest possible cost of the order, fees included, exceeds the available balance.',
  ORDER_SHARE_FULL: "The account has its share of the exchange's resting orders. Amends and cancels are accepted.",
  LEVEL_SHARE_FULL:
    'The order needs a new level page (64 prices of one side of a book), and the account has its share of them. If a new order had been accepted, its open quantity was cancelled. An amend with this code changed nothing.',
  THROTTLED:
    'The account sends more new orders and amends than its limit of commands per second allows. The order did nothing, and its client order id is not used up.',
  ORDER_TO_TRADE:
    'The account has sent more new orders and amends per fill than its limit allows. As with 206, the client order id is not used up.',
  POSITION_LIMIT:
    "The order could take the account's position in the symbol beyond its limit: position, open orders of the side and the order together.",
  EXPOSURE_LIMIT: 'The open orders of the account in the symbol, buys and sells together, and the order exceed its limit.',
  KILL_SWITCH:
    "The operator's kill switch of the account, of its group, of the symbol or of the venue is on: no new orders, no amends. Cancels are accepted.",
  UNKNOWN_SYMBOL: 'There is no such symbol.',
  SYMBOL_HALTED: 'The phase is halted.',
  SYMBOL_CLOSED: 'The phase is closed.',
  NOT_IN_AUCTION:
    'An auction only collects orders. This time in force would trade at once, or promises not to trade at once. A post-only order can only be lowered at its price, and so can a market order of an auction.',
  PRICE_RANGE: "The price is 0 or above the symbol's maxPrice.",
  TICK: "The price is not a multiple of the symbol's tickStep.",
  LOT: "The quantity is not a multiple of the symbol's lotStep.",
  QUANTITY_MIN: 'Below minQuantity.',
  QUANTITY_MAX: 'Above maxQuantity.',
  NOTIONAL_MIN: 'Price x quantity is below minNotional.',
  NOTIONAL_MAX: 'Price x quantity is above maxNotional.',
  PRICE_BAND: 'A buy is too far above, or a sell too far below, the reference price.',
  NO_SESSION: 'A day order, and the symbol has no session, or its session has ended.',
  AUCTION_OVER:
    'An order at the open, and the opening auction of the session is over or none is to come; or an order at the close, and the closing auction is over.',
  BAD_CLIENT_ORDER_ID: 'A new order without a client order id.',
  UNKNOWN_ORDER:
    'Cancel or amend: no such order of this account and symbol is open. It may have been filled or cancelled meanwhile, or it is of another symbol.',
  POST_ONLY_WOULD_TRADE: 'A post-only order would have traded on arrival.',
  FOK_NOT_FILLABLE: 'A fill-or-kill order could not have been filled in full.',
  NO_LIQUIDITY: 'A market order found no resting order on the other side within the price band.',
  BOOK_FULL: 'The exchange already has its maximum number of resting orders.',
  LEVELS_FULL:
    'The order needs a new level page, and the exchange has no more. If a new order had been accepted, its open quantity was cancelled. An amend with this code changed nothing.',
  CLIENT_ORDER_ID_TOO_OLD:
    'The client order id is at or below one of the same account and the same bit length that the exchange no longer stores, so the exchange cannot decide whether this order is a repeat.',
  MIN_QUANTITY_NOT_FILLABLE: 'The minimum quantity of the order could not have traded at once.',
  CLIENT_ORDER_ID_REUSED:
    'An earlier order of the account has this client order id and other terms. This order does nothing; the earlier one is unchanged.',
  EXPIRY_PAST: "The end of a good-till-date order is not after the exchange's time.",
  STOP_WOULD_TRIGGER:
    'The condition of a stop holds already: the trigger price is at or beyond its stop price, or was and other stops still wait for their turn.',
  STOP_PRICE:
    "The stop price is 0, above the symbol's maxPrice or not a multiple of its tickStep. Or an amend names a stop price, and its order does not wait for a trigger: it may have triggered meanwhile.",
  LIST_REJECTED: 'Another order of the same list was rejected, so this one was too. Nothing of the list was accepted.',
  BAD_LIST: 'The orders of a list do not fit together, or do not follow each other in one frame.',
  LINKED_AMEND:
    'The amend does not fit the other orders of the list: more quantity of an order with one-updates-other or of a parent, another quantity of a child whose parent is open, or a price at which the two would trade with each other.',
  PARENT_FILLED:
    'In an Amended report of an order that waited for another one: as many lots as the report has as its quantity became live, because the other one was filled.',
  UNCROSS_WAITS:
    'Before the uncross, more orders enter the auction, end because they are due, or are parked because they are pegged, than one command handles; or before the close, more orders become live because their parents were filled. It did nothing else.',
  ORDERS_EXPIRING:
    'More orders have come to their end in the way of the order than one command cancels. The order did nothing, and its client order id is not used up.',
  TRAIL_OFFSET:
    "With this offset, the stop price of a trailing stop would be 0 or below, or above the symbol's maxPrice. Or an amend names an offset, and its order is no trailing stop that waits.",
  TRAIL_UNAVAILABLE:
    'A trailing stop has no price to follow now: the symbol has no trigger price yet and the order no activation price, or stops of its side wait for their turn, or to follow. The order did nothing, and its client order id is not used up.',
  NO_PRICE_LEFT:
    "A post-only order that may be repriced would have traded on arrival, or when it triggered, and there is no price one tickStep behind the other side: it would be 0, or above the symbol's maxPrice.",
  DISPLAYED_QUANTITY:
    "The displayed quantity is not a multiple of the symbol's lotStep, below its minDisplayed or below a hundredth of the order's quantity. Or an amend names one, and its order is no iceberg.",
  QUOTE_CROSSED: 'The bid of a quote is at or above its ask.',
  QUOTE_OTHER_SIDE: 'The other side of the quote was rejected, and its report says why. Both sides of a quote are accepted, or neither is.',
  PROTECTION_TRIGGERED: "The account's market-maker protection has triggered, and accepts no quotes until the account resets it.",
  QUOTE_AMEND: 'An amend names a side of a quote, which only the next quote changes.',
  PEG_OFFSET: 'A market peg has no offset away from the other side. At the price of the other side or beyond, it could never rest.',
  PEG_LIMIT: 'The account has the most pegged orders that it can have: 1,024.',
  CANCELLED_BY_CLIENT: 'The account requested it.',
  CANCELLED_REMAINDER: 'The quantity that an immediate-or-cancel or market order did not trade.',
  CANCELLED_BY_OPERATOR: 'The operator cancelled it.',
  EXPIRED: 'Its end came: the end of the session, or the time that it named.',
  CANCELLED_SELF_TRADE:
    'It would have traded with an order of the same account or group. An Amended report with this code has the quantity that is left.',
  CANCELLED_KILL_SWITCH: 'The operator switched on a kill switch.',
  CANCELLED_ON_DISCONNECT: 'The session that entered the order had asked for it, and was gone for the time that it named.',
  CANCELLED_AFTER: "The account's dead man's switch fired: it was not renewed in time.",
  CANCELLED_SUSPENDED: 'The operator suspended the account, and cancelled what rested.',
  CANCELLED_BY_MASS_CANCEL: 'A mass cancel of the account named it.',
  CANCELLED_AUCTION_OVER: 'An order at the open or at the close, after its auction or when the symbol closed without one.',
  CANCELLED_VOLATILITY:
    'The quantity of an immediate-or-cancel or market order whose next trade would have left a volatility band. The symbol is in a volatility auction, or in the limit state before it.',
  CANCELLED_PROTECTION: "The account's market-maker protection has triggered: its quotes traded more than it allows in the window.",
  CANCELLED_QUOTES_PULLED:
    'The order made market-maker protections cancel more than 1,024 quotes (4,096 before rules 7). What was left of it was cancelled.',
  CANCELLED_LINKED:
    'The other order of its list was filled, triggered or cancelled. An Amended report with this code has the quantity that is left.',
  MALFORMED_COMMAND: 'The command has a form that no verified frame has.',
  CANCELLED_PARENT:
    'The order for whose fills it waited has ended, or was lowered. An Amended report with this code has the quantity that is left.',
};

/** What the code means, as docs/CODES.md says it; the code's name if it is not one of an order's report. */
export function codeText(code: number): string {
  const name = codeName(code);
  return TEXTS[name as keyof typeof Code] ?? name;
}
