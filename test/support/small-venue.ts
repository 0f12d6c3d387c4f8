import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommandKind } from '../../engine/wire/layout.ts';
import { type Config, loadConfig } from '../../gateway/config/config.ts';
import { createLogger, type Logger } from '../../gateway/log.ts';
import { type RunningExchange, startExchange } from '../../gateway/main.ts';

const VENUE = `
capacities: { orders: 1024, accounts: 15, symbols: 7 }
assets:
  - { id: 1, name: USD, decimals: 2 }
  - { id: 2, name: BTC, decimals: 8 }
symbols:
  - { id: 1, name: BTC-USD, base: BTC, quote: USD, tick: 0.01, lot: 1, phase: continuous, reference-price: 100 }
accounts:
  - { id: 1, name: one, deposits: { USD: 1000, BTC: 5 } }
`;

/** Configuration of a small exchange on free ports, with its data in `dir`/data. */
export function smallConfig(dir: string, flags: Record<string, string> = {}): Config {
  const file = join(dir, 'venue.yaml');
  writeFileSync(file, VENUE);
  const ports = { 'grpc-port': '0', 'ws-port': '0', 'http-port': '0', topology: 'compact' };
  return loadConfig({ flags: { config: file, data: join(dir, 'data'), ...ports, ...flags }, env: {} });
}

/** A log whose lines a test can read. */
export function recordingLog(): { log: Logger; lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = [];
  const note = (fields: unknown, message?: string): void => {
    lines.push(typeof fields === 'string' ? { message: fields } : { ...(fields as object), message });
  };
  const log = createLogger('silent');
  return { log: Object.assign(Object.create(log), { info: note, warn: note, error: note, fatal: note, debug: note, trace: note }), lines };
}

export async function withSmallExchange<T>(
  dir: string,
  work: (exchange: RunningExchange, lines: Record<string, unknown>[]) => Promise<T>,
  flags: Record<string, string> = {},
): Promise<T> {
  const { log, lines } = recordingLog();
  const exchange = await startExchange(smallConfig(dir, flags), { log });
  try {
    return await work(exchange, lines);
  } finally {
    await exchange.stop();
  }
}

/** `count` commands of the operator, each with one report of account 0. */
export async function deposits(exchange: RunningExchange, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await exchange.commands.submit({ kind: CommandKind.Deposit, account: 1, symbol: 1, quantity: 100 });
}

/** All reports of the operator that the history has. */
export async function operatorReports(exchange: RunningExchange, from = 1): Promise<string> {
  const last = exchange.hub.lastReportNo(0);
  for (;;) {
    const bytes = await exchange.history.read(0, from, 10_000);
    if (bytes.length === (last - from + 1) * 128) return Buffer.from(bytes).toString('hex');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export async function getJson(exchange: RunningExchange, path: string): Promise<{ status: number; json: Record<string, unknown> }> {
  const response = await fetch(`http://127.0.0.1:${exchange.ports.http}${path}`);
  return { status: response.status, json: (await response.json()) as Record<string, unknown> };
}
