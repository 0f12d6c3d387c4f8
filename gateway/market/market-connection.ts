import { CHANNELS } from '../../engine/wire/channels/channels.ts';
import { MIN_SCHEMA_VERSION } from '../../engine/wire/frames.ts';
import type { SessionOwner } from '../session-info.ts';
import type { WorkBudget } from '../work-budget.ts';
import { type ChannelFeed, type MarketReader, type Subscription, SubscriptionState } from './channel-feed.ts';
import type { MarketFormat } from './formats/format.ts';
import type { MarketCounters } from './market-counters.ts';
import { PacedFrames } from './paced-frames.ts';
import type { CloseCause, ReaderSocket } from './reader-socket.ts';
import { SlowReader, type SlowReaderPolicy } from './slow-reader.ts';

/** Maximum bytes of answers queued for a reader that does not read. */
const MAX_ANSWER_BYTES = 64 * 1024;

/** What a reader may use. */
export interface ReaderRights {
  readonly isPublic: boolean;
  readonly maxSubscriptions: number;
  /** Of its requests and snapshots, shared by the readers of one owner. */
  readonly budget: WorkBudget;
}

/**
 * One reader: its socket, its subscriptions and the pending frames of
 * this flush. Frames are views of the flush's memory, shared by all readers.
 */
export class MarketConnection implements MarketReader {
  readonly format: MarketFormat;
  /** Wire schema of its last request: its binary frames carry it. */
  version: number = MIN_SCHEMA_VERSION;
  readonly slow: SlowReader;
  /** By {@link subscriptionKey}. */
  readonly subscriptions = new Map<number, Subscription>();
  /** Channels (bit per channel) subscribed for every symbol, those defined later included. */
  allChannels = 0;
  /** Trades that snapshots of those subscriptions have, at most. */
  lastOfAll = 0;
  faults = 0;
  heartbeats = 0;
  /** The tenth of the heartbeat interval in which it gets its heartbeat. */
  readonly group: number;
  open = true;
  readonly isPublic: boolean;
  /** See `maxSubscriptions` of MarketDataOptions. */
  readonly maxSubscriptions: number;
  readonly budget: WorkBudget;
  /** ms since the Unix epoch. */
  readonly expiresAt: number;
  readonly owner: SessionOwner;
  /** In the order of opening. */
  readonly number: number;
  /** In the fan-out's list of connections that want snapshots. */
  waiting = false;
  /** Subscriptions that wait for a snapshot, in the order they are served. */
  readonly wants: Subscription[] = [];
  readonly #socket: ReaderSocket;
  /** Its frames on their way to the socket. */
  readonly paced: PacedFrames;
  readonly #counters: MarketCounters;
  /** Frames of this flush, their subscriptions, and whether they stay as they are after it; parallel arrays. */
  readonly #frames: Uint8Array[] = [];
  readonly #for: Subscription[] = [];
  readonly #kept: boolean[] = [];
  #owedSnapshotBytes = 0;
  /** Bytes of answers since the reader last kept up. */
  #answerBytes = 0;
  readonly #sendAll = () => this.#send();

  constructor(
    socket: ReaderSocket,
    format: MarketFormat,
    expiresAt: number,
    owner: SessionOwner,
    number: number,
    group: number,
    policy: SlowReaderPolicy,
    rights: ReaderRights,
    counters: MarketCounters,
    onPaced: (connection: MarketConnection) => void,
  ) {
    this.#socket = socket;
    this.format = format;
    this.expiresAt = expiresAt;
    this.owner = owner;
    this.number = number;
    this.group = group;
    this.isPublic = rights.isPublic;
    this.maxSubscriptions = rights.maxSubscriptions;
    this.budget = rights.budget;
    this.slow = new SlowReader(policy);
    this.#counters = counters;
    this.paced = new PacedFrames(socket, format.binary, () => onPaced(this));
  }

  /** Bytes that the peer has not taken yet. */
  get buffered(): number {
    return this.#socket.buffered() + this.paced.bytes;
  }

  /** Whether a snapshot may be sent now. @param now ms of the monotonic clock */
  hasRoom(now: number): boolean {
    return this.slow.hasRoom(this.buffered, now);
  }

  get owed(): number {
    return this.#frames.length;
  }

  owe(frame: Uint8Array, subscription: Subscription, kept = false): void {
    this.#frames.push(frame);
    this.#for.push(subscription);
    this.#kept.push(kept);
  }

  oweSnapshot(frame: Uint8Array, subscription: Subscription, kept: boolean): void {
    this.owe(frame, subscription, kept);
    this.#owedSnapshotBytes += frame.length;
    subscription.state = SubscriptionState.InStep;
  }

  /** Sends the pending frames, or drops them when the reader lags. Subscriptions that missed a frame then wait for a snapshot. */
  settle(now: number): void {
    if (this.open) {
      const lagged = this.slow.lagging;
      if (this.slow.admits(this.buffered, now)) {
        // A single frame needs no cork.
        if (this.#frames.length > 1) this.#socket.cork(this.#sendAll);
        else this.#send();
      } else {
        if (!lagged) {
          this.#counters.lagged++;
          this.#counters.laggingNow++;
        }
        this.#counters.framesDropped += this.#frames.length;
        for (const subscription of this.#for) this.want(subscription);
      }
    }
    this.#frames.length = 0;
    this.#for.length = 0;
    this.#kept.length = 0;
    this.#owedSnapshotBytes = 0;
  }

  #send(): void {
    const counters = this.#counters;
    if (this.#owedSnapshotBytes !== 0) this.slow.snapshot(this.#owedSnapshotBytes);
    for (let i = 0; i < this.#frames.length; i++) {
      if (this.#for[i].state === SubscriptionState.Gone) continue;
      const frame = this.#frames[i];
      this.paced.send(frame, this.version, this.#kept[i]);
      counters.framesSent++;
      counters.bytesSent += frame.length;
    }
  }

  /** Requests a snapshot for the subscription, which gets no deltas before it. */
  want(subscription: Subscription): void {
    if (subscription.state === SubscriptionState.Gone) return;
    subscription.state = SubscriptionState.Waiting;
    if (subscription.queued) return;
    subscription.queued = true;
    this.wants.push(subscription);
  }

  /** Sends an answer or a heartbeat at once. False: too many answers are unread, and the caller must cut the reader. */
  answer(frame: Uint8Array): boolean {
    if (!this.answers(frame.length)) return false;
    this.paced.send(frame, this.version, false);
    this.#counters.framesSent++;
    this.#counters.bytesSent += frame.length;
    return true;
  }

  /** Whether an answer of that many bytes fits the limit of unread answers. */
  answers(bytes: number): boolean {
    if (this.buffered === 0) this.#answerBytes = 0;
    this.#answerBytes += bytes;
    return this.#answerBytes <= MAX_ANSWER_BYTES;
  }

  /** @param last trades that snapshots of it have, at most */
  subscribe(feed: ChannelFeed, last: number): void {
    const key = subscriptionKey(feed.channel, feed.owner.symbol);
    let subscription = this.subscriptions.get(key);
    if (subscription === undefined) {
      subscription = feed.subscribe(this, last);
      this.subscriptions.set(key, subscription);
      this.#counters.subscriptionsNow++;
    }
    subscription.last = last;
    this.want(subscription);
  }

  unsubscribe(subscription: Subscription): void {
    const { feed } = subscription;
    feed.unsubscribe(subscription);
    this.subscriptions.delete(subscriptionKey(feed.channel, feed.owner.symbol));
    this.#counters.subscriptionsNow--;
  }

  /** Ends the connection; the endpoint reports the close before this returns. */
  close(cause: CloseCause, reason: string): void {
    if (this.open) this.#socket.close(cause, reason);
  }
}

export function subscriptionKey(channel: number, symbol: number): number {
  return symbol * CHANNELS.length + channel;
}
