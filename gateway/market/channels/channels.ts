import { assert } from '../../../engine/assert.ts';
import { CHANNELS } from '../../../engine/wire/channels/channels.ts';
import { MarketEventKind } from '../../../engine/wire/market-event.ts';
import { bbo } from './bbo.ts';
import { book } from './book.ts';
import { bookL3 } from './book-l3.ts';
import { candles } from './candles.ts';
import type { ChannelDescriptor } from './channel.ts';
import { status } from './status.ts';
import { ticker } from './ticker.ts';
import { topBooks } from './top-book.ts';
import { trades } from './trades.ts';

/** Every channel, by its Channel value; the wire halves are in engine/wire/channels/. */
export const DESCRIPTORS: readonly ChannelDescriptor[] = [book, bookL3, bbo, trades, status, ...candles, ...topBooks, ticker];
assert(
  DESCRIPTORS.length === CHANNELS.length && DESCRIPTORS.every(({ wire }, index) => wire === CHANNELS[index]),
  'market channels: a descriptor for each channel of the wire, in the same order',
);

const KINDS = Math.max(...Object.values(MarketEventKind)) + 1;
const reactionsTo = (kind: number): readonly ChannelDescriptor[] =>
  DESCRIPTORS.filter(({ events }) => events.some((event) => event === kind));

/** Channels by the market events that they handle: one list, ordered by kind. An event of `kind` is handled by those from REACTIONS_FROM[kind] to REACTIONS_FROM[kind + 1]. */
export const REACTIONS: readonly ChannelDescriptor[] = Array.from({ length: KINDS }, (_, kind) => reactionsTo(kind)).flat();
export const REACTIONS_FROM: Uint8Array = new Uint8Array(KINDS + 1);
for (let kind = 0; kind < KINDS; kind++) REACTIONS_FROM[kind + 1] = REACTIONS_FROM[kind] + reactionsTo(kind).length;

/** Descriptors that follow each resting order. */
export const ORDER_FOLLOWERS: readonly ChannelDescriptor[] = DESCRIPTORS.filter(({ followsOrders }) => followsOrders);
