import { AuditTrail } from '../audit/audit-trail.ts';
import type { Config } from '../config/config.ts';
import { PreAuthLimit } from '../endpoints/pre-auth-limit.ts';
import type { Identity } from '../identity/identity.ts';
import { startIdentity } from '../identity/start-identity.ts';
import { LimitCounters } from '../limit-counters.ts';
import type { Logger } from '../log.ts';
import { Slices } from '../slices.ts';
import { Certificates } from '../tls/certificates.ts';
import type { StartContext } from './start-context.ts';

/** Longer than uWebSockets keeps a connection open without a complete request. */
const WS_REQUEST_MS = 16_000;
/** Unauthenticated connections of the HTTP port. */
const HTTP_PRE_AUTH = 1024;

/** Who may call, how often, and where that is recorded: the same for all ports. */
export interface Access {
  /** undefined: without TLS. */
  readonly certificates: Certificates | undefined;
  readonly audit: AuditTrail;
  readonly limits: LimitCounters;
  readonly identity: Identity;
  readonly preAuthLimits: PreAuthLimitsByPort;
  readonly slices: Slices;
}

type PreAuthLimitsByPort = {
  readonly grpc?: PreAuthLimit;
  readonly ws?: PreAuthLimit;
  readonly http: PreAuthLimit;
};

/** @throws ConfigError when a certificate or a file of keys cannot be used */
export function startAccess({ config, log, state, undo }: StartContext): Access {
  const certificates = startCertificates(config, log);
  undo.push(() => certificates?.stop());
  const audit = new AuditTrail(config.data, log, {
    deferNew: true,
    ...(config.auditKeep !== undefined && { keepDays: config.auditKeep }),
    // A wrong clock must not remove records: the bounded clock, known once the log is read, has to agree.
    nowMs: () => state.clockWatch?.trustedMs(),
  });
  undo.push(() => audit.stop());
  const limits = new LimitCounters();
  const identity = startIdentity(config, log, audit, limits);
  return { certificates, audit, limits, identity, preAuthLimits: startPreAuthLimits(config, identity), slices: new Slices() };
}

function startCertificates({ tlsCert, tlsKey, tlsClientCa }: Config, log: Logger): Certificates | undefined {
  if (tlsCert === undefined || tlsKey === undefined) return undefined;
  return new Certificates({ cert: tlsCert, key: tlsKey, clientCa: tlsClientCa }, log);
}

/** Without authentication the gRPC and WebSocket ports need no limit; on the HTTP port probes and metrics still need their reserve. */
function startPreAuthLimits({ admissionTimeout }: Config, identity: Identity): PreAuthLimitsByPort {
  const trusts = (address: string): boolean => identity.isProxy(address);
  const timeoutMs = admissionTimeout * 1000;
  const http = new PreAuthLimit({ timeoutMs, most: HTTP_PRE_AUTH, givesWay: 'oldest' }, trusts);
  if (identity.open) return { http };
  return { http, grpc: new PreAuthLimit({ timeoutMs }, trusts), ws: new PreAuthLimit({ timeoutMs: WS_REQUEST_MS }, trusts) };
}
