import type { CandleInterval } from '../../feeds/analysis/candles.ts';
import { authority } from './authority.ts';
import type { BarEvents, BarPage, BarSource, SeenBar } from './bar-source.ts';
import { OpenbellError } from './errors.ts';
import { FIRST_RETRY_MS, LAST_RETRY_MS } from './grpc-client.ts';
import type { HttpOptions } from './http-request.ts';
import type { FeedCandleJson, QueryClient } from './query-client.ts';

/** Where the WebSocket port of market data is. */
export interface FeedBarConnection {
  readonly host: string;
  readonly port: number;
  readonly reconnect: boolean;
  readonly http: HttpOptions;
  /** Streams that are open; each adds and removes itself. */
  readonly open: Set<{ close(): void }>;
}

export interface FeedBarsToFollow {
  readonly source: string;
  readonly instrument: string;
  readonly interval: CandleInterval;
}

/** Without a message for so long, the connection is made anew: a quiet market and a dead connection look the same, ms. */
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

  /** Resolves when the first snapshot has come. The query first: a WebSocket does not tell why it was rejected. */
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
  #ws: WebSocket | undefined;
  #idle: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;
  #retryMs = FIRST_RETRY_MS;

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
    this.#drop();
  }

  async #connect(): Promise<void> {
    let token: string | undefined;
    try {
      token = await this.#connection.http.tokens?.get();
    } catch (error) {
      return this.#lost(error as OpenbellError, false);
    }
    if (this.#isClosed) return;
    const { host, port, http } = this.#connection;
    const { source, instrument, interval } = this.#what;
    const query = new URLSearchParams({ feed: source, instrument, interval });
    const scheme = http.origin.startsWith('https:') ? 'wss' : 'ws';
    const shard = http.shard === undefined ? '' : `/shard/${http.shard}`;
    const url = `${scheme}://${authority(host, port)}${shard}/v1/feed-candles?${query}`;
    const ws = new WebSocket(url, {
      protocols: ['json', ...(token === undefined ? [] : [`openbell.bearer.${token}`])],
      ...(http.dispatcher !== undefined && { dispatcher: http.dispatcher }),
    });
    this.#ws = ws;
    this.#watch();
    ws.onmessage = ({ data }) => {
      this.#watch();
      this.#take(JSON.parse(String(data)) as Message);
    };
    const lost = (why: string, final: boolean): void => {
      if (this.#ws === ws) this.#lost(new OpenbellError('CONNECTION_LOST', `the stream of candles at ${url} was closed (${why})`), final);
    };
    ws.onclose = ({ code, reason }) => lost(reason === '' ? `code ${code}` : `code ${code}, ${reason}`, FINAL.includes(code));
    // On an open connection `close` follows with details; on a failed connect it may not.
    ws.onerror = ({ message }) => lost(message, false);
  }

  #take({ kind, candles }: Message): void {
    this.#retryMs = FIRST_RETRY_MS;
    if (kind === 'snapshot' && this.#everOpen) this.#events.onGap();
    this.#everOpen = true;
    for (const candle of candles) this.#events.onBar(barOf(candle));
    this.#first.resolve();
  }

  #watch(): void {
    clearTimeout(this.#idle);
    const silent = new OpenbellError('CONNECTION_LOST', `nothing came for ${IDLE_MS} ms`);
    this.#idle = setTimeout(() => this.#lost(silent, false), IDLE_MS).unref();
  }

  #lost(error: OpenbellError, final: boolean): void {
    this.#drop();
    if (this.#isClosed) return;
    if (final || !this.#connection.reconnect || !this.#everOpen) {
      this.close();
      if (this.#everOpen) this.#events.onLost(error, true);
      return this.#first.reject(error);
    }
    this.#connection.http.tokens?.discard();
    this.#events.onLost(error, false);
    // Jitter, so that the readers of an exchange do not all reconnect at once.
    const delay = this.#retryMs * (0.5 + Math.random());
    this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS);
    this.#retry = setTimeout(() => void this.#connect(), delay);
  }

  #drop(): void {
    clearTimeout(this.#idle);
    const ws = this.#ws;
    this.#ws = undefined;
    if (ws === undefined) return;
    ws.onmessage = ws.onclose = ws.onerror = null;
    ws.close();
  }
}

/** A closed bar is news whatever came before: after a crash of the exchange, the forming one may have fewer trades than it had. */
function barOf({ startUs, closed, open, high, low, close, volume, notional, trades }: FeedCandleJson): SeenBar {
  const [o, h, l, c] = [open, high, low, close].map(Number);
  const progress = closed ? Number.POSITIVE_INFINITY : trades;
  return { startUs, closed, open: o, high: h, low: l, close: c, volume: Number(volume), notional: Number(notional), progress };
}
