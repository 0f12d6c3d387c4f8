/**
 * Kind of the phase Auction; None in the other phases, and in an auction of no kind. In PreOpen orders are collected, and nothing is
 * indicated or uncrossed. VolatilityAuction, and the LimitState before it, are set by the engine itself, from rules 5 on, and cannot be
 * set by an operator.
 */
export declare enum SubPhase {
    None = 0,
    PreOpen = 1,
    OpeningAuction = 2,
    ClosingAuction = 3,
    VolatilityAuction = 4,
    LimitState = 5
}
