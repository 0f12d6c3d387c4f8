import { putI64 } from '../../../engine/units.ts';
import { bookL3Wire } from '../../../engine/wire/channels/book-l3.ts';
import { OrderAction, OrderUpdate, Side } from '../../../engine/wire/layout.ts';
import type { BookMirror } from '../book-mirror.ts';
import { DeepOrders } from '../deep-orders.ts';
import { always, type ChannelDescriptor, Conflation, MAX_PENDING, nothing } from './channel.ts';

/** Every resting order. Each change is an update. */
export const bookL3: ChannelDescriptor = {
  wire: bookL3Wire,
  conflation: Conflation.None,
  maxPending: MAX_PENDING,
  stateDoubles: 0,
  events: [],
  onEvent: nothing,
  onTime: nothing,
  followsOrders: true,
  onOrder: (channel, action, order) => {
    const at = channel.append();
    if (at !== -1) put(channel.mirror, channel.pending.words, at, action, order);
  },
  onWanted: nothing,
  onFlush: nothing,
  ready: always,
  depth: ({ mirror }) => mirror.count,
  deepSnapshot: ({ mirror }) => new DeepOrders(mirror),
  snapshot: ({ mirror }, list) => {
    const visit = (order: number) => {
      const at = list.add();
      put(mirror, list.words, at, OrderAction.Add, order);
    };
    mirror.ordersInPriority(Side.Buy, visit);
    mirror.ordersInPriority(Side.Sell, visit);
  },
};

function put({ orders, seq }: BookMirror, words: Int32Array, at: number, action: OrderAction, order: number): void {
  words[at] = action | (orders.side[order] << 8);
  putI64(words, at + OrderUpdate.orderId / 4, orders.id[order]);
  putI64(words, at + OrderUpdate.price / 4, orders.price[order]);
  putI64(words, at + OrderUpdate.quantity / 4, orders.open[order]);
  putI64(words, at + OrderUpdate.seq / 4, seq);
}
