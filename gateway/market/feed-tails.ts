import { Code } from '../../engine/codes.ts';
import type { BookView } from '../../feeds/books/book-views.ts';
import { RecordKind } from '../../feeds/feed-record.ts';
import type { BroadcastReader } from '../../feeds/rings/broadcast-ring.ts';
import { LatestValues } from '../../feeds/rings/latest-values.ts';
import { type Feeds, FeedsBusyError } from '../../feeds/worker/feeds.ts';
import type { Identity, Visit } from '../identity/identity.ts';
import type { Principal } from '../identity/principal.ts';
import { type Reject, reject } from '../reject.ts';
import { FeedTailTopic } from './feed-tail-topic.ts';

/** Between two looks at the feeds, ms. */
const EVERY_MS = 100;
/** Time in which a reader must take what was sent, ms. */
const LATE_MS = 10_000;
const MOST_STREAMS = 128;
const MOST_OF_CALLER = 4;
/** Instruments of a stream, and of all of them; those of several streams count once. */
const MOST_INSTRUMENTS = 32;
const MOST_TOPICS = 1024;
/** Books that are read in one look, at most: the others come in the next ones. */
const MOST_VIEWS = 64;
/** Records of a poll, and polls in one look, at most. */
const POLL = 1024;
const MOST_POLLS = 32;
/** Levels of a side that a stream may have. */
const LEVELS: readonly number[] = [1, 10, 50];

/** Where a stream writes to. */
export interface FeedTailTransport {
  /** Sends a text. @returns false: it waits in a buffer; {@link FeedTail.onWritten} is called when that is empty */
  write(text: string): boolean;
  fail(why: Reject): void;
  /** The exchange is stopping. */
  end(): void;
}

interface Wanted {
  readonly feed: string;
  readonly source: number;
  readonly instrument: string;
  readonly row: number;
}

/** A caller who may open a stream. */
export interface FeedTailAdmission {
  readonly principal: Principal;
  readonly caller: string;
  readonly instruments: readonly Wanted[];
  readonly levels: number;
}

export interface FeedTailsOptions {
  /** Undefined: none are configured. */
  readonly feeds: Pick<Feeds, 'status' | 'latest' | 'reader' | 'views'> | undefined;
  readonly identity: Pick<Identity, 'open' | 'forbid'>;
  readonly draining: () => boolean;
  /** Default 100. */
  readonly everyMs?: number;
  /** Default 10,000. */
  readonly lateMs?: number;
}

interface ReadTopic {
  readonly topic: FeedTailTopic;
  readonly readers: Set<FeedTail>;
  /** Of the row, when its book was read last; -1: it was not. */
  version: number;
}

/**
 * Live streams of feeds: trades, best prices and changes of the best levels, of the instruments that a reader names. All streams together cost
 * one look at the shared memory ten times a second, in which the ring's trades are read and the feed thread is asked once for the books that
 * have changed; without a reader, nothing is done. What changes in between is conflated. A reader that is behind gets no updates until it has
 * read what was sent, then a new snapshot; one that stays behind is cut. I/O thread.
 */
export class FeedTails {
  readonly #options: FeedTailsOptions;
  readonly #topics = new Map<string, ReadTopic>();
  /** The topics of each row. */
  readonly #ofRow = new Map<number, ReadTopic[]>();
  readonly #tails = new Map<FeedTail, FeedTailAdmission>();
  #reader: BroadcastReader | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isLooking = false;
  #stopped = false;
  /** The place of the topic that the next look begins with. */
  #turn = 0;

  constructor(options: FeedTailsOptions) {
    this.#options = options;
  }

  /** Streams now. */
  get open(): number {
    return this.#tails.size;
  }

  /** Admits a caller, or returns the reject. @param query `feed`; `instruments`, separated by commas, all by default; `levels` */
  admit(query: URLSearchParams, principal: Principal, visit: Visit): FeedTailAdmission | Reject {
    const { identity, draining } = this.#options;
    if (draining()) return reject(Code.DRAINING, 'the exchange is stopping: connect again when it is back');
    const forbidden = identity.forbid(principal, 'market:read', visit);
    if (forbidden !== undefined) return forbidden;
    const levels = Number(query.get('levels') ?? 10);
    if (!LEVELS.includes(levels)) return reject(Code.BAD_PARAMETER, `levels must be one of ${LEVELS.join(', ')}`);
    const instruments = this.#wanted(query);
    if ('code' in instruments) return instruments;
    if (this.#tails.size >= MOST_STREAMS) return reject(Code.BUSY, `all ${MOST_STREAMS} streams of feeds are taken: try again later`);
    const caller = identity.open ? visit.peer : principal.subject;
    let own = 0;
    for (const other of this.#tails.values()) if (other.caller === caller) own++;
    if (own >= MOST_OF_CALLER) return reject(Code.BUSY, `${own} streams of feeds of yours are open, the most that one may have: close one`);
    const added = instruments.filter(({ row }) => !this.#topics.has(keyOf(row, levels))).length;
    if (this.#topics.size + added > MOST_TOPICS)
      return reject(
        Code.BUSY,
        `streams of feeds have ${this.#topics.size} of at most ${MOST_TOPICS} instruments: name fewer, or try later`,
      );
    return { principal, caller, instruments, levels };
  }

  /** Starts the stream of an admission that `admit` just returned. Its first messages come with the next look. */
  begin(transport: FeedTailTransport, admission: FeedTailAdmission): FeedTail {
    const topics = admission.instruments.map((wanted) => this.#topic(wanted, admission.levels));
    const tail = new FeedTail(
      transport,
      topics.map(({ topic }) => topic),
      () => this.#remove(tail, topics),
    );
    for (const { readers } of topics) readers.add(tail);
    this.#tails.set(tail, admission);
    this.#schedule(0);
    return tail;
  }

  /** Ends all streams. */
  end(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    for (const tail of [...this.#tails.keys()]) tail.end();
  }

  #wanted(query: URLSearchParams): Wanted[] | Reject {
    const { feeds } = this.#options;
    const feed = query.get('feed') ?? '';
    const source = feeds?.status().findIndex(({ name }) => name === feed) ?? -1;
    if (feeds === undefined || source === -1)
      return reject(Code.BAD_PARAMETER, `there is no feed ${JSON.stringify(feed)}; GET /v1/feeds lists them`);
    const named = query.get('instruments');
    const names = named === null ? namesOf(feeds, source) : [...new Set(named.split(','))];
    if (names.length > MOST_INSTRUMENTS)
      return reject(Code.BAD_PARAMETER, `${names.length} instruments: name at most ${MOST_INSTRUMENTS} of the feed, as instruments=A,B`);
    const wanted = names.map((instrument) => ({ feed, source, instrument, row: feeds.latest.find(source, instrument) }));
    const unknown = wanted.find(({ row }) => row === -1);
    if (unknown !== undefined)
      return reject(
        Code.BAD_PARAMETER,
        `the feed has no instrument ${JSON.stringify(unknown.instrument)}; GET /v1/feeds/NAME shows those it has`,
      );
    return wanted.length > 0 ? wanted : reject(Code.BAD_PARAMETER, 'the feed has no instrument yet');
  }

  #topic({ feed, source, instrument, row }: Wanted, levels: number): ReadTopic {
    const key = keyOf(row, levels);
    const known = this.#topics.get(key);
    if (known !== undefined) return known;
    const topic = { topic: new FeedTailTopic(feed, source, instrument, row, levels), readers: new Set<FeedTail>(), version: -1 };
    const values = new LatestValues();
    this.#options.feeds?.latest.read(row, values);
    topic.topic.scale(values.priceDecimals, values.quantityDecimals);
    this.#topics.set(key, topic);
    this.#ofRow.set(row, [...(this.#ofRow.get(row) ?? []), topic]);
    return topic;
  }

  #remove(tail: FeedTail, topics: readonly ReadTopic[]): void {
    this.#tails.delete(tail);
    for (const read of topics) {
      const { readers, topic } = read;
      readers.delete(tail);
      if (readers.size > 0) continue;
      this.#topics.delete(keyOf(topic.row, topic.levels));
      const others = (this.#ofRow.get(topic.row) ?? []).filter((other) => other !== read);
      if (others.length === 0) this.#ofRow.delete(topic.row);
      else this.#ofRow.set(topic.row, others);
    }
    if (this.#topics.size > 0) return;
    // The next reader begins with what is new then.
    this.#reader = undefined;
    clearTimeout(this.#timer);
  }

  #schedule(ms: number): void {
    if (this.#isLooking || this.#stopped || this.#topics.size === 0) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#look(), ms);
  }

  async #look(): Promise<void> {
    const { feeds, everyMs = EVERY_MS } = this.#options;
    this.#isLooking = true;
    try {
      this.#watch();
      if (feeds !== undefined) {
        this.#readTrades(feeds);
        await this.#readBooks(feeds);
      }
    } finally {
      this.#isLooking = false;
      this.#schedule(everyMs);
    }
  }

  /** Cuts readers that are late, and those whose credentials have expired. */
  #watch(): void {
    const now = performance.now();
    const { lateMs = LATE_MS } = this.#options;
    for (const [tail, { principal }] of [...this.#tails]) {
      if (principal.expiresAt <= Date.now()) tail.cut(expired);
      else if (tail.waitingMs(now) > lateMs) tail.cut(late);
    }
  }

  #readTrades(feeds: Pick<Feeds, 'reader'>): void {
    this.#reader ??= feeds.reader({ from: 'newest', limit: POLL });
    const reader = this.#reader;
    for (let polls = 0; polls < MOST_POLLS; polls++) {
      const count = reader.poll();
      if (reader.missed > 0) for (const { topic } of this.#topics.values()) topic.missed(reader.missed);
      for (let i = 0; i < count; i++) {
        const record = reader.at(i);
        const { kind, instrument } = record;
        if (kind !== RecordKind.trade && kind !== RecordKind.scale) continue;
        for (const { topic } of this.#ofRow.get(instrument) ?? [])
          if (kind === RecordKind.trade) topic.trade(record);
          else topic.scale(record.a, record.b);
      }
      if (count < POLL) return;
    }
  }

  /** Reads what has changed, as many books as one look may, and sends it. */
  async #readBooks(feeds: Pick<Feeds, 'latest' | 'views'>): Promise<void> {
    const all = [...this.#topics.values()];
    const changed: ReadTopic[] = [];
    for (let i = 0; i < all.length && changed.length < MOST_VIEWS; i++) {
      const read = all[(this.#turn + i) % all.length];
      const version = feeds.latest.read(read.topic.row, read.topic.values);
      if (version === read.version) continue;
      read.version = version;
      changed.push(read);
    }
    this.#turn = all.length === 0 ? 0 : (this.#turn + Math.max(1, changed.length)) % all.length;
    const views = changed.length === 0 ? [] : await this.#ask(feeds, changed);
    const viewOf = new Map(changed.map((read, i) => [read, views[i]]));
    for (const read of all) {
      const view = viewOf.get(read);
      // Its adapter is not there yet.
      if (view === undefined && viewOf.has(read)) read.version = -1;
      this.#send(read, viewOf.has(read) || read.topic.hasNews ? read.topic.update(view) : '');
    }
  }

  async #ask(feeds: Pick<Feeds, 'views'>, changed: readonly ReadTopic[]): Promise<readonly (BookView | undefined)[]> {
    try {
      return await feeds.views(Int32Array.from(changed.flatMap(({ topic: { source, row, levels } }) => [source, row, levels])));
    } catch (error) {
      if (!(error instanceof FeedsBusyError)) throw error;
      // The next look asks again.
      return [];
    }
  }

  #send({ topic, readers }: ReadTopic, update: string | undefined): void {
    if (!topic.isLoaded) return;
    for (const tail of readers) tail.send(topic, update);
  }
}

/** One reader. */
export class FeedTail {
  readonly #transport: FeedTailTransport;
  readonly #onGone: () => void;
  /** Topics that it needs a snapshot of, and how many of their updates it did not get. */
  readonly #behind: Map<FeedTailTopic, number>;
  /** Since when the transport has not passed on what was written, ms; 0: it has. */
  #waitingSince = 0;
  #open = true;

  constructor(transport: FeedTailTransport, topics: readonly FeedTailTopic[], onGone: () => void) {
    this.#transport = transport;
    this.#onGone = onGone;
    this.#behind = new Map(topics.map((topic) => [topic, 0]));
  }

  /** Sends what has changed. @param update '' if nothing has; undefined: a snapshot is needed */
  send(topic: FeedTailTopic, update: string | undefined): void {
    if (!this.#open) return;
    const lost = this.#behind.get(topic) ?? 0;
    if (this.#waitingSince !== 0) {
      if (update !== '') this.#behind.set(topic, lost + 1);
    } else if (update === undefined || this.#behind.has(topic)) this.#snapshot(topic, lost);
    else if (update !== '') this.#write(update);
  }

  /** Call when the transport has passed on what was written. */
  onWritten(): void {
    this.#waitingSince = 0;
    for (const topic of [...this.#behind.keys()]) {
      if (this.#waitingSince !== 0 || !this.#open) return;
      if (topic.isLoaded) this.#snapshot(topic, this.#behind.get(topic) ?? 0);
    }
  }

  /** How long it has not taken what was written; 0: it has. @param now of the steady clock, ms */
  waitingMs(now: number): number {
    return this.#waitingSince === 0 ? 0 : now - this.#waitingSince;
  }

  /** Call when the reader has left. */
  leave(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#onGone();
  }

  end(): void {
    if (this.#open) this.#transport.end();
    this.leave();
  }

  cut(why: Reject): void {
    if (this.#open) this.#transport.fail(why);
    this.leave();
  }

  #snapshot(topic: FeedTailTopic, lost: number): void {
    this.#behind.delete(topic);
    this.#write(topic.snapshot(lost));
  }

  #write(text: string): void {
    if (!this.#transport.write(text) && this.#waitingSince === 0) this.#waitingSince = performance.now();
  }
}

function keyOf(row: number, levels: number): string {
  return `${row}/${levels}`;
}

function namesOf({ latest }: Pick<Feeds, 'latest'>, source: number): string[] {
  const names: string[] = [];
  const values = new LatestValues();
  for (let row = 0; row < latest.rows; row++) {
    latest.read(row, values);
    if (values.source === source) names.push(latest.name(row));
  }
  return names;
}

const expired = reject(Code.UNAUTHENTICATED, 'the credentials of this stream have expired: connect again with new ones');
const late = reject(Code.BUSY, 'slow reader: messages were not read in time: read faster, or name fewer instruments');
