import { BAR_FIELDS, BarField } from '../../feeds/analysis/bar-ring.ts';
import { CANDLE_INTERVALS, CandleField, INTERVAL_US } from '../../feeds/analysis/candles.ts';
import type { BarRange } from '../../feeds/analysis/instrument-candles.ts';
import type { FeedBars } from '../../feeds/worker/feed-messages.ts';
import { type Feeds, FeedsBusyError } from '../../feeds/worker/feeds.ts';
import { feedCandleView } from '../feed-candle-view.ts';

/** The candles of one instrument of a feed in one interval. */
export interface FeedCandleTopic {
  readonly feed: string;
  /** Number of the feed. */
  readonly source: number;
  readonly instrument: string;
  /** Row of the instrument. */
  readonly row: number;
  /** Number of the interval. */
  readonly interval: number;
}

/** The last candles of a topic, also stored ones; undefined: there are none now. */
export type LastCandles = (topic: FeedCandleTopic, range: BarRange) => Promise<FeedBars | undefined>;

/** Who reads a stream. */
export interface FeedCandleReader {
  /** Whose share of the streams it takes. */
  readonly caller: string;
  /** A message as JSON. It is dropped, or its reader cut, where it cannot be taken; it never throws. */
  send(text: string): void;
}

/** Topics, and streams over all topics, at most; streams of a caller. */
const MOST_TOPICS = 256;
const MOST_STREAMS = 1024;
const MOST_OF_CALLER = 32;
/** Between two questions for what is new, ms. */
const EVERY_MS = 250;
/** Candles of one message, at most. */
const PAGE = 100;

interface Topic extends FeedCandleTopic {
  readonly readers: Set<FeedCandleReader>;
  /** The first answer has come. */
  isLoaded: boolean;
  /** Begin of the last closed candle; -1: none was seen. */
  closedUs: number;
  /** The last closed candle and the forming one, as JSON; '': there is none. */
  closed: string;
  forming: string;
}

/**
 * Live candles of outside markets: each reader gets a snapshot (the last closed candle and the forming one), then what
 * changes, each closed candle once. The feed thread is asked for a topic once for all of its readers, four times a second. I/O thread.
 */
export class FeedCandleStreams {
  readonly #feeds: Pick<Feeds, 'candles'>;
  readonly #past: LastCandles;
  readonly #topics = new Map<string, Topic>();
  readonly #ofCallers = new Map<string, number>();
  #streams = 0;
  #timer: NodeJS.Timeout | undefined;
  #isPassing = false;
  #stopped = false;

  /** @param past candles that the feed thread no longer has; by default those that it has */
  constructor(feeds: Pick<Feeds, 'candles'>, past: LastCandles = ({ source, row }, range) => feeds.candles(source, row, range)) {
    this.#feeds = feeds;
    this.#past = past;
  }

  /** Whether a stream can be added. A new topic counts, too. */
  hasRoom(topic: FeedCandleTopic, caller: string): boolean {
    if (this.#streams >= MOST_STREAMS || (this.#ofCallers.get(caller) ?? 0) >= MOST_OF_CALLER) return false;
    return this.#topics.size < MOST_TOPICS || this.#topics.has(keyOf(topic));
  }

  /** Adds a reader. @returns a function that removes it */
  add(wanted: FeedCandleTopic, reader: FeedCandleReader): () => void {
    const key = keyOf(wanted);
    let topic = this.#topics.get(key);
    if (topic === undefined) {
      topic = { ...wanted, readers: new Set(), isLoaded: false, closedUs: -1, closed: '', forming: '' };
      this.#topics.set(key, topic);
    }
    const { readers } = topic;
    readers.add(reader);
    this.#count(reader.caller, 1);
    if (topic.isLoaded) reader.send(message(topic, 'snapshot', [topic.closed, topic.forming]));
    this.#schedule(0);
    return () => {
      if (!readers.delete(reader)) return;
      this.#count(reader.caller, -1);
      if (readers.size === 0) this.#topics.delete(key);
    };
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #count(caller: string, by: number): void {
    this.#streams += by;
    const now = (this.#ofCallers.get(caller) ?? 0) + by;
    if (now === 0) this.#ofCallers.delete(caller);
    else this.#ofCallers.set(caller, now);
  }

  #schedule(ms: number): void {
    if (this.#isPassing || this.#stopped || this.#topics.size === 0) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#pass(), ms);
  }

  /** One question at a time, so that those of others wait for one of these at most. */
  async #pass(): Promise<void> {
    this.#isPassing = true;
    for (const topic of [...this.#topics.values()]) if (topic.readers.size > 0 && !this.#stopped) await this.#ask(topic);
    this.#isPassing = false;
    this.#schedule(EVERY_MS);
  }

  async #ask(topic: Topic): Promise<void> {
    const { source, row, interval, closedUs } = topic;
    const from = closedUs === -1 ? 0 : closedUs / INTERVAL_US[interval] + 1;
    const about = { interval, from, to: Number.MAX_SAFE_INTEGER };
    let answer: FeedBars | undefined;
    try {
      answer = topic.isLoaded
        ? await this.#feeds.candles(source, row, { ...about, limit: PAGE, newest: false })
        : await this.#past(topic, { ...about, limit: 2, newest: true });
    } catch (error) {
      if (!(error instanceof FeedsBusyError)) throw error;
    }
    // The next pass asks again.
    if (answer === undefined) return;
    const { bars } = answer;
    const news = take(topic, bars);
    const kind = topic.isLoaded ? 'update' : 'snapshot';
    topic.isLoaded = true;
    if (kind === 'update' && news.length === 0) return;
    const text = message(topic, kind, kind === 'update' ? news : [topic.closed, topic.forming]);
    for (const reader of topic.readers) reader.send(text);
  }
}

function keyOf({ source, row, interval }: FeedCandleTopic): string {
  return `${source}/${row}/${interval}`;
}

/** Notes candles that follow what the topic has. @returns those that are new or have changed, as JSON */
function take(topic: Topic, bars: Float64Array): string[] {
  const news: string[] = [];
  for (let at = 0; at < bars.length; at += BAR_FIELDS) {
    const text = JSON.stringify(feedCandleView(bars.subarray(at, at + BAR_FIELDS)));
    if (bars[at + BarField.closed] === 1) {
      topic.closedUs = bars[at + CandleField.start];
      topic.closed = text;
      topic.forming = '';
      news.push(text);
    } else if (text !== topic.forming) {
      topic.forming = text;
      news.push(text);
    }
  }
  return news;
}

function message({ feed, instrument, interval }: Topic, kind: 'snapshot' | 'update', candles: readonly string[]): string {
  const head = JSON.stringify({ kind, feed, instrument, interval: CANDLE_INTERVALS[interval] });
  return `${head.slice(0, -1)},"candles":[${candles.filter((text) => text !== '').join(',')}]}`;
}
