import type { AuditSink } from '../audit/audit-sink.ts';
import { isLoopback, type ServerConfig } from '../config/config-options.ts';
import { ConfigError } from '../config/config-place.ts';
import { ProxyList } from '../config/proxy-list.ts';
import type { LimitCounters } from '../limit-counters.ts';
import type { Logger } from '../log.ts';
import { ApiKeys } from './api-keys.ts';
import { Identity } from './identity.ts';
import { FileKeySet, type KeySet, UrlKeySet } from './key-sets.ts';
import { type Role, readGrant } from './principal.ts';
import { readServiceAccounts } from './service-accounts.ts';
import { TokenVerifier } from './tokens.ts';
import { WatchedFile } from './watched-file.ts';

export type IdentityConfig = Pick<
  ServerConfig,
  'host' | 'authJwks' | 'authIssuer' | 'authAudience' | 'authKeys' | 'authProxies' | 'tlsCert'
> &
  Partial<Pick<ServerConfig, 'callerLimits' | 'authBound'>>;

/** Authentication as configured. @throws ConfigError when one of its files cannot be used */
export function startIdentity(config: IdentityConfig, log: Logger, audit: AuditSink, limitCounters?: LimitCounters): Identity {
  const { host, authJwks, authIssuer, authAudience, authKeys, authProxies, authBound, tlsCert } = config;
  const serviceAccounts =
    authKeys === undefined
      ? undefined
      : read(authKeys, () => new WatchedFile(authKeys, (text) => readServiceAccounts(authKeys, text), log));
  const keys = authJwks === undefined ? undefined : read(authJwks, () => keySet(authJwks, log));
  return new Identity(
    {
      tokens: keys && authIssuer && authAudience ? new TokenVerifier(keys, authIssuer, authAudience) : undefined,
      serviceAccounts: serviceAccounts && (() => serviceAccounts.get()),
      apiKeys: serviceAccounts && new ApiKeys(() => serviceAccounts.get()),
      proxies: authProxies && new ProxyList(authProxies),
      wrongCredentials: config.callerLimits?.['wrong-credentials'],
      limitCounters,
      boundRoles: authBound && rolesOf(authBound),
      onlyProxies: !isLoopback(host) && tlsCert === undefined,
    },
    log,
    audit,
  );
}

/** @throws ConfigError */
function rolesOf(words: readonly string[]): ReadonlySet<Role> {
  try {
    return readGrant(words, undefined).roles;
  } catch (error) {
    throw new ConfigError([`--auth-bound: ${(error as Error).message}`]);
  }
}

function keySet(source: string, log: Logger): KeySet {
  if (!/^https?:/i.test(source)) return new FileKeySet(source, log);
  const keys = new UrlKeySet(source, log);
  keys.refresh();
  return keys;
}

/** Errors of the file system and of jose, as one of the configuration. */
function read<T>(path: string, start: () => T): T {
  try {
    return start();
  } catch (error) {
    throw error instanceof ConfigError ? error : new ConfigError([`${path}: cannot be used (${(error as Error).message})`]);
  }
}
