const REDACTED = '[redacted]';

/**
 * Patterns of secrets in arbitrary text, such as an error that quotes its input or
 * an address with a token in it. Tokens (JWT, also of API
 * keys), what follows Bearer or the WebSocket protocol of tokens, and PEM keys.
 */
const SECRET_TEXT =
  /-----BEGIN [A-Z ]*PRIVATE KEY-----(?:[^-]|-(?!----END))*|eyJ[\w-]{8,}\.[\w-]+\.[\w-]*|(?<=\bBearer |openbell\.bearer\.)[^\s"\\,]+/gi;

/** The text with everything that matches a secret's pattern redacted. */
export function withoutSecrets(text: string): string {
  return text.replace(SECRET_TEXT, REDACTED);
}
