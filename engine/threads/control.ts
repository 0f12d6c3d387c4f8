import { assert } from '../assert.ts';
import { durableSeq, JOURNAL_WORDS, type JournalStatus, readJournalStatus } from '../journal/journal-status.ts';
import type { Seq, TimeUs } from '../units.ts';

/**
 * The shared words through which the threads of a shard publish their progress,
 * a line of 128 bytes per writer. Sequences are low 32 bits, compared by
 * difference.
 */
const LINE_WORDS = 32;
const TWO_32 = 2 ** 32;
const ENGINE = 0;
/** The log writer's words start here; see JournalWord. */
export const JOURNAL_AT = LINE_WORDS;
const WORDS = 2 * LINE_WORDS;
assert(JOURNAL_WORDS <= LINE_WORDS, 'control: the journal fits its line');

const EngineWord = {
  /** Low 32 bits of the last seq applied. */
  applied: ENGINE,
  phase: ENGINE + 1,
  /** Odd while the engine changes columns that other threads read. */
  version: ENGINE + 2,
  /** Records that went through the overflow buffer because a ring was full. */
  spilled: ENGINE + 3,
  /** Counts administrative commands, which may change the content of the directory. */
  definitions: ENGINE + 4,
  /** Low 32 bits of the seq of the last checkpoint of the state digest; stored after the digest. */
  checkpoint: ENGINE + 5,
  digestHigh: ENGINE + 6,
  digestLow: ENGINE + 7,
  /** Time in milliseconds at which the engine needs a command, rounded up, in two words; 0 = none. */
  deadlineHigh: ENGINE + 8,
  deadlineLow: ENGINE + 9,
  /** Counts what {@link Control.notifyPublished} announced. */
  published: ENGINE + 10,
} as const;

/** Word that {@link Control.setApplied} stores to, for threads that have only the words. */
export const APPLIED_AT: number = EngineWord.applied;
/** Word that {@link Control.notifyPublished} changes. */
export const PUBLISHED_AT: number = EngineWord.published;

export const EnginePhase = { Recovering: 0, Running: 1, Stopped: 2, Failed: 3 } as const;
export type EnginePhase = (typeof EnginePhase)[keyof typeof EnginePhase];
const PHASE_NAMES = ['recovering', 'running', 'stopped', 'failed'] as const;
export type EnginePhaseName = (typeof PHASE_NAMES)[number];

export function allocateControl(): SharedArrayBuffer {
  return new SharedArrayBuffer(WORDS * 4);
}

/** Any thread may read. The methods that write name the thread that may call them. */
export class Control {
  readonly words: Int32Array;

  constructor(memory: SharedArrayBuffer) {
    this.words = new Int32Array(memory);
  }

  /** Engine thread, after its events are published. */
  setApplied(seq: Seq): void {
    Atomics.store(this.words, EngineWord.applied, seq | 0);
  }

  /** Engine thread: wakes the threads that wait for its reports and events. Each call is a change, so that none is missed between a look and a wait. */
  notifyPublished(): void {
    Atomics.add(this.words, EngineWord.published, 1);
    Atomics.notify(this.words, EngineWord.published);
  }

  /** Engine thread. */
  setPhase(phase: EnginePhase): void {
    Atomics.store(this.words, EngineWord.phase, phase);
    Atomics.notify(this.words, EngineWord.phase);
  }

  /** Engine thread. */
  setSpilled(records: number): void {
    Atomics.store(this.words, EngineWord.spilled, records);
  }

  /** Engine thread. */
  noteDefinition(): void {
    Atomics.add(this.words, EngineWord.definitions, 1);
  }

  /** Engine thread, at most every CHECKPOINT_COMMANDS commands. */
  setCheckpoint(seq: Seq, high: number, low: number): void {
    Atomics.store(this.words, EngineWord.digestHigh, high);
    Atomics.store(this.words, EngineWord.digestLow, low);
    Atomics.store(this.words, EngineWord.checkpoint, seq | 0);
  }

  /** Engine thread. @param deadlineUs microseconds since the Unix epoch; infinite = none */
  setDeadline(deadlineUs: TimeUs): void {
    const ms = deadlineUs === Number.POSITIVE_INFINITY ? 0 : Math.ceil(deadlineUs / 1000);
    Atomics.store(this.words, EngineWord.deadlineHigh, Math.floor(ms / TWO_32));
    Atomics.store(this.words, EngineWord.deadlineLow, ms | 0);
  }

  /** Engine thread: call it before and after each change of the shared columns. */
  beginChange(): void {
    Atomics.add(this.words, EngineWord.version, 1);
  }

  endChange(): void {
    Atomics.add(this.words, EngineWord.version, 1);
  }

  /**
   * Reads shared columns consistently: repeats `read` until the engine made no
   * change meanwhile. After 100 attempts, it returns the last result, so that the
   * engine never waits for readers.
   */
  readConsistently<T>(read: () => T): T {
    for (let attempt = 0; ; attempt++) {
      const before = Atomics.load(this.words, EngineWord.version);
      const value = read();
      if (attempt === 100 || ((before & 1) === 0 && Atomics.load(this.words, EngineWord.version) === before)) return value;
    }
  }

  /** One attempt of {@link readConsistently}; undefined when the engine made a change meanwhile. */
  tryRead<T>(read: () => T): T | undefined {
    const before = Atomics.load(this.words, EngineWord.version);
    const value = read();
    return (before & 1) === 0 && Atomics.load(this.words, EngineWord.version) === before ? value : undefined;
  }

  get phase(): EnginePhaseName {
    return PHASE_NAMES[Atomics.load(this.words, EngineWord.phase)];
  }

  get journal(): JournalStatus {
    return readJournalStatus(this.words, JOURNAL_AT);
  }

  /** Time in milliseconds since the Unix epoch, rounded up, at which the engine needs a command; 0 = none. A value read while the engine sets another one may be neither. */
  get deadlineMs(): number {
    return Atomics.load(this.words, EngineWord.deadlineHigh) * TWO_32 + (Atomics.load(this.words, EngineWord.deadlineLow) >>> 0);
  }

  get definitions(): number {
    return Atomics.load(this.words, EngineWord.definitions);
  }

  get spilled(): number {
    return Atomics.load(this.words, EngineWord.spilled) >>> 0;
  }

  /** Low 32 bits of the last checkpoint's seq; 0 = none yet. */
  get checkpoint(): number {
    return Atomics.load(this.words, EngineWord.checkpoint);
  }

  /** The digest at the last checkpoint, given a seq less than 2^31 away from it. Read `checkpoint` again afterwards: it must not have changed. */
  digest(near: Seq): { readonly seq: Seq; readonly high: number; readonly low: number } {
    const seq = near + ((this.checkpoint - (near | 0)) | 0);
    return { seq, high: Atomics.load(this.words, EngineWord.digestHigh), low: Atomics.load(this.words, EngineWord.digestLow) };
  }

  /** Last seq applied, given one less than 2^31 away. */
  appliedSeq(near: Seq): Seq {
    return near + ((Atomics.load(this.words, EngineWord.applied) - (near | 0)) | 0);
  }

  /** Last seq durable, given one less than 2^31 away. */
  durableSeq(near: Seq): Seq {
    return durableSeq(this.words, JOURNAL_AT, near);
  }
}

/** The progress of the stages at one time, for readiness, metrics and logs. I/O thread. */
export interface EngineStatus {
  readonly phase: EnginePhaseName;
  readonly sequencedSeq: Seq;
  readonly appliedSeq: Seq;
  readonly durableSeq: Seq;
  readonly journal: JournalStatus;
  /** Slots in use. */
  readonly commandDepth: number;
  readonly reportDepth: number;
  readonly marketDepth: number;
  readonly spilled: number;
  readonly draining: boolean;
}
