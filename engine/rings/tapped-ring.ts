import { allocateRing, RingConsumer, type RingHandle, type RingSpec } from './ring.ts';

/** Consumers of a ring, at most. */
const MAX_TAPS = 8;

/** A consumer's position on a ring, sent by `postMessage` to the thread that owns it. */
export interface RingTap {
  readonly ring: RingHandle;
  /** Index of the consumer, from 0. */
  readonly consumer: number;
}

/** The consuming end of a tap, for the calling thread. Create one end per tap: two ends would release each other's slots. */
export function openTap({ ring, consumer }: RingTap): RingConsumer {
  return new RingConsumer(ring, consumer);
}

/** A ring has no such tap, or its list of tap names is invalid. */
export class TapError extends Error {
  readonly code = 'OPENBELL_TAP';
}

/**
 * A ring whose consumers have names. The list of names defines the number of
 * consumers and their indices. Every tap must be read: a slot is reused when the
 * slowest consumer has released it.
 */
export class TappedRing {
  readonly handle: RingHandle;
  readonly names: readonly string[];

  /**
   * @param names of the taps, each once, 1 to 8
   * @throws TapError if a name is empty or occurs twice
   */
  constructor(spec: Omit<RingSpec, 'consumers'>, names: readonly string[]) {
    if (names.length > MAX_TAPS || names.includes('') || new Set(names).size !== names.length)
      throw new TapError(`a ring has up to ${MAX_TAPS} taps, each with a name of its own; not ${JSON.stringify(names)}`);
    this.names = names;
    this.handle = allocateRing({ ...spec, consumers: names.length });
  }

  /** @throws TapError if the ring has no tap of that name */
  tap(name: string): RingTap {
    const consumer = this.names.indexOf(name);
    if (consumer === -1) throw new TapError(`the ring has no tap ${name}, only ${this.names.join(', ')}`);
    return { ring: this.handle, consumer };
  }
}
