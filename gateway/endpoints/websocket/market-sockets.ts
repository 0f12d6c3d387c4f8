import type { HttpRequest, HttpResponse, us_socket_context_t, WebSocket } from 'uWebSockets.js';
import { fail } from '../../../engine/assert.ts';
import { CALLER_LIMITS } from '../../caller-limits.ts';
import type { Identity, Visit } from '../../identity/identity.ts';
import { LimitCounters } from '../../limit-counters.ts';
import type { MarketFormat } from '../../market/formats/format.ts';
import { chooseFormat } from '../../market/formats/formats.ts';
import type { MarketConnection } from '../../market/market-connection.ts';
import type { MarketData } from '../../market/market-data.ts';
import { CloseCause, type ReaderSocket } from '../../market/reader-socket.ts';
import type { SessionOwner } from '../../session-info.ts';
import { isPublicVisit, NOT_PUBLIC, PUBLIC, type PublicMarketOptions, permitsOrigin } from '../public-caller.ts';
import { CallerConnections } from './caller-connections.ts';
import { PingLimit } from './ping-limit.ts';
import { PublicReaders } from './public-readers.ts';
import { FORBIDDEN, GOING_AWAY, TOO_LONG, TOO_MANY, UNAVAILABLE, upgradeStatusOf } from './reject-status.ts';
import { SocketServer } from './socket-server.ts';
import { authenticate, type Upgrade } from './upgrade.ts';

export interface MarketSocketsOptions {
  readonly identity: Identity;
  /** Pings of a reader per second. */
  readonly pings?: number;
  /** Connections of one caller with credentials. */
  readonly connections?: number;
  /** Market data for those without credentials. Default: none. */
  readonly publicMarket?: PublicMarketOptions;
  /** Counts what is rejected because of a limit. */
  readonly limits?: LimitCounters;
  /** Maximum size of a request, bytes; a longer one cuts the connection with 1009. Default 4096. */
  readonly maxRequestBytes?: number;
}

/** Time without an answer to a protocol ping after which a peer is cut, seconds. */
const IDLE_SECONDS = 32;
const MAX_REQUEST_BYTES = 4096;
/** A message that exceeds the limit this many times is not received: uWebSockets ends the connection, without a close code. */
const RECEIVED = 16;

/** WebSocket close codes by cause; 4016 is that of order entry too. */
const CLOSE_CODES: Readonly<Record<CloseCause, number>> = {
  [CloseCause.GoingAway]: GOING_AWAY,
  [CloseCause.TooManyFaults]: 4002,
  [CloseCause.SlowReader]: 4008,
  [CloseCause.Expired]: 4016,
  [CloseCause.ByOperator]: 4007,
  [CloseCause.Busy]: 4008,
};

const TOO_MANY_PUBLIC = 'Too many connections without credentials; close one, or try again later.';
const TOO_MANY_OWN = 'TOO_MANY_REQUESTS: too many connections with your credentials; close one, or subscribe to more on one.';

/** State of each socket. */
interface SocketUser {
  readonly format: MarketFormat;
  /** When the credentials expire, ms since the Unix epoch, or Infinity. */
  readonly expiresAt: number;
  readonly owner: SessionOwner;
  readonly pings: PingLimit;
  /** It has shown no credentials. */
  readonly isPublic: boolean;
  /** Call it when the connection has closed. */
  readonly leave: () => void;
  /** Set when the socket opens. */
  connection?: MarketConnection;
}

/**
 * Market data over WebSocket, see docs/MARKET-DATA.md: every path of the
 * port that no other endpoint serves. I/O thread; no message of a peer makes
 * it block or throw.
 */
export class MarketSockets {
  readonly #market: MarketData;
  readonly #identity: Identity;
  readonly #pings: number | undefined;
  readonly #publicMarket: PublicMarketOptions;
  readonly #publicReaders = new PublicReaders();
  readonly #callers: CallerConnections;
  readonly #limits: LimitCounters;
  readonly #sockets: SocketServer;

  /** @param sockets the port; other endpoints may register paths on it */
  constructor(market: MarketData, options: MarketSocketsOptions, sockets: SocketServer = new SocketServer()) {
    const {
      identity,
      maxRequestBytes,
      pings,
      connections = CALLER_LIMITS['ws-connections'],
      publicMarket = NOT_PUBLIC,
      limits = new LimitCounters(),
    } = options;
    this.#market = market;
    this.#identity = identity;
    this.#pings = pings;
    this.#callers = new CallerConnections(connections);
    this.#publicMarket = publicMarket;
    this.#limits = limits;
    this.#sockets = sockets;
    const most = maxRequestBytes ?? MAX_REQUEST_BYTES;
    sockets.ws<SocketUser>('/*', {
      compression: 0,
      maxPayloadLength: RECEIVED * most,
      // The limits here check each send; a second limit below them would drop frames silently.
      maxBackpressure: 0,
      idleTimeout: IDLE_SECONDS,
      sendPingsAutomatically: true,
      upgrade: (res, req, context) => this.#upgrade(res, req, context),
      open: (ws) => {
        const user = ws.getUserData();
        user.connection = market.open(new MarketSocket(ws), user.format, user.expiresAt, user.owner, user.isPublic);
      },
      message: (ws, message, isBinary) => {
        if (message.byteLength > most) ws.end(TOO_LONG, `a request has at most ${most} bytes`);
        else market.onRequest(connectionOf(ws), new Uint8Array(message), isBinary);
      },
      drain: (ws) => market.onDrain(connectionOf(ws)),
      // uWebSockets.js answers a ping by itself; the pong counts like any answer.
      ping: (ws, message) => {
        const { pings } = ws.getUserData();
        const connection = connectionOf(ws);
        market.onAnswered(connection, message.byteLength + 2, pings.allows(message.byteLength, connection.buffered));
      },
      close: (ws) => {
        market.onClosed(connectionOf(ws));
        ws.getUserData().leave();
      },
    });
  }

  /**
   * Listens; port 0 takes a free one.
   * @returns the port
   * @throws Error with code EADDRINUSE when the port is taken
   */
  async listen(host: string, port: number): Promise<number> {
    const taken = this.#sockets.listen(host, port);
    this.start();
    return taken;
  }

  /** Starts publishing, where the port listens already. */
  start(): void {
    this.#market.start();
  }

  /** Closes every reader with 1001. Resolves when the sockets are closed. */
  async stop(): Promise<void> {
    this.#sockets.closeListening();
    await this.#market.stop();
    this.#sockets.close();
  }

  #upgrade(res: HttpResponse, req: HttpRequest, context: us_socket_context_t): void {
    const isPublic = (visit: Visit) => isPublicVisit(this.#publicMarket, this.#identity, visit);
    authenticate(res, req, context, this.#identity, 'market data', (upgrade) => this.#admit(upgrade), isPublic);
  }

  #admit(upgrade: Upgrade): void {
    const { principal, visit, offered } = upgrade;
    const isPublic = principal === PUBLIC;
    const reject = isPublic ? undefined : this.#identity.forbid(principal, 'market:read', visit);
    if (reject !== undefined) return upgrade.reject(upgradeStatusOf(reject), reject.details);
    const origin = visit.header('origin');
    if (isPublic && origin !== undefined && !permitsOrigin(this.#publicMarket, origin))
      return upgrade.reject(FORBIDDEN, 'CROSS_SITE: a web page without a token may do this only if its origin is among --cors-origins');
    // Any path is market data; a query shows that another one was meant, such as that of orders.
    if (upgrade.rejectQuery([])) return;
    // Checked here, because others may have connected since the request.
    if (!this.#market.hasRoom(isPublic)) return upgrade.reject(UNAVAILABLE, 'Too many market-data connections; try again later.');
    const { expiresAt, subject, via } = principal;
    const leave = isPublic ? this.#publicReaders.enter(visit.peer) : via === 'open' ? isNotCounted : this.#callers.enter(subject);
    if (leave === undefined) {
      this.#limits.note('ws', isPublic ? 'public-connections' : 'caller-connections');
      return upgrade.reject(TOO_MANY, isPublic ? TOO_MANY_PUBLIC : TOO_MANY_OWN);
    }
    const { format, protocol } = chooseFormat(offered);
    const owner = { subject, via, protocol: 'WebSocket market data', address: visit.peer, sinceMs: Date.now() };
    upgrade.accept<SocketUser>({ format, expiresAt, owner, pings: new PingLimit(this.#pings), isPublic, leave }, protocol);
  }
}

/** Without authentication callers cannot be distinguished. */
function isNotCounted(): void {
  // Nothing was counted.
}

function connectionOf(ws: WebSocket<SocketUser>): MarketConnection {
  return ws.getUserData().connection ?? fail('market data: a socket without its connection');
}

/** Methods of uWebSockets that are missing in its types. */
interface FragmentedSocket extends WebSocket<SocketUser> {
  sendFirstFragment(piece: Uint8Array, isBinary: boolean): number;
  sendFragment(piece: Uint8Array): number;
  sendLastFragment(piece: Uint8Array): number;
}

class MarketSocket implements ReaderSocket {
  readonly #ws: WebSocket<SocketUser>;

  constructor(ws: WebSocket<SocketUser>) {
    this.#ws = ws;
  }

  buffered(): number {
    return this.#ws.getBufferedAmount();
  }

  send(frame: Uint8Array, binary: boolean): void {
    this.#ws.send(frame, binary);
  }

  sendPiece(piece: Uint8Array, binary: boolean, first: boolean, last: boolean): void {
    const ws = this.#ws as FragmentedSocket;
    if (first) ws.sendFirstFragment(piece, binary);
    else if (last) ws.sendLastFragment(piece);
    else ws.sendFragment(piece);
  }

  cork(work: () => void): void {
    this.#ws.cork(work);
  }

  close(cause: CloseCause, reason: string): void {
    this.#ws.end(CLOSE_CODES[cause], reason);
  }
}
