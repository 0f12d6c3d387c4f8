export declare enum Channel {
    Book = 0,
    BookL3 = 1,
    Bbo = 2,
    Trades = 3,
    Status = 4
}
