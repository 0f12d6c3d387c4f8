import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { type FeedFault, type FeedLine, type FeedState, faultCode, stateName, type VenueAdapter } from '../../feeds/feed.ts';
import type { PublishedSink } from '../../feeds/rings/record-publisher.ts';

/** A venue on a free loopback port: WebSocket and HTTP, what it does is the test's. */
export class LoopbackVenue {
  readonly port: number;
  readonly #server: Server;
  readonly #webSockets: WebSocketServer;
  readonly #sockets = new Set<Socket>();

  static async start(handlers: {
    readonly connected?: (socket: WebSocket, request: IncomingMessage, connection: number) => void;
    readonly answer?: (request: IncomingMessage, response: ServerResponse) => void;
    readonly port?: number;
    /** Answers upgrades with this status. */
    readonly refuse?: () => number | undefined;
  }): Promise<LoopbackVenue> {
    const server = createServer((request, response) => handlers.answer?.(request, response));
    const webSockets = new WebSocketServer({ noServer: true, perMessageDeflate: true, maxPayload: 1 << 20 });
    let connections = 0;
    server.on('upgrade', (request, socket, head) => {
      const refused = handlers.refuse?.();
      if (refused !== undefined) {
        socket.end(`HTTP/1.1 ${refused} Refused\r\nConnection: close\r\n\r\n`);
        return;
      }
      webSockets.handleUpgrade(request, socket, head, (webSocket) => {
        webSocket.on('error', () => undefined);
        handlers.connected?.(webSocket, request, ++connections);
      });
    });
    await new Promise<void>((resolve) => server.listen(handlers.port ?? 0, '127.0.0.1', resolve));
    return new LoopbackVenue(server, webSockets);
  }

  private constructor(server: Server, webSockets: WebSocketServer) {
    this.#server = server;
    this.#webSockets = webSockets;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  get webSocketUrl(): string {
    return `ws://127.0.0.1:${this.port}`;
  }

  get httpUrl(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async close(): Promise<void> {
    this.#webSockets.close();
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** A port on which nothing listens. */
export async function freePort(): Promise<number> {
  const venue = await LoopbackVenue.start({});
  await venue.close();
  return venue.port;
}

/** An adapter that notes what it is given, one word and its text each, and does what the test wants. */
export class NotingAdapter implements VenueAdapter {
  readonly venue = 'noting';
  readonly address: string;
  readonly notes: string[] = [];
  readonly line: FeedLine;
  onOpened: (() => void) | undefined;
  onFrame: ((text: string) => void) | undefined;
  onTick: (() => void) | undefined;
  /** Set by a test whose adapter can be taken over. */
  takeOver: (() => void) | undefined;

  constructor(address: string, line: FeedLine) {
    this.address = address;
    this.line = line;
  }

  opened(): void {
    this.notes.push('opened');
    this.onOpened?.();
  }

  frame(bytes: Uint8Array): void {
    const text = Buffer.from(bytes).toString('utf8');
    this.notes.push(`frame ${text.length > 100 ? `of ${text.length}` : text}`);
    this.onFrame?.(text);
  }

  answer(url: string, bytes: Uint8Array): void {
    this.notes.push(`answer ${new URL(url).pathname} ${bytes.length > 100 ? `of ${bytes.length}` : Buffer.from(bytes).toString('utf8')}`);
  }

  answerFailed(url: string, status: number): void {
    this.notes.push(`failed ${new URL(url).pathname} ${status}`);
  }

  closed(): void {
    this.notes.push('closed');
  }

  tick(): void {
    this.onTick?.();
  }
}

/** A sink that keeps states and faults of the whole source as words; everything else is dropped. */
export class NotingSink implements PublishedSink {
  readonly words: string[] = [];

  readonly received = () => undefined;
  readonly at = () => undefined;
  readonly flush = () => undefined;
  readonly instrument = () => 0;
  readonly scale = () => undefined;
  readonly sequence = () => undefined;
  readonly bookClear = () => undefined;
  readonly level = () => undefined;
  readonly bookEnd = () => undefined;
  readonly trade = () => undefined;
  readonly quote = () => undefined;

  status(_instrument: number, state: FeedState, fault: FeedFault): void {
    this.words.push(fault === 0 ? stateName(state) : `${stateName(state)} ${faultCode(fault)}`);
  }

  fault(_instrument: number, fault: FeedFault): void {
    this.words.push(`fault ${faultCode(fault)}`);
  }
}
