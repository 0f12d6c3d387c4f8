import { fail } from '../../../engine/assert.ts';
import type { RingSlots } from '../../../engine/rings/ring.ts';
import type { ChannelWire } from '../../../engine/wire/channels/channel-wire.ts';
import type { OrderAction } from '../../../engine/wire/layout.ts';
import type { MarketEventKind } from '../../../engine/wire/market-event.ts';
import type { StructList } from '../../../engine/wire/market-frames.ts';
import type { Candles } from '../../../feeds/analysis/candles.ts';
import type { BookMirror } from '../book-mirror.ts';
import type { DeepSnapshot } from '../deep-snapshot.ts';
import type { SymbolPast } from '../symbol-past.ts';

/** How updates between two flushes are conflated. */
export const Conflation = {
  /** Each is sent. */
  None: 'never',
  /** Some replace the previous one; the descriptor decides which. */
  Partial: 'partly',
  /** Each changed item is sent once, in its state at the flush. */
  LastState: 'yes',
} as const;
export type Conflation = (typeof Conflation)[keyof typeof Conflation];

/** The part of one symbol's channel that its descriptor uses. */
export interface ChannelState {
  readonly mirror: BookMirror;
  readonly candles: Candles;
  readonly past: SymbolPast;
  /** Number of the last update that was taken. */
  number: number;
  /** Updates for the next flush; the last one has `number`. */
  readonly pending: StructList;
  /** A reader is subscribed. Updates are counted without one too, where a number means one state of the book. */
  readonly wanted: boolean;
  /** State owned by the descriptor, `stateDoubles` numbers, initially 0. */
  readonly state: Float64Array;
  /** Word index of one more pending update, zeroed; -1 when more than `maxPending` wait: the readers are then re-synced. */
  append(): number;
}

/**
 * A market-data channel, except for its encoding, which its wire half has.
 * Methods keep their state in the ChannelState, allocate nothing
 * except in `snapshot`, and run on the I/O thread. All descriptors have all
 * members, so that the loops over them see one shape.
 */
export interface ChannelDescriptor {
  readonly wire: ChannelWire;
  /** See docs/MARKET-DATA.md, whose table is tested against it. */
  readonly conflation: Conflation;
  /** Updates kept between two flushes; beyond that the channel's readers are re-synced. */
  readonly maxPending: number;
  /** Length of `ChannelState.state`. */
  readonly stateDoubles: number;
  /** Kinds of market events for which `onEvent` is called, after the mirror has applied them. */
  readonly events: readonly MarketEventKind[];
  readonly onEvent: (channel: ChannelState, kind: number, slots: RingSlots, slot: number) => void;
  /** Called when time alone has closed candles: see `Candles.justClosed`. */
  readonly onTime: (channel: ChannelState) => void;
  /** Each change of a resting order is one update: the feed counts it, and calls `onOrder` when the channel is wanted. */
  readonly followsOrders: boolean;
  /** @param order slot in the mirror's orders */
  readonly onOrder: (channel: ChannelState, action: OrderAction, order: number) => void;
  /** Called after a reader has subscribed or left; see `wanted`. */
  readonly onWanted: (channel: ChannelState) => void;
  /** Called when a flush begins; adds updates that depend on the current state to `pending`. Called whether the channel is wanted or not. */
  readonly onFlush: (channel: ChannelState) => void;
  /** Whether a snapshot can be made now: what it needs of the past is loaded. @param last trades that the reader asks for */
  readonly ready: (channel: ChannelState, last: number) => boolean;
  /** Structs in a snapshot now; above DEEP, `deepSnapshot` is used instead of `snapshot`. */
  readonly depth: (channel: ChannelState) => number;
  readonly deepSnapshot: (channel: ChannelState) => DeepSnapshot;
  /** Appends the whole state to the empty `list`. Cold. @param last trades that the reader asks for; 0: none */
  readonly snapshot: (channel: ChannelState, list: StructList, last: number) => void;
}

/** Default of `maxPending`. */
export const MAX_PENDING = 65_536;

/** `ready` of a channel that needs nothing of the past. */
export function always(): boolean {
  return true;
}

/** `depth` of a channel whose snapshot is small. */
export function shallow(): number {
  return 1;
}

/** `deepSnapshot` of such a channel. */
export function neverDeep(): never {
  fail('market channels: a deep snapshot of a channel that has none');
}

/** Default of members that a channel does not need. */
export function nothing(): void {
  // The channel does not react to this.
}
