import { isIP } from 'node:net';
import { CALLER_LIMITS, type CallerLimits, readCallerLimits } from '../caller-limits.ts';
import type { LogLevel } from '../log.ts';
import { ProxyList } from './proxy-list.ts';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const satisfies readonly LogLevel[];
export const TOPOLOGIES = ['auto', 'compact', 'pinned'] as const;
export const DURABILITIES = ['durable', 'fast'] as const;

/** Simulated order flow: none, by the simulator, or the market of a source: a feed's name, `demo`, or the path of a file. */
export type Simulate = boolean | { readonly mirror: string };

/** Values of the file's `server` section, the flags and the environment. */
export interface ServerConfig {
  readonly host: string;
  /** Ports: 0 = any free one. */
  readonly grpcPort: number;
  readonly wsPort: number;
  readonly httpPort: number;
  /** Absolute path of the data directory. */
  readonly data: string;
  readonly topology: (typeof TOPOLOGIES)[number];
  readonly durability: (typeof DURABILITIES)[number];
  readonly simulate: Simulate;
  /** Idle CPUs of the host stay awake while the exchange runs. */
  readonly tune: boolean;
  readonly logLevel: LogLevel;
  /** Values of the configuration file take effect, also where an operator set others. */
  readonly applyConfig: boolean;
  /** Days that audit records are kept; undefined: no limit. */
  readonly auditKeep: number | undefined;
  /** Days that segments of the log and reports of the history are kept; undefined: no limit. */
  readonly logKeep: number | undefined;
  readonly historyKeep: number | undefined;
  /** Days that candles shorter than a minute are kept. */
  readonly candleKeep: number;
  /** GiB of the store of candles of feeds, at most. */
  readonly feedCandleSize: number;
  /** Largest step of time at a start, days from the last command in the log. */
  readonly clockStep: number;
  /** Seconds that a connection may stay unauthenticated. */
  readonly admissionTimeout: number;
  /** Limits on callers. */
  readonly callerLimits: CallerLimits;
  /** Webhooks may go to this host, also without TLS: for tests and development. */
  readonly webhookLoopback: boolean;
  /** Market data over HTTP is answered without credentials. */
  readonly publicMarketData: boolean;
  /** Origins whose web pages may read market data over HTTP; `*`: all. */
  readonly corsOrigins: readonly string[];
  /** Paths of PEM files; undefined: no TLS. */
  readonly tlsCert: string | undefined;
  readonly tlsKey: string | undefined;
  readonly tlsClientCa: string | undefined;
  /** File or URL of a JWKS; undefined: tokens are not accepted. */
  readonly authJwks: string | undefined;
  readonly authIssuer: string | undefined;
  readonly authAudience: string | undefined;
  /** File of API keys and client certificates. */
  readonly authKeys: string | undefined;
  /** Addresses and networks of trusted proxies; undefined: none. */
  readonly authProxies: readonly string[] | undefined;
  /** Roles whose tokens must be bound to a client certificate; undefined: none. */
  readonly authBound: readonly string[] | undefined;
}

interface Option<K extends keyof ServerConfig> {
  readonly key: K;
  readonly fallback: ServerConfig[K];
  readonly help: string;
  /** Placeholder of the flag's value in the help; a flag without one is a switch. */
  readonly value?: string;
  /** Placeholder of a value that the flag may have: without it, the flag is a switch. */
  readonly optionalValue?: string;
  /** The value, or the problem with the text, which begins with "must". */
  readonly parse: (text: string) => ServerConfig[K] | Problem;
}

export class Problem {
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

function days(text: string): number | Problem {
  return /^[1-9]\d{0,4}$/.test(text) ? Number(text) : new Problem('must be a whole number of days from 1 to 99999');
}

function gibibytes(text: string): number | Problem {
  return /^[1-9]\d{0,3}$/.test(text) ? Number(text) : new Problem('must be a whole number of GiB from 1 to 9999');
}

function seconds(text: string): number | Problem {
  return /^[1-9]\d{0,3}$/.test(text) ? Number(text) : new Problem('must be a whole number of seconds from 1 to 9999');
}

function host(text: string): string | Problem {
  return isLoopback(text) || isIP(text) !== 0 ? text : new Problem('must be an IP address, or localhost');
}

/** Keys must come over an authenticated connection: on a plain one, others could replace them. */
function jwks(text: string): string | Problem {
  if (!/^https?:/i.test(text)) return nonEmpty(text);
  const url = URL.parse(text);
  if (url === null || url.username !== '' || url.password !== '') return new Problem('must be a file or a URL without a password');
  if (url.protocol === 'https:' || isLoopback(url.hostname.replace(/^\[|\]$/g, ''))) return text;
  return new Problem('must be https, unless it is on this host');
}

/** Origins as browsers write them: scheme, host and port, in lower case, without a path. */
function origins(text: string): readonly string[] | Problem {
  const list = text.split(',').map((origin) => origin.trim());
  const wrong = list.find((origin) => origin !== '*' && (!/^https?:/.test(origin) || URL.parse(origin)?.origin !== origin));
  return wrong === undefined
    ? list
    : new Problem(`must be origins such as https://app.example.com, separated by commas, or *, not ${wrong}`);
}

function proxies(text: string): readonly string[] | Problem {
  const cidrs = text.split(',').map((cidr) => cidr.trim());
  try {
    new ProxyList(cidrs);
    return cidrs;
  } catch (error) {
    return new Problem((error as Error).message);
  }
}

function callerLimits(text: string): CallerLimits | Problem {
  const limits = readCallerLimits(text);
  return typeof limits === 'string' ? new Problem(limits) : limits;
}

function simulate(text: string): Simulate | Problem {
  if (text === 'true' || text === '1') return true;
  if (text === 'false' || text === '0') return false;
  const mirror = /^mirror=(.+)$/.exec(text)?.[1];
  return mirror === undefined ? new Problem('must be true, false or mirror=SOURCE') : { mirror };
}

function onOff(text: string): boolean | Problem {
  if (text === 'true' || text === '1') return true;
  return text === 'false' || text === '0' ? false : new Problem('must be true or false');
}

/** Each is `--NAME`, `OPENBELL_NAME` and `server.NAME` of the file. */
export const OPTIONS: { readonly [name: string]: { [K in keyof ServerConfig]: Option<K> }[keyof ServerConfig] } = {
  host: {
    key: 'host',
    fallback: '127.0.0.1',
    value: 'ADDRESS',
    help: 'address to listen on; beyond loopback only with authentication',
    parse: host,
  },
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
    help: 'acknowledge once on disk, or at once (a crash may lose the last milliseconds)',
    parse: oneOf(DURABILITIES),
  },
  simulate: {
    key: 'simulate',
    fallback: false,
    optionalValue: 'mirror=SOURCE',
    help: 'live order flow from simulated makers and takers; with mirror=SOURCE, the market of a feed of the configuration, of a file with books in a loop (a capture, ITCH, LOBSTER, Databento, or a log), or of the shipped capture: demo',
    parse: simulate,
  },
  tune: {
    key: 'tune',
    fallback: false,
    help: 'keep the CPUs of this host out of idle states while the exchange runs; needs write access to /dev/cpu_dma_latency: docs/TUNING.md',
    parse: onOff,
  },
  'log-level': {
    key: 'logLevel',
    fallback: 'info',
    value: LOG_LEVELS.join('|'),
    help: 'least severe log line on stderr',
    parse: oneOf(LOG_LEVELS),
  },
  'apply-config': {
    key: 'applyConfig',
    fallback: false,
    help: 'values of the configuration file take effect at this start, also where an operator has set others since: docs/CONFIGURATION.md',
    parse: onOff,
  },
  'audit-keep': {
    key: 'auditKeep',
    fallback: undefined,
    value: 'DAYS',
    help: 'days that audit records are kept; older files are removed, and the trail documents it (default: no limit)',
    parse: days,
  },
  'log-keep': {
    key: 'logKeep',
    fallback: undefined,
    value: 'DAYS',
    help: 'days that the command log is kept; older segments are removed behind verified snapshots (default: no limit)',
    parse: days,
  },
  'history-keep': {
    key: 'historyKeep',
    fallback: undefined,
    value: 'DAYS',
    help: 'days that reports and trades are kept for queries and resuming sessions (default: no limit)',
    parse: days,
  },
  'candle-keep': {
    key: 'candleKeep',
    fallback: 7,
    value: 'DAYS',
    help: 'days that candles shorter than a minute are kept; longer ones stay',
    parse: days,
  },
  'feed-candle-size': {
    key: 'feedCandleSize',
    fallback: 1,
    value: 'GIB',
    help: 'GiB that the candles of feeds may take of the disk; the oldest of the shortest ones make room',
    parse: gibibytes,
  },
  'clock-step': {
    key: 'clockStep',
    fallback: 365,
    value: 'DAYS',
    help: 'largest step of time at a start, from the last command in the log; beyond it, time approaches the clock slowly',
    parse: days,
  },
  'admission-timeout': {
    key: 'admissionTimeout',
    fallback: 10,
    value: 'SECONDS',
    help: 'time limit for authentication on order entry and admin connections',
    parse: seconds,
  },
  'caller-limits': {
    key: 'callerLimits',
    fallback: CALLER_LIMITS,
    value: 'NAME=N,...',
    help: 'limits on callers that are not the defaults, such as http-rate=100: docs/SECURITY.md',
    parse: callerLimits,
  },
  'webhook-loopback': {
    key: 'webhookLoopback',
    fallback: false,
    help: 'allow webhooks to this host, also with http: for tests and development only',
    parse: onOff,
  },
  'public-market-data': {
    key: 'publicMarketData',
    fallback: false,
    help: 'answer queries for symbols, books, trades, candles and indicators over HTTP, and send market data over WebSocket, without credentials: docs/SECURITY.md',
    parse: onOff,
  },
  'cors-origins': {
    key: 'corsOrigins',
    fallback: [],
    value: 'ORIGIN,...',
    help: 'origins whose web pages may read these queries, and all others with a token, such as https://app.example.com; * for all',
    parse: origins,
  },
  'tls-cert': {
    key: 'tlsCert',
    fallback: undefined,
    value: 'FILE',
    help: 'certificate (PEM, with its chain) of all ports; read again when it changes',
    parse: nonEmpty,
  },
  'tls-key': { key: 'tlsKey', fallback: undefined, value: 'FILE', help: 'its private key (PEM, no passphrase)', parse: nonEmpty },
  'tls-client-ca': {
    key: 'tlsClientCa',
    fallback: undefined,
    value: 'FILE',
    help: 'CA certificates (PEM) for client certificates; makes client certificates mandatory',
    parse: nonEmpty,
  },
  'auth-jwks': {
    key: 'authJwks',
    fallback: undefined,
    value: 'FILE|URL',
    help: 'keys (JWKS) that verify tokens; read again when they change',
    parse: jwks,
  },
  'auth-issuer': { key: 'authIssuer', fallback: undefined, value: 'NAME', help: 'claim iss that tokens must have', parse: nonEmpty },
  'auth-audience': { key: 'authAudience', fallback: undefined, value: 'NAME', help: 'claim aud that tokens must have', parse: nonEmpty },
  'auth-keys': {
    key: 'authKeys',
    fallback: undefined,
    value: 'FILE',
    help: 'API keys and client certificates, their roles and accounts; read again when it changes',
    parse: nonEmpty,
  },
  'auth-proxies': {
    key: 'authProxies',
    fallback: undefined,
    value: 'CIDR,...',
    help: 'proxies trusted to authenticate their clients; loopback must be listed too',
    parse: proxies,
  },
  'auth-bound': {
    key: 'authBound',
    fallback: undefined,
    value: 'ROLE,...',
    help: 'roles whose tokens count only if they are bound to a client certificate (claim cnf)',
    parse: (text) => {
      const roles = text.split(/[ ,]+/).filter((role) => role !== '');
      return roles.length > 0 ? roles : new Problem('must be roles such as operator,custodian');
    },
  },
};

/** True for 127.0.0.0/8, ::1 and localhost. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost') return true;
  const version = isIP(host);
  return version === 4 ? host.startsWith('127.') : version === 6 && /^(0*:)*:?0*1$/.test(host) && !host.includes('.');
}
