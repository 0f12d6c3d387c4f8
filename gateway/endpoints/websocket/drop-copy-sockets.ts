import type { HttpRequest, HttpResponse, us_socket_context_t, WebSocket } from 'uWebSockets.js';
import { fail } from '../../../engine/assert.ts';
import { Code } from '../../../engine/codes.ts';
import { MAX_DROP_COPY_ACCOUNTS } from '../../../engine/wire/drop-copy-frame.ts';
import { ResumePoint } from '../../../engine/wire/layout.ts';
import type { Identity } from '../../identity/identity.ts';
import type { LimitCounters } from '../../limit-counters.ts';
import { type Reject, reject } from '../../reject.ts';
import type { CopyAdmission, DropCopies } from '../../sessions/drop-copies.ts';
import type { CopyTransport, DropCopy } from '../../sessions/drop-copy.ts';
import { SUPPORTED_SCHEMAS } from '../../sessions/order-caller.ts';
import { IDLE_SECONDS, MAX_REASON_BYTES, PROTOCOL } from './order-sockets.ts';
import { PingLimit } from './ping-limit.ts';
import { closeCodeOf, GOING_AWAY, upgradeStatusOf } from './reject-status.ts';
import type { SocketRoutes } from './socket-server.ts';
import { authenticate } from './upgrade.ts';

const PATH = '/v1/drop-copy';
/** Twice the largest subscription. A larger message is not received: uWebSockets ends the connection, without a close code. */
const MAX_RECEIVED_BYTES = 2 * MAX_DROP_COPY_ACCOUNTS * ResumePoint.bytes;

interface SocketUser {
  readonly admission: CopyAdmission;
  transport?: SocketDropCopy;
}

/** Drop copies over WebSocket, at `/v1/drop-copy`: the messages are those of gRPC. */
export function serveDropCopySockets(
  app: SocketRoutes,
  copies: DropCopies,
  identity: Identity,
  limits: LimitCounters,
  pings?: number,
): void {
  const transportOf = (ws: WebSocket<SocketUser>): SocketDropCopy =>
    ws.getUserData().transport ?? fail('drop copy sockets: a socket without its drop copy');
  app.ws<SocketUser>(PATH, {
    compression: 0,
    maxPayloadLength: MAX_RECEIVED_BYTES,
    // At most one outgoing frame is pending; a limit would drop it silently.
    maxBackpressure: 0,
    idleTimeout: IDLE_SECONDS,
    sendPingsAutomatically: true,
    upgrade: (res, req, context) => upgrade(res, req, context, copies, identity),
    open: (ws) => {
      const user = ws.getUserData();
      user.transport = new SocketDropCopy(ws, user.admission, copies, limits, new PingLimit(pings));
    },
    message: (ws, message, isBinary) => transportOf(ws).onMessage(message, isBinary),
    ping: (ws, message) => transportOf(ws).onPing(message.byteLength),
    drain: (ws) => transportOf(ws).onDrain(),
    close: (ws) => transportOf(ws).onClose(),
  });
  // Other paths of the port are market data, which a reader of reports would not notice.
  app.ws(`${PATH}/*`, {
    upgrade: (res) => {
      res.writeStatus('404 Not Found').writeHeader('content-type', 'text/plain; charset=utf-8');
      res.end(`NOT_FOUND: drop copies are at ${PATH}, without a further slash\n`, true);
    },
  });
}

function upgrade(res: HttpResponse, req: HttpRequest, context: us_socket_context_t, copies: DropCopies, identity: Identity): void {
  const schema = req.getQuery('schema');
  authenticate(res, req, context, identity, 'WebSocket drop copy', (upgrade) => {
    if (upgrade.rejectCrossSite()) return;
    if (upgrade.rejectQuery(['schema'])) return;
    const admission = copies.admit(schema, upgrade.principal, upgrade.visit);
    if ('code' in admission) upgrade.reject(upgradeStatusOf(admission), admission.details);
    else
      upgrade.accept<SocketUser>({ admission }, upgrade.offered.includes(PROTOCOL) ? PROTOCOL : '', {
        'x-openbell-schema': SUPPORTED_SCHEMAS,
      });
  });
}

/** A drop copy on a WebSocket. */
class SocketDropCopy implements CopyTransport {
  readonly headroom = 0;
  readonly #ws: WebSocket<SocketUser>;
  readonly #limits: LimitCounters;
  readonly #pings: PingLimit;
  readonly #copy: DropCopy;
  /** An outgoing frame is in the socket's buffer. */
  #waiting = false;
  #open = true;

  constructor(ws: WebSocket<SocketUser>, admission: CopyAdmission, copies: DropCopies, limits: LimitCounters, pings: PingLimit) {
    this.#ws = ws;
    this.#limits = limits;
    this.#pings = pings;
    this.#copy = copies.open(this, admission);
  }

  onMessage(message: ArrayBuffer, isBinary: boolean): void {
    if (isBinary) this.#copy.onMessage(new Uint8Array(message), 0, message.byteLength);
    else this.#copy.cut(reject(Code.MALFORMED_FRAME, 'the first message is a binary DropCopyFrame of openbell.fbs'));
  }

  onPing(bytes: number): void {
    if (!this.#open || this.#pings.allows(bytes, this.#ws.getBufferedAmount())) return;
    this.#limits.note('ws', 'pings');
    this.#copy.cut(reject(Code.BUSY, 'too many pings: send fewer, and read the answers'));
  }

  onDrain(): void {
    if (!this.#waiting || this.#ws.getBufferedAmount() !== 0) return;
    this.#waiting = false;
    this.#copy.onWritten();
  }

  onClose(): void {
    this.#open = false;
    this.#copy.leave();
  }

  write(frame: Buffer): boolean {
    const SENT = 1;
    this.#waiting = this.#ws.send(frame, true) !== SENT;
    return !this.#waiting;
  }

  end(): void {
    if (this.#open) this.#ws.end(GOING_AWAY, 'the exchange is stopping');
  }

  fail(why: Reject): void {
    if (this.#open) this.#ws.end(closeCodeOf(why), why.details.slice(0, MAX_REASON_BYTES));
  }
}
