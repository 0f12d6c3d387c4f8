/** The other threads of the tests of the broadcast ring: a producer at full speed, and a reader that checks each record. */
import { parentPort, workerData } from 'node:worker_threads';
import type { FeedRecord } from '../../feeds/feed-record.ts';
import { type BroadcastHandle, BroadcastProducer, BroadcastReader } from '../../feeds/rings/broadcast-ring.ts';

export interface ProducerData {
  readonly role: 'producer';
  readonly ring: BroadcastHandle;
  /** Written after each other, then a record with kind 255. */
  readonly count: number;
  /** Raised by the readers when they run. */
  readonly ready: Int32Array;
  readonly readers: number;
}

export interface ReaderData {
  readonly role: 'reader';
  readonly ring: BroadcastHandle;
  readonly limit: number;
  readonly ready: Int32Array;
  /** Waits so long after each poll: a slow reader. */
  readonly sleepMs: number;
  /** Polls only when so many records wait (or no more come): a reader that copies where the producer is about to write. */
  readonly behind: number;
}

export interface ReaderResult {
  readonly taken: number;
  readonly missed: number;
  /** Polls that found some of their own copies overwritten, or all. */
  readonly lapped: number;
  /** Waits that ended without a record. */
  readonly timedOut: number;
  /** Number of the last record, and one more. */
  readonly next: number;
  /** Records whose fields do not belong together, or that have another number than they should. */
  readonly wrong: number;
}

export const END_KIND = 255;
/** Far above any pause of the producer: a wait that ends by it is a wake-up that was lost. */
const WAIT_MS = 20_000;

/** Makes every field of a record a function of its number. */
export function writeNumbered(record: FeedRecord, number: number): void {
  record.kind = 1 + (number % 7);
  record.detail = number % 3;
  record.source = number % 65536;
  record.instrument = number | 0;
  record.venueSequence = number;
  record.venueTimeUs = number + 1;
  record.receiveTimeUs = number + 2;
  record.a = number + 3;
  record.b = number + 4;
  record.c = number + 5;
  record.d = number + 6;
}

export function isNumbered(record: FeedRecord, number: number): boolean {
  return (
    (record.kind === 1 + (number % 7) || record.kind === END_KIND) &&
    record.detail === number % 3 &&
    record.source === number % 65536 &&
    record.instrument === (number | 0) &&
    record.venueSequence === number &&
    record.venueTimeUs === number + 1 &&
    record.receiveTimeUs === number + 2 &&
    record.a === number + 3 &&
    record.b === number + 4 &&
    record.c === number + 5 &&
    record.d === number + 6
  );
}

function produce({ ring, count, ready, readers }: ProducerData): void {
  const producer = new BroadcastProducer(ring);
  const first = producer.published;
  for (let seen = Atomics.load(ready, 0); seen < readers; seen = Atomics.load(ready, 0)) Atomics.wait(ready, 0, seen, 1000);
  for (let number = first; number < first + count; number++) {
    writeNumbered(producer.claim(), number);
    if (number % 5 === 0) producer.flush();
  }
  const end = producer.claim();
  writeNumbered(end, first + count);
  end.kind = END_KIND;
  producer.flush();
}

function read({ ring, limit, ready, sleepMs, behind }: ReaderData): ReaderResult {
  const reader = new BroadcastReader(ring, { limit });
  const asleep = new Int32Array(new SharedArrayBuffer(4));
  let [taken, lapped, timedOut, wrong, last] = [0, 0, 0, 0, 0];
  let expected = reader.next;
  Atomics.add(ready, 0, 1);
  Atomics.notify(ready, 0);
  while (last !== END_KIND) {
    for (let spins = 0; spins < 10_000 && reader.available() < behind; ) spins++;
    const count = reader.poll();
    if (reader.missed > 0) lapped++;
    if (reader.first - reader.missed !== expected) wrong++;
    for (let i = 0; i < count; i++) {
      const record = reader.at(i);
      if (!isNumbered(record, reader.first + i)) wrong++;
      last = record.kind;
    }
    taken += count;
    expected = reader.first + count;
    if (sleepMs > 0) Atomics.wait(asleep, 0, 0, sleepMs);
    if (count === 0 && reader.missed === 0 && !reader.wait(WAIT_MS)) timedOut++;
  }
  return { taken, missed: reader.missedTotal, lapped, timedOut, next: reader.next, wrong };
}

if (parentPort !== null) {
  const data = workerData as ProducerData | ReaderData;
  if (data.role === 'producer') produce(data);
  else parentPort.postMessage(read(data));
}
