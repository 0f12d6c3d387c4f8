/**
 * Kind of the phase Auction; None in the other phases, and in an auction of no kind. In PreOpen orders are collected, and nothing is
 * indicated or uncrossed. This release does not set VolatilityAuction.
 */
export declare enum SubPhase {
    None = 0,
    PreOpen = 1,
    OpeningAuction = 2,
    ClosingAuction = 3,
    VolatilityAuction = 4
}
