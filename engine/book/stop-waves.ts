const FIRST_CAPACITY = 8;
/** Key of a wave that has no stop of a trigger. Below those of all stops. */
export const NO_KEY = -(2 ** 31);

/**
 * Waves of a book's pending stops, the oldest first: each has a side, and by
 * trigger the farthest key that it has crossed. It allocates only when it grows. One thread owns it.
 */
export class StopWaves {
  count = 0;
  #sides = new Uint8Array(FIRST_CAPACITY);
  /** By `wave * 2 + Trigger`. */
  #keys = new Int32Array(2 * FIRST_CAPACITY);

  side(wave: number): number {
    return this.#sides[wave];
  }

  /** See StopHeap.keyOf. */
  key(wave: number, trigger: number): number {
    return this.#keys[wave * 2 + trigger];
  }

  set(wave: number, ofLast: number, ofReference: number): void {
    this.#keys[wave * 2] = ofLast;
    this.#keys[wave * 2 + 1] = ofReference;
  }

  push(side: number, ofLast: number, ofReference: number): void {
    if (this.count === this.#sides.length) this.#grow();
    this.#sides[this.count] = side;
    this.set(this.count++, ofLast, ofReference);
  }

  /** Removes a wave. Those behind it move up. */
  remove(wave: number): void {
    this.#sides.copyWithin(wave, wave + 1, this.count);
    this.#keys.copyWithin(2 * wave, 2 * wave + 2, 2 * this.count);
    this.count--;
  }

  /** Whether a wave is of this side. */
  hasSide(side: number): boolean {
    for (let wave = 0; wave < this.count; wave++) if (this.#sides[wave] === side) return true;
    return false;
  }

  #grow(): void {
    const [sides, keys] = [this.#sides, this.#keys];
    this.#sides = new Uint8Array(2 * sides.length);
    this.#keys = new Int32Array(2 * keys.length);
    this.#sides.set(sides);
    this.#keys.set(keys);
  }
}
