import { CLAIM_HEADERS } from '../config/proxy-list.ts';
import { readThumbprint } from './bound-token.ts';
import { type IdentityReject, unauthenticated } from './identity-reject.ts';
import { CredentialError, type Principal, readGrant, readSubject } from './principal.ts';
import { CLOCK_SKEW_S } from './tokens.ts';

/**
 * The caller that a listed proxy has verified, from the claims that it forwards as headers.
 * @param header a header by its lower-case name
 * @throws CredentialError
 */
export function readProxyClaims(header: (name: string) => string | undefined): Principal | IdentityReject {
  const claims = CLAIM_HEADERS.map((name) => header(name));
  const [subject, roles, accounts, expires, certificate] = claims;
  // A proxy that appends to these headers instead of replacing them would let its client set them.
  for (const [i, value] of claims.entries())
    if (value?.includes(',')) throw new CredentialError(`${CLAIM_HEADERS[i]} came twice, or has a comma`);
  const name = readSubject(subject);
  // As with tokens: only credentials without an expiry may keep a stream open without limit.
  if (expires === undefined)
    throw new CredentialError('x-openbell-expires is missing: a token needs an exp, and the proxy must pass it on');
  if (!/^\d{1,12}(\.\d+)?$/.test(expires)) throw new CredentialError('x-openbell-expires must be seconds since the Unix epoch');
  const expiresAt = (Number(expires) + CLOCK_SKEW_S) * 1000;
  if (expiresAt <= Date.now()) return unauthenticated('what the proxy verified has expired', name);
  const grant = readGrant(textOrList(roles), textOrList(accounts));
  return { subject: name, ...grant, via: 'proxy', expiresAt, ...(certificate !== undefined && { boundTo: readThumbprint(certificate) }) };
}

/**
 * A claim as the issuer wrote it: text, or a list. Envoy forwards a list as the base64 of its JSON, which begins with
 * `W` (for `[`); no role and no account does.
 */
function textOrList(value: string | undefined): unknown {
  if (value === undefined || !/^W[\w+/-]+={0,2}$/.test(value)) return value;
  try {
    const list: unknown = JSON.parse(Buffer.from(value, 'base64').toString('utf8'));
    return Array.isArray(list) ? list : value;
  } catch {
    return value;
  }
}
