import { createHmac, generateKeyPairSync, randomBytes, timingSafeEqual, verify } from 'node:crypto';
import { jwtVerify, SignJWT } from 'jose';
import { challengeText } from '../challenge-text.ts';
import { type IdentityReject, unauthenticated } from './identity-reject.ts';
import type { Principal } from './principal.ts';
import type { KeyAccount, ServiceAccounts } from './service-accounts.ts';
import { CLOCK_SKEW_S } from './tokens.ts';

/** A challenge must be answered within this, ms. */
export const CHALLENGE_MS = 30_000;
/** A challenge: the end of its validity, ms on the monotonic clock of this process; random bytes; the MAC. */
const CHALLENGE = /^(?<body>(?<end>[1-9]\d{0,15})\.[\w-]{24})\.(?<mac>[\w-]{43})$/;
/** Lifetime of a session token, seconds. */
export const SESSION_TOKEN_S = 900;
/** Maximum number of answered, unexpired challenges; further answers are rejected. Normal use stays below 100 a second. */
const MAX_USED = 3000;
const ISSUER = 'openbell:session';
const AUDIENCE = 'openbell:session';
/** Claim with the thumbprint of the API key that signed the challenge. */
const KEY_CLAIM = 'key';

/**
 * API keys: the client signs a challenge with its Ed25519 key and gets a
 * session token, a JWT that this process signs with its own key. That key
 * never leaves memory, so a restart invalidates all session tokens and clients
 * sign a new challenge.
 *
 * A challenge is not stored: it carries its key id, its time and a MAC, so a flood
 * of requests costs no memory. Only correctly answered challenges are stored,
 * until they expire, because each is valid once.
 */
export class ApiKeys {
  readonly #serviceAccounts: () => ServiceAccounts;
  readonly #mac = randomBytes(32);
  readonly #signing = generateKeyPairSync('ed25519');
  /** Id of this process's signing key, in its tokens. */
  readonly #kid = `session-${randomBytes(12).toString('base64url')}`;
  /** Answered challenges and their expiry; oldest first. */
  readonly #used = new Map<string, { readonly id: string; readonly expiresAt: number }>();
  /** Number of stored challenges per key. */
  readonly #answered = new Map<string, number>();

  readonly #now: () => number;

  /**
   * @param serviceAccounts read at each use, so removing or replacing a key in the file invalidates its tokens
   * @param now a clock that only moves forward, ms: a corrected system clock neither ends nor prolongs a challenge
   */
  constructor(serviceAccounts: () => ServiceAccounts, now: () => number = () => performance.now()) {
    this.#serviceAccounts = serviceAccounts;
    this.#now = now;
  }

  /** A challenge for a key id. Unknown ids get one too, so callers cannot probe for keys. */
  challenge(id: string): string {
    const body = `${Math.ceil(this.#now()) + CHALLENGE_MS}.${randomBytes(18).toString('base64url')}`;
    return `${body}.${this.#macOf(id, body)}`;
  }

  /** The session token for an answered challenge. @param signature base64 of the signature over {@link challengeText} */
  async answer(id: string, nonce: string, signature: string): Promise<{ token: string; serviceAccount: KeyAccount } | IdentityReject> {
    const serviceAccount = this.#serviceAccounts().keys.get(id);
    const { body = '', end = '', mac = '' } = CHALLENGE.exec(nonce)?.groups ?? {};
    const [expiresAt, now] = [Number(end), this.#now()];
    if (!equal(mac, this.#macOf(id, body))) return unauthenticated('the challenge was not issued to this key');
    if (expiresAt <= now) return unauthenticated('the challenge has expired');
    // Not even a forged MAC prolongs a challenge: the answered ones are stored until their end.
    if (expiresAt > Math.ceil(now) + CHALLENGE_MS) return unauthenticated('the challenge ends later than any that was issued');
    if (serviceAccount === undefined) return unauthenticated('there is no key with this id');
    if (!verify(null, Buffer.from(challengeText(id, nonce)), serviceAccount.publicKey, Buffer.from(signature, 'base64')))
      return unauthenticated(`the signature is not that of key ${id}`);
    this.#forget(now);
    if (this.#used.has(nonce)) return unauthenticated('the challenge was answered before', serviceAccount.subject);
    // Per key: a flood from one must not block the others.
    const answered = this.#answered.get(id) ?? 0;
    if (answered >= MAX_USED) return unauthenticated('the key answers too many challenges', serviceAccount.subject);
    this.#answered.set(id, answered + 1);
    this.#used.set(nonce, { id, expiresAt });
    const token = await new SignJWT({ [KEY_CLAIM]: serviceAccount.thumbprint })
      .setProtectedHeader({ alg: 'EdDSA', kid: this.#kid })
      .setIssuer(ISSUER)
      .setAudience(AUDIENCE)
      .setSubject(id)
      .setExpirationTime(`${SESSION_TOKEN_S}s`)
      .sign(this.#signing.privateKey);
    return { token, serviceAccount };
  }

  /** Whether a token names this process as its issuer. The signature is not checked. */
  isOurs(kid: string | undefined): boolean {
    return kid === this.#kid;
  }

  /** The caller of a session token. Rights are looked up now, not when the token was issued. */
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
      if (payload[KEY_CLAIM] !== serviceAccount.thumbprint)
        return unauthenticated('the key of this session token was replaced', serviceAccount.subject);
      const { subject, roles, accounts, all } = serviceAccount;
      return { subject, roles, accounts, all, via: 'key', expiresAt: ((payload.exp ?? 0) + CLOCK_SKEW_S) * 1000 };
    } catch (error) {
      return unauthenticated(`session token: ${(error as Error).message.slice(0, 100)}`);
    }
  }

  #macOf(id: string, body: string): string {
    // The length keeps the two parts apart, whatever they contain.
    return createHmac('sha256', this.#mac).update(`${id.length}:${id}${body}`).digest('base64url');
  }

  #forget(now: number): void {
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
