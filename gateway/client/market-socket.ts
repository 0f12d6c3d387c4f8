import type { ChannelName } from '../../engine/wire/channels/channels.ts';
import { authority } from './authority.ts';
import { OpenbellError } from './errors.ts';
import type { MarketFrameView } from './market-decode.ts';
import { MARKET_FORMATS, type MarketFormatName } from './market-formats.ts';
import { type Dispatcher, inBackground, openSocket } from './network.ts';
import type { TokenSource } from './token-source.ts';

export interface MarketSocketOptions {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 7402. */
  readonly port?: number;
  /** Shard of the venue, sent in the path because a browser's WebSocket can set no header. Default: the gateway's choice. */
  readonly shard?: number | undefined;
  /** Default `binary`. */
  readonly format?: MarketFormatName;
  /** Reconnect when the connection is lost. Default true. */
  readonly reconnect?: boolean;
  /** Time without any message, heartbeats included, after which the connection counts as lost, ms. Default 15,000: three heartbeats. */
  readonly idleMs?: number;
  /** Undefined: no credentials are sent. */
  readonly tokens?: TokenSource | undefined;
  /** With TLS. Default false. */
  readonly secure?: boolean;
  /** Of the certificates for TLS; undefined: those that the platform trusts. */
  readonly dispatcher?: Dispatcher | undefined;
}

export interface MarketSocketEvents {
  onOpen(): void;
  onFrame(frame: MarketFrameView): void;
  /** @param final no further attempt is made */
  onLost(error: OpenbellError, final: boolean): void;
}

const FIRST_DELAY_MS = 50;
const MAX_DELAY_MS = 5000;
/** Duration after which a connection counts as successful and the reconnect delay is reset. */
const GOOD_MS = 10_000;
const CLOSE_PATIENCE_MS = 1000;
/** Close code: the credentials have expired. */
const EXPIRED = 4016;

/** One WebSocket to the market data of an exchange, reconnected with growing delays when it is lost. */
export class MarketSocket {
  readonly url: string;
  reconnects = 0;
  readonly #format: MarketFormatName;
  readonly #reconnect: boolean;
  readonly #idleMs: number;
  readonly #events: MarketSocketEvents;
  readonly #tokens: TokenSource | undefined;
  readonly #dispatcher: Dispatcher | undefined;
  #awaitingToken = false;
  #ws: WebSocket | undefined;
  #open = false;
  #everOpen = false;
  #closed = false;
  #openedAt = 0;
  #lastHeard = 0;
  #delayMs = FIRST_DELAY_MS;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #watch: ReturnType<typeof setInterval> | undefined;

  constructor(options: MarketSocketOptions, events: MarketSocketEvents) {
    const {
      host = '127.0.0.1',
      port = 7402,
      shard,
      format = 'binary',
      reconnect = true,
      idleMs = 15_000,
      tokens,
      secure = false,
    } = options;
    this.#dispatcher = options.dispatcher;
    this.url = `${secure ? 'wss' : 'ws'}://${authority(host, port)}/${shard === undefined ? '' : `shard/${shard}`}`;
    this.#format = format;
    this.#reconnect = reconnect;
    this.#idleMs = idleMs;
    this.#events = events;
    this.#tokens = tokens;
  }

  get isOpen(): boolean {
    return this.#open;
  }

  /** Connects, unless it is connected or connecting. `onOpen` or `onLost` follows. */
  connect(): void {
    if (this.#ws !== undefined || this.#retry !== undefined || this.#awaitingToken || this.#closed) return;
    if (this.#tokens === undefined) return this.#begin([]);
    this.#awaitingToken = true;
    this.#tokens
      .get()
      .finally(() => {
        this.#awaitingToken = false;
      })
      .then(
        (token) => {
          if (!this.#closed) this.#begin([`openbell.bearer.${token}`]);
        },
        (error: OpenbellError) => this.#ended(error),
      );
  }

  /** @param token sent as a subprotocol, the only way that a browser's WebSocket has */
  #begin(token: readonly string[]): void {
    const ws = openSocket(this.url, [this.#format, ...token], { dispatcher: this.#dispatcher });
    this.#ws = ws;
    ws.binaryType = 'arraybuffer';
    ws.onopen = () => {
      if (this.#everOpen) this.reconnects++;
      this.#open = this.#everOpen = true;
      this.#openedAt = this.#lastHeard = performance.now();
      this.#watch = inBackground(setInterval(() => this.#check(ws), this.#idleMs / 3));
      this.#events.onOpen();
    };
    ws.onmessage = ({ data }) => {
      this.#lastHeard = performance.now();
      let frame: MarketFrameView;
      try {
        frame = MARKET_FORMATS[this.#format].frame(data as string | ArrayBuffer);
      } catch (error) {
        return this.#fail(ws, error as OpenbellError);
      }
      this.#events.onFrame(frame);
    };
    ws.onclose = ({ code, reason }) => this.#lost(ws, code, reason);
    // On an open connection `close` follows with details; on a failed connect it may not.
    ws.onerror = ({ message = '' }) => {
      // A browser gives no message about a failed connection.
      if (!this.#open) this.#lost(ws, 1006, message);
    };
  }

  /** Sends a request. Does nothing without a connection: `onOpen` sends the requests again. */
  send(op: number, channel: ChannelName, id: number, name: string, tag: number, last = 0): void {
    if (!this.#open || this.#ws === undefined) return;
    this.#ws.send(MARKET_FORMATS[this.#format].request(op, channel, id, name, tag, last));
  }

  /** Closes without reconnecting. Resolves when the exchange has confirmed, or after one second. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    const ws = this.#ws;
    if (ws === undefined || ws.readyState === WebSocket.CLOSED) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    ws.addEventListener('close', () => resolve());
    ws.close(1000);
    // A stalled connection delivers no close frame.
    const patience = setTimeout(resolve, CLOSE_PATIENCE_MS);
    await promise;
    clearTimeout(patience);
  }

  #check(ws: WebSocket): void {
    if (performance.now() - this.#lastHeard <= this.#idleMs) return;
    this.#fail(ws, new OpenbellError('CONNECTION_LOST', `nothing came from ${this.url} for ${this.#idleMs} ms`));
  }

  /** Abandons a connection without waiting for its close. */
  #fail(ws: WebSocket, error: OpenbellError): void {
    if (this.#ws !== ws) return;
    ws.onmessage = ws.onclose = null;
    ws.close();
    this.#ended(error);
  }

  #lost(ws: WebSocket, code: number, reason: string): void {
    if (this.#ws !== ws) return;
    // The WebSocket API does not give the reason for a failed connect; the token may have expired.
    if (!this.#open || code === EXPIRED) this.#tokens?.discard();
    const what = this.#open ? `the market data connection ${this.url} was closed` : `cannot connect to market data at ${this.url}`;
    const why = reason === '' ? `code ${code}` : `code ${code}, ${reason}`;
    this.#ended(
      new OpenbellError(
        'CONNECTION_LOST',
        `${what} (${why}): is the exchange running there${this.url.startsWith('wss:') ? ', with TLS' : ''}?`,
      ),
    );
  }

  #ended(error: OpenbellError): void {
    clearInterval(this.#watch);
    const wasOpen = this.#open;
    this.#ws = undefined;
    this.#open = false;
    const again = this.#reconnect && this.#everOpen && !this.#closed;
    this.#events.onLost(error, !again);
    if (!again || this.#closed) return;
    if (wasOpen && performance.now() - this.#openedAt > GOOD_MS) this.#delayMs = FIRST_DELAY_MS;
    // Jitter, so that the readers of an exchange do not all reconnect at once.
    const delay = this.#delayMs * (0.5 + Math.random());
    this.#delayMs = Math.min(this.#delayMs * 2, MAX_DELAY_MS);
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      this.connect();
    }, delay);
  }
}
