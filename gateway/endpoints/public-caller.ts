import type { Identity, Visit } from '../identity/identity.ts';
import type { Principal } from '../identity/principal.ts';

/** Market data for those without credentials, and for web pages: `--public-market-data`, `--cors-origins`. */
export interface PublicMarketOptions {
  /** Market data is answered without credentials. */
  readonly open: boolean;
  /** Origins whose web pages may read market data; `*`: all. */
  readonly origins: readonly string[];
}

export const NOT_PUBLIC: PublicMarketOptions = { open: false, origins: [] };

/** A caller without credentials has no rights: only what is public serves it. */
export const PUBLIC: Principal = {
  subject: 'public',
  roles: new Set(),
  accounts: new Set(),
  all: false,
  via: 'token',
  expiresAt: Number.POSITIVE_INFINITY,
};

/** Whether a request shows no credentials where market data needs none. Where a listed proxy or nothing asks for them, this does not distinguish callers. */
export function isPublicVisit({ open }: PublicMarketOptions, identity: Identity, { header, token, certificate, peer }: Visit): boolean {
  const shown = header('authorization') ?? token ?? certificate;
  return open && shown === undefined && !identity.open && !identity.isProxy(peer);
}

/** Whether a web page of the origin may read market data. */
export function permitsOrigin({ origins }: PublicMarketOptions, origin: string): boolean {
  return origins.includes('*') || origins.includes(origin);
}
