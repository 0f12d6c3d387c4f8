/**
 * What a kill switch concerns.
 */
export declare enum KillScope {
    Account = 0,
    Group = 1,
    Symbol = 2,
    Venue = 3
}
