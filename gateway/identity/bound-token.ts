import type { PeerCertificate } from '../tls/peer-certificate.ts';
import { readForwardedCert } from './forwarded-cert.ts';
import { CredentialError } from './principal.ts';

/**
 * Tokens that are bound to a client certificate, RFC 8705: claim `cnf` has the SHA-256 of the certificate. Such a token
 * counts only on a connection that presented this certificate, so a stolen token is useless without the private key.
 */

/** The base64url text of a SHA-256. @throws CredentialError */
export function readThumbprint(value: unknown): string {
  if (typeof value === 'string' && /^[\w-]{43}$/.test(value)) return value;
  throw new CredentialError('the certificate to which the token is bound must be the base64url text of a SHA-256');
}

/** The certificate in claim `cnf`; undefined without the claim. @throws CredentialError for a binding of another kind, which cannot be checked */
export function readConfirmation(cnf: unknown): string | undefined {
  if (cnf === undefined) return undefined;
  if (typeof cnf === 'object' && cnf !== null && Object.hasOwn(cnf, 'x5t#S256')) {
    return readThumbprint((cnf as { readonly 'x5t#S256': unknown })['x5t#S256']);
  }
  throw new CredentialError('the token is bound by something other than a certificate (cnf without x5t#S256)');
}

/**
 * Whether the caller presented the certificate. Behind proxies it is one of those in `x-forwarded-client-cert`: the first
 * proxy removes the header of its clients, and the next ones append the certificate of the proxy before.
 * @param certificate of the connection itself
 * @throws CredentialError for a malformed header
 */
export function presented(boundTo: string, forwarded: string | undefined, certificate: PeerCertificate | undefined): boolean {
  const hashes = forwarded === undefined ? [certificate?.fingerprint.replaceAll(':', '') ?? ''] : readForwardedCert(forwarded).hashes;
  return hashes.some((hash) => Buffer.from(hash, 'hex').toString('base64url') === boundTo);
}
