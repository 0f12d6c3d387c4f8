/**
 * Appends to a log until it is killed, and writes every durable position to
 * stdout, a line each, after it is durable: `node journal-appender.ts DIR asynchronous|synchronous`.
 */
import { writeSync } from 'node:fs';
import { DataLock } from '../../engine/journal/data-lock.ts';
import { asynchronousDisk, synchronousDisk } from '../../engine/journal/disk.ts';
import { durableSeq, JOURNAL_WORDS } from '../../engine/journal/journal-status.ts';
import { cutTornTail, scanLog } from '../../engine/journal/log-reader.ts';
import { LogWriter } from '../../engine/journal/log-writer.ts';
import { addSegmentSize } from '../../engine/journal/segment-size.ts';
import { CommandRing } from './command-ring.ts';

const [dir, driver] = process.argv.slice(2);
const segmentBytes = 256 * 1024;
addSegmentSize(segmentBytes);
DataLock.acquire(dir);
const found = scanLog(dir);
const end = cutTornTail(dir, found)?.end ?? found;
const ring = new CommandRing(4096, end.lastSeq);
const words = new Int32Array(JOURNAL_WORDS);
const disk = driver === 'asynchronous' ? asynchronousDisk : synchronousDisk;
const onDurable = (): void => void writeSync(1, `${durableSeq(words, 0, ring.lastSeq)}\n`);
const writer = new LogWriter({ dir, end, ring: ring.consumer, disk, mode: 'durable', words, at: 0, segmentBytes, onDurable });

function work(): void {
  ring.publish(Math.min(ring.free(), 1 + ((ring.lastSeq * 7) % 400)));
  writer.poll();
  if (!disk.blocking) setImmediate(work);
}
do work();
while (disk.blocking);
