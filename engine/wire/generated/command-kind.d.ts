/**
 * The kind of a Command.
 */
export declare enum CommandKind {
    None = 0,
    New = 1,
    Cancel = 2,
    Amend = 3,
    /**
     * A CommandExtension, in ring and log only. Never the kind of a Command in a frame.
     */
    Extension = 4,
    /**
     * Cancels all open orders of the account, resting orders and pending stops: of `symbol` (0 = all), and of the side in `quantity` (0 = both, 1 = buys, 2 = sells).
     * Orders that are entered after it are not cancelled. `client_order_id`, `order_id` and `price` are 0.
     */
    MassCancel = 5,
    /**
     * Both sides of an account's quote in `symbol`: the bid is in `price` and `quantity`, the ask in `client_order_id` (ticks) and `order_id` (lots).
     * Each side replaces the account's live quote of that side. Quantity 0: no quote on that side. From rules 5 on.
     */
    Quote = 6,
    /**
     * Dead man's switch: all resting orders of the account are cancelled in `quantity` microseconds, from one second to one day, unless
     * another CancelAfter comes before. 0: it is off. All other fields are 0.
     */
    CancelAfter = 7,
    /**
     * 16 and above are administrative. Order entry rejects them.
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
     * The engine itself writes 25 and 26: rules and capacities in force, and digests of its state.
     */
    Configure = 25,
    StateDigest = 26,
    /**
     * Administrative: cancels one order (`order_id`, or `client_order_id` with `account`), or the orders of `account`, of `symbol`, or
     * of `account` in `symbol`; 0 = any. The answer has the number of cancelled orders as `quantity`, and `leaves` 1 if more are left.
     */
    CancelOrders = 27,
    /**
     * The engine itself: time has passed. Orders whose end has come expire, as before any command. `quantity` is a random number
     * below 2^32, which decides the random end of a volatility auction; 0 before rules 5.
     */
    Tick = 28,
    /**
     * Administrative: a limit of `account` in `symbol`. `parameter` 0 = largest position, 1 = largest exposure; `quantity` in lots, 0 = none.
     */
    SetLimit = 29,
    /**
     * Administrative: `parameter` is a KillScope; `account`, `tag` (the group) or `symbol` names what it concerns, and the others are 0.
     * `quantity` 1 = on: new orders and amends are rejected, and what rests is cancelled; 0 = off. The answer is that of CancelOrders.
     */
    KillSwitch = 30,
    /**
     * Administrative: the sessions of `account` that asked for it are gone; all its open orders are cancelled. The answer has their number as `quantity`.
     */
    CancelOnDisconnect = 31,
    /**
     * Administrative: cancels all open orders of the accounts in the group `tag`: of `symbol` (0 = all), and of the side in `quantity`, as
     * MassCancel. The answer has their number as `quantity`, and as `leaves` how many of them later commands cancel.
     */
    CancelGroup = 32,
    /**
     * Administrative: tier `tag` (from 1) of fee tier table `parameter`, whose volumes are in the asset `symbol`. `quantity` is the volume from which it
     * holds, in the asset's smallest unit; 0 removes it and the tiers above. `price` and `client_order_id` are the maker's and the taker's rate, in
     * millionths; `side` 1 = the maker's is negative.
     */
    SetFeeTier = 33,
    /**
     * Administrative: session `quantity` (1 to 127) of `account` is gone; the open orders that it entered are cancelled. The answer has their number as
     * `quantity`. From rules 6 on.
     */
    CancelSession = 34,
    /**
     * Administrative: the reference price of `symbol` is `quantity` ticks, as an outside source has it. The symbol must have ReferenceSource 1.
     * From rules 7 on.
     */
    SetReference = 35
}
