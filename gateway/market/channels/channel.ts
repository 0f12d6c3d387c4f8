import type { RingSlots } from '../../../engine/rings/ring.ts';
import type { ChannelWire } from '../../../engine/wire/channels/channel-wire.ts';
import type { OrderAction } from '../../../engine/wire/layout.ts';
import type { MarketEventKind } from '../../../engine/wire/market-event.ts';
import type { StructList } from '../../../engine/wire/market-frames.ts';
import type { BookMirror } from '../book-mirror.ts';

/** What becomes of updates that gather between two flushes. */
export const Conflation = {
  /** Each is sent. */
  None: 'never',
  /** Some replace the one before; the descriptor says which. */
  Partial: 'partly',
  /** What changed is sent once, as it is at the flush. */
  LastState: 'yes',
} as const;
export type Conflation = (typeof Conflation)[keyof typeof Conflation];

/** One channel of one symbol, as its descriptor sees it. */
export interface ChannelState {
  readonly mirror: BookMirror;
  /** Number of the last update that was taken. */
  number: number;
  /** Updates for the next flush; the last one has `number`. */
  readonly pending: StructList;
  /** A reader is subscribed. Updates are counted without one too, where a number means one state of the book. */
  readonly wanted: boolean;
  /** The descriptor's own, `stateDoubles` of them, 0 at first. */
  readonly state: Float64Array;
  /** Word index of one more pending update, zeroed; -1 when more than `maxPending` wait: the readers are then re-synced. */
  append(): number;
}

/**
 * A market-data channel: all that is known of it but its bytes, which its wire
 * half has. Methods keep what they need in the ChannelState, allocate nothing
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
  /** Kinds of market events of which `onEvent` is called, when the mirror has taken them. */
  readonly events: readonly MarketEventKind[];
  readonly onEvent: (channel: ChannelState, kind: number, slots: RingSlots, slot: number) => void;
  /** Each change of a resting order is one update: the feed counts it, and calls `onOrder` when the channel is wanted. */
  readonly followsOrders: boolean;
  /** @param order slot in the mirror's orders */
  readonly onOrder: (channel: ChannelState, action: OrderAction, order: number) => void;
  /** A reader came or went; see `wanted`. */
  readonly onWanted: (channel: ChannelState) => void;
  /** A flush begins: adds to `pending` what is only known now. Called whether the channel is wanted or not. */
  readonly onFlush: (channel: ChannelState) => void;
  /** Appends the whole state to the empty `list`. Cold. */
  readonly snapshot: (channel: ChannelState, list: StructList) => void;
}

/** Default of `maxPending`. */
export const MAX_PENDING = 65_536;

/** For members that a channel does not need. */
export function nothing(): void {
  // The channel does not react to this.
}
