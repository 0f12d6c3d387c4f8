/** A set of symbols in the order in which they were added. It allocates nothing after its construction. One thread owns it. */
export class SymbolSet {
  size = 0;
  readonly #symbols: Int32Array;
  /** By symbol: 1 = it is in the set. */
  readonly #has: Uint8Array;

  /** @param capacity symbols are below it */
  constructor(capacity: number) {
    this.#symbols = new Int32Array(capacity);
    this.#has = new Uint8Array(capacity);
  }

  /** The i-th symbol, from 0. */
  at(i: number): number {
    return this.#symbols[i];
  }

  /** Without effect if it is in the set. */
  add(symbol: number): void {
    if (this.#has[symbol] !== 0) return;
    this.#has[symbol] = 1;
    this.#symbols[this.size++] = symbol;
  }

  clear(): void {
    for (let i = 0; i < this.size; i++) this.#has[this.#symbols[i]] = 0;
    this.size = 0;
  }
}
