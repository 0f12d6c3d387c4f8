import assert from 'node:assert/strict';
import { readLog } from '../../engine/journal/log-reader.ts';
import { allocateRing, RingConsumer, RingProducer } from '../../engine/rings/ring.ts';
import { getI64, putI64, type Seq } from '../../engine/units.ts';
import { Command } from '../../engine/wire/layout.ts';

/** A command ring whose producer numbers its commands and fills the rest of each slot with bytes that depend on the seq. */
export class CommandRing {
  readonly consumer: RingConsumer;
  lastSeq: Seq;
  readonly #producer: RingProducer;

  constructor(capacity: number, lastSeq: Seq = 0) {
    const handle = allocateRing({ slotBytes: Command.bytes, capacity, consumers: 1 });
    this.#producer = new RingProducer(handle);
    this.consumer = new RingConsumer(handle);
    this.lastSeq = lastSeq;
  }

  free(): number {
    return this.#producer.free();
  }

  /** Published and not yet released by the consumer. */
  depth(): number {
    return this.#producer.depth();
  }

  publish(count: number): void {
    for (let sent = 0; sent < count; sent++) {
      const slot = this.#producer.tryClaim();
      assert.notEqual(slot, -1);
      fillCommand(this.#producer.slots.i32, slot * 16, ++this.lastSeq);
    }
    this.#producer.publish();
  }
}

export function fillCommand(words: Int32Array, at: number, seq: Seq): void {
  for (let word = 0; word < 16; word++) words[at + word] = Math.imul(seq + word, 0x9e3779b1);
  words[at + 1] = 1 + (seq % 5); // a symbol id
  putI64(words, at + Command.seq / 4, seq);
}

/** Reads a log, checks every word of every record, and returns a summary. */
export function readSeqs(dir: string, fromSeq: Seq): { first: Seq; last: Seq; count: number } {
  const seen = { first: 0, last: 0, count: 0 };
  const expected = new Int32Array(16);
  readLog(dir, fromSeq, (words, firstWord, count, firstSeq) => {
    for (let record = 0; record < count; record++) {
      const at = firstWord + record * 16;
      const seq = getI64(words, at + Command.seq / 4);
      assert.equal(seq, firstSeq + record);
      fillCommand(expected, 0, seq);
      for (let word = 0; word < 16; word++) assert.equal(words[at + word], expected[word]);
      if (seen.count++ === 0) seen.first = seq;
      seen.last = seq;
    }
  });
  return seen;
}
