/**
 * How an order is priced and what starts it. This release takes Limit and Market; the others are refused with UNSUPPORTED_TERM.
 */
export declare enum OrderType {
    Limit = 0,
    Market = 1,
    Stop = 2,
    StopLimit = 3,
    TrailingStop = 4,
    TrailingStopLimit = 5
}
