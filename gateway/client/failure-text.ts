/** An error of OpenSSL as Node shows it: an address, a number, the place in OpenSSL's source, and a line break. */
const OPENSSL = /[0-9A-F]{8,16}:error:[0-9A-F]{8}:[^:]*:[^:]*:([^:]*):[^:]*:\d+:(?:[^\n]*\n)?/g;
/** What OpenSSL says when the peer's first bytes are no TLS. */
const NOT_TLS: ReadonlySet<string> = new Set(['wrong version number', 'packet length too long', 'http request', 'unknown protocol']);

/** Why a connection or a request failed: the cause of `fetch`'s error, in words for the user. */
export function failureText(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return withoutOpenssl(cause instanceof Error ? cause.message : String(cause));
}

/** The text with errors of OpenSSL in plain words. */
export function withoutOpenssl(text: string): string {
  return text.replace(OPENSSL, (_, reason: string) => (NOT_TLS.has(reason) ? 'this port does not speak TLS' : `TLS: ${reason}`));
}
