/**
 * Kills the running exchange at random moments under load and checks what is
 * there afterwards. `npm run test:crash -- --cycles 100 --seed 7`
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { resolveLimits } from '../engine/limits.ts';
import { type Verification, verifyDataDirectory } from '../engine/threads/verify.ts';
import { Prng } from '../feeds/simulator/prng.ts';
import { auditOpenOrders, auditReports } from './support/crash-audit.ts';
import { CrashClient, field } from './support/crash-client.ts';
import { CrashOperator } from './support/crash-operator.ts';
import { ExchangeProcess } from './support/exchange-process.ts';

const ACCOUNTS = [1, 2, 3, 4];
const TOPOLOGIES = ['compact', 'pinned'] as const;
const DURABILITIES = ['durable', 'fast'] as const;
/** A recovered exchange that gets no command is stopped, and its state compared, in so many cycles of a thousand. */
const STOP_AT_ONCE = 200;
const KILL_WHILE_STARTING = 250;
const SNAPSHOT = 400;
const OPERATE = 600;
/** Attempts to read an account's orders while nothing ends meanwhile. */
const ATTEMPTS = 20;
const ATTEMPT_MS = 50;

export interface CrashOptions {
  readonly cycles: number;
  readonly seed: number;
  readonly print: (line: string) => void;
}

/** One data directory, whose exchange is killed repeatedly, and its traders. */
class Market {
  readonly topology: (typeof TOPOLOGIES)[number];
  readonly durability: (typeof DURABILITIES)[number];
  readonly clients: readonly CrashClient[];
  readonly #dir: string;
  readonly #prng: Prng;
  #process: ExchangeProcess | undefined;

  constructor(dir: string, topology: Market['topology'], durability: Market['durability'], seed: number) {
    this.#dir = dir;
    this.topology = topology;
    this.durability = durability;
    this.#prng = new Prng(seed);
    this.clients = ACCOUNTS.map((account) => new CrashClient(account, new Prng(seed * 10 + account)));
  }

  /** Load, kill, inspect the log, recover, compare. Returns the text to print. */
  async cycle(): Promise<string> {
    const prng = this.#prng;
    const exchange = this.#process ?? (await this.#open());
    const loadMs = prng.between(30, 400);
    let over = false;
    const loads = this.clients.map((client) => client.load(() => over));
    const operator = new CrashOperator(exchange, prng);
    const snapshot = prng.chance(SNAPSHOT) ? sleep(prng.below(loadMs)).then(() => operator.takeSnapshot()) : undefined;
    const operation = prng.chance(OPERATE) ? operator.act(loadMs) : undefined;
    await sleep(loadMs);
    await this.#kill();
    over = true;
    await Promise.all([...loads, snapshot, operation]);
    for (const client of this.clients) await client.close();

    const log = this.#verify(false);
    const lost = this.clients.flatMap((client) => client.cutAfter(log.seq));
    if (this.durability === 'durable')
      assert.equal(lost.length, 0, `${lost.length} reports of commands behind ${log.seq} were sent, and are not in the log`);
    if (prng.chance(KILL_WHILE_STARTING)) await this.#killWhileStarting();
    if (prng.chance(STOP_AT_ONCE)) await this.#compareRecovered(log);

    const { compared, unanswered, answered } = await this.#compareReports();
    const open = await this.#compareOpenOrders();
    return `log ${log.seq}, ${compared} reports the same, ${open} open orders as acknowledged, ${lostText(lost)}, ${unanswered} unanswered and ${answered} answered orders sent again`;
  }

  /** All reports once more from the first, the whole story, and money. */
  async finish(): Promise<string> {
    const exchange = this.#process ?? (await this.#start());
    for (const client of this.clients) {
      await client.close();
      const { compared } = client;
      const known = client.reports.length;
      await client.open(exchange, 0);
      await client.fence();
      assert.ok(client.compared - compared >= known, 'all reports came again');
    }
    for (const client of this.clients) await client.close();
    assert.equal(await exchange.end('SIGTERM'), 0, exchange.stderr);
    this.#process = undefined;
    const trades = auditReports(this.clients);
    assert.ok(trades > 0, 'nothing traded');
    const log = this.#verify(false);
    assert.equal(this.#verify(true).stateHash, log.stateHash, 'the state that was recovered is that of a clean replay');
    return `${trades} trades, ${this.clients.reduce((sum, { reports }) => sum + reports.length, 0)} reports, state ${log.stateHash.slice(0, 12)}`;
  }

  async end(): Promise<void> {
    await this.#kill();
  }

  async #start(): Promise<ExchangeProcess> {
    this.#process = await ExchangeProcess.start(this.#dir, [
      '--topology',
      this.topology,
      '--durability',
      this.durability,
      '--log-level',
      'warn',
    ]);
    return this.#process;
  }

  async #open(): Promise<ExchangeProcess> {
    const exchange = await this.#start();
    for (const client of this.clients) await client.open(exchange, client.reports.length);
    await new CrashOperator(exchange, this.#prng).begin();
    return exchange;
  }

  async #kill(): Promise<void> {
    await this.#process?.end('SIGKILL');
    this.#process = undefined;
  }

  /** Recovery itself may be killed. */
  async #killWhileStarting(): Promise<void> {
    const abort = new AbortController();
    const starting = ExchangeProcess.start(this.#dir, ['--topology', this.topology, '--durability', this.durability], abort.signal);
    const timer = setTimeout(() => abort.abort(), this.#prng.between(100, 700));
    try {
      this.#process = await starting;
    } catch (error) {
      if (!abort.signal.aborted) throw error;
    }
    clearTimeout(timer);
    await this.#kill();
  }

  /** The state that a start recovers, written by the stop as a snapshot, is the log's. */
  async #compareRecovered(log: Verification): Promise<void> {
    const exchange = await this.#start();
    assert.equal(await exchange.end('SIGTERM'), 0, exchange.stderr);
    this.#process = undefined;
    const recovered = this.#verify(true);
    assert.equal(recovered.replayed, 0, 'the stop wrote a snapshot of all');
    // Orders that came to their end meanwhile are ended by ticks.
    const replayed = this.#verify(false);
    assert.ok(replayed.seq >= log.seq, `the log ends with ${replayed.seq}, and ended with ${log.seq} before`);
    assert.deepEqual([recovered.seq, recovered.stateHash], [replayed.seq, replayed.stateHash], 'recovered state against a clean replay');
  }

  async #compareReports(): Promise<{ compared: number; unanswered: number; answered: number }> {
    const exchange = await this.#start();
    const sum = { compared: 0, unanswered: 0, answered: 0 };
    for (const client of this.clients) {
      const seen = this.#prng.chance(300) ? 0 : this.#prng.between(0, client.reports.length);
      const known = client.reports.length;
      const { compared } = client;
      await client.open(exchange, seen);
      await client.fence();
      assert.ok(client.compared - compared >= known - seen, `account ${client.account}: reports ${seen + 1} to ${known} came again`);
      const again = await client.sendAgain();
      sum.compared += client.compared - compared;
      sum.unanswered += again.unanswered;
      sum.answered += again.answered;
    }
    return sum;
  }

  /** Every stop, quote, list and other order that was acknowledged and has not ended is there, with its terms. Then the market opens again. */
  async #compareOpenOrders(): Promise<number> {
    const exchange = this.#process as ExchangeProcess;
    const operator = new CrashOperator(exchange, this.#prng);
    let count = 0;
    for (const client of this.clients)
      for (let attempt = 1; ; attempt++) {
        const viewed = await operator.openOrders(client.account);
        await client.fence();
        try {
          count += auditOpenOrders(client, viewed);
          break;
        } catch (error) {
          // An end in time may have come between the two.
          if (attempt === ATTEMPTS) throw error;
          await sleep(ATTEMPT_MS);
        }
      }
    await operator.resume();
    return count;
  }

  #verify(fromSnapshot: boolean): Verification {
    const result = verifyDataDirectory(this.#dir, { limits: resolveLimits(), fromSnapshot });
    assert.deepEqual(result.imbalances, [], 'money is conserved');
    return result;
  }
}

/** How much mode `fast` lost: reports that had left, and how long before the kill the log ends. */
function lostText(lost: readonly Int32Array[]): string {
  if (lost.length === 0) return 'none lost';
  const times = lost.map(field.timeUs);
  const spanMs = times.reduce((a, b) => Math.max(a, b)) / 1000 - times.reduce((a, b) => Math.min(a, b)) / 1000;
  return `${lost.length} of the last ${spanMs.toFixed(0)} ms lost`;
}

/** Kills `cycles` times, in turn over both topologies and both durabilities. @throws AssertionError at the first thing that is not as it must be */
export async function crash({ cycles, seed, print }: CrashOptions): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'openbell-crash-'));
  const began = performance.now();
  const kinds = TOPOLOGIES.flatMap((topology) => DURABILITIES.map((durability) => ({ topology, durability }))).slice(0, cycles);
  let done = 0;
  for (const [i, { topology, durability }] of kinds.entries()) {
    const market = new Market(join(root, `${topology}-${durability}`), topology, durability, seed * 10 + i);
    try {
      for (let left = Math.floor((cycles + i) / kinds.length); left > 0; left--) {
        const result = await market.cycle();
        print(`cycle ${++done}/${cycles} ${topology} ${durability}: ${result} (${((performance.now() - began) / 1000).toFixed(0)} s)`);
      }
      print(`end ${topology} ${durability}: ${await market.finish()}`);
    } catch (error) {
      print(`failed with --seed ${seed}; the data is left in ${root}`);
      throw error;
    } finally {
      await market.end();
    }
  }
  rmSync(root, { recursive: true });
}

if (process.argv[1] === import.meta.filename) {
  const { values } = parseArgs({
    options: { cycles: { type: 'string', default: '25' }, seed: { type: 'string', default: String(Date.now() % 1_000_000) } },
  });
  const cycles = Number(values.cycles);
  const seed = Number(values.seed);
  assert.ok(
    Number.isSafeInteger(cycles) && cycles > 0 && Number.isSafeInteger(seed) && seed >= 0,
    'usage: test:crash [--cycles N] [--seed S]',
  );
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  print(`${cycles} cycles, seed ${seed}`);
  await crash({ cycles, seed, print });
  print('every acknowledged order and fill was there, and nothing twice');
}
