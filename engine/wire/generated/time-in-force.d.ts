/**
 * How long an order lives, and how it may trade.
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
     * No limit price: trades at once up to the price band, the rest is cancelled.
     */
    Market = 3,
    /**
     * Limit, refused if it would trade on arrival.
     */
    PostOnly = 4
}
