import type { Socket } from 'node:net';
import type { Outlet } from '../../../engine/threads/outlet.ts';
import { BURST, CALLER_LIMITS, type CallerLimits } from '../../caller-limits.ts';
import type { LimitCounters } from '../../limit-counters.ts';
import { networkOf } from '../../network-of.ts';
import { Rate } from '../../rate.ts';
import { Slices } from '../../slices.ts';
import type { Certificates } from '../../tls/certificates.ts';
import { type Peer, peerOf } from '../../tls/peer-certificate.ts';
import { Http2Connection } from '../http2/connection.ts';
import { Http2Listener } from '../http2/listener.ts';
import { ErrorCode } from '../http2/protocol.ts';
import { SocketWire } from '../http2/socket-wire.ts';
import type { Http2Stream } from '../http2/stream.ts';
import { Turns } from '../http2/turns.ts';
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
  /** How long a client may take to answer a ping; then its connection is cut. Default 10 s. */
  readonly pongMs?: number | undefined;
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
const PONG_MS = 10_000;
/** Received from a connection that waits because its network's last one was cut. */
const MAX_WAITING_BYTES = 16 * 1024;

/**
 * gRPC on the gateway's own HTTP/2 (../http2), without protobuf: a message is bytes.
 * The general library's cost per message (a decoder, interceptors, an object
 * stream, a promise each) exceeds the exchange's cost of an order; here messages
 * that arrived together are delivered together. I/O thread.
 */
export class GrpcServer {
  readonly #options: GrpcServerOptions;
  readonly #slices: Slices;
  readonly #listener: Http2Listener;
  readonly #turns = new Turns();
  readonly #connections = new Set<Http2Connection>();
  readonly #cutNetworks = new CutNetworks();
  readonly #partial = PartialBytes.ofServer(undefined, () => this.#options.limitCounters?.note('grpc', 'pieces'));
  /** All sockets, including those in a TLS handshake and those whose connection has ended. */
  readonly #sockets = new Set<Socket>();
  /** Those without an admitted call, where that is limited: in a TLS handshake, waiting because their network was cut, or served. */
  readonly #unadmitted = new Set<Socket>();
  /** Callbacks that lift a connection's pre-authentication limit, by {@link connectionKey}. */
  readonly #unauthenticated = new Map<string, () => void>();

  constructor(options: GrpcServerOptions) {
    this.#options = options;
    this.#slices = options.slices ?? new Slices();
    this.#listener = new Http2Listener({
      maxConnections: options.maxConnections ?? 4096,
      certificates: options.certificates,
      onSocket: (socket, serve) => this.#enter(socket, serve),
      onOpen: (socket) => this.#open(socket),
      onHandshakeRejected: options.onHandshakeRejected,
    });
  }

  /** Sends what calls write during a turn of the engine. */
  get outlet(): Pick<Outlet, 'hold' | 'release'> {
    return this.#turns;
  }

  /** Listens; port 0 takes a free one. @returns the port @throws Error with code EADDRINUSE and others of the system */
  listen(host: string, port: number): Promise<number> {
    return this.#listener.listen(host, port);
  }

  /** Sends GOAWAY on every connection, waits for their calls, and cuts the rest after `deadlineMs`; those without an admitted call at once. */
  async stop(deadlineMs: number): Promise<void> {
    const closed = this.#listener.close();
    for (const connection of this.#connections) connection.leave();
    // Any peer could delay the stop: with a socket that sends nothing, for example.
    for (const socket of this.#unadmitted) socket.destroy();
    const deadline = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, deadlineMs);
    if (this.#listener.listening || this.#sockets.size > 0) await closed;
    clearTimeout(deadline);
  }

  #enter(socket: Socket, serve: (wasRead: boolean) => void): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    // Its peer can reset it.
    socket.on('error', () => undefined);
    const { preAuthLimit } = this.#options;
    const { address } = peerOf(socket);
    if (preAuthLimit === undefined || preAuthLimit.trusts(address)) return serve(false);
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
      serve(true);
    });
    if (withdraw === undefined) return serve(false);
    // What arrives meanwhile is processed in one turn.
    const cutIfLong = (): void => {
      if (socket.readableLength <= MAX_WAITING_BYTES) return;
      this.#options.limitCounters?.note('grpc', 'waiting');
      socket.destroy();
    };
    socket.on('readable', cutIfLong);
    socket.once('close', withdraw);
  }

  #open(socket: Socket): (bytes: Buffer, end: number) => void {
    const peer = peerOf(socket);
    const leave = this.#unauthenticated.get(connectionKey(socket));
    const { preAuthLimit, limits = CALLER_LIMITS } = this.#options;
    const cut = (limit: string): void => {
      this.#options.limitCounters?.note('grpc', limit);
      this.#cutNetworks.cut(peer.address);
      http2.fail(ErrorCode.EnhanceYourCalm, limit);
    };
    const raise = (): void => {
      if (preAuthLimit !== undefined) http2.permitStreams(MAX_STREAMS);
    };
    // A listed proxy carries the calls of many clients, and has no limits of its own.
    const limited = preAuthLimit?.trusts(peer.address) !== true;
    const partial = PartialBytes.ofConnection(this.#partial);
    const connection = new Connection(peer, leave, partial, limited, limits, cut, raise);
    const wire = new SocketWire(socket, () => http2.onDrained());
    const http2 = new Http2Connection(
      wire,
      this.#turns,
      {
        onStream: (stream) => this.#call(stream, connection),
        onLimit: cut,
        onClose: () => {
          clearInterval(keepalive);
          this.#connections.delete(http2);
        },
      },
      {
        // Raised when a call of the connection is authenticated.
        maxStreams: preAuthLimit === undefined ? MAX_STREAMS : MAX_UNAUTHENTICATED_STREAMS,
        held: limited ? partial : this.#partial,
        resetBurst: this.#options.resetBurst ?? RESET_BURST,
        resetsPerSecond: RESETS_PER_SECOND,
      },
    );
    this.#connections.add(http2);
    const keepalive = setInterval(() => ask(http2, this.#options.pongMs ?? PONG_MS), this.#options.keepaliveMs ?? 30_000);
    keepalive.unref();
    socket.on('error', () => undefined);
    socket.once('end', () => http2.destroy());
    socket.once('close', () => http2.onLost());
    if (leave === undefined) connection.admit();
    return (bytes, end) => http2.onBytes(bytes, end);
  }

  #call(stream: Http2Stream, connection: Connection): void {
    if (!connection.mayCall()) return;
    const call = new GrpcCall(stream, this.#options.maxMessageBytes, connection, this.#options.unreadMs);
    if (!connection.inTurns) return this.#begin(call);
    // Checking credentials and rejecting takes far longer than sending a call, and many calls arrive in one read.
    void this.#slices.begin(connection.network, () => this.#begin(call));
  }

  #begin(call: GrpcCall): void {
    if (call.ended) return;
    const { headers } = call;
    const type = headers['content-type'];
    if (headers[':method'] !== 'POST') return call.denyRequest(405, 'gRPC calls are POST requests', { allow: 'POST' });
    if (type === undefined || !/^application\/grpc(\+|;|$)/.test(type))
      return call.denyRequest(415, 'the content-type of gRPC calls is application/grpc');
    const encoding = headers['grpc-encoding'] ?? '';
    if (encoding !== '' && encoding !== 'identity') return call.deny(unknownEncoding(encoding));
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

  #end(limit: string): void {
    this.#over = true;
    this.#cut(limit);
  }
}

function rateOf(limits: CallerLimits, name: keyof typeof BURST): Rate {
  return new Rate(limits[name], limits[name] * BURST[name]);
}

/** Cuts a connection that does not answer in time. */
function ask(connection: Http2Connection, pongMs: number): void {
  if (connection.isOver) return;
  const gone = setTimeout(() => connection.destroy(), pongMs);
  gone.unref();
  connection.ping(() => clearTimeout(gone));
}
