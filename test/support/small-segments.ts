import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { synchronousDisk } from '../../engine/journal/disk.ts';
import { JOURNAL_WORDS } from '../../engine/journal/journal-status.ts';
import { listSegments } from '../../engine/journal/log-format.ts';
import { readLog, scanLog } from '../../engine/journal/log-reader.ts';
import { LogWriter } from '../../engine/journal/log-writer.ts';
import { allocateRing, RingConsumer, RingProducer } from '../../engine/rings/ring.ts';

/**
 * Writes the log of a stopped exchange again, in segments of `segmentBytes`: the
 * same commands, log id and chain. A log of this many segments would otherwise
 * need millions of commands.
 */
export async function splitLog(dir: string, segmentBytes: number): Promise<void> {
  const end = scanLog(dir);
  const fresh = join(dir, '..', `${segmentBytes}-split`);
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh);
  const handle = allocateRing({ slotBytes: 64, capacity: 1024, consumers: 1 });
  const producer = new RingProducer(handle);
  const writer = new LogWriter({
    dir: fresh,
    end: { ...end, lastSeq: 0, lastCrc: 0, chain: { fromSeq: 0, low: 0, high: 0 }, file: undefined, position: 0, segments: 0, batches: 0 },
    ring: new RingConsumer(handle),
    disk: synchronousDisk,
    mode: 'durable',
    words: new Int32Array(new SharedArrayBuffer(JOURNAL_WORDS * 4)),
    at: 0,
    segmentBytes,
    maxBatch: 8,
  });
  readLog(dir, 1, (words, firstWord, count) => {
    for (let i = 0; i < count; i++) {
      const slot = producer.tryClaim();
      producer.slots.i32.set(words.subarray(firstWord + i * 16, firstWord + (i + 1) * 16), slot * 16);
      producer.publish();
      while (producer.depth() > 0) writer.poll();
    }
  });
  await writer.close();
  for (const { name } of listSegments(dir)) rmSync(join(dir, name));
  for (const name of readdirSync(fresh)) if (name.startsWith('log-')) renameSync(join(fresh, name), join(dir, name));
  rmSync(fresh, { recursive: true });
}
