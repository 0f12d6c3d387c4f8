import type { HttpRequest, HttpResponse, us_socket_context_t } from 'uWebSockets.js';
import { Code } from '../../../engine/codes.ts';
import { PROXY_HEADERS } from '../../config/proxy-list.ts';
import type { Answer, Identity, Visit } from '../../identity/identity.ts';
import { IdentityReject } from '../../identity/identity-reject.ts';
import type { Principal } from '../../identity/principal.ts';
import { reject as reason } from '../../reject.ts';
import { peerOfUpgrade } from '../../tls/peer-certificate.ts';
import { PUBLIC } from '../public-caller.ts';
import { queryProblem } from '../query-problem.ts';
import { FORBIDDEN, upgradeStatusOf } from './reject-status.ts';

/**
 * The subprotocol that carries a web page's token: a page can set no other header.
 * A query would appear in the logs of proxies and in the browser's history.
 */
const TOKEN_PROTOCOL = 'openbell.bearer.';

/** An upgrade request of an authenticated caller. */
export class Upgrade {
  readonly principal: Principal;
  readonly visit: Visit;
  /** Subprotocols that the client offers, without its token. */
  readonly offered: readonly string[];
  readonly #res: HttpResponse;
  readonly #context: us_socket_context_t;
  readonly #key: string;
  readonly #extensions: string;
  readonly #fallback: string;
  readonly #query: URLSearchParams;

  constructor(res: HttpResponse, context: us_socket_context_t, request: UpgradeRequest, principal: Principal) {
    this.#res = res;
    this.#context = context;
    this.#key = request.key;
    this.#extensions = request.extensions;
    this.principal = principal;
    this.visit = request.visit;
    this.offered = request.offered;
    this.#fallback = request.fallback;
    this.#query = new URLSearchParams(request.query);
  }

  /** @param protocol one of those offered; empty: none, or the token's if the client offers no other, because a browser requires one */
  accept<User>(user: User, protocol: string, headers: Readonly<Record<string, string>> = {}): void {
    const own = Object.entries(headers);
    // 101 is the default status; each write outside of a cork would cause its own warning.
    if (own.length > 0) this.#res.writeStatus('101 Switching Protocols');
    for (const [name, value] of own) this.#res.writeHeader(name, value);
    this.#res.upgrade<User>(user, this.#key, protocol || this.#fallback, this.#extensions, this.#context);
  }

  reject(status: string, text: string): void {
    reject(this.#res, status, text);
  }

  /**
   * Rejects a web page whose caller is known only by what a browser or a proxy adds to requests of any page: a page must send a token of its own.
   * @returns whether it did
   */
  rejectCrossSite(): boolean {
    const { via } = this.principal;
    if (this.visit.header('origin') === undefined || via === 'token' || via === 'key') return false;
    this.reject(FORBIDDEN, 'CROSS_SITE: a web page (it sends an Origin header) may do this with a token only');
    return true;
  }

  /** Rejects parameters that the path does not have, which would be ignored. @returns whether it did */
  rejectQuery(known: readonly string[]): boolean {
    const problem = queryProblem(this.#query, known);
    if (problem === undefined) return false;
    const why = reason(Code.BAD_PARAMETER, problem);
    this.reject(upgradeStatusOf(why), why.details);
    return true;
  }
}

/** Copy of a request, which uWebSockets invalidates when the handler returns. */
interface UpgradeRequest {
  readonly visit: Visit;
  readonly offered: readonly string[];
  /** The subprotocol with the token if no other is offered; else empty. */
  readonly fallback: string;
  readonly key: string;
  readonly extensions: string;
  readonly query: string;
}

/**
 * Authenticates the caller of an upgrade, and passes it on; an unauthenticated one is answered with the reason.
 * @param isPublic whether a caller is served without credentials, as PUBLIC
 */
export function authenticate(
  res: HttpResponse,
  req: HttpRequest,
  context: us_socket_context_t,
  identity: Identity,
  wants: string,
  serve: (upgrade: Upgrade) => void,
  isPublic: (visit: Visit) => boolean = () => false,
): void {
  const request = readRequest(res, req, wants);
  let gone = false;
  const settle = (answer: Answer): void => {
    if (gone) return;
    if (answer instanceof IdentityReject) reject(res, upgradeStatusOf(answer), answer.details);
    else serve(new Upgrade(res, context, request, answer));
  };
  if (isPublic(request.visit)) return settle(PUBLIC);
  const answer = identity.admit(request.visit);
  if (!(answer instanceof Promise)) return settle(answer);
  res.onAborted(() => {
    gone = true;
  });
  void answer.then((settled) => {
    if (gone) return;
    // The upgrade is accepted outside of a cork: after a cork uWebSockets treats the socket as the former HTTP socket, and
    // sometimes closes it at once (its issue 1928). The cost is its warning on stderr, once per new token.
    settle(settled);
  });
}

function readRequest(res: HttpResponse, req: HttpRequest, wants: string): UpgradeRequest {
  const headers = new Map<string, string>();
  req.forEach((name, value) => {
    if (!KEPT.has(name)) return;
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before}, ${value}`);
  });
  const offers = (headers.get('sec-websocket-protocol') ?? '').split(',').map((offer) => offer.trim());
  const token = offers.find((offer) => offer.startsWith(TOKEN_PROTOCOL))?.slice(TOKEN_PROTOCOL.length);
  const offered = offers.filter((offer) => offer !== '' && !offer.startsWith(TOKEN_PROTOCOL));
  const { address: peer, certificate } = peerOfUpgrade(res);
  return {
    visit: { peer, certificate, wants, token, header: (name) => headers.get(name) },
    offered,
    fallback: token === undefined || offered.length > 0 ? '' : TOKEN_PROTOCOL + token,
    key: headers.get('sec-websocket-key') ?? '',
    extensions: headers.get('sec-websocket-extensions') ?? '',
    query: req.getQuery(),
  };
}

const KEPT = new Set<string>([
  ...PROXY_HEADERS,
  'authorization',
  'origin',
  'sec-websocket-protocol',
  'sec-websocket-key',
  'sec-websocket-extensions',
]);

/** Answers and closes: an unauthenticated connection is not kept open. Corked: after a wait, uWebSockets would print a warning for each write. */
function reject(res: HttpResponse, status: string, text: string): void {
  res.cork(() => res.writeStatus(status).writeHeader('content-type', 'text/plain; charset=utf-8').end(`${text}\n`, true));
}
