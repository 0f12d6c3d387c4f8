/**
 * Risk, matching and settlement in one step, on one core: the exchange-core
 * mix through the bare state machine with its real output rings, which this
 * thread empties. Prints one JSON line.
 *
 *   npm run -s bench:core [-- --commands N] [--gc-marks]
 *
 * `--gc-marks` prints `GC-TRACE-BEGIN` after the warm-up and `GC-TRACE-END` at
 * the end, for a test that reads `--trace-gc`.
 */
import { parseArgs } from 'node:util';
import { Exchange } from '../engine/exchange.ts';
import { resolveLimits } from '../engine/limits.ts';
import { allocateRing, RingConsumer } from '../engine/ring.ts';
import { SpillingProducer } from '../engine/spilling-producer.ts';
import { CoreFlow } from './core/core-flow.ts';

/** Small, so that the commands made from the book still fit it when they come. */
const CHUNK = 1000;
const POLL = 256;
const WARM_UP = 1_500_000;
const RUNS = 5;

const { values } = parseArgs({
  options: { commands: { type: 'string', default: '2000000' }, 'gc-marks': { type: 'boolean', default: false } },
});
const commands = Number(values.commands);
const limits = resolveLimits({ orders: 2 ** 16, rememberedOrders: 2 ** 16 });
const reportRing = allocateRing({ slotBytes: 128, capacity: 2 ** 12, consumers: 1 });
const marketRing = allocateRing({ slotBytes: 64, capacity: 2 ** 12, consumers: 1 });
const reports = new SpillingProducer(reportRing);
const market = new SpillingProducer(marketRing);
const reportEnd = new RingConsumer(reportRing);
const marketEnd = new RingConsumer(marketRing);
const exchange = new Exchange(limits, { reports, market });
const flow = new CoreFlow(exchange, CHUNK);

let reported = 0;

function empty(): void {
  reports.publish();
  market.publish();
  do {
    while (reportEnd.next() !== -1) reported++;
    reportEnd.release();
    while (marketEnd.next() !== -1);
    marketEnd.release();
  } while (!reports.drain() || !market.drain());
}

/** Applies a chunk in polls, as the engine stage does; returns the milliseconds. */
function applyChunk(): number {
  const { bytes, words } = flow;
  const started = performance.now();
  for (let first = 0; first < CHUNK; first += POLL) {
    const end = Math.min(CHUNK, first + POLL);
    for (let slot = first; slot < end; slot++) exchange.apply(bytes, words, slot);
    exchange.endBatch();
    empty();
  }
  return performance.now() - started;
}

function run(count: number): number {
  let milliseconds = 0;
  for (let done = 0; done < count; done += CHUNK) {
    flow.make(CHUNK);
    milliseconds += applyChunk();
  }
  return (count / milliseconds) * 1000;
}

flow.setUp();
empty();
run(WARM_UP);
reported = 0;
if (values['gc-marks']) console.log('GC-TRACE-BEGIN');
const rates: number[] = [];
for (let i = 0; i < RUNS; i++) rates.push(Math.round(run(commands)));
if (values['gc-marks']) console.log('GC-TRACE-END');
rates.sort((a, b) => a - b);
const result = {
  bench: 'core',
  commands: commands * RUNS,
  reports: reported,
  resting_orders: exchange.slab.count,
  commands_per_s: { median: rates[RUNS >> 1], min: rates[0], max: rates[RUNS - 1] },
  conserved: [1, 2].every((asset) => exchange.accounts.imbalance(asset) === 0),
};
console.log(JSON.stringify(result));
