/** `openbell backup` and `restore`: copies of running and stopped exchanges, and everything that may be wrong with one. */
import assert from 'node:assert/strict';
import fs, {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join, relative } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { DataLock } from '../engine/journal/data-lock.ts';
import { listSegments } from '../engine/journal/log-format.ts';
import { resolveLimits } from '../engine/limits.ts';
import { Exchange } from '../engine/machine/exchange.ts';
import { stateHash } from '../engine/machine/state-rows.ts';
import { lastConfiguration } from '../engine/threads/logged-configurations.ts';
import { replayLog } from '../engine/threads/replay-log.ts';
import { verifyDataDirectory } from '../engine/threads/verify.ts';
import { type BackupProgress, makeBackup } from '../gateway/backup/backup.ts';
import { type BackupContent, manifestText, readManifest } from '../gateway/backup/manifest.ts';
import { checkBackup, restoreBackup } from '../gateway/backup/restore.ts';
import { loadConfig } from '../gateway/config/config.ts';
import { createLogger } from '../gateway/log.ts';
import { startExchange } from '../gateway/main.ts';
import { truncateHistory } from '../gateway/taps/history/store.ts';
import { mustExist } from '../gateway/tools/cli/data.ts';
import { DemoExchange } from './support/demo-exchange.ts';
import { openbell } from './support/exchange-process.ts';
import { smallDisk } from './support/small-disk.ts';
import { splitLog } from './support/small-segments.ts';
import { deposits, smallConfig, withSmallExchange } from './support/small-venue.ts';

const base = mkdtempSync(join(tmpdir(), 'openbell-backup-'));
after(() => rmSync(base, { recursive: true, force: true }));

const limitsOfLog = (dir: string) => resolveLimits({ ...lastConfiguration(dir) });

describe('a backup of an exchange that trades', () => {
  it('holds everything that was acknowledged before, and a restored exchange continues there', async (t) => {
    const demo = new DemoExchange();
    await demo.start();
    t.after(() => demo.stop());
    const { orders } = demo.client;
    let id = 0;
    const place = () => orders.place({ symbol: 'BTC-USD', side: 'buy', quantity: '0.01', price: '100.00', clientOrderId: ++id });
    for (let i = 0; i < 20; i++) await place();
    const acknowledged = demo.running.hub.lastReportNo(1);
    let trading = true;
    const load = (async () => {
      while (trading) {
        await place();
        await sleep(10);
      }
    })();
    const backup = join(base, 'live');
    const made = await openbell(['backup', backup, '--data', demo.data, '--json']);
    trading = false;
    await load;
    assert.equal(made.code, 0, made.stderr);
    const manifest = readManifest(backup);
    assert.equal(JSON.parse(made.stdout).stateHash, manifest.stateHash);

    const original = new Exchange(limitsOfLog(demo.data));
    replayLog(original, demo.data, 1, manifest.seq);
    assert.equal(stateHash(original), manifest.stateHash, 'the original had this state after the last command of the backup');

    const data = join(base, 'live-restored');
    await restoreBackup(backup, data);
    assert.equal(verifyDataDirectory(data, { limits: limitsOfLog(data) }).stateHash, manifest.stateHash);
    const flags = { data, 'grpc-port': '0', 'ws-port': '0', 'http-port': '0', topology: 'compact' };
    const restored = await startExchange(loadConfig({ flags, env: {} }), { log: createLogger('silent') });
    try {
      const last = restored.hub.lastReportNo(1);
      assert.ok(last >= acknowledged, `${last} of ${acknowledged} reports`);
      assert.equal(restored.engine.directory.openOrders(1, Number.POSITIVE_INFINITY).length, last, 'each report is of an order that rests');
      assert.equal((await restored.history.read(1, 1, 20)).length, 20 * 128, 'the history has the first ones');
      assert.equal(restored.recovery.seq, manifest.seq);
      await deposits(restored, 1);
      assert.equal(restored.engine.status().sequencedSeq, manifest.seq + 1, 'numbers go on');
    } finally {
      await restored.stop();
    }
  });
});

describe('a backup of a stopped exchange', () => {
  const home = join(base, 'stopped');
  const data = join(home, 'data');
  const first = join(base, 'first');

  before(async () => {
    mkdirSync(home);
    for (let life = 0; life < 2; life++) await withSmallExchange(home, (exchange) => deposits(exchange, 150));
    await splitLog(data, 4096);
    await makeBackup({ dataDir: data, target: first });
  });

  const copyOf = (name: string): string => {
    const copy = join(base, name);
    cpSync(first, copy, { recursive: true });
    return copy;
  };

  it('has the same state, snapshots and audit trail', async () => {
    const manifest = await checkBackup(first);
    const expected = verifyDataDirectory(data, { limits: limitsOfLog(data) });
    assert.deepEqual([manifest.seq, manifest.stateHash, manifest.tradingHash], [expected.seq, expected.stateHash, expected.tradingHash]);
    assert.equal(manifest.historySeq, expected.seq);
    assert.ok((manifest.audit?.records ?? 0) >= 4, 'two starts and two stops');
    assert.equal(manifest.files.filter(({ path }) => path.startsWith('snapshot-')).length, 2);
    assert.equal(statSync(first).mode & 0o777, 0o700, 'only the owner may enter');
    assert.equal(existsSync(`${first}.partial`), false);
  });

  it('shares unchanged files with an earlier one', async () => {
    const home2 = join(base, 'later');
    cpSync(home, home2, { recursive: true });
    await withSmallExchange(home2, (exchange) => deposits(exchange, 5));
    const second = join(base, 'second');
    await makeBackup({ dataDir: join(home2, 'data'), target: second, since: first });
    const inode = (dir: string, name: string) => statSync(join(dir, name)).ino;
    const names = listSegments(first).map(({ name }) => name);
    assert.ok(names.length > 3, 'segments are seen');
    for (const name of names.slice(0, -1)) assert.equal(inode(second, name), inode(first, name), name);
    assert.notEqual(inode(second, names.at(-1) as string), inode(first, names.at(-1) as string));
    rmSync(join(base, 'second-restored'), { recursive: true, force: true });
    const { seq, stateHash: hash } = await restoreBackup(second, join(base, 'second-restored'));
    assert.ok(seq > readManifest(first).seq);
    assert.equal(verifyDataDirectory(join(base, 'second-restored'), { limits: limitsOfLog(second) }).stateHash, hash);
  });

  it('shares nothing with a backup of another log', async () => {
    const other = join(base, 'other');
    mkdirSync(other);
    await withSmallExchange(other, (exchange) => deposits(exchange, 500));
    const target = join(base, 'never');
    await assert.rejects(makeBackup({ dataDir: join(other, 'data'), target, since: first }), { code: 'BACKUP_OTHER_LOG' });
    assert.deepEqual([existsSync(target), existsSync(`${target}.partial`)], [false, false]);
  });

  it('is refused when a file was changed, cut, extended or removed', async () => {
    const target = join(base, 'refused');
    const { files } = readManifest(first);
    const changes: [string, (path: string) => void][] = [
      ['a byte', (path) => flip(path, 0.5)],
      ['the first byte', (path) => flip(path, 0)],
      ['the last byte', (path) => flip(path, 1)],
      ['a shorter file', (path) => writeFileSync(path, readFileSync(path).subarray(0, -1))],
      ['a longer file', (path) => writeFileSync(path, Buffer.concat([readFileSync(path), Buffer.alloc(1)]))],
      ['no file', (path) => rmSync(path)],
    ];
    // Of each kind one, and both kinds of segments.
    const kinds = new Map(files.map(({ path, usedBytes }) => [`${path.replace(/\d+/, '')}${usedBytes === undefined}`, path]));
    for (const path of kinds.values()) {
      for (const [what, change] of changes) {
        const copy = copyOf('changed');
        change(join(copy, path));
        await assert.rejects(restoreBackup(copy, target), { code: 'BACKUP_BAD', message: new RegExp(basename(path)) }, `${what}: ${path}`);
        assert.equal(existsSync(target), false, 'nothing was made');
        rmSync(copy, { recursive: true });
      }
    }
  });

  it('is refused when the manifest was changed', async () => {
    const target = join(base, 'refused');
    const { format: _, version: __, ...content } = readManifest(first);
    const rewritten = (change: Partial<BackupContent>) => manifestText({ ...content, ...change });
    const [file] = content.files;
    const cases: [string, string, string][] = [
      ['BACKUP_BAD', 'not JSON', manifestText(content).slice(0, 100)],
      ['BACKUP_BAD', 'another seq', manifestText(content).replace(`"seq": ${content.seq}`, `"seq": ${content.seq + 1}`)],
      ['BACKUP_BAD', 'no object', 'null'],
      ['BACKUP_NEWER', 'a newer version', manifestText(content).replace('"version": 1', '"version": 2')],
      ['BACKUP_BAD', 'a path outside', rewritten({ files: [{ ...file, path: '../outside' }] })],
      ['BACKUP_BAD', 'an absolute path', rewritten({ files: [{ ...file, path: '/tmp/outside' }] })],
      ['BACKUP_BAD', 'a file of the exchange that is not copied', rewritten({ files: [{ ...file, path: 'lock' }] })],
    ];
    for (const [code, what, text] of cases) {
      const copy = copyOf('changed');
      writeFileSync(join(copy, 'backup.json'), text);
      await assert.rejects(restoreBackup(copy, target), { code }, what);
      assert.equal(existsSync(target), false, 'nothing was made');
      rmSync(copy, { recursive: true });
    }
    await assert.rejects(checkBackup(data), { code: 'BACKUP_BAD', message: /no backup\.json/ });
  });

  it('is restored to an empty directory only, and an interrupted restore can be repeated', async () => {
    const target = join(base, 'again');
    mkdirSync(target);
    writeFileSync(join(target, 'mine'), '');
    await assert.rejects(restoreBackup(first, target), { code: 'RESTORE_NOT_EMPTY' });
    assert.deepEqual(readdirSync(target), ['mine']);
    writeFileSync(join(target, 'restore-unfinished.json'), '{}');
    const config = { ...smallConfig(home), data: target };
    await assert.rejects(startExchange(config, { log: createLogger('silent') }), { code: 'RESTORE_UNFINISHED' });
    await assert.rejects(makeBackup({ dataDir: target, target: join(base, 'of-half') }), { code: 'RESTORE_UNFINISHED' });
    for (const args of [
      ['verify', target],
      ['repair', target, '--cut'],
    ]) {
      const { code, stderr } = await openbell(args);
      assert.deepEqual([code, stderr.startsWith('openbell: RESTORE_UNFINISHED: ')], [1, true], stderr);
    }
    await restoreBackup(first, target);
    assert.deepEqual([existsSync(join(target, 'mine')), existsSync(join(target, 'restored.json'))], [false, true]);
    cpSync(target, join(base, 'again-home/data'), { recursive: true });
    await withSmallExchange(join(base, 'again-home'), async (exchange, lines) => {
      assert.equal(exchange.recovery.seq, readManifest(first).seq);
      assert.ok(lines.some(({ message }) => /was restored from a backup/.test(String(message))));
    });
  });

  it('is marked before anything else, so that a restore that is killed at any moment can be repeated', async (t) => {
    const target = join(base, 'killed-early');
    mkdirSync(target);
    // What is left when it is killed while it makes the lock.
    writeFileSync(join(target, 'lock.4711.lock.tmp'), '');
    const { linkSync } = fs;
    const markedAtLock: boolean[] = [];
    t.mock.method(fs, 'linkSync', (from: string, to: string) => {
      markedAtLock.push(existsSync(join(target, 'restore-unfinished.json')));
      linkSync(from, to);
    });
    syncBuiltinESMExports();
    try {
      await restoreBackup(first, target);
    } finally {
      t.mock.restoreAll();
      syncBuiltinESMExports();
    }
    assert.deepEqual(markedAtLock, [true]);
    assert.deepEqual([existsSync(join(target, 'restored.json')), existsSync(join(target, 'restore-unfinished.json'))], [true, false]);
  });

  it('leaves no mark in a directory that another process uses, or has filled meanwhile', async () => {
    const target = join(base, 'in-use');
    const lock = DataLock.acquire(target);
    try {
      await assert.rejects(restoreBackup(first, target), { code: 'DATA_LOCKED' });
      assert.deepEqual(readdirSync(target), ['lock']);
    } finally {
      lock.release();
    }
    const restore = restoreBackup(first, target);
    writeFileSync(join(target, 'mine'), '');
    await assert.rejects(restore, { code: 'RESTORE_NOT_EMPTY' });
    assert.deepEqual(readdirSync(target), ['mine']);
  });

  it('lies outside of the data directory, and the data directory outside of it', async () => {
    const link = join(base, 'link');
    symlinkSync(data, link);
    for (const target of [data, join(data, 'inside'), join(data, 'not-there', 'inside'), join(link, 'inside'), join(data, '..cache'), home])
      await assert.rejects(makeBackup({ dataDir: data, target }), { code: 'BACKUP_OVERLAP' }, target);
    // One kind of path, whatever was given.
    const inside = relative(process.cwd(), join(data, 'inside'));
    await assert.rejects(makeBackup({ dataDir: relative(process.cwd(), data), target: inside }), {
      message: `The backup directory ${join(data, 'inside')} lies in the data directory ${data}. Nothing was changed. Name a directory outside.`,
    });
    const before = readdirSync(first);
    for (const target of [first, join(first, 'x'), join(first, 'history'), base])
      await assert.rejects(restoreBackup(first, target), { code: 'BACKUP_OVERLAP' }, target);
    assert.deepEqual(readdirSync(first), before);
    await restoreBackup(first, `${first}-beside`);
  });

  it('reports each stage, in order', async () => {
    const stages: string[] = [];
    const onProgress = ({ stage }: BackupProgress): void => {
      if (stages.at(-1) !== stage) stages.push(stage);
    };
    await makeBackup({ dataDir: data, target: join(base, 'stages'), bytesPerSecond: 2 ** 30, onProgress });
    assert.deepEqual(
      stages.filter((stage) => stage !== 'copying'),
      ['audit', 'reading', 'replaying', 'hashing', 'finishing'],
    );
  });

  it('is made once at a time, and the text names it', async () => {
    const target = join(base, 'twice');
    const made = makeBackup({ dataDir: data, target });
    const text = /^Another backup to \S+twice is being made by process \d+/;
    await assert.rejects(makeBackup({ dataDir: data, target }), { code: 'DATA_LOCKED', message: text });
    await made;
  });

  it('removes what an interrupted backup left, and nothing else', async () => {
    const target = join(base, 'interrupted');
    mkdirSync(`${target}.partial/history`, { recursive: true });
    await assert.rejects(makeBackup({ dataDir: data, target }), { code: 'BACKUP_EXISTS', message: /did not make it/ });
    assert.throws(() => mustExist(target, 'hint'), { message: `there is no directory ${target}; hint` });
    writeFileSync(`${target}.partial/backup-unfinished`, '');
    assert.throws(() => mustExist(target), {
      message: /; \S+interrupted\.partial is an unfinished backup: .* openbell backup \S+interrupted /,
    });
    writeFileSync(`${target}.partial/history/rest`, '');
    await makeBackup({ dataDir: data, target });
    assert.deepEqual(readdirSync(join(target, 'history')), ['data.mdb']);
    await assert.rejects(makeBackup({ dataDir: data, target }), { code: 'BACKUP_EXISTS' });
    await checkBackup(target);
  });

  it('waits for the end of a first start', async () => {
    const copy = join(base, 'first-start');
    cpSync(data, copy, { recursive: true });
    writeFileSync(join(copy, 'genesis.json'), '{}');
    await assert.rejects(makeBackup({ dataDir: copy, target: join(base, 'early') }), { code: 'BACKUP_BUSY' });
    assert.equal(existsSync(join(base, 'early.partial')), false);
  });

  it('warns of reports that neither the history nor the log has', async () => {
    const copy = join(base, 'short-history');
    cpSync(data, copy, { recursive: true });
    await truncateHistory(copy, 10);
    const whole = await makeBackup({ dataDir: copy, target: join(base, 'short-1') });
    assert.deepEqual(whole.warnings, [], 'the log has them');
    for (const { name } of listSegments(copy).slice(0, 3)) rmSync(join(copy, name));
    const { warnings } = await makeBackup({ dataDir: copy, target: join(base, 'short-2') });
    assert.match(warnings.join(), /HISTORY_LOST/);
  });

  it('leaves nothing behind on a disk that is full, before and while it is made', async (t) => {
    const disk = smallDisk(t, '24m');
    if (disk === undefined) return;
    const copy = join(base, 'large');
    cpSync(data, copy, { recursive: true });
    // Larger than the step after which progress is reported.
    writeFileSync(join(copy, 'audit/audit-000000000000.jsonl'), Buffer.alloc(12 * 2 ** 20, 10));
    const fill = () => appendFileSync(join(disk, 'filler'), Buffer.alloc(Math.max(0, free(disk) - 2 ** 20)));
    await assert.rejects(makeBackup({ dataDir: copy, target: join(disk, 'made'), onProgress: fill }), { code: 'ENOSPC' });
    assert.deepEqual(readdirSync(disk), ['filler']);
    await assert.rejects(makeBackup({ dataDir: copy, target: join(disk, 'made') }), { code: 'DISK_FULL' });
    fill();
    await assert.rejects(restoreBackup(first, join(disk, 'restored')), { code: 'DISK_FULL' });
    assert.deepEqual(readdirSync(disk).sort(), ['filler', 'restored']);
    assert.deepEqual(readdirSync(join(disk, 'restored')), []);
  });
});

function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  const byte = Math.min(bytes.length - 1, Math.floor(at * bytes.length));
  bytes[byte] ^= 1;
  writeFileSync(path, bytes);
}

function free(disk: string): number {
  const { bavail, bsize } = statfsSync(disk);
  return bavail * bsize;
}
