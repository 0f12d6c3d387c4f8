export declare enum Channel {
    Book = 0,
    BookL3 = 1,
    Bbo = 2,
    Trades = 3,
    Status = 4,
    /**
     * Candles, a channel for each CandleInterval, in its order.
     */
    Candles1s = 5,
    Candles15s = 6,
    Candles1m = 7,
    Candles5m = 8,
    Candles15m = 9,
    Candles1h = 10,
    Candles4h = 11,
    Candles1d = 12,
    /**
     * The best 5, 10, 20 or 50 levels of each side.
     */
    Book5 = 13,
    Book10 = 14,
    Book20 = 15,
    Book50 = 16,
    /**
     * What traded in 24 hours.
     */
    Ticker = 17
}
