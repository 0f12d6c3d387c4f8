import { FrameKind } from '../../engine/wire/layout.ts';
import { FrameArena, type FrameHead, STRUCT_BYTES, StructList } from '../../engine/wire/market-frames.ts';
import { type ChannelFeed, type MarketReader, SubscriptionState } from './channel-feed.ts';
import type { MarketFormat } from './formats/format.ts';
import { FORMATS } from './formats/formats.ts';
import type { MarketCounters } from './market-counters.ts';
import type { SymbolFeed } from './symbol-feed.ts';

/** Maximum sending time per turn of the event loop, ms. */
const SLICE_MS = 1;
/** The clock is read once per this many readers. */
const READERS_PER_LOOK = 16;
/** Maximum snapshot bytes per reader and flush; further snapshots wait for the next flush. */
const SNAPSHOT_BYTES_PER_FLUSH = 256 * 1024;

/**
 * Encodes pending updates into frames, once per format, and sends them to their
 * readers.
 *
 * A flush numbers and encodes everything that is pending, then the snapshots
 * that readers wait for: nothing is pending at that moment, so a snapshot and
 * the deltas after it do not overlap. Then every reader gets all its frames in
 * one write. With many readers that takes several turns of the event
 * loop, between which orders are processed; events that arrive meanwhile are
 * conflated until the next flush, which is delayed by the duration of the last
 * one. So sending uses at most half of the thread, and load reduces the number of
 * flushes instead of delaying orders.
 */
export class FanOut {
  readonly #counters: MarketCounters;
  readonly #nowUs: () => number;
  readonly #arena = new FrameArena();
  readonly #snapshotLists = STRUCT_BYTES.map((bytes) => new StructList(bytes));
  #dirty: SymbolFeed[] = [];
  /** Feeds whose snapshot was encoded in this flush. */
  readonly #snapshotted: ChannelFeed[] = [];
  #waiting: MarketReader[] = [];
  /** Readers with frames in this flush; those from `#next` on are not served yet. */
  readonly #owed: MarketReader[] = [];
  #next = 0;
  #busyMs = 0;
  #notBefore = 0;
  #timer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;
  #head: FrameHead = { kind: 0, channel: 0, symbol: 0, code: 0, tag: 0, firstNo: 0, timeUs: 0 };
  readonly #run = () => {
    this.#timer = undefined;
    this.#immediate = undefined;
    this.#turn();
  };

  /** @param nowUs the clock that stamps commands */
  constructor(counters: MarketCounters, nowUs: () => number) {
    this.#counters = counters;
    this.#nowUs = nowUs;
  }

  /** Call when the feed has pending updates. */
  mark(feed: SymbolFeed): void {
    if (feed.dirty) return;
    feed.dirty = true;
    this.#dirty.push(feed);
  }

  /** Call when the reader wants snapshots. */
  wait(reader: MarketReader): void {
    if (!reader.waiting) {
      reader.waiting = true;
      this.#waiting.push(reader);
    }
    this.#schedule(0);
  }

  /** Sends pending updates now, or later when the last flush is unfinished or was long. Call when a batch of events ends. */
  flush(): void {
    if (this.#timer === undefined && this.#immediate === undefined && performance.now() >= this.#notBefore) this.#turn();
    else this.#schedule(0);
  }

  stop(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
  }

  #schedule(delayMs: number): void {
    if (this.#timer !== undefined || this.#immediate !== undefined) return;
    const delay = Math.max(delayMs, this.#notBefore - performance.now());
    if (delay >= 1) this.#timer = setTimeout(this.#run, delay);
    else this.#immediate = setImmediate(this.#run);
  }

  /** One turn: begins a flush if none is in progress, and sends for a limited time. */
  #turn(): void {
    const start = performance.now();
    if (this.#owed.length === 0) this.#begin(start);
    let now = start;
    while (this.#next < this.#owed.length) {
      this.#owed[this.#next++].settle(now);
      if (this.#next % READERS_PER_LOOK !== 0) continue;
      now = performance.now();
      if (now - start > SLICE_MS) break;
    }
    this.#busyMs += performance.now() - start;
    if (this.#next < this.#owed.length) this.#schedule(0);
    else this.#end();
  }

  #begin(now: number): void {
    this.#busyMs = 0;
    this.#arena.reset();
    this.#head.timeUs = wallClockUs();
    this.#head.code = 0;
    this.#head.tag = 0;
    const dirty = this.#dirty;
    for (let i = 0; i < dirty.length; i++) {
      dirty[i].dirty = false;
      const { channels } = dirty[i];
      for (let c = 0; c < channels.length; c++) this.#deltas(channels[c]);
    }
    dirty.length = 0;
    if (this.#waiting.length !== 0) this.#snapshots(now);
    if (this.#owed.length !== 0) this.#counters.flushes++;
    this.#counters.publishLatency.begin(this.#owed.length !== 0);
  }

  #end(): void {
    if (this.#owed.length !== 0) this.#counters.publishLatency.end(this.#nowUs());
    this.#owed.length = 0;
    this.#next = 0;
    const now = performance.now();
    this.#notBefore = now + (this.#busyMs >= SLICE_MS ? this.#busyMs : 0);
    if (this.#dirty.length !== 0 || this.#waiting.some((reader) => reader.open && reader.hasRoom(now))) this.#schedule(0);
  }

  #deltas(feed: ChannelFeed): void {
    feed.descriptor.onFlush(feed);
    const { pending } = feed;
    if (pending.count === 0) return;
    if (feed.overflown) this.#resync(feed);
    else for (let f = 0; f < FORMATS.length; f++) this.#owe(feed, FORMATS[f]);
    feed.overflown = false;
    pending.clear();
  }

  #owe(feed: ChannelFeed, format: MarketFormat): void {
    const subscribers = feed.subscribers[format.index];
    let frame: Uint8Array | undefined;
    for (let i = 0; i < subscribers.length; i++) {
      const subscription = subscribers[i];
      if (subscription.state !== SubscriptionState.InStep) continue;
      frame ??= this.#encode(FrameKind.Delta, feed, feed.number - feed.pending.count + 1, feed.pending, format);
      this.#owes(subscription.reader);
      subscription.reader.owe(frame, subscription);
    }
  }

  /** Re-syncs all readers of a channel by snapshots after more updates than `maxPending`. */
  #resync(feed: ChannelFeed): void {
    for (const subscribers of feed.subscribers) {
      for (const subscription of subscribers) {
        this.#counters.framesDropped++;
        subscription.reader.want(subscription);
        this.wait(subscription.reader);
      }
    }
  }

  #owes(reader: MarketReader): void {
    if (reader.owed === 0) this.#owed.push(reader);
  }

  /** Serves the readers that wait for snapshots; a reader without room for them continues to wait. */
  #snapshots(now: number): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const reader of waiting) {
      reader.waiting = false;
      if (!reader.open || reader.wants.length === 0) continue;
      if (reader.hasRoom(now)) this.#serve(reader);
      if (reader.wants.length !== 0) {
        reader.waiting = true;
        this.#waiting.push(reader);
      }
    }
    for (const feed of this.#snapshotted) {
      feed.snapshots.fill(undefined);
      feed.snapshotted = false;
    }
    this.#snapshotted.length = 0;
  }

  #serve(reader: MarketReader): void {
    const { wants, format } = reader;
    let bytes = 0;
    let served = 0;
    while (served < wants.length && bytes <= SNAPSHOT_BYTES_PER_FLUSH) {
      const subscription = wants[served++];
      subscription.queued = false;
      if (subscription.state === SubscriptionState.Gone) continue;
      const frame = this.#snapshot(subscription.feed, format);
      bytes += frame.length;
      this.#owes(reader);
      reader.oweSnapshot(frame, subscription);
    }
    wants.splice(0, served);
  }

  #snapshot(feed: ChannelFeed, format: MarketFormat): Uint8Array {
    let frame = feed.snapshots[format.index];
    if (frame === undefined) {
      const list = this.#snapshotLists[feed.channel];
      list.clear();
      feed.descriptor.snapshot(feed, list);
      frame = this.#encode(FrameKind.Snapshot, feed, feed.number, list, format);
      if (!feed.snapshotted) this.#snapshotted.push(feed);
      feed.snapshotted = true;
      feed.snapshots[format.index] = frame;
      this.#counters.snapshots++;
    }
    return frame;
  }

  #encode(kind: number, feed: ChannelFeed, firstNo: number, structs: StructList, format: MarketFormat): Uint8Array {
    const head = this.#head;
    head.kind = kind;
    head.channel = feed.channel;
    head.symbol = feed.owner.symbol;
    head.firstNo = firstNo;
    return format.frame(this.#arena, head, feed.owner.name, structs);
  }
}

/** Now, µs since the epoch. */
export function wallClockUs(): number {
  return Math.floor((performance.timeOrigin + performance.now()) * 1000);
}
