import { createHash } from 'node:crypto';
import { compactVerify, errors } from 'jose';
import { Code } from '../../engine/codes.ts';
import { type Expected, readClaims } from './claims.ts';
import { IdentityReject, unauthenticated } from './identity-reject.ts';
import { type KeySet, KeysUnavailableError } from './key-sets.ts';
import { CredentialError, type Principal, readSubject, shown } from './principal.ts';

/** Asymmetric only: with an HS algorithm the public key would be the secret. */
export const ALGORITHMS: readonly string[] = ['RS256', 'ES256', 'EdDSA'];
/** Tolerated clock skew; a session outlives its token by as much. */
export const CLOCK_SKEW_S = 30;
/** Longer than any token that fits the headers of all three ports. */
export const MAX_TOKEN = 8192;
/** Number of verified tokens remembered. */
const MAX_VERIFIED = 4096;

/**
 * Tokens (JWT) of one issuer. A verified token is remembered by its hash
 * until it expires or the keys change: checking a signature takes a tenth of a
 * millisecond of the thread that takes orders, and unary calls send the same
 * token each time.
 */
export class TokenVerifier {
  readonly #keys: KeySet;
  readonly #expected: Expected;
  readonly #verified = new Map<string, Principal>();
  #version = 0;

  constructor(keys: KeySet, issuer: string, audience: string) {
    this.#keys = keys;
    this.#expected = { issuer, audience, skew: CLOCK_SKEW_S };
  }

  /** The caller of the token; synchronous when the token was verified before. */
  verify(token: string): Principal | IdentityReject | Promise<Principal | IdentityReject> {
    return this.remembered(token) ?? this.#check(token, hashOf(token));
  }

  /** The caller of a token that was verified before, or whose fault needs no signature; else undefined. */
  remembered(token: string): Principal | IdentityReject | undefined {
    if (token.length > MAX_TOKEN) return unauthenticated(`a token of ${token.length} characters; at most ${MAX_TOKEN} are read`);
    this.#keys.refresh();
    if (this.#version !== this.#keys.version) {
      this.#version = this.#keys.version;
      this.#verified.clear();
    }
    const hash = hashOf(token);
    const known = this.#verified.get(hash);
    if (known === undefined) return undefined;
    if (known.expiresAt > Date.now()) return known;
    this.#verified.delete(hash);
    return unauthenticated('the token has expired', known.subject);
  }

  async #check(token: string, hash: string): Promise<Principal | IdentityReject> {
    let payload: unknown;
    const { version } = this.#keys;
    try {
      const verified = await compactVerify(token, this.#keys.key, { algorithms: [...ALGORITHMS] });
      // An unencoded payload (RFC 7797) is not a token (RFC 7519).
      if (verified.protectedHeader.b64 === false) throw new CredentialError('the token is not encoded');
      payload = readPayload(verified.payload);
      const { expiresAt, ...caller } = readClaims(payload, this.#expected);
      const principal: Principal = { ...caller, via: 'token', expiresAt: (expiresAt + CLOCK_SKEW_S) * 1000 };
      // If the keys changed meanwhile, the old ones may have verified this token, even if another token has noticed the change.
      if (version === this.#keys.version && version === this.#version) this.#keep(hash, principal);
      return principal;
    } catch (error) {
      return explain(error, payload);
    }
  }

  #keep(hash: string, principal: Principal): void {
    if (this.#verified.size >= MAX_VERIFIED) {
      for (const oldest of this.#verified.keys()) {
        this.#verified.delete(oldest);
        break;
      }
    }
    this.#verified.set(hash, principal);
  }
}

/** @throws CredentialError */
function readPayload(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new CredentialError("the token's claims are not JSON in UTF-8");
  }
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}

/** @param payload undefined while the signature is not verified */
function explain(error: unknown, payload: unknown): IdentityReject {
  if (error instanceof KeysUnavailableError)
    return new IdentityReject(Code.BUSY, 'tokens cannot be checked now: try again in a moment', error.message);
  if (error instanceof CredentialError) return unauthenticated(error.message, subjectOf(payload));
  if (error instanceof errors.JOSEError) return unauthenticated(`${error.code}: ${error.message.slice(0, 100)}`);
  return unauthenticated(`the token cannot be read: ${shown((error as Error).message)}`);
}

function subjectOf(payload: unknown): string {
  try {
    return readSubject((payload as { readonly sub?: unknown } | null | undefined)?.sub);
  } catch {
    return '';
  }
}
