export declare enum ReportKind {
    None = 0,
    /**
     * A new order was accepted; `quantity` is its quantity, `leaves` its open quantity before any fill that follows.
     */
    Accepted = 1,
    /**
     * A new order was rejected; `code` is the reason.
     */
    Rejected = 2,
    /**
     * `quantity` lots traded at `price`; `leaves` stay open.
     */
    Fill = 3,
    /**
     * The order left the book; `quantity` lots were cancelled, `code` is the reason.
     */
    Cancelled = 4,
    /**
     * The order now has `price` and `leaves`; flag KeptPriority is set if it kept its priority.
     */
    Amended = 5,
    CancelRejected = 6,
    AmendRejected = 7,
    /**
     * A stop triggered, and is now a market or limit order; `quantity` and `leaves` are its open quantity. What becomes of it follows.
     */
    Triggered = 8,
    /**
     * A mass cancel begins: it cancels `quantity` orders, and `leaves` of them with later commands. Each is then reported as Cancelled.
     * `code` is 0, the reason for which nothing is cancelled (below 450), or the reason for which the exchange began it.
     */
    MassCancelled = 9,
    /**
     * The dead man's switch of the account: `quantity` is its time, microseconds since the Unix epoch; 0 = off.
     */
    CancelAfterSet = 10,
    /**
     * The stop price of a trailing stop with ReportTrail has changed: `stop_price` is the present one, `price` the limit at it (0 = none).
     */
    StopPriceChanged = 11
}
