import { assert } from '../../assert.ts';
import { bboWire } from './bbo.ts';
import { bookWire, TOP_BOOK_WIRES } from './book.ts';
import { bookL3Wire } from './book-l3.ts';
import { CANDLE_WIRES } from './candles.ts';
import type { ChannelWire } from './channel-wire.ts';
import { statusWire } from './status.ts';
import { tickerWire } from './ticker.ts';
import { tradesWire } from './trades.ts';

const LIST = [bookWire, bookL3Wire, bboWire, tradesWire, statusWire, ...CANDLE_WIRES, ...TOP_BOOK_WIRES, tickerWire] as const;
type Listed = (typeof LIST)[number];

export type ChannelName = Listed['name'];
/** The client's type of one update, by channel name. */
export type UpdateOf = { readonly [Wire in Listed as Wire['name']]: ReturnType<Wire['read']> };

/** Every channel, by its Channel value. Frames, JSON and the client loop over this list. */
export const CHANNELS: readonly ChannelWire<UpdateOf[ChannelName]>[] = LIST;
export const CHANNEL_NAMES: readonly ChannelName[] = LIST.map(({ name }) => name);

assert(
  CHANNELS.every(({ id }, index) => id === index),
  'channels: each stands at its Channel value',
);
