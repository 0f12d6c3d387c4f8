import { Code } from '../../../engine/codes.ts';
import type { Outlet } from '../../../engine/threads/outlet.ts';
import { MAX_FRAME_BYTES } from '../../../engine/wire/frames.ts';
import type { CallerLimits } from '../../caller-limits.ts';
import type { Identity, Visit } from '../../identity/identity.ts';
import type { Principal } from '../../identity/principal.ts';
import type { LimitCounters } from '../../limit-counters.ts';
import { RECOVERING, type Reject } from '../../reject.ts';
import type { DropCopies } from '../../sessions/drop-copies.ts';
import { sessionHeaders } from '../../sessions/order-caller.ts';
import type { OrderSession, SessionTransport } from '../../sessions/order-session.ts';
import type { Admission, OrderSessions } from '../../sessions/order-sessions.ts';
import type { Slices } from '../../slices.ts';
import type { Certificates } from '../../tls/certificates.ts';
import type { PreAuthLimit } from '../pre-auth-limit.ts';
import { admit, claimsOf } from './admission.ts';
import type { CallHandler, GrpcCall } from './call.ts';
import { serveDropCopy } from './drop-copy.ts';
import { GrpcHealth } from './health.ts';
import { PREFIX_BYTES } from './message-reader.ts';
import { serveSubmit } from './order-submit.ts';
import { statusOf } from './reject-status.ts';
import { GrpcServer } from './server.ts';
import { type CallFault, fault, GrpcStatus, noMethod } from './status.ts';
import type { DescribedMethods, DescribedSources } from './v1/methods.ts';

const SERVICE = 'openbell.OrderEntry';
/** Methods that proto/ describes, but for health. */
const DESCRIBED = /^\/(openbell\.v1|grpc\.reflection)\./;
/** Larger frames are not received. Frames up to this size get FRAME_TOO_LARGE. */
const MAX_MESSAGE_BYTES = 4 * MAX_FRAME_BYTES;
const REPLACED = 'this service could not be loaded: an update replaced the files of the running exchange, which must be started again';
const STARTING: CallFault = { code: GrpcStatus.Unavailable, details: `RECOVERING: ${RECOVERING}` };

export interface OrderEntryOptions {
  readonly host: string;
  /** 0 = any free port. */
  readonly port: number;
  readonly identity: Identity;
  readonly preAuthLimit?: PreAuthLimit | undefined;
  readonly limits?: CallerLimits | undefined;
  readonly limitCounters?: LimitCounters | undefined;
  /** See GrpcServer. */
  readonly slices?: Slices | undefined;
  /** See GrpcServer. */
  readonly resetBurst?: number | undefined;
  /** Interval of HTTP/2 pings on an idle connection. Default 30 s. */
  readonly keepaliveMs?: number;
  /** With them: TLS, see GrpcServer. */
  readonly certificates?: Certificates | undefined;
  readonly onHandshakeRejected?: ((peer: string, reason: string) => void) | undefined;
  /** Called once: the services of openbell.v1 could not be loaded; the files of the program are not those that it was started from. */
  readonly onLoadFailed?: ((error: unknown) => void) | undefined;
  /** Loads them. Default: the modules of the program. */
  readonly load?: (() => Promise<Pick<typeof import('./v1/methods.ts'), 'describedMethods'>>) | undefined;
}

/**
 * Everything over gRPC: order entry in FlatBuffer frames, the services of openbell.v1 in protobuf (v1/), and `grpc.health.v1`. It listens before
 * recovery begins, so that a taken port fails the start before anything is written; calls get UNAVAILABLE until
 * {@link serve}, and the health service answers NOT_SERVING.
 */
export class OrderEntry {
  readonly health = new GrpcHealth([SERVICE, 'openbell.v1.Trading', 'openbell.v1.MarketData', 'openbell.v1.Admin']);
  readonly #options: OrderEntryOptions;
  readonly #server: GrpcServer;
  #sessions: OrderSessions | undefined;
  #dropCopies: DropCopies | undefined;
  #sources: DescribedSources | undefined;
  #describedMethods: Promise<DescribedMethods | undefined> | undefined;
  #loadFailed = false;

  constructor(options: OrderEntryOptions) {
    this.#options = options;
    this.#server = new GrpcServer({
      methods: {
        [`/${SERVICE}/Session`]: (call) => this.#session(call, this.#sessions),
        [`/${SERVICE}/Submit`]: (call) => this.#submit(call, this.#sessions),
        [`/${SERVICE}/DropCopy`]: (call) => this.#dropCopy(call, this.#dropCopies),
        ...this.health.methods,
      },
      others: (path) => (DESCRIBED.test(path) ? (call) => this.#described(call, path, this.#sources) : undefined),
      maxMessageBytes: MAX_MESSAGE_BYTES,
      preAuthLimit: options.preAuthLimit,
      limits: options.limits,
      limitCounters: options.limitCounters,
      slices: options.slices,
      resetBurst: options.resetBurst,
      certificates: options.certificates,
      onHandshakeRejected: options.onHandshakeRejected,
      ...(options.keepaliveMs !== undefined && { keepaliveMs: options.keepaliveMs }),
    });
  }

  /** Sends what its calls write during a turn of the engine. */
  get outlet(): Pick<Outlet, 'hold' | 'release'> {
    return this.#server.outlet;
  }

  /** Listens, and resolves with the port. @throws Error with code EADDRINUSE when it is taken */
  listen(): Promise<number> {
    return this.#server.listen(this.#options.host, this.#options.port);
  }

  /**
   * Calls are served from now on, and the health service answers SERVING.
   * @param described for openbell.v1. Without it, its calls get UNAVAILABLE
   */
  serve(sessions: OrderSessions, dropCopies: DropCopies, described?: Omit<DescribedSources, 'identity' | 'sessions'>): void {
    this.#sessions = sessions;
    if (described !== undefined) this.#sources = { ...described, sessions, identity: this.#options.identity };
    this.#dropCopies = dropCopies;
    this.health.serving = true;
  }

  /** Sends GOAWAY, waits until the sessions, which must have been ended before, have closed, and cuts the rest after `deadlineMs`. */
  stop(deadlineMs: number = 5000): Promise<void> {
    this.health.stop();
    void this.#describedMethods?.then((methods) => methods?.end());
    return this.#server.stop(deadlineMs);
  }

  #session(call: GrpcCall, sessions: OrderSessions | undefined): void {
    if (sessions === undefined) return call.deny(STARTING);
    this.#admit(call, 'gRPC Session', sessions, (principal, visit) => {
      const admission = sessions.admit(claimsOf(call), principal, visit);
      if ('code' in admission) call.fail(statusOf(admission));
      else new GrpcSession(call, admission, sessions);
    });
  }

  #submit(call: GrpcCall, sessions: OrderSessions | undefined): void {
    if (sessions === undefined) return call.deny(STARTING);
    this.#admit(call, 'gRPC Submit', sessions, (principal, visit) => {
      const caller = sessions.caller(claimsOf(call), principal, visit);
      sessions.counters.submits++;
      if ('code' in caller) call.fail(statusOf(caller));
      else serveSubmit(call, caller.account, sessions.hub, sessions.intake);
    });
  }

  #dropCopy(call: GrpcCall, copies: DropCopies | undefined): void {
    if (copies === undefined) return call.deny(STARTING);
    this.#admit(call, 'gRPC DropCopy', copies, (principal, visit) => serveDropCopy(call, copies, principal, visit));
  }

  /** A method of openbell.v1 or of server reflection. Its modules are loaded with the first call. */
  #described(call: GrpcCall, path: string, sources: DescribedSources | undefined): void {
    if (sources === undefined) return call.deny(STARTING);
    this.#describedMethods ??= this.#load(sources);
    void this.#describedMethods.then((methods) => {
      if (call.ended) return;
      if (methods === undefined) return call.deny(fault(GrpcStatus.Unavailable, Code.BUSY, REPLACED));
      const serve = methods.byPath.get(path);
      if (serve === undefined) call.deny(noMethod(path));
      else serve(call);
    });
  }

  /** Resolves with undefined where the modules are not there, which must not end an exchange that trades. The next call tries again. */
  #load(sources: DescribedSources): Promise<DescribedMethods | undefined> {
    const { load = () => import('./v1/methods.ts'), onLoadFailed } = this.#options;
    return load().then(
      ({ describedMethods }) => describedMethods(sources),
      (error: unknown) => {
        this.#describedMethods = undefined;
        if (!this.#loadFailed) onLoadFailed?.(error);
        this.#loadFailed = true;
        return undefined;
      },
    );
  }

  #admit(call: GrpcCall, wants: string, served: { rejected(): void }, serve: (principal: Principal, visit: Visit) => void): void {
    admit(call, wants, this.#options.identity, served, statusOf, serve);
  }
}

/** A session on a gRPC stream. */
class GrpcSession implements SessionTransport, CallHandler {
  readonly headroom = PREFIX_BYTES;
  readonly #call: GrpcCall;
  readonly #session: OrderSession;

  constructor(call: GrpcCall, admission: Admission, sessions: OrderSessions) {
    this.#call = call;
    // Headers are sent at once, so a client knows before the first report that its session is open and which report is the last.
    call.serve(this, sessionHeaders(admission));
    this.#session = sessions.open(this, admission);
  }

  onMessage(bytes: Buffer, at: number, length: number): boolean {
    return this.#session.onFrame(bytes, at, length);
  }

  onMessagesEnd(): void {
    this.#session.onFramesEnd();
  }

  onHalfClose(): void {
    this.#session.end();
  }

  onWritten(): void {
    this.#session.onWritten();
  }

  onClose(): void {
    this.#session.leave();
  }

  write(frame: Buffer): boolean {
    this.#call.write(frame);
    return false;
  }

  pause(): void {
    this.#call.pause();
  }

  resume(): void {
    this.#call.resume();
  }

  end(): void {
    this.#call.end();
  }

  fail(reject: Reject): void {
    this.#call.fail(statusOf(reject));
  }
}
