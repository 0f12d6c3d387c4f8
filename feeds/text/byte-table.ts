/**
 * Finds the number of a word (a key, a channel, an instrument) from its bytes, without making a string of them.
 * Open addressing over a hash of the bytes, at most half full.
 */
export class ByteTable {
  readonly #words: string[] = [];
  readonly #encoded: Uint8Array[] = [];
  /** Number of the word + 1; 0 = free. */
  #slots = new Int32Array(16);

  /** @param words get the numbers 0, 1, 2, ... */
  constructor(words: readonly string[] = []) {
    for (const word of words) this.add(word);
  }

  get size(): number {
    return this.#words.length;
  }

  /** @returns the number of the word, a new one if it was not there. It allocates. */
  add(word: string): number {
    const bytes = new TextEncoder().encode(word);
    const known = this.find(bytes, 0, bytes.length);
    if (known !== -1) return known;
    this.#words.push(word);
    this.#encoded.push(bytes);
    if (this.#words.length * 2 > this.#slots.length) {
      this.#slots = new Int32Array(this.#slots.length * 2);
      for (let i = 0; i < this.#words.length; i++) this.#place(i);
    } else this.#place(this.#words.length - 1);
    return this.#words.length - 1;
  }

  /** @returns the number of the word `bytes[from..to)`; -1 if it is not there */
  find(bytes: Uint8Array, from: number, to: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let slot = hash(bytes, from, to) & mask; slots[slot] !== 0; slot = (slot + 1) & mask) {
      if (equal(this.#encoded[slots[slot] - 1], bytes, from, to)) return slots[slot] - 1;
    }
    return -1;
  }

  word(number: number): string {
    return this.#words[number];
  }

  #place(number: number): void {
    const bytes = this.#encoded[number];
    const mask = this.#slots.length - 1;
    let slot = hash(bytes, 0, bytes.length) & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = number + 1;
  }
}

/** FNV-1a. */
function hash(bytes: Uint8Array, from: number, to: number): number {
  let value = 0x811c9dc5 | 0;
  for (let i = from; i < to; i++) value = Math.imul(value ^ bytes[i], 0x01000193);
  return value ^ (value >>> 15);
}

function equal(word: Uint8Array, bytes: Uint8Array, from: number, to: number): boolean {
  if (word.length !== to - from) return false;
  for (let i = 0; i < word.length; i++) if (word[i] !== bytes[from + i]) return false;
  return true;
}
