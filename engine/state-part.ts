/**
 * How a part of the state is saved and loaded: as rows of numbers, in one
 * canonical order. A snapshot consists of these rows; the state hash is their
 * SHA-256. Rows do not depend on positions in memory: an exchange with another
 * capacity, or another layout of the book, reads the same rows and has the same
 * hash.
 *
 * A row kind that a later release added is written only where its content
 * differs from the default. A state that does not use a feature therefore
 * keeps the hash that it had before the feature existed.
 */
export const ROW_FIELDS = 12;

/** First field of a row. A number is never reused for another kind. */
export const RowKind = {
  /** seq, timeUs, lastOrderId */
  Meta: 1,
  /** id, decimals, fees, deposited, name (4) */
  Asset: 2,
  /** id, base, quote, tick mantissa, tick decimals, lot mantissa, lot decimals, phase, last price, trade id */
  Symbol: 3,
  /** symbol, parameter, value */
  SymbolParam: 4,
  /** symbol, name (4); after its parameters */
  SymbolName: 5,
  /** id, suspended, max open orders, report no, forgotten id, name (4) */
  Account: 6,
  /** account, asset, available, reserved */
  Balance: 7,
  /** id, client order id (0 = a side of a quote, from rules 5 on), price, open, filled, account, symbol, side, time in force, tag, hash of its terms (from rules 3 on, 0 of a quote); by symbol, side, priority. From rules 5 on the side is 16 more for a hidden order, from rules 6 on 128 more for a pegged one */
  Order: 8,
  /** account, client order id, order id, code, symbol, side, time in force, price, quantity, filled and hash of its terms (from rules 3 on); from rules 3 on by account; oldest first */
  Remembered: 9,
  /** rules, orders, pages, accounts, assets, symbols, remembered orders, remembered keys; written only if they were logged */
  Configuration: 10,
  /** key (2), account, asset, signed amount, code, seq; from rules 3 on by account; oldest first */
  IdempotencyKey: 11,
  /** digest (2), seq of the last checkpoint, digest there (2), answers; only from rules 2 on */
  Digest: 12,
  /** the 16 words of an extension record whose command has not arrived yet, in two rows of 8, each after the number of its half */
  Extension: 13,
  /** shares of one account: orders, pages, remembered orders, remembered keys; only from rules 3 on, and if they were logged */
  Shares: 14,
  /** account, the highest forgotten client order id of its bit length; by account, then bit length; only from rules 3 on */
  ForgottenId: 15,
  /** id of the order that pays for its level page; of pages whose payer is not the first in priority; by symbol, side, priority; only from rules 3 on */
  LevelPayer: 16,
  /** id, carry of its fee, maker's and taker's rate (ppm); after the order, if they differ from those of a new order; only from rules 4 on */
  OrderFees: 17,
  /** id, expiry in microseconds since the Unix epoch; after the order, if it expires; only from rules 4 on */
  OrderExpiry: 18,
  /** id, lots that each part displays, lots that it displays now, public id of that part, of the first part at its price; after the order, if it is an iceberg. Or id, 0, 0, 0, arrival, of another order that lost its place, in a book with hidden orders. Only from rules 5 on. From rules 6 on also id, lots that each part displays (0 = nothing, -1 = all), 1 if it is repriced when it triggers, of a stop that waits */
  Iceberg: 35,
  /** id, number of the session whose end cancels it; after the order, if there is one; only from rules 6 on */
  SessionOrder: 58,
  /** symbol, sub-phase, time of the last boundary of its calendar; before the name, if one is not 0; only from rules 4 on */
  SubPhase: 22,
  /** account, item, value; a control of an account, see ControlRows; only from rules 4 on */
  AccountControl: 19,
  /** account, symbol, largest position, largest exposure, position, open buys, open sells; after the orders, by account, then symbol; only from rules 4 on */
  PositionLimit: 20,
  /** symbol, 1 = its kill switch is on; only from rules 4 on */
  SymbolControl: 21,
  /** id, client order id, limit price (0 = market), open, stop price, account, symbol, side with trigger bits + 256 x time in force, tag, hash of its terms, amount held; by symbol, then the order in which they got their stop price; only from rules 5 on */
  StopOrder: 23,
  /** symbol, side, key of the last-trade stops that are due, of the reference-price stops, 1 if it has a turn; by turn, then symbol, oldest first; only from rules 5 on */
  StopWave: 24,
  /** account (0 = those of a group), symbol, side, code, last order id before it, group, commands that still sort its orders, session (0 = all); of mass cancels under way, the oldest first; only from rules 5 on */
  /** id, offset (ticks, below 0: parts per million), the price that it follows from, 0 = it waits for its activation price; before the row of a trailing stop, whose stop price is then its activation price, and whose limit price the distance of its limit; from rules 7 on 1 if it does not trail yet; only from rules 5 on */
  TrailTerms: 28,
  /** symbol, number as in StopBook.trails, extreme of a group of trailing stops, oldest first; or the best price that they have not followed yet, 1; before the stops of the symbol; only from rules 5 on */
  Trail: 29,
  /** account, symbol, side, code, last order id before it; of mass cancels under way, the oldest first; only from rules 5 on */
  MassCancel: 25,
  /** account, time of its dead man's switch in microseconds since the Unix epoch; by account; only from rules 5 on */
  CancelAfter: 26,
  /** symbol, price of the static band's middle, earliest end of its interruption (microseconds since the Unix epoch), its end, bits of its state (1 extended, 2 drawn, 4 in its limit state); after the symbols, if one of the first two is not 0; only from rules 5 on */
  Volatility: 31,
  /** id, client order id, price, open, 0, account, symbol, side + 256 x time in force, tag, hash of its terms; an order at the open or the close outside the book, by symbol and auction, in their order; only from rules 5 on */
  WaitingOrder: 39,
  /** id of an order at the open or the close that is in the book, by symbol and auction, limit orders first, in the sequence in which they entered it; only from rules 6 on */
  AuctionOrder: 53,
  /** id of an order whose auction is over and that ends, in their sequence; only from rules 6 on */
  EndingOrder: 54,
  /** symbol, 1 = its opening auction is ahead + 2 = its closing auction is over; before the name, if one is; only from rules 5 on */
  SymbolAuctions: 40,
  /** account, window in microseconds, most fills, lots, net lots, 1 = triggered; before the orders; only from rules 5 on */
  Protection: 33,
  /** account, number of a step, fills, lots, net lots; after the account's protection; only from rules 5 on */
  ProtectionStep: 34,
  /** id, id of the other order, LinkKind, then of each the notional per lot that it reserves (0 = that of its limit); by the first id, which is the lower one; only from rules 5 on */
  Linked: 36,
  /** 8 words of the orders of a list that has not arrived in full, after the number of orders and that of the 8 words, before the number of the first order that expiring ones are in the way of; only from rules 5 on */
  OrderList: 37,
  /** id, PegKind, offset (ticks away from the other side, below 0: towards it), limit price; after the orders, by symbol in the order of entry; only from rules 6 on */
  Peg: 38,
  /** id, client order id, 0, open, filled, account, symbol, side + 256 x time in force, tag, hash of its terms; before the row of a pegged order that is parked; only from rules 6 on */
  ParkedPeg: 47,
  /** symbol, phase that its pegged orders have followed, reference bid, reference ask, best bid, best ask, orders to look at, id of the next one (0 = the first), 1 if it has a turn; by turn, then symbol; only from rules 6 on */
  PegRound: 48,
  /** id, client order id, limit price (0 = market), filled, stop price (0 = no stop), account, symbol, side with trigger bits + 256 x time in force, tag, hash of its terms; a child that waits for fills of its parent, by id; only from rules 6 on */
  WaitingChild: 49,
  /** id, id of its parent and of its sibling (0 = none, or not open), lots that are due, of a stop the notional per lot that it reserves; after the orders, those with lots that are due (by symbol in the order of their turns; before rules 7 in the order of the fills), then the others by id; only from rules 6 on */
  Child: 50,
  /** id, offset (ticks, below 0: parts per million), 1 if it asks for reports, of a child that is a trailing stop; after its row of the children that wait, or before their links if it is live and asks; only from rules 7 on */
  TrailingChild: 59,
  /** table, account, day since the epoch, volume of that day; see FeeTiers; only from rules 5 on */
  FeeVolume: 30,
  /** table, asset, tier, its volume, maker's and taker's rate (ppm); tier 0 has the asset only; only from rules 5 on */
  FeeTier: 41,
  /** id, stop price at its last report, 1 if it is looked at next; of the trailing stops whose changes are reported, after the stops of the symbol, in the order in which they began to wait; only from rules 6 on */
  TrailReport: 51,
  /** symbol, orders that ask for reports and are still to be looked at; after the waves, by turn; only from rules 6 on */
  TrailReportTurn: 52,
  /** table, account, tier that the operator gave; after the volumes of the table; only from rules 6 on */
  GivenFeeTier: 57,
} as const;

/** Receives the fields of one row. Omitted fields are 0. */
export interface RowWriter {
  row(...fields: number[]): void;
}

/** A part of the state that saves and loads itself. Cold; called in the thread that owns the state, between two commands. */
export interface StatePart {
  /** The kinds of rows that this part writes and loads. */
  readonly kinds: readonly number[];
  save(out: RowWriter): void;
  /** Loads the row whose kind is at index `at`. @throws InvariantError if the row exceeds a capacity */
  load(rows: Float64Array, at: number): void;
}
