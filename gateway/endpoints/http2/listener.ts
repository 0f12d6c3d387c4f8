import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createSecureServer, type Server as SecureServer, type TLSSocket } from 'node:tls';
import type { Certificates } from '../../tls/certificates.ts';
import { peerOf } from '../../tls/peer-certificate.ts';
import { serverTls } from '../../tls/server-tls.ts';
import { readInPlace } from './in-place-reads.ts';

export interface ListenerOptions {
  readonly maxConnections: number;
  /** With them: TLS 1.3, and client certificates when there is a client CA. */
  readonly certificates: Certificates | undefined;
  /**
   * A socket was accepted, and is not read. Call `serve`, now or later, and say whether it was read until then: what is left
   * unread comes first. The socket closes with the connection, and the other way around.
   */
  readonly onSocket: (socket: Socket, serve: (wasRead: boolean) => void) => void;
  /** HTTP/2 begins on a socket, which need not be the one that was accepted. @returns what takes its bytes */
  readonly onOpen: (socket: Socket) => (bytes: Buffer, end: number) => void;
  /** Called when a TLS handshake failed. */
  readonly onHandshakeRejected: ((peer: string, reason: string) => void) | undefined;
}

/** A port that speaks HTTP/2: over TLS, or in clear by prior knowledge. */
export class Http2Listener {
  readonly #options: ListenerOptions;
  readonly #server: Server;

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#server = options.certificates === undefined ? this.#plain() : this.#secure(options.certificates);
    this.#server.maxConnections = options.maxConnections;
  }

  get listening(): boolean {
    return this.#server.listening;
  }

  /** Listens; port 0 takes a free one. @returns the port @throws Error with code EADDRINUSE and others of the system */
  listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject);
        resolve((this.#server.address() as AddressInfo).port);
      });
    });
  }

  /** Accepts no more; resolves when all sockets have closed. */
  close(): Promise<void> {
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  #plain(): Server {
    return createServer({ noDelay: true, pauseOnConnect: true }, (socket) =>
      this.#options.onSocket(socket, (wasRead) => this.#open(socket, !wasRead)),
    );
  }

  #secure(certificates: Certificates): SecureServer {
    const server = createSecureServer({ ...serverTls(certificates.current, { required: true }), ALPNProtocols: ['h2'], noDelay: true });
    certificates.onChange((material) => server.setSecureContext(serverTls(material, { required: true })));
    server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) =>
      this.#options.onHandshakeRejected?.(peerOf(socket).address, error.code ?? error.message),
    );
    // The library's own listener begins the handshake.
    const [serve] = server.listeners('connection') as ((socket: Socket) => void)[];
    server.removeAllListeners('connection');
    server.on('connection', (socket: Socket) => this.#options.onSocket(socket, () => serve.call(server, socket)));
    server.on('secureConnection', (socket: TLSSocket) => {
      if (socket.alpnProtocol === 'h2') this.#open(socket, false);
      else socket.destroy();
    });
    return server;
  }

  #open(accepted: Socket, isInPlace: boolean): void {
    let onBytes: (bytes: Buffer, end: number) => void = () => undefined;
    const taken = isInPlace ? readInPlace(accepted, (bytes, end) => onBytes(bytes, end)) : undefined;
    const socket = taken ?? accepted;
    onBytes = this.#options.onOpen(socket);
    if (taken === undefined) socket.on('data', (bytes: Buffer) => onBytes(bytes, bytes.length)).resume();
  }
}
