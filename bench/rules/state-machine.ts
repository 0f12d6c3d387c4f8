import { type Limits, resolveLimits } from '../../engine/limits.ts';
import { type CommandFields, encodeCommand } from '../../engine/machine/command.ts';
import { Exchange } from '../../engine/machine/exchange.ts';
import { allocateRing, RingConsumer } from '../../engine/rings/ring.ts';
import { SpillingProducer } from '../../engine/rings/spilling-producer.ts';
import { CommandFlag, type ExtensionFields, encodeExtension } from '../../engine/wire/command-extension.ts';
import { Command, CommandKind, Phase, Report, ReportKind } from '../../engine/wire/layout.ts';

export const ACCOUNTS = 16;
const FUNDS = 2 ** 46;
const RING = 2 ** 13;
const { Rejected: REJECTED, AmendRejected: AMEND_REJECTED, CancelRejected: CANCEL_REJECTED } = ReportKind;

/** A command, and the content of the record in front of it. */
export interface LongCommand extends CommandFields {
  readonly extension?: ExtensionFields;
}

/** A state machine with its rings and one symbol, that gets batches of commands and is timed over them. */
export class MeasuredMachine {
  readonly exchange: Exchange;
  /** Time of the next commands, microseconds since the epoch. */
  timeUs = 1_000_000;
  /** Orders, amends and cancels that were rejected, with the code of the last one. */
  rejects = 0;
  rejectCode = 0;
  readonly #reports: SpillingProducer;
  readonly #market: SpillingProducer;
  readonly #answers: RingConsumer;
  readonly #events: RingConsumer;
  #seq = 0;
  #bytes = new Uint8Array(2 ** 20);

  /** @param orders resting orders that it holds @param remembered finished orders whose ids are remembered */
  constructor(orders: number, remembered = orders) {
    const limits: Limits = resolveLimits({ orders, rememberedOrders: remembered, ordersPerAccount: orders });
    const reports = allocateRing({ slotBytes: 128, capacity: RING, consumers: 1 });
    const market = allocateRing({ slotBytes: 64, capacity: RING, consumers: 1 });
    this.#reports = new SpillingProducer(reports);
    this.#market = new SpillingProducer(market);
    this.#answers = new RingConsumer(reports);
    this.#events = new RingConsumer(market);
    this.exchange = new Exchange(limits, { reports: this.#reports, market: this.#market });
    this.run([
      { kind: CommandKind.DefineAsset, symbol: 1, name: 'USD', tag: 5 },
      { kind: CommandKind.DefineAsset, symbol: 2, name: 'BTC', tag: 3 },
      {
        kind: CommandKind.DefineSymbol,
        symbol: 1,
        account: 2,
        tag: 1,
        side: 2,
        timeInForce: 3,
        clientOrderId: 1,
        orderId: 1,
        name: 'BTC-USD',
      },
      { kind: CommandKind.SetPhase, symbol: 1, parameter: Phase.Continuous },
    ]);
    for (let account = 1; account <= ACCOUNTS; account++)
      this.run([
        { kind: CommandKind.DefineAccount, account, name: `a${account}` },
        { kind: CommandKind.SetAccount, account, parameter: 1, quantity: 2 ** 31 },
        { kind: CommandKind.Deposit, account, symbol: 1, quantity: FUNDS },
        { kind: CommandKind.Deposit, account, symbol: 2, quantity: FUNDS },
      ]);
  }

  /** Applies the commands, and takes their reports and events off the rings. Returns the nanoseconds that it took, without the encoding. */
  run(commands: readonly LongCommand[]): number {
    const records = commands.reduce((sum, { extension }) => sum + (extension === undefined ? 1 : 2), 0);
    if (records * Command.bytes > this.#bytes.length) this.#bytes = new Uint8Array(records * Command.bytes);
    const bytes = this.#bytes;
    const words = new Int32Array(bytes.buffer);
    let slot = 0;
    for (const { extension, ...fields } of commands) {
      const { timeUs } = this;
      if (extension !== undefined) encodeExtension(bytes, words, slot++, { ...extension, seq: ++this.#seq, timeUs });
      const parameter = extension === undefined ? (fields.parameter ?? 0) : CommandFlag.Extended;
      encodeCommand(bytes, words, slot++, { ...fields, parameter, seq: ++this.#seq, timeUs });
    }
    const from = performance.now();
    for (let at = 0; at < records; at++) {
      this.exchange.apply(bytes, words, at);
      if ((at & 255) === 255) this.#drain();
    }
    this.#drain();
    return (performance.now() - from) * 1e6;
  }

  #drain(): void {
    this.exchange.endBatch();
    do {
      this.#reports.publish();
      this.#market.publish();
      for (let slot = this.#answers.next(); slot !== -1; slot = this.#answers.next()) this.#read(slot);
      this.#answers.release();
      while (this.#events.next() !== -1);
      this.#events.release();
    } while (!this.#reports.drain() || !this.#market.drain());
  }

  #read(slot: number): void {
    const { u8 } = this.#answers.slots;
    const kind = u8[slot * Report.bytes + Report.kind];
    if (kind !== REJECTED && kind !== AMEND_REJECTED && kind !== CANCEL_REJECTED) return;
    this.rejects++;
    this.rejectCode = u8[slot * Report.bytes + Report.code] | (u8[slot * Report.bytes + Report.code + 1] << 8);
  }
}
