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
    OneUpdatesOther = 2,
    /**
     * The second order, the child, becomes live with each fill of the first one, its parent, for the quantity filled.
     */
    OneTriggersOther = 3,
    /**
     * Three orders: a parent, and two children that become live with its fills and update each other: take-profit, a limit order, and
     * stop-loss, a stop.
     */
    Bracket = 4
}
