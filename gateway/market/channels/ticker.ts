import { tickerWire } from '../../../engine/wire/channels/ticker.ts';
import type { StructList } from '../../../engine/wire/market-frames.ts';
import { putTicker, readTicker, TICKER_VALUES, TickerValue } from '../ticker.ts';
import { type ChannelDescriptor, type ChannelState, Conflation, MAX_PENDING, neverDeep, nothing, shallow } from './channel.ts';

/** In the channel's state: 1 when an update may be sent, followed by the values that were published last. */
export const TICKER_DUE = 0;
const PUBLISHED = 1;
const values = new Float64Array(TICKER_VALUES);

/** What traded in 24 hours, with best bid and offer: at most about once a second, in its state then. */
export const ticker: ChannelDescriptor = {
  wire: tickerWire,
  conflation: Conflation.LastState,
  maxPending: MAX_PENDING,
  stateDoubles: PUBLISHED + TICKER_VALUES,
  events: [],
  onEvent: nothing,
  onTime: nothing,
  followsOrders: false,
  onOrder: nothing,
  onWanted: nothing,
  onFlush: (channel) => {
    if (channel.state[TICKER_DUE] === 0) return;
    channel.state[TICKER_DUE] = 0;
    if (!channel.wanted || !channel.past.ready || !changed(channel)) return;
    channel.number++;
    put(channel.pending);
  },
  ready: ({ past }) => past.ready,
  depth: shallow,
  deepSnapshot: neverDeep,
  snapshot: (channel, list) => {
    changed(channel);
    put(list);
  },
};

/** Reads the values. @returns whether they differ from those that were published last; the time and the seq alone do not count */
function changed({ mirror, candles, past, state }: ChannelState): boolean {
  readTicker(mirror, candles, past, values);
  let differs = false;
  for (let i = 0; i < TICKER_VALUES; i++) {
    if (state[PUBLISHED + i] !== values[i] && i !== TickerValue.timeUs && i !== TickerValue.seq) differs = true;
    state[PUBLISHED + i] = values[i];
  }
  return differs;
}

/** Writes the values that `changed` read last. */
function put(list: StructList): void {
  const at = list.add();
  putTicker(list.words, at, values);
}
