import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { type ConfigFile, readConfigFile, type VenueConfig } from './config-file.ts';
import { ConfigError, type Place } from './config-place.ts';
import { DEMO_VENUE } from './demo-venue.ts';

export { ConfigError } from './config-place.ts';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export const TOPOLOGIES = ['auto', 'compact', 'pinned'] as const;
export const DURABILITIES = ['durable', 'fast'] as const;

/** All that a process is told, checked. Frozen, also inside. */
export interface Config extends VenueConfig {
  readonly host: string;
  /** Ports: 0 = any free one. */
  readonly grpcPort: number;
  readonly wsPort: number;
  readonly httpPort: number;
  /** Absolute path of the data directory. */
  readonly data: string;
  readonly topology: (typeof TOPOLOGIES)[number];
  readonly durability: (typeof DURABILITIES)[number];
  readonly simulate: boolean;
  readonly logLevel: LogLevel;
  /** Path of the configuration file, if one was given. */
  readonly file: string | undefined;
}

type Server = Omit<Config, keyof VenueConfig | 'file'>;

interface Option<K extends keyof Server> {
  readonly key: K;
  readonly fallback: Server[K];
  readonly help: string;
  /** What the flag's value is called in the help; a flag without one is a switch. */
  readonly value?: string;
  /** The value, or what is wrong with the text: begins with "must". */
  readonly parse: (text: string) => Server[K] | Problem;
}

class Problem {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

const port = (text: string) =>
  /^\d{1,5}$/.test(text) && Number(text) < 65536 ? Number(text) : new Problem('must be a port from 0 (any free one) to 65535');
const oneOf =
  <T extends string>(choices: readonly T[]) =>
  (text: string): T | Problem =>
    choices.find((choice) => choice === text) ?? new Problem(`must be one of ${choices.join(', ')}`);
const nonEmpty = (text: string) => (text === '' ? new Problem('must not be empty') : text);

function host(text: string): string | Problem {
  if (isLoopback(text)) return text;
  return new Problem(
    'must be a loopback address such as 127.0.0.1: this version has no authentication, so it listens only on this machine; ' +
      'to be reached from elsewhere, put a proxy that authenticates in front of it',
  );
}

function onOff(text: string): boolean | Problem {
  if (text === 'true' || text === '1') return true;
  return text === 'false' || text === '0' ? false : new Problem('must be true or false');
}

/** Each is `--NAME`, `OPENBELL_NAME` and `server.NAME` of the file. */
export const OPTIONS: { readonly [name: string]: { [K in keyof Server]: Option<K> }[keyof Server] } = {
  host: { key: 'host', fallback: '127.0.0.1', value: 'ADDRESS', help: 'loopback address to listen on', parse: host },
  'grpc-port': { key: 'grpcPort', fallback: 7401, value: 'PORT', help: 'order entry (gRPC)', parse: port },
  'ws-port': { key: 'wsPort', fallback: 7402, value: 'PORT', help: 'market data (WebSocket)', parse: port },
  'http-port': { key: 'httpPort', fallback: 7403, value: 'PORT', help: 'admin (HTTP)', parse: port },
  data: { key: 'data', fallback: './data', value: 'DIR', help: 'data directory: log, snapshots, history', parse: nonEmpty },
  topology: {
    key: 'topology',
    fallback: 'auto',
    value: 'auto|compact|pinned',
    help: 'threads: by core count, one, or one per stage',
    parse: oneOf(TOPOLOGIES),
  },
  durability: {
    key: 'durability',
    fallback: 'durable',
    value: 'durable|fast',
    help: 'answer when on disk, or at once (a crash may lose the last milliseconds)',
    parse: oneOf(DURABILITIES),
  },
  simulate: { key: 'simulate', fallback: false, help: 'live order flow from simulated makers and takers', parse: onOff },
  'log-level': {
    key: 'logLevel',
    fallback: 'info',
    value: LOG_LEVELS.join('|'),
    help: 'least severe log line on stderr',
    parse: oneOf(LOG_LEVELS),
  },
};

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
  const text = file === undefined ? DEMO_VENUE : readText(file);
  const { venue, server, problems } = readConfigFile(file ?? 'demo venue', text, Object.keys(OPTIONS));
  const options = resolveOptions(flags, env, server, problems);
  if (options.simulate && venue.simulator === undefined)
    problems.push(`--simulate needs a simulator section in ${file}: makers and takers`);
  if (problems.length > 0) throw new ConfigError(problems);
  return freeze({ ...options, ...venue, data: resolve(options.data), file });
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigError([`${file}: cannot be read (${(error as NodeJS.ErrnoException).code}); give an existing file with --config`]);
  }
}

function resolveOptions(flags: ConfigInput['flags'], env: ConfigInput['env'], server: ConfigFile['server'], problems: string[]): Server {
  const out: Partial<Record<keyof Server, unknown>> = {};
  for (const [name, option] of Object.entries(OPTIONS)) {
    const variable = `OPENBELL_${name.toUpperCase().replaceAll('-', '_')}`;
    const [text, tell] = given(flags[name], `--${name}`, env[variable], variable, server[name], problems);
    const value = text === undefined ? option.fallback : option.parse(text);
    if (value instanceof Problem) tell(`${value.text}, not ${JSON.stringify(text)}`);
    else out[option.key] = value;
  }
  const ports = [out.grpcPort, out.wsPort, out.httpPort].filter((taken) => taken !== 0 && taken !== undefined);
  if (new Set(ports).size < ports.length) problems.push('--grpc-port, --ws-port and --http-port must differ; or give 0 for any free one');
  return out as unknown as Server;
}

type Tell = (problem: string) => void;

/** The text that counts, and where to complain about it. */
function given(
  flag: string | boolean | undefined,
  flagName: string,
  variable: string | undefined,
  variableName: string,
  place: Place | undefined,
  problems: string[],
): [string | undefined, Tell] {
  if (flag !== undefined) return [String(flag), (problem) => problems.push(`${flagName} ${problem}`)];
  if (variable !== undefined && variable !== '') return [variable, (problem) => problems.push(`${variableName} ${problem}`)];
  return [place?.text(), (problem) => place?.fail(problem)];
}

/** True for 127.0.0.0/8, ::1 and localhost. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost') return true;
  const version = isIP(host);
  return version === 4 ? host.startsWith('127.') : version === 6 && /^(0*:)*:?0*1$/.test(host) && !host.includes('.');
}

function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const inner of Object.values(value)) freeze(inner);
  return value;
}
