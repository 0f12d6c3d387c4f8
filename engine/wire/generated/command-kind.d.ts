/**
 * What a Command asks for.
 */
export declare enum CommandKind {
    None = 0,
    New = 1,
    Cancel = 2,
    Amend = 3,
    /**
     * A CommandExtension, in ring and log only: never the kind of a Command in a frame.
     */
    Extension = 4,
    /**
     * 16 and above are administrative: refused from order entry.
     */
    DefineAsset = 16,
    DefineSymbol = 17,
    SetSymbol = 18,
    SetPhase = 19,
    Uncross = 20,
    DefineAccount = 21,
    SetAccount = 22,
    Deposit = 23,
    Withdraw = 24,
    /**
     * 25 and above are written by the engine itself: rules and capacities in force, and statements of its state.
     */
    Configure = 25,
    StateDigest = 26
}
