import type * as uWS from 'uWebSockets.js';
import { fail } from '../../engine/assert.ts';
import { Code } from '../../engine/codes.ts';
import type { RingSlots } from '../../engine/rings/ring.ts';
import { FrameKind, MarketOp } from '../../engine/wire/layout.ts';
import { MARKET_EVENT_BYTES, MarketField } from '../../engine/wire/market-event.ts';
import { FrameArena, type FrameHead } from '../../engine/wire/market-frames.ts';
import { askWho, STATUS } from '../endpoints/websocket/socket-door.ts';
import { SocketServer } from '../endpoints/websocket/socket-server.ts';
import type { Identity } from '../identity/identity.ts';
import type { BookMirror } from './book-mirror.ts';
import { chooseFormat } from './formats/formats.ts';
import { CloseCode, MarketConnection, type SocketUser } from './market-connection.ts';
import { MarketCounters } from './market-counters.ts';
import { FanOut, wallClockUs } from './market-fan-out.ts';
import { MarketSymbols, type SymbolNames } from './market-symbols.ts';
import { DEFAULT_SLOW_READER, type SlowReaderPolicy } from './slow-reader.ts';

export interface MarketDataOptions {
  /** Resting orders of the engine's shard: the mirrors hold as many. */
  readonly orders: number;
  readonly identity: Identity;
  /** ms between two heartbeats of a connection. Default 5000. */
  readonly heartbeatMs?: number;
  /** Default 16384. */
  readonly maxConnections?: number;
  /** Subscriptions of a connection; one to `*` counts as many as there are symbols. Default 16384. */
  readonly maxSubscriptions?: number;
  /** Bytes of a request; a longer one cuts the connection. Default 4096. */
  readonly maxRequestBytes?: number;
  /** Malformed requests of a connection before it is cut. Default 16. */
  readonly maxFaults?: number;
  readonly slowReader?: Partial<SlowReaderPolicy>;
}

const EVENT_DOUBLES = MARKET_EVENT_BYTES / 8;
const BEATS = 10;
/** A peer that answers no protocol ping for so long is gone. Seconds. */
const IDLE_SECONDS = 32;
const CLOSE_GRACE_MS = 100;
/** Kind of the answer to each MarketOp; a resnapshot is answered by the snapshot itself. */
const ANSWERS = [FrameKind.Refused, FrameKind.Subscribed, FrameKind.Unsubscribed, FrameKind.None, FrameKind.Pong] as const;
const GOING_AWAY = 'the exchange stops';
const EXPIRED = 'UNAUTHENTICATED: the credentials have expired: connect again with new ones';
const NOT_READING = 'slow reader: asks and does not read the answers';

/**
 * The WebSocket side of the exchange: mirrors every book from the market
 * events and publishes it, see docs/MARKET-DATA.md. Lives on the I/O thread;
 * nothing in it blocks or throws on what a peer sends.
 */
export class MarketData {
  readonly counters = new MarketCounters();
  readonly #options: Required<Omit<MarketDataOptions, 'slowReader'>>;
  readonly #policy: SlowReaderPolicy;
  readonly #symbols: MarketSymbols;
  readonly #fanOut: FanOut;
  /** In BEATS groups, so that heartbeats of many connections do not go out in one burst. */
  readonly #connections: Set<MarketConnection>[] = Array.from({ length: BEATS }, () => new Set());
  /** Others may serve paths of their own on the same port. */
  readonly sockets: SocketServer;
  #timer: NodeJS.Timeout | undefined;
  #beat = 0;
  #stopping = false;
  readonly #answers = new FrameArena(1024);
  readonly #answer: FrameHead = { kind: 0, channel: 0, symbol: 0, code: 0, tag: 0, firstNo: 0, timeUs: 0 };

  /**
   * @param names the engine's directory
   * @param nowUs the clock that stamps commands
   * @param sockets the port, not listening yet
   */
  constructor(
    options: MarketDataOptions,
    names: SymbolNames,
    nowUs: () => number = wallClockUs,
    sockets: SocketServer = new SocketServer(),
  ) {
    const { slowReader, ...rest } = options;
    this.#options = { heartbeatMs: 5000, maxConnections: 16_384, maxSubscriptions: 16_384, maxRequestBytes: 4096, maxFaults: 16, ...rest };
    this.#policy = { ...DEFAULT_SLOW_READER, ...slowReader };
    this.#fanOut = new FanOut(this.counters, nowUs);
    this.#symbols = new MarketSymbols(names, options.orders, this.#options.maxSubscriptions, (connection) => this.#fanOut.wait(connection));
    this.sockets = sockets;
    this.#serve();
  }

  /**
   * Listens; port 0 takes a free one.
   * @returns the port
   * @throws Error with code EADDRINUSE when the port is taken
   */
  async listen(host: string, port: number): Promise<number> {
    const taken = this.sockets.listen(host, port);
    this.#timer = setInterval(() => this.#tick(), Math.max(1, Math.floor(this.#options.heartbeatMs / BEATS)));
    return taken;
  }

  /** The book of a symbol as of the last event, undefined when there is no such symbol. Read it before control returns to the event loop. */
  book(symbol: number): BookMirror | undefined {
    return this.#symbols.find(symbol)?.mirror;
  }

  onMarketEvent(slots: RingSlots, slot: number): void {
    const feed = this.#symbols.at(slots.u32[slot * 16 + 1]);
    feed.apply(slots, slot);
    this.counters.events++;
    this.counters.publishLatency.note(slots.f64[slot * EVENT_DOUBLES + MarketField.time]);
    if (!feed.dirty) this.#fanOut.mark(feed);
  }

  onMarketEnd(): void {
    this.#symbols.follow();
    this.#fanOut.flush();
  }

  /** Says 1001 to every reader and closes. Resolves when the sockets are closed. */
  async stop(): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    clearInterval(this.#timer);
    this.#fanOut.stop();
    this.sockets.closeListening();
    let open = 0;
    for (const group of this.#connections) {
      for (const connection of [...group]) {
        connection.close(CloseCode.GoingAway, GOING_AWAY);
        open++;
      }
    }
    // Those who read get their close frame; the others are not waited for.
    if (open !== 0) await new Promise((resolve) => setTimeout(resolve, CLOSE_GRACE_MS));
    this.sockets.close();
  }

  #serve(): void {
    this.sockets.ws<SocketUser>('/*', {
      compression: 0,
      maxPayloadLength: this.#options.maxRequestBytes,
      // Our own limits look at each send; a second limit below them would drop frames in silence.
      maxBackpressure: 0,
      idleTimeout: IDLE_SECONDS,
      sendPingsAutomatically: true,
      upgrade: (res, req, context) => this.#upgrade(res, req, context),
      open: (ws) => this.#open(ws),
      message: (ws, message, isBinary) => this.#message(connectionOf(ws), new Uint8Array(message), isBinary),
      drain: (ws) => this.#drain(connectionOf(ws)),
      // uWebSockets.js answers a ping by itself; the pong counts like any answer.
      ping: (ws, message) => {
        const connection = connectionOf(ws);
        if (!connection.answers(message.byteLength + 2)) this.#cut(connection, CloseCode.SlowReader, NOT_READING);
      },
      close: (ws) => this.#closed(connectionOf(ws)),
    });
  }

  #upgrade(res: uWS.HttpResponse, req: uWS.HttpRequest, context: uWS.us_socket_context_t): void {
    const { identity, maxConnections } = this.#options;
    askWho(res, req, context, identity, 'market data', (asked) => {
      const refusal = identity.forbid(asked.principal, 'market:read', asked.visit);
      if (refusal !== undefined) return asked.refuse(STATUS[refusal.httpStatus], refusal.fault.details);
      // Here, because between question and answer others may have come.
      if (this.#stopping || this.counters.connectionsNow >= maxConnections) {
        this.counters.connectionsRefused++;
        return asked.refuse(STATUS[503], 'Too many market-data connections; try again later.');
      }
      const { format, protocol } = chooseFormat(asked.offered);
      const { expiresAt } = asked.principal;
      asked.accept<SocketUser>({ format, expiresAt }, protocol);
    });
  }

  #open(ws: uWS.WebSocket<SocketUser>): void {
    const { counters } = this;
    const user = ws.getUserData();
    const connection = new MarketConnection(ws, counters.connections++ % BEATS, this.#policy, counters);
    user.connection = connection;
    counters.connectionsNow++;
    this.#connections[connection.group].add(connection);
    if (this.#stopping) connection.close(CloseCode.GoingAway, GOING_AWAY);
  }

  #closed(connection: MarketConnection): void {
    connection.open = false;
    if (connection.slow.lagging) this.counters.laggingNow--;
    this.#symbols.forget(connection);
    this.#connections[connection.group].delete(connection);
    this.counters.connectionsNow--;
  }

  #drain(connection: MarketConnection): void {
    const { counters } = this;
    if (connection.slow.drained(connection.buffered, performance.now())) {
      counters.laggingNow--;
      counters.resyncs++;
    }
    if (connection.wants.length !== 0) this.#fanOut.wait(connection);
  }

  #cut(connection: MarketConnection, code: number, reason: string): void {
    if (!connection.open) return;
    if (code === CloseCode.SlowReader) this.counters.cutsSlow++;
    else this.counters.cutsFaulty++;
    connection.close(code, reason);
  }

  /** Every tenth of the heartbeat interval: heartbeats to a tenth of the connections, and an end for the hopelessly slow. */
  #tick(): void {
    this.#beat = (this.#beat + 1) % BEATS;
    const now = performance.now();
    const dateMs = Date.now();
    this.#symbols.follow();
    for (const [group, connections] of this.#connections.entries()) {
      for (const connection of connections) {
        const verdict = connection.slow.verdict(now);
        if (verdict !== undefined) this.#cut(connection, CloseCode.SlowReader, verdict);
        else if (connection.expiresAt <= dateMs) connection.close(CloseCode.Expired, EXPIRED);
        else if (group === this.#beat && !connection.slow.lagging) this.#heartbeat(connection);
      }
    }
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

  #message(connection: MarketConnection, bytes: Uint8Array, isBinary: boolean): void {
    const answer = this.#answer;
    answer.kind = FrameKind.Refused;
    answer.channel = answer.symbol = answer.tag = 0;
    let code: Code = Code.MALFORMED_FRAME;
    if (isBinary === connection.format.binary) code = this.#request(connection, bytes);
    if (code !== Code.OK) {
      this.counters.refusals++;
      answer.kind = FrameKind.Refused;
    }
    // A resnapshot is answered by the snapshot.
    if (answer.kind !== FrameKind.None) this.#reply(connection, code);
    // The codes before BAD_SUBSCRIPTION are what no correct client gets.
    if (code === Code.OK || code >= Code.BAD_SUBSCRIPTION) return;
    if (++connection.faults >= this.#options.maxFaults) this.#cut(connection, CloseCode.TooManyFaults, 'too many malformed requests');
  }

  #request(connection: MarketConnection, bytes: Uint8Array): Code {
    const { code, op, channel, symbol, tag } = connection.format.request(bytes);
    this.#answer.tag = tag;
    if (code !== Code.OK) return code;
    const id = typeof symbol === 'number' ? symbol : this.#symbols.idOf(symbol);
    return id === -1 ? Code.UNKNOWN_SYMBOL : this.#do(connection, op, channel, id);
  }

  #do(connection: MarketConnection, op: number, channel: number, symbol: number): Code {
    const answer = this.#answer;
    answer.channel = channel;
    answer.symbol = symbol;
    answer.kind = ANSWERS[op];
    return op === MarketOp.Ping ? Code.OK : this.#symbols.apply(connection, op, channel, symbol);
  }

  /** Sends the answer that has been filled in. */
  #reply(connection: MarketConnection, code: Code): void {
    const answer = this.#answer;
    answer.code = code;
    answer.timeUs = wallClockUs();
    this.#answers.reset();
    const frame = connection.format.frame(this.#answers, answer, this.#symbols.nameOf(answer.symbol), undefined);
    if (!connection.answer(frame)) this.#cut(connection, CloseCode.SlowReader, NOT_READING);
  }
}

function connectionOf(ws: uWS.WebSocket<SocketUser>): MarketConnection {
  const { connection } = ws.getUserData();
  if (connection === undefined) fail('market data: a socket without its connection');
  return connection;
}
