import { Code } from '../codes.ts';
import { JournalState, JournalWord } from '../journal/journal-status.ts';
import type { RingProducer, RingSlots } from '../rings/ring.ts';
import { putI64, putU53, type Seq, type TimeUs } from '../units.ts';
import { Command } from '../wire/layout.ts';
import type { BoundedClock } from './bounded-clock.ts';
import { type Control, JOURNAL_AT } from './control.ts';

const WORDS = Command.bytes / 4;
const SEQ = Command.seq / 4;
const TIME = Command.timeUs / 4;

/**
 * The only producer of the command ring. It sets the sequence and the time of
 * each command, before the log and the engine read the same bytes. Owned by the
 * I/O thread.
 */
export class Sequencer {
  readonly slots: RingSlots;
  draining = false;
  /** The history is full. Accepted commands are answered, but no new commands are accepted; otherwise the report ring would fill and block all answers. */
  historyFull = false;
  readonly #ring: RingProducer;
  readonly #control: Control;
  readonly #clock: BoundedClock;
  #seq: Seq;
  #timeUs: TimeUs;
  /** `timeUs` as it is in a command: a double costs an allocation wherever it is passed on. */
  readonly #time = new Int32Array(2);

  /** @param seq last sequence and @param timeUs last time of the log; both continue from there @param clock never before `timeUs` */
  constructor(ring: RingProducer, control: Control, seq: Seq, timeUs: TimeUs, clock: BoundedClock) {
    this.#clock = clock;
    this.slots = ring.slots;
    this.#ring = ring;
    this.#control = control;
    this.#seq = seq;
    this.#timeUs = timeUs;
    putI64(this.#time, 0, timeUs);
  }

  /** Code.OK, or the reason why no command is accepted: DRAINING, DISK_FULL, or BUSY if the engine or the disk failed. */
  refusal(): Code {
    if (this.draining) return Code.DRAINING;
    const state = Atomics.load(this.#control.words, JOURNAL_AT + JournalWord.state);
    if (state === JournalState.Ok) return this.historyFull ? Code.DISK_FULL : Code.OK;
    return state === JournalState.DiskFull ? Code.DISK_FULL : Code.BUSY;
  }

  /** Index of the next slot, -1 if the ring is full: answer BUSY. */
  claim(): number {
    return this.#ring.tryClaim();
  }

  /** Returns the last `count` slots that were claimed and not stamped. */
  unclaim(count: number): void {
    this.#ring.unclaim(count);
  }

  /** Completes a slot whose other bytes are set, with the present time. Stamp slots in the order in which they were claimed. */
  stamp(slot: number): Seq {
    this.readClock();
    return this.stampSameTime(slot);
  }

  /** Sets the time of the next commands: for those that arrive together, see `stampSameTime`. */
  readClock(): void {
    const nowUs = this.#clock.nowUs();
    if (nowUs <= this.#timeUs) return;
    this.#timeUs = nowUs;
    putI64(this.#time, 0, nowUs);
  }

  /** Same as `stamp`, with the time of the last `readClock`. */
  stampSameTime(slot: number): Seq {
    const words = this.slots.i32;
    const at = slot * WORDS;
    const seq = this.#seq + 1;
    this.#seq = seq;
    putU53(words, at + SEQ, seq);
    words[at + TIME] = this.#time[0];
    words[at + TIME + 1] = this.#time[1];
    return seq;
  }

  /** Publishes the stamped slots to engine and log; call it once per batch. */
  publish(): void {
    this.#ring.publish();
  }

  /** Last assigned sequence. */
  get seq(): Seq {
    return this.#seq;
  }

  /** Time of the last command. */
  get timeUs(): TimeUs {
    return this.#timeUs;
  }

  depth(): number {
    return this.#ring.depth();
  }

  /** Present time of the clock that stamps commands, see {@link BoundedClock}. Subtract the time of a command to get its age, which is never negative. */
  nowUs(): TimeUs {
    return this.#clock.nowUs();
  }
}
