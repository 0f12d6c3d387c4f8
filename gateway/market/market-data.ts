import { Code } from '../../engine/codes.ts';
import type { RingSlots } from '../../engine/rings/ring.ts';
import { UNSCALED } from '../../engine/wire/json-bytes.ts';
import { Channel, FrameKind, MarketOp } from '../../engine/wire/layout.ts';
import { MARKET_EVENT_BYTES, MarketField } from '../../engine/wire/market-event.ts';
import { FrameArena, type FrameHead } from '../../engine/wire/market-frames.ts';
import type { Candles } from '../../feeds/analysis/candles.ts';
import { networkOf } from '../network-of.ts';
import { ENDED_BY_OPERATOR, type SessionInfo, type SessionOwner, type SessionSource } from '../session-info.ts';
import { Slices } from '../slices.ts';
import { WorkBudget, WorkBudgets, type WorkShare } from '../work-budget.ts';
import type { BookMirror } from './book-mirror.ts';
import type { MarketFormat } from './formats/format.ts';
import { LiveCandles } from './live-candles.ts';
import { MarketConnection } from './market-connection.ts';
import { MarketCounters } from './market-counters.ts';
import { FanOut, wallClockUs } from './market-fan-out.ts';
import { MarketSymbols, type SymbolNames, TICKER_TURNS } from './market-symbols.ts';
import { Pacer } from './pacer.ts';
import { type MarketHistory, PastLoader } from './past-loader.ts';
import { CloseCause, type ReaderSocket } from './reader-socket.ts';
import { RequestQueue } from './request-queue.ts';
import { DEFAULT_SLOW_READER, type SlowReaderPolicy } from './slow-reader.ts';
import type { SymbolFeed } from './symbol-feed.ts';
import { readTicker, TICKER_VALUES } from './ticker.ts';

export interface MarketDataOptions {
  /** Resting orders of the engine's shard: also the capacity of the mirrors. */
  readonly orders: number;
  /** ms between two heartbeats of a connection. Default 5000. */
  readonly heartbeatMs?: number;
  /** Default 16384. */
  readonly maxConnections?: number;
  /** Subscriptions of a connection; one to `*` counts as many as there are symbols. Default 16384. */
  readonly maxSubscriptions?: number;
  /** Malformed requests of a connection before it is cut. Default 16. */
  readonly maxFaults?: number;
  readonly slowReader?: Partial<SlowReaderPolicy>;
  /** Runs what takes long. */
  readonly slices?: Slices;
  /** Candles that were made before; default: none. */
  readonly candles?: LiveCandles;
  /** Time of the last command whose events were all published, microseconds; 0: it is not known now. Candles close by it and by the events. */
  readonly engineTimeUs?: () => number;
  /** Logs that time has passed: a candle that a reader follows has ended, or a 24-hour window has changed, and no command shows it. */
  readonly passTime?: () => void;
  /** What market data does not keep; default: there is nothing. */
  readonly history?: MarketHistory;
}

const EVENT_DOUBLES = MARKET_EVENT_BYTES / 8;
const BEATS = 10;
const SECOND_US = 1e6;
/** Requests and snapshots of the readers of one caller, together. */
const CALLER_SHARE: WorkShare = { share: 0.1, burstMs: 20 };
/** The same of one address without credentials. */
const PUBLIC_CALLER_SHARE: WorkShare = { share: 0.02, burstMs: 5 };
/** Subscriptions of a reader without credentials. */
const PUBLIC_SUBSCRIPTIONS = 256;
/** Time for requests of all of them per turn of the event loop, ms: a fifth of what the others have. */
const PUBLIC_REQUESTS_MS = 0.1;
/** Their share of the unsent bytes that another reader may have: one in so many. */
const PUBLIC_PART = 4;
/** Part of the thread's time that sending to all of them may take. */
const PUBLIC_SHARE = 0.1;
/** How often the engine's time is read for candles. */
const CANDLES_EVERY_MS = 100;
const CLOSE_GRACE_MS = 100;
/** Kind of the answer to each MarketOp; a resnapshot is answered by the snapshot itself. */
const ANSWERS = [FrameKind.Refused, FrameKind.Subscribed, FrameKind.Unsubscribed, FrameKind.None, FrameKind.Pong, FrameKind.Time] as const;
const REJECT_TEXTS = new Map<Code, string>([
  [Code.MALFORMED_FRAME, 'the message is of another kind than the subprotocol has: send text for JSON, binary messages otherwise'],
  [Code.UNKNOWN_SYMBOL, 'there is no such symbol; GET /v1/symbols lists them'],
  [Code.BAD_SUBSCRIPTION, 'there is no such subscription, or there are too many'],
]);
const GOING_AWAY = 'the exchange is stopping';
const EXPIRED = 'UNAUTHENTICATED: the credentials have expired: connect again with new ones';
const SHED = 'BUSY: readers without credentials are disconnected first: connect again later, or with a token';
const TOO_MANY = 'slow reader: too many requests at once';
const NOT_READING = 'slow reader: sends requests and does not read the answers, or too many pings';

/**
 * Market data: mirrors every book from the market events and publishes it to
 * the readers that an endpoint opens here, see docs/MARKET-DATA.md. Lives on
 * the I/O thread; no request of a reader makes it block or throw.
 */
export class MarketData implements SessionSource {
  readonly kind = 'market-data';
  readonly counters = new MarketCounters();
  readonly #options: Required<Omit<MarketDataOptions, 'slowReader' | 'slices' | 'candles' | 'engineTimeUs' | 'passTime' | 'history'>>;
  readonly #policy: SlowReaderPolicy;
  readonly #candles: LiveCandles;
  readonly #engineTimeUs: () => number;
  readonly #passTime: () => void;
  /** Before it no candle ends. */
  #nextSecondUs = 0;
  #timing: NodeJS.Timeout | undefined;
  /** Of the newest event. */
  #timeUs = 0;
  readonly #symbols: MarketSymbols;
  readonly #fanOut: FanOut;
  readonly #past: PastLoader;
  #tickerTurn = 0;
  readonly #pacer: Pacer<MarketConnection>;
  readonly #nowUs: () => number;
  readonly #requests: RequestQueue<MarketConnection>;
  readonly #publicRequests: RequestQueue<MarketConnection>;
  /** Readers without credentials, oldest first. */
  readonly #public = new Set<MarketConnection>();
  readonly #budgets = new WorkBudgets(CALLER_SHARE);
  readonly #publicBudgets = new WorkBudgets(PUBLIC_CALLER_SHARE);
  #publicMs = 0;
  #tickedAt = 0;
  /** In BEATS groups, so that heartbeats of many connections do not go out in one burst. */
  readonly #connections: Set<MarketConnection>[] = Array.from({ length: BEATS }, () => new Set());
  /** The same by number, in the order of opening. */
  readonly #readers = new Map<number, MarketConnection>();
  #timer: NodeJS.Timeout | undefined;
  #beat = 0;
  #stopping = false;
  readonly #answers = new FrameArena(1024);
  readonly #answer: FrameHead = { kind: 0, channel: 0, symbol: 0, code: 0, tag: 0, firstNo: 0, timeUs: 0, text: '' };

  /**
   * @param names the engine's directory
   * @param nowUs the clock that stamps commands
   */
  constructor(options: MarketDataOptions, names: SymbolNames, nowUs: () => number = wallClockUs) {
    const {
      slowReader,
      slices = new Slices(),
      candles = new LiveCandles(),
      engineTimeUs = () => 0,
      passTime = () => undefined,
      history,
      ...rest
    } = options;
    this.#candles = candles;
    this.#engineTimeUs = engineTimeUs;
    this.#passTime = passTime;
    this.#options = { heartbeatMs: 5000, maxConnections: 16_384, maxSubscriptions: 16_384, maxFaults: 16, ...rest };
    this.#policy = { ...DEFAULT_SLOW_READER, ...slowReader };
    this.#nowUs = nowUs;
    this.#fanOut = new FanOut(this.counters, nowUs, slices, ({ owner }) => this.#past.want(this.#symbols.at(owner.symbol)));
    this.#past = new PastLoader(
      history,
      () => this.timeUs,
      (feed) => this.#onPast(feed),
    );
    this.#pacer = new Pacer(slices, (connection) => connection.open && this.onDrain(connection));
    const handle = (...request: [MarketConnection, Uint8Array, boolean]): boolean => {
      this.#handle(...request);
      return true;
    };
    const budgetOf = ({ budget }: MarketConnection): WorkBudget => budget;
    this.#requests = new RequestQueue({ most: this.#options.maxSubscriptions, budgetOf }, handle);
    this.#publicRequests = new RequestQueue({ most: PUBLIC_SUBSCRIPTIONS, turnMs: PUBLIC_REQUESTS_MS, budgetOf }, handle);
    this.#symbols = new MarketSymbols(names, options.orders, candles, (connection) => this.#fanOut.wait(connection));
  }

  /** Starts heartbeats and the checks for slow readers. */
  start(): void {
    this.#timing = setInterval(() => this.#time(), CANDLES_EVERY_MS);
    this.#timer = setInterval(() => this.#tick(), Math.max(1, Math.floor(this.#options.heartbeatMs / BEATS)));
  }

  /** The book of a symbol as of the last event, undefined when there is no such symbol. Read it before control returns to the event loop. */
  book(symbol: number): BookMirror | undefined {
    return this.#symbols.find(symbol)?.mirror;
  }

  /** Time of the engine as far as its events were published, microseconds since the epoch. */
  get timeUs(): number {
    return Math.max(this.#timeUs, this.#engineTimeUs());
  }

  /** The candles of a symbol, closed up to {@link timeUs}. Read them before control returns to the event loop. */
  candles(symbol: number): Candles {
    const { timeUs } = this;
    if (this.#closeCandles(timeUs)) this.#fanOut.flush();
    const candles = this.#candles.of(symbol);
    // A symbol without an event since the start has no readers yet.
    if (this.#symbols.find(symbol) === undefined) candles.advance(timeUs);
    return candles;
  }

  /**
   * The ticker of a symbol, see TickerValue.
   * @throws PastUnavailableError, and errors of the history
   */
  async ticker(symbol: number): Promise<Float64Array> {
    const feed = this.#symbols.at(symbol);
    await this.#past.load(feed);
    const { timeUs } = this;
    if (this.#closeCandles(timeUs)) this.#fanOut.flush();
    feed.past.advance(timeUs);
    const values = new Float64Array(TICKER_VALUES);
    readTicker(feed.mirror, feed.candles, feed.past, values);
    return values;
  }

  /** Orders that rest in all books, as of the last event. */
  get restingOrders(): number {
    return this.#symbols.restingOrders;
  }

  onMarketEvent(slots: RingSlots, slot: number): void {
    const feed = this.#symbols.at(slots.u32[slot * 16 + 1]);
    feed.apply(slots, slot);
    this.counters.events++;
    this.#timeUs = slots.f64[slot * EVENT_DOUBLES + MarketField.time];
    this.counters.publishLatency.note(this.#timeUs);
    if (!feed.dirty) this.#fanOut.mark(feed);
  }

  onMarketEnd(): void {
    this.#symbols.follow();
    this.#closeCandles(this.#timeUs);
    this.#fanOut.flush();
  }

  /** Closes every reader. Resolves once readers that read have had time to receive the close frame. */
  async stop(): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    clearInterval(this.#timer);
    clearInterval(this.#timing);
    this.#fanOut.stop();
    this.#past.stop();
    let open = 0;
    for (const group of this.#connections) {
      for (const connection of [...group]) {
        connection.close(CloseCause.GoingAway, GOING_AWAY);
        open++;
      }
    }
    // Readers that read get their close frame; the others are not awaited.
    if (open !== 0) await new Promise((resolve) => setTimeout(resolve, CLOSE_GRACE_MS));
  }

  /** Whether another reader may be opened; if not, a rejected connection is counted. A reader without credentials gives way to one with them. */
  hasRoom(isPublic: boolean = false): boolean {
    if (!this.#stopping && !isPublic && this.counters.connectionsNow >= this.#options.maxConnections) this.#cutPublic(1);
    if (!this.#stopping && this.counters.connectionsNow < this.#options.maxConnections) return true;
    this.counters.connectionsRejected++;
    return false;
  }

  /**
   * Opens a reader, which lives until {@link onClosed}.
   * @param expiresAt when it is to be closed, ms since the Unix epoch, or Infinity
   * @param isPublic it has shown no credentials
   */
  open(socket: ReaderSocket, format: MarketFormat, expiresAt: number, owner: SessionOwner, isPublic: boolean = false): MarketConnection {
    const { counters } = this;
    const policy = isPublic ? { ...this.#policy, softLimitBytes: this.#policy.softLimitBytes / PUBLIC_PART } : this.#policy;
    const maxSubscriptions = isPublic ? PUBLIC_SUBSCRIPTIONS : this.#options.maxSubscriptions;
    const rights = { isPublic, maxSubscriptions, budget: this.#budgetOf(owner, isPublic) };
    const onPaced = (reader: MarketConnection) => this.#pacer.add(reader);
    const group = counters.connections++ % BEATS;
    const number = counters.connections;
    const connection = new MarketConnection(socket, format, expiresAt, owner, number, group, policy, rights, counters, onPaced);
    this.#readers.set(number, connection);
    if (isPublic) {
      this.#public.add(connection);
      counters.publicNow++;
    }
    counters.connectionsNow++;
    this.#connections[connection.group].add(connection);
    if (this.#stopping) connection.close(CloseCause.GoingAway, GOING_AWAY);
    return connection;
  }

  /** Without authentication callers cannot be distinguished: each connection is one. */
  #budgetOf({ via, subject, address }: SessionOwner, isPublic: boolean): WorkBudget {
    if (isPublic) return this.#publicBudgets.of(networkOf(address));
    return via === 'open' ? new WorkBudget(CALLER_SHARE) : this.#budgets.of(subject);
  }

  /** Call when the connection has closed. */
  onClosed(connection: MarketConnection): void {
    connection.open = false;
    connection.paced.end();
    if (connection.slow.lagging) this.counters.laggingNow--;
    this.#symbols.forget(connection);
    this.#requests.forget(connection);
    this.#publicRequests.forget(connection);
    if (this.#public.delete(connection)) this.counters.publicNow--;
    this.#connections[connection.group].delete(connection);
    this.#readers.delete(connection.number);
    this.counters.connectionsNow--;
  }

  *openSessions(above: number): Generator<SessionInfo> {
    const { kind } = this;
    for (const [number, { owner, format, subscriptions, buffered, slow }] of this.#readers) {
      if (number <= above) continue;
      const shown = { format: format.binary ? 'flatbuffers' : 'json', subscriptions: subscriptions.size, bufferedBytes: buffered };
      yield { kind, number, ...owner, ...shown, slow: slow.lagging };
    }
  }

  endSession(number: number): boolean {
    const connection = this.#readers.get(number);
    connection?.close(CloseCause.ByOperator, ENDED_BY_OPERATOR);
    return connection !== undefined;
  }

  /** Call when the socket has sent some of its buffered bytes. */
  onDrain(connection: MarketConnection): void {
    const { counters } = this;
    connection.paced.resume();
    if (connection.slow.drained(connection.buffered, performance.now())) {
      counters.laggingNow--;
      counters.resyncs++;
    }
    if (connection.wants.length !== 0) this.#fanOut.wait(connection);
  }

  /**
   * Call when the transport itself sent an answer of that many bytes, which counts like other answers.
   * @param allowed false: the reader has requested too many
   */
  onAnswered(connection: MarketConnection, bytes: number, allowed: boolean = true): void {
    if (!allowed || !connection.answers(bytes)) this.#cut(connection, CloseCause.SlowReader, NOT_READING);
  }

  /** Cuts the newest readers without credentials, while sending to all of them takes more than their share of the thread. */
  #shed(now: number): void {
    const used = this.counters.publicMs - this.#publicMs;
    const share = used / Math.max(1, now - this.#tickedAt);
    this.#publicMs = this.counters.publicMs;
    this.#tickedAt = now;
    if (share > PUBLIC_SHARE) this.#cutPublic(Math.ceil(this.#public.size * (1 - PUBLIC_SHARE / share)));
  }

  #cutPublic(count: number): void {
    for (const connection of [...this.#public].slice(-count)) {
      this.counters.publicCut++;
      connection.close(CloseCause.Busy, SHED);
    }
  }

  #cut(connection: MarketConnection, cause: CloseCause, reason: string): void {
    if (!connection.open) return;
    if (cause === CloseCause.SlowReader) this.counters.cutsSlow++;
    else this.counters.cutsFaulty++;
    connection.close(cause, reason);
  }

  /** Runs every tenth of the heartbeat interval: sends heartbeats to a tenth of the connections, and cuts slow readers. */
  #tick(): void {
    this.#beat = (this.#beat + 1) % BEATS;
    const now = performance.now();
    this.#shed(now);
    // Both clocks must agree: one wrong reading must not end connections.
    const dateMs = Math.min(Date.now(), this.#nowUs() / 1000);
    this.#symbols.follow();
    for (const [group, connections] of this.#connections.entries()) {
      for (const connection of connections) {
        const verdict = connection.slow.verdict(now);
        if (verdict !== undefined) this.#cut(connection, CloseCause.SlowReader, verdict);
        else if (connection.expiresAt <= dateMs) connection.close(CloseCause.Expired, EXPIRED);
        else if (group === this.#beat && !connection.slow.lagging) this.#heartbeat(connection);
      }
    }
  }

  /** Candles also close by the time of commands that have no market event. Runs every tenth of a second, so that a ticker is sent once a second. */
  #time(): void {
    if (this.#closeCandles(this.timeUs)) this.#fanOut.flush();
    let due = false;
    this.#tickerTurn = (this.#tickerTurn + 1) % TICKER_TURNS;
    this.#symbols.advanceTickers(this.#tickerTurn, this.timeUs, (feed) => {
      due = true;
      this.#fanOut.mark(feed);
    });
    if (due) this.#fanOut.flush();
    if (this.#symbols.timeDue(this.#nowUs())) this.#passTime();
  }

  #onPast(feed: SymbolFeed): void {
    feed.past.advance(this.timeUs);
    for (const channel of [Channel.Trades, Channel.Ticker]) this.#fanOut.release(feed.channels[channel]);
  }

  /** @returns whether there is something to send */
  #closeCandles(timeUs: number): boolean {
    if (timeUs < this.#nextSecondUs) return false;
    this.#nextSecondUs = timeUs - (timeUs % SECOND_US) + SECOND_US;
    let closed = false;
    this.#symbols.advance(timeUs, (feed) => {
      closed = true;
      this.#fanOut.mark(feed);
    });
    return closed;
  }

  #heartbeat(connection: MarketConnection): void {
    this.counters.heartbeats++;
    const answer = this.#answer;
    answer.kind = FrameKind.Heartbeat;
    answer.channel = answer.symbol = answer.tag = 0;
    answer.firstNo = ++connection.heartbeats;
    this.#reply(connection, Code.OK);
    answer.firstNo = 0;
  }

  /** Takes a request of a reader, now or in a later turn of the event loop. The content is untrusted, and valid during the call only. */
  onRequest(connection: MarketConnection, bytes: Uint8Array, isBinary: boolean): void {
    const queue = connection.isPublic ? this.#publicRequests : this.#requests;
    if (!queue.take(connection, bytes, isBinary)) this.#cut(connection, CloseCause.SlowReader, TOO_MANY);
  }

  #handle(connection: MarketConnection, bytes: Uint8Array, isBinary: boolean): void {
    if (!connection.open) return;
    const answer = this.#answer;
    answer.kind = FrameKind.Refused;
    answer.channel = answer.symbol = connection.format.unread;
    answer.tag = 0;
    answer.text = '';
    let code: Code = Code.MALFORMED_FRAME;
    if (isBinary === connection.format.binary) code = this.#request(connection, bytes);
    if (code !== Code.OK) {
      this.counters.rejects++;
      answer.kind = FrameKind.Refused;
    }
    // A resnapshot is answered by the snapshot.
    if (answer.kind !== FrameKind.None) this.#reply(connection, code);
    // No correct client gets the codes before BAD_SUBSCRIPTION; docs/MARKET-DATA.md lists them.
    if (code === Code.OK || code >= Code.BAD_SUBSCRIPTION) return;
    if (++connection.faults >= this.#options.maxFaults) this.#cut(connection, CloseCause.TooManyFaults, 'too many malformed requests');
  }

  #request(connection: MarketConnection, bytes: Uint8Array): Code {
    const { code, op, channel, symbol, tag, version, last, text } = connection.format.request(bytes);
    if (version !== 0) connection.version = version;
    const id = typeof symbol === 'number' ? symbol : this.#symbols.idOf(symbol);
    const answer = this.#answer;
    answer.text = text;
    answer.tag = tag;
    answer.channel = channel;
    answer.symbol = id;
    if (code !== Code.OK) return code;
    return id === -1 ? Code.UNKNOWN_SYMBOL : this.#do(connection, op, channel, id, last);
  }

  #do(connection: MarketConnection, op: number, channel: number, symbol: number, last: number): Code {
    this.#answer.kind = ANSWERS[op];
    if (op === MarketOp.Ping || op === MarketOp.Time) return Code.OK;
    return this.#symbols.apply(connection, op, channel, symbol, last);
  }

  /** Sends the answer that has been filled in. */
  #reply(connection: MarketConnection, code: Code): void {
    const answer = this.#answer;
    answer.code = code;
    answer.timeUs = answer.kind === FrameKind.Time ? this.#nowUs() : wallClockUs();
    if (code !== Code.OK && answer.text === '') answer.text = REJECT_TEXTS.get(code) ?? '';
    this.#answers.reset();
    const frame = connection.format.frame(this.#answers, answer, { name: this.#symbols.nameOf(answer.symbol), scale: UNSCALED }, undefined);
    if (!connection.answer(frame)) this.#cut(connection, CloseCause.SlowReader, NOT_READING);
  }
}
