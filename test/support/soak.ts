/**
 * Soaks: one client trades while a process of its own disturbs the exchange. Two kinds of windows alternate. In one the process
 * disturbs; in the other it uses as much of the processor for nothing. So the comparison shows what the exchange does because of
 * it, not what a busy neighbour costs on a shared machine. A limit that is exceeded is looked at again in further windows before
 * the soak fails. A window in which other processes of the machine used much of the processor says nothing about waits; if there
 * are only such windows, waits are shown and not judged.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { OpenbellClient } from '../../gateway/client/index.ts';
import type { ExchangeProcess } from './exchange-process.ts';

export interface SoakLimits {
  /** Target of the p99 of the trading client in disturbed windows, compared with quiet ones. */
  readonly ratio: number;
  /** Target and limit of the worst wait, ms; where quiet windows have worse, three times theirs. */
  readonly targetWait: number;
  readonly mostWait: number;
  /** Slowest answer of /health/ready, ms. */
  readonly mostHealth: number;
  /** Resident memory of the exchange above that before the first disturbance, MiB. */
  readonly mostGrowth: number;
}

export interface SoakOptions {
  readonly minutes: number;
  readonly windowMs: number;
  /** A target that is missed fails the soak. */
  readonly strict: boolean;
  readonly print: (line: string) => void;
}

/** The process that disturbs. */
export interface Disturber {
  readonly pid: number;
  /** Share of a core that it has used in the last second. */
  readonly share: number;
  disturb(): void;
  /** Uses this share of a core for nothing. */
  burn(share: number): void;
}

/** Windows that are looked at again when a limit was exceeded. */
export const FURTHER_LOOKS = 3;
/** Of the worst wait of quiet windows. */
const WAIT_RATIO = 3;
/** Share of the machine's processor time that other processes may use in a window that is judged. */
const MOST_FOREIGN = 0.15;
/** Of the trading client. */
const COMMANDS_PER_SECOND = 200;
const HEALTH_EVERY_MS = 250;

/** What one window has measured; times in ms. */
interface Window {
  readonly p50: number;
  readonly p99: number;
  readonly worst: number;
  /** Slowest answer of /health/ready. */
  readonly health: number;
  readonly memory: number;
  /** Share of a core that the disturbing process used. */
  readonly share: number;
  /** Share of the machine's processor time that processes used which are not part of the soak. */
  readonly foreign: number;
}

/** How long a soak may take at most, ms. */
export function longest({ minutes, windowMs }: SoakOptions): number {
  return minutes * 60_000 + (2 * FURTHER_LOOKS + 6) * windowMs + 60_000;
}

/** @throws AssertionError naming the limit that was exceeded, also in the further looks */
export async function soak(
  exchange: ExchangeProcess,
  trader: OpenbellClient,
  disturber: Disturber,
  limits: SoakLimits,
  { minutes, windowMs, strict, print }: SoakOptions,
): Promise<void> {
  const measure = async (what: 'disturbed' | 'quiet', share: number): Promise<Window> => {
    if (what === 'disturbed') disturber.disturb();
    else disturber.burn(share);
    // What was open before is closed, and what comes is there.
    await sleep(1000);
    const window = await measureWindow(exchange, trader, disturber, windowMs);
    print(`${what.padEnd(9)} ${text(window)}`);
    return window;
  };
  let { share } = await measure('disturbed', 0);
  const judge = new Judge(memoryOf(exchange), limits);
  const until = performance.now() + minutes * 60_000;
  do {
    const quiet = await measure('quiet', share);
    const disturbed = await measure('disturbed', 0);
    ({ share } = disturbed);
    judge.take(quiet, disturbed);
  } while (performance.now() < until);
  const faults = (): string[] => [...judge.faults(), ...(strict ? judge.missed() : [])];
  for (let look = 1; look <= FURTHER_LOOKS && (faults().length > 0 || !judge.canJudge); look++) {
    print(`look ${look + 1}, because: ${faults().join('; ') || 'other processes disturbed the windows'}`);
    judge.again();
    const quiet = await measure('quiet', share);
    judge.take(quiet, await measure('disturbed', 0));
  }
  print(judge.text());
  if (!judge.canJudge) print('waits were not judged: other processes used too much of the processor in every window');
  assert.equal(exchange.child.exitCode ?? exchange.child.signalCode, null, 'the exchange is still there');
  for (const target of judge.missed()) print(`target missed: ${target}`);
  assert.deepEqual(faults(), []);
}

/** Prints the lines of the exchange's metrics that match. */
export async function printMetrics({ ports }: ExchangeProcess, lines: RegExp, { print }: SoakOptions): Promise<void> {
  const answer = await fetch(`http://127.0.0.1:${ports.http}/metrics`);
  for (const line of (await answer.text()).match(lines) ?? []) print(line);
}

/** Compares the windows, by the medians of what they measured, so that one disturbed window decides nothing. */
class Judge {
  readonly #memory: number;
  readonly #limits: SoakLimits;
  #quiet: Window[] = [];
  #disturbed: Window[] = [];
  #peak = 0;

  constructor(memory: number, limits: SoakLimits) {
    this.#memory = memory;
    this.#limits = limits;
  }

  take(quiet: Window, disturbed: Window): void {
    this.#quiet.push(quiet);
    this.#disturbed.push(disturbed);
    this.#peak = Math.max(this.#peak, quiet.memory, disturbed.memory);
  }

  /** Whether waits can be judged: there are windows of both kinds that other processes did not disturb. */
  get canJudge(): boolean {
    return calm(this.#quiet).length > 0 && calm(this.#disturbed).length > 0;
  }

  /** Forgets what was measured, for a further look. */
  again(): void {
    this.#quiet = [];
    this.#disturbed = [];
  }

  /** Limits that are exceeded. */
  faults(): string[] {
    const { mostWait, mostHealth, mostGrowth } = this.#limits;
    const growth = this.#peak - this.#memory;
    const grown = growth > mostGrowth ? [`memory grew by ${growth.toFixed(0)} MiB, more than ${mostGrowth}`] : [];
    if (!this.canJudge) return grown;
    const health = median(calm(this.#disturbed).map((window) => window.health));
    const slow = health > mostHealth ? [`health took ${health.toFixed(0)} ms, more than ${mostHealth}`] : [];
    return [...this.#waits(mostWait), ...slow, ...grown];
  }

  /** Targets that are missed. */
  missed(): string[] {
    const { ratio: most, targetWait } = this.#limits;
    if (!this.canJudge) return [];
    const p99 = (windows: readonly Window[]): number => median(calm(windows).map((window) => window.p99));
    const ratio = p99(this.#disturbed) / p99(this.#quiet);
    const times = ratio > most ? [`p99 is ${ratio.toFixed(1)} times that of quiet windows, more than ${most}`] : [];
    return [...times, ...this.#waits(targetWait)];
  }

  #waits(most: number): string[] {
    const allowed = Math.max(most, WAIT_RATIO * Math.max(...calm(this.#quiet).map(({ worst }) => worst)));
    const worst = median(calm(this.#disturbed).map((window) => window.worst));
    return worst > allowed ? [`the worst wait of an order is ${worst.toFixed(0)} ms, more than ${allowed.toFixed(0)}`] : [];
  }

  text(): string {
    const of = (windows: readonly Window[], pick: (window: Window) => number) => median(windows.map(pick)).toFixed(2);
    const [quiet, disturbed] = [this.#quiet, this.#disturbed];
    return (
      `p99 ${of(quiet, ({ p99 }) => p99)} ms quiet, ${of(disturbed, ({ p99 }) => p99)} ms disturbed; ` +
      `worst ${Math.max(...disturbed.map(({ worst }) => worst)).toFixed(1)} ms; health within ${Math.max(...disturbed.map(({ health }) => health)).toFixed(0)} ms; ` +
      `memory ${this.#memory.toFixed(0)} MiB before, ${this.#peak.toFixed(0)} at most`
    );
  }
}

/** Windows that other processes did not disturb. */
function calm(windows: readonly Window[]): Window[] {
  return windows.filter(({ foreign }) => foreign <= MOST_FOREIGN);
}

async function measureWindow(exchange: ExchangeProcess, trader: OpenbellClient, disturber: Disturber, windowMs: number): Promise<Window> {
  let over = false;
  const health: number[] = [];
  const shares: number[] = [];
  let memory = 0;
  const probes = (async () => {
    while (!over) {
      health.push(await probe(exchange.ports.http));
      memory = Math.max(memory, memoryOf(exchange));
      shares.push(disturber.share);
      await sleep(HEALTH_EVERY_MS);
    }
  })();
  const processes = [process.pid, disturber.pid, exchange.child.pid ?? 0];
  const before = [machineTicks(), ownTicks(processes)] as const;
  const waits = (await trade(trader, windowMs)).sort((a, b) => a - b);
  over = true;
  const machine = machineTicks();
  const used = machine.busy - before[0].busy - (ownTicks(processes) - before[1]);
  const foreign = Math.max(0, used) / Math.max(1, machine.all - before[0].all);
  await probes;
  const at = (share: number) => waits[Math.min(waits.length - 1, Math.floor(waits.length * share))];
  return {
    p50: at(0.5),
    p99: at(0.99),
    worst: waits[waits.length - 1],
    health: Math.max(...health),
    memory,
    share: median(shares),
    foreign,
  };
}

/** Orders and cancels at a fixed rate. @returns how long each waited for its answer, from the moment at which it was due, ms */
async function trade({ orders }: OpenbellClient, windowMs: number): Promise<number[]> {
  const waits: number[] = [];
  const answers: Promise<void>[] = [];
  const begun = performance.now();
  const every = 1000 / COMMANDS_PER_SECOND;
  for (let due = begun; due < begun + windowMs; due += 2 * every) {
    while (performance.now() < due) await sleep(due - performance.now());
    const done = (): void => void waits.push(performance.now() - due);
    const placed = orders.place({ symbol: 'ETH-USD', side: 'buy', price: '2500.00', quantity: '0.01' });
    answers.push(
      placed.then(async ({ orderId }) => {
        done();
        const from = performance.now();
        await orders.cancel({ symbol: 'ETH-USD', orderId });
        waits.push(performance.now() - from);
      }),
    );
  }
  await Promise.all(answers);
  return waits;
}

/** How long /health/ready takes on a connection of its own, ms; Infinity if it does not answer 200. */
function probe(port: number): Promise<number> {
  const begun = performance.now();
  return new Promise((resolve) => {
    const sent = get({ host: '127.0.0.1', port, path: '/health/ready', agent: false, timeout: 10_000 }, (answer) => {
      answer.resume();
      answer.on('end', () => resolve(answer.statusCode === 200 ? performance.now() - begun : Number.POSITIVE_INFINITY));
    });
    sent.on('timeout', () => sent.destroy());
    sent.on('error', () => resolve(Number.POSITIVE_INFINITY));
  });
}

/** Ticks of all processors since the start of the machine: busy, stolen by other machines of the host included, and all. */
function machineTicks(): { readonly busy: number; readonly all: number } {
  const [user, nice, system, idle, waiting, ...rest] = readFileSync('/proc/stat', 'utf8')
    .split('\n', 1)[0]
    .split(/\s+/)
    .slice(1, 9)
    .map(Number);
  const busy = user + nice + system + rest.reduce((sum, ticks) => sum + ticks, 0);
  return { busy, all: busy + idle + waiting };
}

/** Ticks that the processes have used. */
function ownTicks(processes: readonly number[]): number {
  const ticks = processes.map((pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    return Number(fields[11]) + Number(fields[12]);
  });
  return ticks.reduce((sum, each) => sum + each, 0);
}

/** Resident memory, MiB. */
function memoryOf({ child }: ExchangeProcess): number {
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}

function text({ p50, p99, worst, health, memory, share, foreign }: Window): string {
  const ms = (value: number) => `${value.toFixed(1)} ms`.padStart(9);
  return `p50 ${ms(p50)}  p99 ${ms(p99)}  worst ${ms(worst)}  health ${ms(health)}  memory ${memory.toFixed(0)} MiB  the disturbing process ${(100 * share).toFixed(0)} % of a core, others ${(100 * foreign).toFixed(0)} % of the machine`;
}
