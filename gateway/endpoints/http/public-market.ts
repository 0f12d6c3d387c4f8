import type { IncomingMessage, ServerResponse } from 'node:http';
import { CALLER_LIMITS, type CallerLimits } from '../../caller-limits.ts';
import type { Identity, Visit } from '../../identity/identity.ts';
import type { Principal } from '../../identity/principal.ts';
import type { LimitCounters } from '../../limit-counters.ts';
import { networkOf } from '../../network-of.ts';
import { isPublicVisit, NOT_PUBLIC, PUBLIC, type PublicMarketOptions, permitsOrigin } from '../public-caller.ts';
import { RequestLimits } from './request-limits.ts';
import type { Route } from './route.ts';

/** Limits of unauthenticated callers: all of them together have a quarter of the limit of authenticated ones, and one address a small part of it. */
const PUBLIC_LIMITS = { 'http-rate': 20, 'http-concurrency': 4, 'http-total': 32 } as const;
/** How long a browser may keep the answer to a preflight, seconds. */
const PREFLIGHT_S = 600;

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

  constructor(counters: LimitCounters, options: PublicMarketOptions = NOT_PUBLIC) {
    this.#options = options;
    const limits: CallerLimits = { ...CALLER_LIMITS, ...PUBLIC_LIMITS };
    this.limits = new RequestLimits(counters, limits);
  }

  /** The caller of a request without credentials for what is public; undefined: credentials are needed, or are there. */
  caller(route: Route | undefined, identity: Identity, visit: Visit): PublicCaller | undefined {
    if (route?.public !== true || !isPublicVisit(this.#options, identity, visit)) return undefined;
    return { principal: PUBLIC, caller: `public ${networkOf(visit.peer)}` };
  }

  /** Adds the headers with which a browser gives an answer to a web page. @param isShared such an answer may be read by pages @returns whether the page's origin is permitted */
  share(isShared: boolean, { headers: { origin } }: IncomingMessage, response: ServerResponse): boolean {
    const { origins } = this.#options;
    if (!isShared || origins.length === 0) return false;
    // The answer depends on it, also where it is left out.
    response.setHeader('vary', 'origin');
    if (origin === undefined || !permitsOrigin(this.#options, origin)) return false;
    response.setHeader('access-control-allow-origin', origins.includes('*') ? '*' : origin);
    response.setHeader('access-control-expose-headers', 'ratelimit-limit, ratelimit-remaining, ratelimit-reset, retry-after');
    return true;
  }

  /** Adds what a browser asks before such a request. */
  allow(response: ServerResponse): void {
    response.setHeader('access-control-allow-methods', 'GET');
    response.setHeader('access-control-allow-headers', 'authorization, content-type, x-symbol-shard');
    response.setHeader('access-control-max-age', PREFLIGHT_S);
  }
}
