/** Bits of an account's byte of controls, `Accounts.controls`. */
export const ControlBit = {
  /** The operator suspended the account. */
  Suspended: 1,
  /** The account's own kill switch is on. */
  Killed: 2,
  /** The kill switch of the account's group, of the venue or of any symbol is on. Derived, not in a snapshot. */
  Watched: 4,
  /** The account has CommandsPerSecond. */
  Throttled: 8,
  /** The account has OrderToTrade. */
  OrderToTrade: 16,
  /** The account has a limit of position or exposure in a symbol. */
  Limited: 32,
} as const;
