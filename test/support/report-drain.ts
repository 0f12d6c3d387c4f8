/** A thread in place of the history writer: takes all reports and discards them. */
import { workerData } from 'node:worker_threads';
import { openTap, type RingTap } from '../../engine/rings/tapped-ring.ts';

const { tap, stop } = workerData as { tap: RingTap; stop: Int32Array };
const consumer = openTap(tap);
while (Atomics.load(stop, 0) === 0) {
  if (consumer.available() === 0) consumer.park(10);
  while (consumer.next() !== -1);
  consumer.release();
}
