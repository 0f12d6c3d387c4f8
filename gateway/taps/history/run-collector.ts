import { mostCompactWords, packRecord, storedWords } from './compact-records.ts';
import { sealRun, TRAILER_BYTES } from './run-format.ts';
import type { RunLayout } from './run-layout.ts';

/**
 * Longest run, in bytes: what fits in one page of the store besides the page header. LMDB reuses the memory of single
 * pages; for longer values it allocates memory from the kernel in every transaction.
 */
const RUN_BYTES = 4096 - 56;
const RUN_WORDS = Math.floor((RUN_BYTES - TRAILER_BYTES) / 4);
const NIL = -1;

interface Owner {
  readonly id: number;
  first: number;
  last: number;
}

/**
 * Collects fixed-size records in their compact form, and returns them as runs of
 * consecutive numbers per owner (account or symbol). Records lie in order of arrival in one
 * buffer that is allocated once; a link per record leads to the owner's next.
 * So memory use does not depend on the number of owners.
 */
export class RunCollector {
  /** The compact records; `#at[record]` is the first word of each, and the next one's is its end. */
  readonly #words: Int32Array;
  readonly #at: Int32Array;
  readonly #recordWords: number;
  readonly #mostWords: number;
  readonly #stored: number;
  readonly #no: Float64Array;
  readonly #next: Int32Array;
  readonly #owners = new Map<number, Owner>();
  readonly #run = new Int32Array(RUN_WORDS + Math.ceil(TRAILER_BYTES / 4));
  readonly #runBytes = new Uint8Array(this.#run.buffer);
  #count = 0;

  /** @param capacity maximum number of records */
  constructor(layout: RunLayout, capacity: number) {
    this.#recordWords = layout.bytes / 4;
    this.#mostWords = mostCompactWords(layout);
    this.#stored = storedWords(layout);
    this.#words = new Int32Array(capacity * this.#mostWords);
    this.#at = new Int32Array(capacity + 1);
    this.#no = new Float64Array(capacity);
    this.#next = new Int32Array(capacity);
  }

  get count(): number {
    return this.#count;
  }

  /** Most runs that {@link forEachRun} calls `put` with, as long as the numbers of an owner are consecutive. */
  get mostRuns(): number {
    return this.#owners.size + Math.ceil(this.#at[this.#count] / (RUN_WORDS - this.#mostWords));
  }

  /** Bytes of the compact records. */
  get bytes(): number {
    return this.#at[this.#count] * 4;
  }

  /** Adds record `no` of `owner`, which begins at word `from` of `words`. */
  add(owner: number, no: number, words: Int32Array, from: number): void {
    const record = this.#count++;
    this.#no[record] = no;
    this.#next[record] = NIL;
    this.#at[record + 1] = packRecord(words, from, this.#recordWords, this.#stored, this.#words, this.#at[record]);
    const list = this.#owners.get(owner);
    if (list === undefined) {
      this.#owners.set(owner, { id: owner, first: record, last: record });
    } else {
      this.#next[list.last] = record;
      list.last = record;
    }
  }

  /** Calls `put` with each run and its trailer; `bytes` is valid during the call. The records stay. */
  forEachRun(put: (owner: number, firstNo: number, bytes: Uint8Array) => void): void {
    for (const { id, first } of this.#owners.values()) {
      let firstNo = this.#no[first];
      let count = 0;
      let length = 0;
      for (let record = first; record !== NIL; record = this.#next[record]) {
        const end = this.#at[record + 1];
        if (this.#no[record] !== firstNo + count || length + end - this.#at[record] > RUN_WORDS) {
          put(id, firstNo, sealRun(id, firstNo, this.#runBytes, length * 4));
          firstNo = this.#no[record];
          count = 0;
          length = 0;
        }
        for (let i = this.#at[record]; i < end; i++) this.#run[length++] = this.#words[i];
        count++;
      }
      put(id, firstNo, sealRun(id, firstNo, this.#runBytes, length * 4));
    }
  }

  clear(): void {
    this.#count = 0;
    this.#owners.clear();
  }
}
