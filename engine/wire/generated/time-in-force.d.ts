/**
 * Lifetime of an order. Market and PostOnly are short forms, for orders without an extension.
 */
export declare enum TimeInForce {
    /**
     * Limit; rests until filled or cancelled.
     */
    GoodTillCancel = 0,
    /**
     * Limit; trades immediately, the remainder is cancelled.
     */
    ImmediateOrCancel = 1,
    /**
     * Limit; trades immediately in full, or not at all.
     */
    FillOrKill = 2,
    /**
     * Short for OrderType Market, ImmediateOrCancel: no limit price; trades immediately up to the price band, the remainder is cancelled.
     */
    Market = 3,
    /**
     * Short for OrderType Limit, GoodTillCancel, Instruction PostOnly: rejected if it would trade on arrival.
     */
    PostOnly = 4,
    /**
     * Limit; rests until the end of the symbol's session. Rejected with NO_SESSION if the symbol has none.
     */
    Day = 5,
    /**
     * Limit; rests until `expiry_us` of the extension.
     */
    GoodTillDate = 6,
    /**
     * Limit or market, with an extension: takes part in the opening auction only, and is cancelled after it.
     */
    AtTheOpen = 7,
    /**
     * The same for the closing auction. Until it starts, the order waits outside the book.
     */
    AtTheClose = 8
}
