import { Prng } from '../../feeds/simulator/prng.ts';

export interface MalformedFrame {
  readonly what: string;
  readonly bytes: Uint8Array;
}

/** Seeded damage to valid frames. Positions of offsets are those of the frame given: its first `headBytes` bytes hold all of them. */
export class MalformedFrames {
  readonly #prng: Prng;
  readonly #valid: readonly Uint8Array[];
  readonly #headBytes: number;
  readonly #versionAt: number;
  readonly #maxBytes: number;

  constructor(seed: number, valid: readonly Uint8Array[], shape: { headBytes: number; versionAt: number; maxBytes: number }) {
    this.#prng = new Prng(seed);
    this.#valid = valid;
    this.#headBytes = shape.headBytes;
    this.#versionAt = shape.versionAt;
    this.#maxBytes = shape.maxBytes;
  }

  next(): MalformedFrame {
    const prng = this.#prng;
    const bytes = this.#valid[prng.below(this.#valid.length)].slice();
    const view = new DataView(bytes.buffer);
    switch (prng.below(8)) {
      case 0: {
        const random = new Uint8Array(prng.below(300));
        for (let i = 0; i < random.length; i++) random[i] = prng.below(256);
        return { what: 'random bytes', bytes: random };
      }
      case 1:
        return { what: 'truncated', bytes: bytes.slice(0, prng.below(bytes.length)) };
      case 2: {
        if (prng.below(20) !== 0)
          return { what: 'appended', bytes: concat(bytes, new Uint8Array(1 + prng.below(50)).fill(prng.below(256))) };
        return { what: 'oversize', bytes: new Uint8Array(this.#maxBytes + 1 + prng.below(5000)).fill(prng.below(256)) };
      }
      case 3:
        view.setUint16(this.#versionAt, prng.below(65_536), true);
        return { what: 'another version', bytes };
      case 4: {
        const at = 4 * prng.below(this.#headBytes / 4);
        const hostile = [0, 1, 4, bytes.length, bytes.length - 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0xffff_fffc, prng.u32()];
        view.setUint32(at, hostile[prng.below(hostile.length)], true);
        return { what: 'hostile offset', bytes };
      }
      case 5: {
        const at = 2 * prng.below(this.#headBytes / 2);
        view.setUint16(at, prng.below(65_536), true);
        return { what: 'hostile table', bytes };
      }
      case 6:
        for (let flips = 1 + prng.below(8); flips > 0; flips--) bytes[prng.below(bytes.length)] ^= 1 << prng.below(8);
        return { what: 'bit flips', bytes };
      default: {
        // A command's first four bytes are its enums; anything goes there.
        const at = this.#headBytes + 64 * prng.below((bytes.length - this.#headBytes) / 64);
        if (at + 4 <= bytes.length) bytes[at + prng.below(4)] = prng.below(256);
        return { what: 'bad enum', bytes };
      }
    }
  }
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
