import { createHmac, randomBytes } from 'node:crypto';

const PREFIX = 'whsec_';
/** Of a new secret: 256 bits, within the 24 to 64 bytes of the specification. */
const SECRET_BYTES = 32;

/** A new secret of an endpoint, as Standard Webhooks writes it: `whsec_` and base64. */
export function newSecret(): string {
  return PREFIX + randomBytes(SECRET_BYTES).toString('base64');
}

/**
 * The header `webhook-signature` of Standard Webhooks: one `v1` signature, HMAC-SHA256 of `ID.TIMESTAMP.BODY`, for each secret, newest
 * first. While a secret is replaced there are two, and a receiver accepts either.
 * @param timestamp seconds since the Unix epoch, the header `webhook-timestamp`
 */
export function signatures(secrets: readonly string[], id: string, timestamp: number, body: string): string {
  return secrets.map((secret) => `v1,${hmac(secret, `${id}.${timestamp}.${body}`)}`).join(' ');
}

function hmac(secret: string, content: string): string {
  return createHmac('sha256', Buffer.from(secret.slice(PREFIX.length), 'base64'))
    .update(content)
    .digest('base64');
}
