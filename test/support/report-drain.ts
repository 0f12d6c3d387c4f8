/** A thread in place of the history writer: takes all reports as consumer 1 and discards them. */
import { workerData } from 'node:worker_threads';
import { RingConsumer, type RingHandle } from '../../engine/rings/ring.ts';

const { ring, stop } = workerData as { ring: RingHandle; stop: Int32Array };
const consumer = new RingConsumer(ring, 1);
while (Atomics.load(stop, 0) === 0) {
  if (consumer.available() === 0) consumer.park(10);
  while (consumer.next() !== -1);
  consumer.release();
}
