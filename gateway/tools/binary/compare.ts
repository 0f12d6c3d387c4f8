/**
 * Compares the binary with the plain run, in turns, so that both see the same host:
 * start-up, and the latency of single orders, one at a time, from a client in
 * this process. Prints a table of medians.
 *
 *   npm run -s build && npm run -s build:binary
 *   node gateway/tools/binary/compare.ts [--starts 21] [--rounds 40]
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { connect, type OpenbellClient } from '../../client/index.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const BINARY = join(ROOT, 'dist-binary', 'openbell');
/** Commands that print: node itself, without the script of node_modules/.bin around it. */
const VARIANTS = {
  plain: [process.execPath, join(ROOT, 'dist', 'gateway', 'cli.js')],
  binary: [BINARY],
} as const;
type Variant = keyof typeof VARIANTS;
const NAMES = Object.keys(VARIANTS) as Variant[];
/** Orders of one turn, half of them placed, half cancelled. */
const TURN = 1000;
const WARM_UP_TURNS = 10;

const { values } = parseArgs({ options: { starts: { type: 'string', default: '21' }, rounds: { type: 'string', default: '40' } } });
const base = mkdtempSync(join(tmpdir(), 'openbell-compare-'));

class Exchange {
  readonly child: ChildProcess;
  readonly ports: { readonly grpc: number; readonly ws: number; readonly http: number };
  readonly readyMs: number;

  private constructor(child: ChildProcess, ports: Exchange['ports'], readyMs: number) {
    this.child = child;
    this.ports = ports;
    this.readyMs = readyMs;
  }

  /** Starts in an empty directory, with answers that do not wait for the disk. @throws Error when it ends instead of becoming ready */
  static async start(variant: Variant): Promise<Exchange> {
    const [file, ...before] = VARIANTS[variant];
    const flags = ['--durability', 'fast', '--log-level', 'error', '--grpc-port', '0', '--ws-port', '0', '--http-port', '0'];
    const began = performance.now();
    const child = spawn(file, [...before, 'start', '--json', '--data', mkdtempSync(join(base, 'data-')), ...flags], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let line = '';
    for await (const chunk of child.stdout) {
      line += chunk;
      if (line.endsWith('\n')) return new Exchange(child, JSON.parse(line), performance.now() - began);
    }
    throw new Error(`${file} ended before it was ready`);
  }

  /** Kills the process; its data is not needed again. */
  async stop(): Promise<void> {
    const exited = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exited;
  }
}

/** Appends the microseconds of each order of a turn. */
async function turn({ orders }: OpenbellClient, into: number[]): Promise<void> {
  for (let i = 0; i < TURN / 2; i++) {
    const began = performance.now();
    const { orderId } = await orders.place({ symbol: 'BTC-USD', side: 'buy', quantity: '0.01', price: '59000.00' });
    const placed = performance.now();
    await orders.cancel({ symbol: 'BTC-USD', orderId });
    into.push((placed - began) * 1000, (performance.now() - placed) * 1000);
  }
}

function quantile(samples: readonly number[], q: number): number {
  return samples.toSorted((a, b) => a - b)[Math.min(samples.length - 1, Math.floor(samples.length * q))];
}

function row(what: string, unit: string, of: (variant: Variant) => number): string {
  const [plain, binary] = NAMES.map((name) => of(name));
  return `| ${what} | ${plain.toFixed(0)} ${unit} | ${binary.toFixed(0)} ${unit} | ${(binary / plain).toFixed(2)} |\n`;
}

const empty = (): Record<Variant, number[]> => ({ plain: [], binary: [] });
const versions = empty();
const readies = empty();
const latencies = empty();
try {
  for (let i = 0; i < Number(values.starts); i++) {
    for (const name of NAMES) {
      const [file, ...before] = VARIANTS[name];
      const began = performance.now();
      execFileSync(file, [...before, '--version']);
      versions[name].push(performance.now() - began);
      const exchange = await Exchange.start(name);
      readies[name].push(exchange.readyMs);
      await exchange.stop();
    }
  }

  const exchanges = { plain: await Exchange.start('plain'), binary: await Exchange.start('binary') };
  const clients: Partial<Record<Variant, OpenbellClient>> = {};
  for (const name of NAMES) {
    const { grpc, ws, http } = exchanges[name].ports;
    clients[name] = await connect({ account: 1, grpcPort: grpc, wsPort: ws, httpPort: http });
  }
  for (let round = -WARM_UP_TURNS; round < Number(values.rounds); round++) {
    for (const name of NAMES) await turn(clients[name] as OpenbellClient, round < 0 ? [] : latencies[name]);
  }
  for (const name of NAMES) {
    await clients[name]?.close();
    await exchanges[name].stop();
  }
} finally {
  rmSync(base, { recursive: true, force: true });
}

process.stdout.write(`Node ${process.versions.node}, ${availableParallelism()} cores, ${values.starts} starts and ${latencies.plain.length} orders of each, in turns

| | plain | binary | ratio |
|---|---|---|---|
${row('size (plain: Node alone)', 'MB', (name) => statSync(VARIANTS[name][0]).size / 1e6)}${row('openbell --version', 'ms', (name) => quantile(versions[name], 0.5))}${row('start to ready, empty directory', 'ms', (name) => quantile(readies[name], 0.5))}${row('one order, one at a time, p50', 'µs', (name) => quantile(latencies[name], 0.5))}${row('one order, one at a time, p99', 'µs', (name) => quantile(latencies[name], 0.99))}`);
