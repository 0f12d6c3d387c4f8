import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { auditDirectory, auditFiles, openTrail } from '../gateway/audit/audit-files.ts';
import { verifyTrail } from '../gateway/audit/audit-reader.ts';
import { AuditTrail } from '../gateway/audit/audit-trail.ts';
import { AuditWriter } from '../gateway/audit/audit-writer.ts';
import { action, DAY_MS, dataDir, LOG, recordsOf } from './support/audit-fixture.ts';
import { ExchangeProcess, openbell } from './support/exchange-process.ts';
import { times } from './support/long-runs.ts';
import { until } from './support/until.ts';

/** A trail of a file for each of the last days, four records in each. Paths, oldest first. */
async function daysOf(data: string, days: number): Promise<string[]> {
  const dir = auditDirectory(data);
  mkdirSync(dir, { recursive: true });
  const writer = new AuditWriter(dir, openTrail(dir), { rotateBytes: 1e9, rotateMs: DAY_MS });
  const now = Date.now();
  for (let ago = days; ago > 0; ago--) {
    for (const hour of [0, 6, 12, 18]) await writer.append([{ timeMs: now - ago * DAY_MS + hour * 3_600_000, event: action(ago) }]);
  }
  await writer.close();
  return auditFiles(dir);
}

/** Starts with a retention, and stops when the file is gone; without one, when there was time to remove a file. */
async function retain(data: string, keepDays: number, gone?: string, log = LOG): Promise<void> {
  const trail = new AuditTrail(data, log, { keepDays, flushMs: 1 });
  if (gone === undefined) await sleep(150);
  else await until(() => !existsSync(gone), `${gone} is removed`);
  await trail.stop();
}

describe('retention', () => {
  it('removes the oldest whole files, and the trail records which; the rest is unbroken', async (t) => {
    const data = dataDir(t);
    const files = await daysOf(data, 10);
    assert.equal(files.length, 10, 'a file for each day');
    const records = await recordsOf(data);
    await retain(data, 4.5, files[4]);
    const left = auditFiles(auditDirectory(data));
    // The file of five days ago has records that are younger; the start is in a new file.
    assert.deepEqual(left.slice(0, -1), files.slice(5));
    const verdict = await verifyTrail(data);
    assert.deepEqual(
      { ...verdict, head: '' },
      {
        first: 21,
        removed: { through: 20, hash: records[19].hash, documentedBy: 46, told: 46 },
        records: 27,
        head: '',
        tornBytes: 0,
        fault: undefined,
      },
    );
    const removals = (await recordsOf(data)).filter(({ action: done }) => done === 'remove');
    assert.deepEqual(
      removals.map(({ detail }) => JSON.parse(detail ?? '')),
      [1, 5, 9, 13, 17].map((from) => {
        return { file: `audit-${String(from).padStart(12, '0')}.jsonl`, from, through: from + 3, hash: records[from + 2].hash };
      }),
    );
    await retain(data, 4.5);
    assert.equal((await verifyTrail(data)).first, 21, 'no further file is old enough');
    await retain(data, 1, files[8]);
    assert.deepEqual([(await verifyTrail(data)).first, (await verifyTrail(data)).fault], [37, undefined]);
    const { removed } = await verifyTrail(data);
    assert.equal((await verifyTrail(data, removed?.hash)).fault, undefined, 'a stored head may be that of the last removed record');
    assert.match((await verifyTrail(data, records[19].hash)).fault?.problem ?? '', /or it is the head of a record before 37/);
  });

  it('is consistent wherever a crash interrupts a removal, and the next start continues; any other gap is reported', async (t) => {
    const data = dataDir(t);
    const files = await daysOf(data, 10);
    const copies = new Map(files.map((file) => [file, readFileSync(file)]));
    const put = (wanted: readonly string[]) => {
      for (const file of files) rmSync(file, { force: true });
      for (const file of wanted) writeFileSync(file, copies.get(file) ?? '');
    };
    await retain(data, 0.5, files[8]);
    assert.equal((await verifyTrail(data)).first, 37);
    for (let done = 0; done <= 9; done++) {
      put(files.slice(done));
      assert.deepEqual([(await verifyTrail(data)).first, (await verifyTrail(data)).fault], [1 + done * 4, undefined]);
    }
    put(files.slice(0, 1).concat(files.slice(2)));
    assert.match((await verifyTrail(data)).fault?.problem ?? '', /^has number 9: records were removed/);
    put([]);
    const gone = await verifyTrail(data);
    assert.match(gone.fault?.problem ?? '', /^has number 41, and no record documents the removal of those before it$/);
    put(files.slice(4));
    await retain(data, 0.5, files[8]);
    assert.deepEqual([(await verifyTrail(data)).first, (await verifyTrail(data)).fault], [37, undefined]);
  });

  it('rejects a removal record that the remaining records do not follow from', async (t) => {
    const data = dataDir(t);
    const files = await daysOf(data, 3);
    await retain(data, 0.5, files[1]);
    assert.equal((await verifyTrail(data)).fault, undefined);
    // The oldest remaining record, changed and rehashed with its predecessor: only the removal's hash detects it.
    const lines = readFileSync(files[2], 'utf8').split('\n');
    writeFileSync(files[2], [lines[0].replace('operator 1', 'operator 9'), ...lines.slice(1)].join('\n'));
    const { fault } = await verifyTrail(data);
    assert.match(fault?.problem ?? '', /^documents a removal that record 9 does not follow$/);
  });

  it('removes no file that does not match the next, nor any after it, and reports it', async (t) => {
    const data = dataDir(t);
    const files = await daysOf(data, 5);
    writeFileSync(files[1], readFileSync(files[1], 'utf8').replace(/[0-9a-f]{4}"\}\n$/, 'f00d"}\n'));
    const lines: string[] = [];
    await retain(data, 0.5, files[0], pino({}, { write: (line: string) => void lines.push(line) }));
    assert.deepEqual(auditFiles(auditDirectory(data)).slice(0, 4), files.slice(1));
    assert.match(lines.join(''), /audit-000000000009\.jsonl does not follow from the file before it: what comes before it stays/);
  });

  it('kill -9 in the middle of removing: the records are consistent', { timeout: 300_000 }, async (t) => {
    const data = dataDir(t);
    const child = fileURLToPath(new URL('support/audit-child.ts', import.meta.url));
    const firsts = new Set<number>();
    // On a slow disk it gets to a removal in few of the rounds.
    for (let round = 0; round < times(5, 10) || firsts.size < times(3, 6); round++) {
      const writer = spawn(process.execPath, [...process.execArgv, child, data, 'retain'], { stdio: ['ignore', 'pipe', 'inherit'] });
      await once(writer.stdout, 'data');
      await sleep(60 + ((round * 17) % 500));
      writer.kill('SIGKILL');
      await once(writer, 'exit');
      const { fault, first } = await verifyTrail(data);
      assert.equal(fault, undefined);
      firsts.add(first);
    }
  });

  it('verify finds an unbroken trail while an exchange removes files', async (t) => {
    const data = dataDir(t);
    const child = fileURLToPath(new URL('support/audit-child.ts', import.meta.url));
    const writer = spawn(process.execPath, [...process.execArgv, child, data, 'retain'], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      await once(writer.stdout, 'data');
      for (let i = 0; i < times(20, 50); i++) {
        assert.equal((await verifyTrail(data)).fault, undefined);
        await sleep(10);
      }
    } finally {
      writer.kill('SIGKILL');
      await once(writer, 'exit');
    }
  });

  it('openbell start --audit-keep, and the output of verify', async (t) => {
    const data = dataDir(t);
    const files = await daysOf(data, 4);
    const exchange = await ExchangeProcess.start(data, ['--audit-keep', '2']);
    await until(() => !existsSync(files[1]), 'two files are removed');
    assert.equal(await exchange.end('SIGTERM'), 0);
    const { code, stdout } = await openbell(['audit', 'verify', data]);
    assert.equal(code, 0, stdout);
    assert.match(stdout, /^removed {7}records 1 to 8, documented by record (19|20); the remaining trail follows [0-9a-f]{64}$/m);
    assert.match(stdout, /^verdict {7}whole from record 9 on$/m);
    const wrong = await openbell(['start', '--data', data, '--audit-keep', '0']);
    assert.deepEqual([wrong.code, /--audit-keep must be a whole number of days from 1/.test(wrong.stderr)], [2, true]);
  });
});
