import { createHash } from 'node:crypto';
import { errors, type JWTPayload, jwtVerify } from 'jose';
import { Code } from '../../engine/codes.ts';
import { readConfirmation } from './bound-token.ts';
import { IdentityReject, unauthenticated } from './identity-reject.ts';
import { type KeySet, KeysUnavailableError } from './key-sets.ts';
import { CredentialError, type Principal, readGrant, readSubject, shown } from './principal.ts';

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
  readonly #issuer: string;
  readonly #audience: string;
  readonly #verified = new Map<string, Principal>();
  #version = 0;

  constructor(keys: KeySet, issuer: string, audience: string) {
    this.#keys = keys;
    this.#issuer = issuer;
    this.#audience = audience;
  }

  /** The caller of the token; synchronous when the token was verified before. */
  verify(token: string): Principal | IdentityReject | Promise<Principal | IdentityReject> {
    if (token.length > MAX_TOKEN) return unauthenticated(`a token of ${token.length} characters; at most ${MAX_TOKEN} are read`);
    this.#keys.refresh();
    if (this.#version !== this.#keys.version) {
      this.#version = this.#keys.version;
      this.#verified.clear();
    }
    const hash = createHash('sha256').update(token).digest('base64');
    const known = this.#verified.get(hash);
    if (known === undefined) return this.#check(token, hash);
    if (known.expiresAt > Date.now()) return known;
    this.#verified.delete(hash);
    return unauthenticated('the token has expired', known.subject);
  }

  async #check(token: string, hash: string): Promise<Principal | IdentityReject> {
    let payload: JWTPayload | undefined;
    try {
      ({ payload } = await jwtVerify(token, this.#keys.key, {
        algorithms: [...ALGORITHMS],
        issuer: this.#issuer,
        audience: this.#audience,
        clockTolerance: CLOCK_SKEW_S,
        requiredClaims: ['exp', 'sub'],
      }));
      const boundTo = readConfirmation(payload.cnf);
      const principal: Principal = {
        subject: readSubject(payload.sub),
        ...readGrant(payload.openbell_roles, payload.openbell_accounts),
        via: 'token',
        expiresAt: ((payload.exp ?? 0) + CLOCK_SKEW_S) * 1000,
        ...(boundTo !== undefined && { boundTo }),
      };
      // If the keys changed meanwhile, the old ones may have verified this token.
      if (this.#version === this.#keys.version) this.#keep(hash, principal);
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

function explain(error: unknown, payload: JWTPayload | undefined): IdentityReject {
  if (error instanceof KeysUnavailableError)
    return new IdentityReject(Code.BUSY, 'tokens cannot be checked now: try again in a moment', error.message);
  // jose checks the claims after the signature, so the subject is trusted here.
  if (error instanceof errors.JWTExpired) return unauthenticated('the token has expired', subjectOf(error.payload));
  if (error instanceof errors.JWTClaimValidationFailed)
    return unauthenticated(`the token's claim ${error.claim} is ${error.reason}`, subjectOf(error.payload));
  if (error instanceof CredentialError) return unauthenticated(error.message, subjectOf(payload));
  if (error instanceof errors.JOSEError) return unauthenticated(`${error.code}: ${error.message.slice(0, 100)}`);
  return unauthenticated(`the token cannot be read: ${shown((error as Error).message)}`);
}

function subjectOf(payload: JWTPayload | undefined): string {
  try {
    return readSubject(payload?.sub);
  } catch {
    return '';
  }
}
