/**
 * Result codes, numbered by the stage that returns them. The number of a code
 * never changes. docs/CODES.md explains each code. 0 is success.
 */
export const Code = {
  OK: 0,
  // 100: the frame, at the gateway. Not sequenced.
  MALFORMED_FRAME: 100,
  WRONG_SCHEMA_VERSION: 101,
  FRAME_TOO_LARGE: 102,
  UNKNOWN_KIND: 103,
  BAD_ENUM: 104,
  BAD_RANGE: 105,
  FOREIGN_ACCOUNT: 106,
  ADMIN_ONLY: 107,
  BAD_SUBSCRIPTION: 108,
  REPORTS_GONE: 109,
  // 110: the identity of the client, at the gateway. Not sequenced.
  UNAUTHENTICATED: 110,
  PERMISSION_DENIED: 111,
  // 120: the exchange cannot accept commands now. Not sequenced; try again.
  BUSY: 120,
  DISK_FULL: 121,
  DRAINING: 122,
  MASS_CANCEL_RATE: 123,
  // 130: the terms of an order, at the gateway. Not sequenced.
  ILLEGAL_COMBINATION: 130,
  UNSUPPORTED_TERM: 131,
  // 200: the account.
  UNKNOWN_ACCOUNT: 200,
  ACCOUNT_SUSPENDED: 201,
  OPEN_ORDER_LIMIT: 202,
  INSUFFICIENT_FUNDS: 203,
  ORDER_SHARE_FULL: 204,
  LEVEL_SHARE_FULL: 205,
  THROTTLED: 206,
  ORDER_TO_TRADE: 207,
  POSITION_LIMIT: 208,
  EXPOSURE_LIMIT: 209,
  KILL_SWITCH: 210,
  // 300: the symbol and its limits.
  UNKNOWN_SYMBOL: 300,
  SYMBOL_HALTED: 301,
  SYMBOL_CLOSED: 302,
  NOT_IN_AUCTION: 303,
  PRICE_RANGE: 304,
  TICK: 305,
  LOT: 306,
  QUANTITY_MIN: 307,
  QUANTITY_MAX: 308,
  NOTIONAL_MIN: 309,
  NOTIONAL_MAX: 310,
  PRICE_BAND: 311,
  NO_SESSION: 312,
  AUCTION_OVER: 313,
  // 400: the order and the book.
  BAD_CLIENT_ORDER_ID: 400,
  UNKNOWN_ORDER: 401,
  POST_ONLY_WOULD_TRADE: 402,
  FOK_NOT_FILLABLE: 403,
  NO_LIQUIDITY: 404,
  BOOK_FULL: 405,
  LEVELS_FULL: 406,
  CLIENT_ORDER_ID_TOO_OLD: 407,
  MIN_QUANTITY_NOT_FILLABLE: 408,
  CLIENT_ORDER_ID_REUSED: 409,
  EXPIRY_PAST: 410,
  ORDERS_EXPIRING: 415,
  STOP_WOULD_TRIGGER: 411,
  STOP_PRICE: 413,
  TRAIL_OFFSET: 416,
  TRAIL_UNAVAILABLE: 417,
  NO_PRICE_LEFT: 418,
  QUOTE_CROSSED: 420,
  QUOTE_OTHER_SIDE: 421,
  PROTECTION_TRIGGERED: 422,
  QUOTE_AMEND: 423,
  LIST_REJECTED: 424,
  BAD_LIST: 425,
  LINKED_AMEND: 426,
  UNCROSS_WAITS: 427,
  PEG_OFFSET: 428,
  PEG_LIMIT: 429,
  PARENT_FILLED: 434,
  DISPLAYED_QUANTITY: 419,
  // 450: the reason why an order was cancelled (not a rejection).
  CANCELLED_BY_CLIENT: 450,
  CANCELLED_REMAINDER: 451,
  CANCELLED_BY_OPERATOR: 452,
  EXPIRED: 453,
  CANCELLED_SELF_TRADE: 454,
  CANCELLED_KILL_SWITCH: 455,
  CANCELLED_ON_DISCONNECT: 456,
  CANCELLED_AFTER: 457,
  CANCELLED_SUSPENDED: 458,
  CANCELLED_BY_MASS_CANCEL: 459,
  CANCELLED_VOLATILITY: 466,
  CANCELLED_AUCTION_OVER: 460,
  CANCELLED_PROTECTION: 461,
  CANCELLED_QUOTES_PULLED: 462,
  CANCELLED_LINKED: 463,
  CANCELLED_PARENT: 464,
  // 500: administration.
  BAD_PARAMETER: 500,
  CAPACITY: 501,
  ALREADY_DEFINED: 502,
  UNKNOWN_ASSET: 503,
  BOOK_NOT_EMPTY: 504,
  WRONG_PHASE: 505,
  BOOK_CROSSED: 506,
  IDEMPOTENCY_KEY_REUSED: 507,
  // 508: what a program that embeds the engine has sent.
  MALFORMED_COMMAND: 508,
} as const;
export type Code = (typeof Code)[keyof typeof Code];

const names = new Map<number, string>(Object.entries(Code).map(([name, code]) => [code, name]));

/** The code's name, such as `PRICE_BAND`; `CODE_999` for a code that this version does not define. */
export function codeName(code: number): string {
  return names.get(code) ?? `CODE_${code}`;
}
