/** A damaged history is found before LMDB opens it, is set aside, and is built again from the log. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { listSegments } from '../engine/journal/log-format.ts';
import { listSnapshots } from '../engine/journal/snapshot-files.ts';
import { openTap } from '../engine/rings/tapped-ring.ts';
import { ReportKind } from '../engine/wire/layout.ts';
import { History } from '../gateway/taps/history/history.ts';
import { accountReports } from '../gateway/taps/history/queries.ts';
import { compactRun, TRAILER_BYTES } from '../gateway/taps/history/run-format.ts';
import { REPORT_RUNS } from '../gateway/taps/history/run-layout.ts';
import { openHistory, readWatermark } from '../gateway/taps/history/store.ts';
import { checkStore } from '../gateway/taps/history/store-check.ts';
import { walkStoreFile } from '../gateway/taps/history/store-file.ts';
import { HistoryWriter } from '../gateway/taps/history/writer.ts';
import { openbell } from './support/exchange-process.ts';
import { times } from './support/long-runs.ts';
import { RawSession } from './support/order-entry-fixture.ts';
import { ReportSource } from './support/report-source.ts';
import { splitLog } from './support/small-segments.ts';
import { deposits, getJson, operatorReports, withSmallExchange } from './support/small-venue.ts';

const HISTORY_CHILD = fileURLToPath(new URL('./support/history-child.ts', import.meta.url));
const base = mkdtempSync(join(tmpdir(), 'openbell-history-damage-'));
after(() => rmSync(base, { recursive: true, force: true }));
let directories = 0;
function newDir(): string {
  const dir = join(base, String(directories++));
  mkdirSync(dir);
  return dir;
}

/** A generator of numbers below `n`, the same in each run. */
function numbersFrom(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return state % n;
  };
}

/** A store with long runs, short ones, several levels of the tree and free pages. Returns its data directory. */
async function filledStore(): Promise<string> {
  const dataDir = newDir();
  const random = numbersFrom(7);
  const last = new Map<number, number>();
  let seq = 0;
  for (let life = 0; life < 3; life++) {
    const source = new ReportSource(4096);
    const other = openTap(source.sessions);
    const writer = new HistoryWriter({ dataDir, reports: source.history });
    for (let commit = 0; commit < 60; commit++) {
      for (let i = 1 + random(800); i > 0; i--) {
        const account = random(3) === 0 ? 1 + random(2000) : 1 + random(4);
        const reportNo = (last.get(account) ?? 0) + 1;
        last.set(account, reportNo);
        seq++;
        const kind = i % 3 === 0 ? ReportKind.Fill : ReportKind.Accepted;
        source.put({ kind, account, reportNo, seq, symbol: 1 + random(3), tradeId: seq, orderId: seq });
      }
      source.publish();
      writer.poll(true);
      while (other.next() !== -1);
      other.release();
    }
    // As a crash leaves it, too.
    if (life === 1) await writer.store.root.close();
    else await writer.close();
    const found = checkStore(dataDir);
    assert.deepEqual([found.fault, found.verified], [undefined, true]);
  }
  return dataDir;
}

/** All runs, as the reader finds them. */
function contentOf(file: string): string {
  const runs: string[] = [];
  walkStoreFile(file, {
    readsOverflow: true,
    onValue: (name, key, value) => runs.push(`${name} ${key.toString('hex')} ${value.toString('hex')}`),
  });
  return runs.join('\n');
}

/** The operator's second report as the store holds it. @param reports packed, as hexadecimal text */
function compactReport(reports: string): Buffer {
  const { bytes } = REPORT_RUNS;
  return Buffer.from(compactRun(REPORT_RUNS, 0, 2, Buffer.from(reports, 'hex').subarray(bytes, 2 * bytes))).subarray(0, -TRAILER_BYTES);
}

/** A copy with 20 bytes damaged in each copy of `record`: pages that are free now may have older ones. */
function damagedAt(bytes: Buffer, record: Buffer): Buffer {
  const damaged = Buffer.from(bytes);
  for (let at = damaged.indexOf(record); at !== -1; at = damaged.indexOf(record)) damaged.fill(0xee, at, at + 20);
  return damaged;
}

test('twenty damaged bytes anywhere are found, unless they lie where nothing is stored', async () => {
  const good = readFileSync(join(await filledStore(), 'history', 'data.mdb'));
  const dataDir = newDir();
  mkdirSync(join(dataDir, 'history'));
  const file = join(dataDir, 'history', 'data.mdb');
  writeFileSync(file, good);
  const content = contentOf(file);
  const random = numbersFrom(99);
  const rounds = times(40, 80);
  let found = 0;
  for (let round = 0; round < rounds; round++) {
    const bytes = Buffer.from(good);
    const at = (random(2 ** 15) * 2 ** 15 + random(2 ** 15)) % (bytes.length - 20);
    for (let i = 0; i < 20; i++) bytes[at + i] = random(256 * 64) >> 6;
    writeFileSync(file, bytes);
    if (checkStore(dataDir).fault !== undefined) found++;
    else assert.ok(contentOf(file) === content, `byte ${at}`);
  }
  assert.ok(found > rounds / 2, `${found} of ${rounds}`);
});

test('a store without its first page, half a store, and one that is no store are found', async () => {
  const dataDir = await filledStore();
  const file = join(dataDir, 'history', 'data.mdb');
  const good = readFileSync(file);
  const faults: [change: () => void, RegExp][] = [
    [() => writeFileSync(file, Buffer.concat([Buffer.alloc(4096), good.subarray(4096)])), /page 0 is not a meta page/],
    [() => truncateSync(file, good.length / 2), /the file ends before page/],
    [() => truncateSync(file, 100), /the file ends at byte 100/],
    [() => writeFileSync(file, 'hello'.repeat(10_000)), /page 0 is not a meta page|magic/],
  ];
  for (const [change, expected] of faults) {
    writeFileSync(file, good);
    change();
    assert.match(checkStore(dataDir).fault ?? 'nothing', expected);
  }
  writeFileSync(file, good);
  assert.equal(checkStore(dataDir).fault, undefined);
});

test('a store is good after kill -9, and the reader finds the same state as LMDB, also after a reboot', async () => {
  const dataDir = newDir();
  const random = numbersFrom(5);
  for (let kill = 0; kill < times(4, 6); kill++) {
    const child = spawn(process.execPath, [...process.execArgv, HISTORY_CHILD, dataDir], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    await setTimeout(random(200));
    child.kill('SIGKILL');
    await once(child, 'exit');
    const { fault, watermark } = checkStore(dataDir);
    assert.equal(fault, undefined);
    // LMDB chooses among the meta pages by the number of the boot in them.
    const rebooted = newDir();
    cpSync(dataDir, rebooted, { recursive: true });
    const file = join(rebooted, 'history', 'data.mdb');
    const bytes = readFileSync(file);
    for (const at of [0, 2048, 4096]) bytes.writeUInt32LE(12345, at + 24 + 136);
    writeFileSync(file, bytes);
    const after = checkStore(rebooted);
    assert.equal(after.fault, undefined);
    assert.deepEqual([await readWatermark(dataDir), await readWatermark(rebooted)], [watermark, after.watermark]);
  }
});

test('a start sets a damaged history aside, builds it again, and reports it', async () => {
  const dir = newDir();
  const data = join(dir, 'data');
  const before = await withSmallExchange(dir, async (exchange) => {
    await deposits(exchange, 300);
    return await operatorReports(exchange);
  });
  const file = join(data, 'history', 'data.mdb');
  const good = readFileSync(file);
  const report = compactReport(before);
  const damages: [reason: RegExp, change: () => void][] = [
    [/page 0 is not a meta page/, () => writeFileSync(file, Buffer.concat([Buffer.alloc(4096), good.subarray(4096)]))],
    [/the file ends/, () => truncateSync(file, Math.floor(good.length / 2))],
    [/checksum/, () => writeFileSync(file, damagedAt(good, report))],
  ];
  for (const [reason, change] of damages) {
    change();
    await withSmallExchange(dir, async (exchange, lines) => {
      const line = lines.find(({ code }) => code === 'HISTORY_DAMAGED');
      assert.match(String(line?.reason), reason);
      assert.ok(existsSync(join(String(line?.kept), 'data.mdb')), 'the damaged store is kept');
      assert.equal(await operatorReports(exchange), before);
      const health = await getJson(exchange, '/health/ready');
      assert.match(String(health.json.warnings), /^HISTORY_DAMAGED: this start built the history again/);
      const metrics = await (await fetch(`http://127.0.0.1:${exchange.ports.http}/metrics`)).text();
      assert.match(metrics, /^openbell_history_rebuilt 1$/m);
    });
  }
  assert.equal(readdirSync(data).filter((name) => name.startsWith('history-damaged-')).length, 3);
  await withSmallExchange(dir, async (exchange, lines) => {
    assert.equal(
      lines.find(({ code }) => code === 'HISTORY_DAMAGED'),
      undefined,
    );
    assert.equal((await getJson(exchange, '/health/ready')).json.warnings, undefined);
  });
});

test('damage that appears while the exchange runs has a code, and the next start builds the history again', async () => {
  const dir = newDir();
  const data = join(dir, 'data');
  await withSmallExchange(dir, async (exchange, lines) => {
    await deposits(exchange, 100);
    const before = await operatorReports(exchange);
    const file = join(data, 'history', 'data.mdb');
    writeFileSync(file, damagedAt(readFileSync(file), compactReport(before)), { flag: 'r+' });
    await assert.rejects(exchange.history.read(0, 1, 1000), { code: 'HISTORY_DAMAGED' });
    assert.equal(lines.filter(({ code }) => code === 'HISTORY_DAMAGED').length, 1);
    const answer = await getJson(exchange, '/v1/accounts/0/reports');
    assert.deepEqual([answer.status, answer.json.name], [503, 'HISTORY_DAMAGED']);
    assert.match(String((await getJson(exchange, '/health/ready')).json.warnings), /HISTORY_DAMAGED/);
    await deposits(exchange, 1);
  });
  await withSmallExchange(dir, async (exchange, lines) => {
    assert.ok(lines.some(({ code }) => code === 'HISTORY_DAMAGED'));
    assert.equal((await operatorReports(exchange)).length, 256 * exchange.hub.lastReportNo(0));
  });
});

test('a history that is lost together with the beginning of the log is built from the oldest snapshot, and what is lost has a code', async () => {
  const dir = newDir();
  const data = join(dir, 'data');
  await withSmallExchange(dir, (exchange) => deposits(exchange, 100));
  await withSmallExchange(dir, (exchange) => deposits(exchange, 200));
  await splitLog(data, 4096);
  const snapshot = listSnapshots(data).at(-1)?.seq ?? 0;
  const segments = listSegments(data);
  for (const [index, { name }] of segments.entries()) if (segments[index + 1]?.firstSeq <= snapshot + 1) rmSync(join(data, name));
  const first = listSegments(data)[0].firstSeq;
  assert.ok(first > 1 && first <= snapshot + 1, `${first}, ${snapshot}`);
  rmSync(join(data, 'history'), { recursive: true });
  const verified = await openbell(['verify', data]);
  assert.deepEqual([verified.code, /The log begins with command/.test(verified.stdout)], [0, true], verified.stderr);
  for (let life = 0; life < 2; life++)
    await withSmallExchange(dir, async (exchange, lines) => {
      assert.equal(lines.find(({ code }) => code === 'HISTORY_LOST')?.lostToSeq, life === 0 ? snapshot : undefined);
      const answer = await getJson(exchange, '/v1/accounts/0/reports?from=1');
      const error = answer.json;
      assert.deepEqual([answer.status, error.name], [410, 'REPORTS_GONE']);
      const lost = Number(/up to (\d+)/.exec(String(error.message))?.[1]);
      assert.ok(lost > 50 && lost < exchange.hub.lastReportNo(0), String(lost));
      assert.ok((await operatorReports(exchange, lost + 1)).length > 0);
      assert.equal((await getJson(exchange, '/v1/accounts/1/orders')).status, 200);
    });
});

test('a session that resumes where reports are gone ends with REPORTS_GONE and the number to resume from', async () => {
  const dir = newDir();
  const open = (exchange: { ports: { grpc: number } }, last: number) =>
    new RawSession(exchange.ports.grpc, { 'x-openbell-account': '1', 'x-openbell-last-report': String(last) });
  const last = await withSmallExchange(dir, async (exchange) => {
    const { connect } = await import('../gateway/client/index.ts');
    const client = await connect({ account: 1, grpcPort: exchange.ports.grpc, httpPort: exchange.ports.http, wsPort: exchange.ports.ws });
    const orders = await client.orders;
    for (let i = 0; i < 20; i++) await orders.place({ symbol: 'BTC-USD', side: 'buy', price: 10, quantity: 1, timeInForce: 'ioc' });
    await client.close();
    return exchange.hub.lastReportNo(1);
  });
  assert.ok(last >= 20);
  const store = openHistory(join(dir, 'data'));
  for (const key of store.reports.getKeys({ start: [1, 1], end: [1, Number.MAX_SAFE_INTEGER] })) store.reports.removeSync(key);
  store.lost.putSync(1, last);
  assert.equal(accountReports(store, 1, 1, 10).length, 0);
  await store.root.close();
  await withSmallExchange(dir, async (exchange) => {
    const session = open(exchange, 3);
    const { code, details } = await session.ended;
    assert.deepEqual(
      [code, details.startsWith(`REPORTS_GONE: the reports of account 1 up to ${last} are no longer kept`)],
      [11, true],
      details,
    );
    assert.ok(details.includes(`x-openbell-last-report ${last}`));
    session.close();
    const again = open(exchange, last);
    assert.equal(await again.opened, String(last));
    again.close();
  });
});

test('repair --cut sets a damaged history aside instead of opening it', async () => {
  const dir = newDir();
  const data = join(dir, 'data');
  await withSmallExchange(dir, (exchange) => deposits(exchange, 20));
  const file = join(data, 'history', 'data.mdb');
  writeFileSync(file, Buffer.concat([Buffer.alloc(4096), readFileSync(file).subarray(4096)]));
  const { code, stdout, stderr } = await openbell(['repair', data, '--cut']);
  assert.deepEqual([code, /The history is damaged .* is kept in/.test(stdout)], [0, true], stdout + stderr);
  assert.equal(existsSync(join(data, 'history')), false);
});

test('the runs that a start did not verify are verified in the background', async () => {
  const dataDir = await filledStore();
  const file = join(dataDir, 'history', 'data.mdb');
  const copy = newDir();
  mkdirSync(join(copy, 'history'));
  copyFileSync(file, join(copy, 'history', 'data.mdb'));
  const found = checkStore(copy, 1);
  assert.deepEqual([found.fault, found.verified], [undefined, false]);
  const store = openHistory(copy);
  const [run] = Array.from(store.reports.getRange({ start: [2, 200], limit: 1 }));
  const value = Buffer.from(run.value);
  value[100] ^= 1;
  store.reports.putSync(run.key as [number, number], value);
  await store.root.close();
  const damaged = Promise.withResolvers<Error>();
  const history = await History.start({ dataDir: copy, reports: new ReportSource().history, verify: true, onDamaged: damaged.resolve });
  try {
    assert.match((await damaged.promise).message, /the run of reports of account 2 from number \d+ on has a wrong checksum/);
  } finally {
    await history.stop();
  }
  assert.match(checkStore(copy).fault ?? '', /account 2/);
});
