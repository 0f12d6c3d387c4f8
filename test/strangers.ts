/**
 * A soak: one client trades while strangers, and one account, attack every port at once. `npm run test:strangers -- --minutes 10`
 *
 * Two kinds of windows alternate. In one the attackers' process attacks; in the other it uses as much of
 * the processor for nothing. So the comparison shows what the exchange does for the attackers, not what a busy neighbour costs on a
 * shared machine. A limit that is exceeded is looked at again in further windows before the soak fails. A window in which other processes of
 * the machine used much of the processor says nothing about waits; if there are only such windows, waits are shown and not judged.
 *
 * There are targets and limits. A limit that is exceeded fails the soak; a target that is missed is shown, and fails it with `--strict`.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { CommandBatch, connect, type OpenbellClient, Side, TimeInForce } from '../gateway/client/index.ts';
import { ExchangeProcess } from './support/exchange-process.ts';
import { AUDIENCE, ISSUER, Issuer } from './support/issuer.ts';
import type { StrangersReport, StrangersRequest } from './support/strangers.ts';

/** Target of the p99 of the trading client under attack, compared with quiet windows. */
const TARGET_RATIO = 3;
/** Target and limit of the worst wait, ms; where quiet windows have worse, a multiple of theirs. */
const TARGET_WAIT = 50;
const MOST_WAIT = 500;
/** ms. */
const MOST_HEALTH = 1000;
/** Resident memory of the exchange above that before the first attack, MiB. */
const MOST_GROWTH = 768;
/** Windows that are looked at again when a limit was exceeded. */
const FURTHER_LOOKS = 3;
const TRADER = 1;
const VICTIM = 3;
/** Share of the machine's processor time that other processes may use in a window that is judged. */
const MOST_FOREIGN = 0.15;
/** Of the trading client. */
const COMMANDS_PER_SECOND = 200;
const HEALTH_EVERY_MS = 250;

export interface StrangersOptions {
  readonly minutes: number;
  /** Orders in the book that the attackers ask for. */
  readonly orders: number;
  readonly windowMs: number;
  /** Only attackers with this text in their names; empty: all. */
  readonly only: string;
  /** A target that is missed fails the soak. */
  readonly strict: boolean;
  readonly print: (line: string) => void;
}

/** What one window has measured; times in ms. */
interface Window {
  readonly p50: number;
  readonly p99: number;
  readonly worst: number;
  /** Slowest answer of /health/ready. */
  readonly health: number;
  readonly memory: number;
  /** Share of a core that the attackers' process used. */
  readonly share: number;
  /** Share of the machine's processor time that processes used which are not part of this soak. */
  readonly foreign: number;
}

/** @throws AssertionError naming the limit that was exceeded, also in the further looks */
export async function withstandStrangers({ minutes, orders, windowMs, only, strict, print }: StrangersOptions): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'openbell-strangers-'));
  const issuer = new Issuer();
  await issuer.addKey('ES256');
  writeFileSync(join(dir, 'jwks.json'), issuer.jwks);
  const auth = ['--auth-jwks', join(dir, 'jwks.json'), '--auth-issuer', ISSUER, '--auth-audience', AUDIENCE];
  const exchange = await ExchangeProcess.start(join(dir, 'data'), ['--durability', 'fast', '--log-level', 'error', ...auth]);
  const ended: Ending[] = [async () => void (await exchange.end('SIGTERM')), async () => rmSync(dir, { recursive: true, force: true })];
  try {
    const exp = Math.floor(Date.now() / 1000) + minutes * 60 + 3600;
    const tokenOf = (account: number) => issuer.token({ sub: `trader ${account}`, openbell_accounts: String(account), exp });
    const trader = await client(exchange, TRADER, await tokenOf(TRADER));
    ended.unshift(() => trader.close());
    const victim = await client(exchange, VICTIM, await tokenOf(VICTIM));
    await fill(victim, orders);
    await victim.close();

    const token = await tokenOf(VICTIM);
    const strangers = new Strangers();
    ended.unshift(async () => strangers.end());
    const endAfterMs = minutes * 60_000 + (2 * FURTHER_LOOKS + 6) * windowMs + 60_000;
    const forged = `${token.slice(0, -8)}AAAAAAAA`;
    strangers.send({ do: 'start', start: { ports: exchange.ports, token, account: VICTIM, forged, only, endAfterMs } });

    const measure = async (what: 'attack' | 'quiet', share: number): Promise<Window> => {
      strangers.send(what === 'attack' ? { do: 'attack' } : { do: 'burn', share });
      // What was open before is closed, and what comes is there.
      await sleep(1000);
      const window = await measureWindow(exchange, trader, strangers, windowMs);
      print(`${what.padEnd(6)} ${text(window)}`);
      return window;
    };
    let { share } = await measure('attack', 0);
    const before = memoryOf(exchange);
    const judge = new Judge(before);
    const until = performance.now() + minutes * 60_000;
    do {
      const quiet = await measure('quiet', share);
      const attack = await measure('attack', 0);
      ({ share } = attack);
      judge.take(quiet, attack);
    } while (performance.now() < until);
    const faults = (): string[] => [...judge.faults(), ...(strict ? judge.missed() : [])];
    for (let look = 1; look <= FURTHER_LOOKS && (faults().length > 0 || !judge.canJudge); look++) {
      print(`look ${look + 1}, because: ${faults().join('; ') || 'other processes disturbed the windows'}`);
      judge.again();
      const quiet = await measure('quiet', share);
      judge.take(quiet, await measure('attack', 0));
    }
    const answer = await fetch(`http://127.0.0.1:${exchange.ports.http}/metrics`);
    for (const line of (await answer.text()).match(/^openbell_(limited|newcomers_cut)_total.*$/gm) ?? []) print(line);
    print(`rounds: ${JSON.stringify(strangers.rounds)}`);
    print(judge.text());
    if (!judge.canJudge) print('waits were not judged: other processes used too much of the processor in every window');
    assert.equal(exchange.child.exitCode ?? exchange.child.signalCode, null, 'the exchange is still there');
    for (const [attacker, count] of Object.entries(strangers.rounds)) assert.ok(count > 0, `${attacker} did nothing`);
    for (const target of judge.missed()) print(`target missed: ${target}`);
    assert.deepEqual(faults(), []);
  } finally {
    for (const end of ended) await end();
  }
}

type Ending = () => Promise<unknown>;

/** Compares the windows, by the medians of what they measured, so that one disturbed window decides nothing. */
class Judge {
  readonly #memory: number;
  #quiet: Window[] = [];
  #attack: Window[] = [];
  #peak = 0;

  constructor(memory: number) {
    this.#memory = memory;
  }

  take(quiet: Window, attack: Window): void {
    this.#quiet.push(quiet);
    this.#attack.push(attack);
    this.#peak = Math.max(this.#peak, quiet.memory, attack.memory);
  }

  /** Whether waits can be judged: there are windows of both kinds that other processes did not disturb. */
  get canJudge(): boolean {
    return calm(this.#quiet).length > 0 && calm(this.#attack).length > 0;
  }

  /** Forgets what was measured, for a further look. */
  again(): void {
    this.#quiet = [];
    this.#attack = [];
  }

  /** Limits that are exceeded. */
  faults(): string[] {
    const growth = this.#peak - this.#memory;
    const grown = growth > MOST_GROWTH ? [`memory grew by ${growth.toFixed(0)} MiB, more than ${MOST_GROWTH}`] : [];
    if (!this.canJudge) return grown;
    const health = median(calm(this.#attack).map((window) => window.health));
    const slow = health > MOST_HEALTH ? [`health took ${health.toFixed(0)} ms, more than ${MOST_HEALTH}`] : [];
    return [...this.#waits(MOST_WAIT), ...slow, ...grown];
  }

  /** Targets that are missed. */
  missed(): string[] {
    if (!this.canJudge) return [];
    const p99 = (windows: readonly Window[]): number => median(calm(windows).map((window) => window.p99));
    const ratio = p99(this.#attack) / p99(this.#quiet);
    const times = ratio > TARGET_RATIO ? [`p99 is ${ratio.toFixed(1)} times that of quiet windows, more than ${TARGET_RATIO}`] : [];
    return [...times, ...this.#waits(TARGET_WAIT)];
  }

  #waits(most: number): string[] {
    const allowed = Math.max(most, TARGET_RATIO * Math.max(...calm(this.#quiet).map(({ worst }) => worst)));
    const worst = median(calm(this.#attack).map((window) => window.worst));
    return worst > allowed ? [`the worst wait of an order is ${worst.toFixed(0)} ms, more than ${allowed.toFixed(0)}`] : [];
  }

  text(): string {
    const of = (windows: readonly Window[], pick: (window: Window) => number) => median(windows.map(pick)).toFixed(2);
    const [quiet, attack] = [this.#quiet, this.#attack];
    return (
      `p99 ${of(quiet, ({ p99 }) => p99)} ms quiet, ${of(attack, ({ p99 }) => p99)} ms under attack; ` +
      `worst ${Math.max(...attack.map(({ worst }) => worst)).toFixed(1)} ms; health within ${Math.max(...attack.map(({ health }) => health)).toFixed(0)} ms; ` +
      `memory ${this.#memory.toFixed(0)} MiB before, ${this.#peak.toFixed(0)} at most`
    );
  }
}

/** Windows that other processes did not disturb. */
function calm(windows: readonly Window[]): Window[] {
  return windows.filter(({ foreign }) => foreign <= MOST_FOREIGN);
}

/** The attackers' process. */
class Strangers {
  readonly #child: ChildProcess;
  share = 0;
  readonly pid: number;
  rounds: StrangersReport['rounds'] = {};

  constructor() {
    this.#child = fork(new URL('support/strangers.ts', import.meta.url), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.pid = this.#child.pid ?? 0;
    this.#child.on('message', ({ share, rounds }: StrangersReport) => {
      this.share = share;
      this.rounds = rounds;
    });
  }

  send(request: StrangersRequest): void {
    this.#child.send(request);
  }

  end(): void {
    this.#child.disconnect();
  }
}

async function measureWindow(exchange: ExchangeProcess, trader: OpenbellClient, strangers: Strangers, windowMs: number): Promise<Window> {
  let over = false;
  const health: number[] = [];
  const shares: number[] = [];
  let memory = 0;
  const probes = (async () => {
    while (!over) {
      health.push(await probe(exchange.ports.http));
      memory = Math.max(memory, memoryOf(exchange));
      shares.push(strangers.share);
      await sleep(HEALTH_EVERY_MS);
    }
  })();
  const processes = [process.pid, strangers.pid, exchange.child.pid ?? 0];
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

/** Fills the book of BTC-USD around its reference price. */
async function fill({ orders }: OpenbellClient, count: number): Promise<void> {
  await orders.ready();
  const batch = new CommandBatch(1000);
  for (let i = 0; i < count; ) {
    for (; !batch.full && i < count; i++) {
      const away = 100_000 + 10 * ((i >> 1) % 10_000);
      const side = i % 2 === 0 ? Side.Buy : Side.Sell;
      batch.place(1, side, TimeInForce.GoodTillCancel, 6_000_000 + (side === Side.Buy ? -away : away), 1, i + 1);
    }
    orders.send(batch);
    // One order with an answer per batch: the account's reports are read as fast as they come.
    const { orderId } = await orders.place({ symbol: 'ETH-USD', side: 'buy', price: '2500.00', quantity: '0.01' });
    await orders.cancel({ symbol: 'ETH-USD', orderId });
  }
}

function client({ ports }: ExchangeProcess, account: number, token: string): Promise<OpenbellClient> {
  return connect({ grpcPort: ports.grpc, wsPort: ports.ws, httpPort: ports.http, account, token });
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
  return `p50 ${ms(p50)}  p99 ${ms(p99)}  worst ${ms(worst)}  health ${ms(health)}  memory ${memory.toFixed(0)} MiB  attackers ${(100 * share).toFixed(0)} % of a core, others ${(100 * foreign).toFixed(0)} % of the machine`;
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '10' },
      orders: { type: 'string', default: '20000' },
      window: { type: 'string', default: '5' },
      only: { type: 'string', default: '' },
      strict: { type: 'boolean', default: false },
    },
  });
  const { minutes, orders, window, only, strict } = values;
  await withstandStrangers({
    minutes: Number(minutes),
    orders: Number(orders),
    windowMs: Number(window) * 1000,
    only,
    strict,
    print: (line) => console.log(line),
  });
}
