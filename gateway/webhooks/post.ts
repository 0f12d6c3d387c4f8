import { X509Certificate } from 'node:crypto';
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import type { ConnectionOptions, PeerCertificate } from 'node:tls';
import type { Outcome } from './delivery-queue.ts';
import { type Lookup, resolveTarget, UnresolvedError } from './resolve-target.ts';
import { retryAfterMs } from './retry.ts';
import { hostOf } from './target.ts';

/** Time limit of an attempt: name, connection, TLS and answer; ms. */
const TIMEOUT_MS = 20_000;
/** How much of an answer's body is read before its connection is closed, bytes; it is not used. */
const MAX_ANSWER_BYTES = 16 * 1024;
const MAX_HEADER_BYTES = 16 * 1024;

export interface PostOptions {
  readonly lookup: Lookup;
  /** This host may be the target: for tests and development. */
  readonly loopback: boolean;
  /** Default: 20 s. */
  readonly timeoutMs?: number;
  /** Certificate authorities (PEM) beside those of Node; for tests. */
  readonly ca?: string;
}

/**
 * Sends one message, on a connection of its own, to the address that was checked. Redirects are not followed: they could lead elsewhere.
 * Never rejects.
 * @param url of `readTarget`
 */
export async function post(
  url: URL,
  headers: Readonly<Record<string, string>>,
  body: string,
  { lookup, loopback, timeoutMs = TIMEOUT_MS, ca }: PostOptions,
): Promise<Outcome> {
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const address = await before(signal, resolveTarget(url, lookup, loopback));
    const answer = await answerOf(url, address, headers, body, signal, ca);
    const { statusCode = 0 } = answer;
    await drained(answer);
    if (statusCode >= 200 && statusCode < 300) return { status: statusCode, reason: '', retryAfterMs: 0 };
    return { status: statusCode, reason: `HTTP_${statusCode}`, retryAfterMs: retryAfterMs(answer.headers['retry-after'], Date.now()) };
  } catch (error) {
    return { status: 0, reason: signal.aborted ? 'TIMEOUT' : reasonOf(error), retryAfterMs: 0 };
  }
}

function before<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    promise.then(resolve, reject);
  });
}

function answerOf(
  url: URL,
  address: string,
  headers: Readonly<Record<string, string>>,
  body: string,
  signal: AbortSignal,
  ca: string | undefined,
): Promise<IncomingMessage> {
  const host = hostOf(url);
  const secure = url.protocol === 'https:';
  const options: RequestOptions & Pick<ConnectionOptions, 'servername' | 'ca' | 'checkServerIdentity'> = {
    host: address,
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    path: `${url.pathname}${url.search}`,
    method: 'POST',
    headers: { ...headers, host: url.host, 'content-length': String(Buffer.byteLength(body)) },
    agent: false,
    maxHeaderSize: MAX_HEADER_BYTES,
    signal,
    // The certificate is that of the name, not of the address.
    ...(secure && isIP(host) === 0 && { servername: host }),
    ...(secure && isIP(host) === 6 && { checkServerIdentity: checkIPv6 }),
    ...(ca !== undefined && { ca }),
  };
  return new Promise((resolve, reject) => {
    const request = (secure ? httpsRequest : httpRequest)(options, resolve);
    request.on('error', reject);
    request.end(body);
  });
}

/** Node 22.23 compares an address of IPv6 with the names of a certificate, and so rejects each. */
function checkIPv6(address: string, { raw }: PeerCertificate): Error | undefined {
  if (new X509Certificate(raw).checkIP(address) !== undefined) return undefined;
  return Object.assign(new Error(`the certificate is not that of ${address}`), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
}

/** Reads a little of the body, so that a usual answer ends its connection in the usual way. Resolves when the connection is done with. */
function drained(answer: IncomingMessage): Promise<void> {
  let bytes = 0;
  answer.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) answer.destroy();
  });
  answer.on('error', () => undefined);
  return new Promise((resolve) => answer.once('close', resolve));
}

/** A code without text of the endpoint, which could be anything. */
function reasonOf(error: unknown): string {
  if (error instanceof UnresolvedError) return error.code;
  const { code } = error as NodeJS.ErrnoException;
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,63}$/.test(code) ? code : 'FAILED';
}
