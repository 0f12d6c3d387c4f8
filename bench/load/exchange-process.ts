import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { endChild, guardChild } from './guarded-child.ts';
import type { LoadSymbol } from './order-flow.ts';
import { onCores } from './placement.ts';

const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url));

/** The built command that users run. */
const commandOf = (checkout: string): string => join(checkout, 'dist/gateway/cli.js');

export interface ExchangeOptions {
  /** Data directory. */
  readonly data: string;
  /** A built checkout of openbell; default: this one. */
  readonly checkout?: string | undefined;
  readonly durability: 'fast' | 'durable';
  readonly topology?: 'auto' | 'compact' | 'pinned';
  /** For node, before the command. */
  readonly nodeFlags?: readonly string[];
  /** Further flags of `openbell start`. */
  readonly flags?: readonly string[];
  /** Its cores, in the format of `taskset`; default: all. */
  readonly cores?: string | undefined;
  /** Headers of requests to its admin port. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Kills it. */
  readonly signal: AbortSignal;
}

/** Undefined if it is built, otherwise the command to run. */
export function missingBuild(): string | undefined {
  return existsSync(commandOf(CHECKOUT)) ? undefined : 'dist/ is not built: npm run build';
}

/** `openbell start` in a separate process, on free ports of the loopback interface. */
export class ExchangeProcess {
  readonly ports: { readonly grpc: number; readonly ws: number; readonly http: number };
  readonly #child: ChildProcess;
  readonly #command: string;
  readonly #data: string;
  readonly #log: () => string;
  readonly #headers: Readonly<Record<string, string>>;

  private constructor(
    child: ChildProcess,
    command: string,
    data: string,
    log: () => string,
    ports: ExchangeProcess['ports'],
    headers: Readonly<Record<string, string>>,
  ) {
    this.#child = child;
    this.#command = command;
    this.#data = data;
    this.#log = log;
    this.ports = ports;
    this.#headers = headers;
  }

  /** @throws Error with the end of its log when it ends before it is ready */
  static async start({
    data,
    checkout = CHECKOUT,
    durability,
    topology = 'auto',
    nodeFlags = [],
    flags = [],
    headers = {},
    cores,
    signal,
  }: ExchangeOptions): Promise<ExchangeProcess> {
    signal.throwIfAborted();
    const basics = ['--json', '--data', data, '--grpc-port', '0', '--ws-port', '0', '--http-port', '0'];
    const openbell = commandOf(checkout);
    const start = [...nodeFlags, openbell, 'start', ...basics, '--durability', durability, '--topology', topology, ...flags];
    const { command, args } = onCores(cores, start);
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const log = guardChild(child, signal);
    const line = await new Promise<string>((resolve, reject) => {
      let text = '';
      child.stdout.on('data', (bytes: Buffer) => {
        text += bytes;
        // A start that failed prints its error instead of the ports, and ends.
        if (text.includes('\n') && !text.startsWith('{"error"')) resolve(text);
      });
      child.once('exit', (code) => reject(signal.aborted ? signal.reason : new Error(`openbell start ended with ${code}: ${log()}`)));
    });
    return new ExchangeProcess(child, openbell, data, log, JSON.parse(line), headers);
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  /** @throws Error when it does not answer 200 */
  get(path: string): Promise<string> {
    return this.#request(path, { method: 'GET' });
  }

  /** An action of the operator. @throws Error when it is rejected */
  async post(path: string, body: object = {}): Promise<void> {
    await this.#request(path, { method: 'POST', body: JSON.stringify(body) });
  }

  /** Its symbols that have a reference price and balances in every demo account. */
  async symbols(): Promise<LoadSymbol[]> {
    const symbols = JSON.parse(await this.get('/v1/symbols')) as (LoadSymbol & { quote: string })[];
    return symbols
      .filter(({ quote }) => quote === 'USD')
      .map(({ id, referencePriceTicks, name, tickSize, lotSize }) => ({ id, referencePriceTicks, name, tickSize, lotSize }));
  }

  /** Stops it as a user would. @throws Error when its exit code is not 0 */
  async stop(): Promise<void> {
    const code = await this.#end('SIGTERM');
    if (code !== 0) throw new Error(`openbell start ended with ${code}: ${this.#log()}`);
  }

  /** Kills it. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Replays the data directory of the stopped exchange. @throws Error with the problem that `openbell verify` reports */
  async verify(): Promise<void> {
    const child = spawn(process.execPath, [this.#command, 'verify', '--from-snapshot', this.#data], { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (bytes: Buffer) => {
        output += bytes;
      });
    }
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0) throw new Error(`openbell verify ended with ${code}: ${output}`);
  }

  /** Not `fetch`: its parser is WebAssembly, which V8 keeps compiling during the load. */
  async #request(path: string, { method, body }: { method: 'GET' | 'POST'; body?: string }): Promise<string> {
    const headers = { ...this.#headers, ...(body !== undefined && { 'content-type': 'application/json' }) };
    const outgoing = request({ host: '127.0.0.1', port: this.ports.http, path, method, headers });
    outgoing.end(body);
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
    const content = await text(answer);
    if (answer.statusCode !== 200) throw new Error(`${method} ${path} was answered with ${answer.statusCode}: ${content}`);
    return content;
  }

  #end(signal: NodeJS.Signals): Promise<number | null> {
    return endChild(this.#child, () => this.#child.kill(signal));
  }
}
