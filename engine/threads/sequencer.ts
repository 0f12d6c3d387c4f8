import { Code } from '../codes.ts';
import { JournalState, JournalWord } from '../journal/journal-status.ts';
import type { RingProducer, RingSlots } from '../rings/ring.ts';
import { putI64, type Seq, type TimeUs } from '../units.ts';
import { Command } from '../wire/layout.ts';
import { type Control, JOURNAL_AT } from './control.ts';

const WORDS = Command.bytes / 4;
const SEQ = Command.seq / 4;
const TIME = Command.timeUs / 4;
/** How far wall clock and steady clock may part before the anchor moves. */
const SKEW_US = 1000;
const ANCHOR_EVERY = 4096;

/**
 * The one producer of the command ring: gives each command its place in the
 * log and its time, before the log and the engine read the same bytes.
 * Owned by the I/O thread.
 */
export class Sequencer {
  readonly slots: RingSlots;
  draining = false;
  /** The history has no room: what was taken is answered, new commands are not taken, or the report ring would fill and the answers with it. */
  historyFull = false;
  readonly #ring: RingProducer;
  readonly #control: Control;
  readonly #clock = new SteadyClock();
  #seq: Seq;
  #timeUs: TimeUs;

  /** @param seq last sequence and @param timeUs last time of the log; both go on from there */
  constructor(ring: RingProducer, control: Control, seq: Seq, timeUs: TimeUs) {
    this.slots = ring.slots;
    this.#ring = ring;
    this.#control = control;
    this.#seq = seq;
    this.#timeUs = timeUs;
  }

  /** Code.OK, or why nothing is taken now: DRAINING, DISK_FULL, or BUSY when the engine or the disk failed. */
  refusal(): Code {
    if (this.draining) return Code.DRAINING;
    const state = Atomics.load(this.#control.words, JOURNAL_AT + JournalWord.state);
    if (state === JournalState.Ok) return this.historyFull ? Code.DISK_FULL : Code.OK;
    return state === JournalState.DiskFull ? Code.DISK_FULL : Code.BUSY;
  }

  /** Index of the next slot, -1 when the ring is full: answer BUSY. */
  claim(): number {
    return this.#ring.tryClaim();
  }

  /** Gives back the last `count` slots that were claimed and not stamped. */
  unclaim(count: number): void {
    this.#ring.unclaim(count);
  }

  /**
   * Completes a slot whose other bytes are in place; slots are stamped in the order in which they were claimed.
   * @param nowUs of `nowUs()`, when many commands come at once
   */
  stamp(slot: number, nowUs: TimeUs = this.#clock.nowUs()): Seq {
    if (nowUs > this.#timeUs) this.#timeUs = nowUs;
    this.#seq++;
    const at = slot * WORDS;
    putI64(this.slots.i32, at + SEQ, this.#seq);
    putI64(this.slots.i32, at + TIME, this.#timeUs);
    return this.#seq;
  }

  /** Shows the stamped slots to engine and log; once a batch. */
  publish(): void {
    this.#ring.publish();
  }

  /** Last sequence given. */
  get seq(): Seq {
    return this.#seq;
  }

  depth(): number {
    return this.#ring.depth();
  }

  /** Now, on the clock that stamps commands: what passed since then is the difference. */
  nowUs(): TimeUs {
    return this.#clock.nowUs();
  }
}

/**
 * Wall-clock microseconds that never run backwards while the process lives:
 * the steady clock carries them, and they follow the wall clock only forwards.
 */
class SteadyClock {
  #offsetUs = Date.now() * 1000 - performance.now() * 1000;
  #calls = 0;

  nowUs(): TimeUs {
    const steady = performance.now() * 1000;
    if ((++this.#calls & (ANCHOR_EVERY - 1)) === 0) {
      const ahead = Date.now() * 1000 - (steady + this.#offsetUs);
      if (ahead > SKEW_US) this.#offsetUs += ahead;
    }
    return Math.floor(steady + this.#offsetUs);
  }
}
