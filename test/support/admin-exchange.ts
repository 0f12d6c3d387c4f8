import { request } from 'node:http';
import { after, before } from 'node:test';
import type { OpenbellClient } from '../../gateway/client/index.ts';
import type { RunningExchange } from '../../gateway/main.ts';
import { type Answer, DemoExchange } from './demo-exchange.ts';

export type { Answer };

const venue = new DemoExchange();
export const { data } = venue;
export let exchange: RunningExchange;
export let client: OpenbellClient;

before(async () => {
  await venue.start();
  exchange = venue.running;
  client = venue.client;
});
after(() => venue.stop());

/** Written by hand, because fetch sets Host and Origin itself. */
export function ask(method: string, path: string, body?: string | Buffer | object, headers: Record<string, string> = {}): Promise<Answer> {
  const text = typeof body === 'object' && !Buffer.isBuffer(body) ? JSON.stringify(body) : (body ?? '');
  const json = method === 'POST' ? { 'content-type': 'application/json' } : {};
  return new Promise((resolve, reject) => {
    const sent = request(
      { host: '127.0.0.1', port: exchange.ports.http, method, path, headers: { ...json, ...headers }, agent: false },
      (response) => {
        let answer = '';
        response.on('data', (chunk) => {
          answer += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, json: parse(answer) }));
      },
    );
    sent.on('error', reject);
    sent.end(text);
  });
}

export function parse(text: string): unknown {
  return text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : text;
}

export const get = (path: string, headers?: Record<string, string>) => ask('GET', path, undefined, headers);
export const post = (path: string, body: string | object = {}, headers?: Record<string, string>) => ask('POST', path, body, headers);

/** Waits for the history, which is written a moment behind. */
export async function eventually(path: string, done: (json: Answer['json']) => boolean): Promise<Answer> {
  for (;;) {
    const answer = await get(path);
    if (done(answer.json)) return answer;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
