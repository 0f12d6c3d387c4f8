import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '../../engine/assert.ts';
import { RingConsumer, type RingHandle, type RingSlots } from '../../engine/rings/ring.ts';
import { MARKET_EVENT_BYTES, MarketField } from '../../engine/wire/market-event.ts';
import { PASS_END } from './flow-driver.ts';

/** Worker thread: takes the events of a pass from the ring, folds or keeps every one, answers when the pass ends. */
export interface PassRequest {
  /** Keep the events' bytes and send them back. */
  readonly keep: boolean;
}

export interface PassResult {
  readonly events: number;
  /** Fold of all fields of all events, in order. */
  readonly checksum: number;
  /** 64 bytes per event, if they were kept. */
  readonly kept: Uint8Array<ArrayBuffer>;
}

const { orderId: ORDER_ID, price: PRICE, quantity: QUANTITY, otherId: OTHER_ID, seq: SEQ, symbol: SYMBOL } = MarketField;
const EVENT_DOUBLES = MARKET_EVENT_BYTES / 8;
/** Events between two releases, so that the producer gets room during a batch. */
const BATCH = 256;
/** Empty polls before the thread gives its core back. */
const SPINS = 20_000;
const PARK_MS = 100;

class FlowConsumer {
  readonly #ring: RingConsumer;
  events = 0;
  checksum = 0;
  #kept = new Uint8Array(0);

  constructor(ring: RingHandle) {
    this.#ring = new RingConsumer(ring);
  }

  /** Consumes until PASS_END. */
  pass(keep: boolean): PassResult {
    this.events = 0;
    this.checksum = 0;
    let idle = 0;
    for (;;) {
      const events = this.events;
      const more = this.#batch(keep);
      this.#ring.release();
      if (!more) break;
      idle = this.events === events ? idle + 1 : 0;
      if (idle > SPINS) this.#ring.park(PARK_MS);
    }
    const kept = this.#kept.slice(0, keep ? this.events * MARKET_EVENT_BYTES : 0);
    return { events: this.events, checksum: this.checksum, kept };
  }

  /** Takes the available events, at most BATCH; false after PASS_END. */
  #batch(keep: boolean): boolean {
    const ring = this.#ring;
    const slots = ring.slots;
    for (let taken = 0; taken < BATCH; taken++) {
      const slot = ring.next();
      if (slot === -1) return true;
      if ((slots.i32[slot * EVENT_DOUBLES * 2] & 0xff) === PASS_END) return false;
      if (keep) this.#keep(slots, slot);
      this.checksum = fold(this.checksum, slots, slot * EVENT_DOUBLES);
      this.events++;
    }
    return true;
  }

  #keep(slots: RingSlots, slot: number): void {
    const at = this.events * MARKET_EVENT_BYTES;
    if (at === this.#kept.length) {
      const larger = new Uint8Array(Math.max(2 ** 20, at * 2));
      larger.set(this.#kept);
      this.#kept = larger;
    }
    this.#kept.set(slots.u8.subarray(slot * MARKET_EVENT_BYTES, (slot + 1) * MARKET_EVENT_BYTES), at);
  }
}

function fold(sum: number, { i32, f64 }: RingSlots, at: number): number {
  const head = (i32[at * 2] ^ (i32[at * 2 + SYMBOL] << 24)) | 0;
  const order = ((f64[at + ORDER_ID] | 0) + Math.imul(f64[at + OTHER_ID] | 0, 31)) | 0;
  const terms = ((f64[at + PRICE] | 0) + Math.imul(f64[at + QUANTITY] | 0, 31)) | 0;
  return (Math.imul(sum, 31) + Math.imul(head, 7) + Math.imul(order, 5) + Math.imul(terms, 3) + (f64[at + SEQ] | 0)) | 0;
}

if (parentPort !== null) {
  const port = parentPort;
  assert(workerData !== null, 'flow consumer: started with a ring');
  const consumer = new FlowConsumer(workerData as RingHandle);
  port.on('message', ({ keep }: PassRequest) => {
    const result = consumer.pass(keep);
    port.postMessage(result, [result.kept.buffer]);
  });
}
