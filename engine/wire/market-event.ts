/**
 * An event of a book, as the engine publishes it to market data: a 64-byte slot
 * of the market ring. Market data converts events to wire structs. An event never
 * leaves the process, so its 64-bit fields are doubles: one store instead of two.
 *
 *   byte 0     1     2      4       8    16        24     32        40        48      56
 *   ┌──────┬──────┬───────┬────────┬────┬─────────┬──────┬─────────┬─────────┬───────┬───────┐
 *   │ kind │ side │ flags │ symbol │seq │ orderId │price │quantity │ otherId │ extra │ time  │
 *   └──────┴──────┴───────┴────────┴────┴─────────┴──────┴─────────┴─────────┴───────┴───────┘
 */
export const MARKET_EVENT_BYTES = 64;

/** Index of each field in a slot, in units of the view for that field. */
export const MarketField = {
  /** u8 */
  kind: 0,
  side: 1,
  flags: 2,
  /** u32 */
  symbol: 1,
  /** f64 */
  seq: 1,
  orderId: 2,
  price: 3,
  quantity: 4,
  otherId: 5,
  extra: 6,
  time: 7,
} as const;

export const MarketEventKind = {
  /** An order came to rest at the end of its level: orderId, side, price, quantity (open). */
  Add: 1,
  /**
   * A trade: orderId = maker, otherId = taker (auction: sell order), side = aggressor's, price, quantity, extra = trade id.
   * The maker's open quantity falls by `quantity`; at 0 the order is gone. In an auction, the open quantity of both orders falls; see TRADE_KEEPS_ORDER.
   * The ids, here and in the other events of orders, are the public ones: that of an iceberg changes with each part that it displays.
   */
  Trade: 2,
  /** A resting order's open quantity fell and it kept its priority: quantity = open now. */
  Reduce: 3,
  /** A resting order was cancelled: quantity = the cancelled open quantity. */
  Remove: 4,
  /** The phase of the symbol changed (or is reported at the start): flags = Phase, side = SubPhase, price = reference price, quantity = earliest end of its volatility interruption (µs since the epoch, 0 = none), otherId = last trade id, extra = last price. */
  Phase: 5,
  /** Auction only, after each change: price, quantity = volume, extra = surplus, side = surplus side; price 0 = nothing would trade. */
  Indicative: 6,
  /** Order flow benchmark and embedders: an order was accepted. */
  Accepted: 7,
  /** Order flow benchmark and embedders: a cancel or amend named no resting order; flags = CommandKind. */
  Unknown: 8,
  /** Order flow benchmark and embedders: an amend was done: price, quantity = new ones. */
  Amended: 9,
} as const;
export type MarketEventKind = (typeof MarketEventKind)[keyof typeof MarketEventKind];

/** Bit 0 of `flags` in a Trade: made by an uncross. */
export const TRADE_IN_AUCTION = 1;
/** Bits 1 and 2: the trade was with what `orderId`, or `otherId`, does not display. If what it displays falls, a Reduce or Remove follows. */
export const TRADE_KEEPS_ORDER = 2;
export const TRADE_KEEPS_OTHER = 4;

const SLOT_DOUBLES = MARKET_EVENT_BYTES / 8;
const SLOT_WORDS = MARKET_EVENT_BYTES / 4;
const NO_SLOTS: MarketEventSlots = { u8: new Uint8Array(0), u32: new Uint32Array(0), f64: new Float64Array(0) };

/** The views of a ring's slots for reading market events; RingSlots provides them. */
export interface MarketEventSlots {
  readonly u8: Uint8Array;
  readonly u32: Uint32Array;
  readonly f64: Float64Array;
}

/**
 * Reads the market event in a ring slot, in place. One view is reused for many
 * events, and its values are valid until the slot is released. The meaning of a
 * field depends on the kind, see MarketEventKind. The book mirror does not use
 * this view: it is on the hot path, and reads the fields directly.
 */
export class MarketEventView {
  #slots: MarketEventSlots = NO_SLOTS;
  #slot = 0;

  /** Moves the view to the event in `slot`. */
  wrap(slots: MarketEventSlots, slot: number): this {
    this.#slots = slots;
    this.#slot = slot;
    return this;
  }

  get kind(): number {
    return this.#slots.u8[this.#slot * MARKET_EVENT_BYTES + MarketField.kind];
  }

  get side(): number {
    return this.#slots.u8[this.#slot * MARKET_EVENT_BYTES + MarketField.side];
  }

  get flags(): number {
    return this.#slots.u8[this.#slot * MARKET_EVENT_BYTES + MarketField.flags];
  }

  get symbol(): number {
    return this.#slots.u32[this.#slot * SLOT_WORDS + MarketField.symbol];
  }

  get seq(): number {
    return this.#slots.f64[this.#slot * SLOT_DOUBLES + MarketField.seq];
  }

  get orderId(): number {
    return this.#slots.f64[this.#slot * SLOT_DOUBLES + MarketField.orderId];
  }

  /** Ticks. */
  get price(): number {
    return this.#slots.f64[this.#slot * SLOT_DOUBLES + MarketField.price];
  }

  /** Lots. */
  get quantity(): number {
    return this.#slots.f64[this.#slot * SLOT_DOUBLES + MarketField.quantity];
  }

  get otherId(): number {
    return this.#slots.f64[this.#slot * SLOT_DOUBLES + MarketField.otherId];
  }

  get extra(): number {
    return this.#slots.f64[this.#slot * SLOT_DOUBLES + MarketField.extra];
  }

  /** Microseconds since the Unix epoch: the time of the command that caused the event. */
  get timeUs(): number {
    return this.#slots.f64[this.#slot * SLOT_DOUBLES + MarketField.time];
  }
}
