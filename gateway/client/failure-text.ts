/** An error of OpenSSL as Node shows it: an address, a number, the place in OpenSSL's source, and a line break. */
const OPENSSL = /[0-9A-F]{8,16}:error:[0-9A-F]{8}:[^:]*:[^:]*:([^:]*):[^:]*:\d+:(?:[^\n]*\n)?/g;
/** The same of certificates and keys: without address and place. */
const OPENSSL_SHORT = /error:[0-9A-F]{8}:[^:]*:[^:]*:([^:\n]*)/g;
/** What OpenSSL says when the peer's first bytes are no TLS. */
const NOT_TLS: ReadonlySet<string> = new Set(['wrong version number', 'packet length too long', 'http request', 'unknown protocol']);
const NO_TLS_THERE = 'this port does not speak TLS';
/** Codes of Node for a certificate whose authority is not trusted. */
const UNKNOWN_AUTHORITY: ReadonlySet<string> = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
]);
/** Codes of Node when the peer ends a connection without an answer, or with something that is not HTTP: a TLS port does so with plain text. */
const NO_HTTP: ReadonlySet<string> = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE', 'HPE_INVALID_CONSTANT']);

/**
 * What is wrong with the TLS of a connection: the exchange has an `unknown authority`, the `certificate` is not one for its address, the
 * port speaks `no tls`, or it `perhaps` does, as plain text is not answered. Undefined: something else failed.
 */
export type TlsFault = 'unknown authority' | 'certificate' | 'no tls' | 'perhaps';

/** @param url that was asked */
export function tlsFault(url: string, error: unknown): TlsFault | undefined {
  const cause = causeOf(error);
  const code = String((cause as NodeJS.ErrnoException | undefined)?.code ?? '');
  if (/^(http|ws):/.test(url)) return NO_HTTP.has(code) ? 'perhaps' : undefined;
  if (UNKNOWN_AUTHORITY.has(code)) return 'unknown authority';
  if (/^(ERR_TLS_|CERT_)/.test(code)) return 'certificate';
  return failureText(error) === NO_TLS_THERE ? 'no tls' : undefined;
}

/** Why a connection or a request failed: the cause of `fetch`'s error, in words for the user. */
export function failureText(error: unknown): string {
  const cause = causeOf(error);
  return withoutOpenssl(cause instanceof Error ? cause.message : String(cause));
}

function causeOf(error: unknown): unknown {
  return error instanceof Error && error.cause instanceof Error ? error.cause : error;
}

/** The text with errors of OpenSSL in plain words. */
export function withoutOpenssl(text: string): string {
  const plain = (_: string, reason: string): string => (NOT_TLS.has(reason) ? NO_TLS_THERE : `TLS: ${reason}`);
  return text.replace(OPENSSL, plain).replace(OPENSSL_SHORT, plain);
}
