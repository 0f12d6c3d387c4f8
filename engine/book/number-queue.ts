const FIRST_CAPACITY = 16;

/** Integers of 32 bits, first in, first out. It allocates only when it grows. One thread owns it. */
export class NumberQueue {
  length = 0;
  #numbers = new Int32Array(FIRST_CAPACITY);
  #first = 0;

  /** The first one; -1 = there is none. */
  get first(): number {
    return this.length === 0 ? -1 : this.#numbers[this.#first];
  }

  /** The i-th one, from 0. */
  at(i: number): number {
    return this.#numbers[(this.#first + i) & (this.#numbers.length - 1)];
  }

  /** Whether it has this number. Looks at all of them. */
  includes(number: number): boolean {
    for (let i = 0; i < this.length; i++) if (this.at(i) === number) return true;
    return false;
  }

  push(number: number): void {
    if (this.length === this.#numbers.length) this.#grow();
    this.#numbers[(this.#first + this.length++) & (this.#numbers.length - 1)] = number;
  }

  /** Removes the first one, and returns it; -1 = there is none. */
  shift(): number {
    const { first } = this;
    if (this.length === 0) return first;
    this.#first = (this.#first + 1) & (this.#numbers.length - 1);
    this.length--;
    return first;
  }

  /** Removes the numbers that are equal to this one. Looks at all of them. */
  remove(number: number): void {
    for (let left = this.length; left > 0; left--) {
      const one = this.shift();
      if (one !== number) this.push(one);
    }
  }

  #grow(): void {
    const larger = new Int32Array(2 * this.#numbers.length);
    larger.set(this.#numbers.subarray(this.#first));
    larger.set(this.#numbers.subarray(0, this.#first), this.#numbers.length - this.#first);
    this.#numbers = larger;
    this.#first = 0;
  }
}
