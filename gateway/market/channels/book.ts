import { putI64 } from '../../../engine/units.ts';
import { bookWire } from '../../../engine/wire/channels/book.ts';
import { LevelUpdate, Side } from '../../../engine/wire/layout.ts';
import type { StructList } from '../../../engine/wire/market-frames.ts';
import type { BookMirror } from '../book-mirror.ts';
import type { DeepSnapshot } from '../deep-snapshot.ts';
import type { LevelsCopy } from '../levels-copy.ts';
import { always, type ChannelDescriptor, Conflation, MAX_PENDING, nothing } from './channel.ts';

/** Price levels. The mirror marks changed levels; a flush sends the current state of each. */
export const book: ChannelDescriptor = {
  wire: bookWire,
  conflation: Conflation.LastState,
  maxPending: MAX_PENDING,
  stateDoubles: 0,
  events: [],
  onEvent: nothing,
  onTime: nothing,
  followsOrders: false,
  onOrder: nothing,
  onWanted: (channel) => {
    channel.mirror.levels.trackTouched = channel.wanted;
  },
  onFlush: (channel) => {
    const { mirror, pending } = channel;
    const { levels } = mirror;
    for (let i = 0; i < levels.touchedCount; i++) put(mirror, pending, levels.touched[i]);
    channel.number += levels.touchedCount;
    levels.clearTouched();
  },
  ready: always,
  depth: ({ mirror }) => mirror.levels.live[0] + mirror.levels.live[1],
  deepSnapshot: ({ mirror }) => new DeepBook(mirror),
  snapshot: ({ mirror }, list) => {
    for (const side of [Side.Buy, Side.Sell]) for (const level of mirror.levels.sorted(side)) put(mirror, list, level);
  },
};

function put({ levels, seq }: BookMirror, list: StructList, level: number): void {
  write(list, levels.side[level], levels.orders[level], levels.price[level], levels.quantity[level], seq);
}

function write(list: StructList, side: number, orders: number, price: number, quantity: number, seq: number): void {
  const at = list.add();
  const { words } = list;
  words[at] = side;
  words[at + LevelUpdate.orders / 4] = orders;
  putI64(words, at + LevelUpdate.price / 4, price);
  putI64(words, at + LevelUpdate.quantity / 4, quantity);
  putI64(words, at + LevelUpdate.seq / 4, seq);
}

/** The levels are copied at once, at the moment that the snapshot shows, and sorted and written in steps. */
class DeepBook implements DeepSnapshot {
  readonly #mirror: BookMirror;
  #seq = 0;
  #sides: readonly LevelsCopy[] = [];

  constructor(mirror: BookMirror) {
    this.#mirror = mirror;
  }

  *read(): Generator<undefined, void> {
    // Settling reads it.
  }

  follow(): boolean {
    return true;
  }

  settle(): number {
    const { levels, seq } = this.#mirror;
    this.#seq = seq;
    this.#sides = [levels.copy(Side.Buy), levels.copy(Side.Sell)];
    return this.#sides[0].slots.length + this.#sides[1].slots.length;
  }

  *fill(list: StructList): Generator<undefined, void> {
    for (const side of [Side.Buy, Side.Sell]) {
      const copy = this.#sides[side];
      let written = 0;
      for (const at of yield* copy.order()) {
        const { price, quantity, orders } = copy.level(at);
        write(list, side, orders, price, quantity, this.#seq);
        if (++written % 512 === 0) yield;
      }
    }
  }

  end(): void {
    // Nothing is held.
  }
}
