import type { Allocate } from '../allocate.ts';
import { fail } from '../assert.ts';
import { RULES } from '../limits.ts';
import { RowKind, type RowWriter, type StatePart } from '../state-part.ts';

const TWO_32 = 2 ** 32;

/**
 * Answers to the deposits and withdrawals that have an idempotency key. A
 * repeated request receives the first answer and moves no money.
 *
 * A key is 106 bits in two integers in [0, 2^53), not both 0; it belongs to one
 * account. The last `window` keys are remembered, first in, first out. The table
 * uses open addressing with a random seed of the process, so that clients cannot
 * choose keys that collide. The seed is not part of the state. Owned by the
 * engine thread.
 */
export class IdempotencyKeys implements StatePart {
  readonly kinds = [RowKind.IdempotencyKey];
  readonly high: Float64Array;
  readonly low: Float64Array;
  readonly account: Uint32Array;
  readonly asset: Uint32Array;
  /** In the asset's smallest unit; negative for a withdrawal. */
  readonly amount: Float64Array;
  readonly code: Uint16Array;
  /** Seq of the command that was answered. */
  readonly seq: Float64Array;
  /** Rules in force; see MachineState.setRules. */
  rules: number = RULES;
  readonly #room: number;
  /** Index + 1 of an entry; 0 = empty. */
  readonly #table: Int32Array;
  readonly #mask: number;
  readonly #seed: number;
  /** Number of entries to remember, at most the allocated number. */
  #window: number;
  #next = 0;
  #filled = 0;

  /** @param room number of entries to allocate @param seed any 32-bit integer */
  constructor(room: number, seed: number, allocate: Allocate) {
    this.#room = room;
    this.#window = room;
    this.high = new Float64Array(allocate(room * 8));
    this.low = new Float64Array(allocate(room * 8));
    this.account = new Uint32Array(allocate(room * 4));
    this.asset = new Uint32Array(allocate(room * 4));
    this.amount = new Float64Array(allocate(room * 8));
    this.code = new Uint16Array(allocate(room * 2));
    this.seq = new Float64Array(allocate(room * 8));
    let size = 16;
    while (size < room * 2) size *= 2;
    this.#table = new Int32Array(allocate(size * 4));
    this.#mask = size - 1;
    this.#seed = seed | 0;
  }

  /** Sets the number of keys to remember. It never decreases. */
  setWindow(window: number): void {
    this.#window = window;
  }

  /** Index of the entry of an account's key, -1 when it is not remembered. */
  find(account: number, high: number, low: number): number {
    return this.#table[this.#probe(account, high, low)] - 1;
  }

  /** Remembers an answer. The key must not be remembered yet. */
  remember(account: number, high: number, low: number, asset: number, amount: number, code: number, seq: number): void {
    if (this.#filled >= this.#window) this.#forgetOldest();
    const index = this.#next;
    this.#next = (index + 1) % this.#room;
    this.#filled++;
    this.account[index] = account;
    this.high[index] = high;
    this.low[index] = low;
    this.asset[index] = asset;
    this.amount[index] = amount;
    this.code[index] = code;
    this.seq[index] = seq;
    this.#table[this.#probe(account, high, low)] = index + 1;
  }

  save(out: RowWriter): void {
    for (let i = this.#filled; i > 0; i--) {
      const at = (this.#next - i + this.#room) % this.#room;
      const answer = [this.asset[at], this.amount[at], this.code[at], this.seq[at]];
      out.row(RowKind.IdempotencyKey, this.high[at], this.low[at], this.account[at], ...answer);
    }
  }

  load(r: Float64Array, at: number): void {
    if (this.#filled >= this.#window) fail('the snapshot has more idempotency keys than its window holds');
    this.remember(r[at + 3], r[at + 1], r[at + 2], r[at + 4], r[at + 5], r[at + 6], r[at + 7]);
  }

  #forgetOldest(): void {
    const oldest = (this.#next - this.#filled + this.#room) % this.#room;
    this.#filled--;
    this.#delete(this.#probe(this.account[oldest], this.high[oldest], this.low[oldest]));
  }

  #home(account: number, high: number, low: number): number {
    let hash = Math.imul(low ^ this.#seed, 0x9e3779b1) ^ Math.imul((low / TWO_32) ^ high, 0x85ebca6b) ^ Math.imul(account, 0xc2b2ae35);
    hash = Math.imul(hash ^ (hash >>> 15) ^ (high / TWO_32), 0x2c1b3c6d);
    return (hash ^ (hash >>> 13)) & this.#mask;
  }

  /** Position of the key, or the empty position where it belongs. The table is at most half full. */
  #probe(account: number, high: number, low: number): number {
    let at = this.#home(account, high, low);
    for (;;) {
      const index = this.#table[at] - 1;
      if (index === -1 || (this.low[index] === low && this.high[index] === high && this.account[index] === account)) return at;
      at = (at + 1) & this.#mask;
    }
  }

  /** Empties a position and moves back the entries that were displaced by it. */
  #delete(from: number): void {
    const mask = this.#mask;
    let hole = from;
    for (let next = (from + 1) & mask; this.#table[next] !== 0; next = (next + 1) & mask) {
      const index = this.#table[next] - 1;
      const home = this.#home(this.account[index], this.high[index], this.low[index]);
      if (((next - home) & mask) >= ((next - hole) & mask)) {
        this.#table[hole] = index + 1;
        hole = next;
      }
    }
    this.#table[hole] = 0;
  }
}
