import type { CandleInterval } from '../../feeds/analysis/candles.ts';
import type { BarEvents, BarPage, BarSource, SeenBar } from './bar-source.ts';
import { OpenbellError } from './errors.ts';
import { JsonSocket, RetryDelay, type StreamConnection } from './json-socket.ts';
import type { QueryClient } from './query-client.ts';
import type { FeedCandleJson } from './query-types.ts';

export interface FeedBarConnection extends StreamConnection {
  /** Streams that are open; each adds and removes itself. */
  readonly open: Set<{ close(): void }>;
}

export interface FeedBarsToFollow {
  readonly source: string;
  readonly instrument: string;
  readonly interval: CandleInterval;
}

/** Without a message for so long, the connection is made anew, ms. */
const IDLE_MS = 120_000;
/** Close codes after which another attempt is pointless. */
const FINAL = [4003];

interface Message {
  readonly kind: 'snapshot' | 'update';
  readonly candles: readonly FeedCandleJson[];
}

/** The bars of an instrument of an outside market. */
export class FeedBars implements BarSource {
  readonly #queries: QueryClient;
  readonly #connection: FeedBarConnection;
  readonly #what: FeedBarsToFollow;

  constructor(queries: QueryClient, connection: FeedBarConnection, what: FeedBarsToFollow) {
    this.#queries = queries;
    this.#connection = connection;
    this.#what = what;
  }

  async page(range: { readonly from?: number; readonly to?: number; readonly limit: number }): Promise<BarPage> {
    const { candles, next } = await this.#queries.feedCandles({ ...this.#what, ...range });
    return { bars: candles.map(barOf), next };
  }

  /** Resolves when the first snapshot has come. The query first: the reason of a rejected WebSocket cannot be read. */
  async follow(events: BarEvents): Promise<{ close(): void }> {
    await this.page({ limit: 1 });
    const stream = new FeedBarStream(this.#connection, this.#what, events);
    await stream.opened;
    return stream;
  }
}

/** Live bars over a WebSocket that is made again when it is lost. Each snapshot after the first is reported as a gap. */
class FeedBarStream {
  readonly opened: Promise<void>;
  readonly #connection: FeedBarConnection;
  readonly #what: FeedBarsToFollow;
  readonly #events: BarEvents;
  readonly #first = Promise.withResolvers<void>();
  #everOpen = false;
  #isClosed = false;
  readonly #delay = new RetryDelay();
  #socket: JsonSocket | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;

  constructor(connection: FeedBarConnection, what: FeedBarsToFollow, events: BarEvents) {
    this.#connection = connection;
    this.#what = what;
    this.#events = events;
    this.opened = this.#first.promise;
    connection.open.add(this);
    void this.#connect();
  }

  close(): void {
    this.#isClosed = true;
    this.#connection.open.delete(this);
    clearTimeout(this.#retry);
    this.#socket?.close();
  }

  async #connect(): Promise<void> {
    let token: string | undefined;
    try {
      token = await this.#connection.http.tokens?.get();
    } catch (error) {
      return this.#lost(error as OpenbellError, false);
    }
    if (this.#isClosed) return;
    const { source, instrument, interval } = this.#what;
    const query = new URLSearchParams({ feed: source, instrument, interval });
    const socket = new JsonSocket(this.#connection, `/v1/feed-candles?${query}`, token, IDLE_MS, {
      onMessage: (message) => this.#take(message as Message),
      onLost: (why, code) => {
        const error = new OpenbellError('CONNECTION_LOST', `the stream of candles at ${socket.url} was closed (${why})`);
        this.#lost(error, FINAL.includes(code));
      },
    });
    this.#socket = socket;
  }

  #take({ kind, candles }: Message): void {
    this.#delay.reset();
    if (kind === 'snapshot' && this.#everOpen) this.#events.onGap();
    this.#everOpen = true;
    for (const candle of candles) this.#events.onBar(barOf(candle));
    this.#first.resolve();
  }

  #lost(error: OpenbellError, final: boolean): void {
    if (this.#isClosed) return;
    if (final || !this.#connection.reconnect || !this.#everOpen) {
      this.close();
      if (this.#everOpen) this.#events.onLost(error, true);
      return this.#first.reject(error);
    }
    this.#connection.http.tokens?.discard();
    this.#events.onLost(error, false);
    this.#retry = setTimeout(() => void this.#connect(), this.#delay.next());
  }
}

/** A closed bar is news whatever came before: after a crash of the exchange, the forming one may have fewer trades than it had. */
function barOf({ startUs, closed, open, high, low, close, volume, notional, trades }: FeedCandleJson): SeenBar {
  const [o, h, l, c] = [open, high, low, close].map(Number);
  const progress = closed ? Number.POSITIVE_INFINITY : trades;
  return { startUs, closed, open: o, high: h, low: l, close: c, volume: Number(volume), notional: Number(notional), progress };
}
