import type { Directory } from '../../../engine/threads/directory.ts';
import type { History } from '../../taps/history/history.ts';

/** Where answers about orders come from: the engine's state for what is open, the history for what has ended. */
export interface OrderSources {
  readonly directory: Directory;
  readonly history: History;
}

/** Who asks, for the turns of queries, and how long work is done. */
export interface Asker {
  /** Whose share of the turns the request takes. */
  readonly caller: string;
  /** Runs long work in slices, in turn with that of other callers. */
  readonly inSlices: <T>(work: Generator<undefined, T>) => Promise<T>;
}
