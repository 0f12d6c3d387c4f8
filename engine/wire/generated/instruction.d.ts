/**
 * What else holds for an order; a set of bits.
 */
export declare enum Instruction {
    /**
     * Bit 0: refused if it would trade on arrival.
     */
    PostOnly = 1
}
