/** A log or an output that cannot be written: lines may be lost, never the exchange, and a command ends as it would. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, existsSync, mkdtempSync, openSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ExchangeProcess } from './support/exchange-process.ts';
import { RawWebSocket } from './support/raw-websocket.ts';

const CLI = fileURLToPath(new URL('../dist/gateway/cli.js', import.meta.url));
const LOG = fileURLToPath(new URL('../gateway/log.ts', import.meta.url));

function directory(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'openbell-log-output-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** `openbell start` whose standard error is `where`, in the words of the shell. */
const withErrors = (where: string): string[] => ['sh', '-c', `exec "$0" "$@" ${where}`, process.execPath, CLI];

/** A shell's words for a standard error whose reader has ended. */
const CLOSED_PIPE = '2> >(true)';

/** A pipe of the kernel. The reader opens first, without waiting, and reads when it has a listener. */
function pipeIn(dir: string): { readonly reader: Socket; readonly writer: number } {
  const path = join(dir, 'fifo');
  spawnSync('mkfifo', [path]);
  const reader = new Socket({ fd: openSync(path, constants.O_RDONLY | constants.O_NONBLOCK), readable: true, writable: false });
  return { reader, writer: openSync(path, constants.O_WRONLY) };
}

async function metric(exchange: ExchangeProcess, name: string): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${exchange.ports.http}/metrics`);
  return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(await response.text())?.[1]);
}

describe('standard error that cannot be written', { timeout: 300_000 }, () => {
  const broken: readonly (readonly [string, readonly string[]])[] = [
    ['on a full disk', withErrors('2>/dev/full')],
    ['into a closed pipe', ['bash', '-c', `exec "$0" "$@" ${CLOSED_PIPE}`, process.execPath, CLI]],
    ['closed', withErrors('2>&-')],
  ];
  for (const [name, program] of broken)
    it(`${name}: the exchange runs, counts the lost lines, and stops with its final snapshot`, async (t) => {
      const dir = directory(t);
      const jwks = join(dir, 'jwks.json');
      writeFileSync(jwks, '{"keys":[]}');
      const auth = ['--auth-jwks', jwks, '--auth-issuer', 'test', '--auth-audience', 'openbell'];
      const data = join(dir, 'data');
      const exchange = await ExchangeProcess.start(data, auth, undefined, program);
      t.after(() => exchange.child.kill('SIGKILL'));
      // Each is logged; one was enough to end the exchange.
      for (let i = 0; i < 3; i++)
        assert.match((await RawWebSocket.open(exchange.ports.ws, { path: '/v1/orders?account=1' })).status, / 401 /);
      const health = await fetch(`http://127.0.0.1:${exchange.ports.http}/health/ready`);
      assert.equal(health.status, 200);
      // Node opens a closed descriptor as /dev/null, where nothing is lost.
      if (name !== 'closed') assert.ok((await metric(exchange, 'openbell_log_lines_lost_total')) > 0);
      assert.equal(await exchange.end('SIGTERM'), 0);
      assert.ok(
        readdirSync(data).some((file) => file.startsWith('snapshot-')),
        'no final snapshot',
      );
      assert.equal(existsSync(join(data, 'lock')), false);
    });

  for (const kind of ['socket', 'pipe'] as const)
    it(`without a reader, a ${kind}: lines wait, then are lost and counted; a line reports them when there is one again`, async (t) => {
      const code = `
      import { createLogger } from ${JSON.stringify(LOG)};
      const log = createLogger('info');
      for (let i = 0; i < 20000; i++) log.info({ i }, 'a line without a reader yet, about a hundred bytes long with its time');
      process.send?.('written');
      process.on('SIGUSR2', () => { log.info('last'); setTimeout(() => process.exit(0), 300); });
      setInterval(() => undefined, 1000);
    `;
      // Node gives a child a socket, a shell a pipe.
      const fifo = kind === 'pipe' ? pipeIn(directory(t)) : undefined;
      const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
        stdio: ['ignore', 'ignore', fifo?.writer ?? 'pipe', 'ipc'],
      });
      t.after(() => child.kill('SIGKILL'));
      if (fifo !== undefined) {
        closeSync(fifo.writer);
        t.after(() => fifo.reader.destroy());
      }
      await once(child, 'message');
      let text = '';
      (fifo?.reader ?? child.stderr)?.on('data', (bytes: Buffer) => {
        text += bytes;
      });
      while (!text.includes('are lost')) await sleep(20);
      child.kill('SIGUSR2');
      await once(child, 'exit');
      const lines = text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { lost?: number; i?: number });
      const lost = lines.reduce((sum, line) => sum + (line.lost ?? 0), 0);
      const whole = lines.filter((line) => line.i !== undefined).length;
      assert.ok(lost > 0 && whole > 1000, `${whole} lines, ${lost} lost`);
      assert.equal(whole + lost, 20_000);
    });
});

describe('standard output that cannot be written', { timeout: 300_000 }, () => {
  it('on a full disk the exchange runs and stops', async (t) => {
    const data = join(directory(t), 'data');
    const ports = ['--grpc-port', '0', '--ws-port', '0', '--http-port', '0'];
    const [command, ...args] = [...withErrors('>/dev/full'), 'start', '--data', data, ...ports];
    const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    t.after(() => child.kill('SIGKILL'));
    let stderr = '';
    child.stderr.on('data', (bytes: Buffer) => {
      stderr += bytes;
    });
    while (!stderr.includes('exchange ready')) await sleep(20);
    child.kill('SIGTERM');
    assert.deepEqual(await once(child, 'exit'), [0, null]);
    assert.doesNotMatch(stderr, /ENOSPC|at .*\.js:/);
  });

  it('a command says so in one line, and fails', () => {
    const [command, ...args] = [...withErrors('>/dev/full'), 'log', '--help'];
    const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
    assert.equal(status, 1);
    assert.equal(stderr, 'openbell: the output cannot be written: ENOSPC: no space left on device, write\n');
  });
});
