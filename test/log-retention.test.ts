/** `--log-keep` and `--history-keep`: a log and a history that begin later, and kills while they are shortened. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { listSegments } from '../engine/journal/log-format.ts';
import { hasExpiredSegment, removableSegments } from '../engine/journal/log-retention.ts';
import { cutLog } from '../engine/journal/repair.ts';
import { listSnapshots, snapshotPath } from '../engine/journal/snapshot-files.ts';
import { resolveLimits } from '../engine/limits.ts';
import { Exchange } from '../engine/machine/exchange.ts';
import { loadSnapshot, pruneOldSnapshots, writeSnapshot } from '../engine/threads/engine-core.ts';
import { verifyDataDirectory } from '../engine/threads/verify.ts';
import { limitsOf } from '../gateway/config/config.ts';
import { accountReports, lostReports } from '../gateway/taps/history/queries.ts';
import { openHistory } from '../gateway/taps/history/store.ts';
import { HistoryTrimmer } from '../gateway/taps/history/trimmer.ts';
import { HistoryWriter } from '../gateway/taps/history/writer.ts';
import { openbell } from './support/exchange-process.ts';
import { column, ReportSource } from './support/report-source.ts';
import { splitLog } from './support/small-segments.ts';
import { deposits, getJson, operatorReports, smallConfig, withSmallExchange } from './support/small-venue.ts';

const CHILD = fileURLToPath(new URL('./support/retention-child.ts', import.meta.url));
const DAY_MS = 24 * 60 * 60 * 1000;
const ALL = Number.POSITIVE_INFINITY;

const base = mkdtempSync(join(tmpdir(), 'openbell-retention-'));
after(() => rmSync(base, { recursive: true, force: true }));
let directories = 0;

/** Runs `work` with a clock that is `days` behind. */
async function daysAgo<T>(days: number, work: () => Promise<T>): Promise<T> {
  const { now } = Date;
  Date.now = () => now() - days * DAY_MS;
  try {
    return await work();
  } finally {
    Date.now = now;
  }
}

describe('a log that is shortened', () => {
  const old = join(base, 'old');
  let hash = '';

  before(async () => {
    mkdirSync(old);
    // Three lives, each of which ends with a snapshot, three days ago.
    await daysAgo(3, async () => {
      for (let life = 0; life < 3; life++) await withSmallExchange(old, (exchange) => deposits(exchange, 150));
    });
    await splitLog(join(old, 'data'), 4096);
    hash = verify(join(old, 'data')).stateHash;
  });

  function verify(data: string) {
    return verifyDataDirectory(data, { limits: resolveLimits(limitsOf(smallConfig(old))) });
  }

  /** A copy of the old directory. */
  function copy(): { dir: string; data: string } {
    const dir = join(base, String(directories++));
    cpSync(old, dir, { recursive: true });
    return { dir, data: join(dir, 'data') };
  }

  it('loses only segments before the oldest snapshot, the verified one, and the end of the history', () => {
    const { data } = copy();
    const seqs = listSnapshots(data).map(({ seq }) => seq);
    assert.equal(seqs.length, 3);
    const segments = listSegments(data);
    const removable = (verifiedSeq: number, historySeq = ALL, beforeUs = ALL) =>
      removableSegments(data, { verifiedSeq, historySeq, beforeUs }).length;
    const before = (seq: number) => segments.filter((_, index) => segments[index + 1]?.firstSeq - 1 <= seq).length;
    assert.ok(before(seqs[2]) > 3);
    assert.equal(removable(seqs[0]), before(seqs[2]));
    assert.equal(removable(seqs[2]), before(seqs[2]));
    assert.equal(removable(seqs[0] - 1), 0, 'no such snapshot');
    assert.equal(removable(seqs[0], 40), before(40));
    assert.equal(removable(seqs[0], ALL, 0), 0);
    assert.equal(hasExpiredSegment(data, 0), false);
    assert.equal(hasExpiredSegment(data, ALL), true);
    for (const { path } of listSnapshots(data).slice(1)) rmSync(path);
    assert.equal(removable(seqs[0]), 0, 'one snapshot is not enough: there is none to fall back on');
  });

  it('keeps the snapshot from which the history can go on, however many newer ones there are', () => {
    const { data } = copy();
    const [newest, , oldest] = listSnapshots(data);
    for (const more of [1, 2, 3]) cpSync(newest.path, snapshotPath(data, newest.seq + more));
    const left = () => listSnapshots(data).map(({ seq }) => seq - newest.seq);
    spawnSync(process.execPath, [...process.execArgv, CHILD, data, '-1']);
    assert.ok(listSegments(data)[0].firstSeq > 1);
    pruneOldSnapshots(data, Number.POSITIVE_INFINITY, undefined);
    assert.equal(left().length, 6);
    pruneOldSnapshots(data, Number.POSITIVE_INFINITY, oldest.seq + 1);
    assert.deepEqual(left(), [3, 2, 1, oldest.seq - newest.seq]);
    pruneOldSnapshots(data, Number.POSITIVE_INFINITY, newest.seq + 3);
    assert.deepEqual(left(), [3, 2, 1]);
  });

  it('is whole after a kill at every step', () => {
    let complete = false;
    let lengths = 0;
    for (let step = 0; !complete; step++) {
      const { data } = copy();
      const count = listSegments(data).length;
      const { status, signal, stdout, stderr } = spawnSync(process.execPath, [...process.execArgv, CHILD, data, String(step)], {
        encoding: 'utf8',
      });
      complete = status === 0;
      assert.ok(complete || signal === 'SIGKILL', stderr);
      const removed = Math.min(Math.floor((step + 2) / 3), complete ? Number(stdout.split(' ')[0]) : ALL);
      assert.equal(listSegments(data).length, count - removed);
      lengths = Math.max(lengths, removed);
      const { stateHash, imbalances, messages } = verify(data);
      assert.deepEqual([stateHash, imbalances.length, messages.length], [hash, 0, removed > 0 ? 1 : 0]);
    }
    assert.ok(lengths > 3, `${lengths} segments`);
  });

  it('begins later while the exchange runs, and everything copes with it', async () => {
    const { dir, data } = copy();
    const keep = { 'log-keep': '1', 'history-keep': '9' };
    const before = await withSmallExchange(
      dir,
      async (exchange, lines) => {
        // The last command must be recent: age counts from there. Old snapshots are replaced by newer ones, one per pass.
        for (let pass = 0; pass < 4; pass++) {
          await deposits(exchange, 1);
          await operatorReports(exchange);
          await exchange.engine.retain();
        }
        const [first] = listSegments(data);
        assert.ok(first.firstSeq > 300, `${first.firstSeq}`);
        assert.ok(
          listSnapshots(data).every(({ seq }) => seq >= first.firstSeq - 1),
          'each snapshot can be used',
        );
        assert.ok(exchange.engine.removedSegments > 3);
        assert.equal(lines.filter(({ err }) => err !== undefined).length, 0, JSON.stringify(lines));
        assert.match(
          await (await fetch(`http://127.0.0.1:${exchange.ports.http}/metrics`)).text(),
          /^openbell_log_segments_removed_total [1-9]/m,
        );
        await deposits(exchange, 10);
        return await operatorReports(exchange);
      },
      keep,
    );
    const first = listSegments(data)[0].firstSeq;
    const whole = await openbell(['verify', data]);
    assert.deepEqual([whole.code, whole.stdout.includes(`The log begins with command ${first}`)], [0, true], whole.stderr);
    assert.equal((await openbell(['verify', data, '--from-snapshot'])).code, 0);
    const tip = await openbell(['log', data]);
    assert.match(tip.stdout, new RegExp(`begins with +command ${first}; older segments were removed`));
    const lost = await openbell(['log', data, '--at', '1']);
    assert.deepEqual([lost.code, lost.stderr.includes(`it begins with command ${first}, and older segments were removed`)], [1, true]);
    assert.equal((await openbell(['log', data, '--compare', data])).code, 0);
    assert.equal((await openbell(['repair', data, '--cut'])).code, 0);
    // The history still has what the log lost; and a lost history is built again from where the log begins.
    await withSmallExchange(dir, async (exchange) => assert.equal(await operatorReports(exchange), before), keep);
    rmSync(join(data, 'history'), { recursive: true });
    await withSmallExchange(
      dir,
      async (exchange, lines) => {
        assert.ok(lines.some(({ code }) => code === 'HISTORY_LOST'));
        assert.deepEqual((await getJson(exchange, '/v1/accounts/0/reports')).json.name, 'REPORTS_GONE');
      },
      keep,
    );
  });

  it('is not shortened behind a snapshot that is not what the log gives', async () => {
    const { dir, data } = copy();
    await withSmallExchange(dir, (exchange) => deposits(exchange, 1));
    const count = listSegments(data).length;
    // A whole file with another state: an account has a cent more than the log gives it.
    const { seq, path } = listSnapshots(data)[0];
    const state = new Exchange(resolveLimits(limitsOf(smallConfig(old))));
    assert.equal(loadSnapshot(state, data, seq, []), seq);
    state.accounts.balances[state.accounts.balanceAt(1, 1)]++;
    rmSync(path);
    writeSnapshot(state, data);
    await withSmallExchange(
      dir,
      async (exchange) => {
        await deposits(exchange, 1);
        await operatorReports(exchange);
        await assert.rejects(async () => await exchange.engine.retain(), { code: 'SNAPSHOT_DIVERGED' });
        assert.deepEqual(listSnapshots(data)[0].seq, seq, 'the snapshot that differs from the log is not left');
      },
      { 'log-keep': '1' },
    );
    assert.equal(listSegments(data).length, count);
  });

  it('is not repaired to what could not be started', () => {
    const { data } = copy();
    spawnSync(process.execPath, [...process.execArgv, CHILD, data, '-1']);
    const [first] = listSegments(data);
    const file = join(data, first.name);
    const bytes = readFileSync(file);
    bytes.fill(0xee, 0, 20);
    writeFileSync(file, bytes);
    for (const { path, seq } of listSnapshots(data)) if (seq < first.firstSeq + 1) rmSync(path);
    const names = listSegments(data).map(({ name }) => name);
    assert.throws(() => cutLog(data), {
      code: 'REPAIR_UNSTARTABLE',
      message: /begins with command \d+, because older segments were removed/,
    });
    assert.deepEqual(
      listSegments(data).map(({ name }) => name),
      names,
    );
  });
});

describe('a history that is shortened', () => {
  it('loses whole runs, knows the last report that is gone, and does so in small steps', async () => {
    const dataDir = join(base, 'history');
    mkdirSync(dataDir);
    const source = new ReportSource(4096);
    const writer = new HistoryWriter({ dataDir, reports: source.history });
    for (let commit = 0; commit < 10; commit++) {
      for (const account of [0, 1, 2, 700])
        for (let i = 0; i < 20; i++) {
          const no = commit * 20 + i + 1;
          if (account !== 700 || commit < 2) source.put({ kind: 1, account, reportNo: no, seq: no, timeUs: no * 1000 });
        }
      source.publish();
      writer.poll(true);
    }
    assert.equal(writer.newestUs, 200_000);
    const trimmer = new HistoryTrimmer(writer.store, dataDir, 100_000);
    let removed = 0;
    for (let nowMs = 0; nowMs < 60_000; nowMs += 1000) removed += trimmer.poll(writer.newestUs, nowMs);
    // Runs that end at report 20, 40, 60 and 80; that from 81 to 100 has one that is not older.
    assert.equal(removed, 3 * 80 + 40);
    const { store } = writer;
    for (const account of [0, 1, 2]) {
      assert.equal(lostReports(store, account, 1), 80);
      assert.equal(lostReports(store, account, 81), 0);
      assert.equal(column(accountReports(store, account, 81, 1000), 'reportNo').length, 120);
      assert.equal(accountReports(store, account, 1, 1000).length, 0);
    }
    assert.equal(lostReports(store, 700, 1), 40, 'also of an account without any report left');
    assert.equal(lostReports(store, 700, 41), 0);
    await writer.close();
    const again = openHistory(dataDir);
    assert.equal(lostReports(again, 700, 1), 40);
    await again.root.close();
  });

  it('by --history-keep, while the exchange runs', async () => {
    const dir = join(base, 'history-keep');
    mkdirSync(dir);
    await daysAgo(3, () => withSmallExchange(dir, (exchange) => deposits(exchange, 100)));
    await withSmallExchange(
      dir,
      async (exchange) => {
        await deposits(exchange, 1);
        for (;;) {
          const { status, json } = await getJson(exchange, '/v1/accounts/0/reports');
          if (status === 410) {
            assert.equal(json.name, 'REPORTS_GONE');
            break;
          }
          await deposits(exchange, 1);
        }
        assert.ok(exchange.history.stats().removed >= 100);
      },
      { 'history-keep': '1' },
    );
  });
});
