import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { connect, type OpenbellClient } from '../../gateway/client/index.ts';
import { loadConfig } from '../../gateway/config/config.ts';
import { createLogger } from '../../gateway/log.ts';
import { type RunningExchange, startExchange } from '../../gateway/main.ts';
import { type CliResult, openbell } from './exchange-process.ts';

export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: JSON of any shape, looked into by the tests
  readonly json: any;
}

/** The demo venue in this process, without authentication, on free ports. */
export class DemoExchange {
  readonly data = mkdtempSync(join(tmpdir(), 'openbell-demo-'));
  running!: RunningExchange;
  /** Of account 1. */
  client!: OpenbellClient;
  readonly #clients: OpenbellClient[] = [];

  async start(topology = 'compact', further: Readonly<Record<string, string | boolean>> = {}): Promise<void> {
    const flags = { ...further, data: this.data, 'grpc-port': '0', 'ws-port': '0', 'http-port': '0', topology };
    this.running = await startExchange(loadConfig({ flags, env: {} }), { log: createLogger('silent') });
    this.client = await this.connect(1);
  }

  /** Stops it and starts it again on its data. @param meanwhile runs in between */
  async restart(further: Readonly<Record<string, string | boolean>> = {}, meanwhile?: () => Promise<void>): Promise<void> {
    for (const client of this.#clients.splice(0)) await client.close();
    await this.running.stop();
    await meanwhile?.();
    await this.start('compact', further);
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) await client.close();
    await this.running?.stop();
    rmSync(this.data, { recursive: true, force: true });
  }

  get ports(): RunningExchange['ports'] {
    return this.running.ports;
  }

  /** A further client, which `stop` closes. */
  async connect(account: number): Promise<OpenbellClient> {
    const { grpc: grpcPort, http: httpPort, ws: wsPort } = this.ports;
    const client = await connect({ grpcPort, httpPort, wsPort, account });
    this.#clients.push(client);
    return client;
  }

  /** Runs `openbell ARGS` against it. */
  openbell(...args: string[]): Promise<CliResult> {
    const { grpc, ws, http } = this.ports;
    return openbell([...args, '--grpc-port', `${grpc}`, '--ws-port', `${ws}`, '--http-port', `${http}`]);
  }

  /** Asks the admin port: a POST with `body`, else a GET. */
  async ask(path: string, body?: object): Promise<Answer> {
    const response = await fetch(`http://127.0.0.1:${this.ports.http}${path}`, {
      ...(body && { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    return { status: response.status, json: await response.json() };
  }

  /** JSON of a query. */
  async get(path: string): Promise<Answer['json']> {
    return (await this.ask(path)).json;
  }
}

/** Call it in a `describe`: the venue runs while its tests do. */
export function demoExchange(topology?: string): DemoExchange {
  const venue = new DemoExchange();
  before(() => venue.start(topology));
  after(() => venue.stop());
  return venue;
}
