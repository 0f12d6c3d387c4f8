import { createHmac, generateKeyPairSync, randomBytes, timingSafeEqual, verify } from 'node:crypto';
import { jwtVerify, SignJWT } from 'jose';
import { challengeText } from '../challenge-text.ts';
import { type IdentityReject, unauthenticated } from './identity-reject.ts';
import type { Principal } from './principal.ts';
import type { KeyAccount, ServiceAccounts } from './service-accounts.ts';
import { CLOCK_SKEW_S } from './tokens.ts';

/** A challenge must be answered within this, ms. */
const CHALLENGE_MS = 30_000;
/** A session token holds for so long, seconds. */
export const SESSION_TOKEN_S = 900;
/** Challenges answered within their life, at most; beyond it keys have to wait. 100 a second is no honest use. */
const MAX_USED = 3000;
const ISSUER = 'openbell:session';
const AUDIENCE = 'openbell:session';

/**
 * API keys: the client signs a challenge with its Ed25519 key and gets a
 * session token, a JWT that this process signs with a key of its own. That key
 * never leaves memory, so a restart ends all session tokens; a client just
 * signs again.
 *
 * A challenge is not kept: it carries its key id, its time and a MAC, so that
 * asking for many costs no memory. Only those that were answered rightly are,
 * until they expire, because each works once.
 */
export class ApiKeys {
  readonly #serviceAccounts: () => ServiceAccounts;
  readonly #mac = randomBytes(32);
  readonly #signing = generateKeyPairSync('ed25519');
  /** Names the key of this process in its tokens. */
  readonly #kid = `session-${randomBytes(12).toString('base64url')}`;
  /** Challenges that were answered, and until when they would hold; oldest first. */
  readonly #used = new Map<string, { readonly id: string; readonly expiresAt: number }>();
  /** How many of them each key answered. */
  readonly #answered = new Map<string, number>();

  /** @param serviceAccounts asked each time: a key that leaves the file ends its tokens too */
  constructor(serviceAccounts: () => ServiceAccounts) {
    this.#serviceAccounts = serviceAccounts;
  }

  /** A challenge for a key id, whether there is such a key or not, so that callers cannot find out which there are. */
  challenge(id: string): string {
    const body = `${(Date.now() + CHALLENGE_MS).toString(36)}.${randomBytes(18).toString('base64url')}`;
    return `${body}.${this.#macOf(id, body)}`;
  }

  /** The session token for an answered challenge. @param signature base64 of the signature over {@link challengeText} */
  async answer(id: string, nonce: string, signature: string): Promise<{ token: string; serviceAccount: KeyAccount } | IdentityReject> {
    const serviceAccount = this.#serviceAccounts().keys.get(id);
    const body = nonce.slice(0, nonce.lastIndexOf('.'));
    const expiresAt = Number.parseInt(nonce, 36);
    if (nonce.length > 128 || !equal(nonce.slice(body.length + 1), this.#macOf(id, body)))
      return unauthenticated('a challenge that was not given to this key');
    if (!(expiresAt > Date.now())) return unauthenticated('the challenge has expired');
    if (serviceAccount === undefined) return unauthenticated('there is no key with this id');
    if (!verify(null, Buffer.from(challengeText(id, nonce)), serviceAccount.publicKey, Buffer.from(signature, 'base64')))
      return unauthenticated(`the signature is not that of key ${id}`);
    this.#forget();
    if (this.#used.has(nonce)) return unauthenticated('the challenge was answered before', serviceAccount.subject);
    // By key: a flood of one must not keep the others out.
    const answered = this.#answered.get(id) ?? 0;
    if (answered >= MAX_USED) return unauthenticated('the key answers too many challenges', serviceAccount.subject);
    this.#answered.set(id, answered + 1);
    this.#used.set(nonce, { id, expiresAt });
    const token = await new SignJWT()
      .setProtectedHeader({ alg: 'EdDSA', kid: this.#kid })
      .setIssuer(ISSUER)
      .setAudience(AUDIENCE)
      .setSubject(id)
      .setExpirationTime(`${SESSION_TOKEN_S}s`)
      .sign(this.#signing.privateKey);
    return { token, serviceAccount };
  }

  /** Whether a token says that this process signed it. */
  isOurs(kid: string | undefined): boolean {
    return kid === this.#kid;
  }

  /** The caller whom a session token names. Their rights are looked up now, not when the token was made. */
  async verify(token: string): Promise<Principal | IdentityReject> {
    try {
      const { payload } = await jwtVerify(token, this.#signing.publicKey, {
        algorithms: ['EdDSA'],
        issuer: ISSUER,
        audience: AUDIENCE,
        clockTolerance: CLOCK_SKEW_S,
        requiredClaims: ['exp', 'sub'],
      });
      const serviceAccount = this.#serviceAccounts().keys.get(payload.sub ?? '');
      if (serviceAccount === undefined) return unauthenticated('the key of this session token is no longer there', payload.sub);
      const { subject, roles, accounts, all } = serviceAccount;
      return { subject, roles, accounts, all, via: 'key', expiresAt: ((payload.exp ?? 0) + CLOCK_SKEW_S) * 1000 };
    } catch (error) {
      return unauthenticated(`session token: ${(error as Error).message.slice(0, 100)}`);
    }
  }

  #macOf(id: string, body: string): string {
    return createHmac('sha256', this.#mac).update(`${id}\n${body}`).digest('base64url');
  }

  #forget(): void {
    const now = Date.now();
    for (const [nonce, { id, expiresAt }] of this.#used) {
      if (expiresAt > now) return;
      this.#used.delete(nonce);
      const left = (this.#answered.get(id) ?? 1) - 1;
      if (left === 0) this.#answered.delete(id);
      else this.#answered.set(id, left);
    }
  }
}

function equal(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
