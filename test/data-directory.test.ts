/** What start, verify, repair and audit do with a directory that is empty, foreign, full or read-only. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { listSnapshots } from '../engine/journal/snapshot-files.ts';
import { connect } from '../gateway/client/index.ts';
import { ExchangeProcess, openbell, openbellByModes } from './support/exchange-process.ts';
import { smallDisk } from './support/small-disk.ts';
import { until } from './support/until.ts';

const base = mkdtempSync(join(tmpdir(), 'openbell-directory-'));
after(() => rmSync(base, { recursive: true, force: true }));

const PORTS = ['--http-port', '0', '--grpc-port', '0', '--ws-port', '0'];

/** A directory of the demo venue, with `orders` resting orders. */
async function venue(dir: string, orders: number): Promise<string> {
  const exchange = await ExchangeProcess.start(dir);
  const { grpc, ws, http } = exchange.ports;
  const client = await connect({ account: 1, grpcPort: grpc, wsPort: ws, httpPort: http });
  for (let i = 0; i < orders; i++) await client.orders.place({ symbol: 'BTC-USD', side: 'buy', quantity: '0.1', price: '50000.00' });
  await client.close();
  assert.equal(await exchange.end('SIGTERM'), 0, exchange.stderr);
  return dir;
}

async function verify(dir: string, ...more: string[]): Promise<{ code: number | null; result: Record<string, unknown> }> {
  const { code, stdout } = await openbell(['verify', dir, '--json', ...more]);
  return { code, result: JSON.parse(stdout) };
}

describe('nothing to check is no success', () => {
  const empty = join(base, 'empty');
  mkdirSync(empty);
  const cases: readonly [args: string[], code: string][] = [
    [['verify', empty, '--json'], 'NOTHING_TO_VERIFY'],
    [['verify', empty, '--from-snapshot', '--json'], 'NOTHING_TO_VERIFY'],
    [['repair', empty, '--cut', '--json'], 'NOTHING_TO_REPAIR'],
    [['repair', empty, '--fork', join(base, 'fork'), '--json'], 'NOTHING_TO_REPAIR'],
    [['log', empty, '--json'], 'LOG_LOOKUP'],
    [['audit', 'verify', empty, '--json'], 'AUDIT_EMPTY'],
  ];
  for (const [args, expected] of cases) {
    test(args.join(' ').replaceAll(base, ''), async () => {
      const { code, stdout } = await openbell(args);
      assert.deepEqual([code, JSON.parse(stdout).error?.code], [1, expected], stdout);
      assert.deepEqual(readdirSync(empty), [], 'and nothing is created');
      assert.equal(readdirSync(base).includes('fork'), false);
    });
  }

  test('a trail that was removed: neither verify nor export succeeds', async () => {
    const dir = await venue(join(base, 'trail'), 0);
    assert.equal((await openbell(['audit', 'verify', dir])).code, 0);
    for (const name of readdirSync(join(dir, 'audit'))) rmSync(join(dir, 'audit', name));
    for (const args of [
      ['verify', dir],
      ['verify', dir, '--head', 'a'.repeat(64)],
      ['export', dir],
    ]) {
      const { code, stdout, stderr } = await openbell(['audit', ...args]);
      assert.equal(code, 1, stdout);
      assert.doesNotMatch(stdout, /whole/);
      assert.match(stderr || stdout, /AUDIT_EMPTY|the trail ends without the head/);
    }
  });
});

describe('a snapshot that was copied from another directory', () => {
  const own = join(base, 'own');
  const copies: { readonly why: string; readonly path: string; readonly reason: RegExp }[] = [];

  test('the directories', async () => {
    await venue(own, 1);
    const [{ seq }] = listSnapshots(own);
    // A copy of this log that took other commands has the same log id.
    const copy = join(base, 'copy');
    cpSync(own, copy, { recursive: true });
    await venue(own, 3);
    await venue(copy, 3);
    const other = await venue(join(base, 'other'), 4);
    const newest = (dir: string) => listSnapshots(dir)[0].path;
    assert.deepEqual([basename(newest(copy)), basename(newest(other))], [basename(newest(own)), basename(newest(own))]);
    assert.ok(seq < listSnapshots(own)[0].seq);
    copies.push({ why: 'another exchange', path: newest(other), reason: /belongs to another log, [0-9a-f]{16}/ });
    copies.push({ why: 'a copy that took other commands', path: newest(copy), reason: /to a copy that took other commands/ });
  });

  for (const index of [0, 1]) {
    test(`is used by no start, no verify and no later snapshot: ${index}`, async (t) => {
      const { why, path, reason } = copies[index];
      const right = (await verify(own)).result;
      const dir = join(base, `into-${index}`);
      cpSync(own, dir, { recursive: true });
      cpSync(path, join(dir, basename(path)));
      const fromSnapshot = await verify(dir, '--from-snapshot');
      assert.deepEqual([fromSnapshot.code, fromSnapshot.result.stateHash], [0, right.stateHash], why);
      assert.match(String(fromSnapshot.result.messages), reason);
      const exchange = await ExchangeProcess.start(dir);
      t.after(() => exchange.child.kill('SIGKILL'));
      await openbell(['order', 'buy', '0.1', 'BTC-USD', '49000.00', ...exchange.flags]);
      assert.equal(await exchange.end('SIGTERM'), 0);
      const [whole, short] = [await verify(dir), await verify(dir, '--from-snapshot')];
      assert.equal(short.result.stateHash, whole.result.stateHash, why);
      assert.equal(short.result.replayed, 0, 'from the snapshot of the stop');
      assert.equal(whole.result.restingOrders, 5);
    });
  }

  test('three that are ahead of the log neither take the place of the own ones, nor make the log incomplete', async () => {
    const dir = join(base, 'ahead');
    cpSync(own, dir, { recursive: true });
    const { path } = copies[0];
    const bytes = readFileSync(path);
    for (const seq of [900, 901, 902]) writeFileSync(join(dir, `snapshot-${String(seq).padStart(16, '0')}.obs`), bytes);
    assert.equal((await verify(dir)).code, 0);
    await venue(dir, 1);
    const after = await verify(dir, '--from-snapshot');
    assert.deepEqual([after.code, after.result.replayed], [0, 0], 'the snapshot of the stop is there');
  });
});

/** Leaves `free` KiB. */
function fill(disk: string, free: number): void {
  rmSync(join(disk, 'ballast'), { force: true });
  const { bfree, bsize } = statfsSync(disk);
  const fd = openSync(join(disk, 'ballast'), 'w');
  try {
    for (let left = bfree * bsize - free * 1024; left > 0; ) left -= writeSync(fd, Buffer.alloc(Math.min(left, 65_536)));
  } catch (error) {
    // An exchange may use the disk as well.
    assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC');
  } finally {
    closeSync(fd);
  }
}

test('a full disk: start names it and leaves nothing behind, verify works', { timeout: 300_000 }, async (t) => {
  const disk = smallDisk(t, '40m');
  if (disk === undefined) return;
  const data = await venue(join(disk, 'data'), 1);
  const names = readdirSync(data);
  fill(disk, 0);
  for (const [free, dir] of [
    [0, data],
    [0, join(disk, 'new')],
    [4, join(disk, 'new')],
    [64, join(disk, 'new')],
    [2048, join(disk, 'new')],
  ] as const) {
    fill(disk, free);
    const { code, stdout } = await openbell(['start', '--data', dir, '--json', ...PORTS]);
    const { error } = JSON.parse(stdout);
    assert.deepEqual([code, error?.code], [1, 'DISK_FULL'], `${free} KiB: ${stdout}`);
    assert.match(error.message, /There is no space left for .*Free space there, but not in the command log/);
    assert.deepEqual(readdirSync(data), names);
    assert.deepEqual(readdirSync(disk), ['ballast', 'data'], `${free} KiB`);
  }
  fill(disk, 0);
  assert.equal((await verify(data)).code, 0);
  const cut = await openbell(['repair', data, '--cut', '--json']);
  assert.deepEqual([cut.code, JSON.parse(cut.stdout).error?.code], [1, 'DISK_FULL']);
  assert.deepEqual(readdirSync(data), names);
});

test('repair --cut of a log on a disk without room for its copies and for the history changes nothing', { timeout: 300_000 }, async (t) => {
  const disk = smallDisk(t, '64m');
  if (disk === undefined) return;
  const data = await venue(join(disk, 'data'), 2);
  const [log] = readdirSync(data).filter((name) => name.startsWith('log-'));
  rmSync(join(data, 'spare.obl'), { force: true });
  const bytes = readFileSync(join(data, log));
  const first = bytes.readUInt32LE(12);
  // In the second batch: what follows was acknowledged.
  bytes[64 * (1 + first) + 100] ^= 1;
  writeFileSync(join(data, log), bytes);
  const content = () => [readdirSync(data).sort(), bytes.equals(readFileSync(join(data, log)))];
  const before = content();
  const repair = () => openbell(['repair', data, '--cut', '--json']);
  const segment = bytes.length / 1024;
  // The last one has room for the copy of the segment, and not for the history as well.
  for (const free of [300, segment / 2, segment + 100]) {
    fill(disk, free);
    const { code, stdout } = await repair();
    assert.deepEqual([code, JSON.parse(stdout).error?.code], [1, 'DISK_FULL'], `${free} KiB: ${stdout}`);
    assert.deepEqual(content(), before, `${free} KiB`);
  }
  rmSync(join(disk, 'ballast'));
  const { code, stdout } = await repair();
  const result = JSON.parse(stdout);
  assert.deepEqual([code, result.lastSeq, result.forgotten > 0], [0, first, true], stdout);
});

test('a disk that is full at the stop: the stop says so, and leaves no incomplete snapshot', { timeout: 300_000 }, async (t) => {
  const disk = smallDisk(t, '40m');
  if (disk === undefined) return;
  const exchange = await ExchangeProcess.start(join(disk, 'data'));
  t.after(() => exchange.child.kill('SIGKILL'));
  // LMDB must not meet the full disk in a commit that has begun.
  const metrics = async () => (await fetch(`http://127.0.0.1:${exchange.ports.http}/metrics`)).text();
  await until(async () => /^openbell_history_commits_total [1-9]/m.test(await metrics()), 'the first commit of the history');
  fill(disk, 0);
  assert.equal(await exchange.end('SIGTERM'), 1);
  assert.match(exchange.stderr, /^openbell: DISK_FULL: There is no space left for /m);
  assert.deepEqual(
    readdirSync(join(disk, 'data')).filter((name) => name.startsWith('snapshot-') || name.startsWith('lock')),
    [],
  );
});

test('a read-only copy: verify and repair work while they change nothing, everything else is named', { timeout: 300_000 }, async (t) => {
  const disk = smallDisk(t, '64m');
  if (disk === undefined) return;
  const data = await venue(join(disk, 'data'), 1);
  const torn = join(disk, 'torn');
  cpSync(data, torn, { recursive: true });
  const [log] = readdirSync(torn).filter((name) => name.startsWith('log-'));
  const bytes = readFileSync(join(torn, log));
  bytes[bytes.length - 1] = 7;
  writeFileSync(join(torn, log), bytes);
  execFileSync('mount', ['-o', 'remount,ro', disk]);
  const hashes = [await verify(data), await verify(data, '--from-snapshot'), await verify(torn)].map(({ code, result }) => [
    code,
    result.stateHash,
  ]);
  assert.deepEqual(new Set(hashes.map(String)).size, 1, String(hashes));
  assert.equal(hashes[0][0], 0);
  const cut = await openbell(['repair', data, '--cut']);
  assert.equal(cut.code, 0, cut.stderr);
  assert.match(cut.stdout, /Nothing was changed/);
  const fork = await openbell(['repair', data, '--fork', join(base, 'fork-of-read-only')]);
  assert.equal(fork.code, 0, fork.stderr);
  for (const args of [
    ['repair', torn, '--cut'],
    ['start', '--data', data, ...PORTS],
  ]) {
    const { code, stdout } = await openbell([...args, '--json']);
    assert.deepEqual([code, JSON.parse(stdout).error?.code], [1, 'DATA_READ_ONLY'], stdout);
  }
});

describe('a directory that this user may not use is named, with what to do', () => {
  async function refused(args: readonly string[], named: string): Promise<void> {
    const { code, stdout, stderr } = await openbellByModes([...args, '--json']);
    assert.equal(code, 1, stderr);
    const { error } = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '');
    assert.equal(error.code, 'DATA_NO_ACCESS', stdout);
    assert.ok(error.message.startsWith(`This user may not use ${named} (EACCES`), error.message);
  }

  test('its audit trail, its log, and a backup of it', async () => {
    const dir = await venue(join(base, 'foreign'), 1);
    const backup = join(base, 'foreign-backup');
    assert.equal((await openbell(['backup', backup, '--data', dir])).code, 0);
    chmodSync(join(dir, 'audit'), 0);
    await refused(['audit', 'verify', dir], dir);
    await refused(['audit', 'export', dir], dir);
    await refused(['backup', join(base, 'foreign-other'), '--data', dir], dir);
    chmodSync(join(dir, 'audit'), 0o700);
    chmodSync(backup, 0);
    await refused(['backup', join(base, 'foreign-other'), '--data', dir, '--since', backup], backup);
    await refused(['restore', backup, '--data', join(base, 'foreign-other')], backup);
    chmodSync(backup, 0o700);
    assert.equal(existsSync(join(base, 'foreign-other')), false);
    const log = join(dir, readdirSync(dir).find((name) => name.startsWith('log-')) ?? '');
    chmodSync(log, 0);
    await refused(['log', dir], dir);
    await refused(['log', 'dump', dir], dir);
    chmodSync(log, 0o600);
  });

  test('a lock that it may not read: the text does not advise to remove it', async () => {
    const dir = await venue(join(base, 'foreign-lock'), 0);
    writeFileSync(join(dir, 'lock'), '{}', { mode: 0 });
    await refused(['verify', dir], dir);
    await refused(['start', ...PORTS, '--data', dir], dir);
    rmSync(join(dir, 'lock'));
    assert.equal((await openbell(['verify', dir])).code, 0);
  });
});
