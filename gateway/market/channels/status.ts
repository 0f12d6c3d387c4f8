import { putI64 } from '../../../engine/units.ts';
import { statusWire } from '../../../engine/wire/channels/status.ts';
import { Status } from '../../../engine/wire/layout.ts';
import { MarketEventKind } from '../../../engine/wire/market-event.ts';
import type { BookMirror } from '../book-mirror.ts';
import { always, type ChannelDescriptor, Conflation, MAX_PENDING, neverDeep, nothing, shallow } from './channel.ts';

/** In the channel's state: 1 when the last pending update may be overwritten because only the indication has changed since. */
const LAST_IS_INDICATION = 0;
const STATUS_WORDS = Status.bytes / 4;

/** Phase and auction indication. Every phase is sent, but only the last indication between two flushes. */
export const status: ChannelDescriptor = {
  wire: statusWire,
  conflation: Conflation.Partial,
  maxPending: MAX_PENDING,
  stateDoubles: 1,
  events: [MarketEventKind.Phase, MarketEventKind.Indicative],
  onEvent: (channel, kind) => {
    const { pending, state } = channel;
    const indication = kind === MarketEventKind.Indicative;
    const overwrite = indication && state[LAST_IS_INDICATION] === 1 && pending.count > 0;
    if (!overwrite) channel.number++;
    if (!channel.wanted) return;
    const at = overwrite ? (pending.count - 1) * STATUS_WORDS : channel.append();
    if (at === -1) return;
    state[LAST_IS_INDICATION] = indication ? 1 : 0;
    put(channel.mirror, pending.words, at);
  },
  onTime: nothing,
  followsOrders: false,
  onOrder: nothing,
  onWanted: nothing,
  onFlush: (channel) => {
    channel.state[LAST_IS_INDICATION] = 0;
  },
  ready: always,
  depth: shallow,
  deepSnapshot: neverDeep,
  snapshot: ({ mirror }, list) => {
    const at = list.add();
    put(mirror, list.words, at);
  },
};

function put(mirror: BookMirror, words: Int32Array, at: number): void {
  words[at] = mirror.phase | (mirror.surplusSide << 8) | (mirror.subPhase << 16);
  words[at + Status.earliestEndMs / 4] = Math.max(0, Math.ceil((mirror.interruptedUntilUs - mirror.timeUs) / 1000));
  putI64(words, at + Status.indicativePrice / 4, mirror.indicativePrice);
  putI64(words, at + Status.indicativeVolume / 4, mirror.indicativeVolume);
  putI64(words, at + Status.surplus / 4, mirror.surplus);
  putI64(words, at + Status.referencePrice / 4, mirror.referencePrice);
  putI64(words, at + Status.lastPrice / 4, mirror.lastPrice);
  putI64(words, at + Status.seq / 4, mirror.seq);
  putI64(words, at + Status.timeUs / 4, mirror.timeUs);
}
