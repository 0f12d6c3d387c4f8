import { FrameKind } from '../../engine/wire/layout.ts';
import { FrameArena, type FrameHead, STRUCT_BYTES, StructList } from '../../engine/wire/market-frames.ts';
import { Slices } from '../slices.ts';
import { type ChannelFeed, type MarketReader, type Subscription, SubscriptionState } from './channel-feed.ts';
import { DEEP, type DeepSnapshot } from './deep-snapshot.ts';
import type { MarketFormat } from './formats/format.ts';
import { FORMATS } from './formats/formats.ts';
import type { MarketCounters } from './market-counters.ts';
import { JobStage, SnapshotJob } from './snapshot-job.ts';
import type { SymbolFeed } from './symbol-feed.ts';

type Job = SnapshotJob<ChannelFeed, MarketReader>;

/** Maximum sending time per turn of the event loop, ms: orders wait for half of it on average. */
const SLICE_MS = 0.05;
/** A flush that took as long is followed by a rest of its duration, ms. */
const REST_FROM_MS = 1;
/** Maximum time for snapshots per flush, ms; further readers wait for the next one. */
const SNAPSHOTS_MS = 0.5;
/** A snapshot that is made in steps is followed by a rest of this many times its duration. */
const REST = 4;
/** Readers with credentials get their snapshots first. */
const PASSES = [false, true] as const;
/** Whose turn in the slices snapshots take. */
const OWNER = 'market snapshots';
/** The clock is read once per this many readers. */
const READERS_PER_LOOK = 4;
/** Maximum snapshot bytes per reader and flush; further snapshots wait for the next flush. */
const SNAPSHOT_BYTES_PER_FLUSH = 256 * 1024;

/**
 * Encodes pending updates into frames, once per format, and sends them to their
 * readers.
 *
 * A flush numbers and encodes everything that is pending, then the snapshots
 * that readers wait for: nothing is pending at that moment, so a snapshot and
 * the deltas after it do not overlap. (A deep book's snapshot is made in steps between flushes; its readers get it
 * with the deltas since, see SnapshotJob.) Then every reader gets all its frames in
 * one write. With many readers that takes several turns of the event
 * loop, between which orders are processed; events that arrive meanwhile are
 * conflated until the next flush, which is delayed by the duration of the last
 * one. So sending uses at most half of the thread, and load reduces the number of
 * flushes instead of delaying orders.
 */
export class FanOut {
  readonly #counters: MarketCounters;
  readonly #nowUs: () => number;
  readonly #slices: Slices;
  readonly #onUnready: (feed: ChannelFeed) => void;
  /** Jobs that wait for a flush. */
  #jobs: Job[] = [];
  readonly #timers = new Set<NodeJS.Timeout>();
  #stopped = false;
  readonly #arena = new FrameArena();
  readonly #snapshotLists = STRUCT_BYTES.map((bytes) => new StructList(bytes));
  #dirty: SymbolFeed[] = [];
  /** Feeds whose snapshot was encoded in this flush. */
  readonly #snapshotted: ChannelFeed[] = [];
  #waiting: MarketReader[] = [];
  /** Jobs whose snapshots are sent in this flush. */
  readonly #ready: Job[] = [];
  /** Readers with frames in this flush; those from `#next` on are not served yet. */
  readonly #owed: MarketReader[] = [];
  /** The same of readers without credentials, which follow. */
  readonly #owedPublic: MarketReader[] = [];
  #next = 0;
  #firstPublic = 0;
  #busyMs = 0;
  #notBefore = 0;
  #timer: NodeJS.Timeout | undefined;
  /** A turn is requested. */
  #due = false;
  #head: FrameHead = { kind: 0, channel: 0, symbol: 0, code: 0, tag: 0, firstNo: 0, timeUs: 0 };
  readonly #rested = () => {
    this.#timer = undefined;
    this.#schedule(0);
  };
  readonly #run = () => {
    this.#due = false;
    if (!this.#stopped) this.#turn();
  };

  /**
   * @param nowUs the clock that stamps commands
   * @param onUnready called for a snapshot that waits for the past of its symbol; call `release` when that is there
   */
  constructor(
    counters: MarketCounters,
    nowUs: () => number,
    slices: Slices = new Slices(),
    onUnready: (feed: ChannelFeed) => void = () => undefined,
  ) {
    this.#onUnready = onUnready;
    this.#counters = counters;
    this.#slices = slices;
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

  /** Serves the readers that wait for a snapshot of the feed. */
  release(feed: ChannelFeed): void {
    for (const subscribers of feed.subscribers)
      for (const { reader, state } of subscribers) if (state === SubscriptionState.Waiting) this.wait(reader);
  }

  /**
   * Sends pending updates when the reports of the same orders have been sent: at the end of this turn, or in one of the next ones.
   * Without readers, nothing is sent. Call when a batch of events ends.
   */
  flush(): void {
    // Without a reader nothing is pending. Feeds stay marked until the flush that serves their first one.
    if (this.#counters.subscriptionsNow === 0 && this.#isIdle) this.#counters.publishLatency.begin(false);
    else this.#schedule(0);
  }

  get #isIdle(): boolean {
    return !this.#due && this.#timer === undefined && this.#owed.length + this.#jobs.length + this.#waiting.length === 0;
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
    clearTimeout(this.#timer);
  }

  #schedule(delayMs: number): void {
    if (this.#due || this.#timer !== undefined) return;
    const delay = Math.max(delayMs, this.#notBefore - performance.now());
    if (delay >= 1) this.#timer = setTimeout(this.#rested, delay);
    else {
      this.#due = true;
      this.#slices.turns.promptly(this.#run);
    }
  }

  /** One turn: begins a flush if none is in progress, and sends for a limited time. */
  #turn(): void {
    const start = performance.now();
    if (this.#owed.length === 0) this.#begin(start);
    let now = start;
    if (this.#next === 0) this.#append();
    const total = this.#owed.length;
    let publicFrom = this.#next < this.#firstPublic ? Number.POSITIVE_INFINITY : now;
    while (this.#next < total) {
      if (this.#next === this.#firstPublic) publicFrom = performance.now();
      this.#owed[this.#next++].settle(now);
      if (this.#next % READERS_PER_LOOK !== 0) continue;
      now = performance.now();
      if (now - start > SLICE_MS) break;
    }
    const end = performance.now();
    this.#busyMs += end - start;
    if (publicFrom < end) this.#counters.publicMs += end - publicFrom;
    if (this.#next < total) this.#schedule(0);
    else this.#end();
  }

  /** Puts the readers without credentials behind the others. */
  #append(): void {
    this.#firstPublic = this.#owed.length;
    for (let i = 0; i < this.#owedPublic.length; i++) this.#owed.push(this.#owedPublic[i]);
    this.#owedPublic.length = 0;
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
    if (this.#jobs.length !== 0) this.#advance();
    if (this.#waiting.length + this.#ready.length !== 0) this.#snapshots(now);
    const isOwed = this.#owed.length + this.#owedPublic.length !== 0;
    if (isOwed) this.#counters.flushes++;
    this.#counters.publishLatency.begin(isOwed);
  }

  #end(): void {
    if (this.#owed.length !== 0) this.#counters.publishLatency.end(this.#nowUs());
    this.#owed.length = 0;
    this.#next = 0;
    const now = performance.now();
    this.#notBefore = now + (this.#busyMs >= REST_FROM_MS ? this.#busyMs : 0);
    if (this.#dirty.length !== 0 || this.#jobs.length !== 0 || this.#waiting.some((reader) => reader.open && reader.hasRoom(now)))
      this.#schedule(0);
  }

  #deltas(feed: ChannelFeed): void {
    feed.descriptor.onFlush(feed);
    const { pending } = feed;
    if (pending.count === 0) return;
    if (feed.overflown) this.#resync(feed);
    else for (let f = 0; f < FORMATS.length; f++) this.#owe(feed, FORMATS[f]);
    if (feed.job !== undefined) this.#follow(feed.job);
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
    if (reader.owed === 0) (reader.isPublic ? this.#owedPublic : this.#owed).push(reader);
  }

  /** Serves the readers that wait for snapshots; a reader without room for them continues to wait. */
  #snapshots(now: number): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    let at = performance.now();
    const end = at + SNAPSHOTS_MS;
    let late = false;
    for (const isPublic of PASSES) {
      for (const reader of waiting) {
        if (reader.isPublic !== isPublic) continue;
        reader.waiting = false;
        if (!reader.open || reader.wants.length === 0) continue;
        const waits = late || !reader.hasRoom(now);
        if (waits || this.#serve(reader, end)) {
          reader.waiting = true;
          this.#waiting.push(reader);
        }
        if (waits) continue;
        const from = at;
        at = performance.now();
        reader.budget.spend(at - from, at);
        late = at > end;
      }
    }
    for (const feed of this.#snapshotted) feed.snapshots.clear();
    this.#snapshotted.length = 0;
    for (const job of this.#ready.splice(0)) this.#close(job);
  }

  /** @returns whether more can be served in the next flush; what is made in steps wakes its readers itself */
  #serve(reader: MarketReader, end: number): boolean {
    const { wants } = reader;
    let bytes = 0;
    let kept = 0;
    let served = 0;
    while (served < wants.length && bytes <= SNAPSHOT_BYTES_PER_FLUSH && (served === 0 || performance.now() <= end)) {
      const subscription = wants[served++];
      if (subscription.state === SubscriptionState.Gone) {
        subscription.queued = false;
        continue;
      }
      const sent = this.#snapshotFor(reader, subscription);
      if (sent === 0) wants[kept++] = subscription;
      else subscription.queued = false;
      bytes += sent;
    }
    const more = served < wants.length;
    wants.splice(kept, served - kept);
    return more;
  }

  /** @returns bytes of the snapshot; 0: it is being made, or waits for the past of its symbol */
  #snapshotFor(reader: MarketReader, subscription: Subscription): number {
    const { feed } = subscription;
    const { format } = reader;
    if (!feed.descriptor.ready(feed, subscription.last)) {
      this.#onUnready(feed);
      return 0;
    }
    if (feed.job === undefined && feed.descriptor.depth(feed) <= DEEP) {
      const frame = this.#snapshot(feed, format, subscription.last);
      this.#owes(reader);
      reader.oweSnapshot(frame, subscription, false);
      return frame.length;
    }
    const job = feed.job ?? this.#open(feed, format);
    if (job.stage !== JobStage.Ready || job.format !== format) {
      job.waiters.add(reader);
      return 0;
    }
    job.waiters.delete(reader);
    let bytes = 0;
    this.#owes(reader);
    for (const frame of job.frames) {
      reader.oweSnapshot(frame, subscription, true);
      bytes += frame.length;
    }
    return bytes;
  }

  /** Begins a snapshot in steps, after the feed's rest. */
  #open(feed: ChannelFeed, format: MarketFormat): Job {
    const job: Job = new SnapshotJob(feed, format);
    feed.job = job;
    const delay = feed.restUntil - performance.now();
    if (delay <= 0) this.#atFlush(job);
    else {
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        this.#atFlush(job);
      }, delay);
      this.#timers.add(timer);
    }
    return job;
  }

  /** Advances the job in the next flush. */
  #atFlush(job: Job): void {
    if (this.#stopped) return;
    this.#jobs.push(job);
    this.#schedule(0);
  }

  #advance(): void {
    const jobs = this.#jobs;
    this.#jobs = [];
    for (const job of jobs) {
      const { feed } = job;
      if (job.spoiled) this.#close(job);
      else if (job.stage === JobStage.Due) this.#read(job, feed.descriptor.deepSnapshot(feed));
      else if (job.stage === JobStage.Read && job.source !== undefined) this.#encodeInSteps(job, job.source);
      else if (job.stage === JobStage.Ready) this.#ready.push(job);
    }
    for (const { waiters } of this.#ready) for (const reader of waiters) this.#readerWaits(reader);
  }

  #read(job: Job, source: DeepSnapshot): void {
    job.source = source;
    job.stage = JobStage.Reading;
    job.startedAt = performance.now();
    void this.#slices.run(OWNER, job.until(source.read())).then(() => {
      job.stage = JobStage.Read;
      this.#atFlush(job);
    });
  }

  #encodeInSteps(job: Job, source: DeepSnapshot): void {
    const { feed, format } = job;
    const most = source.settle();
    job.stage = JobStage.Encoding;
    const head = { ...this.#head, kind: FrameKind.Snapshot, channel: feed.channel, symbol: feed.owner.symbol, firstNo: feed.number };
    const work = format.frameInSteps(head, feed.owner, (list) => source.fill(list), most);
    void this.#slices.run(OWNER, job.until(work)).then((frame) => {
      if (frame !== undefined) job.frames.unshift(frame);
      job.stage = JobStage.Ready;
      this.#atFlush(job);
    });
  }

  /** Takes the pending updates of the job's feed. */
  #follow(job: Job): void {
    const { feed, stage, source } = job;
    if (stage === JobStage.Due) return;
    if (feed.overflown) job.spoiled = true;
    else if (stage === JobStage.Reading || stage === JobStage.Read) job.spoiled ||= source?.follow(feed.pending) === false;
    else job.keep(this.#encode(FrameKind.Delta, feed, feed.number - feed.pending.count + 1, feed.pending, job.format));
  }

  /** Ends the job. Readers that still wait are served by the next one. */
  #close(job: Job): void {
    const { feed } = job;
    job.source?.end();
    feed.job = undefined;
    const now = performance.now();
    if (job.spoiled) this.#counters.snapshotsSpoiled++;
    else {
      this.#counters.snapshots++;
      feed.restUntil = now + REST * (now - job.startedAt);
    }
    for (const reader of job.waiters) if (reader.open) this.wait(reader);
  }

  #readerWaits(reader: MarketReader): void {
    if (reader.waiting || !reader.open) return;
    reader.waiting = true;
    this.#waiting.push(reader);
  }

  #snapshot(feed: ChannelFeed, format: MarketFormat, last: number): Uint8Array {
    const key = last * FORMATS.length + format.index;
    let frame = feed.snapshots.get(key);
    if (frame === undefined) {
      const list = this.#snapshotLists[feed.channel];
      list.clear();
      feed.descriptor.snapshot(feed, list, last);
      frame = this.#encode(FrameKind.Snapshot, feed, feed.number, list, format);
      if (feed.snapshots.size === 0) this.#snapshotted.push(feed);
      feed.snapshots.set(key, frame);
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
    return format.frame(this.#arena, head, feed.owner, structs);
  }
}

/** Now, µs since the epoch. */
export function wallClockUs(): number {
  return Math.floor((performance.timeOrigin + performance.now()) * 1000);
}
