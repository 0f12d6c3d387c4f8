import type { HttpRequest, HttpResponse, us_socket_context_t, WebSocket } from 'uWebSockets.js';
import { fail } from '../../../engine/assert.ts';
import { Code } from '../../../engine/codes.ts';
import type { Identity } from '../../identity/identity.ts';
import type { LimitCounters } from '../../limit-counters.ts';
import type { PortfolioAdmission, PortfolioStream, PortfolioStreams, PortfolioTransport } from '../../portfolio/portfolio-streams.ts';
import { MARK_PARAMETERS } from '../../portfolio/portfolios.ts';
import { type Reject, reject } from '../../reject.ts';
import { IDLE_SECONDS, MAX_REASON_BYTES } from './order-sockets.ts';
import { PingLimit } from './ping-limit.ts';
import { closeCodeOf, GOING_AWAY, upgradeStatusOf } from './reject-status.ts';
import type { SocketRoutes } from './socket-server.ts';
import { authenticate } from './upgrade.ts';

const PATH = '/v1/portfolio';
/** The subprotocol of JSON, as of market data. */
const PROTOCOL = 'json';
/** A stream receives nothing. A larger message ends the connection without a close code. */
const MAX_RECEIVED_BYTES = 1024;

interface SocketUser {
  readonly admission: PortfolioAdmission;
  transport?: SocketPortfolio;
}

/** Streams of portfolios over WebSocket, at `/v1/portfolio?account=N`: JSON texts. See docs/PORTFOLIO.md. */
export function servePortfolioSockets(
  app: SocketRoutes,
  streams: PortfolioStreams,
  identity: Identity,
  limits: LimitCounters,
  pings?: number,
): void {
  const transportOf = (ws: WebSocket<SocketUser>): SocketPortfolio =>
    ws.getUserData().transport ?? fail('portfolio sockets: a socket without its stream');
  app.ws<SocketUser>(PATH, {
    compression: 0,
    maxPayloadLength: MAX_RECEIVED_BYTES,
    // At most one outgoing message is pending; a limit would drop it silently.
    maxBackpressure: 0,
    idleTimeout: IDLE_SECONDS,
    sendPingsAutomatically: true,
    upgrade: (res, req, context) => upgrade(res, req, context, streams, identity),
    open: (ws) => {
      const user = ws.getUserData();
      user.transport = new SocketPortfolio(ws, user.admission, streams, limits, new PingLimit(pings));
    },
    message: (ws) => transportOf(ws).onMessage(),
    ping: (ws, message) => transportOf(ws).onPing(message.byteLength),
    drain: (ws) => transportOf(ws).onDrain(),
    close: (ws) => transportOf(ws).onClose(),
  });
  // Other paths of the port are market data, which a reader of portfolios would not notice.
  app.ws(`${PATH}/*`, {
    upgrade: (res) => {
      res.writeStatus('404 Not Found').writeHeader('content-type', 'text/plain; charset=utf-8');
      res.end(`NOT_FOUND: portfolios are at ${PATH}?account=N, without a further slash\n`, true);
    },
  });
}

function upgrade(res: HttpResponse, req: HttpRequest, context: us_socket_context_t, streams: PortfolioStreams, identity: Identity): void {
  const query = new URLSearchParams(req.getQuery());
  authenticate(res, req, context, identity, 'WebSocket portfolio', (upgrade) => {
    if (upgrade.rejectCrossSite()) return;
    if (upgrade.rejectQuery(['account', 'interval', ...MARK_PARAMETERS])) return;
    const admission = streams.admit(query, upgrade.principal, upgrade.visit);
    if ('code' in admission) upgrade.reject(upgradeStatusOf(admission), admission.details);
    else upgrade.accept<SocketUser>({ admission }, upgrade.offered.includes(PROTOCOL) ? PROTOCOL : '');
  });
}

/** A stream on a WebSocket. */
class SocketPortfolio implements PortfolioTransport {
  readonly #ws: WebSocket<SocketUser>;
  readonly #limits: LimitCounters;
  readonly #pings: PingLimit;
  readonly #stream: PortfolioStream;
  /** An outgoing message is in the socket's buffer. */
  #waiting = false;
  #open = true;

  constructor(
    ws: WebSocket<SocketUser>,
    admission: PortfolioAdmission,
    streams: PortfolioStreams,
    limits: LimitCounters,
    pings: PingLimit,
  ) {
    this.#ws = ws;
    this.#limits = limits;
    this.#pings = pings;
    this.#stream = streams.open(this, admission);
  }

  onMessage(): void {
    this.#stream.cut(reject(Code.MALFORMED_FRAME, 'a stream of a portfolio takes no messages: its query says what it shows'));
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
    if (!this.#open) return true;
    this.#waiting = this.#ws.send(text, false) !== SENT;
    return !this.#waiting;
  }

  end(): void {
    if (this.#open) this.#ws.end(GOING_AWAY, 'the exchange is stopping');
  }

  fail(why: Reject): void {
    if (this.#open) this.#ws.end(closeCodeOf(why), why.details.slice(0, MAX_REASON_BYTES));
  }
}
