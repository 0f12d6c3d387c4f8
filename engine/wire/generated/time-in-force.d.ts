/**
 * How long an order lives. Market and PostOnly are short forms, for orders without an extension.
 */
export declare enum TimeInForce {
    /**
     * Limit, rests until filled or cancelled.
     */
    GoodTillCancel = 0,
    /**
     * Limit, trades at once, the rest is cancelled.
     */
    ImmediateOrCancel = 1,
    /**
     * Limit, trades at once in full or not at all.
     */
    FillOrKill = 2,
    /**
     * Short for OrderType Market, ImmediateOrCancel: no limit price, trades at once up to the price band, the rest is cancelled.
     */
    Market = 3,
    /**
     * Short for OrderType Limit, GoodTillCancel, Instruction PostOnly: refused if it would trade on arrival.
     */
    PostOnly = 4
}
