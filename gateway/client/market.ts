import { CHANNEL_NAMES, CHANNELS, type ChannelName } from '../../engine/wire/channels/channels.ts';
import { MarketOp } from '../../engine/wire/layout.ts';
import { CANDLE_INTERVALS, type CandleInterval } from '../../feeds/analysis/candles.ts';
import { OpenbellError } from './errors.ts';
import { checkOptions, type Options } from './known-options.ts';
import { BOOK_DEPTHS, type BookChannel, type BookDepth, LocalBook, LocalOrderBook } from './local-book.ts';
import { carriesState, type MarketFrameView, type UpdateOf } from './market-decode.ts';
import { MarketSocket, type MarketSocketOptions } from './market-socket.ts';
import { type Item, MarketStream, type StreamChannel, type StreamOptions, type TradeStreamOptions } from './market-stream.ts';
import { isCandle, SeenCandles } from './seen-candles.ts';
import type { SymbolCatalog } from './symbols.ts';

export interface MarketOptions extends MarketSocketOptions {
  readonly symbols: SymbolCatalog;
}

type FrameListener = (frame: MarketFrameView) => void;

const STREAM_OPTIONS: Options<StreamOptions<StreamChannel>> = { onItem: true, onGap: true, after: true, onLost: true, limit: true };
const TRADE_OPTIONS: Options<TradeStreamOptions> = { ...STREAM_OPTIONS, last: true };
/** Of the exchange. */
const MOST_LAST_TRADES = 100;

export interface BookOptions {
  /** Only the best levels of each side: 5, 10, 20 or 50. Default: all levels. */
  readonly depth?: BookDepth;
}

/** One channel of one symbol (id 0 = every symbol) with at least one listener. */
interface Topic {
  readonly channel: ChannelName;
  readonly id: number;
  readonly listeners: Set<FrameListener>;
  /** Trades that its snapshots have, at most: the highest number that a stream wanted. */
  last: number;
  /** Called when the connection is lost; `final`: without a reconnect. */
  readonly lost: Set<(error: OpenbellError, final: boolean) => void>;
  /** Callers that wait for the answer to the subscription. */
  readonly waiters: Set<Pending>;
}

/** A caller that waits for an answer. */
interface Pending {
  readonly ping?: boolean;
  readonly resolve: () => void;
  readonly reject: (error: OpenbellError) => void;
}

/**
 * Market data of an exchange over one WebSocket. Connects on first use.
 * Reconnects and subscribes again when the connection is lost.
 */
export class MarketClient {
  readonly #symbols: SymbolCatalog;
  readonly #socket: MarketSocket;
  readonly #topics = new Map<string, Topic>();
  readonly #books = new Map<string, Promise<LocalBook | LocalOrderBook>>();
  /** Functions that end the open streams. */
  readonly #streams = new Set<() => void>();
  readonly #pending = new Map<number, Pending>();
  #tag = 0;
  #closed = false;

  constructor(options: MarketOptions) {
    this.#symbols = options.symbols;
    this.#socket = new MarketSocket(options, {
      onOpen: () => {
        for (const topic of this.#topics.values()) this.#sendSubscription(topic);
      },
      onFrame: (frame) => this.#frame(frame),
      onLost: (error, final) => this.#lost(error, final),
    });
  }

  /** Number of reconnects. */
  get reconnects(): number {
    return this.#socket.reconnects;
  }

  /**
   * The live price levels of a symbol; resolves with the first snapshot. Further calls with the same depth return the same book.
   * @throws OpenbellError BAD_OPTION, UNKNOWN_SYMBOL, CONNECTION_LOST
   */
  async book(symbol: string | number, options: BookOptions = {}): Promise<LocalBook> {
    checkOptions('book', options, { depth: true });
    const { depth } = options;
    if (depth !== undefined && !BOOK_DEPTHS.includes(depth))
      throw new OpenbellError('BAD_OPTION', `depth: ${String(depth)} is not one of ${BOOK_DEPTHS.join(', ')}`);
    return this.#live(levelsOf(depth), symbol, (name) => new LocalBook(name, depth));
  }

  /** The live resting orders of a symbol; resolves with the first snapshot. */
  orderBook(symbol: string | number): Promise<LocalOrderBook> {
    return this.#live('book-l3', symbol, (name) => new LocalOrderBook(name));
  }

  /** @param symbol name, id, or `*` for every symbol @throws OpenbellError BAD_OPTION, UNKNOWN_SYMBOL, CONNECTION_LOST */
  async trades(symbol: string | number, options: TradeStreamOptions = {}): Promise<MarketStream<'trades'>> {
    checkOptions('trades', options, TRADE_OPTIONS);
    const { last, ...rest } = options;
    if (last !== undefined && !(Number.isInteger(last) && last >= 1 && last <= MOST_LAST_TRADES))
      throw new OpenbellError('BAD_OPTION', `last: ${String(last)} is not a whole number from 1 to ${MOST_LAST_TRADES}`);
    return this.#stream('trades', symbol, rest, last);
  }

  /** What a symbol traded in the last 24 hours, with best bid and offer: the present state, then about once a second if it has changed. */
  ticker(symbol: string | number, options: StreamOptions<'ticker'> = {}): Promise<MarketStream<'ticker'>> {
    return this.#stream('ticker', symbol, options);
  }

  /** Best bid and offer, beginning with the current one. */
  bbo(symbol: string | number, options: StreamOptions<'bbo'> = {}): Promise<MarketStream<'bbo'>> {
    return this.#stream('bbo', symbol, options);
  }

  /** Trading phase and auction indication, beginning with the current ones. */
  status(symbol: string | number, options: StreamOptions<'status'> = {}): Promise<MarketStream<'status'>> {
    return this.#stream('status', symbol, options);
  }

  /**
   * Candles of one interval, beginning with the last closed one and the forming one, which is repeated in each new state.
   * Each is `closed` once, over reconnects too. A candle closes by the time of the exchange's commands.
   */
  candles<I extends CandleInterval>(
    symbol: string | number,
    interval: I,
    options: StreamOptions<`candles-${I}`> = {},
  ): Promise<MarketStream<`candles-${I}`>> {
    const channel = `candles-${interval}` as const;
    if (!CHANNEL_NAMES.includes(channel))
      throw new OpenbellError('BAD_INTERVAL', `there are no candles of ${String(interval)}: use ${CANDLE_INTERVALS.join(', ')}`);
    return this.#stream(channel, symbol, options);
  }

  /** Ends the subscription of a book, which keeps its last state. */
  async release(book: LocalBook | LocalOrderBook): Promise<void> {
    const id = await this.#id(book.symbol);
    const key = keyOf(book instanceof LocalOrderBook ? 'book-l3' : levelsOf(book.depth), id);
    const topic = this.#topics.get(key);
    this.#books.delete(key);
    if (topic !== undefined) this.#drop(topic);
  }

  /** Resolves when the exchange has answered a ping: everything it sent before has been applied. */
  ping(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#socket.isOpen) this.#socket.send(MarketOp.Ping, 'book', 0, '*', this.#await({ resolve, reject, ping: true }));
      else reject(new OpenbellError('CONNECTION_LOST', 'there is no market data connection: subscribe to something first'));
    });
  }

  /** Closes. Books keep their last state, streams end. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#lost(closed(), true);
    this.#topics.clear();
    for (const end of [...this.#streams]) end();
    await this.#socket.close();
  }

  async #live<B extends LocalBook | LocalOrderBook>(
    channel: BookChannel,
    symbol: string | number,
    make: (symbol: string | number) => B,
  ): Promise<B> {
    const id = await this.#id(symbol);
    const key = keyOf(channel, id);
    const known = this.#books.get(key);
    if (known !== undefined) return known as Promise<B>;
    const book = make(symbol);
    const { promise, resolve, reject } = Promise.withResolvers<B>();
    this.#books.set(key, promise);
    const topic = this.#topic(channel, id);
    const giveUp = (error: unknown): void => {
      if (this.#books.get(key) === promise) this.#books.delete(key);
      if (this.#topics.get(key) === topic) this.#topics.delete(key);
      reject(error);
    };
    topic.lost.add((error, final) => {
      book.lost();
      // The subscription may be answered before the snapshot has arrived.
      if (final) giveUp(error);
    });
    topic.listeners.add((frame) => {
      const applied = (book as { apply(frame: MarketFrameView): string }).apply(frame);
      if (applied === 'gap') this.#request(MarketOp.Resnapshot, topic);
      else if (frame.kind === 'snapshot') resolve(book);
    });
    this.#subscribe(topic).catch(giveUp);
    return promise;
  }

  /** @param last updates before the beginning that the stream begins with, at most, of each symbol */
  async #stream<C extends StreamChannel>(
    channel: C,
    symbol: string | number,
    options: StreamOptions<C>,
    last = 0,
  ): Promise<MarketStream<C>> {
    checkOptions(channel, options, STREAM_OPTIONS);
    const id = await this.#id(symbol);
    const topic = this.#topic(channel, id);
    topic.last = Math.max(topic.last, last);
    const { snapshotHasUpdates } = CHANNELS[CHANNEL_NAMES.indexOf(channel)];
    const candles = new SeenCandles();
    /** Number of the last update seen, by symbol. */
    const numbers = new Map<string, number>();
    /** Symbols of which a snapshot has come. */
    const started = new Set<string>();
    if (options.after !== undefined && id !== 0) numbers.set(this.#nameOf(id), options.after);
    const { onLost } = options;
    /** A stream that begins with the past begins with the snapshots of its own subscription. */
    let subscribed = last === 0;
    /** A snapshot states the number that the stream begins after. */
    const begun = Promise.withResolvers<void>();
    begun.promise.catch(() => undefined);
    const lost = (error: OpenbellError, final: boolean) => {
      if (final) begun.reject(error);
      onLost?.(error, final);
    };
    const stream = new MarketStream<C>(options, () => {
      topic.listeners.delete(listen);
      topic.lost.delete(lost);
      this.#streams.delete(end);
      if (topic.listeners.size === 0) this.#drop(topic);
    });
    const end = () => stream.close();
    const listen: FrameListener = (frame) => {
      const name = this.#nameOf(frame.symbol);
      const { kind, firstNo } = frame;
      let updates = frame.updates as readonly UpdateOf[C][];
      const seen = numbers.get(name);
      if (!subscribed || (last !== 0 && kind !== 'snapshot' && !started.has(name))) return;
      numbers.set(name, kind === 'snapshot' ? firstNo : firstNo + updates.length - 1);
      if (kind === 'snapshot') begun.resolve();
      if (!snapshotHasUpdates) {
        // Those of a snapshot are the last ones up to its number; the history has what is before them.
        if (kind === 'snapshot') {
          const wanted = seen === undefined || !started.has(name) ? Math.min(last, firstNo - (seen ?? 0)) : firstNo - seen;
          updates = wanted > 0 ? updates.slice(-wanted) : [];
          started.add(name);
        }
        const first = kind === 'snapshot' ? firstNo - updates.length + 1 : firstNo;
        if (seen !== undefined && first > seen + 1) stream.gap(name, seen + 1, first - 1);
      }
      for (const update of updates) {
        const item = { ...update, symbol: name } as Item<C>;
        if (!isCandle(item) || candles.isNew(name, item, stream)) stream.push(item);
      }
    };
    topic.listeners.add(listen);
    topic.lost.add(lost);
    this.#streams.add(end);
    try {
      await this.#subscribe(topic, () => {
        subscribed = true;
      });
      // What happens before the snapshot is only in its number; a caller who has the stream gets each later update.
      if (id !== 0) await begun.promise;
    } catch (error) {
      stream.close();
      throw error;
    }
    return stream;
  }

  #topic(channel: ChannelName, id: number): Topic {
    const key = keyOf(channel, id);
    let topic = this.#topics.get(key);
    if (topic === undefined) {
      topic = { channel, id, listeners: new Set(), last: 0, lost: new Set(), waiters: new Set() };
      this.#topics.set(key, topic);
    }
    return topic;
  }

  /** @param onAnswer called before the next frame */
  #subscribe(topic: Topic, onAnswer: () => void = () => undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      // No connection will answer it.
      if (this.#closed) return reject(closed());
      const answered = (): void => {
        onAnswer();
        resolve();
      };
      topic.waiters.add({ resolve: answered, reject });
      if (this.#socket.isOpen) this.#sendSubscription(topic);
      else this.#socket.connect();
    });
  }

  /** Sends the subscription; the answer goes to all callers that wait now and still do then. */
  #sendSubscription(topic: Topic): void {
    const waiting = [...topic.waiters];
    const tag = this.#await({
      resolve: () => {
        for (const waiter of waiting) if (topic.waiters.delete(waiter)) waiter.resolve();
      },
      reject: (error) => {
        for (const waiter of waiting) if (topic.waiters.delete(waiter)) waiter.reject(error);
      },
    });
    this.#request(MarketOp.Subscribe, topic, tag);
  }

  #lost(error: OpenbellError, final: boolean): void {
    for (const topic of this.#topics.values()) {
      for (const lost of topic.lost) lost(error, final);
      if (!final) continue;
      for (const waiter of topic.waiters) waiter.reject(error);
      topic.waiters.clear();
    }
    // Subscriptions are sent again after a reconnect; a ping is not.
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject, ping } of pending) if (ping || final) reject(error);
  }

  #await(pending: Pending): number {
    this.#tag = (this.#tag + 1) >>> 0 || 1;
    this.#pending.set(this.#tag, pending);
    return this.#tag;
  }

  #drop(topic: Topic): void {
    if (!this.#topics.delete(keyOf(topic.channel, topic.id))) return;
    const every = this.#topics.get(keyOf(topic.channel, 0));
    // The exchange would remove this symbol from the subscription to all symbols.
    if (topic.id !== 0 && every !== undefined) return;
    this.#request(MarketOp.Unsubscribe, topic);
    if (topic.id !== 0) return;
    for (const other of this.#topics.values()) if (other.channel === topic.channel) this.#request(MarketOp.Subscribe, other);
  }

  #request(op: number, topic: Topic, tag = 0): void {
    const name = topic.id === 0 ? '*' : (this.#symbols.get(topic.id)?.name ?? '');
    this.#socket.send(op, topic.channel, topic.id, name, tag, op === MarketOp.Subscribe ? topic.last : 0);
  }

  #frame(frame: MarketFrameView): void {
    if (carriesState(frame)) {
      const id = this.#idOf(frame.symbol);
      this.#dispatch(this.#topics.get(keyOf(frame.channel, id)), frame);
      this.#dispatch(this.#topics.get(keyOf(frame.channel, 0)), frame);
      return;
    }
    const pending = this.#pending.get(frame.tag);
    if (frame.tag === 0 || pending === undefined) return;
    this.#pending.delete(frame.tag);
    if (frame.kind === 'refused')
      pending.reject(new OpenbellError(frame.code, `${frame.code}: the exchange rejected the subscription; see docs/CODES.md`));
    else pending.resolve();
  }

  #dispatch(topic: Topic | undefined, frame: MarketFrameView): void {
    if (topic !== undefined) for (const listener of topic.listeners) listener(frame);
  }

  async #id(symbol: string | number): Promise<number> {
    return symbol === '*' || symbol === 0 ? 0 : (await this.#symbols.find(symbol)).id;
  }

  #idOf(symbol: string | number): number {
    return typeof symbol === 'number' ? symbol : (this.#symbols.get(symbol)?.id ?? 0);
  }

  #nameOf(symbol: string | number): string {
    if (typeof symbol === 'string') return symbol;
    return this.#symbols.get(symbol)?.name ?? `#${symbol}`;
  }
}

function closed(): OpenbellError {
  return new OpenbellError('CLOSED', 'the client was closed: connect again');
}

function keyOf(channel: ChannelName, id: number): string {
  return `${channel}/${id}`;
}

function levelsOf(depth: BookDepth | undefined): Exclude<BookChannel, 'book-l3'> {
  return depth === undefined ? 'book' : `book-${depth}`;
}
