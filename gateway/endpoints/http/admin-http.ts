import type { IncomingMessage } from 'node:http';
import { isLoopback } from '../../config/config-options.ts';
import { parseJson } from '../json/json-text.ts';
import { HttpError } from './http-error.ts';

/** Maximum size of a request's body, bytes. */
const MAX_BODY_BYTES = 64 * 1024;

/**
 * Rejects requests of web pages. A page can make a browser on this host send
 * requests here: with its own Origin, or, after pointing its own name at
 * 127.0.0.1, without one, and then with that name as Host. Programs send neither.
 * @param knownHost undefined: the caller has sent credentials, which such a page does not have, so any Host is accepted
 * @throws HttpError 403
 */
export function guard(request: IncomingMessage, knownHost: string | undefined): void {
  const { origin, host = '' } = request.headers;
  if (origin !== undefined) {
    throw new HttpError(
      403,
      0,
      'CROSS_SITE',
      'requests of web pages (with an Origin header) are rejected, except queries with a token from an origin among --cors-origins; use a program such as curl or openbell',
    );
  }
  if (knownHost === undefined) return;
  const name = hostName(host);
  if (isLoopback(name) || name === knownHost) return;
  throw new HttpError(
    403,
    0,
    'UNKNOWN_HOST',
    `the Host header names another host; ask by ${[...new Set(['127.0.0.1', 'localhost', knownHost])].join(' or ')}`,
  );
}

function hostName(host: string): string {
  const match = /^(?:\[([0-9a-f:]+)\]|([^:]*))(?::\d+)?$/i.exec(host);
  return (match?.[1] ?? match?.[2] ?? '').toLowerCase();
}

/** The body exceeds the limit. Its rest has not been read. */
export class BodyTooLargeError extends HttpError {
  constructor() {
    super(413, 0, 'BODY_TOO_LARGE', `the body exceeds ${MAX_BODY_BYTES} bytes; send several requests`);
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The body of a POST or PATCH; an empty one is an empty object. @throws HttpError 400, 413, 415 */
export async function readBody(request: IncomingMessage): Promise<Record<string, unknown>> {
  requireJson(request.headers);
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) throw new BodyTooLargeError();
  const text = textOf(await bytesOf(request));
  if (text.trim() === '') return {};
  const body = parseJson(text);
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new HttpError(400, 0, 'BAD_JSON', 'the body must be a JSON object; GET /openapi.json has its keys');
  }
  return body as Record<string, unknown>;
}

/** @throws HttpError 415 */
function requireJson({ 'content-type': type = '', 'content-encoding': encoding = 'identity' }: IncomingMessage['headers']): void {
  if (!/^application\/json\s*(;|$)/i.test(type)) {
    throw new HttpError(415, 0, 'NOT_JSON', 'send the header "content-type: application/json"');
  }
  const charset = /;\s*charset\s*=\s*"?([^\s";]*)/i.exec(type)?.[1];
  if (charset !== undefined && !/^utf-?8$/i.test(charset)) {
    throw new HttpError(415, 0, 'NOT_JSON', 'JSON is UTF-8: send the body in UTF-8, without another charset');
  }
  if (!/^\s*(identity)?\s*$/i.test(encoding)) {
    throw new HttpError(415, 0, 'ENCODED_BODY', 'compressed bodies are not supported: send it without content-encoding');
  }
}

/** The request is not destroyed when it is too large, so that the answer can still be sent. @throws HttpError 400, 413 */
function bytesOf(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const take = (chunk: Buffer): void => {
      bytes += chunk.length;
      chunks.push(chunk);
      if (bytes <= MAX_BODY_BYTES) return;
      request.off('data', take);
      reject(new BodyTooLargeError());
    };
    request.on('data', take);
    request.on('end', () => resolve(Buffer.concat(chunks)));
    // The peer has disconnected, or the time limit of a request has ended its connection.
    request.on('error', () => reject(new HttpError(400, 0, 'BODY_INCOMPLETE', 'the connection ended within the body')));
  });
}

/** @throws HttpError 400 */
function textOf(bytes: Buffer): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new HttpError(400, 0, 'BAD_JSON', 'the body is not valid UTF-8');
  }
}
