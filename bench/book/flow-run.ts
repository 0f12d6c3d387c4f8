import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { InvariantError } from '../../engine/assert.ts';
import { allocateRing } from '../../engine/rings/ring.ts';
import { MARKET_EVENT_BYTES } from '../../engine/wire/market-event.ts';
import type { Flow } from '../../feeds/files/flow-file.ts';
import type { PassRequest, PassResult } from './flow-consumer.ts';
import { FlowDriver } from './flow-driver.ts';
import { reportHash } from './flow-report.ts';

export interface FlowRunOptions {
  /** Untimed passes before the timed ones. */
  readonly warmUp: number;
  /** Timed passes. */
  readonly runs: number;
  /** Slots of the ring between book and consumer, a power of two. */
  readonly ringSlots?: number;
  /** Messages between two publications of their reports. */
  readonly messagesPerPublish?: number;
}

export interface FlowResult {
  readonly messages: number;
  readonly reports: number;
  /** Of the canonical report text of the events that the consumer received. */
  readonly sha256: string;
  /** Of each timed pass: from the first message read to the last report consumed. */
  readonly seconds: number[];
}

/**
 * Runs `flow` repeatedly from an empty book through one driver on this
 * thread and one consumer on another. Blocks this thread during each pass.
 * A pass whose reports differ from those of the first is an error.
 */
export async function runFlow(flow: Flow, options: FlowRunOptions): Promise<FlowResult> {
  const ring = allocateRing({ slotBytes: MARKET_EVENT_BYTES, capacity: options.ringSlots ?? 2 ** 14, consumers: 1 });
  const driver = new FlowDriver(ring, Math.max(1, flow.newOrders), flow.maxPrice, options.messagesPerPublish);
  const consumer = new Worker(new URL('./flow-consumer.ts', import.meta.url), { workerData: ring });
  let seconds = 0;
  const pass = async (keep: boolean): Promise<PassResult> => {
    const answer = once(consumer, 'message');
    consumer.postMessage({ keep } satisfies PassRequest);
    driver.clear();
    seconds = timePass(driver, flow);
    driver.end();
    return (await answer)[0];
  };
  try {
    const first = await pass(true);
    const all: number[] = [];
    for (let run = 0; run < options.warmUp + options.runs; run++) {
      const { events, checksum } = await pass(false);
      if (events !== first.events || checksum !== first.checksum) {
        throw new InvariantError(
          `flow: run ${run} made ${events} reports, sum ${checksum}; the first ${first.events}, sum ${first.checksum}`,
        );
      }
      if (run >= options.warmUp) all.push(seconds);
    }
    return { messages: flow.count, reports: first.events, sha256: reportHash(first.kept), seconds: all };
  } finally {
    await consumer.terminate();
  }
}

function timePass(driver: FlowDriver, flow: Flow): number {
  const start = process.hrtime.bigint();
  driver.run(flow);
  driver.drain();
  return Number(process.hrtime.bigint() - start) / 1e9;
}
