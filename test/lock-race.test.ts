/** Processes that start at once on a directory whose last process has ended: one of them gets the lock, at each order of their steps. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { DataLock, lockHolder } from '../engine/journal/data-lock.ts';
import { temporaryDirectory } from './support/journal-log.ts';

/** More than any action takes. */
const ALL = 1000;

class Starter {
  readonly child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  /** What it said last. */
  said = '';

  constructor() {
    const script = fileURLToPath(new URL('support/lock-starter.ts', import.meta.url));
    this.child = spawn(process.execPath, [...process.execArgv, script], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface({ input: this.child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  }

  async hear(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error('the process has ended');
    this.said = value;
    return value;
  }

  tell(line: string): Promise<string> {
    this.child.stdin?.write(`${line}\n`);
    return this.hear();
  }

  /** Continues what is stopped, if it is. */
  async finish(): Promise<string> {
    return this.said === 'stopped' ? await this.tell(`go ${ALL}`) : this.said;
  }
}

const starters = Array.from({ length: 4 }, () => new Starter());
const [a, b, c] = starters;
before(() => Promise.all(starters.map((starter) => starter.hear())));
after(() => {
  for (const { child } of starters) child.kill('SIGKILL');
});

/** Text of the lock of a process that has ended. */
function staleText(dir: string): string {
  const probe = DataLock.acquire(dir);
  const mine = readFileSync(join(dir, 'lock'), 'utf8');
  probe.release();
  return JSON.stringify({ ...JSON.parse(mine), started: '1' });
}

const LEFT: readonly (readonly string[])[] = [['lock'], ['lock', 'lock.takeover'], ['lock', 'lock.takeover', 'lock.takeover.takeover']];

/** Exactly one holds the lock; it releases it, and nothing is left. */
async function oneHolds(dir: string, among: readonly Starter[], when: string): Promise<void> {
  const holders = among.filter(({ said }) => said === 'held');
  const others = among.filter(({ said }) => said !== 'held');
  assert.deepEqual([holders.length, ...others.map(({ said }) => said)], [1, ...others.map(() => 'locked')], when);
  assert.equal(lockHolder(dir), holders[0].child.pid, when);
  assert.equal(await holders[0].tell(`release ${ALL}`), 'released');
  assert.deepEqual(readdirSync(dir), [], when);
}

// A third level would only repeat what the second one shows.
for (const left of LEFT.slice(0, 2))
  test(`two starters, each stopped at each of its steps; left behind: ${left.join(', ')}`, async (t) => {
    const dir = temporaryDirectory(t);
    const stale = staleText(dir);
    let schedules = 0;
    for (let first = 0, stopped = true; stopped; first++) {
      for (let second = 0, between = true; between; second++, schedules++) {
        for (const name of left) writeFileSync(join(dir, name), stale);
        stopped = (await a.tell(`acquire ${dir} ${first}`)) === 'stopped';
        between = (await b.tell(`acquire ${dir} ${second}`)) === 'stopped';
        await a.finish();
        await b.finish();
        await oneHolds(dir, [a, b], `a stops after ${first} steps, b after ${second}`);
      }
    }
    assert.ok(schedules > 30, `${schedules} schedules`);
  });

test('a holder that releases its lock while two others start', async (t) => {
  const dir = temporaryDirectory(t);
  for (let first = 0, stopped = true; stopped; first++) {
    for (let second = 0, again = true; again; second++) {
      const when = `b stops after ${first} steps, c starts after ${second} more`;
      assert.equal(await a.tell(`acquire ${dir} ${ALL}`), 'held');
      stopped = (await b.tell(`acquire ${dir} ${first}`)) === 'stopped';
      await a.tell(`release ${ALL}`);
      again = b.said === 'stopped' && (second === 0 || (await b.tell(`go ${second}`)) === 'stopped');
      await c.tell(`acquire ${dir} ${ALL}`);
      await b.finish();
      // b may have found the lock of a: then c alone holds it.
      await oneHolds(dir, [b, c], when);
    }
  }
});

test('many starters at once on what ended processes have left', async (t) => {
  const dir = temporaryDirectory(t);
  const stale = staleText(dir);
  for (let round = 0; round < 60; round++) {
    for (const name of LEFT[round % LEFT.length]) writeFileSync(join(dir, name), stale);
    await Promise.all(starters.map((starter) => starter.tell(`acquire ${dir} ${ALL}`)));
    await oneHolds(dir, starters, `round ${round}`);
  }
  rmSync(dir, { recursive: true });
});
