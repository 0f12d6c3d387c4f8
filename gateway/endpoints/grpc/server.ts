import {
  createSecureServer,
  createServer,
  type Http2SecureServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type Settings,
} from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { Certificates } from '../../tls/certificates.ts';
import { peerOf } from '../../tls/peer-certificate.ts';
import { serverTls } from '../../tls/server-tls.ts';
import { connectionKey, type PreAuthLimit } from '../pre-auth-limit.ts';
import { type ConnectedPeer, GrpcCall } from './call.ts';
import { GrpcStatus } from './status.ts';

export interface GrpcServerOptions {
  /** The handler of each method, by path: `/package.Service/Method`. */
  readonly methods: Readonly<Record<string, (call: GrpcCall) => void>>;
  /** A larger message ends its call with RESOURCE_EXHAUSTED before it is received. */
  readonly maxMessageBytes: number;
  /** Maximum open connections; further ones are closed at once. Default 4096. */
  readonly maxConnections?: number;
  /** Bounds connections without an admitted call, see {@link GrpcCall.admit}. Undefined: no limit. */
  readonly preAuthLimit?: PreAuthLimit | undefined;
  /** Interval of HTTP/2 pings on a connection. Default 30 s. */
  readonly keepaliveMs?: number;
  /** With them: TLS 1.3, and client certificates when there is a client CA. */
  readonly certificates?: Certificates | undefined;
  /** Called when a TLS handshake failed. */
  readonly onHandshakeRejected?: ((peer: string, reason: string) => void) | undefined;
}

const MAX_STREAMS = 1024;
/** Received ahead of the reader, per call and per connection. */
const CALL_WINDOW = 256 * 1024;
const CONNECTION_WINDOW = 1024 * 1024;
const PONG_MS = 10_000;

/**
 * gRPC on Node's own HTTP/2, without protobuf: a message is bytes.
 * The general library's cost per message (a decoder, interceptors, an object
 * stream, a promise each) exceeds the exchange's cost of an order; here messages
 * that arrived together are delivered together. I/O thread.
 */
export class GrpcServer {
  readonly #options: GrpcServerOptions;
  readonly #server: Http2Server | Http2SecureServer;
  /** The peer per connection, read once, because reading a certificate takes longer than starting a call. */
  readonly #sessions = new Map<ServerHttp2Session, ConnectedPeer>();
  /** All sockets, including those in a TLS handshake and those whose session has ended. */
  readonly #sockets = new Set<Socket>();
  /** Callbacks that lift a connection's pre-authentication limit, by {@link connectionKey}. */
  readonly #unauthenticated = new Map<string, () => void>();

  constructor(options: GrpcServerOptions) {
    this.#options = options;
    const settings = { maxConcurrentStreams: MAX_STREAMS, initialWindowSize: CALL_WINDOW, maxHeaderListSize: 16 * 1024 };
    this.#server = options.certificates === undefined ? createServer({ settings }) : this.#secure(options.certificates, settings);
    this.#server.maxConnections = options.maxConnections ?? 4096;
    // Runs before the library's own listener, which creates the session.
    this.#server.prependListener('connection', (socket: Socket) => this.#enter(socket));
    this.#server.on('session', (session) => this.#open(session));
    this.#server.on('stream', (stream, headers) => this.#call(stream, headers));
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

  /** Sends GOAWAY on every connection, waits for their calls, and cuts the rest after `deadlineMs`. */
  async stop(deadlineMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const session of this.#sessions.keys()) session.close();
    const deadline = setTimeout(() => {
      // Sockets, not sessions: a closed session only half-closes its socket and waits without limit for the peer.
      for (const socket of this.#sockets) socket.destroy();
    }, deadlineMs);
    if (this.#server.listening || this.#sockets.size > 0) await closed;
    clearTimeout(deadline);
  }

  #secure(certificates: Certificates, settings: Settings): Http2SecureServer {
    const server = createSecureServer({ ...serverTls(certificates.current, { required: true }), settings });
    certificates.onChange((material) => server.setSecureContext(serverTls(material, { required: true })));
    server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) =>
      this.#options.onHandshakeRejected?.(peerOf(socket).address, error.code ?? error.message),
    );
    return server;
  }

  #enter(socket: Socket): void {
    socket.setNoDelay(true);
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    const { preAuthLimit } = this.#options;
    const { address } = peerOf(socket);
    if (preAuthLimit === undefined || preAuthLimit.trusts(address)) return;
    const leave = preAuthLimit.enter(address, () => socket.destroy());
    if (leave === undefined) {
      // Deferred, because the library's listener fails on a destroyed socket.
      process.nextTick(() => socket.destroy());
      return;
    }
    const key = connectionKey(socket);
    this.#unauthenticated.set(key, leave);
    socket.once('close', () => {
      leave();
      this.#unauthenticated.delete(key);
    });
  }

  #open(session: ServerHttp2Session): void {
    this.#sessions.set(session, { ...peerOf(session.socket), admit: this.#unauthenticated.get(connectionKey(session.socket)) });
    session.setLocalWindowSize(CONNECTION_WINDOW);
    session.on('error', () => undefined);
    const keepalive = setInterval(() => ask(session), this.#options.keepaliveMs ?? 30_000);
    keepalive.unref();
    session.on('close', () => {
      clearInterval(keepalive);
      this.#sessions.delete(session);
    });
  }

  #call(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    const type = headers['content-type'];
    if (headers[':method'] !== 'POST' || type === undefined || !/^application\/grpc(\+|;|$)/.test(type)) {
      stream.on('error', () => undefined);
      if (!stream.closed) stream.respond({ ':status': headers[':method'] === 'POST' ? 415 : 405 }, { endStream: true });
      stream.resume();
      return;
    }
    const peer = (stream.session && this.#sessions.get(stream.session as ServerHttp2Session)) ?? GONE;
    const call = new GrpcCall(stream, headers, this.#options.maxMessageBytes, peer);
    const path = headers[':path'] ?? '';
    const { methods } = this.#options;
    if (Object.hasOwn(methods, path)) methods[path](call);
    else call.fail({ code: GrpcStatus.Unimplemented, details: `there is no method ${path}` });
  }
}

const GONE: ConnectedPeer = { address: '', certificate: undefined, admit: undefined };

/** Cuts a connection that does not answer in time. */
function ask(session: ServerHttp2Session): void {
  if (session.closed || session.destroyed) return;
  const gone = setTimeout(() => session.destroy(), PONG_MS);
  gone.unref();
  if (!session.ping(() => clearTimeout(gone))) clearTimeout(gone);
}
