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
     * Bit 11: the account gets a report StopPriceChanged when the stop price of a trailing stop has changed.
     */
    ReportTrail = 2048
}
