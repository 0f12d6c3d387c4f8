/** A process that recovers a data directory like the engine, and reports when it is ready: `node bench/recovery/recover.ts DIR`, forked. */

import { resolveLimits } from '../../engine/limits.ts';
import { Exchange } from '../../engine/machine/exchange.ts';
import { stateHash } from '../../engine/machine/state-rows.ts';
import { allocateRing, RingConsumer } from '../../engine/rings/ring.ts';
import { SpillingProducer } from '../../engine/rings/spilling-producer.ts';
import { allocateControl, Control } from '../../engine/threads/control.ts';
import { EngineCore } from '../../engine/threads/engine-core.ts';
import { atOnce } from '../../engine/turns.ts';
import { Command, Report } from '../../engine/wire/layout.ts';
import { MARKET_EVENT_BYTES } from '../../engine/wire/market-event.ts';

/** Sent when the engine could accept commands, and again after the measurement, with the recovered state. */
export type Recovering =
  | { readonly kind: 'ready'; readonly milliseconds: number }
  | { readonly kind: 'recovered'; readonly seq: number; readonly snapshotSeq: number; readonly hash: string };

const say = (message: Recovering): void => void process.send?.(message);
const limits = resolveLimits();
const ring = (slotBytes: number, capacity: number) => allocateRing({ slotBytes, capacity, consumers: 1 });
const outputs = {
  reports: new SpillingProducer(ring(Report.bytes, limits.reportRing)),
  market: new SpillingProducer(ring(MARKET_EVENT_BYTES, limits.marketRing)),
};
const exchange = new Exchange(limits, outputs);
const commands = new RingConsumer(ring(Command.bytes, limits.commandRing), 0);
const core = new EngineCore(exchange, commands, outputs, new Control(allocateControl()));
// The history is complete, so no report is published again, and the report ring stays empty.
const nothing = (): void => undefined;
const { milliseconds, seq, snapshotSeq } = atOnce(core.recover(process.argv[2], Number.POSITIVE_INFINITY, nothing, nothing));
say({ kind: 'ready', milliseconds });
say({ kind: 'recovered', seq, snapshotSeq, hash: stateHash(exchange) });
