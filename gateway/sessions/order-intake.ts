import { Code } from '../../engine/codes.ts';
import type { Sequencer } from '../../engine/threads/sequencer.ts';
import { checkCommand, checkLongCommand } from '../../engine/wire/check-command.ts';
import { CommandFrameReader, MAX_FRAME_COMMANDS } from '../../engine/wire/frames.ts';
import { Command, CommandFlag, CommandKind } from '../../engine/wire/layout.ts';
import { MAX_LEGS } from '../../engine/wire/list-link.ts';
import type { RefusalList } from '../../engine/wire/report-frames.ts';
import { markSession } from '../../engine/wire/session-number.ts';
import { NO_ORDERS, type OrderTurns } from '../quiet-turns.ts';
import { Rates } from '../rate.ts';
import { ListReader } from './list-reader.ts';

/** The part of the sequencer that order entry uses. */
export type CommandSequencer = Pick<
  Sequencer,
  'seq' | 'slots' | 'refusal' | 'claim' | 'unclaim' | 'nowUs' | 'readClock' | 'stampSameTime' | 'publish'
>;

const HIGHEST_CODE = 1023;
const WORDS = Command.bytes / 4;
/** Buffer in which a long command is verified before its slots are claimed. */
const EXTENSION_SLOT = 0;
const COMMAND_SLOT = 1;

/** Mass cancels of an account per second, and at once: the engine looks through all its orders for each. */
export const MASS_CANCELS_PER_SECOND = 5;
export const MASS_CANCEL_BURST = 25;

/** Counters of order entry; metrics read the fields. */
export class OrderEntryCounters {
  /** Open now. */
  sessions = 0;
  sessionsTotal = 0;
  /** Sessions rejected or cut; `rejects` has the codes. */
  sessionsCut = 0;
  /** Cancels of the orders of sessions that were gone. */
  disconnectCancels = 0;
  submits = 0;
  frames = 0;
  commands = 0;
  /** Sessions paused because the client does not read its reports. */
  blockedSessions = 0;
  blockedTotal = 0;
  pushedReports = 0;
  pushedFrames = 0;
  /** By code. */
  readonly rejects = new Float64Array(HIGHEST_CODE + 1);
}

/**
 * From a frame to the command ring: verify, copy into a claimed slot, verify
 * there, stamp. The slot of a rejected command is reused for the next one; a
 * remaining slot is released at the end of the frame, because others claim slots
 * too. Once the ring is full the rest of the frame is rejected, so a frame's
 * commands are never reordered. A long command takes two slots, both
 * or none: its extension, then the command. The orders of a list take all their slots
 * together, or none. I/O thread only.
 */
export class OrderIntake {
  readonly reader = new CommandFrameReader();
  /** Seqs of the commands of the last frame that were taken. */
  readonly seqs = new Float64Array(MAX_FRAME_COMMANDS);
  taken = 0;
  /** Reject everything: the exchange is stopping. */
  draining = false;
  #unpublished = false;
  readonly #long = new Int32Array(2 * WORDS);
  readonly #longBytes = new Uint8Array(this.#long.buffer);
  /** Extensions of the current frame read so far. */
  #extensions = 0;
  readonly #massCancels = new Rates(MASS_CANCELS_PER_SECOND, MASS_CANCEL_BURST);
  readonly #lists = new ListReader();
  readonly #slots = new Int32Array(2 * MAX_LEGS);
  readonly #sequencer: CommandSequencer;
  readonly #counters: OrderEntryCounters;
  readonly #onPublished: () => void;
  readonly #turns: OrderTurns;
  /** The turn before which the clock was read last. */
  #clockTurn = -1;

  /**
   * @param onPublished called after the frames that arrived together, if any command was published
   * @param turns of the engine; default: every call of `take` reads the clock
   */
  constructor(sequencer: CommandSequencer, counters: OrderEntryCounters, onPublished: () => void, turns: OrderTurns = NO_ORDERS) {
    this.#turns = turns;
    this.#sequencer = sequencer;
    this.#counters = counters;
    this.#onPublished = onPublished;
  }

  /**
   * Takes the commands of the frame that is `length` bytes at `at`; `publish` makes them visible to the engine.
   * Rejects are added to `rejects`. Any other answer than OK concerns the whole frame.
   * @param because reject all commands with this code, if it is not OK
   * @param session number with which orders are marked; 0 = none
   */
  take(bytes: Uint8Array, at: number, length: number, account: number, rejects: RefusalList, because: Code = Code.OK, session = 0): Code {
    const { reader } = this;
    const sequencer = this.#sequencer;
    const { u8, i32 } = sequencer.slots;
    this.taken = 0;
    this.#counters.frames++;
    const fault = reader.open(bytes, at, length);
    if (fault !== Code.OK) {
      this.#counters.rejects[fault]++;
      return fault;
    }
    let closed: Code = because;
    if (closed === Code.OK) closed = this.draining ? Code.DRAINING : sequencer.refusal();
    let slot = -1;
    this.#extensions = 0;
    this.#readClock();
    const { flagMask } = reader;
    for (let index = 0; index < reader.count; index++) {
      if (flagMask !== 0 && this.#isList(index)) {
        const legs = this.#lists.read(reader, index, this.#extensions, account);
        this.#extensions += legs;
        if (closed === Code.OK && this.#lists.code === Code.OK && !this.#putList(legs, slot, session)) closed = Code.BUSY;
        if (closed === Code.OK && this.#lists.code === Code.OK) slot = -1;
        else this.#rejectList(index, legs, closed, rejects);
        index += legs - 1;
        continue;
      }
      if (closed === Code.OK && slot === -1) {
        slot = sequencer.claim();
        if (slot === -1) closed = Code.BUSY;
      }
      let code: Code = closed;
      if (closed === Code.OK) {
        reader.copy(index, i32, slot);
        if ((u8[slot * Command.bytes + Command.parameter] & flagMask) === 0) code = checkCommand(u8, i32, slot, account);
        else {
          code = this.#checkLong(index, i32, slot, account);
          if (code === Code.OK && this.#isLong) {
            const second = sequencer.claim();
            // Both or none: without a second slot the first is released at the end of the frame.
            if (second === -1) code = closed = Code.BUSY;
            else slot = this.#putLong(i32, slot, second);
          }
        }
      }
      if (code === Code.OK && u8[slot * Command.bytes] === CommandKind.MassCancel && !this.#massCancels.take(String(account)))
        code = Code.MASS_CANCEL_RATE;
      if (code !== Code.OK) {
        this.#counters.rejects[code]++;
        rejects.add(code, reader.flat, reader.position(index), index);
        continue;
      }
      if (session !== 0) markSession(u8, slot, session);
      this.seqs[this.taken++] = sequencer.stampSameTime(slot);
      slot = -1;
    }
    if (slot !== -1) sequencer.unclaim(1);
    this.#counters.commands += this.taken;
    this.#unpublished ||= this.taken !== 0;
    return Code.OK;
  }

  /**
   * Frames that arrived together have one time: those published together, and those whose commands the engine applies in one turn, as a
   * transport that hands over each frame by itself brings them.
   */
  #readClock(): void {
    const { turns, scheduled } = this.#turns;
    if (this.#unpublished || (scheduled && turns === this.#clockTurn)) return;
    this.#clockTurn = turns;
    this.#sequencer.readClock();
  }

  /** Whether command `index` is an order of a list. */
  #isList(index: number): boolean {
    return this.reader.isLong(index) && this.reader.linkOf(this.#extensions) !== 0;
  }

  /** Claims, fills and stamps the slots of a verified list: all or none. @param slot that is claimed already; -1 = none */
  #putList(legs: number, slot: number, session: number): boolean {
    const sequencer = this.#sequencer;
    const slots = this.#slots;
    let claimed = 0;
    if (slot !== -1) slots[claimed++] = slot;
    while (claimed < 2 * legs) {
      const next = sequencer.claim();
      if (next === -1) {
        sequencer.unclaim(claimed - Number(slot !== -1));
        return false;
      }
      slots[claimed++] = next;
    }
    let seq = 0;
    for (let i = 0; i < claimed; i++) {
      putWords(this.#lists.words, i, sequencer.slots.i32, slots[i]);
      if (session !== 0) markSession(sequencer.slots.u8, slots[i], session);
      seq = sequencer.stampSameTime(slots[i]);
    }
    // The answers to all of them have the seq of the last one.
    for (let leg = 0; leg < legs; leg++) this.seqs[this.taken++] = seq;
    return true;
  }

  #rejectList(first: number, legs: number, closed: Code, rejects: RefusalList): void {
    const { reader } = this;
    for (let leg = 0; leg < legs; leg++) {
      const code = closed === Code.OK ? this.#lists.codeOf(leg) : closed;
      this.#counters.rejects[code]++;
      rejects.add(code, reader.flat, reader.position(first + leg), first + leg);
    }
  }

  /** Verifies command `index`, which has flags. OK: one that is not long is in its slot, verified; a long one is in `#long`. */
  #checkLong(index: number, words: Int32Array, slot: number, account: number): Code {
    const long = this.#long;
    this.reader.copy(index, long, COMMAND_SLOT);
    if ((this.#longBytes[COMMAND_SLOT * Command.bytes + Command.parameter] & CommandFlag.Extended) !== 0) {
      this.reader.copyExtension(this.#extensions++, long, EXTENSION_SLOT);
    }
    const code = checkLongCommand(this.#longBytes, long, EXTENSION_SLOT, COMMAND_SLOT, account);
    if (code === Code.OK && !this.#isLong) putWords(long, COMMAND_SLOT, words, slot);
    return code;
  }

  /** Whether what `#checkLong` verified needs its extension. */
  get #isLong(): boolean {
    return this.#longBytes[COMMAND_SLOT * Command.bytes + Command.parameter] !== 0;
  }

  /** Fills both slots and stamps the extension. Returns the slot of the command, which the caller must stamp next. */
  #putLong(words: Int32Array, extension: number, command: number): number {
    putWords(this.#long, EXTENSION_SLOT, words, extension);
    putWords(this.#long, COMMAND_SLOT, words, command);
    this.#sequencer.stampSameTime(extension);
    return command;
  }

  /** Publishes the commands taken since the last call to the engine. */
  publish(): void {
    if (!this.#unpublished) return;
    this.#unpublished = false;
    this.#sequencer.publish();
    this.#onPublished();
  }
}

function putWords(from: Int32Array, fromSlot: number, to: Int32Array, toSlot: number): void {
  for (let i = 0; i < WORDS; i++) to[toSlot * WORDS + i] = from[fromSlot * WORDS + i];
}
