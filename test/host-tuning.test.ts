/** `--tune`: the request for CPUs that stay awake, on a device of the test's own and on that of the kernel. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadConfig } from '../gateway/config/config.ts';
import { HostTuning, LATENCY_DEVICE, TuningError } from '../gateway/host-tuning.ts';
import { startExchange } from '../gateway/main.ts';
import { Host } from '../gateway/tools/doctor/host.ts';
import { temporaryDirectory } from './support/engine-fixture.ts';
import { CLI, ExchangeProcess, openbell, run } from './support/exchange-process.ts';
import { recordingLog, smallConfig, withSmallExchange } from './support/small-venue.ts';

function rootWith(t: { after: (cleanUp: () => void) => void }, device: (path: string) => void): string {
  const root = temporaryDirectory((cleanUp) => t.after(cleanUp));
  mkdirSync(join(root, 'dev'));
  device(join(root, LATENCY_DEVICE));
  return root;
}

/** Whether a process has a file open. */
function holds(path: string, pid: number | 'self' = 'self'): boolean {
  return readdirSync(`/proc/${pid}/fd`).some((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`) === path;
    } catch {
      // Closed meanwhile: the directory itself, for one.
      return false;
    }
  });
}

test('0 us are asked for as long as it is held', (t) => {
  const root = rootWith(t, (path) => writeFileSync(path, ''));
  const device = join(root, LATENCY_DEVICE);
  const tuning = HostTuning.hold(root);
  assert.deepEqual(readFileSync(device), Buffer.alloc(4));
  assert.ok(holds(device));
  tuning.release();
  assert.ok(!holds(device));
  tuning.release();
});

test('a missing device is an error, and no file takes its place', (t) => {
  const root = rootWith(t, () => undefined);
  assert.throws(() => HostTuning.hold(root), { name: 'TuningError', code: 'TUNE_ABSENT', message: /\(ENOENT\).*docker run --device/ });
  assert.deepEqual(readdirSync(join(root, 'dev')), []);
});

test('a device that does not take the request is an error, and is closed', (t) => {
  const root = rootWith(t, (path) => symlinkSync('/dev/full', path));
  assert.throws(() => HostTuning.hold(root), { code: 'TUNE_ABSENT', message: /\(ENOSPC\)/ });
  assert.ok(!holds('/dev/full'));
});

test('a device that is not permitted says what permits it', () => {
  const codeOf = (code: string) => new TuningError(Object.assign(new Error(code), { code })).code;
  assert.deepEqual(['EACCES', 'EPERM', 'EROFS'].map(codeOf), ['TUNE_REFUSED', 'TUNE_REFUSED', 'TUNE_REFUSED']);
  assert.deepEqual(['ENOENT', 'ENODEV', 'ENXIO', 'EIO'].map(codeOf), ['TUNE_ABSENT', 'TUNE_ABSENT', 'TUNE_ABSENT', 'TUNE_ABSENT']);
});

test('doctor: a device that this user may not write to', (t) => {
  const root = rootWith(t, (path) => writeFileSync(path, '', { mode: 0 }));
  const host = new Host({ root });
  assert.equal(host.writable('dev/none'), undefined);
  assert.equal(host.writable(LATENCY_DEVICE), process.getuid?.() === 0, 'root may always');
});

test('--tune is off unless it is given', () => {
  const tune = (flag?: string, env?: string) => loadConfig({ flags: { tune: flag }, env: { OPENBELL_TUNE: env } }).tune;
  assert.deepEqual([tune(), tune('true'), tune(undefined, '1'), tune('false', '1')], [false, true, true, false]);
  assert.throws(() => tune('c-states'), /--tune must be true or false, not "c-states"/);
});

/** The device of this host, as the kernel has it: a request of 0 us and its end. */
const unusable = (() => {
  try {
    HostTuning.hold().release();
    return false;
  } catch (error) {
    return `THE KERNEL'S DEVICE WAS NOT USED: ${(error as Error).message}`;
  }
})();
if (unusable !== false) process.stderr.write(`host-tuning.test: ${unusable}\n`);

test('an exchange holds the device until it stops, and doctor finds it', { skip: unusable }, async (t) => {
  const data = join(
    temporaryDirectory((cleanUp) => t.after(cleanUp)),
    'data',
  );
  const exchange = await ExchangeProcess.start(data, ['--tune']);
  t.after(() => exchange.child.kill('SIGKILL'));
  const { pid } = exchange.child;
  assert.ok(pid !== undefined && holds(LATENCY_DEVICE, pid));
  assert.deepEqual(readFileSync(LATENCY_DEVICE), Buffer.alloc(4), 'also while another process asks for more');
  const { findings } = JSON.parse((await openbell(['doctor', '--data', data, '--json'])).stdout);
  const tune = findings.find(({ id }: { id: string }) => id === 'tune');
  assert.deepEqual([tune.status, tune.found], ['ok', `on in process ${pid}`]);
  assert.equal(await exchange.end('SIGTERM'), 0);
});

test('an exchange in a process that goes on releases it: after a stop, and after a start that fails in the middle', {
  skip: unusable,
}, async (t) => {
  const dir = temporaryDirectory((cleanUp) => t.after(cleanUp));
  await withSmallExchange(dir, async () => assert.ok(holds(LATENCY_DEVICE)), { tune: 'true' });
  assert.ok(!holds(LATENCY_DEVICE));
  const taken = createServer();
  t.after(() => taken.close());
  await once(taken.listen(0, '127.0.0.1'), 'listening');
  const { port } = taken.address() as AddressInfo;
  const { log } = recordingLog();
  await assert.rejects(startExchange(smallConfig(dir, { tune: 'true', 'http-port': String(port) }), { log }), { code: 'EADDRINUSE' });
  assert.ok(!holds(LATENCY_DEVICE));
});

/** A mount namespace in which another file has the device's place. */
const inNamespace = (file: string, args: string[]) => [
  '--mount',
  'sh',
  '-c',
  `mount --bind "$0" ${LATENCY_DEVICE} && exec "$@"`,
  file,
  ...args,
];

test('a start that is refused ends at once, and leaves nothing', { skip: unusable }, async (t) => {
  const dir = temporaryDirectory((cleanUp) => t.after(cleanUp));
  const [file, data] = [join(dir, 'device'), join(dir, 'data')];
  writeFileSync(file, '', { mode: 0 });
  t.after(() => rmSync(file, { force: true }));
  if ((await run('unshare', inNamespace(file, ['true']))).code !== 0) {
    process.stderr.write('host-tuning.test: A REFUSED START WAS NOT TRIED: no mount namespaces here\n');
    return t.skip('no mount namespaces');
  }
  const withoutBypass = ['setpriv', '--bounding-set', '-dac_override,-dac_read_search'];
  const start = [
    process.execPath,
    CLI,
    'start',
    '--tune',
    '--json',
    '--data',
    data,
    '--grpc-port',
    '0',
    '--ws-port',
    '0',
    '--http-port',
    '0',
  ];
  const { code, stdout } = await run('unshare', inNamespace(file, [...withoutBypass, ...start]));
  assert.equal(code, 2);
  assert.match(JSON.parse(stdout).error.message, /may not \(EACCES\)\. Start as root, .*udev rule/);
  assert.equal(JSON.parse(stdout).error.code, 'TUNE_REFUSED');
  assert.ok(!existsSync(data));
});
