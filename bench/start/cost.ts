/**
 * What a start costs: CPU and time of short commands, and of an exchange until it is ready, in a new directory each time. Several
 * command lines are measured in turns, so that they see the same host. Linux.
 *
 *   npm run -s build && node bench/start/cost.ts [--runs 11] [CLI.js ...]
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

/** Of the numbers in /proc/PID/stat behind the name: user and system time of the process, and of its children that have ended. */
const OWN_TICKS = [11, 12] as const;
const CHILD_TICKS = [13, 14] as const;
const TICK_MS = 10;

interface Cost {
  readonly cpuMs: number;
  readonly wallMs: number;
}

const ANY_PORT = ['--grpc-port', '0', '--ws-port', '0', '--http-port', '0'];
const CASES: Readonly<Record<string, (cli: string) => Promise<Cost>>> = {
  'openbell --version': (cli) => costOfCommand([cli, '--version']),
  'openbell --help': (cli) => costOfCommand([cli, '--help']),
  'openbell book --json, no exchange': (cli) => costOfCommand([cli, 'book', 'BTC-USD', '--json', '--http-port', '1', '--ws-port', '1']),
  'openbell start, until it is ready': costOfStart,
};

const { values, positionals } = parseArgs({ options: { runs: { type: 'string', default: '11' } }, allowPositionals: true });
const clis = positionals.length > 0 ? positionals : [join(import.meta.dirname, '../../dist/gateway/cli.js')];
for (const [name, measure] of Object.entries(CASES)) {
  const costs = clis.map((): Cost[] => []);
  for (let run = 0; run < Number(values.runs); run++) for (const [i, cli] of clis.entries()) costs[i].push(await measure(cli));
  for (const [i, cli] of clis.entries()) {
    const [cpu, wall] = [median(costs[i].map(({ cpuMs }) => cpuMs)), median(costs[i].map(({ wallMs }) => wallMs))];
    console.log(`${name.padEnd(36)} ${`${cpu} ms CPU`.padStart(12)} ${`${Math.round(wall)} ms`.padStart(9)}  ${cli}`);
  }
}

async function costOfCommand(args: readonly string[]): Promise<Cost> {
  const [before, began] = [ticks('self', CHILD_TICKS), performance.now()];
  await once(spawn(process.execPath, args, { stdio: 'ignore' }), 'exit');
  return { cpuMs: (ticks('self', CHILD_TICKS) - before) * TICK_MS, wallMs: performance.now() - began };
}

async function costOfStart(cli: string): Promise<Cost> {
  const dir = mkdtempSync(join(tmpdir(), 'openbell-start-'));
  const began = performance.now();
  const exchange = spawn(process.execPath, [cli, 'start', '--json', '--data', join(dir, 'data'), ...ANY_PORT], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const ended = once(exchange, 'exit');
  await Promise.race([once(exchange.stdout, 'data'), ended]);
  if (exchange.exitCode !== null) throw new Error(`${cli} start ended with exit code ${exchange.exitCode}`);
  const cost = { cpuMs: ticks(exchange.pid as number, OWN_TICKS) * TICK_MS, wallMs: performance.now() - began };
  exchange.kill('SIGKILL');
  await ended;
  rmSync(dir, { recursive: true, force: true });
  return cost;
}

function ticks(pid: number | 'self', fields: readonly number[]): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const numbers = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return fields.reduce((sum, field) => sum + Number(numbers[field]), 0);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.trunc(values.length / 2)];
}
