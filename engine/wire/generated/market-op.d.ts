export declare enum MarketOp {
    None = 0,
    Subscribe = 1,
    Unsubscribe = 2,
    Resnapshot = 3,
    Ping = 4,
    Time = 5
}
