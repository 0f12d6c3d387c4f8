import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { codeName } from '../../../engine/codes.ts';
import { type ApiKeys, SESSION_TOKEN_S } from '../../identity/api-keys.ts';
import type { Identity, Visit } from '../../identity/identity.ts';
import { IdentityReject, unauthenticated } from '../../identity/identity-reject.ts';
import { KEY_ID } from '../../identity/service-accounts.ts';
import { peerOf } from '../../tls/peer-certificate.ts';
import { HttpError } from './http-error.ts';
import { statusOf } from './reject-status.ts';
import type { ShortReply } from './route.ts';

export function visitOf({ socket, headersDistinct }: IncomingMessage, wants: string): Visit {
  const { address: peer, certificate } = peerOf(socket);
  return { peer, certificate, wants, header: (name) => headersDistinct[name]?.join(', ') };
}

export function rejectError(reject: IdentityReject): HttpError {
  return new HttpError(statusOf(reject), reject.code, codeName(reject.code), reject.details);
}

/** The account id in a path; NaN when it is not one. Each account has one path: `01` is none. */
export function accountNumber(text: string): number {
  return /^(?:0|[1-9]\d{0,9})$/.test(text) ? Number(text) : Number.NaN;
}

/** A value that is not text counts as missing: the answer is the same. */
const OPTIONAL_TEXT = z.string().optional().catch(undefined);
const KEY_BODY = z.object({ key: z.string().regex(KEY_ID), nonce: OPTIONAL_TEXT, signature: OPTIONAL_TEXT });

const BODY_KEYS: Readonly<Record<string, readonly string[]>> = {
  '/v1/auth/challenge': ['key'],
  '/v1/auth/session': ['key', 'nonce', 'signature'],
};
/** Characters of an unknown key that an answer quotes. */
const MAX_QUOTED = 64;

/**
 * Issues session tokens for API keys: `POST /v1/auth/challenge {"key": ID}`,
 * then `POST /v1/auth/session {"key": ID, "nonce": N, "signature": S}`.
 * @throws HttpError
 */
export async function answerKey(
  identity: Identity,
  keys: ApiKeys,
  path: string,
  body: Record<string, unknown>,
  visit: Visit,
): Promise<ShortReply> {
  const { data } = KEY_BODY.safeParse(body);
  const known = BODY_KEYS[path] ?? [];
  const unknown = Object.keys(body).find((name) => !known.includes(name));
  if (known.length > 0 && unknown !== undefined)
    throw new HttpError(400, 0, 'BAD_PARAMETER', `unknown key ${JSON.stringify(unknown.slice(0, MAX_QUOTED))}; use ${known.join(', ')}`);
  if (data === undefined)
    throw new HttpError(400, 0, 'BAD_PARAMETER', 'key must be the id of an API key: 1 to 64 letters, digits, . : - _');
  const { key, nonce, signature } = data;
  if (path === '/v1/auth/challenge') return { json: { nonce: keys.challenge(key) } };
  if (path !== '/v1/auth/session') throw new HttpError(404, 0, 'NOT_FOUND', `there is nothing at ${path}; see docs/SECURITY.md`);
  const answer =
    nonce !== undefined && signature !== undefined
      ? await identity.limited(visit.peer, () => keys.answer(key, nonce, signature))
      : unauthenticated('no signature');
  if (answer instanceof IdentityReject) {
    identity.rejected(answer, visit);
    throw rejectError(answer);
  }
  return { json: { token: answer.token, expiresInSeconds: SESSION_TOKEN_S } };
}
