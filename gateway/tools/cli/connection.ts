import { readFileSync } from 'node:fs';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { authority } from '../../client/authority.ts';
import { failureText, type TlsFault, tlsFault } from '../../client/failure-text.ts';
import type { ClientTls, ConnectOptions, OpenbellClient } from '../../client/index.ts';
import { SHARD_HEADER } from '../../client/symbols.ts';
import { type ConfirmFlags, confirmGuarded } from './confirm.ts';
import { type CredentialFlags, credentialsOf, tokenFor } from './credentials.ts';
import { CliError, ExitCode, reportAndExit } from './exit.ts';

/** What to do about a fault of TLS; the text of the fault says the rest. */
const TLS_STEPS: Readonly<Record<TlsFault, string>> = {
  'unknown authority': 'give the CA certificates of the exchange with --tls-ca',
  certificate: 'use an address that the certificate names, with --host, or a certificate that is valid',
  'no tls': 'leave out --tls and --tls-ca, or give another port; `openbell context show` says which settings are in force',
  perhaps: 'if the port uses TLS, give --tls, or --tls-ca with the CA certificates of the exchange',
};

export interface ConnectionFlags extends CredentialFlags, ConfirmFlags {
  readonly host: string;
  readonly wsHost?: string;
  readonly httpHost?: string;
  readonly shard?: number;
  readonly grpcPort: number;
  readonly wsPort: number;
  readonly httpPort: number;
  readonly tls?: boolean;
  readonly tlsCa?: string;
  readonly tlsClientCert?: string;
  readonly tlsClientKey?: string;
  readonly json?: true;
}

export interface AccountFlags extends ConnectionFlags {
  readonly account: number;
}

/** Address options of the exchange; the same names as in `openbell start`. @param options `contexts`: false for the command that defines them */
export function connectionOptions(command: Command, { contexts = true }: { readonly contexts?: boolean } = {}): Command {
  if (contexts) {
    command
      .addOption(new Option('--context <name>', 'settings of `openbell context`; "none": of no context').env('OPENBELL_CONTEXT'))
      .option('--yes', 'do not ask before an action')
      .hook('preAction', useContext);
  }
  return command
    .addOption(new Option('--host <address>', 'address of the exchange').default('127.0.0.1').env('OPENBELL_HOST'))
    .addOption(new Option('--ws-host <address>', 'address of its market data, if different').env('OPENBELL_WS_HOST'))
    .addOption(new Option('--http-host <address>', 'address of its admin port, if different').env('OPENBELL_HTTP_HOST'))
    .addOption(new Option('--shard <number>', 'shard to use, behind a gateway for several').env('OPENBELL_SHARD').argParser(whole))
    .addOption(portOption('--grpc-port <port>', 'its order-entry port', 7401, 'OPENBELL_GRPC_PORT'))
    .addOption(portOption('--ws-port <port>', 'its market-data port', 7402, 'OPENBELL_WS_PORT'))
    .addOption(portOption('--http-port <port>', 'its admin port', 7403, 'OPENBELL_HTTP_PORT'))
    .addOption(new Option('--token-file <file>', 'file with the authentication token, or OPENBELL_TOKEN').env('OPENBELL_TOKEN_FILE'))
    .addOption(new Option('--api-key-id <id>', 'id of an API key, instead of a token').env('OPENBELL_API_KEY_ID'))
    .addOption(new Option('--api-key-file <file>', 'its private key (Ed25519, PEM)').env('OPENBELL_API_KEY_FILE'))
    .option('--tls', 'use TLS, with the CAs that Node trusts (env: OPENBELL_TLS=true)')
    .addOption(new Option('--tls-ca <file>', 'use TLS, with these CA certificates (PEM)').env('OPENBELL_TLS_CA'))
    .addOption(new Option('--tls-client-cert <file>', 'client certificate (PEM)').env('OPENBELL_TLS_CLIENT_CERT'))
    .addOption(new Option('--tls-client-key <file>', 'its private key (PEM)').env('OPENBELL_TLS_CLIENT_KEY'))
    .option('--json', 'JSON instead of text');
}

/** Loaded only where there may be a context. */
async function useContext(command: Command, action: Command): Promise<void> {
  // The command above has the values of both.
  if (command.parent?.options.some(({ long }) => long === '--context')) return;
  // A wrong context is reported as other wrong usage is, and nothing is sent.
  const { applyContext } = await import('./context-values.ts');
  try {
    await applyContext(command, action);
  } catch (error) {
    reportAndExit(error);
  }
}

export function accountOption(command: Command): Command {
  const option = new Option('-a, --account <id>', 'account of the order').default(1).env('OPENBELL_ACCOUNT').argParser(accountId);
  return command.addOption(option);
}

function portOption(flags: string, help: string, port: number, env: string): Option {
  return new Option(flags, help).default(port).env(env).argParser(portNumber);
}

function portNumber(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port < 1 || port > 65535) throw new InvalidArgumentError('must be a port from 1 to 65535.');
  return port;
}

/** A whole number from 0; for commander's argument parsers, as those below. */
export function whole(text: string): number {
  const value = Number(text);
  // Above 2^53 a number would become one of its neighbours.
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(value)) throw new InvalidArgumentError('must be a whole number below 2^53.');
  return value;
}

/** An account, an order or a client order id. */
export function id(text: string): number {
  const value = whole(text);
  if (value === 0) throw new InvalidArgumentError('must be an id from 1.');
  return value;
}

export function accountId(text: string): number {
  const value = id(text);
  if (value > 0xffff_ffff) throw new InvalidArgumentError('must be an account id below 2^32.');
  return value;
}

/** How much of a list is shown, from 1. @param most what the admin interface gives at once */
export function count(most: number): (text: string) => number {
  return (text) => {
    const value = whole(text);
    if (value < 1 || value > most) throw new InvalidArgumentError(`must be a whole number from 1 to ${most}.`);
    return value;
  };
}

/** A price or a quantity, as text. */
export function amount(text: string): string {
  if (!/^\d+(\.\d+)?$/.test(text) || /^[0.]+$/.test(text))
    throw new InvalidArgumentError('must be a decimal number above 0, such as 12 or 12.34.');
  return text;
}

/** The connection options of the flags, for `connect`. */
export function clientOptions(flags: ConnectionFlags): Omit<ConnectOptions, 'account'> {
  const { host, wsHost, httpHost, shard, grpcPort, wsPort, httpPort } = flags;
  return {
    host,
    ...(wsHost !== undefined && { wsHost }),
    ...(httpHost !== undefined && { httpHost }),
    ...(shard !== undefined && { shard }),
    grpcPort,
    wsPort,
    httpPort,
    tls: readTls(flags),
    ...credentialsOf(flags),
  };
}

/** Undefined when neither a flag nor OPENBELL_TLS enables TLS. @throws CliError */
export function readTls({ tls = envSwitch('OPENBELL_TLS'), tlsCa, tlsClientCert, tlsClientKey }: ConnectionFlags): ClientTls | undefined {
  if ((tlsClientCert === undefined) !== (tlsClientKey === undefined))
    throw new CliError('--tls-client-cert and --tls-client-key go together: give both or none', ExitCode.Usage);
  if (!tls && tlsCa === undefined && tlsClientCert === undefined) return undefined;
  return {
    ...(tlsCa !== undefined && { ca: readPem(tlsCa, '--tls-ca') }),
    ...(tlsClientCert !== undefined && { cert: readPem(tlsClientCert, '--tls-client-cert') }),
    ...(tlsClientKey !== undefined && { key: readPem(tlsClientKey, '--tls-client-key') }),
  };
}

/** A switch of the environment, with the values that `openbell start` takes; commander would take any value, `false` too, for true. @throws CliError */
function envSwitch(name: string): boolean {
  const text = process.env[name] ?? '';
  if (text === 'true' || text === '1') return true;
  if (text === 'false' || text === '0' || text === '') return false;
  throw new CliError(`${name} must be true or false, not ${JSON.stringify(text)}`, ExitCode.Usage);
}

function readPem(file: string, flag: string): Buffer {
  let pem: Buffer;
  try {
    pem = readFileSync(file);
  } catch (error) {
    throw new CliError(`cannot read ${file} (${(error as NodeJS.ErrnoException).code}); give a PEM file with ${flag}`, ExitCode.Usage);
  }
  // TLS ignores what is not PEM: the certificate of the exchange would be called unknown instead.
  if (!pem.includes('-----BEGIN ')) throw new CliError(`${file} is no PEM file; give one with ${flag}`, ExitCode.Usage);
  return pem;
}

export interface AdminAddress {
  readonly origin: string;
  /** Of each request: the shard and the token. */
  readonly headers: Readonly<Record<string, string>>;
  readonly dispatcher: RequestInit;
  readonly token: string | undefined;
}

/** The admin port's address, and the `fetch` options for it. @throws CliError, OpenbellError of the exchange's answer to an API key */
export async function adminAddress(flags: ConnectionFlags): Promise<AdminAddress> {
  const { origin, dispatcher } = await adminOrigin(flags);
  const token = await tokenFor(flags, origin, dispatcher.dispatcher);
  const { shard } = flags;
  const headers = {
    ...(shard !== undefined && { [SHARD_HEADER]: String(shard) }),
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
  };
  return { origin, headers, dispatcher, token };
}

/** The admin port's address alone. @throws CliError */
export async function adminOrigin(flags: ConnectionFlags): Promise<Pick<AdminAddress, 'origin' | 'dispatcher'>> {
  const { host, httpHost = host, httpPort } = flags;
  const address = authority(httpHost, httpPort);
  const tls = readTls(flags);
  if (tls === undefined) return { origin: `http://${address}`, dispatcher: {} };
  const { dispatcherFor } = await import('../../client/tls.ts');
  const dispatcher = dispatcherFor(tls);
  return { origin: `https://${address}`, dispatcher: { ...(dispatcher && { dispatcher }) } as RequestInit };
}

/** Connects for one command: a lost connection ends it. In a guarded context, asks first. @param reads the work changes nothing */
export async function withClient<T>(
  flags: ConnectionFlags & { readonly account?: number },
  work: (client: OpenbellClient) => Promise<T>,
  reads = false,
): Promise<T> {
  if (!reads) await confirmGuarded(flags, `send this for account ${flags.account}`);
  const { connect } = await import('../../client/index.ts');
  const { account } = flags;
  const client = await connect({ ...clientOptions(flags), reconnect: false, ...(account !== undefined && { account }) });
  try {
    return await work(client);
  } catch (error) {
    const { inOptions } = await import('./option-names.ts');
    throw inOptions(error);
  } finally {
    await client.close();
  }
}

/**
 * Sends a request to the admin interface: a POST with `body`, else a GET unless `method` is given. In a guarded context, an action asks first.
 * @param key of an action that can be sent again
 * @throws CliError with its message, or exit code 3 when it is unreachable
 */
export async function askAdmin<T>(flags: ConnectionFlags, path: string, body?: object, method?: 'DELETE', key?: string): Promise<T> {
  if (body !== undefined || method !== undefined) await confirmGuarded(flags, flags.guardedAction ?? `${method ?? 'POST'} ${path}`);
  const { origin, headers: always, dispatcher, token } = await adminAddress(flags);
  const url = `${origin}${path}`;
  const headers = {
    ...always,
    ...(body && { 'content-type': 'application/json' }),
    ...(key !== undefined && { 'idempotency-key': key }),
  };
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, {
      headers,
      ...(method && { method }),
      ...(body && { method: 'POST', body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(30_000),
      ...dispatcher,
    });
    // The exchange may end while it answers.
    text = await response.text();
  } catch (error) {
    throw unreachable(url, error, '; is the exchange running? Start it with: openbell start');
  }
  let answer: T & { readonly name?: string; readonly message?: string };
  try {
    answer = JSON.parse(text);
  } catch {
    // A mesh's proxy rejects with a text of its own.
    if (response.status === 401 || response.status === 403)
      throw new CliError(
        `${url} was rejected before it reached the exchange: HTTP ${response.status}: ${shown(text, token)}`,
        ExitCode.Failed,
      );
    throw new CliError(`${url} did not answer in JSON (HTTP ${response.status}); is it openbell's admin port?`, ExitCode.Unreachable);
  }
  if (response.ok) return answer;
  // Rejects by identity already begin with their name.
  const { name = `HTTP ${response.status}`, message = '' } = answer;
  throw new CliError(message.startsWith(`${name}: `) ? message : `${name}: ${message}`, ExitCode.Failed, name);
}

/** @param question about an exchange that does not answer; not asked when it is certain that one does */
export function unreachable(url: string, error: unknown, question: string): CliError {
  const fault = tlsFault(url, error);
  const asked = fault === undefined || fault === 'perhaps' ? question : '';
  const next = fault === undefined ? '' : `\nnext: ${TLS_STEPS[fault]}`;
  return new CliError(`cannot reach ${url} (${failureText(error)})${asked}${next}`, ExitCode.Unreachable);
}

/** The beginning of a foreign answer, which may quote the request. */
function shown(text: string, token: string | undefined): string {
  return (token === undefined ? text : text.replaceAll(token, '[redacted]')).slice(0, 200);
}

/** Prints a value as one line of JSON. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Columns padded to their widest cell; the first row is the heading. */
export function table(rows: readonly (readonly (string | number | undefined)[])[]): string {
  const cells = rows.map((row) => row.map((cell) => String(cell ?? '')));
  const widths = cells[0].map((_, column) => Math.max(...cells.map((row) => row[column].length)));
  return cells
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
