export declare enum Side {
    Buy = 0,
    Sell = 1
}
