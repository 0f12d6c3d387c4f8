import { sealRun, TRAILER_BYTES } from './run-format.ts';

/**
 * Longest run, in bytes: what fits in one page of the store besides the page header. LMDB reuses the memory of single
 * pages; for longer values it allocates memory from the kernel in every transaction.
 */
const RUN_BYTES = 4096 - 56;
const NIL = -1;

interface Owner {
  readonly id: number;
  first: number;
  last: number;
}

/**
 * Collects fixed-size records, and returns them as runs of consecutive
 * numbers per owner (account or symbol). Records lie in order of arrival in one
 * buffer that is allocated once; a link per record leads to the owner's next.
 * So memory use does not depend on the number of owners.
 */
export class RunCollector {
  /** The records, as 32-bit words; see {@link claim}. */
  readonly words: Int32Array;
  readonly #recordWords: number;
  readonly #longest: number;
  readonly #no: Float64Array;
  readonly #next: Int32Array;
  readonly #owners = new Map<number, Owner>();
  readonly #run: Int32Array;
  readonly #runBytes: Uint8Array;
  #count = 0;

  /** @param capacity maximum number of records */
  constructor(recordBytes: number, capacity: number) {
    this.#recordWords = recordBytes / 4;
    this.words = new Int32Array(capacity * this.#recordWords);
    this.#no = new Float64Array(capacity);
    this.#next = new Int32Array(capacity);
    this.#longest = Math.floor((RUN_BYTES - TRAILER_BYTES) / recordBytes);
    this.#run = new Int32Array(this.#longest * this.#recordWords + TRAILER_BYTES / 4);
    this.#runBytes = new Uint8Array(this.#run.buffer);
  }

  get count(): number {
    return this.#count;
  }

  /** Most runs that {@link forEachRun} calls `put` with, as long as the numbers of an owner are consecutive. */
  get mostRuns(): number {
    return this.#owners.size + Math.ceil(this.#count / this.#longest);
  }

  /** Reserves room for record `no` of `owner`. @returns the index in {@link words} at which the caller writes it */
  claim(owner: number, no: number): number {
    const record = this.#count++;
    this.#no[record] = no;
    this.#next[record] = NIL;
    const list = this.#owners.get(owner);
    if (list === undefined) {
      this.#owners.set(owner, { id: owner, first: record, last: record });
    } else {
      this.#next[list.last] = record;
      list.last = record;
    }
    return record * this.#recordWords;
  }

  /** Calls `put` with each run and its trailer; `bytes` is valid during the call. The records stay. */
  forEachRun(put: (owner: number, firstNo: number, bytes: Uint8Array) => void): void {
    for (const owner of this.#owners.values()) {
      let firstNo = this.#no[owner.first];
      let length = 0;
      for (let record = owner.first; record !== NIL; record = this.#next[record]) {
        if (length === this.#longest || this.#no[record] !== firstNo + length) {
          put(owner.id, firstNo, sealRun(owner.id, firstNo, this.#runBytes, length * this.#recordWords * 4));
          firstNo = this.#no[record];
          length = 0;
        }
        const from = record * this.#recordWords;
        const to = length++ * this.#recordWords;
        for (let i = 0; i < this.#recordWords; i++) this.#run[to + i] = this.words[from + i];
      }
      put(owner.id, firstNo, sealRun(owner.id, firstNo, this.#runBytes, length * this.#recordWords * 4));
    }
  }

  clear(): void {
    this.#count = 0;
    this.#owners.clear();
  }
}
