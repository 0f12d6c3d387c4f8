import { Command } from '../../engine/wire/layout.ts';
import { type CommandSlots, GAP_UNIT, type Simulator } from './simulator.ts';

/** Where the commands go, such as the sequencer of an engine. */
export interface CommandSink {
  readonly slots: CommandSlots;
  /** 0, or the code why nothing is taken now. */
  refusal(): number;
  /** Index of the next slot, -1 when none is free. */
  claim(): number;
  /** The slot's bytes are in place. */
  stamp(slot: number): number;
  /** Shows what was stamped. Called once a poll. */
  publish(): void;
}

const WORDS = Command.bytes / 4;
/** Most commands of one poll, so that it never holds up what else the thread does. */
const POLL_LIMIT = 1024;
const TICK_MS = 2;
/** When the sink was closed for longer than this, or the process stood still, the time is skipped and not made up for. */
const CATCH_UP_MS = 250;

/**
 * Sends a simulator's flow at its time: `rate` commands a second on average,
 * with the gaps that the flow asks for. A full or closed sink loses nothing:
 * the command waits, later ones behind it. One thread owns it.
 */
export class SimulatorDriver {
  /** Commands that the sink took. */
  sent = 0;
  /** Polls that ended early because the sink took nothing more. */
  heldUp = 0;
  readonly #simulator: Simulator;
  readonly #sink: CommandSink;
  readonly #msPerGap: number;
  readonly #next: CommandSlots;
  #dueMs = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  /** @param rate commands a second, above 0, at most 1,000,000 @throws RangeError */
  constructor(simulator: Simulator, sink: CommandSink, rate: number) {
    if (!(rate > 0 && rate <= 1_000_000))
      throw new RangeError(`a rate of ${rate} commands a second is not in (0, 1,000,000]; choose another`);
    this.#simulator = simulator;
    this.#sink = sink;
    this.#msPerGap = 1000 / rate / GAP_UNIT;
    const memory = new ArrayBuffer(Command.bytes);
    this.#next = { u8: new Uint8Array(memory), i32: new Int32Array(memory) };
    this.#simulator.next(this.#next, 0);
  }

  /** Polls by the wall clock until `stop`. Does not keep the process alive. */
  start(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setInterval(() => this.poll(performance.now()), TICK_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Sends what is due; returns how many. @param nowMs any clock of milliseconds, always the same one */
  poll(nowMs: number): number {
    const sink = this.#sink;
    if (nowMs - this.#dueMs > CATCH_UP_MS) this.#dueMs = nowMs;
    let count = 0;
    while (this.#dueMs <= nowMs && count < POLL_LIMIT) {
      const slot = sink.refusal() === 0 ? sink.claim() : -1;
      if (slot === -1) {
        this.heldUp++;
        break;
      }
      const { i32 } = sink.slots;
      for (let word = 0; word < WORDS; word++) i32[slot * WORDS + word] = this.#next.i32[word];
      sink.stamp(slot);
      count++;
      this.#simulator.next(this.#next, 0);
      this.#dueMs += this.#simulator.gap * this.#msPerGap;
    }
    if (count > 0) sink.publish();
    this.sent += count;
    return count;
  }
}
