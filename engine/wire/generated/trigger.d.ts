/**
 * The price that triggers a stop: the symbol's last trade, or its reference price.
 */
export declare enum Trigger {
    LastTrade = 0,
    ReferencePrice = 1
}
