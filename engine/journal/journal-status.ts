import type { Seq } from '../units.ts';

/**
 * The status that the log writer publishes to other threads, in a shared
 * Int32Array, from a word that the caller chooses. Only the writer stores.
 * Counters are modulo 2^32: read them with `>>> 0` and subtract modulo 2^32.
 */
export const JournalWord = {
  /** Low 32 bits of the last durable seq; compare by difference, wait on it with Atomics.wait. */
  durable: 0,
  /** A {@link JournalState}; the writer notifies waiters of this word when it changes. */
  state: 1,
  batches: 2,
  /** Slots written, headers included; bytes = 64 times that. */
  slots: 3,
  /** Records in the last and in the largest batch. */
  lastBatch: 4,
  maxBatch: 5,
  /** fdatasync calls, and their time in microseconds: last, largest, sum. */
  syncs: 6,
  lastSyncUs: 7,
  maxSyncUs: 8,
  sumSyncUs: 9,
  /** Writes and preallocations that failed because the disk was full. */
  refusals: 10,
  /** Segments that this process started. */
  segments: 11,
} as const;

/** Words that the writer occupies. */
export const JOURNAL_WORDS = 16;

export const JournalState = {
  Ok: 0,
  /** The disk is full. Nothing is lost: commands wait in the ring. The state ends when there is space again. */
  DiskFull: 1,
  /** The disk failed. Commands that were not durable may or may not be on the disk: stop answering and restart. */
  Failed: 2,
} as const;
export type JournalState = (typeof JournalState)[keyof typeof JournalState];

const STATE_NAMES = ['ok', 'disk-full', 'failed'] as const;
export type JournalStateName = (typeof STATE_NAMES)[number];

export interface JournalStatus {
  readonly state: JournalStateName;
  readonly batches: number;
  readonly slots: number;
  readonly lastBatch: number;
  readonly maxBatch: number;
  readonly syncs: number;
  readonly lastSyncUs: number;
  readonly maxSyncUs: number;
  readonly sumSyncUs: number;
  readonly refusals: number;
  readonly segments: number;
}

/** Any thread. The counters are not read at the same instant. */
export function readJournalStatus(words: Int32Array, at: number): JournalStatus {
  const word = (index: number): number => Atomics.load(words, at + index) >>> 0;
  return {
    state: STATE_NAMES[word(JournalWord.state)] ?? 'failed',
    batches: word(JournalWord.batches),
    slots: word(JournalWord.slots),
    lastBatch: word(JournalWord.lastBatch),
    maxBatch: word(JournalWord.maxBatch),
    syncs: word(JournalWord.syncs),
    lastSyncUs: word(JournalWord.lastSyncUs),
    maxSyncUs: word(JournalWord.maxSyncUs),
    sumSyncUs: word(JournalWord.sumSyncUs),
    refusals: word(JournalWord.refusals),
    segments: word(JournalWord.segments),
  };
}

/** Any thread: true if `seq`, less than 2^31 away from the durable position, is durable. */
export function isDurable(words: Int32Array, at: number, seq: Seq): boolean {
  return ((Atomics.load(words, at + JournalWord.durable) - (seq | 0)) | 0) >= 0;
}

/** Any thread: the durable seq in full, given one (`near`) less than 2^31 away from it, such as the last one sequenced. */
export function durableSeq(words: Int32Array, at: number, near: Seq): Seq {
  return near + ((Atomics.load(words, at + JournalWord.durable) - (near | 0)) | 0);
}

/** Writes the status. Owned by the thread of the log writer. */
export class JournalBoard {
  readonly #words: Int32Array;
  readonly #at: number;

  constructor(words: Int32Array, at: number) {
    this.#words = words;
    this.#at = at;
  }

  get state(): JournalState {
    return this.#words[this.#at + JournalWord.state] as JournalState;
  }

  setState(state: JournalState): void {
    if (this.state === state) return;
    Atomics.store(this.#words, this.#at + JournalWord.state, state);
    Atomics.notify(this.#words, this.#at + JournalWord.state);
  }

  setDurable(seq: Seq): void {
    Atomics.store(this.#words, this.#at + JournalWord.durable, seq | 0);
    Atomics.notify(this.#words, this.#at + JournalWord.durable);
  }

  countBatch(records: number): void {
    this.#add(JournalWord.batches, 1);
    this.#add(JournalWord.slots, records + 1);
    this.#words[this.#at + JournalWord.lastBatch] = records;
    this.#max(JournalWord.maxBatch, records);
  }

  countSync(milliseconds: number): void {
    const us = Math.round(milliseconds * 1000);
    this.#add(JournalWord.syncs, 1);
    this.#add(JournalWord.sumSyncUs, us);
    this.#words[this.#at + JournalWord.lastSyncUs] = us;
    this.#max(JournalWord.maxSyncUs, us);
  }

  countFailedWrite(): void {
    this.#add(JournalWord.refusals, 1);
  }

  countSegment(): void {
    this.#add(JournalWord.segments, 1);
  }

  #add(word: number, by: number): void {
    this.#words[this.#at + word] = (this.#words[this.#at + word] + by) | 0;
  }

  #max(word: number, value: number): void {
    if (value > this.#words[this.#at + word]) this.#words[this.#at + word] = value;
  }
}
