import { decodeProtectedHeader } from 'jose';
import { Code, codeName } from '../../engine/codes.ts';
import type { AuditSink } from '../audit/audit-sink.ts';
import { CLAIM_HEADERS, PROXY_HEADERS, ProxyList } from '../config/proxy-list.ts';
import type { Logger } from '../log.ts';
import type { PeerCertificate } from '../tls/peer-certificate.ts';
import type { ApiKeys } from './api-keys.ts';
import { readForwardedCert } from './forwarded-cert.ts';
import { canonicalName, type Machine, type Machines } from './machines.ts';
import { type Action, may } from './permissions.ts';
import { ANYBODY, CredentialError, type Principal, readGrant, readSubject, shown } from './principal.ts';
import { IdentityRefusal, unauthenticated } from './refusal.ts';
import { RefusalLog } from './refusal-log.ts';
import { CLOCK_SKEW_S, type TokenVerifier } from './tokens.ts';

/** Somebody at a door, and what he shows. */
export interface Visit {
  /** Address of the connection's other end. */
  readonly peer: string;
  /** What he wants, for log and audit: `gRPC Session`. */
  readonly wants: string;
  /** A header by its lower-case name; one that came twice has its values with a comma between them. */
  readonly header: (name: string) => string | undefined;
  /** A token from elsewhere than the header `authorization`. */
  readonly token?: string | undefined;
  /** The verified client certificate of the connection itself. */
  readonly certificate?: PeerCertificate | undefined;
}

const THIS_MACHINE = new ProxyList(['127.0.0.0/8', '::1']);

export type Answer = Principal | IdentityRefusal;

/** What can vouch for somebody; without any, everybody is let in. */
export interface Vouchers {
  readonly tokens?: TokenVerifier | undefined;
  readonly apiKeys?: ApiKeys | undefined;
  readonly machines?: (() => Machines) | undefined;
  readonly proxies?: ProxyList | undefined;
  /** Plain text beyond this machine: nobody but a proxy is listened to. */
  readonly onlyProxies?: boolean;
}

/**
 * Who is at the door, and may he. All ports ask here, once per session,
 * connection or call; nothing is asked per order. I/O thread.
 */
export class Identity {
  /** Nobody is asked who he is. */
  readonly open: boolean;
  readonly apiKeys: ApiKeys | undefined;
  readonly #vouchers: Vouchers;
  readonly #log: RefusalLog;
  readonly #audit: AuditSink;

  constructor(vouchers: Vouchers, log: Logger, audit: AuditSink) {
    this.#vouchers = vouchers;
    this.#log = new RefusalLog(log);
    this.#audit = audit;
    this.apiKeys = vouchers.apiKeys;
    this.open = vouchers.tokens === undefined && vouchers.machines === undefined && vouchers.proxies === undefined;
  }

  /** Who it is, or why nobody; a refusal is logged and audited. A promise only where a signature or the issuer is waited for; it never rejects. */
  admit(visit: Visit): Answer | Promise<Answer> {
    let answer: Answer | Promise<Answer>;
    try {
      answer = this.#ask(visit);
    } catch (error) {
      if (!(error instanceof CredentialError)) throw error;
      answer = unauthenticated(error.message);
    }
    if (!(answer instanceof Promise)) return this.#told(answer, visit);
    return answer.then((settled) => this.#told(settled, visit));
  }

  /** Whether what comes from there is a listed proxy's. */
  isProxy(address: string): boolean {
    return this.#vouchers.proxies?.has(address) ?? false;
  }

  /** Undefined when he may; else the refusal, logged and audited. @param account what it is about */
  forbid(principal: Principal, action: Action, visit: Pick<Visit, 'peer' | 'wants'>, account?: number): IdentityRefusal | undefined {
    if (may(principal, action, account)) return undefined;
    const what = account === undefined ? action : `${action} of account ${account}`;
    const refusal = new IdentityRefusal(
      Code.PERMISSION_DENIED,
      account === undefined
        ? 'your roles do not allow this'
        : `your roles do not allow this for account ${account}, or it is not among your accounts`,
      `${what} is not among the rights of ${[...principal.roles].join(', ') || 'nobody'}`,
      principal.subject,
    );
    this.refused(refusal, visit, account);
    return refusal;
  }

  /** Tells log and audit of a refusal. */
  refused(refusal: IdentityRefusal, { peer, wants }: Pick<Visit, 'peer' | 'wants'>, account?: number): void {
    const { code, reason, subject } = refusal;
    const outcome = codeName(code);
    this.#log.note({ outcome, reason, subject, peer, wants, ...(account !== undefined && { account }) });
    this.#audit.record({
      kind: 'identity',
      subject,
      action: wants,
      outcome,
      peer,
      detail: reason,
      ...(account !== undefined && { account }),
    });
  }

  #told(answer: Answer, visit: Visit): Answer {
    if (answer instanceof IdentityRefusal) this.refused(answer, visit);
    return answer;
  }

  /** @throws CredentialError */
  #ask(visit: Visit): Answer | Promise<Answer> {
    const { tokens, apiKeys, machines, onlyProxies = false } = this.#vouchers;
    const vouched = PROXY_HEADERS.filter((name) => visit.header(name) !== undefined);
    const byProxy = this.isProxy(visit.peer);
    if (!byProxy && vouched.length > 0) return unauthenticated(`${vouched.join(', ')} from ${visit.peer}, which is not a listed proxy`);
    if (this.open) return ANYBODY;
    if (!byProxy && onlyProxies && !THIS_MACHINE.has(visit.peer))
      return unauthenticated(`${visit.peer} came without TLS, and is not a listed proxy`);
    if (CLAIM_HEADERS.some((name) => visit.header(name) !== undefined)) return byHeaders(visit);
    const token = visit.token ?? bearer(visit.header('authorization'));
    if (token !== undefined) {
      if (apiKeys?.isOurs(keyIdOf(token))) return apiKeys.verify(token);
      return tokens?.verify(token) ?? unauthenticated('a token, but there is no --auth-jwks to check it with');
    }
    const forwarded = visit.header('x-forwarded-client-cert');
    const certificate = forwarded === undefined ? visit.certificate : readForwardedCert(forwarded);
    if (certificate === undefined) return unauthenticated('no credentials');
    return byCertificate(certificate, machines?.(), forwarded === undefined ? 'certificate' : 'proxy');
  }
}

/** What a listed proxy says of whom it has verified. @throws CredentialError */
function byHeaders({ header }: Visit): Answer {
  const [subject, roles, accounts, expires] = CLAIM_HEADERS.map(header);
  // A proxy that adds instead of replacing would let its client choose.
  for (const value of [subject, roles, accounts, expires])
    if (value?.includes(',')) throw new CredentialError(`an x-openbell- header came twice, or has a comma: ${shown(value)}`);
  const name = readSubject(subject);
  // As of a token of ours: a stream outlives what let it in only if that has no end.
  if (expires === undefined)
    throw new CredentialError('x-openbell-expires is missing: a token needs an exp, and the proxy must pass it on');
  if (!/^\d{1,12}(\.\d+)?$/.test(expires)) throw new CredentialError('x-openbell-expires must be seconds since the Unix epoch');
  const expiresAt = (Number(expires) + CLOCK_SKEW_S) * 1000;
  if (expiresAt <= Date.now()) return unauthenticated('what the proxy verified has expired', name);
  return { subject: name, ...readGrant(roles, accounts), via: 'proxy', expiresAt };
}

function byCertificate(
  { uris, subject, expiresAt }: Pick<PeerCertificate, 'uris' | 'subject' | 'expiresAt'>,
  machines: Machines | undefined,
  via: 'certificate' | 'proxy',
): Answer {
  const known = uris.map((uri) => machines?.uris.get(uri)).filter((each) => each !== undefined);
  const machine: Machine | undefined = known.length === 0 && subject !== '' ? machines?.names.get(canonicalName(subject)) : known[0];
  if (machine === undefined || known.length > 1)
    return unauthenticated(`the certificate ${shown(uris.join(' ') || subject)} is not in --auth-keys${known.length > 1 ? ' once' : ''}`);
  const { roles, accounts, all } = machine;
  // The handshake looked at it, but a resumed or a long connection may be older than that.
  if (expiresAt <= Date.now()) return unauthenticated('the certificate has expired', machine.subject);
  return { subject: machine.subject, roles, accounts, all, via, expiresAt };
}

function bearer(authorization: string | undefined): string | undefined {
  if (authorization === undefined) return undefined;
  const token = /^Bearer +([\w.~+/=-]+)$/i.exec(authorization)?.[1];
  if (token === undefined) throw new CredentialError('the authorization header is not "Bearer TOKEN"');
  return token;
}

/** Says nothing about whether the token is good. */
function keyIdOf(token: string): string | undefined {
  try {
    return decodeProtectedHeader(token).kid;
  } catch {
    return undefined;
  }
}
