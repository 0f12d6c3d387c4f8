/**
 * Further terms of an order; a set of bits.
 */
export declare enum Instruction {
    /**
     * Bit 0: rejected if it would trade on arrival. StopLimit: cancelled if it would trade when it triggers.
     */
    PostOnly = 1,
    /**
     * Bit 1: with PostOnly. Instead of a rejection, the order rests one step of the price behind the other side; its reports have that price.
     */
    Reprice = 2,
    /**
     * Bit 2: market data shows nothing of the order; it trades behind all that is displayed at its price. For limit orders that rest.
     */
    Hidden = 4,
    /**
     * Bit 3: a stop whose condition holds on arrival triggers at once, instead of being rejected.
     */
    TriggerNow = 8,
    /**
     * Bit 4: the offset of a trailing stop is in parts per million of the trigger price, not in ticks.
     */
    TrailPpm = 16,
    /**
     * Bit 8: a pegged order follows the best price of its own side, at the offset in `min_quantity` of the extension. `price` of the command is its limit. It is
     * always post-only, and displayed. With PegMarket too, it follows the middle of both. From rules 6 on.
     */
    PegPrimary = 256,
    /**
     * Bit 9: a pegged order follows the best price of the other side. With PegPrimary too: the middle of both.
     */
    PegMarket = 512,
    /**
     * Bit 10: the offset of a pegged order is towards the other side, not away from it.
     */
    PegTowards = 1024,
    /**
     * Bit 11: the account gets a report StopPriceChanged when the stop price of a trailing stop has changed.
     */
    ReportTrail = 2048
}
