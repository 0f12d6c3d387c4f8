import { putI64 } from '../../../engine/units.ts';
import { bboWire } from '../../../engine/wire/channels/bbo.ts';
import { Bbo, Side } from '../../../engine/wire/layout.ts';
import type { StructList } from '../../../engine/wire/market-frames.ts';
import type { BookMirror } from '../book-mirror.ts';
import { always, type ChannelDescriptor, type ChannelState, Conflation, MAX_PENDING, neverDeep, nothing, shallow } from './channel.ts';

/** Price, quantity and orders of each side, in the channel's state: current values, followed by the last published values. */
const SIDE_DOUBLES = 3;
const BEST_DOUBLES = 2 * SIDE_DOUBLES;

/** Best bid and offer, sent when a flush finds that they differ from what was published. */
export const bbo: ChannelDescriptor = {
  wire: bboWire,
  conflation: Conflation.LastState,
  maxPending: MAX_PENDING,
  stateDoubles: 2 * BEST_DOUBLES,
  events: [],
  onEvent: nothing,
  onTime: nothing,
  followsOrders: false,
  onOrder: nothing,
  onWanted: nothing,
  onFlush: (channel) => {
    if (!channel.wanted || !changed(channel)) return;
    channel.number++;
    put(channel, channel.pending);
  },
  ready: always,
  depth: shallow,
  deepSnapshot: neverDeep,
  snapshot: (channel, list) => {
    // Marks the values as published: the state may return to the values published before this snapshot.
    changed(channel);
    put(channel, list);
  },
};

/** Whether best bid or offer differ from the last call. */
function changed({ mirror, state }: ChannelState): boolean {
  read(mirror, Side.Buy, state, 0);
  read(mirror, Side.Sell, state, SIDE_DOUBLES);
  let differs = false;
  for (let i = 0; i < BEST_DOUBLES; i++) {
    if (state[BEST_DOUBLES + i] !== state[i]) differs = true;
    state[BEST_DOUBLES + i] = state[i];
  }
  return differs;
}

function read({ levels }: BookMirror, side: Side, to: Float64Array, at: number): void {
  const level = levels.best(side);
  to[at] = level === -1 ? 0 : levels.price[level];
  to[at + 1] = level === -1 ? 0 : levels.quantity[level];
  to[at + 2] = level === -1 ? 0 : levels.orders[level];
}

/** Writes the values that `changed` read last. */
function put({ mirror, state }: ChannelState, list: StructList): void {
  const at = list.add();
  const { words } = list;
  putI64(words, at + Bbo.bidPrice / 4, state[0]);
  putI64(words, at + Bbo.bidQuantity / 4, state[1]);
  words[at + Bbo.bidOrders / 4] = state[2];
  putI64(words, at + Bbo.askPrice / 4, state[3]);
  putI64(words, at + Bbo.askQuantity / 4, state[4]);
  words[at + Bbo.askOrders / 4] = state[5];
  putI64(words, at + Bbo.seq / 4, mirror.seq);
  putI64(words, at + Bbo.timeUs / 4, mirror.timeUs);
}
