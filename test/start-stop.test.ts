/** A stop during the start of the exchange: it takes effect at any time and leaves no trace. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type WrittenLog, writeLog } from '../bench/recovery/write-log.ts';
import { freePort } from '../bench/suite/free-port.ts';
import type { CommandFields } from '../engine/machine/command.ts';
import { Engine } from '../engine/threads/engine.ts';
import type { Topology } from '../engine/threads/engine-options.ts';
import { CommandKind, Report, Side } from '../engine/wire/layout.ts';
import { History } from '../gateway/taps/history/history.ts';
import { accountReports } from '../gateway/taps/history/queries.ts';
import { openHistory, readWatermark } from '../gateway/taps/history/store.ts';
import { ENGINE_LIMITS, RunningEngine, venue } from './support/engine-fixture.ts';
import { openbell } from './support/exchange-process.ts';
import { times } from './support/long-runs.ts';

const CLI = fileURLToPath(new URL('../dist/gateway/cli.js', import.meta.url));
/** Long enough for a recovery of seconds, even on an idle, fast machine. */
const LONG = 2_000_000;
const TOPOLOGIES: readonly Topology[] = ['compact', 'pinned'];
const PID_1 = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child'];

async function logIn(dir: string, commands: number): Promise<WrittenLog> {
  mkdirSync(dir);
  const written = await writeLog(dir, commands, () => undefined);
  rmSync(written.snapshot);
  return written;
}

/** Process 1 is the child of `unshare`, which itself would just end. */
function signalTo(child: ChildProcess, wrapped: boolean, signal: NodeJS.Signals): void {
  const { pid = 0 } = child;
  process.kill(wrapped ? Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()) : pid, signal);
}

describe('a stop while a long log is replayed', { timeout: 300_000 }, () => {
  const base = mkdtempSync(join(tmpdir(), 'openbell-start-stop-'));
  const data = join(base, 'data');
  let written: WrittenLog;
  before(async () => {
    written = await logIn(data, LONG);
  });
  after(() => rmSync(base, { recursive: true, force: true }));

  async function stopped(t: TestContext, topology: Topology, before: readonly string[] = [], when = 300): Promise<void> {
    const ports = ['--grpc-port', '0', '--ws-port', '0', '--http-port', '0'];
    const [command, ...args] = [...before, process.execPath, CLI, 'start', '--data', data, '--topology', topology, ...ports];
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    t.after(() => child.kill('SIGKILL'));
    const ended = once(child, 'exit');
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (bytes: Buffer) => {
        output += bytes;
      });
    }
    while (!existsSync(join(data, 'lock'))) await sleep(5);
    await sleep(when);
    assert.doesNotMatch(output, /exchange ready/, 'the log is too short for this machine');
    signalTo(child, before.length > 0, 'SIGTERM');
    const [code] = await ended;
    assert.equal(code, 0, output);
    assert.match(output, /stopping; repeat to end at once\n[\s\S]*openbell: stopped before it was ready; nothing is lost/);
    assert.doesNotMatch(output, /"level":"(error|fatal)"/);
    assert.equal(existsSync(join(data, 'lock')), false, 'the lock exists');
  }

  for (const topology of TOPOLOGIES) {
    it(`ends at once, with 0: ${topology}`, (t) => stopped(t, topology));
    it(`the same as process 1, which only a signal handler can end: ${topology}`, async (t) => {
      const { status, error, stderr } = spawnSync(PID_1[0], [...PID_1.slice(1), 'true'], { encoding: 'utf8' });
      if (status !== 0) return t.skip(`SKIPPED: no process namespace here (root?): ${error?.message ?? stderr.trim()}`);
      await stopped(t, topology, PID_1);
      await stopped(t, topology, PID_1, 0);
    });
  }

  for (const topology of TOPOLOGIES)
    it(`a probe is answered meanwhile: live, and not ready: ${topology}`, async (t) => {
      const port = await freePort();
      const ports = ['--grpc-port', '0', '--ws-port', '0', '--http-port', String(port)];
      const child = spawn(process.execPath, [CLI, 'start', '--data', data, '--topology', topology, ...ports], { stdio: 'ignore' });
      t.after(() => child.kill('SIGKILL'));
      const ended = once(child, 'exit');
      const ask = async (path: string) => {
        const answer = await fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(1000) });
        return [answer.status, await answer.text()] as const;
      };
      for (let up = false; !up; await sleep(5))
        up = await ask('/health/live').then(
          () => true,
          () => false,
        );
      for (let i = 0; i < 5; i++) {
        assert.equal((await ask('/health/live'))[0], 200);
        const [status, text] = await ask('/health/ready');
        assert.deepEqual([status, JSON.parse(text).reasons], [503, ['recovering']]);
      }
      child.kill('SIGTERM');
      assert.deepEqual(await ended, [0, null]);
    });

  it('a second signal ends it immediately', async (t) => {
    const child = spawn(process.execPath, [CLI, 'start', '--data', data], { stdio: ['ignore', 'ignore', 'pipe'] });
    t.after(() => child.kill('SIGKILL'));
    while (!existsSync(join(data, 'lock'))) await sleep(5);
    child.kill('SIGTERM');
    await once(child.stderr, 'data');
    child.kill('SIGTERM');
    const [code] = await once(child, 'exit');
    // Unless the first was quicker.
    assert.ok(code === 143 || code === 0, `${code}`);
  });

  it('the log is unchanged', async () => {
    const { stdout, stderr } = await openbell(['verify', data, '--json']);
    assert.equal(JSON.parse(stdout).stateHash, written.hash, stderr);
    assert.deepEqual(
      readdirSync(data).filter((name) => name.startsWith('torn')),
      [],
    );
  });
});

/** One account's orders rest, and one command of the other's trades with them all. */
function* sweeps(count: number, depth: number): Generator<CommandFields> {
  for (let sweep = 0; sweep < count; sweep++) {
    const order = { kind: CommandKind.New, symbol: 1, price: 10_000 };
    for (let i = 1; i <= depth; i++) yield { ...order, account: 1, clientOrderId: sweep * depth + i, side: Side.Sell, quantity: 1 };
    yield { ...order, account: 2, clientOrderId: sweep + 1, side: Side.Buy, quantity: depth };
  }
}

describe('history after interrupted recoveries', { timeout: 300_000 }, () => {
  const base = mkdtempSync(join(tmpdir(), 'openbell-start-stop-'));
  after(() => rmSync(base, { recursive: true, force: true }));
  before(async () => {
    mkdirSync(join(base, 'log'));
    const exchange = await RunningEngine.start({ dir: join(base, 'log'), topology: 'compact' });
    for (const command of [...venue(2), ...sweeps(2, 3000)]) while (!exchange.send(command)) await sleep(1);
    await exchange.stop(false);
  });

  /** What the history has in the end; undefined: the recovery was given up. */
  async function recover(dir: string, topology: Topology, signal?: AbortSignal): Promise<Buffer | undefined> {
    // A small ring: reports of one command are in and outside of it when the recovery is given up.
    const limits = { ...ENGINE_LIMITS, commandRing: 64, reportRing: 256 };
    const engine = new Engine({ dir, topology, historySeq: await readWatermark(dir), limits, signal });
    engine.onReports({ onReport: () => undefined, onReportsEnd: () => undefined });
    engine.onMarket({ onMarketEvent: () => undefined, onMarketEnd: () => undefined });
    const history = await History.start({
      dataDir: dir,
      reports: engine.tap('reports', 'history'),
      durable: engine.durable,
      applied: engine.applied,
    });
    try {
      await engine.start();
    } catch (error) {
      assert.equal(error, signal?.reason);
      await history.stop();
      return undefined;
    }
    await engine.stop({ snapshot: false });
    await history.stop();
    const store = openHistory(dir, true);
    const pages: Uint8Array[] = [];
    for (const account of [1, 2]) {
      for (let no = 1, page = accountReports(store, account, no, 1000); page.length > 0; page = accountReports(store, account, no, 1000)) {
        // The page is valid until the next one is read.
        pages.push(page.slice());
        no += page.length / Report.bytes;
      }
    }
    await store.root.close();
    return Buffer.concat(pages);
  }

  for (const topology of TOPOLOGIES) {
    it(`has every report, once: ${topology}`, async () => {
      const [whole, torn] = ['whole', 'torn'].map((name) => join(base, `${name}-${topology}`));
      for (const dir of [whole, torn]) cpSync(join(base, 'log'), dir, { recursive: true });
      const from = performance.now();
      const expected = await recover(whole, topology);
      // A part of what a whole recovery takes on this machine.
      const step = (performance.now() - from) / times(6, 12);
      assert.ok(expected !== undefined && expected.length > 10_000 * Report.bytes);
      let given = 0;
      for (let ms = step; ; ms += step) {
        const stop = new AbortController();
        const timer = setTimeout(() => stop.abort(), ms);
        const reports = await recover(torn, topology, stop.signal);
        clearTimeout(timer);
        if (reports === undefined) given++;
        else {
          assert.ok(reports.equals(expected), `${reports.length / Report.bytes} reports of ${expected.length / Report.bytes}`);
          break;
        }
      }
      assert.ok(given > 0, 'it was never given up');
    });
  }
});
