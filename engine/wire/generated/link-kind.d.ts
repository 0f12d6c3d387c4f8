/**
 * What the orders of a list are to each other.
 */
export declare enum LinkKind {
    None = 0,
    /**
     * A fill, even partial, or the trigger of one cancels the other.
     */
    OneCancelsOther = 1,
    /**
     * A fill of one reduces the other by the same quantity.
     */
    OneUpdatesOther = 2
}
