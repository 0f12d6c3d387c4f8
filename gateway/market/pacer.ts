import type { Slices } from '../slices.ts';
import type { PacedFrames } from './paced-frames.ts';

/** Whose turn in the slices the pieces take. */
const OWNER = 'market readers';

interface PacedReader {
  readonly paced: PacedFrames;
}

/** Sends the long frames of all readers in slices of the thread; readers take turns, a piece each. I/O thread. */
export class Pacer<Reader extends PacedReader> {
  readonly #slices: Slices;
  readonly #onPaused: (reader: Reader) => void;
  /** The reader whose turn is next comes first. */
  readonly #readers = new Set<Reader>();
  #working = false;

  /** @param onPaused called when nothing more can be sent to a reader now: all is sent, or its transport must drain */
  constructor(slices: Slices, onPaused: (reader: Reader) => void) {
    this.#slices = slices;
    this.#onPaused = onPaused;
  }

  add(reader: Reader): void {
    this.#readers.add(reader);
    if (this.#working) return;
    this.#working = true;
    void this.#slices.run(OWNER, this.#work());
  }

  *#work(): Generator<undefined, void> {
    // An iteration over a set visits what is added during it.
    for (const reader of this.#readers) {
      this.#readers.delete(reader);
      if (reader.paced.step()) this.#readers.add(reader);
      else this.#onPaused(reader);
      yield;
    }
    this.#working = false;
  }
}
