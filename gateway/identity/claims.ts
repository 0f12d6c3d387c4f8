import { z } from 'zod';
import { readConfirmation } from './bound-token.ts';
import { CredentialError, type Grant, readGrant, readSubject } from './principal.ts';

/** What a token states about its caller. */
export interface Claims extends Grant {
  readonly subject: string;
  /** Seconds since the Unix epoch. */
  readonly expiresAt: number;
  /** The certificate to which the token is bound, base64url of its SHA-256. */
  readonly boundTo?: string;
}

const text = z.string({ error: 'text' });
/** The end of the year 9999. JSON can write numbers without an end, such as 1e400, which JavaScript reads as Infinity. */
const seconds = z.number({ error: 'seconds since the Unix epoch' }).min(0, 'seconds since the Unix epoch').max(253_402_300_799, {
  error: 'a time before the year 10000',
});

/** The type of each claim that has an effect. Other claims may have any. */
const CLAIMS = z.object({
  iss: text,
  aud: z.union([text, z.array(text)], { error: 'text, or a list of texts' }),
  sub: text,
  exp: seconds,
  nbf: seconds.optional(),
  iat: seconds.optional(),
  openbell_roles: z.union([text, z.array(text)], { error: 'text, or a list of texts' }).optional(),
  openbell_accounts: z.union([text, z.array(z.union([text, z.number()]))], { error: 'text, or a list of account ids' }).optional(),
  cnf: z.unknown().optional(),
});

/** What a token has to state. */
export interface Expected {
  readonly issuer: string;
  readonly audience: string;
  /** Tolerated clock skew, seconds. */
  readonly skew: number;
}

/**
 * The claims of a token whose signature is verified: first the type of each,
 * then the values.
 * @throws CredentialError, which never contains a value except the words of the grant
 */
export function readClaims(payload: unknown, { issuer, audience, skew }: Expected): Claims {
  const { data, error } = CLAIMS.safeParse(payload);
  if (data === undefined) {
    const [{ path, message }] = error.issues;
    throw new CredentialError(path.length === 0 ? 'the token has no claims' : `the token's claim ${String(path[0])} must be ${message}`);
  }
  const { iss, aud, sub, exp, nbf, iat, openbell_roles: roles, openbell_accounts: accounts, cnf } = data;
  const subject = readSubject(sub);
  if (iss !== issuer) throw new CredentialError('the token is of another issuer');
  if (!(typeof aud === 'string' ? [aud] : aud).includes(audience)) throw new CredentialError('the token is for another audience');
  const now = Date.now() / 1000;
  if (exp + skew <= now) throw new CredentialError('the token has expired');
  if (nbf !== undefined && nbf - skew > now) throw new CredentialError('the token is not valid yet');
  if (iat !== undefined && iat - skew > now) throw new CredentialError('the token was issued in the future');
  const boundTo = readConfirmation(cnf);
  return { subject, ...readGrant(roles, accounts), expiresAt: exp, ...(boundTo !== undefined && { boundTo }) };
}
