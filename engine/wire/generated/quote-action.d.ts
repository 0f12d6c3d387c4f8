/**
 * What a Quote command does, in its `side`.
 */
export declare enum QuoteAction {
    Quote = 0,
    /**
     * Sets the market-maker protection of the account: `quantity` is the window in microseconds, from 1,000 to 86,400,000,000; more fills than `client_order_id`, more lots
     * than `order_id`, or more lots bought than sold, or sold than bought, than `price` trigger it. 0 = no such limit; all 0: no protection. `symbol` is 0.
     */
    Protection = 1,
    /**
     * Accepts quotes again after the protection has triggered, and begins an empty window. All other fields are 0.
     */
    Reset = 2
}
