export declare enum Phase {
    Halted = 0,
    Continuous = 1,
    Auction = 2,
    Closed = 3
}
