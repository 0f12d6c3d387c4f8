import type { IncomingMessage, ServerResponse } from 'node:http';
import { CALLER_LIMITS, type CallerLimits } from '../../caller-limits.ts';
import type { Visit } from '../../identity/identity.ts';
import type { Principal } from '../../identity/principal.ts';
import type { LimitCounters } from '../../limit-counters.ts';
import { networkOf } from '../../network-of.ts';
import { RequestLimits } from './request-limits.ts';
import type { Route } from './route.ts';

export interface PublicMarketOptions {
  /** Market data is answered without credentials. */
  readonly open: boolean;
  /** Origins whose web pages may read market data; `*`: all. */
  readonly origins: readonly string[];
}

/** Limits of unauthenticated callers: all of them together have a quarter of the limit of authenticated ones, and one address a small part of it. */
const PUBLIC_LIMITS = { 'http-rate': 20, 'http-concurrency': 4, 'http-total': 32 } as const;
/** How long a browser may keep the answer to a preflight, seconds. */
const PREFLIGHT_S = 600;

/** An unauthenticated caller has no rights: only public routes serve it. */
const UNAUTHENTICATED: Principal = {
  subject: 'public',
  roles: new Set(),
  accounts: new Set(),
  all: false,
  via: 'token',
  expiresAt: Number.POSITIVE_INFINITY,
};

/** An unauthenticated caller. */
export interface PublicCaller {
  readonly principal: Principal;
  /** Its network, which shares limits and turns. */
  readonly caller: string;
}

/** Market data for callers without credentials, and for web pages of other origins. I/O thread. */
export class PublicMarket {
  readonly #options: PublicMarketOptions;
  readonly limits: RequestLimits;

  constructor(counters: LimitCounters, options: PublicMarketOptions = { open: false, origins: [] }) {
    this.#options = options;
    const limits: CallerLimits = { ...CALLER_LIMITS, ...PUBLIC_LIMITS };
    this.limits = new RequestLimits(counters, limits);
  }

  /** The caller of a request without credentials for what is public; undefined: credentials are needed, or are there. */
  caller(route: Route | undefined, { headers }: IncomingMessage, { peer, certificate }: Visit): PublicCaller | undefined {
    if (!this.#options.open || route?.public !== true || headers.authorization !== undefined || certificate !== undefined) return undefined;
    return { principal: UNAUTHENTICATED, caller: `public ${networkOf(peer)}` };
  }

  /** Adds the headers with which a browser gives the answer of a public route to a web page. True: the page's origin is permitted. */
  share(isPublic: boolean, { headers: { origin } }: IncomingMessage, response: ServerResponse): boolean {
    const { origins } = this.#options;
    if (!isPublic || origins.length === 0) return false;
    // The answer depends on it, also where it is left out.
    response.setHeader('vary', 'origin');
    if (origin === undefined || !(origins.includes('*') || origins.includes(origin))) return false;
    response.setHeader('access-control-allow-origin', origins.includes('*') ? '*' : origin);
    response.setHeader('access-control-expose-headers', 'ratelimit-limit, ratelimit-remaining, ratelimit-reset, retry-after');
    return true;
  }

  /** Adds what a browser asks before such a request. */
  allow(response: ServerResponse): void {
    response.setHeader('access-control-allow-methods', 'GET');
    response.setHeader('access-control-allow-headers', 'authorization, content-type');
    response.setHeader('access-control-max-age', PREFLIGHT_S);
  }
}
