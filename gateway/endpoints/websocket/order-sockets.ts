import type { HttpRequest, HttpResponse, us_socket_context_t, WebSocket } from 'uWebSockets.js';
import { fail } from '../../../engine/assert.ts';
import { Code } from '../../../engine/codes.ts';
import { MAX_FRAME_BYTES } from '../../../engine/wire/frames.ts';
import type { Identity } from '../../identity/identity.ts';
import { LimitCounters } from '../../limit-counters.ts';
import { type Reject, reject } from '../../reject.ts';
import { IN_QUERY, sessionHeaders } from '../../sessions/order-caller.ts';
import type { OrderSession, SessionTransport } from '../../sessions/order-session.ts';
import type { Admission, OrderSessions } from '../../sessions/order-sessions.ts';
import type { PrivateSessions } from '../json/private-sessions.ts';
import type { PrivateChannel } from '../json/schemas/order-messages.ts';
import { notFoundBelow } from './not-found-below.ts';
import { PingLimit } from './ping-limit.ts';
import { PrivateSocket, readChannels } from './private-socket.ts';
import { closeCodeOf, GOING_AWAY, MAX_REASON_BYTES, TOO_LONG, upgradeStatusOf } from './reject-status.ts';
import type { SocketRoutes } from './socket-server.ts';
import { authenticate } from './upgrade.ts';

/** Time without an answer to a protocol ping after which a peer is cut, seconds. */
export const IDLE_SECONDS = 32;
/** As for gRPC: a larger message ends the session, with 1009. */
const MAX_MESSAGE_BYTES = 4 * MAX_FRAME_BYTES;
/** A still larger message is not received: uWebSockets ends the connection, without a close code. */
const MAX_RECEIVED_BYTES = 2 * MAX_MESSAGE_BYTES;
/** The subprotocol of binary messages, as for market data. A program need not offer it. */
export const PROTOCOL = 'binary';
const JSON_PROTOCOL = 'json';

/**
 * A shorter message is copied into memory that stays: each message of uWebSockets is an ArrayBuffer of its own, for which a reader of frames
 * would need a new DataView, and that costs more than the copy.
 */
const COPIED_BYTES = 4096;
const copied = new Uint8Array(COPIED_BYTES);

const PATH = '/v1/orders';
const COMMON_PARAMETERS = ['account', 'last-report', 'cancel-on-disconnect', 'session-number', 'page'];
const PARAMETERS = [...COMMON_PARAMETERS, 'schema'];
const JSON_PARAMETERS = [...COMMON_PARAMETERS, 'channels'];

interface SocketUser {
  readonly admission: Admission | Reject;
  /** The caller is a web page, which reads neither the status of an upgrade nor its headers: both come in the connection. */
  readonly isPage: boolean;
  /** Of a session in JSON: what it subscribes to. Undefined: it is binary. */
  readonly channels: readonly PrivateChannel[] | undefined;
  transport?: SocketSession | PrivateSocket<SocketUser>;
}

/**
 * Order entry over WebSocket, at `/v1/orders?account=N`: each binary message is
 * the same frame that gRPC carries. For browsers, and for programs that send
 * many small messages: one costs less here than on an HTTP/2 stream. With the
 * subprotocol `json`, messages are JSON.
 * @param json serves that subprotocol; undefined: it does not exist
 */
export function serveOrderSockets(
  app: SocketRoutes,
  sessions: OrderSessions,
  identity: Identity,
  limits: LimitCounters = new LimitCounters(),
  pings?: number,
  json?: PrivateSessions,
): void {
  const transportOf = (ws: WebSocket<SocketUser>): SocketSession | PrivateSocket<SocketUser> =>
    ws.getUserData().transport ?? fail('order sockets: a socket without its session');
  app.ws<SocketUser>(PATH, {
    compression: 0,
    maxPayloadLength: MAX_RECEIVED_BYTES,
    // At most one outgoing frame is pending; a limit would drop it silently.
    maxBackpressure: 0,
    idleTimeout: IDLE_SECONDS,
    sendPingsAutomatically: true,
    upgrade: (res, req, context) => upgrade(res, req, context, sessions, identity, json !== undefined),
    open: (ws) => {
      const user = ws.getUserData();
      const { admission, isPage, channels } = user;
      if ('code' in admission) {
        ws.end(closeCodeOf(admission), admission.details.slice(0, MAX_REASON_BYTES));
        return;
      }
      if (json !== undefined && channels !== undefined) {
        user.transport = new PrivateSocket(ws, admission, channels, json, limits, new PingLimit(pings));
        return;
      }
      if (isPage) ws.send(JSON.stringify(sessionHeaders(admission)));
      user.transport = new SocketSession(ws, admission, sessions, limits, new PingLimit(pings));
    },
    message: (ws, message, isBinary) => transportOf(ws).onMessage(message, isBinary),
    // uWebSockets answers a ping by itself, whether the peer reads the answers or not.
    ping: (ws, message) => transportOf(ws).onPing(message.byteLength),
    drain: (ws) => transportOf(ws).onDrain(),
    // A page that was rejected has no session.
    close: (ws) => ws.getUserData().transport?.onClose(),
  });
  notFoundBelow(app, PATH, `orders are at ${PATH}?account=N, without a further slash`);
}

function upgrade(
  res: HttpResponse,
  req: HttpRequest,
  context: us_socket_context_t,
  sessions: OrderSessions,
  identity: Identity,
  hasJson: boolean,
): void {
  const names = req.getQuery('channels');
  const page = req.getQuery('page');
  const claims = {
    names: IN_QUERY,
    schema: req.getQuery('schema'),
    account: req.getQuery('account'),
    lastReport: req.getQuery('last-report'),
    cancelOnDisconnect: req.getQuery('cancel-on-disconnect'),
    sessionNumber: req.getQuery('session-number'),
  };
  authenticate(res, req, context, identity, 'WebSocket orders', (upgrade) => {
    if (upgrade.rejectCrossSite()) return;
    const isJson = hasJson && upgrade.offered.includes(JSON_PROTOCOL);
    if (upgrade.rejectQuery(isJson ? JSON_PARAMETERS : PARAMETERS)) return;
    const isPage = page !== undefined;
    const channels = isJson ? readChannels(names) : [];
    const admission: Admission | Reject =
      isPage && page !== '1'
        ? reject(Code.BAD_PARAMETER, 'page is 1, or left out')
        : 'code' in channels
          ? channels
          : sessions.admit(claims, upgrade.principal, upgrade.visit);
    if ('code' in admission && page !== '1') return upgrade.reject(upgradeStatusOf(admission), admission.details);
    const headers = 'code' in admission ? {} : sessionHeaders(admission);
    const protocol = isJson ? JSON_PROTOCOL : upgrade.offered.includes(PROTOCOL) ? PROTOCOL : '';
    const user = { admission, isPage, channels: isJson && !('code' in channels) ? channels : undefined };
    upgrade.accept<SocketUser>(user, protocol, headers);
  });
}

/** A session on a WebSocket. */
class SocketSession implements SessionTransport {
  readonly headroom = 0;
  readonly #ws: WebSocket<SocketUser>;
  readonly #session: OrderSession;
  /** An outgoing frame is in the socket's buffer. */
  #waiting = false;
  #open = true;
  readonly #limits: LimitCounters;
  readonly #pings: PingLimit;

  constructor(ws: WebSocket<SocketUser>, admission: Admission, sessions: OrderSessions, limits: LimitCounters, pings: PingLimit) {
    this.#ws = ws;
    this.#pings = pings;
    this.#limits = limits;
    this.#session = sessions.open(this, admission);
  }

  onMessage(message: ArrayBuffer, isBinary: boolean): void {
    if (!isBinary) {
      this.#session.cut(reject(Code.MALFORMED_FRAME, 'a message is a binary CommandFrame of openbell.fbs'));
      return;
    }
    if (message.byteLength > MAX_MESSAGE_BYTES) {
      // Ended first, because a session that is cut ends its transport with another code.
      this.#open = false;
      this.#ws.end(TOO_LONG, `a message has at most ${MAX_MESSAGE_BYTES} bytes`);
      return;
    }
    const bytes = new Uint8Array(message);
    if (bytes.length > COPIED_BYTES) this.#session.onFrame(bytes, 0, bytes.length);
    else {
      copied.set(bytes);
      this.#session.onFrame(copied, 0, bytes.length);
    }
    // Also after a cut: commands taken before must reach the engine.
    this.#session.onFramesEnd();
  }

  onPing(bytes: number): void {
    if (!this.#open || this.#pings.allows(bytes, this.#ws.getBufferedAmount())) return;
    this.#limits.note('ws', 'pings');
    this.#session.cut(reject(Code.BUSY, 'too many pings: send fewer, and read the answers'));
  }

  onDrain(): void {
    if (!this.#waiting || this.#ws.getBufferedAmount() !== 0) return;
    this.#waiting = false;
    this.#session.onWritten();
  }

  onClose(): void {
    this.#open = false;
    this.#session.leave();
  }

  write(frame: Buffer): boolean {
    const SENT = 1;
    this.#waiting = this.#ws.send(frame, true) !== SENT;
    return !this.#waiting;
  }

  pause(): void {
    // A WebSocket has no flow-control window: until it is resumed, the session answers BUSY.
  }

  resume(): void {
    // Nothing was stopped.
  }

  end(): void {
    if (this.#open) this.#ws.end(GOING_AWAY, 'the exchange is stopping');
  }

  fail(why: Reject): void {
    if (this.#open) this.#ws.end(closeCodeOf(why), why.details.slice(0, MAX_REASON_BYTES));
  }
}
