import type { HttpRequest, HttpResponse, us_socket_context_t, WebSocket } from 'uWebSockets.js';
import { fail } from '../../../engine/assert.ts';
import { Code } from '../../../engine/codes.ts';
import type { AlertStream, AlertStreams, StreamAdmission, StreamTransport } from '../../alerts/alert-streams.ts';
import type { Identity } from '../../identity/identity.ts';
import type { LimitCounters } from '../../limit-counters.ts';
import { type Reject, reject } from '../../reject.ts';
import { IDLE_SECONDS, MAX_REASON_BYTES } from './order-sockets.ts';
import { PingLimit } from './ping-limit.ts';
import { closeCodeOf, GOING_AWAY, upgradeStatusOf } from './reject-status.ts';
import type { SocketRoutes } from './socket-server.ts';
import { authenticate } from './upgrade.ts';

const PATH = '/v1/alerts';
const PROTOCOL = 'json';
/** A reader sends nothing. */
const MAX_RECEIVED_BYTES = 1024;

interface SocketUser {
  readonly admission: StreamAdmission;
  transport?: SocketStream;
}

/** Events of alerts over WebSocket, at `/v1/alerts?account=ID&after=NUMBER`: each event is a text message, one JSON object. */
export function serveAlertSockets(
  app: SocketRoutes,
  streams: AlertStreams,
  identity: Identity,
  limits: LimitCounters,
  pings?: number,
): void {
  const transportOf = (ws: WebSocket<SocketUser>): SocketStream =>
    ws.getUserData().transport ?? fail('alert sockets: a socket without its stream');
  app.ws<SocketUser>(PATH, {
    compression: 0,
    maxPayloadLength: MAX_RECEIVED_BYTES,
    // One page of events waits at most; a limit would drop events silently.
    maxBackpressure: 0,
    idleTimeout: IDLE_SECONDS,
    sendPingsAutomatically: true,
    upgrade: (res, req, context) => upgrade(res, req, context, streams, identity),
    open: (ws) => {
      const user = ws.getUserData();
      user.transport = new SocketStream(ws, user.admission, streams, limits, new PingLimit(pings));
    },
    message: (ws) => transportOf(ws).onMessage(),
    ping: (ws, message) => transportOf(ws).onPing(message.byteLength),
    drain: (ws) => transportOf(ws).onDrain(),
    close: (ws) => transportOf(ws).onClose(),
  });
}

function upgrade(res: HttpResponse, req: HttpRequest, context: us_socket_context_t, streams: AlertStreams, identity: Identity): void {
  const query = { account: req.getQuery('account'), after: req.getQuery('after') };
  authenticate(res, req, context, identity, 'WebSocket alerts', (upgrade) => {
    if (upgrade.rejectCrossSite()) return;
    if (upgrade.rejectQuery(['account', 'after'])) return;
    const admission = streams.admit(query, upgrade.principal, upgrade.visit);
    if ('code' in admission) upgrade.reject(upgradeStatusOf(admission), admission.details);
    else upgrade.accept<SocketUser>({ admission }, upgrade.offered.includes(PROTOCOL) ? PROTOCOL : '');
  });
}

/** A stream on a WebSocket. */
class SocketStream implements StreamTransport {
  readonly #ws: WebSocket<SocketUser>;
  readonly #limits: LimitCounters;
  readonly #pings: PingLimit;
  readonly #stream: AlertStream;
  #waiting = false;
  #open = true;

  constructor(ws: WebSocket<SocketUser>, admission: StreamAdmission, streams: AlertStreams, limits: LimitCounters, pings: PingLimit) {
    this.#ws = ws;
    this.#limits = limits;
    this.#pings = pings;
    this.#stream = streams.begin(this, admission);
  }

  onMessage(): void {
    this.#stream.cut(reject(Code.MALFORMED_FRAME, 'a stream of alerts takes no messages'));
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
