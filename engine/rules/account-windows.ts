import type { Allocate } from '../allocate.ts';
import { assert } from '../assert.ts';

/** Fields of an account in `#lists`: index of its oldest and newest entry, their number, and its size class. */
const LIST_SHIFT = 2;
const NEWEST = 1;
const COUNT = 2;
const CLASS = 3;
const NIL = -1;
/** Entries of one account are next to each other in chunks of 8. */
const CHUNK_SHIFT = 3;
const LAST_IN_CHUNK = 7;
/** Numbers of entries below it are size classes of their own. */
const EXACT = 16;

/**
 * Decides which entry of a bounded memory is forgotten, so that no account can
 * push out what another one needs. Each account has a list of its entries, oldest
 * first. An account forgets its own oldest entry when it has its share. When the
 * memory is full, the account with the most entries forgets its oldest one.
 * Numbers of entries are compared by size class, which is exact below 16 and
 * within an eighth above. An account of the highest class or the one below
 * forgets an entry of its own, so that accounts of about the same size leave each other
 * alone; otherwise, of several accounts of the highest class, the one with the lowest id does. So
 * an account keeps at least its latest `window / n * 3/4` entries, whatever
 * the other `n - 1` accounts with entries do, unless that exceeds its share.
 *
 * The result depends only on the entries of each account and their sequence,
 * so it is the same after a load from a snapshot. Before rules 3 all
 * entries were in one list, first in, first out: that of account 0.
 *
 * An entry is an index below {@link AccountWindows.room}; its content is the
 * caller's. Entries of an account are neighbours in memory, because most of the
 * cost of an entry is cache misses. Owned by the engine thread.
 */
export class AccountWindows {
  /** Number of all entries. */
  count = 0;
  /** Most entries in all, at most the `entries` of the constructor, and of one account. */
  window: number;
  share: number;
  /** Indices of entries are below it. It is more than the entries, because an account can have two chunks that are not full. */
  readonly room: number;
  readonly #accounts: number;
  readonly #lists: Int32Array;
  /** The chunk with the next newer entries of the same account; of an unused chunk: the next unused one. */
  readonly #next: Int32Array;
  /** Chunks that were used and are not; those from `#fresh` on were never used. */
  #unused = NIL;
  #fresh = 0;
  /** A tree of maxima over the accounts' size classes, from index 1. The leaves start at `#leaves`. */
  readonly #classes: Uint8Array;
  readonly #leaves: number;
  /** The highest class, the lowest one whose accounts forget an entry of their own, and the account with the lowest id of the highest one. */
  #highest = 0;
  #large = 1;
  #largest = 0;

  /** @param entries at most 2^27 @param accounts account ids are below it */
  constructor(entries: number, accounts: number, allocate: Allocate) {
    const chunks = Math.ceil(entries / (LAST_IN_CHUNK + 1)) + 2 * Math.min(accounts, entries);
    this.room = chunks << CHUNK_SHIFT;
    this.#accounts = accounts;
    this.window = entries;
    this.share = entries;
    this.#next = new Int32Array(allocate(chunks * 4));
    this.#lists = new Int32Array(allocate(accounts << (LIST_SHIFT + 2)));
    this.#leaves = 2 ** Math.ceil(Math.log2(Math.max(accounts, 2)));
    this.#classes = new Uint8Array(allocate(2 * this.#leaves));
  }

  /** Number of entries of an account. */
  held(account: number): number {
    return this.#lists[(account << LIST_SHIFT) + COUNT];
  }

  /** The account whose oldest entry must be forgotten before `account` can add one; -1 if there is room. */
  loser(account: number): number {
    const at = account << LIST_SHIFT;
    if (this.#lists[at + COUNT] >= this.share) return account;
    if (this.count < this.window) return NIL;
    return this.#lists[at + CLASS] >= this.#large ? account : this.#largest;
  }

  /** The oldest entry of an account that has one. */
  oldest(account: number): number {
    return this.#lists[account << LIST_SHIFT];
  }

  /** Adds an entry as the newest of `account`, and returns its index. There must be room. */
  add(account: number): number {
    const lists = this.#lists;
    const at = account << LIST_SHIFT;
    const held = lists[at + COUNT] + 1;
    lists[at + COUNT] = held;
    this.count++;
    if (isClassLimit(held)) this.#raise(account, held);
    if (held === 1) {
      const index = this.#takeChunk() << CHUNK_SHIFT;
      lists[at] = index;
      lists[at + NEWEST] = index;
      return index;
    }
    return this.#append(at);
  }

  /** Removes the oldest entry of an account that has one. */
  drop(account: number): void {
    const lists = this.#lists;
    const at = account << LIST_SHIFT;
    const held = lists[at + COUNT];
    lists[at + COUNT] = held - 1;
    this.count--;
    if (isClassLimit(held)) this.#lower(account, held - 1);
    if (held === 1) this.#releaseChunk(lists[at] >>> CHUNK_SHIFT);
    else this.#removeOldest(at);
  }

  /** Replaces the oldest entry of an account by a new one, and returns its index. */
  replace(account: number): number {
    const at = account << LIST_SHIFT;
    if (this.#lists[at] === this.#lists[at + NEWEST]) return this.#lists[at];
    this.#removeOldest(at);
    return this.#append(at);
  }

  /** Removes all entries. Cold. */
  clear(): void {
    for (let account = 0; account < this.#accounts; account++) while (this.held(account) > 0) this.drop(account);
  }

  /** All entries, by account, oldest first. Cold. */
  *entries(): Generator<number> {
    for (let account = 0; account < this.#accounts; account++) {
      let index = this.oldest(account);
      for (let left = this.held(account); left > 0; left--) {
        yield index;
        index = (index & LAST_IN_CHUNK) === LAST_IN_CHUNK ? this.#next[index >>> CHUNK_SHIFT] << CHUNK_SHIFT : index + 1;
      }
    }
  }

  /** Index behind the newest entry of the list at `at`, which is not empty. */
  #append(at: number): number {
    const lists = this.#lists;
    const newest = lists[at + NEWEST];
    let index = newest + 1;
    if ((newest & LAST_IN_CHUNK) === LAST_IN_CHUNK) {
      const chunk = this.#takeChunk();
      this.#next[newest >>> CHUNK_SHIFT] = chunk;
      index = chunk << CHUNK_SHIFT;
    }
    lists[at + NEWEST] = index;
    return index;
  }

  /** Removes the oldest of at least two entries. */
  #removeOldest(at: number): void {
    const lists = this.#lists;
    const oldest = lists[at];
    if ((oldest & LAST_IN_CHUNK) !== LAST_IN_CHUNK) {
      lists[at] = oldest + 1;
      return;
    }
    const chunk = oldest >>> CHUNK_SHIFT;
    lists[at] = this.#next[chunk] << CHUNK_SHIFT;
    this.#releaseChunk(chunk);
  }

  #takeChunk(): number {
    const chunk = this.#unused;
    if (chunk !== NIL) {
      this.#unused = this.#next[chunk];
      return chunk;
    }
    assert(this.#fresh < this.#next.length, 'account windows: entries are added within the window');
    return this.#fresh++;
  }

  #releaseChunk(chunk: number): void {
    this.#next[chunk] = this.#unused;
    this.#unused = chunk;
  }

  #setHighest(size: number): void {
    this.#highest = size;
    this.#large = Math.max(size - 1, 1);
  }

  #raise(account: number, held: number): void {
    const classes = this.#classes;
    const size = sizeClass(held);
    if (size > this.#highest || (size === this.#highest && account < this.#largest)) this.#largest = account;
    if (size > this.#highest) this.#setHighest(size);
    this.#lists[(account << LIST_SHIFT) + CLASS] = size;
    let at = this.#leaves + account;
    classes[at] = size;
    for (at >>>= 1; at > 0 && classes[at] < size; at >>>= 1) classes[at] = size;
  }

  #lower(account: number, held: number): void {
    const classes = this.#classes;
    const size = sizeClass(held);
    this.#lists[(account << LIST_SHIFT) + CLASS] = size;
    let at = this.#leaves + account;
    classes[at] = size;
    for (at >>>= 1; at > 0; at >>>= 1) {
      const most = Math.max(classes[at << 1], classes[(at << 1) | 1]);
      if (most === classes[at]) break;
      classes[at] = most;
    }
    if (account !== this.#largest) return;
    this.#setHighest(classes[1]);
    at = 1;
    while (at < this.#leaves) {
      at <<= 1;
      if (classes[at] < classes[at | 1]) at |= 1;
    }
    this.#largest = at - this.#leaves;
  }
}

/** The class of a number of entries: the number itself below 16, then eight classes to each power of two. */
export function sizeClass(held: number): number {
  if (held < EXACT) return held;
  const exponent = 31 - Math.clz32(held);
  return ((exponent - 2) << 3) | ((held >>> (exponent - 3)) & 7);
}

/** True if the class of `held` is another than that of `held - 1`. */
function isClassLimit(held: number): boolean {
  return held < EXACT || (held & ((1 << (28 - Math.clz32(held))) - 1)) === 0;
}
