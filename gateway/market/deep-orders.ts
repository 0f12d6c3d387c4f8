import { getI64, putI64 } from '../../engine/units.ts';
import { OrderAction, OrderUpdate, Side } from '../../engine/wire/layout.ts';
import { StructList } from '../../engine/wire/market-frames.ts';
import type { BookMirror } from './book-mirror.ts';
import type { DeepSnapshot } from './deep-snapshot.ts';

/** Orders that one step reads or writes: some 0.05 ms. */
const STEP = 256;
/** Orders that may change while the book is read. */
const MAX_CHANGED = 65_536;
const WORDS = OrderUpdate.bytes / 4;

/** What the updates since the start of the reading say about an order. */
interface Change {
  /** Entered since, so it stands last in its level; what the reading found of it does not count. */
  entered: boolean;
  removed: boolean;
  side: number;
  /** Ticks. */
  price: number;
  /** Lots still open. */
  quantity: number;
}

/**
 * Every resting order of a book, read in steps while the book changes. What was read is corrected by
 * the updates since: removed orders are left out, changed ones get their quantity, entered ones follow at the end, in
 * their order. So the result is the book as of `settle`, in priority per level. One at a time per book.
 */
export class DeepOrders implements DeepSnapshot {
  readonly #mirror: BookMirror;
  readonly #read: StructList;
  /** By order id; entered orders in their order. */
  readonly #changes = new Map<number, Change>();
  #seq = 0;

  constructor(mirror: BookMirror) {
    this.#mirror = mirror;
    this.#read = new StructList(OrderUpdate.bytes, mirror.count + STEP);
  }

  *read(): Generator<undefined, void> {
    const mirror = this.#mirror;
    const { levels, orders } = mirror;
    for (const side of [Side.Buy, Side.Sell]) {
      const copy = levels.copy(side);
      let steps = 0;
      for (const at of yield* copy.order()) {
        const level = copy.slots[at];
        // Its slot may belong to another price by now; then its orders were entered since.
        if (levels.orders[level] === 0 || levels.price[level] !== copy.price(at) || levels.side[level] !== side) continue;
        mirror.walkAt = levels.head[level];
        while (mirror.walkAt !== -1) {
          const order = mirror.walkAt;
          mirror.walkAt = orders.next[order];
          write(this.#read, side, orders.id[order], orders.price[order], orders.open[order]);
          if (++steps % STEP === 0) yield;
        }
      }
    }
  }

  follow({ words, count }: StructList): boolean {
    for (let i = 0; i < count; i++) this.#note(words, i * WORDS);
    return this.#changes.size <= MAX_CHANGED;
  }

  settle(): number {
    this.#seq = this.#mirror.seq;
    return this.#read.count + this.#changes.size;
  }

  *fill(list: StructList): Generator<undefined, void> {
    const { words, count } = this.#read;
    for (let i = 0; i < count; i++) {
      const at = i * WORDS;
      const id = getI64(words, at + OrderUpdate.orderId / 4);
      const change = this.#changes.get(id);
      if (change === undefined || (!change.entered && !change.removed)) {
        const quantity = change?.quantity ?? getI64(words, at + OrderUpdate.quantity / 4);
        write(list, (words[at] >> 8) & 255, id, getI64(words, at + OrderUpdate.price / 4), quantity, this.#seq);
      }
      if (i % STEP === 0) yield;
    }
    let steps = 0;
    for (const [id, { entered, side, price, quantity }] of this.#changes) {
      if (entered) write(list, side, id, price, quantity, this.#seq);
      if (++steps % STEP === 0) yield;
    }
  }

  end(): void {
    this.#mirror.walkAt = -1;
  }

  #note(words: Int32Array, at: number): void {
    const action = words[at] & 255;
    const id = getI64(words, at + OrderUpdate.orderId / 4);
    const quantity = getI64(words, at + OrderUpdate.quantity / 4);
    const known = this.#changes.get(id);
    if (action === OrderAction.Change && known !== undefined) {
      known.quantity = quantity;
      return;
    }
    // An order that is entered again stands last.
    if (known !== undefined) this.#changes.delete(id);
    const price = getI64(words, at + OrderUpdate.price / 4);
    const entered = action === OrderAction.Add;
    this.#changes.set(id, { entered, removed: action === OrderAction.Remove, side: (words[at] >> 8) & 255, price, quantity });
  }
}

function write(list: StructList, side: number, id: number, price: number, quantity: number, seq = 0): void {
  const at = list.add();
  const { words } = list;
  words[at] = OrderAction.Add | (side << 8);
  putI64(words, at + OrderUpdate.orderId / 4, id);
  putI64(words, at + OrderUpdate.price / 4, price);
  putI64(words, at + OrderUpdate.quantity / 4, quantity);
  putI64(words, at + OrderUpdate.seq / 4, seq);
}
