import type { Limits } from '../limits.ts';
import { type CommandFields, encodeCommand } from '../machine/command.ts';
import { Exchange } from '../machine/exchange.ts';
import { allocateRing, RingConsumer } from '../rings/ring.ts';
import { SpillingProducer } from '../rings/spilling-producer.ts';
import { putU53Even, type TimeUs } from '../units.ts';
import { Command, CommandKind, Report } from '../wire/layout.ts';
import { MARKET_EVENT_BYTES } from '../wire/market-event.ts';
import { badOption, EmbedError } from './embed-error.ts';
import type { EmbeddedNames } from './embedded-names.ts';
import { EventDelivery } from './event-delivery.ts';
import { checkFunction } from './known-names.ts';

const WORDS = Command.bytes / 4;
const REPORT_WORDS = Report.bytes / 4;
const SEQ = Command.seq / 4;
const TIME = Command.timeUs / 4;
/** Slots of the rings, and so of what is kept without allocation: a command that writes more spills. Few, so that they stay in the nearest cache. */
const RING_SLOTS = 128;
/** The orders of a list, each with its extension. */
const COMMAND_SLOTS = 6;
/** Of the ring: half of it is always free for the next command. */
const MOST_HELD = RING_SLOTS / 2;
/** Where the command of a single order is; its extension is before it. */
export const COMMAND_SLOT = 1;
/** Ticks in a row that write no report, after which the rest of the work is left to the next command: it waits for something else. */
const IDLE_TICKS = 8;

/** Takes the reports that a command causes, first to last. */
export interface Answer {
  /** @param at first word of the report; valid during the call */
  take(words: Int32Array, at: number): void;
}

export const NO_ANSWER: Answer = { take: () => undefined };

/**
 * The state machine with its time, its outputs, and the slots in which commands are written. A command is applied as a whole: when it
 * returns, so has every callback, and what it began is finished.
 */
export class CommandRunner {
  readonly exchange: Exchange;
  readonly events: EventDelivery;
  /** Slots of commands: extension, command, and so on. */
  readonly u8: Uint8Array;
  readonly words: Int32Array;
  readonly #reports: SpillingProducer;
  readonly #market: SpillingProducer;
  readonly #reportEnd: RingConsumer;
  readonly #marketEnd: RingConsumer;
  readonly #reportWords: Int32Array;
  /** Reports in the ring that were read and not released; and all that were read, modulo 2^32, as the writer counts them. */
  #held = 0;
  #read = 0;
  /** See Exchange.deadlineUs. In an array, so that it is not boxed. */
  readonly #dueUs = new Float64Array(1);
  readonly #clock: (() => TimeUs) | undefined;
  readonly #random: () => number;
  #nowUs: TimeUs;
  #running = false;
  /** What has waited is being called, by a caller further out. */
  #calling = false;
  /** What waits for the end of the command that is running, or of what is being called. */
  #later: (() => void)[] = [];

  /** @param random see EmbedOptions; its results are below 2^32 */
  constructor(limits: Limits, startUs: TimeUs, clock: (() => TimeUs) | undefined, random: () => number) {
    const reports = allocateRing({ slotBytes: Report.bytes, capacity: RING_SLOTS, consumers: 1 });
    const market = allocateRing({ slotBytes: MARKET_EVENT_BYTES, capacity: RING_SLOTS, consumers: 1 });
    this.#reports = new SpillingProducer(reports);
    this.#market = new SpillingProducer(market);
    this.#reportEnd = new RingConsumer(reports);
    this.#marketEnd = new RingConsumer(market);
    this.#reportWords = this.#reportEnd.slots.i32;
    this.exchange = new Exchange(limits, { reports: this.#reports, market: this.#market });
    this.u8 = new Uint8Array(COMMAND_SLOTS * Command.bytes);
    this.words = new Int32Array(this.u8.buffer);
    this.events = new EventDelivery(this.#marketEnd.slots);
    this.exchange.market.quiet = true;
    this.#clock = clock;
    this.#random = random;
    this.#nowUs = startUs;
  }

  /** The time of the next command, unless the clock moves on before it. */
  get nowUs(): TimeUs {
    return this.#nowUs;
  }

  set nowUs(timeUs: TimeUs) {
    this.#nowUs = timeUs;
  }

  /** Names for the events. Called once, before the first command. */
  named(names: EmbeddedNames): void {
    this.events.named(names);
  }

  /** Adds a callback. Events of books are written only from here on. @returns what removes it */
  on(...listener: Parameters<EventDelivery['on']>): () => void {
    const remove = this.events.on(...listener);
    this.exchange.market.quiet = !this.events.wantsMarket;
    return () => {
      remove();
      this.exchange.market.quiet = !this.events.wantsMarket;
    };
  }

  /** Call it before a command is written to the slots. @throws EmbedError IN_CALLBACK */
  begin(): void {
    if (this.#running) inCallback();
    if (this.#clock !== undefined) this.#readClock(this.#clock);
  }

  /** Applies the command in a slot, and those before it from `first` on. @throws what a callback has thrown, when the command is complete */
  run(answer: Answer, first: number, last: number): void {
    this.apply(answer, first, last);
    this.complete();
  }

  /** The same without what waits for the end of the command: {@link complete} must be called next, when the answer has been read. */
  apply(answer: Answer, first: number, last: number): void {
    this.#running = true;
    try {
      for (let slot = first; slot <= last; slot++) this.#apply(slot);
      this.#deliver(answer);
      // Most commands leave nothing to others.
      if (this.exchange.deadlineChanged()) this.#finish(answer);
    } finally {
      this.#running = false;
    }
  }

  /** Calls what has waited for the end of the command. It may send commands. @throws what a callback has thrown */
  complete(): void {
    if (this.#later.length > 0 || this.events.failed) this.#afterwards();
  }

  /** Applies a command with these fields. @throws as {@link run} */
  submit(fields: CommandFields, answer: Answer): void {
    this.begin();
    encodeCommand(this.u8, this.words, COMMAND_SLOT, fields);
    this.run(answer, COMMAND_SLOT, COMMAND_SLOT);
  }

  /** Moves the time on; what is due until then happens, each at its time. @throws EmbedError TIME_BACK, IN_CALLBACK */
  advanceTo(timeUs: TimeUs): void {
    if (this.#running) inCallback();
    if (!(Number.isSafeInteger(timeUs) && timeUs >= this.#nowUs)) timeBack(timeUs, this.#nowUs);
    if (timeUs >= this.#dueUs[0]) this.#runDue(timeUs);
    // What was called back may have moved it further.
    if (timeUs > this.#nowUs) this.#nowUs = timeUs;
  }

  /** Calls back when the command that is running is complete, and what waited before it; at once if there is none. @throws EmbedError BAD_OPTION, what the callback throws */
  afterwards(callback: () => void): void {
    checkFunction('a callback', callback);
    this.#later.push(callback);
    if (!this.#running) this.#afterwards();
  }

  #readClock(clock: () => TimeUs): void {
    const timeUs = Math.floor(clock());
    if (!Number.isSafeInteger(timeUs)) badOption(`a clock returns a count of microseconds, not ${timeUs}`);
    if (timeUs > this.#nowUs) this.advanceTo(timeUs);
  }

  #runDue(untilUs: TimeUs): void {
    const { exchange } = this;
    for (let idle = 0; exchange.deadlineUs <= untilUs && idle < IDLE_TICKS; ) {
      const { count } = exchange.reports;
      const dueUs = Math.max(exchange.deadlineUs, this.#nowUs);
      // Stops of a cascade pause; what else is left can wait as long.
      const atUs = exchange.stops.busy ? Math.max(dueUs, exchange.triggersFromUs) : dueUs;
      if (atUs > untilUs) break;
      this.#nowUs = atUs;
      this.#tick(NO_ANSWER);
      idle = exchange.reports.count === count && exchange.deadlineUs <= this.#nowUs ? idle + 1 : 0;
    }
    this.#noteDeadline();
  }

  /** Finishes what a command has begun: a mass cancel of many orders, stops that trigger, pegged orders that follow. */
  #finish(answer: Answer): void {
    const { exchange } = this;
    for (let idle = 0; exchange.deadlineUs <= this.#nowUs && idle < IDLE_TICKS; ) {
      const { count } = exchange.reports;
      if (exchange.stops.busy && exchange.triggersFromUs > this.#nowUs) break;
      this.#applyTick();
      this.#deliver(answer);
      idle = exchange.reports.count === count ? idle + 1 : 0;
    }
    this.#noteDeadline();
  }

  #noteDeadline(): void {
    this.exchange.deadlineChanged();
    this.#dueUs[0] = this.exchange.deadlineUs;
  }

  #tick(answer: Answer): void {
    this.#applyTick();
    this.#running = true;
    try {
      this.#deliver(answer);
    } finally {
      this.#running = false;
    }
    if (this.#later.length === 0 && !this.events.failed) return;
    // What answers an event has the event's time, also if one that is being called has moved the time on.
    const calling = this.#calling;
    this.#calling = false;
    try {
      this.#afterwards();
    } finally {
      this.#calling = calling;
    }
  }

  #applyTick(): void {
    encodeCommand(this.u8, this.words, COMMAND_SLOT, { kind: CommandKind.Tick, quantity: this.#random() });
    this.#apply(COMMAND_SLOT);
  }

  #apply(slot: number): void {
    const { words, exchange } = this;
    const at = slot * WORDS;
    putU53Even(words, at | SEQ, exchange.seq + 1);
    putU53Even(words, at | TIME, this.#nowUs);
    exchange.apply(this.u8, words, slot);
  }

  /**
   * Passes on what was written: first all reports, then all events of books. One thread writes and reads, so reports are read where they are, before they
   * are published; the ring is notified once per {@link MOST_HELD} of them.
   */
  #deliver(answer: Answer): void {
    const { events } = this;
    const written = (this.exchange.reports.count - this.#read) | 0;
    if (this.#held + written > RING_SLOTS) this.#deliverSpilled(answer);
    else {
      const words = this.#reportWords;
      for (let i = 0; i < written; i++) {
        const at = ((this.#read + i) & (RING_SLOTS - 1)) * REPORT_WORDS;
        answer.take(words, at);
        if (events.wantsReports) events.report(words, at);
      }
      this.#read = (this.#read + written) | 0;
      this.#held += written;
      if (this.#held > MOST_HELD) this.#release();
    }
    if (events.wantsMarket) this.#deliverMarket();
  }

  /** A command wrote more than the ring has room for: the rest waits in the producer. */
  #deliverSpilled(answer: Answer): void {
    const { events } = this;
    const reports = this.#reportEnd;
    const words = this.#reportWords;
    this.#reports.publish();
    for (let held = this.#held; held > 0; held--) reports.next();
    do {
      for (let slot = reports.next(); slot !== -1; slot = reports.next()) {
        answer.take(words, slot * REPORT_WORDS);
        if (events.wantsReports) events.report(words, slot * REPORT_WORDS);
      }
      reports.release();
    } while (!this.#reports.drain() || reports.peek() !== -1);
    this.#held = 0;
    this.#read = this.exchange.reports.count;
  }

  #release(): void {
    this.#reports.publish();
    for (; this.#held > 0; this.#held--) this.#reportEnd.next();
    this.#reportEnd.release();
  }

  #deliverMarket(): void {
    const { events } = this;
    const market = this.#marketEnd;
    this.#market.publish();
    do {
      for (let slot = market.next(); slot !== -1; slot = market.next()) events.market(slot);
      market.release();
    } while (!this.#market.drain() || market.peek() !== -1);
  }

  /**
   * Calls what has waited for the end of the command, and what waits meanwhile: in a loop, because each call may send a command that is answered with
   * the next one. Then throws the first error of a callback.
   */
  #afterwards(): void {
    const { events } = this;
    if (this.#calling) {
      events.rethrow();
      return;
    }
    const errors: unknown[] = [];
    this.#calling = true;
    try {
      attempt(() => events.rethrow(), errors);
      while (this.#later.length > 0) {
        const later = this.#later;
        this.#later = [];
        for (const callback of later) attempt(callback, errors);
      }
    } finally {
      this.#calling = false;
    }
    if (errors.length > 0) throw errors[0];
  }
}

/** Calls, and keeps the first error. */
function attempt(callback: () => void, errors: unknown[]): void {
  try {
    callback();
  } catch (error) {
    if (errors.length === 0) errors.push(error);
  }
}

function timeBack(timeUs: TimeUs, nowUs: TimeUs): never {
  throw new EmbedError('TIME_BACK', `${timeUs} is before ${nowUs}, or no count of microseconds: time does not go back`);
}

function inCallback(): never {
  throw new EmbedError(
    'IN_CALLBACK',
    'a callback is called while a command runs, and cannot send another one; pass what it is to do to exchange.afterwards()',
  );
}
