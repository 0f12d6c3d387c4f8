import { X509Certificate } from 'node:crypto';
import { CredentialError } from './principal.ts';

/** Fields of `x-forwarded-client-cert` for the certificate that the last proxy verified. */
export interface ForwardedCert {
  /** Distinguished name; empty when it was not forwarded. */
  readonly subject: string;
  /** Subject alternative names of type URI, such as a SPIFFE id. */
  readonly uris: readonly string[];
  /** Expiry of the certificate, ms since the Unix epoch; Infinity when the proxy did not forward the whole certificate. */
  readonly expiresAt: number;
  /** SHA-256, hex, of the certificates of all elements: that of the client, then those of the proxies between. */
  readonly hashes: readonly string[];
}

/**
 * Reads `x-forwarded-client-cert` as Envoy writes it: elements with commas
 * between them, pairs `Key=Value` with semicolons, values quoted when they hold
 * one of `,;="`, with `\"` for a quote. Each proxy appends its element, so
 * only the last one was written by the proxy that connects here; it received the
 * others.
 * @throws CredentialError
 */
export function readForwardedCert(header: string): ForwardedCert {
  let subject = '';
  let uris: string[] = [];
  let pem: string | undefined;
  const hashes: string[] = [];
  let at = 0;
  for (;;) {
    const equals = header.indexOf('=', at);
    const key = header.slice(at, equals).trim().toLowerCase();
    if (equals === -1 || !/^[a-z]+$/.test(key)) throw new CredentialError('x-forwarded-client-cert is malformed');
    const [value, end] = readValue(header, equals + 1);
    if (key === 'subject') subject = value;
    else if (key === 'uri' && value !== '') uris.push(value);
    else if (key === 'cert') pem = value;
    else if (key === 'hash') hashes.push(value);
    if (end === header.length) return { subject, uris, expiresAt: pem === undefined ? Number.POSITIVE_INFINITY : endOf(pem), hashes };
    if (header[end] === ',') {
      subject = '';
      uris = [];
      pem = undefined;
    }
    at = end + 1;
  }
}

/** @param pem with URL encoding @throws CredentialError */
function endOf(pem: string): number {
  try {
    return Date.parse(new X509Certificate(decodeURIComponent(pem)).validTo);
  } catch {
    throw new CredentialError('x-forwarded-client-cert has a Cert that is not a certificate');
  }
}

/** The value that begins at `at`, and the position of the comma or semicolon after it, or the end. */
function readValue(header: string, at: number): [value: string, end: number] {
  if (header[at] !== '"') {
    const length = header.slice(at).search(/[,;]/);
    const end = length === -1 ? header.length : at + length;
    return [header.slice(at, end).trim(), end];
  }
  const quoted = /"((?:[^"\\]|\\.)*)"\s*(?=[,;]|$)/y;
  quoted.lastIndex = at;
  const match = quoted.exec(header);
  if (match === null) throw new CredentialError('x-forwarded-client-cert has a quoted value without an end');
  return [match[1].replace(/\\(.)/g, '$1'), at + match[0].length];
}
