/**
 * Further terms of an order; a set of bits.
 */
export declare enum Instruction {
    /**
     * Bit 0: rejected if it would trade on arrival. StopLimit: cancelled if it would trade when it triggers.
     */
    PostOnly = 1,
    /**
     * Bit 3: a stop whose condition holds on arrival triggers at once, instead of being rejected.
     */
    TriggerNow = 8
}
