/**
 * Pricing and trigger of an order. Stop becomes a market order when it triggers, StopLimit a limit order. This release rejects the trailing
 * ones with UNSUPPORTED_TERM.
 */
export declare enum OrderType {
    Limit = 0,
    Market = 1,
    Stop = 2,
    StopLimit = 3,
    TrailingStop = 4,
    TrailingStopLimit = 5
}
