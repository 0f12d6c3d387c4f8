import type { HttpRequest, HttpResponse, us_socket_context_t, WebSocket } from 'uWebSockets.js';
import { fail } from '../../../engine/assert.ts';
import { Code } from '../../../engine/codes.ts';
import type { Identity } from '../../identity/identity.ts';
import type { LimitCounters } from '../../limit-counters.ts';
import { type Reject, reject } from '../../reject.ts';
import { IDLE_SECONDS, MAX_REASON_BYTES } from './order-sockets.ts';
import { PingLimit } from './ping-limit.ts';
import { closeCodeOf, GOING_AWAY, upgradeStatusOf } from './reject-status.ts';
import type { SocketRoutes } from './socket-server.ts';
import { authenticate, type Upgrade } from './upgrade.ts';

/** The subprotocol of JSON, as of market data. */
const PROTOCOL = 'json';
/** A stream receives nothing. A larger message ends the connection without a close code. */
const MAX_RECEIVED_BYTES = 1024;

/** What a stream writes to. */
export interface TextTransport {
  /** Sends a text message. @returns false: it waits in a buffer, and {@link TextStream.onWritten} is called when that is empty */
  write(text: string): boolean;
  /** The exchange is stopping. */
  end(): void;
  fail(why: Reject): void;
}

/** A stream that is open. */
export interface TextStream {
  onWritten(): void;
  /** The connection has ended. */
  leave(): void;
  cut(why: Reject): void;
}

/** Streams of JSON texts at one path, which its query selects. */
export interface TextStreamRoute<Admission extends object> {
  readonly path: string;
  /** For records of the audit trail. */
  readonly what: string;
  readonly parameters: readonly string[];
  /** Sent to a client that sends a message. */
  readonly noMessages: string;
  /** The answer for a path below. */
  readonly notBelow: string;
  readonly admit: (query: URLSearchParams, upgrade: Pick<Upgrade, 'principal' | 'visit'>) => Admission | Reject;
  readonly open: (transport: TextTransport, admission: Admission) => TextStream;
}

interface SocketUser {
  readonly admission: object;
  transport?: SocketStream;
}

/** Serves the streams of a route. I/O thread. */
export function serveTextStreams<Admission extends object>(
  app: SocketRoutes,
  route: TextStreamRoute<Admission>,
  identity: Identity,
  limits: LimitCounters,
  pings?: number,
): void {
  const { path, what, noMessages, notBelow, open } = route;
  const transportOf = (ws: WebSocket<SocketUser>): SocketStream =>
    ws.getUserData().transport ?? fail(`${what}: a socket without its stream`);
  app.ws<SocketUser>(path, {
    compression: 0,
    maxPayloadLength: MAX_RECEIVED_BYTES,
    // What waits is bounded by the stream; a limit would drop messages silently.
    maxBackpressure: 0,
    idleTimeout: IDLE_SECONDS,
    sendPingsAutomatically: true,
    upgrade: (res, req, context) => upgrade(res, req, context, route, identity),
    open: (ws) => {
      const user = ws.getUserData();
      user.transport = new SocketStream(ws, limits, new PingLimit(pings), noMessages, (transport) =>
        open(transport, user.admission as Admission),
      );
    },
    message: (ws) => transportOf(ws).onMessage(),
    ping: (ws, message) => transportOf(ws).onPing(message.byteLength),
    drain: (ws) => transportOf(ws).onDrain(),
    close: (ws) => transportOf(ws).onClose(),
  });
  // Other paths of the port are market data, which a reader of this stream would not notice.
  app.ws(`${path}/*`, {
    upgrade: (res) => {
      res.writeStatus('404 Not Found').writeHeader('content-type', 'text/plain; charset=utf-8');
      res.end(`NOT_FOUND: ${notBelow}\n`, true);
    },
  });
}

function upgrade<Admission extends object>(
  res: HttpResponse,
  req: HttpRequest,
  context: us_socket_context_t,
  { what, parameters, admit }: TextStreamRoute<Admission>,
  identity: Identity,
): void {
  const query = new URLSearchParams(req.getQuery());
  authenticate(res, req, context, identity, what, (upgrade) => {
    if (upgrade.rejectCrossSite()) return;
    if (upgrade.rejectQuery([...parameters])) return;
    const admission = admit(query, upgrade);
    if ('code' in admission) upgrade.reject(upgradeStatusOf(admission), admission.details);
    else upgrade.accept<SocketUser>({ admission }, upgrade.offered.includes(PROTOCOL) ? PROTOCOL : '');
  });
}

/** A stream on a WebSocket. */
class SocketStream implements TextTransport {
  readonly #ws: WebSocket<SocketUser>;
  readonly #limits: LimitCounters;
  readonly #pings: PingLimit;
  readonly #noMessages: string;
  readonly #stream: TextStream;
  /** Outgoing messages are in the socket's buffer. */
  #waiting = false;
  #open = true;

  constructor(
    ws: WebSocket<SocketUser>,
    limits: LimitCounters,
    pings: PingLimit,
    noMessages: string,
    open: (transport: TextTransport) => TextStream,
  ) {
    this.#ws = ws;
    this.#limits = limits;
    this.#pings = pings;
    this.#noMessages = noMessages;
    this.#stream = open(this);
  }

  onMessage(): void {
    this.#stream.cut(reject(Code.MALFORMED_FRAME, this.#noMessages));
  }

  onPing(bytes: number): void {
    if (!this.#open || this.#pings.allows(bytes, this.#ws.getBufferedAmount())) return;
    this.#limits.note('ws', 'pings');
    this.#stream.cut(reject(Code.BUSY, 'too many pings: send fewer, and read the answers'));
  }

  onDrain(): void {
    if (!this.#waiting || this.#ws.getBufferedAmount() !== 0) return;
    this.#waiting = false;
    this.#stream.onWritten();
  }

  onClose(): void {
    this.#open = false;
    this.#stream.leave();
  }

  write(text: string): boolean {
    const SENT = 1;
    if (!this.#open) return false;
    if (this.#ws.send(text, false) !== SENT) this.#waiting = true;
    return !this.#waiting;
  }

  end(): void {
    if (this.#open) this.#ws.end(GOING_AWAY, 'the exchange is stopping');
  }

  fail(why: Reject): void {
    if (this.#open) this.#ws.end(closeCodeOf(why), why.details.slice(0, MAX_REASON_BYTES));
  }
}
