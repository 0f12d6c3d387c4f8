import { Command } from '../../engine/wire/layout.ts';
import { type CommandSlots, GAP_UNIT, type Simulator } from './simulator.ts';

/** Destination of the commands, such as the sequencer of an engine. */
export interface CommandSink {
  readonly slots: CommandSlots;
  /** 0, or the code of the reason why no command is accepted. */
  refusal(): number;
  /** Index of the next slot, -1 if none is free. */
  claim(): number;
  /** Completes the slot, whose bytes are set. */
  stamp(slot: number): number;
  /** Publishes the stamped slots. Called once per poll. */
  publish(): void;
}

const WORDS = Command.bytes / 4;
/** Most commands of one poll, so that it does not delay other work of the thread. */
const POLL_LIMIT = 1024;
const TICK_MS = 2;
/** If the sink was closed or the process was stopped for longer than this, the time is skipped: its commands are not sent. */
const CATCH_UP_MS = 250;

/**
 * Sends the flow of a simulator on schedule: `rate` commands per second on
 * average, with the gaps of the flow. If the sink is full or closed, the command
 * and all later ones wait; none is lost. One thread owns it.
 */
export class SimulatorDriver {
  /** Commands that the sink accepted. */
  sent = 0;
  /** Polls that ended early because the sink accepted no more commands. */
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

  /** Sends the commands that are due. Returns their number. @param nowMs time of any clock in milliseconds, always the same clock */
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
