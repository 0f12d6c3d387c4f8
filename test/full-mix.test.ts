import assert from 'node:assert/strict';
import { cpSync, readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Code, codeName } from '../engine/codes.ts';
import { snapshotPath } from '../engine/journal/snapshot-files.ts';
import { resolveLimits } from '../engine/limits.ts';
import { encodeCommand } from '../engine/machine/command.ts';
import { Exchange } from '../engine/machine/exchange.ts';
import { stateHash } from '../engine/machine/state-rows.ts';
import { loadSnapshot, writeSnapshot } from '../engine/threads/engine-core.ts';
import type { Topology } from '../engine/threads/engine-options.ts';
import { replayLog } from '../engine/threads/replay-log.ts';
import { verifyDataDirectory } from '../engine/threads/verify.ts';
import { CommandFlag, type ExtensionFields, encodeExtension } from '../engine/wire/command-extension.ts';
import { ReportKind } from '../engine/wire/layout.ts';
import { ENGINE_LIMITS, RunningEngine, temporaryDirectory, venue } from './support/engine-fixture.ts';
import { type LongCommandFields, parseCommand } from './support/exchange-fixture.ts';
import { fullMix } from './support/full-mix.ts';
import { times } from './support/long-runs.ts';
import { ACCOUNTS } from './support/twin-orders.ts';

const COMMANDS = times(8000, 10_000);
const SEED = 1;
const SNAPSHOT_EVERY = 1000;
/** Commands between two turns of the event loop, in which ticks come. */
const BATCH = 40;
/** Few orders, so that the limits are reached. */
const LIMITS = { ...ENGINE_LIMITS, orders: 128, ordersPerAccount: 40 };
const ENDS = [
  Code.EXPIRED,
  Code.CANCELLED_LINKED,
  Code.CANCELLED_VOLATILITY,
  Code.CANCELLED_PROTECTION,
  Code.CANCELLED_SELF_TRADE,
  Code.CANCELLED_AUCTION_OVER,
  Code.CANCELLED_AFTER,
  Code.CANCELLED_KILL_SWITCH,
  Code.CANCELLED_BY_MASS_CANCEL,
  Code.CANCELLED_BY_OPERATOR,
  Code.CANCELLED_SUSPENDED,
];

for (const [wrote, replays] of [
  ['compact', 'pinned'],
  ['pinned', 'compact'],
] as const)
  it(`a log with orders of all kinds that ${wrote} wrote gives its state again: replayed, by ${replays}, and from a snapshot at every 1,000th command`, async (t) => {
    const dir = temporaryDirectory((cleanUp) => t.after(cleanUp));
    await write(t, dir, wrote);
    const live = verifyDataDirectory(dir, { limits: resolveLimits(LIMITS), fromSnapshot: true });
    assert.equal(live.replayed, 0, 'the stop wrote the state that the engine had');
    for (const name of readdirSync(dir)) if (name.startsWith('snapshot-')) rmSync(join(dir, name));

    const replayed = verifyDataDirectory(dir, { limits: resolveLimits(LIMITS) });
    assert.deepEqual([replayed.seq, replayed.stateHash, replayed.imbalances], [live.seq, live.stateHash, []]);

    const hashes = snapshots(dir);
    t.diagnostic(`${live.seq} commands, ${hashes.size} snapshots`);
    for (const from of hashes.keys()) {
      const exchange = new Exchange(resolveLimits(LIMITS));
      assert.equal(loadSnapshot(exchange, dir, from, []), from);
      for (const [seq, hash] of hashes) {
        if (seq < from) continue;
        replayLog(exchange, dir, exchange.seq + 1, seq);
        assert.equal(stateHash(exchange), hash, `state of command ${seq}, from the snapshot of ${from}`);
      }
      replayLog(exchange, dir, exchange.seq + 1);
      assert.equal(stateHash(exchange), live.stateHash, `last state, from the snapshot of ${from}`);
    }

    const middle = [...hashes.keys()][hashes.size >> 1];
    for (const fromSnapshot of [false, true]) {
      const copy = temporaryDirectory((cleanUp) => t.after(cleanUp));
      const isKept = (path: string): boolean =>
        !path.includes('snapshot-') || (fromSnapshot && basename(path) === basename(snapshotPath(dir, middle)));
      cpSync(dir, copy, { recursive: true, filter: isKept });
      const { recovery } = await startAndStop(copy, replays);
      assert.deepEqual([recovery.snapshotSeq, recovery.seq], [fromSnapshot ? middle : 0, live.seq]);
      const found = verifyDataDirectory(copy, { limits: resolveLimits(LIMITS), fromSnapshot: true });
      assert.deepEqual([found.replayed, found.seq, found.stateHash], [0, live.seq, live.stateHash], `${replays}, ${fromSnapshot}`);
    }
  });

for (const topology of ['compact', 'pinned'] as const)
  it(`${topology}: a start changes no state; a pegged order gets no turn`, async (t) => {
    const dir = temporaryDirectory((cleanUp) => t.after(cleanUp));
    const first = await RunningEngine.start({ dir, topology, limits: LIMITS });
    for (const fields of venue(1)) assert.ok(first.send(fields));
    const { extension, ...fields } = parseCommand('1 new 1 buy 1 @ 505 peg primary 0');
    first.sendLong(fields, extension as ExtensionFields);
    await first.stop(false);
    const before = verifyDataDirectory(dir, { limits: resolveLimits(LIMITS) });
    assert.equal(first.reports.at(-1)?.kind, ReportKind.Accepted);
    await startAndStop(dir, topology);
    const after = verifyDataDirectory(dir, { limits: resolveLimits(LIMITS), fromSnapshot: true });
    assert.deepEqual([after.replayed, after.seq, after.stateHash], [0, before.seq, before.stateHash]);
  });

/** Starts on the log and stops, with a snapshot, before a tick, which would be a further command. */
async function startAndStop(dir: string, topology: Topology): Promise<RunningEngine> {
  const running = await RunningEngine.start({ dir, topology, limits: LIMITS });
  const ended = running.stop();
  running.engine.sequencer.draining = true;
  await ended;
  return running;
}

/** A running engine takes all commands, in a time that is theirs, and stops. */
async function write(t: TestContext, dir: string, topology: Topology): Promise<void> {
  const running = await RunningEngine.start({ dir, topology, durability: 'fast', limits: LIMITS });
  const { engine } = running;
  let nowUs = engine.sequencer.timeUs + 1000;
  t.mock.method(engine.clock, 'nowUs', () => nowUs);
  for (const fields of venue(ACCOUNTS)) assert.ok(running.send(fields));
  await engine.drain();
  engine.sequencer.draining = false;
  for (const [i, fields] of fullMix(nowUs + 1000, COMMANDS, SEED).entries()) {
    nowUs = Math.max(nowUs, fields.timeUs ?? 0);
    while (!send(running, fields.legs ?? [fields])) await turn();
    if (i % BATCH === 0) await turn();
  }
  await running.stop();
  const kinds = new Set(running.reports.map(({ kind }) => kind));
  const codes = new Set(running.reports.filter(({ kind }) => kind === ReportKind.Cancelled).map(({ code }) => code));
  assert.deepEqual(
    Object.entries(ReportKind).filter(([, kind]) => !kinds.has(kind)),
    [['None', ReportKind.None]],
    'kinds of reports that never came',
  );
  assert.deepEqual(ENDS.filter((code) => !codes.has(code)).map(codeName), [], 'ends of orders that never came');
}

/** The records of the orders of a list stand together. False: the ring is full. */
function send({ engine }: RunningEngine, orders: readonly LongCommandFields[]): boolean {
  const { sequencer } = engine;
  const slots: number[] = [];
  const records = orders.reduce((sum, { extension }) => sum + (extension === undefined ? 1 : 2), 0);
  while (slots.length < records) {
    const slot = sequencer.claim();
    if (slot === -1) {
      sequencer.unclaim(slots.length);
      return false;
    }
    slots.push(slot);
  }
  const { u8, i32 } = sequencer.slots;
  let next = 0;
  for (const { extension, ...fields } of orders) {
    if (extension !== undefined) encodeExtension(u8, i32, slots[next++], extension);
    encodeCommand(u8, i32, slots[next++], { ...fields, ...(extension && { parameter: CommandFlag.Extended }) });
  }
  sequencer.readClock();
  for (const slot of slots) sequencer.stampSameTime(slot);
  sequencer.publish();
  engine.schedule();
  return true;
}

/** Writes a snapshot of the state at every 1,000th command of the log. Returns their hashes by command. */
function snapshots(dir: string): Map<number, string> {
  const exchange = new Exchange(resolveLimits(LIMITS));
  loadSnapshot(exchange, dir, 0, []);
  const hashes = new Map<number, string>();
  for (let seq = SNAPSHOT_EVERY; ; seq += SNAPSHOT_EVERY) {
    replayLog(exchange, dir, exchange.seq + 1, seq);
    if (exchange.seq < seq) return hashes;
    writeSnapshot(exchange, dir);
    hashes.set(seq, stateHash(exchange));
  }
}
