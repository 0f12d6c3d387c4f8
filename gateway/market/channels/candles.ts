import { CANDLE_WIRES } from '../../../engine/wire/channels/candles.ts';
import { MarketEventKind } from '../../../engine/wire/market-event.ts';
import type { StructList } from '../../../engine/wire/market-frames.ts';
import { CandleField, type Candles } from '../../../feeds/analysis/candles.ts';
import { putCandle } from '../../candle-record.ts';
import { always, type ChannelDescriptor, type ChannelState, Conflation, MAX_PENDING, neverDeep, nothing, shallow } from './channel.ts';

/** In the channel's state: 1 when the forming candle has changed since the last flush. */
const CHANGED = 0;

/**
 * The candles of one interval. A closed candle is an update of its own, sent once; the forming one is sent in its state at a
 * flush. A snapshot has the last closed candle and the forming one, as far as there are any.
 */
function candlesOf(wire: (typeof CANDLE_WIRES)[number], interval: number): ChannelDescriptor {
  const bit = 1 << interval;
  const close = (channel: ChannelState): void => {
    if (!channel.wanted || (channel.candles.justClosed & bit) === 0) return;
    channel.number++;
    channel.state[CHANGED] = 0;
    const at = channel.append();
    if (at !== -1) putCandle(channel.pending.words, at, channel.candles.state, channel.candles.closedAt(interval), interval, true);
  };
  return {
    wire,
    conflation: Conflation.Partial,
    maxPending: MAX_PENDING,
    stateDoubles: 1,
    events: [MarketEventKind.Trade],
    onEvent: (channel) => {
      close(channel);
      channel.state[CHANGED] = 1;
    },
    onTime: close,
    followsOrders: false,
    onOrder: nothing,
    onWanted: nothing,
    onFlush: (channel) => {
      if (channel.state[CHANGED] === 0) return;
      channel.state[CHANGED] = 0;
      if (channel.wanted && add(channel.candles, channel.candles.formingAt(interval), interval, false, channel.pending)) channel.number++;
    },
    ready: always,
    depth: shallow,
    deepSnapshot: neverDeep,
    snapshot: ({ candles }, list) => {
      add(candles, candles.closedAt(interval), interval, true, list);
      add(candles, candles.formingAt(interval), interval, false, list);
    },
  };
}

/** Adds the candle at an index of the state. @returns false: there is none */
function add({ state }: Candles, from: number, interval: number, isClosed: boolean, list: StructList): boolean {
  if (state[from + CandleField.trades] === 0) return false;
  const at = list.add();
  putCandle(list.words, at, state, from, interval, isClosed);
  return true;
}

/** A channel for each interval. */
export const candles: readonly ChannelDescriptor[] = CANDLE_WIRES.map(candlesOf);
