import { assert } from '../../engine/assert.ts';

/** 32-bit words of a record. */
export const RECORD_WORDS = 8;
/** Words of a record that its owner may use: 4 to 7. Words 0 to 2 are the key, 3 belongs to the table. */
export const RECORD_DATA = 4;

const FREE_LINK = 3;
const NONE = -1;
const FIRST_RECORDS = 1024;

/**
 * Records of eight words in one array, found by a key of three. A hash index with open addressing holds their
 * numbers; a removal moves the following entries back, so the index has no tombstones and no lookup becomes
 * slower with time. Free records form a list. Both arrays double when they are full, and nothing else allocates.
 *
 * One record is half a cache line: key and data come with one access to memory.
 */
export class KeyedRecords {
  /** Word `w` of record `r` is at `r * RECORD_WORDS + w`. A new array after an {@link insert} that made the table grow. */
  words = new Int32Array(FIRST_RECORDS * RECORD_WORDS);
  /** Records in use. */
  count = 0;
  /** Number of a record plus one; 0 is empty. Twice as long as there are records at least. */
  #index = new Int32Array(FIRST_RECORDS * 2);
  #mask = FIRST_RECORDS * 2 - 1;
  #used = 0;
  #free = NONE;
  readonly #limit: number;

  /** @param limit records that it may hold */
  constructor(limit: number) {
    assert(limit > 0 && limit <= 2 ** 26, 'keyed records: 1 to 2^26 of them');
    this.#limit = limit;
  }

  /** Below this number, all records have been used at some time. */
  get end(): number {
    return this.#used;
  }

  /** @returns the record with this key, or -1 */
  find(key0: number, key1: number, key2: number): number {
    const { words } = this;
    const index = this.#index;
    const mask = this.#mask;
    for (let at = hash(key0, key1, key2) & mask; ; at = (at + 1) & mask) {
      const record = index[at] - 1;
      if (record < 0) return NONE;
      const from = record * RECORD_WORDS;
      if (words[from] === key0 && words[from + 1] === key1 && words[from + 2] === key2) return record;
    }
  }

  /**
   * Adds a record with a key of int32 words that no record has. Its data words are not cleared.
   * @returns its number, or -1 at the limit
   */
  insert(key0: number, key1: number, key2: number): number {
    if (this.count === this.#limit) return NONE;
    let record = this.#free;
    if (record === NONE) {
      if (this.#used * RECORD_WORDS === this.words.length) this.#grow();
      record = this.#used++;
    } else {
      this.#free = this.words[record * RECORD_WORDS + FREE_LINK];
    }
    const from = record * RECORD_WORDS;
    this.words[from] = key0;
    this.words[from + 1] = key1;
    this.words[from + 2] = key2;
    this.words[from + FREE_LINK] = NONE;
    this.#link(record);
    this.count++;
    return record;
  }

  /** Removes a record that is in use. */
  remove(record: number): void {
    const { words } = this;
    const index = this.#index;
    const mask = this.#mask;
    let hole = this.#home(record);
    while (index[hole] !== record + 1) {
      assert(index[hole] !== 0, 'keyed records: a record that is in use is removed');
      hole = (hole + 1) & mask;
    }
    // An entry moves into the hole unless its own place lies between the hole and itself.
    for (let at = (hole + 1) & mask; index[at] !== 0; at = (at + 1) & mask) {
      const home = this.#home(index[at] - 1);
      if (((at - home) & mask) < ((at - hole) & mask)) continue;
      index[hole] = index[at];
      hole = at;
    }
    index[hole] = 0;
    words[record * RECORD_WORDS + FREE_LINK] = this.#free;
    this.#free = record;
    this.count--;
  }

  /** True if the record is in use. Looks it up; for audits and rare commands. */
  has(record: number): boolean {
    const from = record * RECORD_WORDS;
    return record < this.#used && this.find(this.words[from], this.words[from + 1], this.words[from + 2]) === record;
  }

  #home(record: number): number {
    const from = record * RECORD_WORDS;
    return hash(this.words[from], this.words[from + 1], this.words[from + 2]) & this.#mask;
  }

  #link(record: number): void {
    let at = this.#home(record);
    while (this.#index[at] !== 0) at = (at + 1) & this.#mask;
    this.#index[at] = record + 1;
  }

  #grow(): void {
    const larger = new Int32Array(this.words.length * 2);
    larger.set(this.words);
    this.words = larger;
    this.#index = new Int32Array(this.#index.length * 2);
    this.#mask = this.#index.length - 1;
    // No record is free when the table grows.
    for (let record = 0; record < this.#used; record++) this.#link(record);
  }
}

/** Mixes all bits of the key into the lower ones (the finaliser of MurmurHash3 over a sum of products). */
function hash(key0: number, key1: number, key2: number): number {
  let mixed = Math.imul(key0, 0x9e3779b1) ^ Math.imul(key1, 0x85ebca6b) ^ Math.imul(key2, 0xc2b2ae35);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d);
  return mixed ^ (mixed >>> 13);
}
