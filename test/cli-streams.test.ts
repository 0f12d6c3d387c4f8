/** Commands that print without end: into a pipe that is closed or not read, and when the connection is lost. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { connect } from '../gateway/client/index.ts';
import { cliProgram, runnable } from './support/cli-program.ts';
import { CLI, ExchangeProcess, openbellLines, openbellUnread } from './support/exchange-process.ts';
import { FlakyProxy } from './support/flaky-proxy.ts';

/** The exchange plays the shipped capture: a feed of that name, which account 6 quotes. */
const FEED = 'mirror=capture';

interface Stream {
  readonly args: readonly string[];
  /** What it says on stderr when the connection is lost; undefined: it ends with exit code 3. */
  readonly lost?: RegExp;
  /** It prints nothing here. */
  readonly silent?: true;
}

const STREAMS: readonly Stream[] = [
  { args: ['trades', 'BTC-USD', '--follow'], lost: /connecting again/ },
  { args: ['candles', 'BTC-USD', '--interval', '1s', '--follow'], lost: /connecting again/ },
  { args: ['candles', '--source', FEED, 'BTC-USD', '--interval', '1s', '--follow'], lost: /asking again/ },
  { args: ['indicators', 'BTC-USD', 'sma:2', '--interval', '1s', '--follow'], lost: /connecting again/ },
  { args: ['portfolio', '--account', '6', '--follow'], lost: /connecting again/ },
  { args: ['drop-copy', '--from', '6:1'], lost: /connecting again/ },
  { args: ['feeds', 'tail', FEED], lost: /connecting again/ },
  { args: ['top', '--interval', '1'] },
  { args: ['alerts', 'events', '--follow'], silent: true },
];
/** What follows something, and has a test of its own. */
const ELSEWHERE = ['feeds book', 'feeds record', 'feeds play', 'start'];

let exchange: ExchangeProcess;
let data: string;
const proxies: FlakyProxy[] = [];
let throughProxies: readonly string[];

before(async () => {
  data = mkdtempSync(join(tmpdir(), 'openbell-streams-'));
  exchange = await ExchangeProcess.start(data, ['--simulate', 'mirror=demo']);
  const { grpc, ws, http } = exchange.ports;
  for (const port of [grpc, ws, http]) proxies.push(await FlakyProxy.start(port));
  const [g, w, h] = proxies.map(({ port }) => String(port));
  throughProxies = ['--grpc-port', g, '--ws-port', w, '--http-port', h];
});
after(async () => {
  for (const proxy of proxies) await proxy.stop();
  await exchange?.end('SIGKILL');
  rmSync(data, { recursive: true, force: true });
});

test('each command that follows something is in the table', async () => {
  const follows = runnable(await cliProgram()).filter(
    ({ command }) =>
      command.options.some(({ long }) => long === '--follow' || long === '--watch') || / until (Ctrl-C|SIGINT)/.test(command.description()),
  );
  const known = [...STREAMS.map(({ args }) => args.join(' ')), ...ELSEWHERE];
  for (const { name } of follows)
    assert.ok(
      known.some((line) => line === name || line.startsWith(`${name} `)),
      name,
    );
  assert.ok(follows.length > 5);
});

for (const { args } of STREAMS.filter(({ silent }) => !silent))
  test(`openbell ${args.join(' ')} | head -0`, async () => {
    assert.deepEqual(await openbellUnread([...args, '--json', ...exchange.flags]), { code: 0, stderr: '' });
  });

for (const args of [
  ['log', 'dump'],
  ['log', 'dump', '--reports'],
  ['log', 'dump', '--raw'],
  ['audit', 'export'],
])
  test(`openbell ${args.join(' ')} | head -0`, async () => {
    assert.deepEqual(await openbellUnread([...args, data]), { code: 0, stderr: '' });
  });

test('a lost connection: each says so, and connects again or ends with exit code 3', { timeout: 300_000 }, async (t) => {
  const running = STREAMS.map((stream) => ({ stream, ...openbellLines([...stream.args, '--json', ...throughProxies]) }));
  t.after(() => {
    for (const { child } of running) child.kill('SIGKILL');
  });
  for (const { stream, next } of running) if (!stream.silent) await next();
  for (const proxy of proxies) proxy.refuse = true;
  for (const proxy of proxies) proxy.cut();
  for (const { stream, said, ended } of running) {
    if (stream.lost !== undefined) await said(stream.lost);
    else {
      await said(/openbell: cannot reach http/);
      assert.equal(await ended, 3, stream.args.join(' '));
    }
  }
  for (const proxy of proxies) proxy.refuse = false;
  const lasting = running.filter(({ stream }) => stream.lost !== undefined);
  await Promise.all(
    lasting.map(async ({ stream, next, child, ended }) => {
      // What was printed before the loss, and not read, comes first: far fewer lines than these.
      for (let line = 0; line < (stream.args[0] === 'feeds' ? 200 : 2); line++) await next();
      child.kill('SIGINT');
      for (;;) {
        try {
          await next();
        } catch {
          break;
        }
      }
      assert.equal(await ended, 0, stream.args.join(' '));
    }),
  );
});

test('a reader that stops reading does not fill the memory of drop-copy, and SIGTERM ends it', { timeout: 300_000 }, async (t) => {
  const { grpc: grpcPort, http: httpPort } = exchange.ports;
  const client = await connect({ grpcPort, httpPort, account: 1 });
  t.after(() => client.close());
  const args = ['drop-copy', '--from', '1:1', '--json', ...exchange.flags];
  const child = spawn(process.execPath, [CLI, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  const order = { symbol: 'BTC-USD', side: 'buy', quantity: '0.001', price: '1.00' } as const;
  await client.orders.place(order);
  await once(child.stdout, 'readable');
  // Two megabytes of JSON, of which pipes and buffers hold a part.
  for (let round = 0; round < 30; round++) await Promise.all(Array.from({ length: 200 }, () => client.orders.place(order)));
  child.kill('SIGTERM');
  let bytes = 0;
  child.stdout.on('data', (part: Buffer) => {
    bytes += part.length;
  });
  assert.deepEqual(await once(child, 'close'), [0, null]);
  assert.ok(bytes > 1000 && bytes < 900_000, `${bytes} bytes had been printed`);
});
