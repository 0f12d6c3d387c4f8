/**
 * Pricing and trigger of an order. This release accepts Limit and Market; the others are rejected with UNSUPPORTED_TERM.
 */
export declare enum OrderType {
    Limit = 0,
    Market = 1,
    Stop = 2,
    StopLimit = 3,
    TrailingStop = 4,
    TrailingStopLimit = 5
}
