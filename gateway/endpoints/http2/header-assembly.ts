import { HeldBytes, type MemoryBudget } from './held-bytes.ts';

/** As in nghttp2: blocks have 147 KB at most. */
const MAX_CONTINUATIONS = 8;

/** Assembles a header block that comes in more than one frame. */
export class HeaderAssembly {
  /** Of the block that has begun and not ended; 0: there is none. */
  stream = 0;
  endsStream = false;
  readonly #held: HeldBytes;
  #continuations = 0;

  constructor(budget: MemoryBudget) {
    this.#held = new HeldBytes(budget);
  }

  /** The first fragment. False: there is no memory for it. */
  begin(stream: number, endsStream: boolean, bytes: Buffer, at: number, end: number): boolean {
    this.stream = stream;
    this.endsStream = endsStream;
    this.#continuations = 0;
    return this.#held.add(bytes, at, end);
  }

  /** A further fragment. False: there are too many, or no memory. */
  add(bytes: Buffer, at: number, end: number): boolean {
    this.#continuations++;
    return this.#continuations <= MAX_CONTINUATIONS && this.#held.add(bytes, at, end);
  }

  /** The whole block; the next one may begin. */
  take(): Buffer {
    this.stream = 0;
    return this.#held.next(this.#held.length);
  }

  clear(): void {
    this.stream = 0;
    this.#held.clear();
  }
}
