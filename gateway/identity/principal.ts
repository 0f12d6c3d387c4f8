export const ROLES = ['trader', 'market-maker', 'read-only', 'custodian', 'operator', 'auditor', 'drop-copy'] as const;
export type Role = (typeof ROLES)[number];

/** How a caller was authenticated. `open`: authentication is off. */
export type Via = 'open' | 'token' | 'key' | 'proxy' | 'certificate';

/** The roles and accounts in a caller's credentials. */
export interface Grant {
  readonly roles: ReadonlySet<Role>;
  /** The accounts listed by id. */
  readonly accounts: ReadonlySet<number>;
  /** Every account, `*`: effective only where {@link ./permissions.ts} allows it. */
  readonly all: boolean;
}

/** An authenticated caller. */
export interface Principal extends Grant {
  /** Subject, for the log and the audit trail; not empty, without control characters. */
  readonly subject: string;
  readonly via: Via;
  /** Expiry, ms since the Unix epoch, clock skew included; Infinity: as long as the connection. */
  readonly expiresAt: number;
  /** SHA-256, base64url, of the only client certificate with which the token counts. Absent: with any, or none. */
  readonly boundTo?: string;
}

/** Every caller while authentication is off (loopback only). */
export const ANYBODY: Principal = {
  subject: 'anybody',
  roles: new Set(ROLES),
  accounts: new Set(),
  all: true,
  via: 'open',
  expiresAt: Number.POSITIVE_INFINITY,
};

const MAX_ACCOUNTS = 4096;
const MAX_SUBJECT = 256;

/** A problem with credentials, for the log. */
export class CredentialError extends Error {
  override readonly name = 'CredentialError';
}

/**
 * Reads roles and accounts: each a text with spaces between its words, or a
 * list. An unknown word is an error, not ignored: a typing error must
 * neither remove nor grant a right silently.
 * @throws CredentialError
 */
export function readGrant(roles: unknown, accounts: unknown): Grant {
  const named = new Set<number>();
  let all = false;
  for (const word of words('accounts', accounts)) {
    if (word === '*') all = true;
    else named.add(readAccountId(String(word)));
  }
  if (named.size > MAX_ACCOUNTS) throw new CredentialError(`more than ${MAX_ACCOUNTS} accounts`);
  return { roles: new Set(words('roles', roles).map(readRole)), accounts: named, all };
}

/** @throws CredentialError */
export function readSubject(subject: unknown): string {
  if (typeof subject !== 'string' || subject === '' || subject.length > MAX_SUBJECT || /\p{Cc}/u.test(subject))
    throw new CredentialError(`the subject must be text of 1 to ${MAX_SUBJECT} printable characters`);
  return subject;
}

/** Words of text, or of a list whose entries are texts or numbers. A nested list is not its only entry. */
function words(what: string, value: unknown): (string | number)[] {
  if (value === undefined) return [];
  const list: readonly unknown[] | undefined = Array.isArray(value) ? value : typeof value === 'string' ? value.split(' ') : undefined;
  const entries = list?.filter((word) => typeof word === 'string' || typeof word === 'number');
  if (entries === undefined || entries.length !== list?.length)
    throw new CredentialError(`${what} must be a text with spaces between the words, or a list of words`);
  return entries.filter((word) => word !== '');
}

function readRole(word: string | number): Role {
  const role = ROLES.find((known) => known === word);
  if (role === undefined) throw new CredentialError(`there is no role ${shown(String(word))}; there are ${ROLES.join(', ')}`);
  return role;
}

function readAccountId(word: string): number {
  const id = /^[1-9]\d{0,9}$/.test(word) ? Number(word) : Number.NaN;
  if (!(id <= 0xffff_ffff)) throw new CredentialError(`${shown(word)} is neither an account id from 1 nor *`);
  return id;
}

/** A peer's text, quoted and shortened for a log line. */
export function shown(text: string): string {
  return JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}...` : text);
}
