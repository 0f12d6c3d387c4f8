import { allocateRing, RingConsumer } from '../../engine/rings/ring.ts';
import { MARKET_EVENT_BYTES, MarketEventKind } from '../../engine/wire/market-event.ts';
import { FLOW_RECORD_WORDS, type Flow, FlowType, FlowWord } from '../../feeds/files/flow-file.ts';
import { FlowDriver } from './flow-driver.ts';
import { MAX_PRICE, type Work } from './work.ts';

const EVENT_WORDS = MARKET_EVENT_BYTES / 4;
const CAPACITY = 2 ** 14;
const TYPES = { new: FlowType.New, cancel: FlowType.Cancel, move: FlowType.Modify } as const;

/** The production book behind {@link FlowDriver}: 40-byte records in, a 64-byte event for each answer and fill out, into the production ring. */
export class OurBook {
  readonly #driver: FlowDriver;
  readonly #events: RingConsumer;

  constructor() {
    const ring = allocateRing({ slotBytes: MARKET_EVENT_BYTES, capacity: CAPACITY, consumers: 1 });
    this.#driver = new FlowDriver(ring, CAPACITY, MAX_PRICE);
    this.#events = new RingConsumer(ring);
  }

  /** Not measured. */
  prepare({ kind, orders }: Work): Flow {
    const words = new Int32Array(orders.length * FLOW_RECORD_WORDS);
    orders.forEach(({ id, side, price, quantity }, index) => {
      const at = index * FLOW_RECORD_WORDS;
      words[at] = TYPES[kind] | (side << 8);
      words[at + FlowWord.quantity] = quantity;
      words[at + FlowWord.sequence] = index + 1;
      words[at + FlowWord.orderId] = id;
      words[at + FlowWord.price] = price;
    });
    return { count: orders.length, words, maxPrice: MAX_PRICE, newOrders: orders.length };
  }

  /** At most 500 records between two calls of `takeFills`, because the ring must hold their events. */
  run(flow: Flow): void {
    this.#driver.run(flow);
  }

  /** Empties the ring; returns the fills since the last call. Not measured. */
  takeFills(): number {
    const { i32 } = this.#events.slots;
    let fills = 0;
    for (let slot = this.#events.next(); slot !== -1; slot = this.#events.next())
      if ((i32[slot * EVENT_WORDS] & 0xff) === MarketEventKind.Trade) fills++;
    this.#events.release();
    return fills;
  }

  /** `side price lots` of every level. */
  levels(): string[] {
    const { book } = this.#driver;
    const all: string[] = [];
    for (const side of [0, 1])
      for (let price = 1; price <= MAX_PRICE; price++) {
        const lots = book.levelQuantity(side, price);
        if (lots > 0) all.push(`${side} ${price} ${lots}`);
      }
    return all;
  }
}
