import { putI64 } from '../../../engine/units.ts';
import { TOP_BOOK_WIRES } from '../../../engine/wire/channels/book.ts';
import { LevelUpdate, Side } from '../../../engine/wire/layout.ts';
import type { StructList } from '../../../engine/wire/market-frames.ts';
import { always, type ChannelDescriptor, type ChannelState, Conflation, MAX_PENDING, neverDeep, nothing, shallow } from './channel.ts';

// The channel's state, for each side: the number of levels, then price, quantity and orders of each, best first; as published, and
// behind both sides one further side, which is read.
const LEVEL = 3;
/** Slots of levels, while one side is read. */
const slots = new Int32Array(Math.max(...TOP_BOOK_WIRES.map(({ depth }) => depth)));

/**
 * The best levels of each side. A flush compares them with what was published: levels that have come into view and levels that
 * have changed are sent in their state, those that are no longer in view with quantity 0.
 */
function topBookOf(wire: (typeof TOP_BOOK_WIRES)[number]): ChannelDescriptor {
  const { depth } = wire;
  const side = 1 + depth * LEVEL;
  return {
    wire,
    conflation: Conflation.LastState,
    maxPending: MAX_PENDING,
    stateDoubles: 3 * side,
    events: [],
    onEvent: nothing,
    onTime: nothing,
    followsOrders: false,
    onOrder: nothing,
    onWanted: nothing,
    onFlush: (channel) => {
      if (!channel.wanted) return;
      for (let s = 0; s < 2; s++) {
        read(channel, s, depth, 2 * side);
        channel.number += compare(channel, s, s * side, 2 * side);
        publish(channel, s * side, 2 * side, side);
      }
    },
    ready: always,
    depth: shallow,
    deepSnapshot: neverDeep,
    snapshot: (channel, list) => {
      const { state, mirror } = channel;
      for (const s of [Side.Buy, Side.Sell]) {
        read(channel, s, depth, 2 * side);
        // The next update is a difference from this snapshot.
        publish(channel, s * side, 2 * side, side);
        for (let i = 0, at = s * side + 1; i < state[s * side]; i++, at += LEVEL) put(list, s, state, at, state[at + 1], mirror.seq);
      }
    },
  };
}

/** Reads the best levels of a side into the state at `at`. */
function read({ mirror: { levels }, state }: ChannelState, side: number, depth: number, at: number): void {
  const count = levels.top(side, depth, slots);
  state[at] = count;
  for (let i = 0, to = at + 1; i < count; i++, to += LEVEL) {
    const slot = slots[i];
    state[to] = levels.price[slot];
    state[to + 1] = levels.quantity[slot];
    state[to + 2] = levels.orders[slot];
  }
}

/**
 * Adds the differences between the levels that are published, at `old`, and those at `now`.
 * @returns their number
 */
function compare({ state, pending, mirror }: ChannelState, side: number, old: number, now: number): number {
  const worse = side === Side.Buy ? -1 : 1;
  const oldEnd = old + 1 + state[old] * LEVEL;
  const nowEnd = now + 1 + state[now] * LEVEL;
  let updates = 0;
  let a = old + 1;
  let b = now + 1;
  while (a < oldEnd || b < nowEnd) {
    const order = a === oldEnd ? 1 : b === nowEnd ? -1 : (state[a] - state[b]) * worse;
    if (order < 0) {
      put(pending, side, state, a, 0, mirror.seq);
      updates++;
    } else if (order > 0 || state[a + 1] !== state[b + 1] || state[a + 2] !== state[b + 2]) {
      put(pending, side, state, b, state[b + 1], mirror.seq);
      updates++;
    }
    if (order <= 0) a += LEVEL;
    if (order >= 0) b += LEVEL;
  }
  return updates;
}

function publish({ state }: ChannelState, to: number, from: number, doubles: number): void {
  state.copyWithin(to, from, from + doubles);
}

/** Adds the level at `at` of the state. @param quantity 0: it is removed */
function put(list: StructList, side: number, state: Float64Array, at: number, quantity: number, seq: number): void {
  const to = list.add();
  const { words } = list;
  words[to] = side;
  words[to + LevelUpdate.orders / 4] = quantity === 0 ? 0 : state[at + 2];
  putI64(words, to + LevelUpdate.price / 4, state[at]);
  putI64(words, to + LevelUpdate.quantity / 4, quantity);
  putI64(words, to + LevelUpdate.seq / 4, seq);
}

/** A channel for each depth. */
export const topBooks: readonly ChannelDescriptor[] = TOP_BOOK_WIRES.map(topBookOf);
