import { allocateRing, RingConsumer, type RingHandle, type RingSpec } from './ring.ts';

/** Consumers of a ring, at most. */
const MAX_TAPS = 8;

/** A consumer's place on a ring: what `postMessage` carries to the thread that takes it. */
export interface RingTap {
  readonly ring: RingHandle;
  /** Which of the ring's consumers, from 0. */
  readonly consumer: number;
}

/** The consuming end of a tap, for the thread that calls this. One end per tap: two would release each other's slots. */
export function openTap({ ring, consumer }: RingTap): RingConsumer {
  return new RingConsumer(ring, consumer);
}

/** A ring has no such tap, or its taps cannot be told apart. */
export class TapError extends Error {
  readonly code = 'OPENBELL_TAP';
}

/**
 * A ring whose consumers have names: how many there are, and which is which,
 * stands only in the list that it is made with. Every tap has to be read: a slot
 * is reused when the slowest one has released it.
 */
export class TappedRing {
  readonly handle: RingHandle;
  readonly names: readonly string[];

  /**
   * @param names of the taps, each once, 1 to 8
   * @throws TapError when a name is empty or comes twice
   */
  constructor(spec: Omit<RingSpec, 'consumers'>, names: readonly string[]) {
    if (names.length > MAX_TAPS || names.includes('') || new Set(names).size !== names.length)
      throw new TapError(`a ring has up to ${MAX_TAPS} taps, each with a name of its own; not ${JSON.stringify(names)}`);
    this.names = names;
    this.handle = allocateRing({ ...spec, consumers: names.length });
  }

  /** @throws TapError when the ring was made without it */
  tap(name: string): RingTap {
    const consumer = this.names.indexOf(name);
    if (consumer === -1) throw new TapError(`the ring has no tap ${name}, only ${this.names.join(', ')}`);
    return { ring: this.handle, consumer };
  }
}
