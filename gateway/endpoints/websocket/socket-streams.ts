import type { HttpRequest, HttpResponse, us_socket_context_t, WebSocket } from 'uWebSockets.js';
import { fail } from '../../../engine/assert.ts';
import { Code } from '../../../engine/codes.ts';
import type { Identity } from '../../identity/identity.ts';
import type { LimitCounters } from '../../limit-counters.ts';
import { type Reject, reject } from '../../reject.ts';
import { notFoundBelow } from './not-found-below.ts';
import { IDLE_SECONDS } from './order-sockets.ts';
import { PingLimit } from './ping-limit.ts';
import { closeCodeOf, GOING_AWAY, MAX_REASON_BYTES, upgradeStatusOf } from './reject-status.ts';
import type { SocketRoutes } from './socket-server.ts';
import { authenticate, type Upgrade } from './upgrade.ts';

/** A stream receives nothing, unless its route says more. A larger message ends the connection without a close code. */
const MAX_RECEIVED_BYTES = 1024;

/** What a stream writes to. */
export interface StreamTransport<Message extends string | Buffer> {
  /** Bytes that a frame leaves free before its content: none. */
  readonly headroom: 0;
  /** Sends a message. @returns false: it waits in a buffer, and {@link SocketStream.onWritten} is called when that is empty */
  write(message: Message): boolean;
  /** The exchange is stopping. */
  end(): void;
  fail(why: Reject): void;
}

/** A stream that is open. */
export interface SocketStream {
  onWritten(): void;
  /** The connection has ended. */
  leave(): void;
  cut(why: Reject): void;
}

/** Streams at one path, which its query selects: JSON texts, or binary frames. */
export interface StreamRoute<Admission extends object, Stream extends SocketStream, Message extends string | Buffer> {
  readonly path: string;
  /** For records of the audit trail. */
  readonly what: string;
  /** The subprotocol of the messages. A program need not offer it. */
  readonly protocol: 'json' | 'binary';
  readonly parameters: readonly string[];
  /** The answer for a path below. */
  readonly notBelow: string;
  readonly admit: (query: URLSearchParams, upgrade: Pick<Upgrade, 'principal' | 'visit'>) => Admission | Reject;
  readonly open: (transport: StreamTransport<Message>, admission: Admission) => Stream;
  readonly onMessage: (stream: Stream, message: ArrayBuffer, isBinary: boolean) => void;
  /** Of a message that a client sends. Default 1024. */
  readonly maxReceivedBytes?: number;
  /** Of the answer that accepts the upgrade. */
  readonly headers?: Readonly<Record<string, string>>;
}

interface SocketUser {
  readonly admission: object;
  /** Set when the socket opens. */
  connection?: Connection<SocketStream>;
}

/** Ends a stream whose client has sent a message. @param details what its streams take instead */
export function noMessages(details: string): (stream: SocketStream) => void {
  return (stream) => stream.cut(reject(Code.MALFORMED_FRAME, details));
}

/** Serves the streams of a route. I/O thread. */
export function serveStreams<Admission extends object, Stream extends SocketStream, Message extends string | Buffer>(
  app: SocketRoutes,
  route: StreamRoute<Admission, Stream, Message>,
  identity: Identity,
  limits: LimitCounters,
  pings?: number,
): void {
  const { path, what, notBelow, maxReceivedBytes = MAX_RECEIVED_BYTES, onMessage } = route;
  const connectionOf = (ws: WebSocket<SocketUser>): Connection<Stream> =>
    (ws.getUserData().connection as Connection<Stream> | undefined) ?? fail(`${what}: a socket without its stream`);
  app.ws<SocketUser>(path, {
    compression: 0,
    maxPayloadLength: maxReceivedBytes,
    // What waits is bounded by the stream; a limit would drop messages silently.
    maxBackpressure: 0,
    idleTimeout: IDLE_SECONDS,
    sendPingsAutomatically: true,
    upgrade: (res, req, context) => upgrade(res, req, context, route, identity),
    open: (ws) => {
      const user = ws.getUserData();
      const open = (transport: StreamTransport<string | Buffer>) => route.open(transport, user.admission as Admission);
      user.connection = new Connection(ws, limits, new PingLimit(pings), open);
    },
    message: (ws, message, isBinary) => onMessage(connectionOf(ws).stream, message, isBinary),
    ping: (ws, message) => connectionOf(ws).onPing(message.byteLength),
    drain: (ws) => connectionOf(ws).onDrain(),
    close: (ws) => connectionOf(ws).onClose(),
  });
  notFoundBelow(app, path, notBelow);
}

function upgrade<Admission extends object, Stream extends SocketStream, Message extends string | Buffer>(
  res: HttpResponse,
  req: HttpRequest,
  context: us_socket_context_t,
  { what, protocol, parameters, admit, headers }: StreamRoute<Admission, Stream, Message>,
  identity: Identity,
): void {
  const query = new URLSearchParams(req.getQuery());
  authenticate(res, req, context, identity, what, (upgrade) => {
    if (upgrade.rejectCrossSite()) return;
    if (upgrade.rejectQuery(parameters)) return;
    const admission = admit(query, upgrade);
    if ('code' in admission) upgrade.reject(upgradeStatusOf(admission), admission.details);
    else upgrade.accept<SocketUser>({ admission }, upgrade.offered.includes(protocol) ? protocol : '', headers);
  });
}

/** A stream on a WebSocket. */
class Connection<Stream extends SocketStream> implements StreamTransport<string | Buffer> {
  readonly headroom = 0;
  readonly stream: Stream;
  readonly #ws: WebSocket<SocketUser>;
  readonly #limits: LimitCounters;
  readonly #pings: PingLimit;
  /** Outgoing messages are in the socket's buffer. */
  #waiting = false;
  #open = true;

  constructor(
    ws: WebSocket<SocketUser>,
    limits: LimitCounters,
    pings: PingLimit,
    open: (transport: StreamTransport<string | Buffer>) => Stream,
  ) {
    this.#ws = ws;
    this.#limits = limits;
    this.#pings = pings;
    this.stream = open(this);
  }

  onPing(bytes: number): void {
    if (!this.#open || this.#pings.allows(bytes, this.#ws.getBufferedAmount())) return;
    this.#limits.note('ws', 'pings');
    this.stream.cut(reject(Code.BUSY, 'too many pings: send fewer, and read the answers'));
  }

  onDrain(): void {
    if (!this.#waiting || this.#ws.getBufferedAmount() !== 0) return;
    this.#waiting = false;
    this.stream.onWritten();
  }

  onClose(): void {
    this.#open = false;
    this.stream.leave();
  }

  write(message: string | Buffer): boolean {
    const SENT = 1;
    if (!this.#open) return false;
    if (this.#ws.send(message, typeof message !== 'string') !== SENT) this.#waiting = true;
    return !this.#waiting;
  }

  end(): void {
    if (this.#open) this.#ws.end(GOING_AWAY, 'the exchange is stopping');
  }

  fail(why: Reject): void {
    if (this.#open) this.#ws.end(closeCodeOf(why), why.details.slice(0, MAX_REASON_BYTES));
  }
}
