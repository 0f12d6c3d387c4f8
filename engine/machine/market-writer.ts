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

/** Writes what happens to the books into the market ring; see market-event.ts. Owned by the engine thread. */
export class MarketWriter {
  quiet: boolean;
  seq = 0;
  timeUs = 0;
  readonly #out: SpillingProducer | undefined;

  constructor(out: SpillingProducer | undefined) {
    this.#out = out;
    this.quiet = out === undefined;
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
    if (this.quiet || out === undefined) return;
    const slot = out.claim();
    const { i32, f64 } = out.slots;
    const at = slot * (MARKET_EVENT_BYTES / 8);
    i32[at * 2] = kind | (side << 8) | (flags << 16);
    i32[at * 2 + SYMBOL] = symbol;
    f64[at + SEQ] = this.seq;
    f64[at + ORDER_ID] = orderId;
    f64[at + PRICE] = price;
    f64[at + QUANTITY] = quantity;
    f64[at + OTHER_ID] = otherId;
    f64[at + EXTRA] = extra;
    f64[at + TIME] = this.timeUs;
  }
}
