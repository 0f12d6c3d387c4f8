import {
  constants,
  createSecureServer,
  createServer,
  type Http2SecureServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type ServerOptions,
} from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { BURST, CALLER_LIMITS, type CallerLimits } from '../../caller-limits.ts';
import type { LimitCounters } from '../../limit-counters.ts';
import { networkOf } from '../../network-of.ts';
import { Rate } from '../../rate.ts';
import { Slices } from '../../slices.ts';
import type { Certificates } from '../../tls/certificates.ts';
import { type Peer, peerOf } from '../../tls/peer-certificate.ts';
import { serverTls } from '../../tls/server-tls.ts';
import { connectionKey, type PreAuthLimit } from '../pre-auth-limit.ts';
import { type ConnectedPeer, GrpcCall } from './call.ts';
import { CutNetworks } from './cut-networks.ts';
import { PartialBytes } from './partial-bytes.ts';
import { noMethod, unknownEncoding } from './status.ts';

export interface GrpcServerOptions {
  /** The handler of each method, by path: `/package.Service/Method`. */
  readonly methods: Readonly<Record<string, (call: GrpcCall) => void>>;
  /** Serves paths that `methods` does not have; undefined: it does not serve this one. */
  readonly others?: (path: string) => ((call: GrpcCall) => void) | undefined;
  /** A larger message ends its call with RESOURCE_EXHAUSTED before it is received. */
  readonly maxMessageBytes: number;
  /** Maximum open connections; further ones are closed at once. Default 4096. */
  readonly maxConnections?: number;
  /** Bounds connections without an admitted call, see {@link GrpcCall.admit}. Undefined: no limit. */
  readonly preAuthLimit?: PreAuthLimit | undefined;
  readonly limits?: CallerLimits | undefined;
  /** Calls of connections that are not authenticated begin in them, and networks take turns. */
  readonly slices?: Slices | undefined;
  /** Counts connections that are cut because of a limit. */
  readonly limitCounters?: LimitCounters | undefined;
  /** Calls of a connection that its peer resets, in a burst; beyond it the connection is cut. Default 1100: more than it has at the same time. */
  readonly resetBurst?: number | undefined;
  /** Interval of HTTP/2 pings on a connection. Default 30 s. */
  readonly keepaliveMs?: number;
  /** How long a client may take to read the rest of the answer of a call that has ended; then the call is reset. Default 10 s. */
  readonly unreadMs?: number | undefined;
  /** With them: TLS 1.3, and client certificates when there is a client CA. */
  readonly certificates?: Certificates | undefined;
  /** Called when a TLS handshake failed. */
  readonly onHandshakeRejected?: ((peer: string, reason: string) => void) | undefined;
}

/** Calls of a connection at the same time. */
const MAX_STREAMS = 1024;
/** The same, before one of its calls was authenticated. */
const MAX_UNAUTHENTICATED_STREAMS = 32;
/** Default of `resetBurst`, and how many are added per second. */
const RESET_BURST = 1100;
const RESETS_PER_SECOND = 33;
/** Received ahead of the reader, per call and per connection. */
const CALL_WINDOW = 256 * 1024;
const CONNECTION_WINDOW = 1024 * 1024;
const PONG_MS = 10_000;
/** Received from a connection that waits because its network's last one was cut. */
const MAX_WAITING_BYTES = 16 * 1024;

/**
 * gRPC on Node's own HTTP/2, without protobuf: a message is bytes.
 * The general library's cost per message (a decoder, interceptors, an object
 * stream, a promise each) exceeds the exchange's cost of an order; here messages
 * that arrived together are delivered together. I/O thread.
 */
export class GrpcServer {
  readonly #options: GrpcServerOptions;
  readonly #slices: Slices;
  readonly #server: Http2Server | Http2SecureServer;
  /** The peer per connection, read once, because reading a certificate takes longer than starting a call. */
  readonly #sessions = new Map<ServerHttp2Session, Connection>();
  readonly #cutNetworks = new CutNetworks();
  readonly #partial = PartialBytes.ofServer(undefined, () => this.#options.limitCounters?.note('grpc', 'pieces'));
  /** All sockets, including those in a TLS handshake and those whose session has ended. */
  readonly #sockets = new Set<Socket>();
  /** Those without an admitted call, where that is limited: in a TLS handshake, waiting because their network was cut, or served. */
  readonly #unadmitted = new Set<Socket>();
  /** Callbacks that lift a connection's pre-authentication limit, by {@link connectionKey}. */
  readonly #unauthenticated = new Map<string, () => void>();

  constructor(options: GrpcServerOptions) {
    this.#options = options;
    this.#slices = options.slices ?? new Slices();
    // Raised when a call of the connection is authenticated.
    const settings = {
      maxConcurrentStreams: options.preAuthLimit === undefined ? MAX_STREAMS : MAX_UNAUTHENTICATED_STREAMS,
      initialWindowSize: CALL_WINDOW,
      maxHeaderListSize: 16 * 1024,
    };
    const limits = { settings, streamResetBurst: this.#resetBurst, streamResetRate: RESETS_PER_SECOND };
    this.#server = options.certificates === undefined ? createServer(limits) : this.#secure(options.certificates, limits);
    this.#server.maxConnections = options.maxConnections ?? 4096;
    // The library's own listener creates the session.
    const [serve] = this.#server.listeners('connection') as ((socket: Socket) => void)[];
    this.#server.removeAllListeners('connection');
    this.#server.on('connection', (socket: Socket) => this.#enter(socket, () => serve.call(this.#server, socket)));
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

  /** Sends GOAWAY on every connection, waits for their calls, and cuts the rest after `deadlineMs`; those without an admitted call at once. */
  async stop(deadlineMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const session of this.#sessions.keys()) session.close();
    // Any peer could delay the stop: with a socket that sends nothing, for example.
    for (const socket of this.#unadmitted) socket.destroy();
    const deadline = setTimeout(() => {
      // Sockets, not sessions: a closed session only half-closes its socket and waits without limit for the peer.
      for (const socket of this.#sockets) socket.destroy();
    }, deadlineMs);
    if (this.#server.listening || this.#sockets.size > 0) await closed;
    clearTimeout(deadline);
  }

  get #resetBurst(): number {
    return this.#options.resetBurst ?? RESET_BURST;
  }

  #secure(certificates: Certificates, limits: ServerOptions): Http2SecureServer {
    const server = createSecureServer({ ...serverTls(certificates.current, { required: true }), ...limits });
    certificates.onChange((material) => server.setSecureContext(serverTls(material, { required: true })));
    server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) =>
      this.#options.onHandshakeRejected?.(peerOf(socket).address, error.code ?? error.message),
    );
    return server;
  }

  #enter(socket: Socket, serve: () => void): void {
    socket.setNoDelay(true);
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    const { preAuthLimit } = this.#options;
    const { address } = peerOf(socket);
    if (preAuthLimit === undefined || preAuthLimit.trusts(address)) return serve();
    const lift = preAuthLimit.enter(address, () => socket.destroy());
    if (lift === undefined) return void socket.destroy();
    const key = connectionKey(socket);
    this.#unadmitted.add(socket);
    const leave = (): void => {
      lift();
      this.#unadmitted.delete(socket);
    };
    this.#unauthenticated.set(key, leave);
    socket.once('close', () => {
      leave();
      this.#unauthenticated.delete(key);
    });
    const withdraw = this.#cutNetworks.wait(address, () => {
      // Its time limit may have passed in this turn.
      if (socket.destroyed) return;
      socket.off('readable', cutIfLong);
      serve();
    });
    if (withdraw === undefined) return serve();
    // What arrives meanwhile is processed in one turn.
    const cutIfLong = (): void => {
      if (socket.readableLength <= MAX_WAITING_BYTES) return;
      this.#options.limitCounters?.note('grpc', 'waiting');
      socket.destroy();
    };
    socket.on('readable', cutIfLong);
    socket.once('close', withdraw);
    // Its peer can reset it.
    socket.on('error', () => undefined);
  }

  #open(session: ServerHttp2Session): void {
    let failed = false;
    session.on('error', (error: NodeJS.ErrnoException) => {
      // Of a lost connection, every open call counts as reset.
      failed = error.code === 'ERR_HTTP2_ERROR';
    });
    deferDestroy(session);
    const peer = peerOf(session.socket);
    const leave = this.#unauthenticated.get(connectionKey(session.socket));
    const cut = (limit: string): void => {
      this.#options.limitCounters?.note('grpc', limit);
      this.#cutNetworks.cut(peer.address);
      session.destroy(undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM);
    };
    const { preAuthLimit, limits = CALLER_LIMITS } = this.#options;
    const raise = (): void => {
      if (preAuthLimit !== undefined && !session.destroyed) session.settings({ maxConcurrentStreams: MAX_STREAMS });
    };
    // A listed proxy carries the calls of many clients, and has no limits of its own.
    const limited = preAuthLimit?.trusts(peer.address) !== true;
    const partial = PartialBytes.ofConnection(this.#partial);
    const connection = new Connection(peer, leave, partial, limited, limits, cut, raise, this.#resetBurst);
    this.#sessions.set(session, connection);
    session.setLocalWindowSize(CONNECTION_WINDOW);
    if (leave === undefined) connection.admit();
    const keepalive = setInterval(() => ask(session), this.#options.keepaliveMs ?? 30_000);
    keepalive.unref();
    session.on('close', () => {
      clearInterval(keepalive);
      this.#sessions.delete(session);
      // Its calls that were reset together have closed by then.
      if (failed) setImmediate(() => connection.resetOften() && cut('resets'));
    });
  }

  #call(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    const peer = stream.session && this.#sessions.get(stream.session as ServerHttp2Session);
    // Its connection has ended.
    if (peer === undefined || !peer.mayCall()) return void stream.on('error', () => undefined);
    stream.once('close', () => stream.rstCode !== constants.NGHTTP2_NO_ERROR && peer.reset());
    const call = new GrpcCall(stream, headers, this.#options.maxMessageBytes, peer, this.#options.unreadMs);
    if (!peer.inTurns) return this.#begin(call);
    // Checking credentials and rejecting takes far longer than sending a call, and many calls arrive in one read.
    void this.#slices.begin(peer.network, () => this.#begin(call));
  }

  #begin(call: GrpcCall): void {
    if (call.ended) return;
    const { headers } = call;
    const type = headers['content-type'];
    if (headers[':method'] !== 'POST') return call.denyRequest(405, { allow: 'POST' });
    if (type === undefined || !/^application\/grpc(\+|;|$)/.test(type)) return call.denyRequest(415);
    const encoding = headers['grpc-encoding'] ?? '';
    if (encoding !== '' && encoding !== 'identity') return call.deny(unknownEncoding(String(encoding)));
    const path = headers[':path'] ?? '';
    const { methods, others } = this.#options;
    const serve = Object.hasOwn(methods, path) ? methods[path] : others?.(path);
    if (serve === undefined) call.deny(noMethod(path));
    else serve(call);
  }
}

/** A connection, its limits, and what its calls have used of them. */
class Connection implements ConnectedPeer {
  readonly address: string;
  /** See {@link networkOf}. */
  readonly network: string;
  readonly certificate: Peer['certificate'];
  readonly partial: PartialBytes;
  readonly #limited: boolean;
  #admitted = false;
  /** It is cut, and its calls are not served any more. */
  #over = false;
  readonly #calls: Rate;
  readonly #rejected: Rate;
  readonly #leave: (() => void) | undefined;
  readonly #cut: (limit: string) => void;
  readonly #onAdmitted: () => void;
  readonly #resets: Rate;

  /**
   * @param leave lifts the pre-authentication limit
   * @param limited whether its calls count
   * @param cut ends the connection because of a limit
   */
  constructor(
    { address, certificate }: Peer,
    leave: (() => void) | undefined,
    partial: PartialBytes,
    limited: boolean,
    limits: CallerLimits,
    cut: (limit: string) => void,
    onAdmitted: () => void,
    resetBurst: number,
  ) {
    this.address = address;
    this.network = networkOf(address);
    this.certificate = certificate;
    this.partial = partial;
    this.#limited = limited;
    this.#calls = rateOf(limits, 'grpc-unauthenticated-calls');
    this.#rejected = rateOf(limits, 'grpc-rejected-calls');
    this.#leave = leave;
    this.#cut = cut;
    this.#onAdmitted = onAdmitted;
    this.#resets = new Rate(RESETS_PER_SECOND, resetBurst);
  }

  readonly admit = (): void => {
    if (this.#admitted) return;
    this.#admitted = true;
    this.#leave?.();
    this.#onAdmitted();
  };

  /** Whether its calls begin in turn with those of others. */
  get inTurns(): boolean {
    return this.#limited && !this.#admitted;
  }

  /** Counts a call that begins. False: it is one too many, and the connection is cut. */
  mayCall(): boolean {
    if (this.#over) return false;
    if (this.#admitted || !this.#limited || this.#calls.take()) return true;
    this.#end('unauthenticated-calls');
    return false;
  }

  readonly fault = (): void => {
    if (this.#limited && !this.#over && !this.#rejected.take()) this.#end('rejected-calls');
  };

  /** Counts a call that was reset. The library itself cuts a connection with too many, as a protocol error. */
  reset(): void {
    this.#resets.take();
  }

  /** Whether its resets are at their limit; the library adds a second's worth later. */
  resetOften(): boolean {
    return this.#resets.left() <= RESETS_PER_SECOND;
  }

  #end(limit: string): void {
    this.#over = true;
    this.#cut(limit);
  }
}

function rateOf(limits: CallerLimits, name: keyof typeof BURST): Rate {
  return new Rate(limits[name], limits[name] * BURST[name]);
}

/**
 * Destroys the session only after the frames that arrived together. The library ends the whole process (an assertion of
 * its native code) when a session is destroyed while a read is processed, and the same read brings a new stream with
 * data: a GOAWAY with an error code, sent by any peer, was enough.
 */
function deferDestroy(session: ServerHttp2Session): void {
  const destroy = session.destroy.bind(session);
  let pending = false;
  session.destroy = (error, code): void => {
    if (pending) return;
    pending = true;
    setImmediate(destroy, error, code);
  };
}

/** Cuts a connection that does not answer in time. */
function ask(session: ServerHttp2Session): void {
  if (session.closed || session.destroyed) return;
  const gone = setTimeout(() => session.destroy(), PONG_MS);
  gone.unref();
  if (!session.ping(() => clearTimeout(gone))) clearTimeout(gone);
}
