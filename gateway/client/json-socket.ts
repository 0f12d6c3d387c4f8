import { authority } from './authority.ts';
import type { HttpOptions } from './http-request.ts';
import { inBackground, openSocket } from './network.ts';
import { FIRST_RETRY_MS, LAST_RETRY_MS } from './retry-delays.ts';
import { SHARD_HEADER } from './symbols.ts';

/** Where an exchange has its streams in JSON. */
export interface StreamConnection {
  /** Of the WebSocket port. */
  readonly host: string;
  readonly port: number;
  readonly reconnect: boolean;
  readonly http: HttpOptions;
  /** The shard is named in the path, because the WebSocket of a page sets no headers. Default false. */
  readonly shardInPath?: boolean;
}

export interface JsonSocketEvents {
  readonly onOpen?: () => void;
  /** @param message parsed JSON */
  readonly onMessage: (message: unknown) => void;
  /** The connection has ended, or could not be made; called once, and not after {@link JsonSocket.close}. @param code of its close; 0: it has none */
  readonly onLost: (why: string, code: number) => void;
}

/**
 * One connection of a stream in JSON. If nothing comes for a time, it counts as lost: a quiet stream and a dead connection look the
 * same.
 */
export class JsonSocket {
  readonly url: string;
  readonly #ws: WebSocket;
  readonly #idleMs: number;
  readonly #onLost: JsonSocketEvents['onLost'];
  #idle: ReturnType<typeof setTimeout> | undefined;
  #isOpen = false;
  #ended = false;

  /** @param path with its query @param token undefined: without credentials @param idleMs longest time without a message, ms */
  constructor(connection: StreamConnection, path: string, token: string | undefined, idleMs: number, events: JsonSocketEvents) {
    const { host, port, http, shardInPath } = connection;
    const { shard } = http;
    const before = shardInPath && shard !== undefined ? `/shard/${shard}` : '';
    this.url = `${http.origin.startsWith('https:') ? 'wss' : 'ws'}://${authority(host, port)}${before}${path}`;
    this.#idleMs = idleMs;
    this.#onLost = events.onLost;
    const ws = openSocket(this.url, ['json', ...(token === undefined ? [] : [`openbell.bearer.${token}`])], {
      dispatcher: http.dispatcher,
      headers: shard === undefined || shardInPath ? undefined : { [SHARD_HEADER]: String(shard) },
    });
    this.#ws = ws;
    this.#watch();
    ws.onopen = () => {
      this.#isOpen = true;
      events.onOpen?.();
    };
    ws.onmessage = ({ data }) => {
      this.#watch();
      events.onMessage(JSON.parse(String(data)));
    };
    ws.onclose = ({ code, reason }) => this.#lost(reason === '' ? `code ${code}` : `code ${code}, ${reason}`, code);
    // On an open connection `close` follows with details; on a failed connect it may not.
    ws.onerror = ({ message = 'a browser gives no reason' }) => {
      if (!this.#isOpen) this.#lost(message, 0);
    };
  }

  close(): void {
    this.#ended = true;
    clearTimeout(this.#idle);
    const ws = this.#ws;
    ws.onopen = ws.onmessage = ws.onclose = ws.onerror = null;
    ws.close();
  }

  #watch(): void {
    if (this.#ended) return;
    clearTimeout(this.#idle);
    this.#idle = inBackground(setTimeout(() => this.#lost(`nothing came for ${this.#idleMs} ms`, 0), this.#idleMs));
  }

  #lost(why: string, code: number): void {
    if (this.#ended) return;
    this.close();
    this.#onLost(why, code);
  }
}

/** The waits between attempts to connect: each twice as long as the one before, with jitter, so that the readers of an exchange do not all reconnect at once. */
export class RetryDelay {
  #ms = FIRST_RETRY_MS;

  /** The stream works: the next wait is the shortest one. */
  reset(): void {
    this.#ms = FIRST_RETRY_MS;
  }

  /** The next wait, ms. */
  next(): number {
    const delay = this.#ms * (0.5 + Math.random());
    this.#ms = Math.min(this.#ms * 2, LAST_RETRY_MS);
    return delay;
  }
}
