export declare enum ReportKind {
    None = 0,
    /**
     * A new order was accepted; `quantity` is its quantity, `leaves` what is open before any fill that follows.
     */
    Accepted = 1,
    /**
     * A new order was refused; `code` says why.
     */
    Rejected = 2,
    /**
     * `quantity` lots traded at `price`; `leaves` stay open.
     */
    Fill = 3,
    /**
     * The order is gone; `quantity` lots were cancelled, `code` says on whose account.
     */
    Cancelled = 4,
    /**
     * The order now has `price` and `leaves`; flag KeptPriority says whether it kept its place.
     */
    Amended = 5,
    CancelRejected = 6,
    AmendRejected = 7
}
