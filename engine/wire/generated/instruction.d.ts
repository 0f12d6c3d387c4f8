/**
 * Further terms of an order; a set of bits.
 */
export declare enum Instruction {
    /**
     * Bit 0: rejected if it would trade on arrival.
     */
    PostOnly = 1
}
