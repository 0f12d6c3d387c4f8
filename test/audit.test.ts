import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, statfsSync, statSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { auditDirectory, auditFiles } from '../gateway/audit/audit-files.ts';
import { verifyTrail } from '../gateway/audit/audit-reader.ts';
import { AuditTrail } from '../gateway/audit/audit-trail.ts';
import { CommandBatch, connect, Side, TimeInForce } from '../gateway/client/index.ts';
import { loadConfig } from '../gateway/config/config.ts';
import { startExchange } from '../gateway/main.ts';
import { action, dataDir, editLines, LOG, recordsOf, reject, resealed, trailOf } from './support/audit-fixture.ts';
import { openbell } from './support/exchange-process.ts';
import { times } from './support/long-runs.ts';
import { Opcode, RawWebSocket } from './support/raw-websocket.ts';
import { smallDisk } from './support/small-disk.ts';
import { until } from './support/until.ts';

describe('audit trail', () => {
  it('keeps its records, numbered and chained, over restarts and rotation', async (t) => {
    const data = dataDir(t);
    await trailOf(data, 40, 1500);
    await trailOf(data, 5, 1500);
    const files = auditFiles(auditDirectory(data));
    assert.ok(files.length >= 4, `${files.length} files`);
    const records = await recordsOf(data);
    assert.deepEqual(
      records.map(({ no }) => no),
      Array.from({ length: 49 }, (_, i) => i + 1),
    );
    assert.deepEqual(
      records.map((record) => (record.kind === 'trail' ? record.action : record.account)),
      ['start', ...Array.from({ length: 40 }, (_, i) => i + 1), 'stop', 'start', 1, 2, 3, 4, 5, 'stop'],
    );
    const verdict = await verifyTrail(data);
    assert.deepEqual(verdict, { first: 1, removed: undefined, records: 49, head: records[48].hash, tornBytes: 0, fault: undefined });
    for (const file of files) assert.equal(statSync(file).mode & 0o077, 0, 'others may read it');
  });

  /** Manipulations of the lines of records 1 (start), 2 to 11 (actions), 12 (stop); and the record that must be named. */
  const TAMPERINGS: readonly { what: string; edit: (lines: string[]) => string[]; no: number; problem: RegExp }[] = [
    { what: 'a changed field', edit: (l) => l.with(4, l[4].replace('operator 4', 'operator 9')), no: 5, problem: /does not follow/ },
    { what: 'a changed time', edit: (l) => l.with(4, l[4].replace(/"time":"\d{4}/, '"time":"1999')), no: 5, problem: /does not follow/ },
    {
      what: 'a changed hash',
      edit: (l) =>
        l.with(
          4,
          l[4].replace(/[0-9a-f]"\}$/, (end) => `${end[0] === '0' ? '1' : '0'}"}`),
        ),
      no: 5,
      problem: /does not follow/,
    },
    {
      what: 'another spelling of the same value',
      edit: (l) => l.with(4, l[4].replace('"account":4', '"account":4.0')),
      no: 5,
      problem: /does not follow/,
    },
    { what: 'a removed line', edit: (l) => l.toSpliced(4, 1), no: 5, problem: /has number 6/ },
    {
      what: 'a removed line, numbers mended',
      edit: (l) => l.toSpliced(4, 1).map((line, i) => line.replace(/^\{"no":\d+/, `{"no":${i + 1}`)),
      no: 5,
      problem: /does not follow/,
    },
    {
      what: 'a changed record, sealed anew',
      edit: (l) => l.with(4, resealed(l[4].replace('operator 4', 'operator 9'), l[3])),
      no: 6,
      problem: /does not follow/,
    },
    { what: 'the first line removed', edit: (l) => l.slice(1), no: 1, problem: /has number 2/ },
    { what: 'swapped lines', edit: (l) => l.with(4, l[5]).with(5, l[4]), no: 5, problem: /has number 6/ },
    { what: 'an inserted record', edit: (l) => l.toSpliced(4, 0, l[4]), no: 6, problem: /has number 5/ },
    { what: 'an inserted line', edit: (l) => l.toSpliced(4, 0, 'nothing to see here'), no: 5, problem: /is not a record/ },
    { what: 'an empty line', edit: (l) => l.toSpliced(4, 0, ''), no: 5, problem: /is not a record/ },
    { what: 'an endless line', edit: (l) => l.toSpliced(4, 0, 'x'.repeat(200_000)), no: 5, problem: /is not a record/ },
  ];
  for (const { what, edit, no, problem } of TAMPERINGS) {
    it(`names the record: ${what}`, async (t) => {
      const data = dataDir(t);
      await trailOf(data, 10);
      editLines(data, edit);
      const { fault, records } = await verifyTrail(data);
      assert.ok(fault !== undefined, 'the manipulation was not detected');
      assert.equal(fault.no, no);
      assert.match(fault.problem, problem);
      assert.equal(records, no - 1);
    });
  }

  it('a truncated end is detected with a head that was stored elsewhere', async (t) => {
    const data = dataDir(t);
    await trailOf(data, 10);
    const { head } = await verifyTrail(data);
    await trailOf(data, 3);
    assert.equal((await verifyTrail(data, head)).fault, undefined, 'a trail that has grown since contains it');
    editLines(data, (lines) => lines.slice(0, 7));
    assert.equal((await verifyTrail(data)).fault, undefined, 'without a stored head, a truncated end cannot be detected');
    assert.match((await verifyTrail(data, head)).fault?.problem ?? '', /its end was cut/);
  });

  it('a file that is missing in the middle is detected', async (t) => {
    const data = dataDir(t);
    await trailOf(data, 40, 1500);
    const files = auditFiles(auditDirectory(data));
    unlinkSync(files[1]);
    assert.match((await verifyTrail(data)).fault?.problem ?? '', /records were removed/);
  });

  it('a torn last record is cut and kept at the next start, which records it', async (t) => {
    const data = dataDir(t);
    await trailOf(data, 10);
    const [file] = auditFiles(auditDirectory(data));
    truncateSync(file, statSync(file).size - 50);
    const torn = await verifyTrail(data);
    assert.deepEqual([torn.records, torn.fault], [11, undefined]);
    assert.ok(torn.tornBytes > 0);
    await trailOf(data, 1);
    const records = await recordsOf(data);
    assert.deepEqual(
      records.slice(11).map(({ action: done }) => done),
      ['repair', 'start', action(1).action, 'stop'],
    );
    assert.match(records[11].detail ?? '', new RegExp(`^${torn.tornBytes} bytes .* kept in .*\\.torn-`));
    assert.equal((await verifyTrail(data)).fault, undefined);
  });

  it('a crash may leave zeros after the last record, or half a rotation: the next start handles both', async (t) => {
    const data = dataDir(t);
    await trailOf(data, 40, 1500);
    const files = auditFiles(auditDirectory(data));
    appendFileSync(files[files.length - 1], Buffer.alloc(4096));
    await trailOf(data, 1, 1500);
    writeFileSync(join(auditDirectory(data), 'audit-000000000048.jsonl'), '{"no":48,"ti');
    await trailOf(data, 1, 1500);
    assert.equal((await verifyTrail(data)).fault, undefined);
  });

  it('kill -9 in the middle of writing: the records are consistent, and the next start continues', { timeout: 300_000 }, async (t) => {
    const data = dataDir(t);
    const child = fileURLToPath(new URL('support/audit-child.ts', import.meta.url));
    let before = 0;
    const files = () => auditFiles(auditDirectory(data));
    const bytes = () => files().reduce((sum, file) => sum + statSync(file).size, 0);
    // On a slow disk it takes more of them until it rotates.
    for (let round = 0; round < times(4, 8) || files().length === 1; round++) {
      const old = round === 0 ? 0 : bytes();
      const writer = spawn(process.execPath, [...process.execArgv, child, data], { stdio: ['ignore', 'pipe', 'inherit'] });
      await once(writer.stdout, 'data');
      await until(() => bytes() > old, 'records');
      await sleep(40 + round * 13);
      writer.kill('SIGKILL');
      await once(writer, 'exit');
      const { fault, records } = await verifyTrail(data);
      assert.equal(fault, undefined);
      assert.ok(records > before, 'a round wrote nothing');
      before = records;
    }
  });

  it('a full disk: records wait, further ones are counted, and the order is intact afterwards', async (t) => {
    const dir = smallDisk(t, '2m');
    if (dir === undefined) return;
    const trail = new AuditTrail(dir, LOG, { flushMs: 5, maxWaiting: 50 });
    await until(() => trail.stats.records > 0, 'the start is written');
    const ballast = join(dir, 'ballast');
    const { bavail, bsize } = statfsSync(dir);
    writeFileSync(ballast, Buffer.alloc(bavail * bsize));
    // Data that still fits into the last page is written to the disk.
    for (let no = 1; no <= 200 && !trail.stats.failing; no++) {
      trail.record(action(no));
      await sleep(10);
    }
    assert.ok(trail.stats.failing, 'the disk never filled');
    for (let no = 0; no < 1000; no++) trail.record(action(no));
    assert.ok(trail.stats.lost > 900, `${trail.stats.lost} lost: the queue is not bounded`);
    unlinkSync(ballast);
    for (let i = 0; i < 500 && trail.stats.failing; i++) await sleep(10);
    assert.equal(trail.stats.failing, false, 'it did not recover');
    await trail.stop();
    const records = await recordsOf(dir);
    assert.equal((await verifyTrail(dir)).fault, undefined);
    const lost = records.filter(({ action: done }) => done === 'lost').map(({ detail }) => Number.parseInt(detail ?? '', 10));
    assert.equal(
      lost.reduce((sum, count) => sum + count, 0),
      trail.stats.lost,
      'the trail records how many it lacks',
    );
  });

  it('a flood of rejects is summarised; other records are not', async (t) => {
    const data = dataDir(t);
    const trail = new AuditTrail(data, LOG, { maxRejects: 10 });
    for (let i = 0; i < 100_000; i++) trail.record(reject());
    for (let i = 0; i < 1000; i++) trail.record({ ...reject(), action: `GET /${i}` });
    for (let no = 1; no <= 50; no++) trail.record(action(no));
    await trail.stop();
    const records = await recordsOf(data);
    const rejects = records.filter(({ kind }) => kind === 'identity');
    assert.ok(rejects.length <= 10 + 65, `${rejects.length} records`);
    const counts = rejects.map(({ detail }) => (detail === undefined ? 1 : Number.parseInt(detail, 10)));
    assert.equal(
      counts.reduce((sum, count) => sum + count, 0),
      101_000,
      'every reject is counted',
    );
    assert.equal(records.filter(({ kind }) => kind === 'admin').length, 50);
    assert.equal(trail.stats.summarised, 101_000 - 10);
  });

  it('sessions of one caller are summarised when they come and go; those of others are not', async (t) => {
    const data = dataDir(t);
    const trail = new AuditTrail(data, LOG);
    const session = (subject: string) => ({
      kind: 'session',
      subject,
      account: 1,
      action: 'open gRPC Session',
      outcome: 'ok',
      peer: '::1',
    });
    for (let i = 0; i < 5000; i++) trail.record(session('restless'));
    for (let i = 0; i < 20; i++) trail.record(session('quiet'));
    await trail.stop();
    const records = (await recordsOf(data)).filter(({ kind }) => kind === 'session');
    const of = (subject: string) => records.filter((record) => record.subject === subject);
    assert.equal(of('quiet').length, 20);
    assert.equal(of('restless').length, 1001);
    assert.match(of('restless').at(-1)?.detail ?? '', /^4000 more within a second/);
    assert.equal((await verifyTrail(data)).fault, undefined);
  });

  it('accepts any text: input from an unknown client stays one record', async (t) => {
    const data = dataDir(t);
    const trail = new AuditTrail(data, LOG);
    const texts = ['a\nb', '","hash":"0"}', '\ud800', '\u2028', '=1+1', 'x'.repeat(100_000), '\0\x1b[31m', '"'];
    for (const text of texts) trail.record({ ...reject(text), subject: text });
    await trail.stop();
    assert.equal((await verifyTrail(data)).fault, undefined);
    const records = (await recordsOf(data)).filter(({ kind }) => kind === 'identity');
    assert.deepEqual(
      records.map(({ subject }) => subject.slice(0, 20)),
      texts.map((text) => text.replace('\ud800', '\ufffd').slice(0, 20)).with(2, '\ud800'),
    );
  });
});

describe('audit of a running exchange', () => {
  it('each session: who opened and closed it, for which account, and its part of the log', async (t) => {
    const data = dataDir(t);
    const flags = { data, 'grpc-port': '0', 'ws-port': '0', 'http-port': '0' };
    const exchange = await startExchange(loadConfig({ flags, env: {} }), { log: LOG });
    const { grpc: grpcPort, ws: wsPort, http: httpPort } = exchange.ports;
    const client = await connect({ grpcPort, wsPort, httpPort, account: 1 });
    const order = { symbol: 'BTC-USD', side: 'buy', price: '50000.00', quantity: '0.01' } as const;
    const placed = await client.orders.place(order);
    const cancelled = await client.orders.cancel({ symbol: 'BTC-USD', orderId: placed.orderId });
    const socket = await RawWebSocket.open(wsPort, { path: '/v1/orders?account=2' });
    socket.send(Opcode.Text, 'this is not a frame');
    await socket.until(() => socket.ended);
    const batch = new CommandBatch(1);
    for (let id = 1; id <= 3; id++) {
      batch.place(1, Side.Buy, TimeInForce.GoodTillCancel, 5_000_000, 1, id, id);
      assert.equal((await client.orders.submit(batch)).reports.length, 1);
    }
    await client.close();
    await exchange.stop();
    const records = (await recordsOf(data)).filter(({ kind }) => kind === 'session');
    const recorded = records.map(({ subject, account, action, outcome, peer, detail }) => {
      return [subject, account, action, outcome, peer, JSON.parse(detail ?? '{}')];
    });
    const before = placed.seq - 1;
    const first = { session: 1, via: 'open', readOnly: false, seq: before, lastReport: placed.reportNo - 1 };
    const ended = {
      session: 1,
      seq: cancelled.seq + 3,
      firstSeq: placed.seq,
      lastSeq: cancelled.seq,
      commands: 2,
      lastReport: cancelled.reportNo + 3,
    };
    const second = { session: 2, via: 'open', readOnly: false, seq: cancelled.seq, lastReport: recorded[1][5].lastReport };
    assert.deepEqual(recorded, [
      ['anybody', 1, 'open gRPC Session', 'ok', '127.0.0.1', first],
      ['anybody', 2, 'open WebSocket orders', 'ok', '127.0.0.1', second],
      [
        ...['anybody', 2, 'close WebSocket orders', 'MALFORMED_FRAME', '127.0.0.1'],
        { session: 2, seq: cancelled.seq, firstSeq: 0, lastSeq: 0, commands: 0, lastReport: second.lastReport },
      ],
      // Single calls: once an hour.
      ['anybody', 1, 'gRPC Submit', 'ok', '127.0.0.1', { via: 'open', seq: cancelled.seq }],
      ['anybody', 1, 'close gRPC Session', 'ok', '127.0.0.1', ended],
    ]);
  });

  it('each administrative action: subject, action, outcome and log position', async (t) => {
    const data = dataDir(t);
    const flags = { data, 'grpc-port': '0', 'ws-port': '0', 'http-port': '0' };
    const exchange = await startExchange(loadConfig({ flags, env: {} }), { log: LOG });
    const post = async (path: string, body: object) => {
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(`http://127.0.0.1:${exchange.ports.http}${path}`, {
        method: 'POST',
        headers,
        body: JSON.stringify(body),
      });
      return (await response.json()) as { seq?: number };
    };
    const { seq } = await post('/v1/accounts/1/deposit', { asset: 'USD', amount: '10.00' });
    await post('/v1/accounts/1/withdraw', { asset: 'USD', amount: '99999999.00' });
    await post('/v1/accounts/1/suspend', {});
    await exchange.stop();
    const records = (await recordsOf(data)).filter(({ kind }) => kind === 'admin');
    assert.deepEqual(
      records.map(({ account, action: done, outcome, peer }) => [account, done, outcome, peer]),
      [
        [1, 'POST /v1/accounts/:id/deposit', 'ok', '127.0.0.1'],
        [1, 'POST /v1/accounts/:id/withdraw', 'INSUFFICIENT_FUNDS', '127.0.0.1'],
        [1, 'POST /v1/accounts/:id/suspend', 'ok', '127.0.0.1'],
      ],
    );
    assert.ok(records.every(({ subject }) => subject !== ''));
    const details = records.map(({ detail }) => JSON.parse(detail ?? '{}'));
    assert.deepEqual(details[0], { seqs: [seq], id: '1', asset: 'USD', amount: '10.00' });
    assert.deepEqual(details[2].seqs, [(seq ?? 0) + 2]);
    assert.equal((await verifyTrail(data)).fault, undefined);
  });
});

describe('openbell audit', () => {
  it('the exit code of verify distinguishes an unbroken from a broken trail', async (t) => {
    const data = dataDir(t);
    await trailOf(data, 10);
    const { head } = await verifyTrail(data);
    assert.deepEqual(await openbell(['audit', 'verify', data, '--head', head]), {
      code: 0,
      stdout: `records       12 valid\nhead          ${head}\nverdict       whole\n`,
      stderr: '',
    });
    const other = await openbell(['audit', 'verify', data, '--head', 'f'.repeat(64)]);
    assert.equal(other.code, 1);
    editLines(data, (lines) => lines.with(4, lines[4].replace('operator 4', 'operator 9')));
    const broken = await openbell(['audit', 'verify', data]);
    assert.equal(broken.code, 1);
    assert.match(broken.stdout, /BROKEN: audit-000000000001\.jsonl, line 5, where record 5 was expected: it does not follow/);
    const json = JSON.parse((await openbell(['audit', 'verify', data, '--json'])).stdout);
    assert.equal(json.fault.no, 5);
    assert.equal((await openbell(['audit', 'verify', join(data, 'nowhere')])).code, 2);
    assert.equal((await openbell(['audit', 'verify', data, '--head', 'xyz'])).code, 2);
  });

  it('export gives lines or a table of a time span, and stops at a record that does not match', async (t) => {
    const data = dataDir(t);
    const trail = new AuditTrail(data, LOG);
    trail.record({ ...reject('=cmd("x"),\nsecond line'), subject: 'a "quoted" one' });
    await trail.stop();
    const [start, event] = await recordsOf(data);
    const lines = (await openbell(['audit', 'export', data])).stdout.trim().split('\n');
    assert.deepEqual(JSON.parse(lines[0]), start);
    assert.equal(lines.length, 3);
    const csv = (await openbell(['audit', 'export', data, '--format', 'csv'])).stdout;
    assert.match(csv, /^no,time,kind,subject,account,action,outcome,peer,detail,hash\n1,/);
    assert.ok(
      csv.includes(
        `2,${event.time},identity,"a ""quoted"" one",,gRPC Session,UNAUTHENTICATED,10.0.0.9,"'=cmd(""x""),\nsecond line",${event.hash}\n`,
      ),
      csv,
    );
    assert.equal((await openbell(['audit', 'export', data, '--until', start.time])).stdout, '');
    assert.equal((await openbell(['audit', 'export', data, '--since', '2020-01-01'])).stdout.trim().split('\n').length, 3);
    editLines(data, (rest) => rest.toSpliced(1, 1));
    const broken = await openbell(['audit', 'export', data]);
    assert.equal(broken.code, 1);
    assert.match(broken.stderr, /BROKEN/);
  });
});
