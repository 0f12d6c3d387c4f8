import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandBatch, connect, Side, TimeInForce } from '../../gateway/client/index.ts';

/**
 * node mesh/checks/measure-shard.ts [compact|pinned] [ORDERS]
 *
 * Measures the values for the probes, the grace period and the memory of the
 * StatefulSet: a shard with ORDERS resting orders (1,000,000) is killed, recovers from
 * its log, is stopped with SIGTERM, and recovers from its snapshot. Needs
 * `npm run build`.
 */
const [topology = 'pinned', wanted = '1000000'] = process.argv.slice(2);
const orders = Number(wanted);
const CLI = resolve(import.meta.dirname, '../../dist/gateway/cli.js');
const dir = mkdtempSync(join(tmpdir(), 'openbell-shard-'));

const VENUE = `
assets:
  - { id: 1, name: USD, decimals: 6 }
  - { id: 2, name: BTC, decimals: 8 }
symbols:
  - { id: 1, name: BTC-USD, base: BTC, quote: USD, tick: 0.01, lot: 0.0001 }
accounts:
  - { id: 1, name: all, max-open-orders: ${orders}, deposits: { USD: 1000000000 } }
`;

interface Shard {
  readonly child: ChildProcess;
  readonly ports: { readonly grpc: number; readonly ws: number; readonly http: number };
  readonly readyMs: number;
  /** Longest time that the admin port did not answer while it started, ms. */
  readonly silentMs: number;
}

async function start(): Promise<Shard> {
  const http = 20_000 + (process.pid % 20_000);
  const begin = performance.now();
  const flags = [
    '--json',
    '--topology',
    topology,
    '--config',
    join(dir, 'venue.yaml'),
    '--data',
    join(dir, 'data'),
    '--log-level',
    'error',
  ];
  const ports = ['--grpc-port', '0', '--ws-port', '0', '--http-port', String(http)];
  const child = spawn(process.execPath, [CLI, 'start', ...flags, ...ports], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout?.on('data', (bytes: Buffer) => {
    text += bytes;
  });
  let silentMs = 0;
  let answered = 0;
  while (!text.includes('\n')) {
    const live = await fetch(`http://127.0.0.1:${http}/health/live`, { signal: AbortSignal.timeout(100) }).catch(() => undefined);
    if (live?.ok) answered = performance.now();
    else if (answered > 0) silentMs = Math.max(silentMs, performance.now() - answered);
    await sleep(5);
  }
  if (text.startsWith('{"error"')) throw new Error(`openbell start failed: ${text}`);
  return { child, ports: JSON.parse(text), readyMs: performance.now() - begin, silentMs };
}

async function fill({ grpc, ws, http }: Shard['ports']): Promise<void> {
  const client = await connect({ account: 1, grpcPort: grpc, wsPort: ws, httpPort: http });
  const batch = new CommandBatch(4096);
  for (let id = 1; id <= orders; id++) {
    batch.place(1, Side.Buy, TimeInForce.GoodTillCancel, 1 + (id % 100_000), 1, id);
    if (!batch.full && id < orders) continue;
    const { reports, refusals } = await client.orders.submit(batch);
    if (reports.length === 0) throw new Error(`not taken: ${JSON.stringify(refusals[0])}`);
  }
  await client.close();
}

async function end({ child }: Shard, signal: NodeJS.Signals): Promise<number> {
  const begin = performance.now();
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
  return performance.now() - begin;
}

const peakMiB = ({ child }: Shard) => Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1024;
const print = (what: string, value: number, unit: string) => console.log(`${what.padEnd(44)}${value.toFixed(0).padStart(8)} ${unit}`);

try {
  writeFileSync(join(dir, 'venue.yaml'), VENUE);
  console.log(`${topology}, ${orders} resting orders`);
  const first = await start();
  print('start of an empty shard', first.readyMs, 'ms');
  await fill(first.ports);
  print('maximum memory, filling', peakMiB(first), 'MiB');
  await end(first, 'SIGKILL');
  const second = await start();
  print('start after a kill, log alone', second.readyMs, 'ms');
  print('  longest time without an answer of the admin port', second.silentMs, 'ms');
  print('SIGTERM to exit, with the last snapshot', await end(second, 'SIGTERM'), 'ms');
  const snapshot = readdirSync(join(dir, 'data')).find((name) => name.endsWith('.obs')) ?? '';
  print('  the snapshot', statSync(join(dir, 'data', snapshot)).size / 2 ** 20, 'MiB');
  const third = await start();
  print('start from the snapshot', third.readyMs, 'ms');
  print('  longest time without an answer of the admin port', third.silentMs, 'ms');
  print('maximum memory, recovering', peakMiB(third), 'MiB');
  await end(third, 'SIGTERM');
} finally {
  rmSync(dir, { recursive: true, force: true });
}
