/**
 * Recovery: replays a log of the exchange-core mix through the state machine,
 * from the first command, and from a snapshot in its middle. Prints one JSON
 * line.
 *
 *   npm run -s bench:replay [-- --commands N]
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { allocateControl, Control, JOURNAL_AT } from '../engine/control.ts';
import { loadSnapshot, writeSnapshot } from '../engine/engine-core.ts';
import { Exchange } from '../engine/exchange.ts';
import { synchronousDisk } from '../engine/journal/disk.ts';
import { scanLog } from '../engine/journal/log-reader.ts';
import { LogWriter } from '../engine/journal/log-writer.ts';
import { resolveLimits } from '../engine/limits.ts';
import { replayLog } from '../engine/replay-log.ts';
import { allocateRing, RingConsumer, RingProducer } from '../engine/ring.ts';
import { stateHash } from '../engine/state-rows.ts';
import { CoreFlow } from './core/core-flow.ts';

const CHUNK = 1000;
const { values } = parseArgs({ options: { commands: { type: 'string', default: '5000000' } } });
const commands = Number(values.commands);
const limits = resolveLimits();
const dir = mkdtempSync(join(tmpdir(), 'openbell-replay-'));

try {
  const written = await writeLog();
  const whole = timed(0);
  const half = timed(written.seq / 2);
  const result = {
    bench: 'replay',
    commands: written.seq,
    log_mb: Math.round((written.seq * 64) / 1e6),
    from_first: { seconds: whole.seconds, commands_per_s: Math.round(written.seq / whole.seconds) },
    from_snapshot_in_the_middle: { seconds: half.seconds, snapshot_mb: Math.round(statSync(written.snapshot).size / 1e6) },
    same_state: whole.hash === written.hash && half.hash === written.hash,
  };
  console.log(JSON.stringify(result));
  process.exitCode = result.same_state ? 0 : 1;
} finally {
  rmSync(dir, { recursive: true });
}

async function writeLog(): Promise<{ seq: number; hash: string; snapshot: string }> {
  const ring = allocateRing({ slotBytes: 64, capacity: 2 ** 13, consumers: 1 });
  const control = new Control(allocateControl());
  const log = new LogWriter({
    dir,
    end: scanLog(dir),
    ring: new RingConsumer(ring),
    disk: synchronousDisk,
    mode: 'fast',
    words: control.words,
    at: JOURNAL_AT,
  });
  const producer = new RingProducer(ring);
  const exchange = new Exchange(limits);
  const flow = new CoreFlow(exchange, CHUNK);
  const put = (slot: number): void => {
    let to = producer.tryClaim();
    for (; to === -1; to = producer.tryClaim()) {
      producer.publish();
      log.poll();
    }
    producer.slots.u8.set(flow.bytes.subarray(slot * 64, slot * 64 + 64), to * 64);
  };
  flow.setUp(() => put(0));
  let snapshot = '';
  while (exchange.seq < commands) {
    flow.make(CHUNK);
    for (let slot = 0; slot < CHUNK; slot++) {
      put(slot);
      exchange.apply(flow.bytes, flow.words, slot);
    }
    producer.publish();
    if (snapshot === '' && exchange.seq >= commands / 2) snapshot = writeSnapshot(exchange, dir);
  }
  await log.close();
  return { seq: exchange.seq, hash: stateHash(exchange), snapshot };
}

function timed(snapshotUpTo: number): { seconds: number; hash: string } {
  const started = performance.now();
  const exchange = new Exchange(limits);
  const from = snapshotUpTo > 0 ? loadSnapshot(exchange, dir, Number.POSITIVE_INFINITY, []) : 0;
  replayLog(exchange, dir, from + 1);
  const seconds = (performance.now() - started) / 1000;
  return { seconds, hash: stateHash(exchange) };
}
