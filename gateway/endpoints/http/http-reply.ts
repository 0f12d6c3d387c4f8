import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RateState } from './request-limits.ts';
import type { ShortReply } from './route.ts';

/** Time limit for the client to read an answer, from the last byte that it took; ms. */
const ANSWER_TIMEOUT_MS = 10_000;
/** How much more of a body that is too large is read, so that the client receives the answer; bytes and ms. */
const LINGER_BYTES = 1024 * 1024;
const LINGER_MS = 1000;

/** A reply as it is sent: its long lists are bytes already. */
export type FinalReply = ShortReply | { readonly status?: number; readonly bytes: Buffer };

/** How much of its rate a caller has left, in the names of draft-ietf-httpapi-ratelimit-headers that clients know. */
export function setRateHeaders(response: ServerResponse, { burst, left, perSecond }: RateState): void {
  // This request takes one.
  const remaining = Math.max(0, Math.floor(left) - 1);
  response.setHeader('ratelimit-limit', burst);
  response.setHeader('ratelimit-remaining', remaining);
  response.setHeader('ratelimit-reset', Math.ceil((burst - remaining) / perSecond));
}

/** Sends a reply. A client that does not read it is disconnected. */
export function write(response: ServerResponse, reply: FinalReply): void {
  const bytes = 'bytes' in reply ? reply.bytes : bytesOf('json' in reply ? `${JSON.stringify(reply.json)}\n` : reply.text);
  response.setTimeout(ANSWER_TIMEOUT_MS);
  response.writeHead(reply.status ?? 200, {
    'content-type': 'type' in reply ? reply.type : 'application/json; charset=utf-8',
    'content-length': bytes.length,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...('headers' in reply && reply.headers),
  });
  response.end(bytes);
}

/**
 * Reads and drops a limited part of the rest of a body. A connection that is closed with unread bytes is
 * reset, and its client might not receive the answer.
 */
export function linger(request: IncomingMessage): void {
  const { socket } = request;
  let bytes = 0;
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > LINGER_BYTES) socket.destroy();
  });
  request.on('error', () => undefined);
  setTimeout(() => socket.destroySoon(), LINGER_MS).unref();
}

function bytesOf(text: string | Buffer): Buffer {
  return typeof text === 'string' ? Buffer.from(text) : text;
}
