import type { StructList } from '../../engine/wire/market-frames.ts';

/**
 * The state of a channel that is too large to be read and encoded in one turn of the event loop.
 * It is made in a flush, after the pending updates were sent; then `read` runs in steps, between which the book
 * changes, and `follow` gets each later update. In a flush after the end of `read`, `settle` fixes the moment that
 * the snapshot shows. Then `fill` writes the structs, in steps.
 */
export interface DeepSnapshot {
  read(): Generator<undefined, void>;
  /** Takes the updates of a flush, from the making until `settle`. False: there are too many; make a new one. */
  follow(pending: StructList): boolean;
  /** @returns the number of structs at most */
  settle(): number;
  fill(list: StructList): Generator<undefined, void>;
  /** Call it once, when it is not needed any more. */
  end(): void;
}

/** Structs in a snapshot from which on it is made in steps: fewer take less than a slice. */
export const DEEP = 512;
