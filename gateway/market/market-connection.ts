import type { WebSocket } from 'uWebSockets.js';
import { CHANNELS } from '../../engine/wire/channels/channels.ts';
import { type ChannelFeed, type MarketReader, type Subscription, SubscriptionState } from './channel-feed.ts';
import type { MarketFormat } from './formats/format.ts';
import type { MarketCounters } from './market-counters.ts';
import { SlowReader, type SlowReaderPolicy } from './slow-reader.ts';

/** WebSocket close codes of market data. */
export const CloseCode = {
  GoingAway: 1001,
  TooManyFaults: 4002,
  SlowReader: 4008,
  /** 4000 + gRPC's UNAUTHENTICATED. */
  Expired: 4016,
} as const;

/** Answers that may wait in the socket of a reader that does not read. */
const MAX_ANSWER_BYTES = 64 * 1024;

/** What the server keeps on each socket. */
export interface SocketUser {
  readonly format: MarketFormat;
  /** When its credentials expire, ms since the Unix epoch, or Infinity. */
  readonly expiresAt: number;
  /** Set when the socket opens. */
  connection?: MarketConnection;
}

/**
 * One reader: its socket, its subscriptions and the frames of this flush that
 * it is owed. Frames are views of the flush's memory, shared by all readers.
 */
export class MarketConnection implements MarketReader {
  readonly format: MarketFormat;
  readonly slow: SlowReader;
  /** By {@link subscriptionKey}. */
  readonly subscriptions = new Map<number, Subscription>();
  /** Channels (bit per channel) subscribed for every symbol, those defined later included. */
  allChannels = 0;
  faults = 0;
  heartbeats = 0;
  /** Which tenth of the heartbeat interval is its. */
  readonly group: number;
  open = true;
  /** ms since the Unix epoch. */
  readonly expiresAt: number;
  /** In the fan-out's list of connections that want snapshots. */
  waiting = false;
  /** Subscriptions that wait for a snapshot, in the order they are served. */
  readonly wants: Subscription[] = [];
  readonly #ws: WebSocket<SocketUser>;
  readonly #counters: MarketCounters;
  /** Frames of this flush, and for whom; parallel. */
  readonly #frames: Uint8Array[] = [];
  readonly #for: Subscription[] = [];
  #owedSnapshotBytes = 0;
  /** Bytes of answers since the reader last kept up. */
  #answerBytes = 0;
  readonly #sendAll = () => this.#send();

  constructor(ws: WebSocket<SocketUser>, group: number, policy: SlowReaderPolicy, counters: MarketCounters) {
    this.#ws = ws;
    this.group = group;
    ({ format: this.format, expiresAt: this.expiresAt } = ws.getUserData());
    this.slow = new SlowReader(policy);
    this.#counters = counters;
  }

  get buffered(): number {
    return this.#ws.getBufferedAmount();
  }

  /** Whether a snapshot may be put on its way now, in ms of the monotonic clock. */
  hasRoom(now: number): boolean {
    return this.slow.hasRoom(this.buffered, now);
  }

  get owed(): number {
    return this.#frames.length;
  }

  owe(frame: Uint8Array, subscription: Subscription): void {
    this.#frames.push(frame);
    this.#for.push(subscription);
  }

  oweSnapshot(frame: Uint8Array, subscription: Subscription): void {
    this.owe(frame, subscription);
    this.#owedSnapshotBytes += frame.length;
    subscription.state = SubscriptionState.InStep;
  }

  /** Sends what is owed, or drops it when the reader lags. Its subscriptions that missed something then wait for a snapshot. */
  settle(now: number): void {
    if (this.open) {
      const lagged = this.slow.lagging;
      if (this.slow.admits(this.buffered, now)) {
        // One frame goes out in one write anyway.
        if (this.#frames.length > 1) this.#ws.cork(this.#sendAll);
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
    this.#owedSnapshotBytes = 0;
  }

  #send(): void {
    const counters = this.#counters;
    if (this.#owedSnapshotBytes !== 0) this.slow.snapshot(this.#owedSnapshotBytes);
    for (let i = 0; i < this.#frames.length; i++) {
      if (this.#for[i].state === SubscriptionState.Gone) continue;
      const frame = this.#frames[i];
      this.#ws.send(frame, this.format.binary);
      counters.framesSent++;
      counters.bytesSent += frame.length;
    }
  }

  /** The subscription is to get a snapshot, and no deltas before it. */
  want(subscription: Subscription): void {
    if (subscription.state === SubscriptionState.Gone) return;
    subscription.state = SubscriptionState.Waiting;
    if (subscription.queued) return;
    subscription.queued = true;
    this.wants.push(subscription);
  }

  /** Sends an answer or a heartbeat at once. False: the reader asks and asks and does not read; cut it. */
  answer(frame: Uint8Array): boolean {
    if (!this.answers(frame.length)) return false;
    this.#ws.send(frame, this.format.binary);
    this.#counters.framesSent++;
    this.#counters.bytesSent += frame.length;
    return true;
  }

  /** Whether an answer of so many bytes may be added to what waits in the socket. */
  answers(bytes: number): boolean {
    if (this.buffered === 0) this.#answerBytes = 0;
    this.#answerBytes += bytes;
    return this.#answerBytes <= MAX_ANSWER_BYTES;
  }

  subscribe(feed: ChannelFeed): void {
    const key = subscriptionKey(feed.channel, feed.owner.symbol);
    let subscription = this.subscriptions.get(key);
    if (subscription === undefined) {
      subscription = feed.subscribe(this);
      this.subscriptions.set(key, subscription);
      this.#counters.subscriptionsNow++;
    }
    this.want(subscription);
  }

  unsubscribe(subscription: Subscription): void {
    const { feed } = subscription;
    feed.unsubscribe(subscription);
    this.subscriptions.delete(subscriptionKey(feed.channel, feed.owner.symbol));
    this.#counters.subscriptionsNow--;
  }

  /** Says goodbye; the close handler of the server runs before this returns. */
  close(code: number, reason: string): void {
    if (this.open) this.#ws.end(code, reason);
  }
}

export function subscriptionKey(channel: number, symbol: number): number {
  return symbol * CHANNELS.length + channel;
}
