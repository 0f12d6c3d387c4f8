import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Code } from '../engine/codes.ts';
import { readLog } from '../engine/journal/log-reader.ts';
import { resolveLimits } from '../engine/limits.ts';
import { chooseTopology, type Durability, type Topology } from '../engine/threads/engine-options.ts';
import { verifyDataDirectory } from '../engine/threads/verify.ts';
import { getI64 } from '../engine/units.ts';
import { CommandKind, Phase, ReportKind, Side } from '../engine/wire/layout.ts';
import { ENGINE_LIMITS, orders, RunningEngine, temporaryDirectory, venue } from './support/engine-fixture.ts';
import { until } from './support/until.ts';

const LIMITS = resolveLimits(ENGINE_LIMITS);
const ACCOUNTS = 5;

async function trade(running: RunningEngine, from: number, count: number): Promise<void> {
  for (const fields of orders(from, count, ACCOUNTS)) while (!running.send(fields)) await sleep(1);
}

async function define(running: RunningEngine): Promise<void> {
  for (const fields of venue(ACCOUNTS)) assert.ok(running.send(fields));
}

for (const topology of ['compact', 'pinned'] satisfies Topology[]) {
  for (const durability of ['durable', 'fast'] satisfies Durability[]) {
    it(`${topology}, ${durability}: answered commands are present after a restart, from log, snapshot, or both`, async (t) => {
      const dir = temporaryDirectory((cleanUp) => t.after(cleanUp));
      let running = await RunningEngine.start({ dir, topology, durability });
      assert.equal(running.engine.topology, topology);
      await define(running);
      await trade(running, 0, 3000);
      await running.engine.drain();
      const { seq } = running.engine.sequencer;
      running.engine.sequencer.draining = false;
      const taken = await running.engine.snapshotNow();
      assert.equal(taken.seq, seq);
      await trade(running, 3000, 2000);
      await running.stop(false);
      const numbers = running.reports.filter(({ account }) => account === 3).map(({ reportNo }) => reportNo);
      assert.deepEqual(
        numbers,
        Array.from(numbers, (_, i) => i + 1),
      );
      assert.ok(running.marketEvents.count > 0);

      const log = verifyDataDirectory(dir, { limits: LIMITS });
      const both = verifyDataDirectory(dir, { limits: LIMITS, fromSnapshot: true });
      assert.deepEqual([both.snapshotSeq, both.stateHash, both.seq], [seq, log.stateHash, log.seq]);
      assert.deepEqual(log.imbalances, []);

      running = await RunningEngine.start({ dir, topology, durability });
      assert.deepEqual([running.recovery.snapshotSeq, running.recovery.seq], [seq, log.seq]);
      assert.equal(running.engine.directory.lastReportNo(3), numbers.length);
      // A repeated client order id is still recognised, and trading continues with the next numbers.
      running.send([...orders(0, 1, ACCOUNTS)][0]);
      await running.engine.drain();
      const [again] = running.reports;
      assert.deepEqual([again.kind, again.flags & 2, again.reportNo], [ReportKind.Accepted, 2, running.engine.directory.lastReportNo(1)]);
      const path = await running.stop();
      assert.ok(path?.endsWith(`snapshot-${String(log.seq + 1).padStart(16, '0')}.obs`));
      assert.equal(await running.stop(), path);
    });
  }

  it(`${topology}: reports missing in the history are published again, unchanged`, async (t) => {
    const dir = temporaryDirectory((cleanUp) => t.after(cleanUp));
    const first = await RunningEngine.start({ dir, topology });
    await define(first);
    await trade(first, 0, 20_000);
    await first.stop();
    const known = 9000;
    // A small ring: the recovery must wait for the consumers.
    const again = await RunningEngine.start({
      dir,
      topology,
      historySeq: known,
      limits: { ...ENGINE_LIMITS, commandRing: 64, reportRing: 128 },
    });
    await again.stop();
    assert.deepEqual(
      again.reports,
      first.reports.filter(({ seq }) => seq > known),
    );
    assert.equal(again.recovery.snapshotSeq, 0);
  });
}

for (const [topology, cores] of [
  ['compact', 2],
  ['pinned', 2],
  ['pinned', 8],
] as const) {
  for (const durability of ['durable', 'fast'] satisfies Durability[]) {
    it(`${topology} on ${cores} cores, ${durability}: the stages wake the thread that answers, which nothing else does`, async (t) => {
      const dir = temporaryDirectory((cleanUp) => t.after(cleanUp));
      const running = await RunningEngine.start({ dir, topology, cores, durability });
      await define(running);
      for (const fields of orders(0, 40, ACCOUNTS)) {
        assert.ok(running.send(fields));
        const { seq } = running.engine.sequencer;
        await until(() => running.reports.at(-1)?.seq === seq, `the report of command ${seq}`);
      }
      await running.stop(false);
    });
  }
}

it('pinned on 2 cores: reports that had to wait for room in the ring arrive without a further command', async (t) => {
  const dir = temporaryDirectory((cleanUp) => t.after(cleanUp));
  const running = await RunningEngine.start({
    dir,
    topology: 'pinned',
    cores: 2,
    durability: 'fast',
    limits: { ...ENGINE_LIMITS, commandRing: 64, reportRing: 128, marketRing: 128 },
  });
  const send = async (fields: Parameters<typeof running.send>[0]): Promise<void> => {
    while (!running.send(fields)) await sleep(1);
  };
  for (const fields of venue(2)) await send(fields);
  for (let round = 0; round < 5; round++) {
    const makers = 800;
    const terms = { kind: CommandKind.New, symbol: 1, price: 10_000, timeInForce: 0 } as const;
    for (let i = 1; i <= makers; i++) {
      await send({ ...terms, account: 1, side: Side.Sell, quantity: 10, clientOrderId: round * makers + i });
    }
    await send({ ...terms, account: 2, side: Side.Buy, quantity: 10 * makers, clientOrderId: round + 1 });
    const { seq } = running.engine.sequencer;
    const fills = (): number => running.reports.filter((report) => report.seq === seq && report.account === 1).length;
    await until(() => fills() === makers, 'a report for each maker');
  }
  await running.stop(false);
});

it('snapshots are taken during trading; a late one runs without rests, and a stop waits for none', async (t) => {
  const dir = temporaryDirectory((cleanUp) => t.after(cleanUp));
  const taken: number[] = [];
  const onSnapshot = (result: { seq: number } | Error): void => {
    if (result instanceof Error) throw result;
    taken.push(result.seq);
  };
  const running = await RunningEngine.start({ dir, topology: 'compact', snapshotEvery: 2000, onSnapshot });
  await define(running);
  for (let from = 0; taken.length < 3; from += 1000) {
    await trade(running, from, 1000);
    await sleep(1);
  }
  await running.stop(false);
  assert.ok(
    taken.every((seq, i) => i === 0 || seq >= taken[i - 1] + 2000),
    `${taken}`,
  );
  const [log, newest] = [false, true].map((fromSnapshot) => verifyDataDirectory(dir, { limits: LIMITS, fromSnapshot }));
  assert.ok(newest.snapshotSeq >= taken[2]);
  assert.equal(newest.stateHash, log.stateHash);
});

it('stops do not accumulate snapshots: the newest three are kept', async (t) => {
  const dir = temporaryDirectory((cleanUp) => t.after(cleanUp));
  const taken: (string | undefined)[] = [];
  for (let account = 1; account <= 5; account++) {
    const running = await RunningEngine.start({ dir, topology: account === 5 ? 'pinned' : 'compact' });
    running.send({ kind: CommandKind.DefineAccount, account, name: `a${account}` });
    taken.push(await running.stop());
  }
  const left = readdirSync(dir).filter((name) => name.startsWith('snapshot-'));
  assert.deepEqual(
    left.map((name) => join(dir, name)),
    taken.slice(2),
  );
});

it('an auction still publishes its indicative price after a restart', async (t) => {
  const dir = temporaryDirectory((cleanUp) => t.after(cleanUp));
  const first = await RunningEngine.start({ dir, topology: 'compact' });
  await define(first);
  first.send({ kind: CommandKind.SetPhase, symbol: 1, parameter: Phase.Auction });
  first.send({ kind: CommandKind.New, account: 1, clientOrderId: 1, symbol: 1, side: Side.Buy, price: 105, quantity: 1 });
  first.send({ kind: CommandKind.New, account: 2, clientOrderId: 1, symbol: 1, side: Side.Sell, price: 105, quantity: 1 });
  await first.stop();
  assert.equal(first.marketEvents.indicativePrice, 105);
  const again = await RunningEngine.start({ dir, topology: 'compact' });
  await again.stop();
  assert.equal(again.marketEvents.indicativePrice, 105);
});

it('pinned: a start or a stop that fails leaves no thread behind', (t) => {
  const dir = temporaryDirectory((cleanUp) => t.after(cleanUp));
  const child = fileURLToPath(new URL('./support/engine-failure.ts', import.meta.url));
  const { stdout, signal } = spawnSync(process.execPath, [...process.execArgv, child, dir], { encoding: 'utf8', timeout: 300_000 });
  // The journal and the engine thread both stop at it: either may be first, before or after it saw the commands of the start.
  assert.match(stdout, /^start ERR_FS_EISDIR\nstop .*command 7 (in the ring where \d belongs|follows command \d)\n$/);
  assert.equal(signal, null, 'it had to be killed');
});

describe('a damaged data directory', () => {
  it('a torn tail is cut with a message, and the exchange starts', async (t) => {
    const dir = temporaryDirectory((cleanUp) => t.after(cleanUp));
    const running = await RunningEngine.start({ dir });
    await define(running);
    await running.engine.drain();
    running.engine.sequencer.draining = false;
    // A copy of the running log, with a write that did not get to its end.
    const copy = temporaryDirectory((cleanUp) => t.after(cleanUp));
    running.send({ kind: CommandKind.Deposit, account: 1, symbol: 1, quantity: 1 });
    await running.engine.drain();
    cpSync(dir, copy, { recursive: true });
    await running.stop();
    const [name] = readdirSync(copy).filter((file) => file.startsWith('log-'));
    const bytes = readFileSync(join(copy, name));
    const lastUsed = bytes.findLastIndex((byte) => byte !== 0);
    bytes[lastUsed] ^= 1;
    writeFileSync(join(copy, name), bytes);
    const again = await RunningEngine.start({ dir: copy });
    assert.match(again.recovery.messages.join(), /cut \d+ bytes/);
    // The first command of a log sets rules and capacities.
    assert.equal(again.recovery.seq, 1 + [...venue(ACCOUNTS)].length);
    await again.stop();
  });

  it('with a damaged middle, the start fails and names file, position and the repair', async (t) => {
    const dir = temporaryDirectory((cleanUp) => t.after(cleanUp));
    const running = await RunningEngine.start({ dir });
    await define(running);
    await running.engine.drain();
    running.engine.sequencer.draining = false;
    await trade(running, 0, 100);
    await running.stop(false);
    const [name] = readdirSync(dir).filter((file) => file.startsWith('log-'));
    const bytes = readFileSync(join(dir, name));
    bytes[64 + 50] ^= 1;
    writeFileSync(join(dir, name), bytes);
    for (const topology of ['compact', 'pinned'] satisfies Topology[]) {
      await assert.rejects(RunningEngine.start({ dir, topology }), (error: Error & { code: string }) => {
        assert.match(error.message, new RegExp(`${name}.*byte 0`, 's'));
        assert.match(error.message, /openbell repair/);
        return true;
      });
    }
  });

  it('a bad snapshot is skipped with a message', async (t) => {
    const dir = temporaryDirectory((cleanUp) => t.after(cleanUp));
    const running = await RunningEngine.start({ dir });
    await define(running);
    const path = await running.stop();
    assert.ok(path);
    truncateSync(path, 100);
    const again = await RunningEngine.start({ dir });
    assert.equal(again.recovery.snapshotSeq, 0);
    assert.match(again.recovery.messages.join(), /snapshot.*cannot be used/);
    await again.stop();
  });

  it('a log without its beginning is rejected without a snapshot, and sufficient with one', async (t) => {
    const dir = temporaryDirectory((cleanUp) => t.after(cleanUp));
    const running = await RunningEngine.start({ dir });
    await define(running);
    const path = await running.stop();
    const again = await RunningEngine.start({ dir });
    await trade(again, 0, 100);
    await again.stop(false);
    assert.ok(path);
    rmSync(path);
    for (const file of readdirSync(dir)) if (file.startsWith('log-')) rmSync(join(dir, file));
    // An empty directory is a new exchange, not an error.
    const empty = await RunningEngine.start({ dir });
    assert.equal(empty.recovery.seq, 0);
    await empty.stop();
  });
});

it('with a full ring, claim returns -1, and every accepted command is answered', async (t) => {
  const dir = temporaryDirectory((cleanUp) => t.after(cleanUp));
  const running = await RunningEngine.start({ dir, limits: { ...ENGINE_LIMITS, commandRing: 64 } });
  await define(running);
  await running.engine.drain();
  running.engine.sequencer.draining = false;
  let taken = 0;
  while (running.send({ kind: CommandKind.New, account: 1, clientOrderId: taken + 1, symbol: 1, side: Side.Buy, price: 1, quantity: 1 }))
    taken++;
  assert.equal(taken, 64);
  await running.engine.drain();
  assert.equal(running.reports.filter(({ account }) => account === 1).length, taken);
  assert.equal(running.engine.sequencer.refusal(), Code.DRAINING);
  await running.stop();
});

it('an order that sweeps more makers than the rings hold is answered in full', async (t) => {
  const dir = temporaryDirectory((cleanUp) => t.after(cleanUp));
  for (const topology of ['compact', 'pinned'] satisfies Topology[]) {
    const running = await RunningEngine.start({
      dir: join(dir),
      topology,
      limits: { ...ENGINE_LIMITS, commandRing: 64, reportRing: 128, marketRing: 128 },
    });
    if (running.recovery.seq === 0) await define(running);
    await running.engine.drain();
    running.engine.sequencer.draining = false;
    running.reports.length = 0;
    const makers = 2000;
    const base = running.engine.sequencer.seq * 10;
    for (let i = 1; i <= makers; i++) {
      while (
        !running.send({
          kind: CommandKind.New,
          account: 1,
          clientOrderId: base + i,
          symbol: 1,
          side: Side.Sell,
          price: 100 + (i % 7),
          quantity: 1,
        })
      )
        await sleep(1);
    }
    while (
      !running.send({
        kind: CommandKind.New,
        account: 2,
        clientOrderId: base + makers + 1,
        symbol: 1,
        side: Side.Buy,
        price: 200,
        quantity: makers,
      })
    )
      await sleep(1);
    await running.engine.drain();
    const fills = running.reports.filter(({ kind }) => kind === ReportKind.Fill);
    assert.equal(fills.length, 2 * makers);
    assert.equal(fills.at(-1)?.leaves, 0);
    assert.ok(running.engine.status().spilled > 0);
    await running.stop();
  }
});

it('time never runs backwards, whatever the wall clock does', async (t) => {
  const dir = temporaryDirectory((cleanUp) => t.after(cleanUp));
  const real = Date.now;
  t.after(() => {
    Date.now = real;
  });
  let running = await RunningEngine.start({ dir });
  await define(running);
  await trade(running, 0, 1000);
  await running.stop();
  // The clock was set back by a day before the restart, and jumps while it runs.
  Date.now = () => real() - 86_400_000;
  running = await RunningEngine.start({ dir });
  const before = running.recovery.timeUs;
  await trade(running, 1000, 5000);
  Date.now = () => real() + 3_600_000;
  // The clock reads the wall clock now and then.
  await until(() => running.engine.sequencer.nowUs() > before, 'the clock to follow');
  await trade(running, 6000, 5000);
  Date.now = () => real() - 3_600_000;
  await trade(running, 11_000, 5000);
  await running.engine.drain();
  await running.stop();
  const seqs = running.reports.map(({ seq }) => seq);
  assert.deepEqual(
    seqs,
    seqs.toSorted((a, b) => a - b),
  );
  const { stateHash } = verifyDataDirectory(dir, { limits: LIMITS });
  const times = logTimes(dir);
  assert.ok(times.length > 15_000 && times.every((time, i) => i === 0 || time >= times[i - 1]));
  assert.ok((times.at(-1) ?? 0) > before);
  assert.equal(stateHash, verifyDataDirectory(dir, { limits: LIMITS, fromSnapshot: true }).stateHash);
});

for (const topology of ['compact', 'pinned'] satisfies Topology[]) {
  it(`${topology}: all reports are handed on within a turn, between hold and release`, async (t) => {
    const dir = temporaryDirectory((cleanUp) => t.after(cleanUp));
    const running = await RunningEngine.start({ dir, topology, durability: 'fast' });
    let isHeld = false;
    let turns = 0;
    let outside = 0;
    running.engine.onTurn({
      hold: () => {
        assert.equal(isHeld, false);
        isHeld = true;
      },
      release: () => {
        isHeld = false;
        turns++;
      },
      publish: () => assert.equal(isHeld, false),
    });
    let reports = 0;
    running.engine.onReports({
      onReport: () => {
        reports++;
        if (!isHeld) outside++;
      },
      onReportsEnd: () => undefined,
    });
    await define(running);
    await trade(running, 0, 3000);
    await running.stop();
    assert.ok(turns > 0 && reports > 3000);
    assert.deepEqual([isHeld, outside], [false, 0]);
  });
}

function logTimes(dir: string): number[] {
  const times: number[] = [];
  readLog(dir, 1, (words, firstWord, count) => {
    for (let i = 0; i < count; i++) times.push(getI64(words, firstWord + i * 16 + 6));
  });
  return times;
}

it('the topology follows the cores', () => {
  assert.deepEqual([1, 2, 3, 4, 64].map(chooseTopology), ['compact', 'compact', 'compact', 'pinned', 'pinned']);
});
