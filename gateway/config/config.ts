import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Capacities, Limits, Shares } from '../../engine/limits.ts';
import { DEMO_CAPTURE } from '../../feeds/simulator/demo-capture.ts';
import { mirrorSource } from '../mirror-source.ts';
import { type CapacityConfig, type ConfigFile, readConfigFile, type VenueConfig } from './config-file.ts';
import { isLoopback, OPTIONS, Problem, type ServerConfig } from './config-options.ts';
import { ConfigError, type Place } from './config-place.ts';
import { DEMO_VENUE } from './demo-venue.ts';

export { isLoopback, OPTIONS } from './config-options.ts';
export { ConfigError } from './config-place.ts';

/** The checked configuration of a process. Deeply frozen. */
export interface Config extends VenueConfig, ServerConfig {
  /** Path of the configuration file, if one was given. */
  readonly file: string | undefined;
}

export interface ConfigInput {
  /** By option name without dashes in front, such as `grpc-port`; `config` names the file. */
  readonly flags: Readonly<Record<string, string | boolean | undefined>>;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * One configuration out of flags, environment and file, in this order of
 * precedence; without a file, the embedded demo venue.
 * @throws ConfigError naming every problem and what to do
 */
export function loadConfig({ flags, env }: ConfigInput): Config {
  const file = (flags.config as string | undefined) ?? (env.OPENBELL_CONFIG || undefined);
  const source = flags.config === undefined ? 'OPENBELL_CONFIG=' : '--config ';
  const text = file === undefined ? DEMO_VENUE : readText(file, source);
  const { venue, server, problems } = readConfigFile(file ?? 'demo venue', text, Object.keys(OPTIONS));
  const options = resolveOptions(flags, env, server, problems);
  if (options.simulate && venue.simulator === undefined)
    problems.push(`--simulate needs a simulator section in ${file}: makers and takers`);
  if (typeof options.simulate === 'object') checkMirror(options.simulate.mirror, venue, problems);
  if (problems.length > 0) throw new ConfigError(problems);
  return freeze({ ...options, ...venue, data: resolve(options.data), file });
}

function checkMirror(source: string, { feeds }: VenueConfig, problems: string[]): void {
  if (mirrorSource(source, feeds) !== undefined) return;
  const names = [...feeds.map(({ name }) => name), DEMO_CAPTURE].join(', ');
  problems.push(`--simulate mirror=${source}: neither a feed nor a file has this name; use one of ${names}, or the path of a file`);
}

/** @param source what named the file, for the error */
function readText(file: string, source: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigError([`${source}${file}: cannot be read (${(error as NodeJS.ErrnoException).code}); give an existing file`]);
  }
}

function resolveOptions(
  flags: ConfigInput['flags'],
  env: ConfigInput['env'],
  server: ConfigFile['server'],
  problems: string[],
): ServerConfig {
  const out: Partial<Record<keyof ServerConfig, unknown>> = {};
  const before = problems.length;
  for (const [name, option] of Object.entries(OPTIONS)) {
    const variable = `OPENBELL_${name.toUpperCase().replaceAll('-', '_')}`;
    const [text, report] = given(flags[name], `--${name}`, env[variable], variable, server[name], problems);
    const value = text === undefined ? option.fallback : option.parse(text);
    if (value instanceof Problem) report(`${value.text}, not ${JSON.stringify(text)}`);
    else out[option.key] = value;
  }
  const ports = [out.grpcPort, out.wsPort, out.httpPort].filter((taken) => taken !== 0 && taken !== undefined);
  if (new Set(ports).size < ports.length) problems.push('--grpc-port, --ws-port and --http-port must differ; or give 0 for any free one');
  if ((out.tlsCert === undefined) !== (out.tlsKey === undefined)) problems.push('--tls-cert and --tls-key go together: give both or none');
  if (out.tlsClientCa !== undefined && out.tlsCert === undefined)
    problems.push('--tls-client-ca needs --tls-cert and --tls-key: client certificates require TLS');
  // Combinations are checked once each value is valid.
  if (problems.length === before) checkAuthentication(out as ServerConfig, problems);
  return out as unknown as ServerConfig;
}

/** Beyond loopback, callers must authenticate and tokens must be encrypted, unless a proxy does both. */
function checkAuthentication(
  { host, tlsCert, authJwks, authIssuer, authAudience, authKeys, authProxies, authBound }: Partial<ServerConfig>,
  problems: string[],
): void {
  if ((authJwks !== undefined || authIssuer !== undefined || authAudience !== undefined) && !(authJwks && authIssuer && authAudience))
    problems.push('--auth-jwks, --auth-issuer and --auth-audience go together: a token is good only with all three');
  // Tokens are bound to certificates only where callers authenticate: alone, it would leave the exchange open.
  else if (authBound !== undefined && authJwks === undefined && authKeys === undefined && authProxies === undefined)
    problems.push(
      '--auth-bound needs a source of credentials: give --auth-jwks, --auth-keys or --auth-proxies too, because callers are not authenticated without one',
    );
  if (host === undefined || isLoopback(host)) return;
  if (authJwks === undefined && authKeys === undefined && authProxies === undefined) {
    problems.push(
      `--host ${host} can be reached from elsewhere: configure authentication with --auth-jwks, --auth-keys or --auth-proxies; or listen on 127.0.0.1`,
    );
  } else if (tlsCert === undefined && authProxies === undefined) {
    problems.push(
      `--host ${host} can be reached from elsewhere, and without TLS tokens can be read on the network: give --tls-cert and --tls-key, or list the TLS-terminating proxies with --auth-proxies, which then are the only clients`,
    );
  }
}

type Report = (problem: string) => void;

/** The text in effect, and a function that reports a problem of it. */
function given(
  flag: string | boolean | undefined,
  flagName: string,
  variable: string | undefined,
  variableName: string,
  place: Place | undefined,
  problems: string[],
): [string | undefined, Report] {
  if (flag !== undefined) return [String(flag), (problem) => problems.push(`${flagName} ${problem}`)];
  if (variable !== undefined && variable !== '') return [variable, (problem) => problems.push(`${variableName} ${problem}`)];
  return [place?.text(), (problem) => place?.fail(problem)];
}

/** The engine's name of each capacity. Its limits of ids count id 0, which names nothing. */
const LIMIT_OF: Readonly<Record<keyof CapacityConfig, keyof (Capacities & Shares)>> = {
  orders: 'orders',
  ordersPerAccount: 'ordersPerAccount',
  levelPages: 'pages',
  levelPagesPerAccount: 'pagesPerAccount',
  rememberedOrders: 'rememberedOrders',
  rememberedOrdersPerAccount: 'rememberedOrdersPerAccount',
  rememberedKeys: 'rememberedKeys',
  rememberedKeysPerAccount: 'rememberedKeysPerAccount',
  accounts: 'accounts',
  symbols: 'symbols',
  assets: 'assets',
};
const OF_IDS: ReadonlySet<string> = new Set(['accounts', 'symbols', 'assets']);

/**
 * The engine's capacities and shares. What the file does not give keeps its logged value; a share without one has the engine's default.
 * @param logged those in the log of the data directory, if it has any
 */
export function limitsOf(
  { capacities, givenCapacities }: Pick<Config, 'capacities' | 'givenCapacities'>,
  logged: Partial<Capacities & Shares> = {},
): Partial<Limits> {
  const limits: Partial<Capacities & Shares> = {};
  for (const name of Object.keys(LIMIT_OF) as (keyof CapacityConfig)[]) {
    const limit = LIMIT_OF[name];
    const configured = limit.endsWith('PerAccount') ? givenCapacities[name] : capacities[name] + (OF_IDS.has(name) ? 1 : 0);
    const value = givenCapacities[name] === undefined ? (logged[limit] ?? configured) : configured;
    if (value !== undefined) limits[limit] = value;
  }
  return limits;
}

/** The capacities with which the exchange will run, as the file counts them. @param logged as for {@link limitsOf} */
export function capacitiesInForce(
  config: Pick<Config, 'capacities' | 'givenCapacities'>,
  logged?: Partial<Capacities & Shares>,
): Config['capacities'] {
  const limits = limitsOf(config, logged);
  const inForce: Record<string, number> = { ...config.capacities };
  for (const [name, limit] of Object.entries(LIMIT_OF)) {
    const value = limits[limit];
    if (value !== undefined && name in inForce) inForce[name] = value - (OF_IDS.has(name) ? 1 : 0);
  }
  return inForce as unknown as Config['capacities'];
}

function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const inner of Object.values(value)) freeze(inner);
  return value;
}
