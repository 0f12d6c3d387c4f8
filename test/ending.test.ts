/** The ways out of `openbell start`: no thread and no hanging main thread keeps the process. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { resolveLimits } from '../engine/limits.ts';
import { verifyDataDirectory } from '../engine/threads/verify.ts';
import { CLI, ExchangeProcess, openbellUnread } from './support/exchange-process.ts';
import { DiskFaults, noDiskFaults, Operation } from './support/faults/disk-faults.ts';

const END = fileURLToPath(new URL('../gateway/tools/cli/end.ts', import.meta.url));

const FIFOS = mkdtempSync(join(tmpdir(), 'openbell-ending-'));
after(() => rmSync(FIFOS, { recursive: true, force: true }));
const FIFO = join(FIFOS, 'fifo');
spawnSync('mkfifo', [FIFO]);

/** A thread that `process.exit` would wait for without end: in a system call, as one is inside a transaction of LMDB. */
const THREAD = `
  import { Worker } from 'node:worker_threads';
  const code = 'require("node:worker_threads").parentPort.postMessage(0); require("node:fs").openSync(' + ${JSON.stringify(JSON.stringify(FIFO))} + ', "r")';
  const worker = new Worker(code, { eval: true, execArgv: [] });
  await new Promise((resolve) => worker.once('message', resolve));
  await new Promise((resolve) => setTimeout(resolve, 50));
`;

function run(code: string): { readonly status: number | null; readonly signal: NodeJS.Signals | null; readonly stderr: string } {
  const text = `import { endNow, endWithin } from ${JSON.stringify(END)};\n${THREAD}\n${code}`;
  return spawnSync(process.execPath, ['--input-type=module', '-e', text], { encoding: 'utf8', timeout: 300_000, killSignal: 'SIGTERM' });
}

describe('the end of the process', { timeout: 300_000 }, () => {
  it('joins no thread, and has the exit code', () => {
    for (const code of [0, 1, 2, 130, 143]) {
      const { status, stderr } = run(`endNow(${code})`);
      assert.deepEqual([status, stderr], [code, '']);
    }
  });

  it('comes in time with the code when something is awaited for ever', () => {
    const { status, stderr } = run(
      'endWithin(60_000, 143); endWithin(300, 1); await new Promise(() => setInterval(() => undefined, 1000));',
    );
    assert.equal(status, 1);
    assert.match(stderr, /did not end by itself within 0\.3 s/);
  });

  it('comes by SIGKILL, from a thread, when the main thread hangs', () => {
    const { status, signal, stderr } = run('endWithin(300, 1); for (;;);');
    assert.deepEqual([status, signal], [null, 'SIGKILL']);
    assert.match(stderr, /it hangs, and ends itself by SIGKILL/);
  });
});

describe('an end of the exchange', { timeout: 300_000 }, () => {
  function directory(t: TestContext): string {
    const dir = mkdtempSync(join(tmpdir(), 'openbell-ending-'));
    t.after(() => rmSync(dir, { recursive: true, force: true }));
    return join(dir, 'data');
  }

  for (const topology of ['compact', 'pinned'])
    it(`by a second signal under load: at once, and nothing is lost: ${topology}`, async (t) => {
      const data = directory(t);
      const exchange = await ExchangeProcess.start(data, ['--simulate', '--topology', topology]);
      t.after(() => exchange.child.kill('SIGKILL'));
      // The history writes by now.
      while (readFileSync(join(data, 'history', 'data.mdb')).length < 100_000) await new Promise((resolve) => setTimeout(resolve, 20));
      const exited = once(exchange.child, 'exit');
      exchange.child.kill('SIGTERM');
      while (!exchange.stderr.includes('stopping')) await once(exchange.child.stderr as NodeJS.ReadableStream, 'data');
      exchange.child.kill('SIGINT');
      const [code, signal] = await exited;
      assert.equal(signal, null);
      // Unless the first was quicker.
      assert.ok(code === 130 || code === 0, `${code}`);
      assert.deepEqual(verifyDataDirectory(data, { limits: resolveLimits() }).imbalances, []);
    });

  it('by an error that nothing handles: it is logged, with exit code 1', async (t) => {
    const data = directory(t);
    const thrown = 'data:text/javascript,process.once("SIGUSR2", () => { throw new Error("unforeseen"); })';
    const exchange = await ExchangeProcess.start(data, [], undefined, [process.execPath, '--import', thrown, CLI]);
    t.after(() => exchange.child.kill('SIGKILL'));
    assert.equal(await exchange.end('SIGUSR2'), 1);
    assert.match(exchange.stderr, /"level":"fatal".*unforeseen/);
  });

  for (const topology of ['compact', 'pinned'])
    it(`while the disk is full: not later than that is certain, with exit code 1: ${topology}`, {
      skip: noDiskFaults() ?? false,
    }, async (t) => {
      const data = directory(t);
      const disk = new DiskFaults(data);
      t.after(() => disk.close());
      const args = ['--simulate', '--topology', topology];
      const exchange = await ExchangeProcess.start(data, args, undefined, [...disk.prefix, process.execPath, CLI]);
      t.after(() => exchange.child.kill('SIGKILL'));
      disk.arm({ kind: 'ENOSPC', operations: Operation.Write, times: -1, only: 'log-' });
      const ready = `http://127.0.0.1:${exchange.ports.http}/health/ready`;
      while (!(await (await fetch(ready)).text()).includes('disk-full')) await new Promise((resolve) => setTimeout(resolve, 20));
      assert.equal(await exchange.end('SIGTERM'), 1);
      assert.match(exchange.stderr, /^openbell: DISK_FULL: The disk is full: commands from \d+ on are not durable/m);
      assert.deepEqual(verifyDataDirectory(data, { limits: resolveLimits() }).imbalances, []);
    });

  it('during a start that fails: with the error, exit code 1 and no lock', () => {
    const data = join(mkdtempSync(join(tmpdir(), 'openbell-ending-')), 'data');
    const blocker = spawnSync(process.execPath, [CLI, 'start', '--data', data, '--http-port', '0', '--ws-port', '0', '--grpc-port', '1'], {
      encoding: 'utf8',
      timeout: 300_000,
      env: { ...process.env, OPENBELL_HOST: '192.0.2.1' },
    });
    assert.notEqual(blocker.status, null);
    assert.notEqual(blocker.status, 0);
    assert.match(blocker.stderr, /^openbell: /m);
    assert.equal(existsSync(join(data, 'lock')), false);
    rmSync(join(data, '..'), { recursive: true });
  });
});

describe('commands whose output has no reader', { timeout: 300_000 }, () => {
  it('end quietly, with the exit code that they have otherwise', async (t) => {
    const dir = mkdtempSync(join(tmpdir(), 'openbell-unread-'));
    const data = join(dir, 'data');
    const exchange = await ExchangeProcess.start(data, ['--simulate']);
    t.after(async () => {
      await exchange.end('SIGKILL');
      rmSync(dir, { recursive: true, force: true });
    });
    const quiet = async (...args: string[]) => {
      const { code, stderr } = await openbellUnread(args);
      // A replay of more than a second reports its progress.
      assert.deepEqual([code, stderr.replace(/^replaying: .*\n/gm, '')], [0, ''], args.join(' '));
    };
    const { flags } = exchange;
    await quiet('order', 'buy', '0.5', 'BTC-USD', '100.00', ...flags);
    for (const command of [
      'account 1',
      'account 1 --json',
      'book BTC-USD',
      'book BTC-USD --once',
      'trades BTC-USD',
      'trades BTC-USD --follow',
      'health',
      'snapshot',
    ])
      await quiet(...command.split(' '), ...flags);
    // A reject stays one.
    assert.equal((await openbellUnread(['cancel', 'BTC-USD', '999999999', ...flags])).code, 1);
    assert.equal(await exchange.end('SIGTERM'), 0);
    for (const command of ['verify', 'log', 'log --json', 'repair --cut']) {
      const [name, ...rest] = command.split(' ');
      await quiet(name, data, ...rest);
    }
    await quiet('audit', 'verify', data);
    await quiet('audit', 'export', data);
    const key = join(dir, 'key.pem');
    for (const args of [['--help'], ['start', '--help'], ['--version'], ['dev-token', '--key', key, '--subject', 'x', '--roles', 'trader']])
      await quiet(...args);
    assert.ok([0, 1].includes((await openbellUnread(['doctor', '--data', dir])).code ?? -1));
    // The damage is found without a reader, too.
    const [log] = readdirSync(data).filter((name) => name.startsWith('log-'));
    rmSync(join(data, log));
    assert.notEqual((await openbellUnread(['verify', data])).code, 0);
    const [trail] = readdirSync(join(data, 'audit')).filter((name) => name.endsWith('.jsonl'));
    writeFileSync(join(data, 'audit', trail), readFileSync(join(data, 'audit', trail), 'utf8').replace('"no":2', '"no":3'));
    assert.equal((await openbellUnread(['audit', 'verify', data])).code, 1);
  });
});
