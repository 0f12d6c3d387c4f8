import type { HttpRequest, HttpResponse, us_socket_context_t, WebSocket } from 'uWebSockets.js';
import { Code } from '../../../engine/codes.ts';
import { CANDLE_INTERVALS } from '../../../feeds/analysis/candles.ts';
import type { Feeds } from '../../../feeds/worker/feeds.ts';
import type { Identity } from '../../identity/identity.ts';
import type { LimitCounters } from '../../limit-counters.ts';
import type { FeedCandleReader, FeedCandleStreams, FeedCandleTopic } from '../../market/feed-candle-streams.ts';
import { reject } from '../../reject.ts';
import { notFoundBelow } from './not-found-below.ts';
import { IDLE_SECONDS } from './order-sockets.ts';
import { PingLimit } from './ping-limit.ts';
import { closeCodeOf, upgradeStatusOf } from './reject-status.ts';
import type { SocketRoutes } from './socket-server.ts';
import { authenticate, type Upgrade } from './upgrade.ts';

const PATH = '/v1/feed-candles';
/** The only one. */
const FORMAT = 'json';
const QUERY = ['feed', 'instrument', 'interval'];
const NOT_FOUND = '404 Not Found';
/** Readers send nothing but pings. */
const MAX_RECEIVED_BYTES = 1024;
/** Unread bytes at which a reader is cut. */
const MAX_UNREAD = 256 * 1024;
/** Longest time of a timer, ms. */
const LONGEST_MS = 2 ** 31 - 1;

interface SocketUser {
  readonly topic: FeedCandleTopic;
  readonly caller: string;
  /** When the credentials expire, ms since the Unix epoch, or Infinity. */
  readonly expiresAt: number;
  stream?: SocketStream;
}

export interface FeedCandleSocketsOptions {
  /** Undefined: none are configured. */
  readonly feeds: Feeds | undefined;
  readonly streams: FeedCandleStreams | undefined;
  readonly identity: Identity;
  readonly limits: LimitCounters;
  /** Pings of a reader per second. */
  readonly pings?: number;
}

/** Live candles of outside markets over WebSocket, at `/v1/feed-candles`: see docs/ANALYSIS.md. I/O thread. */
export function serveFeedCandleSockets(app: SocketRoutes, options: FeedCandleSocketsOptions): void {
  const { streams, limits, pings } = options;
  app.ws<SocketUser>(PATH, {
    compression: 0,
    maxPayloadLength: MAX_RECEIVED_BYTES,
    // The stream checks what is unread before each message; a limit here would drop messages silently.
    maxBackpressure: 0,
    idleTimeout: IDLE_SECONDS,
    sendPingsAutomatically: true,
    upgrade: (res, req, context) => upgrade(res, req, context, options),
    open: (ws) => {
      const user = ws.getUserData();
      // There is no upgrade without feeds.
      if (streams !== undefined) user.stream = new SocketStream(ws, streams, limits, new PingLimit(pings));
    },
    message: (ws) => ws.getUserData().stream?.cut(Code.MALFORMED_FRAME, 'this stream takes no messages'),
    ping: (ws, bytes) => ws.getUserData().stream?.onPing(bytes.byteLength),
    close: (ws) => ws.getUserData().stream?.onClose(),
  });
  notFoundBelow(app, PATH, `candles of a feed are at ${PATH}?feed=NAME&instrument=NAME, without a further slash`);
}

function upgrade(res: HttpResponse, req: HttpRequest, context: us_socket_context_t, options: FeedCandleSocketsOptions): void {
  const query = new URLSearchParams(req.getQuery());
  const { identity, streams } = options;
  authenticate(res, req, context, identity, 'candles of a feed', (upgrade) => {
    const forbidden = identity.forbid(upgrade.principal, 'market:read', upgrade.visit);
    if (forbidden !== undefined) return upgrade.reject(upgradeStatusOf(forbidden), forbidden.details);
    if (upgrade.rejectQuery(QUERY)) return;
    const topic = topicOf(query, options.feeds, upgrade);
    if (topic === undefined || streams === undefined) return;
    const caller = identity.open ? upgrade.visit.peer : upgrade.principal.subject;
    if (!streams.hasRoom(topic, caller)) {
      const busy = reject(Code.BUSY, 'too many streams of candles: close one, or try again later');
      return upgrade.reject(upgradeStatusOf(busy), busy.details);
    }
    upgrade.accept<SocketUser>({ topic, caller, expiresAt: upgrade.principal.expiresAt }, upgrade.offered.includes(FORMAT) ? FORMAT : '');
  });
}

/** What the query asks for; undefined: it was answered. */
function topicOf(query: URLSearchParams, feeds: Feeds | undefined, upgrade: Upgrade): FeedCandleTopic | undefined {
  const feed = query.get('feed') ?? '';
  const instrument = query.get('instrument') ?? '';
  const interval = (CANDLE_INTERVALS as readonly string[]).indexOf(query.get('interval') ?? '1m');
  if (interval === -1) {
    const why = reject(Code.BAD_PARAMETER, `interval must be one of ${CANDLE_INTERVALS.join(', ')}`);
    upgrade.reject(upgradeStatusOf(why), why.details);
    return undefined;
  }
  const source = feeds?.status().findIndex(({ name }) => name === feed) ?? -1;
  const row = source === -1 ? -1 : (feeds?.latest.find(source, instrument) ?? -1);
  if (source === -1) upgrade.reject(NOT_FOUND, 'UNKNOWN_FEED: there is no such feed; GET /v1/feeds lists them');
  else if (row === -1)
    upgrade.reject(NOT_FOUND, 'UNKNOWN_INSTRUMENT: the feed has no such instrument; GET /v1/feeds/NAME shows those it has');
  return row === -1 ? undefined : { feed, source, instrument, row, interval };
}

/** A stream on a WebSocket. */
class SocketStream implements FeedCandleReader {
  readonly caller: string;
  readonly #ws: WebSocket<SocketUser>;
  readonly #limits: LimitCounters;
  readonly #pings: PingLimit;
  readonly #remove: () => void;
  #expiry: NodeJS.Timeout | undefined;
  #isOpen = true;

  constructor(ws: WebSocket<SocketUser>, streams: FeedCandleStreams, limits: LimitCounters, pings: PingLimit) {
    const { topic, caller, expiresAt } = ws.getUserData();
    this.caller = caller;
    this.#ws = ws;
    this.#limits = limits;
    this.#pings = pings;
    this.#remove = streams.add(topic, this);
    if (expiresAt !== Number.POSITIVE_INFINITY) this.#expiry = setTimeout(() => this.#watchExpiry(expiresAt));
  }

  #watchExpiry(expiresAt: number): void {
    const leftMs = expiresAt - Date.now();
    if (leftMs <= 0) return this.cut(Code.UNAUTHENTICATED, 'the credentials have expired');
    this.#expiry = setTimeout(() => this.#watchExpiry(expiresAt), Math.min(leftMs, LONGEST_MS));
  }

  send(text: string): void {
    if (!this.#isOpen) return;
    if (this.#ws.getBufferedAmount() > MAX_UNREAD) this.cut(Code.BUSY, 'messages were not read in time');
    else this.#ws.send(text);
  }

  onPing(bytes: number): void {
    if (!this.#isOpen || this.#pings.allows(bytes, this.#ws.getBufferedAmount())) return;
    this.#limits.note('ws', 'pings');
    this.cut(Code.BUSY, 'too many pings: send fewer, and read the answers');
  }

  cut(code: Code, why: string): void {
    if (this.#isOpen) this.#ws.end(closeCodeOf(reject(code, why)), why);
  }

  onClose(): void {
    this.#isOpen = false;
    clearTimeout(this.#expiry);
    this.#remove();
  }
}
