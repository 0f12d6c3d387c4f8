/**
 * Self-trade prevention: what happens instead of a trade with a resting order of the same account, or of another one of its group. The
 * incoming order's mode counts.
 */
export declare enum SelfTradeMode {
    /**
     * The default of the account, which is None unless the operator set another one.
     */
    AccountDefault = 0,
    /**
     * The orders trade.
     */
    None = 1,
    /**
     * What is left of the incoming order is cancelled.
     */
    CancelNewest = 2,
    /**
     * The resting order is cancelled, and the incoming one goes on.
     */
    CancelOldest = 3,
    /**
     * Both are cancelled.
     */
    CancelBoth = 4,
    /**
     * Both are reduced by the smaller quantity; the one that has nothing left is cancelled.
     */
    Decrement = 5
}
