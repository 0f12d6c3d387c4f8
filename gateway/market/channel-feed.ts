import type { SymbolScale } from '../../engine/wire/json-bytes.ts';
import { StructList } from '../../engine/wire/market-frames.ts';
import type { Candles } from '../../feeds/analysis/candles.ts';
import type { WorkBudget } from '../work-budget.ts';
import type { BookMirror } from './book-mirror.ts';
import type { ChannelDescriptor, ChannelState } from './channels/channel.ts';
import type { MarketFormat } from './formats/format.ts';
import { FORMATS } from './formats/formats.ts';
import type { SnapshotJob } from './snapshot-job.ts';
import type { SymbolPast } from './symbol-past.ts';

export const SubscriptionState = {
  /** Waits for a snapshot; gets no deltas before it. */
  Waiting: 0,
  InStep: 1,
  Gone: 2,
} as const;
export type SubscriptionState = (typeof SubscriptionState)[keyof typeof SubscriptionState];

/** The part of a connection that feeds and fan-out use. */
export interface MarketReader {
  readonly format: MarketFormat;
  readonly open: boolean;
  /** A reader without credentials, which is served after the others. */
  readonly isPublic: boolean;
  /** The time that its snapshots take counts there. */
  readonly budget: WorkBudget;
  /** In the fan-out's list of readers that want snapshots. */
  waiting: boolean;
  /** Subscriptions that wait for a snapshot, in the order they are served. */
  readonly wants: Subscription[];
  /** Frames of this flush that are not sent to it yet. */
  readonly owed: number;
  /** Whether a snapshot may be sent now. @param now ms of the monotonic clock */
  hasRoom(now: number): boolean;
  owe(frame: Uint8Array, subscription: Subscription): void;
  /** @param kept the frame's memory stays as it is; else it is that of the flush */
  oweSnapshot(frame: Uint8Array, subscription: Subscription, kept: boolean): void;
  /** Requests a snapshot for the subscription, which gets no deltas before it. */
  want(subscription: Subscription): void;
  /** Sends the pending frames, or drops them when the reader lags. */
  settle(now: number): void;
}

/** One reader on one channel of one symbol. */
export class Subscription {
  readonly reader: MarketReader;
  readonly feed: ChannelFeed;
  state: SubscriptionState = SubscriptionState.Waiting;
  /** Trades that its snapshots have, at most. */
  last: number;
  /** In the reader's list of wanted snapshots. */
  queued = false;
  /** Position in `feed.subscribers` of the reader's format. */
  at: number;

  constructor(reader: MarketReader, feed: ChannelFeed, at: number, last: number) {
    this.reader = reader;
    this.feed = feed;
    this.at = at;
    this.last = last;
  }
}

/** The symbol of a feed. Its name may change. */
export interface FeedSymbol {
  readonly symbol: number;
  readonly name: string;
  /** What a tick and a lot are worth. */
  readonly scale: SymbolScale;
  readonly mirror: BookMirror;
  readonly candles: Candles;
  readonly past: SymbolPast;
}

/** One channel of one symbol: update number, pending updates and subscribers. */
export class ChannelFeed implements ChannelState {
  readonly descriptor: ChannelDescriptor;
  /** A Channel. */
  readonly channel: number;
  readonly owner: FeedSymbol;
  readonly mirror: BookMirror;
  readonly candles: Candles;
  readonly past: SymbolPast;
  /** Number of the last update taken; a snapshot taken now carries it. */
  number = 0;
  readonly pending: StructList;
  readonly state: Float64Array;
  readonly #maxPending: number;
  wanted = false;
  /** More than `maxPending` updates came between two flushes: the pending updates have a gap. */
  overflown = false;
  /** By format. */
  readonly subscribers: readonly Subscription[][] = FORMATS.map(() => []);
  /** The frames of this flush's snapshots, by format and last trades; made on first use. */
  readonly snapshots = new Map<number, Uint8Array>();
  /** A snapshot that is being made in steps. */
  job: SnapshotJob<ChannelFeed, MarketReader> | undefined;
  /** Before it no further one is begun, ms of the monotonic clock. */
  restUntil = 0;

  constructor(descriptor: ChannelDescriptor, owner: FeedSymbol) {
    this.descriptor = descriptor;
    this.channel = descriptor.wire.id;
    this.owner = owner;
    this.mirror = owner.mirror;
    this.candles = owner.candles;
    this.past = owner.past;
    this.pending = new StructList(descriptor.wire.structBytes);
    this.state = new Float64Array(descriptor.stateDoubles);
    this.#maxPending = descriptor.maxPending;
  }

  subscribe(reader: MarketReader, last: number): Subscription {
    const list = this.subscribers[reader.format.index];
    const subscription = new Subscription(reader, this, list.length, last);
    list.push(subscription);
    this.#wantedChanged();
    return subscription;
  }

  unsubscribe(subscription: Subscription): void {
    const list = this.subscribers[subscription.reader.format.index];
    const last = list.pop() as Subscription;
    if (last !== subscription) {
      list[subscription.at] = last;
      last.at = subscription.at;
    }
    subscription.state = SubscriptionState.Gone;
    this.#wantedChanged();
  }

  append(): number {
    if (this.pending.count < this.#maxPending) return this.pending.add();
    this.overflown = true;
    return -1;
  }

  #wantedChanged(): void {
    this.wanted = this.subscribers.some((list) => list.length !== 0);
    // Updates are not kept without a reader.
    if (!this.wanted && this.job !== undefined) this.job.spoiled = true;
    this.descriptor.onWanted(this);
  }
}
