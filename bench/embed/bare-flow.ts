import { Code } from '../../engine/codes.ts';
import type { Limits } from '../../engine/limits.ts';
import { Exchange } from '../../engine/machine/exchange.ts';
import { allocateRing, RingConsumer } from '../../engine/rings/ring.ts';
import { SpillingProducer } from '../../engine/rings/spilling-producer.ts';
import { POLL_COMMANDS } from '../../engine/threads/engine-core.ts';
import { putU53Even } from '../../engine/units.ts';
import { Command, CommandKind, Report, ReportKind } from '../../engine/wire/layout.ts';
import type { OrderInputs } from './order-inputs.ts';

const REPORT_WORDS = Report.bytes / 4;
const RING_SLOTS = 2 ** 12;
const SYMBOL = 1;

/**
 * The bare state machine as a program uses it that packs commands by hand: it writes the 64 bytes of each order, applies them, and looks at the reports
 * for which orders were accepted. Nothing is checked, no result is made, and reports are read after {@link POLL_COMMANDS} commands, which is faster
 * than after each one.
 */
export class BareFlow {
  readonly exchange: Exchange;
  /** Orders, amends and cancels that were accepted. */
  accepted = 0;
  readonly #reports: SpillingProducer;
  readonly #market: SpillingProducer;
  readonly #reportEnd: RingConsumer;
  readonly #marketEnd: RingConsumer;
  readonly #bytes = new Uint8Array(Command.bytes);
  readonly #words = new Int32Array(this.#bytes.buffer);

  /** @param events whether events of books are written, as an embedded exchange does it with callbacks only */
  constructor(limits: Limits, events: boolean) {
    const reports = allocateRing({ slotBytes: Report.bytes, capacity: RING_SLOTS, consumers: 1 });
    const market = allocateRing({ slotBytes: 64, capacity: RING_SLOTS, consumers: 1 });
    this.#reports = new SpillingProducer(reports);
    this.#market = new SpillingProducer(market);
    this.#reportEnd = new RingConsumer(reports);
    this.#marketEnd = new RingConsumer(market);
    this.exchange = new Exchange(limits, { reports: this.#reports, market: this.#market });
    this.exchange.market.quiet = !events;
  }

  /** Applies the definitions among commands of the scope `core`, which come before all orders. */
  define(bytes: Uint8Array, words: Int32Array, commands: number): void {
    for (let slot = 0; slot < commands && (words[(slot * Command.bytes) / 4] & 0xff) > CommandKind.Amend; slot++) {
      this.exchange.apply(bytes, words, slot);
      this.#reports.publish();
      this.#market.publish();
      this.#empty();
    }
    // Those were answers to an operator.
    this.accepted = 0;
  }

  /** @returns milliseconds */
  run(inputs: OrderInputs): number {
    const { count } = inputs;
    const from = performance.now();
    for (let first = 0; first < count; first += POLL_COMMANDS) {
      this.#apply(inputs, first, Math.min(count, first + POLL_COMMANDS));
      this.#empty();
    }
    return performance.now() - from;
  }

  #apply(inputs: OrderInputs, first: number, end: number): void {
    const exchange = this.exchange;
    const bytes = this.#bytes;
    const words = this.#words;
    for (let i = first; i < end; i++) {
      words[0] = inputs.kind[i] | (inputs.side[i] << 8) | (inputs.timeInForce[i] << 16);
      words[Command.symbol / 4] = SYMBOL;
      words[Command.account / 4] = inputs.account[i];
      words[Command.tag / 4] = 0;
      putU53Even(words, Command.seq / 4, exchange.seq + 1);
      putU53Even(words, Command.timeUs / 4, inputs.timeUs[i]);
      putU53Even(words, Command.clientOrderId / 4, inputs.clientOrderId[i]);
      putU53Even(words, Command.orderId / 4, inputs.orderId[i]);
      putU53Even(words, Command.price / 4, inputs.price[i]);
      putU53Even(words, Command.quantity / 4, inputs.quantity[i]);
      exchange.apply(bytes, words, 0);
    }
    exchange.endBatch();
    this.#reports.publish();
    this.#market.publish();
  }

  #empty(): void {
    const words = this.#reportEnd.slots.i32;
    do {
      for (let slot = this.#reportEnd.next(); slot !== -1; slot = this.#reportEnd.next()) {
        if (isAcceptance(words, slot * REPORT_WORDS)) this.accepted++;
      }
      this.#reportEnd.release();
      while (this.#marketEnd.next() !== -1);
      this.#marketEnd.release();
    } while (!this.#reports.drain() || !this.#market.drain());
  }
}

function isAcceptance(words: Int32Array, at: number): boolean {
  const kind = words[at] & 0xff;
  const code = words[at + Report.code / 4] & 0xffff;
  if (kind === ReportKind.Cancelled) return code === Code.CANCELLED_BY_CLIENT;
  // Self-trade prevention amends with a code.
  return kind === ReportKind.Accepted || (kind === ReportKind.Amended && code === Code.OK);
}
