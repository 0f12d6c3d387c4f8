/** Memory that is limited. */
export interface MemoryBudget {
  /** False when there is not as much; nothing was taken then. */
  take(bytes: number): boolean;
  give(bytes: number): void;
}

const MIN_BYTES = 1024;
const NONE = Buffer.alloc(0);

/** Bytes that wait for their reader, in memory that grows with them. One owner. */
export class HeldBytes {
  readonly #budget: MemoryBudget;
  #bytes: Buffer = NONE;
  #at = 0;
  #end = 0;

  constructor(budget: MemoryBudget) {
    this.#budget = budget;
  }

  get length(): number {
    return this.#end - this.#at;
  }

  /** Copies bytes. False: there is not as much memory, and nothing was copied. */
  add(from: Buffer, at: number, end: number): boolean {
    const added = end - at;
    if (this.#end + added > this.#bytes.length && !this.#grow(this.length + added)) return false;
    from.copy(this.#bytes, this.#end, at, end);
    this.#end += added;
    return true;
  }

  /** The next bytes, `most` at most. They stay as they are. */
  next(most: number): Buffer {
    const at = this.#at;
    this.#at = Math.min(this.#end, at + most);
    const bytes = this.#bytes.subarray(at, this.#at);
    if (this.#at === this.#end) this.clear();
    return bytes;
  }

  clear(): void {
    this.#budget.give(this.#bytes.length);
    this.#bytes = NONE;
    this.#at = 0;
    this.#end = 0;
  }

  #grow(bytes: number): boolean {
    const size = Math.max(MIN_BYTES, bytes, 2 * this.#bytes.length);
    if (!this.#budget.take(size - this.#bytes.length)) return false;
    const larger = Buffer.allocUnsafeSlow(size);
    this.#bytes.copy(larger, 0, this.#at, this.#end);
    this.#end -= this.#at;
    this.#at = 0;
    this.#bytes = larger;
    return true;
  }
}
