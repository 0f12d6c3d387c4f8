import { synchronousDisk } from '../../engine/journal/disk.ts';
import { scanLog } from '../../engine/journal/log-reader.ts';
import { LogWriter } from '../../engine/journal/log-writer.ts';
import { resolveLimits } from '../../engine/limits.ts';
import { encodeCommand } from '../../engine/machine/command.ts';
import { configureCommand } from '../../engine/machine/configuration.ts';
import { Exchange } from '../../engine/machine/exchange.ts';
import { stateHash } from '../../engine/machine/state-rows.ts';
import { allocateRing, RingConsumer, RingProducer } from '../../engine/rings/ring.ts';
import { allocateControl, Control, JOURNAL_AT } from '../../engine/threads/control.ts';
import { writeSnapshot } from '../../engine/threads/engine-core.ts';
import { CoreFlow } from '../core/core-flow.ts';

const CHUNK = 1000;
const REPORT_MS = 250;

export interface WrittenLog {
  /** Commands in it. */
  readonly seq: number;
  /** Of the state after the last command. */
  readonly hash: string;
  /** Path of the snapshot in its middle. */
  readonly snapshot: string;
}

/**
 * Writes a log of at least `commands` commands of the exchange-core mix, and a
 * snapshot in its middle, with the real log writer.
 * @param onProgress called with the part done, several times a second; an exception from it ends the writing
 */
export async function writeLog(dir: string, commands: number, onProgress: (done: number) => void): Promise<WrittenLog> {
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
  const limits = resolveLimits();
  const exchange = new Exchange(limits);
  const flow = new CoreFlow(exchange, CHUNK);
  const put = (slot: number, bytes: Uint8Array = flow.bytes): void => {
    let to = producer.tryClaim();
    for (; to === -1; to = producer.tryClaim()) {
      producer.publish();
      log.poll();
    }
    producer.slots.u8.set(bytes.subarray(slot * 64, slot * 64 + 64), to * 64);
  };
  // As the engine begins a log: with the rules and capacities in force.
  const first = new Uint8Array(64);
  const words = new Int32Array(first.buffer);
  encodeCommand(first, words, 0, { ...configureCommand(limits), seq: 1, timeUs: 1 });
  put(0, first);
  exchange.apply(first, words, 0);
  flow.setUp(() => put(0));
  let snapshot = '';
  let reportedMs = performance.now();
  while (exchange.seq < commands) {
    flow.make(CHUNK);
    for (let slot = 0; slot < CHUNK; slot++) {
      put(slot);
      exchange.apply(flow.bytes, flow.words, slot);
    }
    producer.publish();
    if (snapshot === '' && exchange.seq >= commands / 2) snapshot = writeSnapshot(exchange, dir);
    if (performance.now() - reportedMs < REPORT_MS) continue;
    reportedMs = performance.now();
    onProgress(exchange.seq / commands);
    // Ctrl-C takes effect here.
    await new Promise(setImmediate);
  }
  await log.close();
  return { seq: exchange.seq, hash: stateHash(exchange), snapshot };
}
