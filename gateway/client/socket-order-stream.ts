import { Code } from '../../engine/codes.ts';
import { MIN_SCHEMA_VERSION } from '../../engine/wire/frames.ts';
import { ReportFrameReader } from '../../engine/wire/report-frame-reader.ts';
import { authority } from './authority.ts';
import { OpenbellError } from './errors.ts';
import { inBackground, openSocket } from './network.ts';
import { malformed, missing, newestSchema, type OrderStream, type OrderStreamListener, type OrderStreamOptions } from './order-stream.ts';
import { FIRST_RETRY_MS, LAST_RETRY_MS } from './retry-delays.ts';
import type { TokenSource } from './token-source.ts';

/** Close codes after which a retry is pointless: 4000 and the gRPC status INVALID_ARGUMENT, NOT_FOUND, PERMISSION_DENIED, FAILED_PRECONDITION, OUT_OF_RANGE, UNIMPLEMENTED, UNAUTHENTICATED. */
const FINAL: ReadonlySet<number> = new Set([4003, 4005, 4007, 4009, 4011, 4012, 4016]);
/** The exchange has fewer reports than the session named, or no longer has them. */
const BEYOND_END = 4011;
const EXPIRED = 4016;
/** Bytes that the WebSocket keeps before `write` asks to wait. */
const FULL_BYTES = 1 << 18;
/** How often a full WebSocket is looked at: it has no event for it. */
const DRAIN_MS = 10;
const CLOSE_DEADLINE_MS = 3000;

export interface SocketOrderOptions extends OrderStreamOptions {
  readonly secure: boolean;
  readonly tokens: TokenSource | undefined;
}

/**
 * Order entry of one account over WebSocket, as a page can have it: credentials in the subprotocol, and what a page cannot read of the
 * answer to its upgrade in the first message. When the connection is lost, it is made again from the last report received; if the first
 * one cannot be made, the stream ends.
 */
export class SocketOrderStream implements OrderStream {
  lastReport: number | undefined;
  schema: number = MIN_SCHEMA_VERSION;
  readonly #options: SocketOrderOptions;
  readonly #listener: OrderStreamListener;
  readonly #reader = new ReportFrameReader();
  #ws: WebSocket | undefined;
  #isOpen = false;
  #wasOpen = false;
  #closing: (() => void) | undefined;
  #finished = false;
  /** A new token was requested because one was rejected, and the stream has not been open since. */
  #renewed = false;
  #retryMs = FIRST_RETRY_MS;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #drain: ReturnType<typeof setInterval> | undefined;

  constructor(options: SocketOrderOptions, listener: OrderStreamListener) {
    this.#options = options;
    this.#listener = listener;
    this.lastReport = options.lastReport;
    this.#connect();
  }

  write(frame: Uint8Array): boolean {
    const ws = this.#ws;
    if (ws === undefined || !this.#isOpen) return false;
    // The frame is copied at once. Its memory is not shared.
    ws.send(frame as Uint8Array<ArrayBuffer>);
    if (ws.bufferedAmount <= FULL_BYTES) return true;
    this.#drain ??= setInterval(() => this.#drained(ws), DRAIN_MS);
    return false;
  }

  restart(): void {
    this.#ended(0, 'the session was restarted');
  }

  fail(error: OpenbellError): void {
    this.#drop();
    this.#finish(error);
  }

  async close(): Promise<void> {
    clearTimeout(this.#retry);
    if (this.#isOpen && !this.#listener.isAnswered()) {
      await new Promise<void>((resolve) => {
        const deadline = inBackground(setTimeout(resolve, CLOSE_DEADLINE_MS));
        this.#closing = () => {
          clearTimeout(deadline);
          resolve();
        };
      });
    }
    this.#closing = undefined;
    this.#drop();
    this.#finish(undefined);
  }

  #connect(): void {
    const { tokens } = this.#options;
    if (tokens === undefined) return this.#begin([]);
    tokens.get().then(
      (token) => {
        if (!this.#finished) this.#begin([`openbell.bearer.${token}`]);
      },
      (error: OpenbellError) => this.#lost(error, error.code === 'UNAUTHENTICATED' || !this.#wasOpen),
    );
  }

  #begin(token: readonly string[]): void {
    const ws = openSocket(this.#url(this.#listener.resumeAfter(this.lastReport)), ['binary', ...token]);
    this.#ws = ws;
    ws.binaryType = 'arraybuffer';
    ws.onmessage = ({ data }) => {
      if (typeof data === 'string') this.#opened(data);
      else this.#take(new Uint8Array(data as ArrayBuffer));
    };
    ws.onclose = ({ code, reason }) => this.#ended(code, reason);
    // A close follows on an open connection; on a failed connect it may not.
    ws.onerror = () => {
      if (!this.#isOpen) this.#ended(1006, '');
    };
  }

  #url(lastReport: number | undefined): string {
    const { host, port, secure, shard, account, cancelOnDisconnect, sessionNumber } = this.#options;
    const query = new URLSearchParams({ page: '1', account: String(account), schema: String(MIN_SCHEMA_VERSION) });
    if (lastReport !== undefined) query.set('last-report', String(lastReport));
    if (cancelOnDisconnect !== undefined) query.set('cancel-on-disconnect', String(cancelOnDisconnect));
    if (sessionNumber !== undefined) query.set('session-number', String(sessionNumber));
    return `${secure ? 'wss' : 'ws'}://${authority(host, port)}${shard === undefined ? '' : `/shard/${shard}`}/v1/orders?${query}`;
  }

  /** @param text the headers of the answer to the upgrade, as JSON */
  #opened(text: string): void {
    const headers = JSON.parse(text) as Readonly<Record<string, string>>;
    const lacks = missing(this.#options, {
      cancelOnDisconnect: headers['x-openbell-cancel-on-disconnect'] !== undefined,
      sessionNumber: headers['x-openbell-session-number'] !== undefined,
    });
    if (lacks !== undefined) return this.fail(lacks);
    this.schema = newestSchema(headers['x-openbell-schema'], MIN_SCHEMA_VERSION);
    this.#isOpen = true;
    this.#renewed = false;
    this.#retryMs = FIRST_RETRY_MS;
    const again = this.#wasOpen;
    this.#wasOpen = true;
    this.#listener.onOpen(again, Number(headers['x-openbell-last-report']));
  }

  #take(bytes: Uint8Array): void {
    if (this.#reader.open(bytes) !== Code.OK) return this.fail(malformed());
    this.#listener.onFrame(this.#reader);
    if (this.#closing !== undefined && this.#listener.isAnswered()) this.#closing();
  }

  #drained(ws: WebSocket): void {
    if (ws.bufferedAmount > FULL_BYTES / 2) return;
    clearInterval(this.#drain);
    this.#drain = undefined;
    this.#listener.onDrain();
  }

  #ended(code: number, reason: string): void {
    if (this.#ws === undefined) return;
    const wasOpen = this.#isOpen;
    this.#drop();
    // A page does not learn why a connection failed; the token may have expired.
    if (code === EXPIRED || !wasOpen) this.#options.tokens?.discard();
    const again = (code === BEYOND_END && this.#listener.onBeyondEnd()) || this.#renews(code);
    this.#lost(closeError(code, reason, wasOpen), !again && (FINAL.has(code) || !this.#wasOpen));
  }

  /** A session ends with its token: one new token is tried. */
  #renews(code: number): boolean {
    if (code !== EXPIRED || !this.#options.tokens?.renewable || this.#renewed) return false;
    this.#renewed = true;
    return true;
  }

  #lost(error: OpenbellError, final: boolean): void {
    if (this.#finished) return;
    this.#closing?.();
    if (final || !this.#options.reconnect) return this.#finish(error);
    this.#retry = setTimeout(() => this.#connect(), this.#retryMs * (0.5 + Math.random() / 2));
    this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS);
    this.#listener.onLost(error);
  }

  /** Leaves the connection without waiting for its end. */
  #drop(): void {
    clearInterval(this.#drain);
    this.#drain = undefined;
    this.#isOpen = false;
    const ws = this.#ws;
    this.#ws = undefined;
    if (ws === undefined) return;
    ws.onmessage = ws.onclose = ws.onerror = null;
    ws.close();
  }

  #finish(error: OpenbellError | undefined): void {
    if (this.#finished) return;
    this.#finished = true;
    clearTimeout(this.#retry);
    this.#listener.onFinished(error);
  }
}

/** Reasons begin with a code's name if the exchange gave them. */
function closeError(code: number, reason: string, wasOpen: boolean): OpenbellError {
  const name = /^([A-Z][A-Z_]+): /.exec(reason)?.[1];
  if (name !== undefined) return new OpenbellError(name, reason);
  const text = wasOpen
    ? `order entry: the connection was closed (code ${code}${reason === '' ? '' : `, ${reason}`})`
    : 'order entry: there is no connection, and a browser gives no reason: is the exchange running there, and is the token valid?';
  return new OpenbellError('CONNECTION_LOST', text);
}
