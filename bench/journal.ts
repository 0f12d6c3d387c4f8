/**
 * What group commit costs over the bare disk: `node bench/journal.ts [--dir DIR] [--rate COMMANDS_PER_S] [--seconds S]`.
 *
 * First the disk alone: a 4 KiB write and fdatasync into a preallocated file, one
 * after the other, on this thread and through libuv's pool. Then the log writer
 * under commands that arrive by schedule (latency counts from the planned time
 * to the durable position), with both drivers. One JSON line each.
 */
import { closeSync, fdatasync, fdatasyncSync, mkdtempSync, rmSync, write, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { build, type Histogram } from 'hdr-histogram-js';
import { asynchronousDisk, type Disk, synchronousDisk } from '../engine/journal/disk.ts';
import { durableSeq, JOURNAL_WORDS, readJournalStatus } from '../engine/journal/journal-status.ts';
import { scanLog } from '../engine/journal/log-reader.ts';
import { LogWriter } from '../engine/journal/log-writer.ts';
import { createSegment } from '../engine/journal/segment-file.ts';
import { allocateRing, RingConsumer, RingProducer } from '../engine/ring.ts';
import { putI64 } from '../engine/units.ts';
import { Command } from '../engine/wire/layout.ts';

const { values } = parseArgs({
  options: {
    dir: { type: 'string', default: tmpdir() },
    rate: { type: 'string', default: '50000' },
    seconds: { type: 'string', default: '3' },
  },
});
const rate = Number(values.rate);
const seconds = Number(values.seconds);
const RING_CAPACITY = 2 ** 17;
const MIB = 1024 * 1024;

function histogram(): Histogram {
  return build({ highestTrackableValue: 60_000_000, numberOfSignificantValueDigits: 3 });
}

function print(what: string, times: Histogram, more: Record<string, number> = {}): void {
  const us = (percentile: number): number => times.getValueAtPercentile(percentile);
  console.log(
    JSON.stringify({ what, p50_us: us(50), p99_us: us(99), p999_us: us(99.9), max_us: times.maxValue, samples: times.totalCount, ...more }),
  );
}

const microseconds = (from: number): number => Math.round((performance.now() - from) * 1000);

async function bareDisk(dir: string): Promise<void> {
  const { fd } = createSegment(dir, 1, 16 * MIB);
  const page = new Uint8Array(4096).fill(1);
  const blocking = histogram();
  const pooled = histogram();
  const until = performance.now() + 1000;
  for (let at = 0; performance.now() < until; at = (at + page.length) % (16 * MIB)) {
    const start = performance.now();
    writeSync(fd, page, 0, page.length, at);
    fdatasyncSync(fd);
    blocking.recordValue(microseconds(start));
  }
  const [writePooled, syncPooled] = [promisify(write), promisify(fdatasync)];
  for (let at = 0; performance.now() < until + 1000; at = (at + page.length) % (16 * MIB)) {
    const start = performance.now();
    await writePooled(fd, page, 0, page.length, at);
    await syncPooled(fd);
    pooled.recordValue(microseconds(start));
  }
  closeSync(fd);
  print('disk: 4 KiB write + fdatasync, blocking', blocking);
  print('disk: 4 KiB write + fdatasync, libuv pool', pooled);
}

async function groupCommit(dir: string, name: string, disk: Disk): Promise<void> {
  const handle = allocateRing({ slotBytes: Command.bytes, capacity: RING_CAPACITY, consumers: 1 });
  const producer = new RingProducer(handle);
  const planned = new Float64Array(RING_CAPACITY);
  const words = new Int32Array(JOURNAL_WORDS);
  const times = histogram();
  let sent = 0;
  let told = 0;
  const onDurable = (): void => {
    const durable = durableSeq(words, 0, sent);
    for (const now = performance.now(); told < durable; )
      times.recordValue(Math.max(1, Math.round((now - planned[++told % RING_CAPACITY]) * 1000)));
  };
  const writer = new LogWriter({ dir, end: scanLog(dir), ring: new RingConsumer(handle), disk, mode: 'durable', words, at: 0, onDurable });
  const total = rate * seconds;
  const start = performance.now();
  while (told < total) {
    const due = Math.min(total, ((performance.now() - start) / 1000) * rate);
    while (sent < due && send()) sent++;
    producer.publish();
    writer.poll();
    if (!disk.blocking) await new Promise(setImmediate);
  }
  function send(): boolean {
    if (sent - told >= RING_CAPACITY) return false;
    const slot = producer.tryClaim();
    if (slot === -1) return false;
    planned[(sent + 1) % RING_CAPACITY] = start + (sent / rate) * 1000;
    putI64(producer.slots.i32, slot * 16 + Command.seq / 4, sent + 1);
    return true;
  }
  const { batches, maxBatch, syncs, sumSyncUs, maxSyncUs } = readJournalStatus(words, 0);
  const wall = (performance.now() - start) / 1000;
  await writer.close();
  print(`group commit, ${name}`, times, {
    commands_per_s: Math.round(total / wall),
    batches,
    batch_mean: Math.round(total / batches),
    batch_max: maxBatch,
    sync_mean_us: Math.round(sumSyncUs / syncs),
    sync_max_us: maxSyncUs,
  });
}

const scopes: [string, (dir: string) => Promise<void>][] = [
  ['disk', bareDisk],
  ['asynchronous', (dir) => groupCommit(dir, 'event loop + libuv pool', asynchronousDisk)],
  ['synchronous', (dir) => groupCommit(dir, 'thread of its own', synchronousDisk)],
];
for (const [name, run] of scopes) {
  const dir = mkdtempSync(join(values.dir, `openbell-bench-${name}-`));
  try {
    await run(dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
