import { JournalWord } from '../journal/journal-status.ts';
import type { RingConsumer, RingSlots } from '../rings/ring.ts';
import { Report } from '../wire/layout.ts';
import { MARKET_EVENT_BYTES, MarketField } from '../wire/market-event.ts';
import { type Control, JOURNAL_AT } from './control.ts';

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

const REPORT_WORDS = Report.bytes / 4;
const REPORT_SEQ = Report.seq / 4;
const EVENT_DOUBLES = MARKET_EVENT_BYTES / 8;

/**
 * The gate between the engine and the world: takes events off a ring as far as
 * the command that caused them is durable (mode `durable`), or all of them
 * (mode `fast`). Events are in the order of their commands, so the first one
 * that may not leave ends the poll. Owned by the I/O thread.
 */
abstract class Pump {
  readonly ring: RingConsumer;
  readonly #words: Int32Array;
  readonly #gated: boolean;

  constructor(ring: RingConsumer, control: Control, gated: boolean) {
    this.ring = ring;
    this.#words = control.words;
    this.#gated = gated;
  }

  /** Low 32 bits of the last seq that may leave; `gated` false = all may. */
  protected durable(): number {
    return Atomics.load(this.#words, JOURNAL_AT + JournalWord.durable);
  }

  protected mayLeave(seqLow: number, durable: number): boolean {
    return !this.#gated || ((durable - seqLow) | 0) >= 0;
  }
}

export class ReportPump extends Pump {
  handler: ReportHandler | undefined;

  /** Hands on `limit` reports, and the rest of the last one's command if it is there; returns how many. */
  poll(limit: number): number {
    const { ring, handler } = this;
    if (handler === undefined) return 0;
    const durable = this.durable();
    const words = ring.slots.i32;
    let done = 0;
    let seqLow = 0;
    for (; ; done++) {
      const slot = ring.peek();
      if (slot === -1) break;
      const next = words[slot * REPORT_WORDS + REPORT_SEQ];
      if ((done >= limit && next !== seqLow) || !this.mayLeave(next, durable)) break;
      seqLow = next;
      ring.next();
      handler.onReport(ring.slots, slot);
    }
    if (done === 0) return 0;
    handler.onReportsEnd();
    ring.release();
    return done;
  }
}

export class MarketPump extends Pump {
  handler: MarketHandler | undefined;

  /** Hands on up to `limit` events; returns how many. */
  poll(limit: number): number {
    const { ring, handler } = this;
    if (handler === undefined) return 0;
    const durable = this.durable();
    const doubles = ring.slots.f64;
    let done = 0;
    for (; done < limit; done++) {
      const slot = ring.peek();
      if (slot === -1 || !this.mayLeave(doubles[slot * EVENT_DOUBLES + MarketField.seq] | 0, durable)) break;
      ring.next();
      handler.onMarketEvent(ring.slots, slot);
    }
    if (done === 0) return 0;
    handler.onMarketEnd();
    ring.release();
    return done;
  }
}
