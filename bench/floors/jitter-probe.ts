/**
 * A process that does nothing but read the clock, to measure the jitter of its core. It sleeps between requests and ends with its parent
 * process.
 */
import { Spin } from '../core/spin.ts';
import type { ProcessReply } from '../load/process-client.ts';
import { waitsOf } from './jitter.ts';
import type { JitterAnswer, JitterRequest } from './jitter-client.ts';

/** A shorter time between two readings is not kept. */
const LEAST_MS = 0.004;
/** Between two readings: reading the clock allocates, and a collection would be a gap of this process, not of the core. */
const STEP_MS = 0.001;
const MOST_GAPS = 2 ** 20;

const from = new Float64Array(MOST_GAPS);
const to = new Float64Array(MOST_GAPS);
const spin = new Spin();

function measure(ms: number): JitterAnswer {
  globalThis.gc?.();
  let count = 0;
  const start = performance.now();
  const end = start + ms;
  let last = start;
  while (last < end && count < MOST_GAPS) {
    spin.forMs(STEP_MS);
    const now = performance.now();
    if (now - last > LEAST_MS) {
      from[count] = last - start;
      to[count++] = now - start;
    }
    last = now;
  }
  return { waits: waitsOf({ fromMs: from, toMs: to, count }, last - start) };
}

// Until V8 has compiled the loop.
measure(20);
process.on('disconnect', () => process.exit());
process.on('message', ({ ms }: JitterRequest) => process.send?.(measure(ms) satisfies ProcessReply<JitterAnswer>));
