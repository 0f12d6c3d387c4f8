import type { FrameMemory } from '../../engine/wire/report-frames.ts';
import { SendArena } from '../load/send-arena.ts';

const ARENA_BYTES = 2 ** 23;

/** Answers of one connection, one after the other: those to all frames of a read leave in one write. */
export class EchoMemory implements FrameMemory {
  readonly #arena = new SendArena(ARENA_BYTES);

  take(bytes: number): Buffer {
    const at = this.#arena.reserve(bytes);
    return this.#arena.bytes.subarray(at, at + bytes);
  }

  /** The answers made since the last call; may be empty. */
  written(): Buffer {
    return this.#arena.take();
  }
}
