import type { Limits } from '../limits.ts';
import { Exchange } from '../machine/exchange.ts';
import { allocateRing, RingConsumer } from '../rings/ring.ts';
import { SpillingProducer } from '../rings/spilling-producer.ts';
import type { Seq } from '../units.ts';
import { Report } from '../wire/layout.ts';
import { MARKET_EVENT_BYTES } from '../wire/market-event.ts';
import { ReportView } from '../wire/report-view.ts';
import { loadSnapshot } from './engine-core.ts';
import { replayLog } from './replay-log.ts';

const RING_SLOTS = 2 ** 14;
const REPORT_WORDS = Report.bytes / 4;

/**
 * Replays a log that begins with command 1, of a data directory that no exchange uses, and gives its execution reports again. Changes nothing. Blocks.
 * @param onReport called with each report, in order; the view is valid during the call
 * @param onProgress called between two commands, every few hundred
 * @returns the state at the end of the log
 * @throws CapacityError if the log needs more memory than `limits`; errors of the log as at a start
 */
export function replayReports(
  dir: string,
  limits: Limits,
  onReport: (report: ReportView) => void,
  onProgress: (seq: Seq) => void = () => undefined,
): Exchange {
  const rings = [Report.bytes, MARKET_EVENT_BYTES].map((slotBytes) => allocateRing({ slotBytes, capacity: RING_SLOTS, consumers: 1 }));
  const [reports, market] = rings.map((ring) => new SpillingProducer(ring));
  const [reportRing, marketRing] = rings.map((ring) => new RingConsumer(ring));
  const exchange = new Exchange(limits, { reports, market });
  loadSnapshot(exchange, dir, 0, []);
  const view = new ReportView();
  const take = (producer: SpillingProducer, consumer: RingConsumer, each: (slot: number) => void): void => {
    for (producer.publish(); ; ) {
      for (let slot = consumer.next(); slot !== -1; slot = consumer.next()) {
        each(slot);
        consumer.release();
      }
      if (producer.drain() && consumer.peek() === -1) return;
    }
  };
  replayLog(exchange, dir, 1, undefined, (seq) => {
    take(reports, reportRing, (slot) => onReport(view.wrap(reportRing.slots.i32, slot * REPORT_WORDS)));
    take(market, marketRing, () => undefined);
    onProgress(seq);
  });
  return exchange;
}
