/**
 * Pricing and trigger of an order. Stop becomes a market order when it triggers, StopLimit a limit order. The stop price of the trailing ones
 * follows the trigger price; so does the limit of TrailingStopLimit, at a fixed distance from the stop price.
 */
export declare enum OrderType {
    Limit = 0,
    Market = 1,
    Stop = 2,
    StopLimit = 3,
    TrailingStop = 4,
    TrailingStopLimit = 5
}
