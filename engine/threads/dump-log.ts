import { readLogSteps } from '../journal/log-reader.ts';
import { CAPACITIES, CapacityError, type Limits } from '../limits.ts';
import { Exchange } from '../machine/exchange.ts';
import { allocateRing, RingConsumer } from '../rings/ring.ts';
import { SpillingProducer } from '../rings/spilling-producer.ts';
import type { Seq } from '../units.ts';
import { Command, Report } from '../wire/layout.ts';
import { MARKET_EVENT_BYTES } from '../wire/market-event.ts';
import { loadSnapshot } from './engine-core.ts';
import { withLargestCapacities } from './logged-configurations.ts';

/** Reports and events of one command fit; more of them spill. */
const RING_SLOTS = 2 ** 12;
const COMMAND_WORDS = Command.bytes / 4;
const REPORT_WORDS = Report.bytes / 4;

/** A record of the log, copied. */
export interface DumpedRecord {
  readonly seq: Seq;
  /** The 16 words of the record: a Command, or a CommandExtension. */
  readonly words: Int32Array;
  /** The reports that it caused, 32 words each, in order. */
  readonly reports: Int32Array;
}

/** The records of one step of reading, and the state after them. */
export interface DumpedStep {
  readonly records: readonly DumpedRecord[];
  readonly exchange: Exchange;
}

/**
 * The records `fromSeq` to `toSeq` of a log with the reports that they cause, by replay from the newest snapshot before them. An exchange may
 * be writing the log, provided that `toSeq` is a command that it has. Changes nothing. Each step is some 100 ms of work and has 32,768
 * records at most; memory is bounded by a state and one step.
 * @throws the errors of a start, where the log cannot be read or replayed; all records before were given
 */
export function* dumpLog(dir: string, limits: Limits, fromSeq: Seq, toSeq: Seq): Generator<DumpedStep, void> {
  for (let next = fromSeq, room = limits; ; ) {
    try {
      for (const step of stepsFrom(dir, room, next, toSeq)) {
        yield step;
        next = (step.records.at(-1)?.seq ?? next - 1) + 1;
      }
      return;
    } catch (error) {
      if (!(error instanceof CapacityError)) throw error;
      // An earlier configuration of the log had larger capacities.
      const { needed } = withLargestCapacities(dir, error, room);
      const larger = { ...room, ...Object.fromEntries(CAPACITIES.map((name) => [name, Math.max(room[name], needed[name])])) };
      if (CAPACITIES.every((name) => larger[name] === room[name])) throw error;
      room = larger;
    }
  }
}

function* stepsFrom(dir: string, limits: Limits, fromSeq: Seq, toSeq: Seq): Generator<DumpedStep, void> {
  const outputs = new Outputs();
  const exchange = new Exchange(limits, outputs.producers);
  const snapshotSeq = loadSnapshot(exchange, dir, fromSeq - 1, []);
  let records: DumpedRecord[] = [];
  let bytes: Uint8Array = new Uint8Array(0);
  const steps = readLogSteps(dir, snapshotSeq + 1, (words, firstWord, count, firstSeq) => {
    if (bytes.buffer !== words.buffer) bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
    for (let i = 0; i < count && firstSeq + i <= toSeq; i++) {
      const at = firstWord + i * COMMAND_WORDS;
      exchange.apply(bytes, words, at / COMMAND_WORDS);
      const reports = outputs.take(firstSeq + i >= fromSeq);
      if (reports !== undefined) records.push({ seq: firstSeq + i, words: words.slice(at, at + COMMAND_WORDS), reports });
    }
  });
  try {
    for (;;) {
      let done: boolean | undefined;
      let failure: { readonly error: unknown } | undefined;
      try {
        ({ done } = steps.next());
      } catch (error) {
        failure = { error };
      }
      if (records.length > 0) yield { records, exchange };
      records = [];
      if (failure !== undefined) throw failure.error;
      if (done || exchange.seq >= toSeq) return;
    }
  } finally {
    steps.return(undefined as never);
  }
}

/** What a state machine writes, taken out after each command. */
class Outputs {
  readonly producers: { readonly reports: SpillingProducer; readonly market: SpillingProducer };
  readonly #reports: RingConsumer;
  readonly #market: RingConsumer;

  constructor() {
    const rings = [Report.bytes, MARKET_EVENT_BYTES].map((slotBytes) => allocateRing({ slotBytes, capacity: RING_SLOTS, consumers: 1 }));
    const [reports, market] = rings.map((ring) => new SpillingProducer(ring));
    this.producers = { reports, market };
    [this.#reports, this.#market] = rings.map((ring) => new RingConsumer(ring));
  }

  /** Takes all outputs. @param wanted the reports are returned; else undefined is */
  take(wanted: boolean): Int32Array | undefined {
    const { reports, market } = this.producers;
    const found: Int32Array[] = [];
    const words = this.#reports.slots.i32;
    each(reports, this.#reports, (slot) => {
      if (wanted) found.push(words.slice(slot * REPORT_WORDS, (slot + 1) * REPORT_WORDS));
    });
    each(market, this.#market, () => undefined);
    return wanted ? joined(found) : undefined;
  }
}

function each(producer: SpillingProducer, consumer: RingConsumer, onSlot: (slot: number) => void): void {
  for (producer.publish(); ; ) {
    for (let slot = consumer.next(); slot !== -1; slot = consumer.next()) {
      onSlot(slot);
      consumer.release();
    }
    if (producer.drain() && consumer.peek() === -1) return;
  }
}

function joined(parts: readonly Int32Array[]): Int32Array {
  const all = new Int32Array(parts.length * REPORT_WORDS);
  for (const [i, part] of parts.entries()) all.set(part, i * REPORT_WORDS);
  return all;
}
