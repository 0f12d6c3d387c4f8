import { HIDDEN, ICEBERG, ORDER_DOUBLES_SHIFT, ORDER_WORDS_SHIFT, OrderDouble, type OrderSlab, OrderWord } from '../book/order-slab.ts';
import type { SpillingProducer } from '../rings/spilling-producer.ts';
import { MARKET_EVENT_BYTES, MarketField } from '../wire/market-event.ts';

const {
  orderId: ORDER_ID,
  price: PRICE,
  quantity: QUANTITY,
  otherId: OTHER_ID,
  extra: EXTRA,
  seq: SEQ,
  time: TIME,
  symbol: SYMBOL,
} = MarketField;
// Module constants: V8 folds them, but loads an imported constant each time.
/** The doubles of an event are a power of two, so `|` adds a field to the first one, and cannot overflow. */
const TO_EVENT_DOUBLES = 31 - Math.clz32(MARKET_EVENT_BYTES / 8);
const TO_DOUBLES = ORDER_DOUBLES_SHIFT;
const TO_WORDS = ORDER_WORDS_SHIFT;
const HIDES = ICEBERG | HIDDEN;
const { open: OPEN } = OrderDouble;
const { price: ORDER_PRICE, terms: TERMS } = OrderWord;

/** Writes the events of the books into the market ring; see market-event.ts. Owned by the engine thread. */
export class MarketWriter {
  seq = 0;
  timeUs = 0;
  readonly #ring: SpillingProducer | undefined;
  /** The ring, unless the writer is quiet: one test for both. */
  #out: SpillingProducer | undefined;
  readonly #slab: OrderSlab;
  /** The slots of the ring. */
  readonly #i32: Int32Array;
  readonly #f64: Float64Array;

  constructor(slab: OrderSlab, out: SpillingProducer | undefined) {
    this.#slab = slab;
    this.#ring = out;
    this.#out = out;
    this.#i32 = out?.slots.i32 ?? new Int32Array(0);
    this.#f64 = out?.slots.f64 ?? new Float64Array(0);
  }

  /** Whether events are not written. */
  set quiet(quiet: boolean) {
    this.#out = quiet ? undefined : this.#ring;
  }

  /**
   * Writes an event of the resting order in `slot`, with the quantity that it displays; nothing if it is hidden. The
   * method reads the record instead of calling `write`: V8 boxes a double that is
   * passed to a function that it does not inline.
   */
  order(kind: number, slot: number): void {
    const out = this.#out;
    if (out === undefined) return;
    const slab = this.#slab;
    const { words } = slab;
    const record = slot << TO_WORDS;
    const terms = words[record | TERMS];
    let id = slab.id[slot];
    if ((terms & HIDES) !== 0) {
      id = slab.publicId(slot);
      if (id === 0) return;
    }
    const at = out.claim() << TO_EVENT_DOUBLES;
    const i32 = this.#i32;
    const f64 = this.#f64;
    i32[at << 1] = kind | ((terms >>> 8) & 0x0100);
    i32[(at << 1) | SYMBOL] = terms & 0xffff;
    f64[at | SEQ] = this.seq;
    f64[at | ORDER_ID] = id;
    f64[at | PRICE] = words[record | ORDER_PRICE];
    f64[at | QUANTITY] = slab.doubles[(slot << TO_DOUBLES) | OPEN];
    f64[at | OTHER_ID] = 0;
    f64[at | EXTRA] = 0;
    f64[at | TIME] = this.timeUs;
  }

  write(
    kind: number,
    side: number,
    flags: number,
    symbol: number,
    orderId: number,
    price: number,
    quantity: number,
    otherId: number,
    extra: number,
  ): void {
    const out = this.#out;
    if (out === undefined) return;
    const slot = out.claim();
    const i32 = this.#i32;
    const f64 = this.#f64;
    const at = slot << TO_EVENT_DOUBLES;
    i32[at << 1] = kind | (side << 8) | (flags << 16);
    i32[(at << 1) | SYMBOL] = symbol;
    f64[at | SEQ] = this.seq;
    f64[at | ORDER_ID] = orderId;
    f64[at | PRICE] = price;
    f64[at | QUANTITY] = quantity;
    f64[at | OTHER_ID] = otherId;
    f64[at | EXTRA] = extra;
    f64[at | TIME] = this.timeUs;
  }
}
