import { WebSocket } from 'ws';
import { FeedFault, MAX_FRAME_BYTES } from '../feed.ts';
import { LineFault, reasonOf } from './line-fault.ts';

export interface SocketOptions {
  /** For name, TCP, TLS and WebSocket handshake together, ms. */
  readonly connectMs: number;
  /** Of a decompressed frame, bytes. */
  readonly maxFrameBytes: number;
  /** Without any byte from the venue, ms: at half of it a ping is sent, at the end the connection is cut. */
  readonly silentMs: number;
  /** Offer permessage-deflate. */
  readonly deflate: boolean;
}

export const DEFAULT_SOCKET: SocketOptions = { connectMs: 10_000, maxFrameBytes: MAX_FRAME_BYTES, silentMs: 30_000, deflate: true };

export interface SocketEvents {
  /** Once, before anything else, in the turn in which the handshake ended. */
  opened(socket: VenueSocket): void;
  /** @param bytes owned by the caller from here on */
  frame(bytes: Uint8Array, binary: boolean): void;
  /** Once, also after {@link VenueSocket.end}. Nothing comes after it. */
  closed(fault: LineFault): void;
}

/** How long a closing handshake may take before the socket is cut, ms. */
const CLOSE_MS = 1_000;

/** One open WebSocket connection to a venue. All calls and events on one thread. */
export class VenueSocket {
  readonly #socket: WebSocket;
  readonly #events: SocketEvents;
  readonly #options: SocketOptions;
  readonly #url: string;
  readonly #watch: NodeJS.Timeout;
  #heardAt = performance.now();
  #pinged = false;
  /** Why it ends, once that is known; the first reason counts. */
  #fault: LineFault | undefined;
  /** Nothing more is reported. */
  #closed = false;

  /** Returns after {@link SocketEvents.opened}. @throws LineFault `CONNECT_FAILED`; then no event comes */
  static async connect(url: string, events: SocketEvents, options: SocketOptions, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const socket = new WebSocket(url, {
      handshakeTimeout: options.connectMs,
      maxPayload: options.maxFrameBytes,
      perMessageDeflate: options.deflate,
      followRedirects: false,
    });
    const abort = () => socket.terminate();
    signal.addEventListener('abort', abort, { once: true });
    try {
      await new Promise<void>((resolve, reject) => {
        // The first frames may arrive with the handshake's answer, so the listeners are set in the same turn.
        socket.once('open', () => {
          events.opened(new VenueSocket(socket, url, events, options));
          resolve();
        });
        socket.once('error', reject);
        socket.once('close', () => reject(new Error('closed before it was open')));
      });
    } catch (error) {
      socket.on('error', () => undefined);
      socket.terminate();
      throw new LineFault(FeedFault.ConnectFailed, `${url}: ${reasonOf(error)}`, 0, { cause: error });
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  private constructor(socket: WebSocket, url: string, events: SocketEvents, options: SocketOptions) {
    this.#socket = socket;
    this.#url = url;
    this.#events = events;
    this.#options = options;
    socket.removeAllListeners();
    socket.on('message', (data, binary) => {
      this.#heardAt = performance.now();
      if (this.#fault === undefined) events.frame(data as Buffer, binary);
    });
    const heard = () => {
      this.#heardAt = performance.now();
    };
    socket.on('ping', heard);
    socket.on('pong', heard);
    socket.on('error', (error) => this.#failed(error));
    socket.on('close', (code, reason) => this.#ended(code, reason.toString('utf8')));
    this.#watch = setInterval(() => this.#look(), Math.max(10, options.silentMs / 8));
    this.#watch.unref();
  }

  send(frame: string | Uint8Array): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(frame);
  }

  /** Nothing is read from the venue before {@link resume}; frames that were read already may still be reported. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#heardAt = performance.now();
    this.#socket.resume();
  }

  /**
   * Ends the connection: no frame is reported from here on, and {@link SocketEvents.closed} follows this call. The closing
   * handshake goes on behind it, for a second at most.
   */
  end(fault: LineFault): void {
    if (this.#closed) return;
    this.#fault ??= fault;
    this.#socket.close(1000);
    const cut = setTimeout(() => this.#socket.terminate(), CLOSE_MS);
    this.#socket.once('close', () => clearTimeout(cut));
    queueMicrotask(() => this.#ended(1000, ''));
  }

  #look(): void {
    // What is not read is no silence of the venue.
    if (this.#socket.isPaused) return;
    const idle = performance.now() - this.#heardAt;
    if (idle >= this.#options.silentMs) {
      this.#fault ??= new LineFault(
        FeedFault.Silent,
        `${this.#url}: nothing arrived for ${Math.round(idle)} ms, not even an answer to a ping`,
      );
      this.#socket.terminate();
    } else if (idle < this.#options.silentMs / 2) this.#pinged = false;
    else if (!this.#pinged && this.#socket.readyState === WebSocket.OPEN) {
      this.#pinged = true;
      this.#socket.ping();
    }
  }

  #failed(error: Error): void {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH')
      this.#fault ??= new LineFault(FeedFault.FrameTooLarge, `${this.#url}: a frame exceeds ${this.#options.maxFrameBytes} bytes`);
    else if (code.startsWith('WS_ERR_') || code.startsWith('Z_'))
      this.#fault ??= new LineFault(FeedFault.Malformed, `${this.#url}: ${error.message}`);
    else this.#fault ??= new LineFault(FeedFault.Closed, `${this.#url}: ${reasonOf(error)}`);
    this.#socket.terminate();
  }

  #ended(code: number, reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#watch);
    const said = reason === '' ? '' : `, ${JSON.stringify(reason)}`;
    this.#events.closed(this.#fault ?? new LineFault(FeedFault.Closed, `${this.#url}: closed by the venue (${code}${said})`));
  }
}
