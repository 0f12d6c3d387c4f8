import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../../gateway/config/config.ts';
import { createLogger } from '../../gateway/log.ts';
import { type RunningExchange, startExchange } from '../../gateway/main.ts';
import { AUDIENCE, ISSUER, type Issuer } from './issuer.ts';
import { RawWebSocket } from './raw-websocket.ts';

export interface HttpAnswer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: JSON of any shape, looked into by the tests
  readonly json: any;
}

/** The whole exchange with the demo venue, on free local ports, with authentication. */
export class GuardedExchange {
  readonly exchange: RunningExchange;
  readonly dir: string;

  private constructor(exchange: RunningExchange, dir: string) {
    this.exchange = exchange;
    this.dir = dir;
  }

  static async start(issuer: Issuer, flags: Record<string, string> = {}, keys = ''): Promise<GuardedExchange> {
    const dir = mkdtempSync(join(tmpdir(), 'openbell-identity-'));
    writeFileSync(join(dir, 'jwks.json'), issuer.jwks);
    writeFileSync(join(dir, 'keys.yaml'), keys);
    const config = loadConfig({
      flags: {
        data: join(dir, 'data'),
        'grpc-port': '0',
        'ws-port': '0',
        'http-port': '0',
        topology: 'compact',
        durability: 'fast',
        'auth-jwks': join(dir, 'jwks.json'),
        'auth-issuer': ISSUER,
        'auth-audience': AUDIENCE,
        'auth-keys': join(dir, 'keys.yaml'),
        ...flags,
      },
      env: {},
    });
    return new GuardedExchange(await startExchange(config, { log: createLogger('silent') }), dir);
  }

  get ports() {
    return this.exchange.ports;
  }

  /** Written by hand, because fetch sets some headers itself. */
  http(method: string, path: string, headers: Record<string, string | string[]> = {}, body: object = {}): Promise<HttpAnswer> {
    const hasBody = method === 'POST' || method === 'PATCH';
    const text = hasBody ? JSON.stringify(body) : '';
    const json = hasBody ? { 'content-type': 'application/json' } : {};
    return new Promise((resolve, reject) => {
      const sent = request(
        { host: '127.0.0.1', port: this.ports.http, method, path, headers: { ...json, ...headers }, agent: false },
        (response) => {
          let answer = '';
          response.on('data', (chunk) => {
            answer += chunk;
          });
          response.on('end', () => resolve({ status: response.statusCode ?? 0, json: /^[[{]/.test(answer) ? JSON.parse(answer) : answer }));
        },
      );
      sent.on('error', reject);
      sent.end(text);
    });
  }

  /** Status of the answer to an upgrade: 101 if it was accepted. */
  async webSocket(
    path: string,
    headers: Record<string, string> = {},
    protocol?: string,
  ): Promise<{ status: number; socket: RawWebSocket }> {
    const socket = await RawWebSocket.open(this.ports.ws, { path, headers, ...(protocol !== undefined && { protocol }) });
    return { status: Number(socket.status.split(' ')[1] ?? 0), socket };
  }

  async stop(): Promise<void> {
    await this.exchange.stop();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

export const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
