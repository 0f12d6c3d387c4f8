import { putI64 } from '../../../engine/units.ts';
import { bookWire } from '../../../engine/wire/channels/book.ts';
import { LevelUpdate, Side } from '../../../engine/wire/layout.ts';
import type { StructList } from '../../../engine/wire/market-frames.ts';
import type { BookMirror } from '../book-mirror.ts';
import { type ChannelDescriptor, Conflation, MAX_PENDING, nothing } from './channel.ts';

/** Price levels. The mirror marks changed levels; a flush sends the current state of each. */
export const book: ChannelDescriptor = {
  wire: bookWire,
  conflation: Conflation.LastState,
  maxPending: MAX_PENDING,
  stateDoubles: 0,
  events: [],
  onEvent: nothing,
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
  snapshot: ({ mirror }, list) => {
    for (const side of [Side.Buy, Side.Sell]) for (const level of mirror.levels.sorted(side)) put(mirror, list, level);
  },
};

function put({ levels, seq }: BookMirror, list: StructList, level: number): void {
  const at = list.add();
  const { words } = list;
  words[at] = levels.side[level];
  words[at + LevelUpdate.orders / 4] = levels.orders[level];
  putI64(words, at + LevelUpdate.price / 4, levels.price[level]);
  putI64(words, at + LevelUpdate.quantity / 4, levels.quantity[level]);
  putI64(words, at + LevelUpdate.seq / 4, seq);
}
