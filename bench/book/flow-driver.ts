import { allocateLocal } from '../../engine/allocate.ts';
import { assert, fail } from '../../engine/assert.ts';
import { type BookListener, OrderBook } from '../../engine/book/order-book.ts';
import { OrderSlab } from '../../engine/book/order-slab.ts';
import { LevelPages } from '../../engine/book/price-ladder.ts';
import { type RingHandle, RingProducer } from '../../engine/rings/ring.ts';
import { getI64 } from '../../engine/units.ts';
import { CommandKind } from '../../engine/wire/layout.ts';
import { MARKET_EVENT_BYTES, MarketEventKind, MarketField } from '../../engine/wire/market-event.ts';
import { FLOW_RECORD_WORDS, type Flow, FlowType, FlowWord } from '../../feeds/files/flow-file.ts';

const { Trade, Remove, Accepted, Unknown, Amended } = MarketEventKind;
const { orderId: ORDER_ID, price: PRICE, quantity: QUANTITY, otherId: OTHER_ID, seq: SEQ, symbol: SYMBOL } = MarketField;
const { quantity: IN_QUANTITY, sequence: IN_SEQUENCE, orderId: IN_ORDER_ID, price: IN_PRICE } = FlowWord;
const { New, Cancel } = FlowType;
/** From a slot of the ring to its first double. */
const TO_EVENT_DOUBLES = 3;
assert(1 << TO_EVENT_DOUBLES === MARKET_EVENT_BYTES / 8, 'flow: an event has eight doubles');
const NIL = -1;
/** The one symbol of the flow. */
const FLOW_SYMBOL = 1;
/** Ends a pass: the consumer answers it and waits for the next one. */
export const PASS_END = 255;

const SPINS = 10_000;
const SLEEP_MS = 0.05;
const asleep = new Int32Array(new SharedArrayBuffer(4));

/** Spins first, then yields the core for a moment, because the consumer may be waiting for it. */
function backOff(tries: number): void {
  if (tries > SPINS) Atomics.wait(asleep, 0, 0, SLEEP_MS);
}

/** Runs order flow through a production book and writes its events to a ring. */
export class FlowDriver implements BookListener {
  declare readonly slab: OrderSlab;
  declare readonly book: OrderBook;
  private declare readonly out: RingProducer;
  /** The slots of the ring. */
  private declare readonly i32: Int32Array;
  private declare readonly f64: Float64Array;
  private readonly messagesPerPublish: number = 0;
  private seq = 0;
  private takerId = 0;
  private takerSide = 0;

  /** @param orders capacity of the book */
  constructor(ring: RingHandle, orders: number, maxPrice: number, messagesPerPublish = 64) {
    this.slab = new OrderSlab(orders);
    const pages = new LevelPages(2 * Math.ceil((maxPrice + 1) / 64));
    this.book = new OrderBook(FLOW_SYMBOL, this.slab, pages, maxPrice, this, allocateLocal);
    this.out = new RingProducer(ring);
    this.i32 = this.out.slots.i32;
    this.f64 = this.out.slots.f64;
    this.messagesPerPublish = messagesPerPublish;
  }

  /** Runs every message and publishes the last event to the consumer. */
  run(flow: Flow): void {
    const { count, words } = flow;
    const step = this.messagesPerPublish;
    for (let first = 0; first < count; first += step) {
      const end = Math.min(first + step, count);
      for (let message = first; message < end; message++) this.apply(words, message * FLOW_RECORD_WORDS);
      this.out.publish();
    }
  }

  /** Publishes the end of the pass to the consumer. */
  end(): void {
    this.emit(PASS_END, 0, 0, 0, 0, 0);
    this.out.publish();
  }

  /** Waits until the consumer has released every event. */
  drain(): void {
    for (let tries = 0; this.out.depth() !== 0; tries++) backOff(tries);
  }

  /** Removes every resting order without publishing events. */
  clear(): void {
    const { slab, book } = this;
    for (let slot = 0; slot < slab.capacity; slot++) {
      if (slab.level(slot) === NIL) continue;
      book.remove(slot);
      slab.release(slot);
    }
    assert(slab.count === 0, 'flow: an order outside the book');
  }

  private apply(words: Int32Array, at: number): void {
    const type = words[at] & 0xff;
    this.seq = getI64(words, at + IN_SEQUENCE);
    if (type === New) this.enter(words, at);
    else if (type === Cancel) this.cancel(words, at);
    else this.modify(words, at);
  }

  private enter(words: Int32Array, at: number): void {
    const { slab, book } = this;
    const head = words[at];
    const side = (head >> 8) & 1;
    const price = words[at + IN_PRICE];
    const quantity = words[at + IN_QUANTITY] >>> 0;
    const orderId = getI64(words, at + IN_ORDER_ID);
    this.emit(Accepted, side, orderId, price, quantity, 0);
    let left = quantity;
    if (book.crosses(side, price)) {
      left = this.trade(orderId, side, price, quantity);
      if (left === 0) return;
    }
    if ((head & 0x10000) !== 0) {
      this.emit(Remove, side, orderId, price, left, 0);
      return;
    }
    const slot = slab.acquire(orderId);
    if (slot === NIL) fail('flow: the book is full');
    slab.setTerms(slot, 0, FLOW_SYMBOL, side, 0);
    slab.setPrice(slot, price);
    slab.setOpen(slot, left);
    if (!book.rest(slot)) fail('flow: the levels are full');
  }

  private cancel(words: Int32Array, at: number): void {
    const { slab } = this;
    const orderId = getI64(words, at + IN_ORDER_ID);
    const slot = slab.find(orderId);
    if (slot === NIL) {
      this.unknown(CommandKind.Cancel, orderId);
      return;
    }
    this.emit(Remove, slab.side(slot), orderId, slab.price(slot), slab.open(slot), 0);
    this.book.remove(slot);
    slab.release(slot);
  }

  private modify(words: Int32Array, at: number): void {
    const { slab, book } = this;
    const price = words[at + IN_PRICE];
    const quantity = words[at + IN_QUANTITY] >>> 0;
    const orderId = getI64(words, at + IN_ORDER_ID);
    const slot = slab.find(orderId);
    if (slot === NIL) {
      this.unknown(CommandKind.Amend, orderId);
      return;
    }
    const side = slab.side(slot);
    this.emit(Amended, side, orderId, price, quantity, 0);
    book.remove(slot);
    let left = quantity;
    if (book.crosses(side, price)) {
      left = this.trade(orderId, side, price, quantity);
      if (left === 0) {
        slab.release(slot);
        return;
      }
    }
    slab.setPrice(slot, price);
    slab.setOpen(slot, left);
    if (!book.rest(slot)) fail('flow: the levels are full');
  }

  /** Returns the remainder of `quantity`. */
  private trade(orderId: number, side: number, price: number, quantity: number): number {
    this.takerId = orderId;
    this.takerSide = side;
    return this.book.match(side, price, quantity);
  }

  private unknown(command: number, orderId: number): void {
    this.emit(Unknown | (command << 16), 0, orderId, 0, 0, 0);
  }

  onTrade(_book: OrderBook, maker: number, price: number, quantity: number): void {
    this.emit(Trade, this.takerSide, this.slab.id[maker], price, quantity, this.takerId);
  }

  onMakerGone(_book: OrderBook, maker: number): void {
    this.slab.release(maker);
  }

  onAuctionTrade(): void {
    fail('flow: the file contains no auction');
  }

  /** @param head MarketEventKind, and flags from bit 16 up */
  private emit(head: number, side: number, orderId: number, price: number, quantity: number, otherId: number): void {
    let slot = this.out.tryClaim();
    if (slot === NIL) slot = this.wait();
    const { i32, f64 } = this;
    const at = slot << TO_EVENT_DOUBLES;
    i32[at << 1] = head | (side << 8);
    i32[(at << 1) | SYMBOL] = FLOW_SYMBOL;
    f64[at | SEQ] = this.seq;
    f64[at | ORDER_ID] = orderId;
    f64[at | PRICE] = price;
    f64[at | QUANTITY] = quantity;
    f64[at | OTHER_ID] = otherId;
  }

  /** Called when the ring is full: publishes all events and waits until the consumer has made room. */
  private wait(): number {
    this.out.publish();
    for (let tries = 0; ; tries++) {
      const slot = this.out.tryClaim();
      if (slot !== NIL) return slot;
      backOff(tries);
    }
  }
}
