import { parentPort, workerData } from 'node:worker_threads';
import { RingConsumer, type RingHandle } from '../../engine/rings/ring.ts';

/**
 * The other thread of the ring tests: consumes `count` records whose first word
 * must be 0, 1, 2 ..., and reports how often it parked, and its sum.
 */
export interface RingWorkerData {
  readonly ring: RingHandle;
  readonly consumer: number;
  readonly count: number;
  /** Most records between two releases. */
  readonly batch: number;
  /** Sleeps so long after each batch: a slow consumer. */
  readonly sleepMs: number;
}

export interface RingWorkerResult {
  readonly parks: number;
  /** Index of the first record that was not the expected one, -1 = none. */
  readonly wrongAt: number;
  readonly sum: number;
}

if (parentPort !== null) {
  const { ring, consumer, count, batch, sleepMs } = workerData as RingWorkerData;
  const end = new RingConsumer(ring, consumer);
  const { u32, slotBytes } = end.slots;
  const asleep = new Int32Array(new SharedArrayBuffer(4));
  let parks = 0;
  let wrongAt = -1;
  let sum = 0;
  let taken = 0;
  parentPort.postMessage('ready');
  while (taken < count) {
    let inBatch = 0;
    for (let slot = end.next(); slot !== -1; slot = end.next()) {
      const value = u32[(slot * slotBytes) >> 2];
      if (value !== taken && wrongAt === -1) wrongAt = taken;
      sum = (sum + value) % 1_000_003;
      taken++;
      if (++inBatch === batch) break;
    }
    end.release();
    if (inBatch === 0) {
      parks++;
      end.park(50);
    } else if (sleepMs > 0) Atomics.wait(asleep, 0, 0, sleepMs);
  }
  parentPort.postMessage({ parks, wrongAt, sum } satisfies RingWorkerResult);
}
