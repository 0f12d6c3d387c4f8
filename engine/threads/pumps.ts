import type { GatedConsumer, GateSpec, SeqCell } from '../rings/gated-consumer.ts';
import type { RingSlots } from '../rings/ring.ts';
import { Report } from '../wire/layout.ts';
import { MARKET_EVENT_BYTES, MarketField } from '../wire/market-event.ts';

export interface ReportHandler {
  /** The slot is valid until the call returns. */
  onReport(slots: RingSlots, slot: number): void;
  /** Once after each non-empty poll. */
  onReportsEnd(): void;
}

export interface MarketHandler {
  /** The slot is valid until the call returns. */
  onMarketEvent(slots: RingSlots, slot: number): void;
  /** Once after each non-empty poll. */
  onMarketEnd(): void;
}

/** The gate of a consumer of reports. @param durable undefined = reports leave at once */
export function reportGate(durable: SeqCell | undefined, wholeCommands: boolean): GateSpec {
  return { recordBytes: Report.bytes, seqAt: Report.seq, seqAs: 'i64', durable, wholeCommands };
}

/** The gate of a consumer of market events. @param durable undefined = events leave at once */
export function marketGate(durable: SeqCell | undefined): GateSpec {
  return { recordBytes: MARKET_EVENT_BYTES, seqAt: MarketField.seq * 8, seqAs: 'f64', durable, wholeCommands: false };
}

/** Passes reports to the sessions. Owned by the I/O thread. */
export class ReportPump {
  readonly gate: GatedConsumer;
  handler: ReportHandler | undefined;

  constructor(gate: GatedConsumer) {
    this.gate = gate;
  }

  /** Passes on up to `limit` reports, and the available rest of the last one's command. Returns their number. */
  poll(limit: number): number {
    const { gate, handler } = this;
    if (handler === undefined) return 0;
    const { slots } = gate;
    gate.begin(limit);
    for (let slot = gate.next(); slot !== -1; slot = gate.next()) handler.onReport(slots, slot);
    if (gate.taken === 0) return 0;
    handler.onReportsEnd();
    gate.release();
    return gate.taken;
  }
}

/** Passes market events to market data. Owned by the I/O thread. */
export class MarketPump {
  readonly gate: GatedConsumer;
  handler: MarketHandler | undefined;

  constructor(gate: GatedConsumer) {
    this.gate = gate;
  }

  /** Passes on up to `limit` events. Returns their number. */
  poll(limit: number): number {
    const { gate, handler } = this;
    if (handler === undefined) return 0;
    const { slots } = gate;
    gate.begin(limit);
    for (let slot = gate.next(); slot !== -1; slot = gate.next()) handler.onMarketEvent(slots, slot);
    if (gate.taken === 0) return 0;
    handler.onMarketEnd();
    gate.release();
    return gate.taken;
  }
}
