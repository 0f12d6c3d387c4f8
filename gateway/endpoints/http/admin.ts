import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Registry } from 'prom-client';
import { Code } from '../../../engine/codes.ts';
import type { AuditSink } from '../../audit/audit-sink.ts';
import { CALLER_LIMITS, type CallerLimits } from '../../caller-limits.ts';
import type { Identity } from '../../identity/identity.ts';
import { IdentityReject } from '../../identity/identity-reject.ts';
import { LimitCounters } from '../../limit-counters.ts';
import type { Logger } from '../../log.ts';
import { RECOVERING } from '../../reject.ts';
import { ReportsGoneError } from '../../sessions/report-cursor.ts';
import { Slices } from '../../slices.ts';
import { HistoryBusyError } from '../../taps/history/history.ts';
import { DamagedHistoryError } from '../../taps/history/run-format.ts';
import type { Certificates } from '../../tls/certificates.ts';
import { jsonBytes, plainJson } from '../json/json-pieces.ts';
import { RequestError } from '../json/request-error.ts';
import type { Operation, OperationCaller, Operations } from '../operations.ts';
import type { PreAuthLimit } from '../pre-auth-limit.ts';
import type { PublicMarketOptions } from '../public-caller.ts';
import { BodyTooLargeError, guard, readBody } from './admin-http.ts';
import { answerKey, rejectError, visitOf } from './admin-identity.ts';
import { askedText } from './asked.ts';
import { docsPage } from './docs-page.ts';
import { HttpConnections } from './http-connections.ts';
import { HttpError } from './http-error.ts';
import { type FinalReply, linger, setRateHeaders, write } from './http-reply.ts';
import { createHttpServer } from './http-server.ts';
import { MetricsText } from './metrics-text.ts';
import { withDocument } from './openapi-route.ts';
import { limitPipelining } from './pipelining.ts';
import { PROBLEM_TYPE, problemView } from './problem-view.ts';
import { PublicMarket } from './public-market.ts';
import { GRPC_LIMITS, RequestLimits } from './request-limits.ts';
import { type Route, readNoQuery, readQuery, type ShortReply } from './route.ts';
import { RouteRunner } from './route-runner.ts';
import { RouteTable } from './route-table.ts';

export interface AdminOptions {
  readonly host: string;
  /** 0 = any free port. */
  readonly port: number;
  readonly registry: Registry;
  readonly log: Logger;
  readonly identity: Identity;
  readonly audit: AuditSink;
  /** Bounds unauthenticated connections. The oldest is closed first, so that probes and metrics are always answered. */
  readonly preAuthLimit: PreAuthLimit;
  /** Authenticated connections at once. Default 256. */
  readonly maxAuthenticated?: number | undefined;
  readonly limits?: CallerLimits | undefined;
  /** Counts what is rejected because of a limit. */
  readonly limitCounters?: LimitCounters | undefined;
  /** Market data for those without credentials, and for web pages. Default: none. */
  readonly publicMarket?: PublicMarketOptions | undefined;
  /** Runs long answers. */
  readonly slices?: Slices | undefined;
  /** Reasons why the exchange takes no orders: `recovering`, `disk-full`, `draining`, `failed`; empty = ready. */
  readonly unready: () => readonly string[];
  /** Conditions for the attention of an operator that do not stop trading. */
  readonly warnings?: () => readonly string[];
  /** With them: HTTPS. With a client CA, only /health answers callers without a certificate: a kubelet has none. */
  readonly certificates?: Certificates | undefined;
}

const NO_BODY: Readonly<Record<string, unknown>> = {};

/**
 * The HTTP server of admin: health, metrics, queries, actions. It listens
 * before recovery begins, so that probes get an answer; routes that need the
 * exchange answer 503 until {@link serve}. I/O thread only.
 */
export class AdminServer implements Operations {
  readonly #options: AdminOptions;
  readonly #server: Server;
  readonly #connections: HttpConnections;
  readonly #counters: LimitCounters;
  readonly #limits: RequestLimits;
  readonly #slices: Slices;
  readonly #runner: RouteRunner;
  /** Of operations that come over gRPC. */
  readonly #grpcLimits: RequestLimits;
  readonly #metrics: MetricsText;
  readonly #public: PublicMarket;
  #routes = new RouteTable([]);
  #serving = false;

  constructor(options: AdminOptions) {
    this.#options = options;
    this.#counters = options.limitCounters ?? new LimitCounters();
    const limits = options.limits ?? CALLER_LIMITS;
    this.#limits = new RequestLimits(this.#counters, limits);
    this.#public = new PublicMarket(this.#counters, options.publicMarket);
    this.#slices = options.slices ?? new Slices();
    this.#runner = new RouteRunner({ identity: options.identity, audit: options.audit, slices: this.#slices });
    this.#grpcLimits = new RequestLimits(this.#counters, limits, GRPC_LIMITS);
    this.#metrics = new MetricsText(options.registry, this.#slices);
    this.#server = createHttpServer(options.certificates, (request, response) => {
      this.#answer(request, response).catch((error: unknown) => {
        // The peer disconnected during an answer or its own request.
        this.#options.log.debug({ err: error, url: request.url }, 'admin request aborted by the peer');
        response.destroy();
      });
    });
    this.#connections = new HttpConnections(options.preAuthLimit, options.maxAuthenticated, limits['http-connections']);
    limitPipelining(
      this.#server,
      options.certificates === undefined ? 'connection' : 'secureConnection',
      (socket) => (this.#connections.isAdmitted(socket) ? limits['http-pipelining'] : 1),
      () => this.#counters.note('http', 'pipelining'),
    );
    // Runs before the library's own listener, which reads requests or begins a TLS handshake.
    this.#server.prependListener('connection', (socket: Socket) => this.#connections.enter(socket));
  }

  /** Resolves with the port. @throws Error with code EADDRINUSE when it is taken */
  listen(): Promise<number> {
    const { host, port } = this.#options;
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject);
        resolve((this.#server.address() as AddressInfo).port);
      });
    });
  }

  /** Enables the routes, and their document. */
  serve(routes: readonly Route[]): void {
    this.#routes = new RouteTable(withDocument(routes));
    this.#serving = true;
  }

  /**
   * Runs an operation that came over gRPC: with the rights and the audit of a request, and limits of its own.
   * @throws HttpError
   */
  async run({ method, path, query = {}, body = {}, key }: Operation, { principal, visit }: OperationCaller): Promise<unknown> {
    const caller = this.#options.identity.open ? visit.peer : principal.subject;
    const leave = this.#grpcLimits.enter(caller);
    try {
      if (!this.#serving) throw new HttpError(503, Code.BUSY, 'RECOVERING', RECOVERING);
      const { route, params } = this.#routes.find(method, path);
      if (route === undefined) throw this.#nothing(path, method);
      const askedFor = () => (method === 'GET' ? undefined : askedText({ ...params, ...query, ...body }));
      this.#runner.demand(route, params, principal, visit, false, askedFor);
      const values = readQuery(route, new URLSearchParams(query));
      const header = (name: string): string | undefined => (name === 'idempotency-key' ? key : undefined);
      const reply = await this.#runner.run(route, { method, params, query: values, body, header, principal, caller, visit }, askedFor);
      if ('pieces' in reply) return await this.#slices.run(caller, plainJson(reply.pieces));
      return 'json' in reply ? reply.json : reply.text;
    } catch (error) {
      throw this.#explain(error, { method, url: path });
    } finally {
      leave();
    }
  }

  /** Requests under way are answered; idle connections close at once. */
  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    const deadline = setTimeout(() => {
      this.#server.closeAllConnections();
      this.#connections.cutUnauthenticated();
    }, 1000);
    await closed;
    clearTimeout(deadline);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const reply = await this.#reply(request, response);
      this.#closeUnlessAdmitted(request, response);
      write(response, reply);
    } catch (error) {
      // The peer has left.
      if (request.socket.destroyed) return void response.destroy();
      const problem = this.#explain(error, request);
      const { status } = problem;
      if (error instanceof BodyTooLargeError && !request.complete) linger(request);
      else {
        // The rest of a rejected body is not awaited.
        if (!request.complete) response.setHeader('connection', 'close');
        this.#closeUnlessAdmitted(request, response);
      }
      if (status === 401) response.setHeader('www-authenticate', 'Bearer');
      if (status === 429) response.setHeader('retry-after', '1');
      write(response, { status, text: `${JSON.stringify(problemView(problem))}\n`, type: PROBLEM_TYPE });
    }
  }

  /** An unauthenticated connection gets one answer: probes and scrapes need no more, and a flood gets no more. */
  #closeUnlessAdmitted({ socket }: IncomingMessage, response: ServerResponse): void {
    if (!this.#connections.isAdmitted(socket)) response.setHeader('connection', 'close');
  }

  /** Admits a request of an authenticated caller, whose limits it counts towards until its answer is sent. @throws HttpError 429, 503 */
  #admit({ socket }: IncomingMessage, response: ServerResponse, caller: string): void {
    const limit = this.#connections.admit(socket, this.#options.identity.open ? '' : caller);
    if (limit !== undefined) {
      this.#counters.note('http', limit);
      if (limit === 'caller-connections')
        throw new HttpError(429, Code.BUSY, 'TOO_MANY_REQUESTS', 'you have too many connections: close one, or use fewer');
      throw new HttpError(503, Code.BUSY, 'BUSY', 'all connections for authenticated requests are taken: close one, or try again later');
    }
    this.#enter(response, this.#limits, caller);
  }

  /** Counts a request towards the limits of its caller until its answer is sent. @throws HttpError 429, 503 */
  #enter(response: ServerResponse, limits: RequestLimits, caller: string): void {
    setRateHeaders(response, limits.state(caller));
    const leave = limits.enter(caller);
    // The peer may have disconnected while its credentials or its body were awaited.
    if (response.closed) leave();
    else response.once('close', leave);
  }

  async #reply(request: IncomingMessage, response: ServerResponse): Promise<FinalReply> {
    const method = request.method === 'HEAD' ? 'GET' : (request.method ?? '');
    const url = URL.parse(request.url ?? '/', 'http://127.0.0.1');
    if (url === null) throw new HttpError(400, 0, 'BAD_PATH', 'the request names no valid path');
    if (method === 'GET' && url.pathname.startsWith('/health/')) {
      const health = this.#health(url.pathname);
      if (health !== undefined) return health;
    }
    this.#mustShowCertificate(request);
    if (method === 'GET' && url.pathname === '/metrics') return { text: await this.#metrics.read(), type: this.#metrics.contentType };
    const page = method === 'GET' ? docsPage(url.pathname) : undefined;
    if (page !== undefined) return page;
    const { identity } = this.#options;
    if (identity.apiKeys !== undefined && method === 'POST' && url.pathname.startsWith('/v1/auth/')) {
      readNoQuery(url.searchParams);
      return await answerKey(identity, identity.apiKeys, url.pathname, await readBody(request), visitOf(request, `POST ${url.pathname}`));
    }
    const { route, params } = this.#routes.find(method, url.pathname);
    const wants = route === undefined ? `${method} an unknown path` : `${method} ${route.path}`;
    const visit = visitOf(request, wants);
    if (this.#isPreflight(request, response, url.pathname)) return { status: 204, text: '', type: 'text/plain' };
    const isOfPage = this.#public.share(this.#isShared(route, visit.header('authorization') !== undefined), request, response);
    const anyone = this.#public.caller(route, identity, visit);
    // Other unauthenticated callers get no information, not even which paths exist.
    const principal = anyone?.principal ?? (await identity.admit(visit));
    if (principal instanceof IdentityReject) throw rejectError(principal);
    // Where authentication is off, a request counts as authenticated when its body is there: one that stalls takes no place.
    const hasBody = method === 'POST' || method === 'PATCH';
    const early = identity.open && hasBody ? await settled(readBody(request)) : undefined;
    const caller = anyone?.caller ?? (identity.open ? visit.peer : principal.subject);
    if (anyone === undefined) this.#admit(request, response, caller);
    else this.#enter(response, this.#public.limits, caller);
    if (!this.#serving) throw new HttpError(503, Code.BUSY, 'RECOVERING', RECOVERING);
    if (route === undefined) throw this.#nothing(url.pathname, request.method);
    // A token of its own is nothing that a browser or a proxy adds to the requests of any page.
    const isTrusted = isOfPage && (principal.via === 'token' || principal.via === 'key');
    if (route.guarded && !isTrusted) guard(request, identity.open ? this.#options.host : undefined);
    // Before the rights are checked: the audit trail has what was asked of a refused action, too.
    const read = early ?? (hasBody ? await settled(readBody(request)) : () => NO_BODY);
    const askedFor = () => (route.method === 'GET' ? undefined : asked(params, read));
    this.#runner.demand(route, params, principal, visit, anyone !== undefined, askedFor);
    const query = readQuery(route, url.searchParams);
    const { header } = visit;
    const reply = await this.#runner.run(route, { method, params, query, body: read(), header, principal, caller, visit }, askedFor);
    if (!('pieces' in reply)) return reply;
    return { ...(reply.status && { status: reply.status }), bytes: await this.#slices.run(caller, jsonBytes(reply.pieces)) };
  }

  /** Whether pages of permitted origins may read the answer: market data; every query with a token, where authentication is on; and that the exchange is recovering. */
  #isShared(route: Route | undefined, hasToken: boolean): boolean {
    if (!this.#serving) return true;
    return route?.public === true || (route?.method === 'GET' && hasToken && !this.#options.identity.open);
  }

  /** Whether a browser asks if a web page may send a query; its answer has what the page may. */
  #isPreflight(request: IncomingMessage, response: ServerResponse, pathname: string): boolean {
    if (request.method !== 'OPTIONS') return false;
    const { route } = this.#routes.find('GET', pathname);
    // The query will have the token, this request never does.
    if (!this.#public.share(this.#isShared(route, true), request, response)) return false;
    this.#public.allow(response);
    return true;
  }

  #nothing(pathname: string, method: string | undefined): HttpError {
    const methods = this.#routes.methodsAt(pathname);
    if (methods.length === 0) return new HttpError(404, 0, 'NOT_FOUND', `there is nothing at ${pathname}; see docs/ADMIN.md`);
    return new HttpError(405, 0, 'WRONG_METHOD', `${pathname} takes ${methods.join(', ')}, not ${method}`);
  }

  /** Health is available before the exchange runs. */
  #health(path: string): ShortReply | undefined {
    if (path === '/health/live') return { json: { status: 'live' } };
    if (path !== '/health/ready') return undefined;
    const reasons = this.#options.unready();
    const found = this.#options.warnings?.() ?? [];
    const warnings = found.length === 0 ? {} : { warnings: found };
    if (reasons.length === 0) return { json: { status: 'ready', ...warnings } };
    return { status: 503, json: { status: 'not ready', reasons, ...warnings } };
  }

  /** @throws HttpError 401 */
  #mustShowCertificate({ socket }: IncomingMessage): void {
    if (this.#options.certificates?.current.clientCa === undefined) return;
    // A resumed session counts as authorized even if no certificate was ever sent, so the certificate itself is checked.
    if (socket instanceof TLSSocket && socket.authorized && socket.getPeerX509Certificate() !== undefined) return;
    throw new HttpError(
      401,
      Code.UNAUTHENTICATED,
      'UNAUTHENTICATED',
      'UNAUTHENTICATED: show a client certificate of the authority that --tls-client-ca names',
    );
  }

  #explain(error: unknown, request: Pick<IncomingMessage, 'method' | 'url'>): HttpError {
    if (error instanceof RequestError) return HttpError.of(error);
    if (error instanceof ReportsGoneError) return new HttpError(410, Code.REPORTS_GONE, error.code, `${error.code}: ${error.message}`);
    if (error instanceof DamagedHistoryError) return new HttpError(503, Code.BUSY, error.code, error.message);
    if (error instanceof HistoryBusyError) {
      this.#counters.note('http', 'history');
      return new HttpError(503, Code.BUSY, 'BUSY', error.message);
    }
    this.#options.log.error({ err: error, method: request.method, url: request.url }, 'admin request failed');
    return new HttpError(500, 0, 'INTERNAL', 'the request failed inside the exchange; see its log for the reason');
  }
}

/** What a request without the right for it asked: the names in its path, and its body if that can be read. */
function asked(params: Readonly<Record<string, string>>, read: () => Readonly<Record<string, unknown>>): string {
  try {
    return askedText({ ...params, ...read() });
  } catch {
    return `${askedText(params)} with a body that cannot be read`;
  }
}

/** The outcome of a promise as a function that returns or throws it. */
async function settled<T>(promise: Promise<T>): Promise<() => T> {
  try {
    const value = await promise;
    return () => value;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}
