export declare enum CandleInterval {
    S1 = 0,
    S15 = 1,
    M1 = 2,
    M5 = 3,
    M15 = 4,
    H1 = 5,
    H4 = 6,
    D1 = 7
}
