import { decodeProtectedHeader } from 'jose';
import { Code, codeName } from '../../engine/codes.ts';
import type { AuditSink } from '../audit/audit-sink.ts';
import { CLAIM_HEADERS, PROXY_HEADERS, ProxyList } from '../config/proxy-list.ts';
import type { LimitCounters } from '../limit-counters.ts';
import type { Logger } from '../log.ts';
import type { PeerCertificate } from '../tls/peer-certificate.ts';
import type { ApiKeys } from './api-keys.ts';
import { presented } from './bound-token.ts';
import { FailedLogins } from './failed-logins.ts';
import { readForwardedCert } from './forwarded-cert.ts';
import { IdentityReject, unauthenticated } from './identity-reject.ts';
import { type Action, may } from './permissions.ts';
import { ANYBODY, CredentialError, type Principal, type Role, shown } from './principal.ts';
import { readProxyClaims } from './proxy-claims.ts';
import { RejectLog } from './reject-log.ts';
import { canonicalName, type ServiceAccount, type ServiceAccounts } from './service-accounts.ts';
import type { TokenVerifier } from './tokens.ts';

/** A request at an endpoint, with its credentials. */
export interface Visit {
  /** IP address of the peer. */
  readonly peer: string;
  /** The requested action, for log and audit, such as `gRPC Session`. */
  readonly wants: string;
  /** A header by its lower-case name; repeated headers are joined with a comma. */
  readonly header: (name: string) => string | undefined;
  /** A token that was not sent in the header `authorization`. */
  readonly token?: string | undefined;
  /** The verified client certificate of the connection itself. */
  readonly certificate?: PeerCertificate | undefined;
}

const THIS_MACHINE = new ProxyList(['127.0.0.0/8', '::1']);

export type Answer = Principal | IdentityReject;

/** The configured sources of credentials. Without any, authentication is off. */
export interface Vouchers {
  readonly tokens?: TokenVerifier | undefined;
  readonly apiKeys?: ApiKeys | undefined;
  readonly serviceAccounts?: (() => ServiceAccounts) | undefined;
  readonly proxies?: ProxyList | undefined;
  /** Tokens and signatures of one address that may fail, per second. */
  readonly wrongCredentials?: number | undefined;
  readonly limitCounters?: LimitCounters | undefined;
  /** Roles whose tokens must be bound to a client certificate. */
  readonly boundRoles?: ReadonlySet<Role> | undefined;
  /** Plain text beyond this host: only listed proxies are served. */
  readonly onlyProxies?: boolean;
}

/**
 * Authenticates and authorizes callers. All endpoints call this once per
 * session, connection or call, never per order. I/O thread.
 */
export class Identity {
  /** Authentication is off. */
  readonly open: boolean;
  readonly apiKeys: ApiKeys | undefined;
  readonly #vouchers: Vouchers;
  readonly #log: RejectLog;
  readonly #failed: FailedLogins;
  readonly #audit: AuditSink;

  constructor(vouchers: Vouchers, log: Logger, audit: AuditSink) {
    this.#vouchers = vouchers;
    this.#log = new RejectLog(log);
    this.#audit = audit;
    this.#failed = new FailedLogins(vouchers.wrongCredentials, vouchers.limitCounters);
    this.apiKeys = vouchers.apiKeys;
    this.open = vouchers.tokens === undefined && vouchers.serviceAccounts === undefined && vouchers.proxies === undefined;
  }

  /** The caller, or why they are not authenticated; a reject is logged and audited. A promise only when a signature or the issuer must be awaited; it never rejects. */
  admit(visit: Visit): Answer | Promise<Answer> {
    let answer: Answer | Promise<Answer>;
    try {
      answer = this.#authenticate(visit);
    } catch (error) {
      if (!(error instanceof CredentialError)) throw error;
      answer = unauthenticated(error.message);
    }
    if (!(answer instanceof Promise)) return this.#answered(answer, visit);
    return answer.then((settled) => this.#answered(settled, visit));
  }

  /** Whether the address is that of a listed proxy. */
  isProxy(address: string): boolean {
    return this.#vouchers.proxies?.has(address) ?? false;
  }

  /**
   * Undefined when the action is allowed; else the reject, logged and audited.
   * @param account the account concerned; NaN: none that exists
   * @param asked what was asked, for the audit trail, where `visit` does not say all of it
   */
  forbid(
    principal: Principal,
    action: Action,
    visit: Pick<Visit, 'peer' | 'wants'>,
    account?: number,
    asked?: () => string | undefined,
  ): IdentityReject | undefined {
    if (may(principal, action, account)) return undefined;
    const known = Number.isNaN(account) ? undefined : account;
    const what = known === undefined ? action : `${action} of account ${known}`;
    const reject = new IdentityReject(
      Code.PERMISSION_DENIED,
      known === undefined
        ? 'your roles do not allow this'
        : `your roles do not allow this for account ${known}, or it is not among your accounts`,
      `${what} is not among the rights of ${[...principal.roles].join(', ') || 'no role'}`,
      principal.subject,
    );
    this.rejected(reject, visit, known, asked?.());
    return reject;
  }

  /** Logs and audits a reject. @param asked what was asked, for the audit trail only */
  rejected(reject: IdentityReject, { peer, wants }: Pick<Visit, 'peer' | 'wants'>, account?: number, asked?: string): void {
    const { code, reason, subject } = reject;
    const outcome = codeName(code);
    this.#log.note({ outcome, reason, subject, peer, wants, ...(account !== undefined && { account }) });
    this.#audit.record({
      kind: 'identity',
      subject,
      action: wants,
      outcome,
      peer,
      detail: asked === undefined ? reason : `${reason}; asked: ${asked}`,
      ...(account !== undefined && { account }),
    });
  }

  /** Checks credentials, unless those of the address have failed too often. A proxy's address is that of many callers and has no limit. */
  limited<T>(
    address: string,
    check: () => T | IdentityReject | Promise<T | IdentityReject>,
  ): T | IdentityReject | Promise<T | IdentityReject> {
    if (this.isProxy(address)) return check();
    const tooMany = this.#failed.reject(address);
    if (tooMany !== undefined) return tooMany;
    const note = (answer: T | IdentityReject): T | IdentityReject => {
      if (answer instanceof IdentityReject && answer.code === Code.UNAUTHENTICATED) this.#failed.note(address);
      return answer;
    };
    const answer = check();
    return answer instanceof Promise ? answer.then(note) : note(answer);
  }

  #answered(answer: Answer, visit: Visit): Answer {
    if (answer instanceof IdentityReject) this.rejected(answer, visit);
    return answer;
  }

  /** @throws CredentialError */
  #authenticate(visit: Visit): Answer | Promise<Answer> {
    const { tokens, apiKeys, serviceAccounts, boundRoles, onlyProxies = false } = this.#vouchers;
    const vouched = PROXY_HEADERS.filter((name) => visit.header(name) !== undefined);
    const byProxy = this.isProxy(visit.peer);
    if (!byProxy && vouched.length > 0) return unauthenticated(`${vouched.join(', ')} from ${visit.peer}, which is not a listed proxy`);
    if (this.open) return ANYBODY;
    if (!byProxy && onlyProxies && !THIS_MACHINE.has(visit.peer))
      return unauthenticated(`${visit.peer} connected without TLS and is not a listed proxy`);
    if (CLAIM_HEADERS.some((name) => visit.header(name) !== undefined))
      return checkBinding(readProxyClaims(visit.header), visit, boundRoles);
    const token = visit.token ?? bearer(visit.header('authorization'));
    if (token !== undefined) {
      const known = tokens?.remembered(token);
      if (known !== undefined) return checkBinding(known, visit, boundRoles);
      return this.limited<Principal>(visit.peer, () => {
        if (apiKeys?.isOurs(keyIdOf(token))) return apiKeys.verify(token);
        if (tokens === undefined) return unauthenticated('a token was sent, but --auth-jwks is not configured');
        const answer = tokens.verify(token);
        return answer instanceof Promise
          ? answer.then((settled) => checkBinding(settled, visit, boundRoles))
          : checkBinding(answer, visit, boundRoles);
      });
    }
    const forwarded = visit.header('x-forwarded-client-cert');
    const certificate = forwarded === undefined ? visit.certificate : readForwardedCert(forwarded);
    if (certificate === undefined) return unauthenticated('no credentials');
    return byCertificate(certificate, serviceAccounts?.(), forwarded === undefined ? 'certificate' : 'proxy');
  }
}

/** Rejects a token that is bound to a certificate which the caller has not presented. Does not throw: it runs after an await, too. */
function checkBinding(answer: Answer, { header, certificate }: Visit, boundRoles: ReadonlySet<Role> | undefined): Answer {
  if (answer instanceof IdentityReject) return answer;
  if (answer.boundTo === undefined) {
    const role = boundRoles && [...answer.roles].find((each) => boundRoles.has(each));
    return role === undefined ? answer : unauthenticated(`a token of role ${role} must be bound to a client certificate`, answer.subject);
  }
  try {
    if (presented(answer.boundTo, header('x-forwarded-client-cert'), certificate)) return answer;
  } catch (error) {
    if (!(error instanceof CredentialError)) throw error;
    return unauthenticated(error.message, answer.subject);
  }
  return unauthenticated('the token is bound to a client certificate that was not presented', answer.subject);
}

function byCertificate(
  { uris, subject, expiresAt }: Pick<PeerCertificate, 'uris' | 'subject' | 'expiresAt'>,
  serviceAccounts: ServiceAccounts | undefined,
  via: 'certificate' | 'proxy',
): Answer {
  const known = uris.map((uri) => serviceAccounts?.uris.get(uri)).filter((each) => each !== undefined);
  const serviceAccount: ServiceAccount | undefined =
    known.length === 0 && subject !== '' ? serviceAccounts?.names.get(canonicalName(subject)) : known[0];
  if (serviceAccount === undefined || known.length > 1)
    return unauthenticated(`the certificate ${shown(uris.join(' ') || subject)} is not in --auth-keys${known.length > 1 ? ' once' : ''}`);
  const { roles, accounts, all } = serviceAccount;
  // The handshake checked the expiry, but a resumed session or a long connection may outlive the certificate.
  if (expiresAt <= Date.now()) return unauthenticated('the certificate has expired', serviceAccount.subject);
  return { subject: serviceAccount.subject, roles, accounts, all, via, expiresAt };
}

function bearer(authorization: string | undefined): string | undefined {
  if (authorization === undefined) return undefined;
  const token = /^Bearer +([\w.~+/=-]+)$/i.exec(authorization)?.[1];
  if (token === undefined) throw new CredentialError('the authorization header is not "Bearer TOKEN"');
  return token;
}

/** The token is not verified here. */
function keyIdOf(token: string): string | undefined {
  try {
    return decodeProtectedHeader(token).kid;
  } catch {
    return undefined;
  }
}
