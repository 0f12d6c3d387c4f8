const FIRST_SLOTS = 64;
const TWO_32 = 2 ** 32;

/**
 * Integers in [0, 2^53) to small integers: open addressing on typed arrays,
 * grown by doubling at three quarters. A Map would make a heap number of every
 * id above 2^30.
 *
 * Keys are passed by position (`keys[at]`), not by value: a
 * double that crosses a call which is not inlined is boxed, and this is called
 * for every market event.
 */
export class IdTable {
  #keys = new Float64Array(FIRST_SLOTS);
  /** Value + 1; 0 = free. */
  #values = new Int32Array(FIRST_SLOTS);
  #mask = FIRST_SLOTS - 1;
  size = 0;

  /** The value of `keys[at]`, or -1. */
  find(keys: Float64Array, at: number): number {
    return this.#values[this.#slotOf(keys[at])] - 1;
  }

  /** Adds `keys[at]`, which is not in the table. */
  add(keys: Float64Array, at: number, value: number): void {
    if (this.size >= (this.#mask + 1) * 0.75) this.#grow();
    const slot = this.#slotOf(keys[at]);
    this.#keys[slot] = keys[at];
    this.#values[slot] = value + 1;
    this.size++;
  }

  /** Removes `keys[at]`, which is in the table: shifts displaced entries back, so there are no tombstones. */
  remove(keys: Float64Array, at: number): void {
    const table = this.#keys;
    const values = this.#values;
    const mask = this.#mask;
    let hole = this.#slotOf(keys[at]);
    for (let next = (hole + 1) & mask; values[next] !== 0; next = (next + 1) & mask) {
      const home = hash(table[next]) & mask;
      if (((next - home) & mask) >= ((next - hole) & mask)) {
        table[hole] = table[next];
        values[hole] = values[next];
        hole = next;
      }
    }
    values[hole] = 0;
    this.size--;
  }

  #slotOf(key: number): number {
    const keys = this.#keys;
    const values = this.#values;
    const mask = this.#mask;
    let slot = hash(key) & mask;
    while (values[slot] !== 0 && keys[slot] !== key) slot = (slot + 1) & mask;
    return slot;
  }

  #grow(): void {
    const keys = this.#keys;
    const values = this.#values;
    const slots = keys.length * 2;
    this.#keys = new Float64Array(slots);
    this.#values = new Int32Array(slots);
    this.#mask = slots - 1;
    this.size = 0;
    for (let i = 0; i < keys.length; i++) {
      if (values[i] !== 0) this.add(keys, i, values[i] - 1);
    }
  }
}

function hash(key: number): number {
  const mixed = Math.imul((key | 0) ^ Math.imul((key / TWO_32) | 0, 0x85ebca6b), 0x9e3779b1);
  return mixed ^ (mixed >>> 15);
}
