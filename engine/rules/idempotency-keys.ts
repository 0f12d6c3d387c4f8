import type { Allocate } from '../allocate.ts';
import { fail } from '../assert.ts';
import { RULES } from '../limits.ts';
import { RowKind, type RowWriter, type StatePart } from '../state-part.ts';
import { within } from './account-rows.ts';
import { AccountWindows } from './account-windows.ts';

const TWO_32 = 2 ** 32;
/** Before rules 3 the entries of all accounts are in the list of account 0. */
const SHARED = 0;

/**
 * Answers to the deposits and withdrawals that have an idempotency key. A
 * repeated request receives the first answer and moves no money.
 *
 * A key is 106 bits in two integers in [0, 2^53), not both 0; it belongs to one
 * account. Each account has a window of its last keys; {@link AccountWindows} says
 * how many. (Before rules 3 all accounts shared one.) The table
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
  /** Rules in force; see {@link setRules}. */
  rules: number = RULES;
  readonly #accounts: number;
  readonly #windows: AccountWindows;
  /** Index + 1 of an entry; 0 = empty. */
  readonly #table: Int32Array;
  readonly #mask: number;
  readonly #seed: number;
  #share: number;

  /** @param window number of entries to allocate @param accounts account ids are below it @param seed any 32-bit integer */
  constructor(window: number, accounts: number, seed: number, allocate: Allocate) {
    this.#accounts = accounts;
    this.#windows = new AccountWindows(window, accounts, allocate);
    const { room } = this.#windows;
    this.#share = window;
    this.account = new Uint32Array(allocate(room * 4));
    this.high = new Float64Array(allocate(room * 8));
    this.low = new Float64Array(allocate(room * 8));
    this.asset = new Uint32Array(allocate(room * 4));
    this.amount = new Float64Array(allocate(room * 8));
    this.code = new Uint16Array(allocate(room * 2));
    this.seq = new Float64Array(allocate(room * 8));
    let size = 16;
    while (size < window * 2) size *= 2;
    this.#table = new Int32Array(allocate(size * 4));
    this.#mask = size - 1;
    this.#seed = seed | 0;
  }

  /** Sets the number of keys to remember, which never decreases, and the most of one account, which applies from rules 3 on. */
  setWindow(window: number, share: number): void {
    this.#windows.window = window;
    this.#share = share;
    this.#applyShare();
  }

  /**
   * Puts rules in force. The step to rules 3 gives each account its keys of the shared window, in the same sequence. Keys of requests
   * for accounts that `exists` does not know are forgotten: such a request moved nothing.
   */
  setRules(rules: number, exists: (account: number) => boolean): void {
    const windows = this.#windows;
    const moved = this.rules < 3 !== rules < 3 ? [...windows.entries()].map((index) => this.#rowOf(index)) : [];
    if (rules < 3 && moved.length > 0) fail('rules 3 are followed by no earlier ones');
    for (const [account, high, low] of moved) this.#delete(this.#probe(account, high, low));
    if (moved.length > 0) windows.clear();
    this.rules = rules;
    windows.share = windows.window;
    for (const row of moved) if (exists(row[0])) this.remember(...row);
    this.#applyShare();
  }

  /** Index of the entry of an account's key, -1 when it is not remembered. */
  find(account: number, high: number, low: number): number {
    return this.#table[this.#probe(account, high, low)] - 1;
  }

  /** Remembers an answer. The key must not be remembered yet; from rules 3 on the account exists. */
  remember(account: number, high: number, low: number, asset: number, amount: number, code: number, seq: number): void {
    const index = this.#place(this.rules < 3 ? SHARED : account);
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
    for (const index of this.#windows.entries()) {
      const [account, high, low, ...answer] = this.#rowOf(index);
      out.row(RowKind.IdempotencyKey, high, low, account, ...answer);
    }
  }

  load(r: Float64Array, at: number): void {
    if (this.#windows.count >= this.#windows.window) fail('the snapshot has more idempotency keys than its window holds');
    if (this.rules >= 3) within(r[at + 3], this.#accounts, 'accounts');
    this.remember(r[at + 3], r[at + 1], r[at + 2], r[at + 4], r[at + 5], r[at + 6], r[at + 7]);
  }

  #place(owner: number): number {
    const windows = this.#windows;
    const loser = windows.loser(owner);
    if (loser === -1) return windows.add(owner);
    this.#forget(windows.oldest(loser));
    if (loser === owner) return windows.replace(owner);
    windows.drop(loser);
    return windows.add(owner);
  }

  /** The arguments with which an entry is remembered. */
  #rowOf(index: number): Parameters<IdempotencyKeys['remember']> {
    const key = [this.account[index], this.high[index], this.low[index]] as const;
    return [...key, this.asset[index], this.amount[index], this.code[index], this.seq[index]];
  }

  #forget(index: number): void {
    this.#delete(this.#probe(this.account[index], this.high[index], this.low[index]));
  }

  /** Forgets what accounts remember above their share. */
  #applyShare(): void {
    const windows = this.#windows;
    windows.share = this.rules < 3 ? windows.window : this.#share;
    for (let account = 0; account < this.#accounts; account++) {
      while (windows.held(account) > windows.share) {
        this.#forget(windows.oldest(account));
        windows.drop(account);
      }
    }
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
