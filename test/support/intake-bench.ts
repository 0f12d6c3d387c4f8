import assert from 'node:assert/strict';
import { Code, codeName } from '../../engine/codes.ts';
import { allocateRing, RingConsumer, RingProducer } from '../../engine/rings/ring.ts';
import { getI64, putI64 } from '../../engine/units.ts';
import { Command, CommandExtension, CommandKind, Refusal } from '../../engine/wire/layout.ts';
import { RefusalList } from '../../engine/wire/report-frames.ts';
import { OrderEntryCounters, OrderIntake } from '../../gateway/sessions/order-intake.ts';

/** An intake in front of a real ring, with a sequencer that only assigns numbers. */
export class Bench {
  readonly intake: OrderIntake;
  readonly counters = new OrderEntryCounters();
  readonly rejects = new RefusalList();
  readonly #producer: RingProducer;
  readonly #consumer: RingConsumer;
  #seq = 0;

  constructor(capacity: number) {
    const ring = allocateRing({ slotBytes: Command.bytes, capacity, consumers: 1 });
    const producer = new RingProducer(ring);
    this.#producer = producer;
    this.#consumer = new RingConsumer(ring);
    const stampSameTime = (slot: number): number => {
      putI64(producer.slots.i32, slot * 16 + Command.seq / 4, ++this.#seq);
      putI64(producer.slots.i32, slot * 16 + Command.timeUs / 4, 1234);
      return this.#seq;
    };
    const sequencer = {
      seq: 0 as never,
      slots: producer.slots,
      refusal: () => Code.OK,
      claim: () => producer.tryClaim(),
      unclaim: (count: number) => producer.unclaim(count),
      nowUs: () => 1234,
      readClock: () => undefined,
      stampSameTime,
      publish: () => producer.publish(),
    };
    this.intake = new OrderIntake(sequencer, this.counters, () => undefined);
  }

  take(bytes: Uint8Array): Code {
    this.rejects.clear();
    const code = this.intake.take(bytes, 0, bytes.length, 42, this.rejects);
    this.intake.publish();
    return code;
  }

  free(): number {
    return this.#producer.free();
  }

  /** The content of the ring: bytes 0 to 3 and seq of each slot, `minimum` of an extension, account of a command. */
  read(): string[] {
    const seen: string[] = [];
    for (let slot = this.#consumer.next(); slot !== -1; slot = this.#consumer.next()) {
      const { u8, i32 } = this.#consumer.slots;
      const at = slot * 16;
      const head = [...u8.subarray(slot * 64, slot * 64 + 4)].join(' ');
      const seq = getI64(i32, at + Command.seq / 4);
      assert.equal(getI64(i32, at + Command.timeUs / 4), 1234);
      const isExtension = u8[slot * 64] === CommandKind.Extension;
      const rest = isExtension
        ? `min ${getI64(i32, at + CommandExtension.minQuantity / 4)}, ${i32[at + 1]}`
        : `account ${i32[at + Command.account / 4]}`;
      seen.push(`${seq}: ${head}, ${rest}`);
    }
    this.#consumer.release();
    return seen;
  }

  codes(): string[] {
    const { rejects } = this;
    return Array.from({ length: rejects.count }, (_, i) => {
      const index = rejects.words[(i * Refusal.bytes + Refusal.index) / 4];
      return `${index} ${codeName(rejects.u16[(i * Refusal.bytes) / 2])}`;
    });
  }
}
